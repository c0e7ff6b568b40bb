//! A clock of the test's thread, and a watchdog.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(Duration::from_secs(1)) };
}

/// Returns the time of this thread.
pub(crate) fn now() -> Duration {
    NOW.get()
}

/// Advances the time of this thread.
pub(crate) fn advance(span: Duration) {
    NOW.set(NOW.get() + span);
}

/// Yields until the condition holds, and panics if it does not.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    within(async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Awaits a future for at most a minute.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("the test does not hang")
}
