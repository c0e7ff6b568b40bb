//! Async connections for plain functions: where the client has no blocking connection that keeps a deadline, with TLS and
//! in a cluster.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::background::runtime;

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks this thread until the future is ready. Its connections belong to the runtime of this library, so this thread may be one of
/// another runtime.
pub(super) fn wait_for<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let _entered = runtime()?.enter();
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return Ok(value),
            Poll::Pending => thread::park(),
        }
    }
}
