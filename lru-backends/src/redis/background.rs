//! Async connections for plain functions: where the client has no blocking connection that keeps a deadline, with TLS and
//! in a cluster.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, Handle};

/// The runtime of these connections. Its thread runs for as long as the process.
static RUNTIME: LazyLock<Option<Handle>> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    let handle = runtime.handle().clone();
    let run = move || runtime.block_on(std::future::pending::<()>());
    thread::Builder::new().name("redis connections".to_owned()).spawn(run).ok()?;
    Some(handle)
});

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks this thread until the future is ready. Its connections belong to the runtime, so this thread may be one of
/// another runtime.
pub(super) fn wait_for<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = RUNTIME.as_ref().ok_or_else(|| io::Error::other("no thread can be started"))?;
    let _entered = runtime.enter();
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return Ok(value),
            Poll::Pending => thread::park(),
        }
    }
}
