//! Code of users that calls the function while a call of it computes: it never waits for that call.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::future::{Future, poll_fn};
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use functools::lru_cache;

use crate::support::in_time;

thread_local! {
    /// Whether code of keys and results calls the function.
    static CALLS: Cell<bool> = const { Cell::new(false) };
    /// Whether such a call runs: those in it are not followed by others.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static CALLED: Cell<u32> = const { Cell::new(0) };
    static WAITED: Cell<u32> = const { Cell::new(0) };
}

/// Calls the function from the code of a key or a result, if that is wanted.
fn call() {
    if !CALLS.get() || INSIDE.replace(true) {
        return;
    }
    CALLED.set(CALLED.get() + 1);
    let mut call = pin!(nosy(ids()));
    if call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        WAITED.set(WAITED.get() + 1);
    }
    INSIDE.set(false);
}

/// A key or a result whose methods call the function.
#[derive(Debug)]
struct Nosy(u32);

impl Clone for Nosy {
    fn clone(&self) -> Self {
        call();
        Self(self.0)
    }
}

impl PartialEq for Nosy {
    fn eq(&self, other: &Self) -> bool {
        call();
        self.0 == other.0
    }
}

impl Eq for Nosy {}

impl Hash for Nosy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        call();
        self.0.hash(state);
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        call();
    }
}

fn ids() -> HashSet<Nosy> {
    [1, 2, 3].into_iter().map(Nosy).collect()
}

/// Waits once, if a test polls it.
async fn pause() {
    let mut has_waited = INSIDE.get();
    poll_fn(|_| if core::mem::replace(&mut has_waited, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}

// What the calls from there compute is not kept: each of them misses.
#[lru_cache(each = ids, maxsize = None, keep = |_id, _value| !INSIDE.get())]
async fn nosy(ids: HashSet<Nosy>) -> HashMap<Nosy, Nosy> {
    let _held = Nosy(0);
    pause().await;
    if PANICS.get() && !INSIDE.get() {
        resume_unwind(Box::new("a panic of the body"));
    }
    // One more than was asked for.
    let more = [(Nosy(9), Nosy(9))];
    ids.into_iter().map(|id| (Nosy(id.0), Nosy(id.0 * 10))).chain(more).collect()
}

thread_local!(static PANICS: Cell<bool> = const { Cell::new(false) });

/// Runs `test` with keys and results that call the function.
fn with_calls(test: impl FnOnce() + Send) {
    let _time = in_time();
    let run = || {
        nosy::cache_clear();
        test();
        CALLS.set(false);
        assert!(CALLED.get() > 10, "{} calls", CALLED.get());
        assert_eq!(WAITED.get(), 0, "of {} calls", CALLED.get());
        assert_eq!(nosy::__memo(&()).in_flight(), (0, 0));
    };
    // One test at a time: they share the function.
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|payload| resume_unwind(payload));
}

#[test]
fn calls_from_keys_and_results_do_not_wait_for_the_call_that_computes_them() {
    with_calls(|| {
        CALLS.set(true);
        let mut call = pin!(nosy(ids()));
        let mut poll = || call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let mut result = poll();
        while result.is_pending() {
            result = poll();
        }
        let Poll::Ready(result) = result else { unreachable!() };
        let mut values: Vec<u32> = result.values().map(|value| value.0).collect();
        values.sort_unstable();
        assert_eq!(values, [10, 20, 30]);
    });
}

#[test]
fn calls_from_what_a_cancelled_call_drops_do_not_wait() {
    with_calls(|| {
        let mut call = Box::pin(nosy(ids()));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        CALLS.set(true);
        drop(call);
    });
}

#[test]
fn calls_from_what_a_panic_drops_do_not_wait() {
    with_calls(|| {
        PANICS.set(true);
        let mut call = Box::pin(nosy(ids()));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        CALLS.set(true);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
        }));
        assert!(polled.is_err());
    });
}
