//! Wakes those who wait for somebody whose time is over.
//!
//! One thread for the whole program: there while somebody waits, and some seconds more. It knows
//! wakers only, so that tasks of any executor can be woken.

use core::task::Waker;
#[cfg(feature = "backend")]
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::BTreeMap;
use std::string::String;
use std::thread;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::flight::catch::contained;

struct Alarms {
    by_time: BTreeMap<(Instant, u64), Waker>,
    serial: u64,
    is_watched: bool,
}

static ALARMS: Mutex<Alarms> = Mutex::new(Alarms { by_time: BTreeMap::new(), serial: 0, is_watched: false });
static CHANGED: Condvar = Condvar::new();

/// How long the thread is there when nobody waits any more.
const IDLE: Duration = Duration::from_secs(5);

/// Somebody is woken at a time, unless this is dropped before.
#[must_use]
pub(super) struct Alarm((Instant, u64));

impl Alarm {
    pub(super) fn at(time: Instant, whom: Waker) -> Self {
        let mut alarms = ALARMS.lock();
        alarms.serial += 1;
        let this = (time, alarms.serial);
        alarms.by_time.insert(this, whom);
        let is_first = alarms.by_time.first_key_value().is_some_and(|(first, _)| *first == this);
        if !alarms.is_watched {
            let watcher = thread::Builder::new().name(String::from("functools-alarm"));
            alarms.is_watched = watcher.spawn(watch).is_ok();
        } else if is_first {
            CHANGED.notify_all();
        }
        Self(this)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let waker = ALARMS.lock().by_time.remove(&self.0);
        drop(waker);
    }
}

/// Some time that passes.
#[cfg(feature = "backend")]
pub(crate) struct Nap {
    end: Instant,
    alarm: Option<Alarm>,
}

#[cfg(feature = "backend")]
impl Nap {
    pub(crate) fn of(time: Duration) -> Self {
        Self { end: now() + time, alarm: None }
    }

    /// Has the task woken when it is over.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        if now() >= self.end {
            return Poll::Ready(());
        }
        self.alarm = Some(Alarm::at(self.end, context.waker().clone()));
        Poll::Pending
    }
}

fn watch() {
    let mut alarms = ALARMS.lock();
    loop {
        let now = now();
        let later = alarms.by_time.split_off(&(now, u64::MAX));
        let due = core::mem::replace(&mut alarms.by_time, later);
        if !due.is_empty() {
            drop(alarms);
            for waker in due.into_values() {
                // Of another executor each: a panic is none of the others' business.
                contained(|| waker.wake());
            }
            alarms = ALARMS.lock();
            continue;
        }
        let next =
            alarms.by_time.first_key_value().map(|(&(time, _), _)| time.saturating_duration_since(now));
        let waited = CHANGED.wait_for(&mut alarms, next.unwrap_or(IDLE));
        if next.is_none() && waited.timed_out() && alarms.by_time.is_empty() {
            alarms.is_watched = false;
            return;
        }
    }
}

#[cfg(not(feature = "testing"))]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[cfg(feature = "testing")]
pub(crate) use testing::now;
#[cfg(feature = "testing")]
pub use testing::pass;

/// Time that a test makes pass.
#[cfg(feature = "testing")]
mod testing {
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use core::time::Duration;
    use std::time::Instant;

    use super::{ALARMS, CHANGED};

    static PASSED: AtomicU64 = AtomicU64::new(0);

    pub(crate) fn now() -> Instant {
        Instant::now() + Duration::from_nanos(PASSED.load(Relaxed))
    }

    /// Makes time pass for those who wait for another call: for tests of `flight_timeout`. Only with
    /// the feature `testing`.
    ///
    /// All who wait in this program are a little later, at once. The clocks by which results expire are
    /// not moved: these are given by `timer`.
    pub fn pass(time: Duration) {
        let alarms = ALARMS.lock();
        PASSED.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        CHANGED.notify_all();
        drop(alarms);
    }
}
