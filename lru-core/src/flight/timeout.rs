//! Timeouts: wakes a task at a given time.
//!
//! One thread serves the whole program. It exists while there is something to wait for, and some seconds
//! longer. It only calls wakers, so it serves tasks of any executor.

use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::BTreeMap;
use std::string::String;
use std::thread;

use parking_lot::{Condvar, Mutex};

use crate::panics::catch_and_discard;
use crate::time::Instant;

struct Wakeups {
    by_time: BTreeMap<(Instant, u64), Waker>,
    serial: u64,
    has_thread: bool,
}

static WAKEUPS: Mutex<Wakeups> =
    Mutex::new(Wakeups { by_time: BTreeMap::new(), serial: 0, has_thread: false });
static CHANGED: Condvar = Condvar::new();

/// How long the thread exists after the last wake-up.
const IDLE: Duration = Duration::from_secs(5);

/// Wakes a task at a given time, unless dropped before.
#[must_use]
pub(crate) struct Wakeup((Instant, u64));

impl Wakeup {
    pub(crate) fn at(time: Instant, waker: Waker) -> Self {
        let mut wakeups = WAKEUPS.lock();
        wakeups.serial += 1;
        let this = (time, wakeups.serial);
        wakeups.by_time.insert(this, waker);
        let is_first = wakeups.by_time.first_key_value().is_some_and(|(first, _)| *first == this);
        if !wakeups.has_thread {
            let thread = thread::Builder::new().name(String::from("functools-timeout"));
            wakeups.has_thread = thread.spawn(run).is_ok();
        } else if is_first {
            CHANGED.notify_all();
        }
        Self(this)
    }

    pub(super) fn time(&self) -> Instant {
        self.0.0
    }
}

impl Drop for Wakeup {
    fn drop(&mut self) {
        let waker = WAKEUPS.lock().by_time.remove(&self.0);
        drop(waker);
    }
}

/// A pause, to be polled.
pub(crate) struct Sleep {
    end: Instant,
    wakeup: Option<Wakeup>,
}

impl Sleep {
    #[cfg(feature = "backend")]
    pub(crate) fn new(time: Duration) -> Self {
        Self::until(now() + time)
    }

    pub(crate) fn until(end: Instant) -> Self {
        Self { end, wakeup: None }
    }

    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        if now() >= self.end {
            return Poll::Ready(());
        }
        self.wakeup = Some(Wakeup::at(self.end, context.waker().clone()));
        Poll::Pending
    }
}

/// Returns whether tasks are woken: not if the program cannot start a thread.
pub(crate) fn wakes() -> bool {
    WAKEUPS.lock().has_thread
}

fn run() {
    let mut wakeups = WAKEUPS.lock();
    loop {
        let now = now();
        let later = wakeups.by_time.split_off(&(now, u64::MAX));
        let due = core::mem::replace(&mut wakeups.by_time, later);
        if !due.is_empty() {
            drop(wakeups);
            for waker in due.into_values() {
                // They may belong to different executors: a panic of one must not keep others from being
                // woken.
                catch_and_discard(|| waker.wake());
            }
            wakeups = WAKEUPS.lock();
            continue;
        }
        let next =
            wakeups.by_time.first_key_value().map(|(&(time, _), _)| time.saturating_duration_since(now));
        let waited = CHANGED.wait_for(&mut wakeups, next.unwrap_or(IDLE));
        if next.is_none() && waited.timed_out() && wakeups.by_time.is_empty() {
            wakeups.has_thread = false;
            return;
        }
    }
}

pub(crate) fn now() -> Instant {
    advanced(Instant::now())
}

/// Returns the time by which timeouts are measured, from the time of the clock.
#[cfg(not(any(test, feature = "testing")))]
pub(crate) fn advanced(time: Instant) -> Instant {
    time
}

#[cfg(feature = "testing")]
pub use manual::advance;
#[cfg(all(test, not(feature = "testing")))]
pub(super) use manual::advance;
#[cfg(any(test, feature = "testing"))]
pub(crate) use manual::advanced;

/// The time that tests can advance.
#[cfg(any(test, feature = "testing"))]
mod manual {
    use crate::time::Instant;
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use core::time::Duration;

    use super::{CHANGED, WAKEUPS};

    static ADVANCED: AtomicU64 = AtomicU64::new(0);

    pub(crate) fn advanced(time: Instant) -> Instant {
        time + Duration::from_nanos(ADVANCED.load(Relaxed))
    }

    /// Advances the time by which `flight_timeout` is measured, for tests.
    ///
    /// The time is advanced at once for all calls of this program that wait for another call. The clocks by
    /// which results expire are separate: set those by `timer`.
    #[cfg_attr(not(feature = "testing"), expect(unreachable_pub, reason = "public with the feature only"))]
    pub fn advance(time: Duration) {
        let wakeups = WAKEUPS.lock();
        ADVANCED.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        CHANGED.notify_all();
        drop(wakeups);
    }
}
