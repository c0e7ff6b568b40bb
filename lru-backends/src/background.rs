//! A runtime of this library, for connections that belong to no other: of plain functions to Redis with TLS or to a cluster,
//! and those that many runtimes share.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::LazyLock;
use std::thread;

use tokio::runtime::{Builder, Handle};

/// The runtime of these connections. Its thread runs for as long as the process.
static RUNTIME: LazyLock<Option<Handle>> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    let handle = runtime.handle().clone();
    let run = move || runtime.block_on(std::future::pending::<()>());
    thread::Builder::new().name("cache connections".to_owned()).spawn(run).ok()?;
    Some(handle)
});

/// Returns the runtime.
pub(crate) fn runtime() -> io::Result<&'static Handle> {
    RUNTIME.as_ref().ok_or_else(|| io::Error::other("no thread can be started"))
}

/// Runs a task in the runtime.
#[cfg(feature = "redis-sentinel")]
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    drop(runtime()?.spawn(task));
    Ok(())
}

/// Runs a future in the task of another runtime. What it opens or spawns belongs to this runtime.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = runtime()?;
    let mut future = pin!(future);
    let polled = poll_fn(|context| {
        let _entered = runtime.enter();
        future.as_mut().poll(context)
    });
    Ok(polled.await)
}
