//! `depends = true` without a `ttl`: a result expires with the first of those that it was computed from.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use functools::{RemovalCause, isolated, lru_cache};

use crate::support::{advance, now};

/// Waits for a deadline of the system's clock that is near.
fn until_past(is_past: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_past() {
        assert!(start.elapsed() < Duration::from_secs(60), "the deadline is near");
        thread::yield_now();
    }
}

#[lru_cache(ttl = |_, _| Duration::from_millis(20), tags = |id, _| [functools::tag("short", id)])]
fn short(id: u32) -> u32 {
    id
}

#[lru_cache(ttl = 3600, tags = |id| [functools::tag("long", id)])]
fn long(id: u32) -> u32 {
    id
}

thread_local! {
    static REMOVED: std::cell::RefCell<Vec<RemovalCause>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[test]
fn a_result_expires_with_the_first_that_it_was_computed_from() {
    #[lru_cache(depends = true)]
    fn both(id: u32) -> u32 {
        short(id) + long(id)
    }

    #[lru_cache(depends = true, on_evict = |_, _, cause| REMOVED.with_borrow_mut(|removed| removed.push(cause)))]
    fn outer(id: u32) -> u32 {
        both(id)
    }

    #[lru_cache(depends = true)]
    fn of_long(id: u32) -> u32 {
        long(id)
    }

    isolated(|| {
        // The first call of a pair computes what it reads, and the second one hits it.
        for _ in 0..2 {
            assert_eq!((outer(1), of_long(1)), (2, 1));
        }
        until_past(|| !outer::cache_contains(1));
        assert!(!both::cache_contains(1) && !short::cache_contains(1) && of_long::cache_contains(1));
        assert_eq!((outer::cache_peek(1), outer::cache_entries().len()), (None, 0));
        let misses = outer::cache_info().misses;
        outer(1);
        assert_eq!(outer::cache_info().misses, misses + 1);
        assert_eq!(*REMOVED.take().last().unwrap(), RemovalCause::Expired);
        let stats = outer::cache_stats();
        assert_eq!((stats.invalidated, stats.invalidated_dependents), (0, 0));
    });
}

#[test]
fn a_time_to_live_of_its_own_counts() {
    #[lru_cache(depends = true, ttl = 3600)]
    fn hour(id: u32) -> u32 {
        short(id)
    }

    #[lru_cache(depends = true, ttl = |_, _| None::<u64>)]
    fn for_ever(id: u32) -> u32 {
        short(id)
    }

    #[lru_cache(depends = true)]
    fn outer(id: u32) -> u32 {
        hour(id) + for_ever(id)
    }

    isolated(|| {
        outer(1);
        until_past(|| !short::cache_contains(1));
        assert!(hour::cache_contains(1) && for_ever::cache_contains(1) && outer::cache_contains(1));
    });
}

#[test]
fn what_is_not_to_be_kept_at_all_is_not_kept_by_what_reads_it() {
    #[lru_cache(ttl = |_, value| *value, tags = |id, _| [functools::tag("none", id)])]
    fn none(id: u32) -> u32 {
        id
    }

    #[lru_cache(keep = |_, _| false, tags = |id, _| [functools::tag("unkept", id)])]
    fn unkept(id: u32) -> u32 {
        id
    }

    #[lru_cache(depends = true)]
    fn outer(id: u32) -> u32 {
        none(id) + unkept(id)
    }

    isolated(|| {
        _ = (outer(0), outer(10));
        assert!(!outer::cache_contains(0) && outer::cache_contains(10));
        let stats = outer::cache_stats();
        assert_eq!((stats.superseded, stats.not_kept), (0, 0));
    });
}

#[test]
fn a_stale_result_leads_to_none_that_is_kept() {
    static FAILS: AtomicBool = AtomicBool::new(false);

    #[lru_cache(ttl = |_, _| Duration::from_millis(20), stale_if_error = 3600, tags = |id, _| [functools::tag("old", id)])]
    fn old(id: u32) -> Result<u32, u32> {
        if FAILS.load(SeqCst) { Err(id) } else { Ok(id) }
    }

    #[lru_cache(depends = true)]
    fn outer(id: u32) -> u32 {
        old(id).unwrap()
    }

    isolated(|| {
        outer(1);
        FAILS.store(true, SeqCst);
        until_past(|| !outer::cache_contains(1));
        assert_eq!((outer(1), outer::cache_contains(1)), (1, false));
    });
}

#[test]
fn a_timer_of_another_kind_is_not_taken_over() {
    #[lru_cache(ttl = 60, timer = now, tags = |id| [functools::tag("timed", id)])]
    fn timed(id: u32) -> u32 {
        id
    }

    #[lru_cache(depends = true)]
    fn outer(id: u32) -> u32 {
        timed(id)
    }

    #[lru_cache(depends = true, tti = 60, timer = now)]
    fn idle(id: u32) -> u32 {
        short(id)
    }

    isolated(|| {
        _ = (outer(1), idle(1));
        advance(Duration::from_secs(59));
        // The system's clock is looked at, whatever the function's own timer is.
        until_past(|| !idle::cache_contains(1));
        advance(Duration::from_secs(2));
        assert!(!timed::cache_contains(1) && outer::cache_contains(1));
    });
}

/// Computes from a result that is not stored, and waits until that would have expired.
macro_rules! outer_of {
    ($inner:ident) => {{
        #[lru_cache(depends = true)]
        fn outer(id: u32) -> u32 {
            $inner(id)
        }

        isolated(|| {
            assert_eq!(outer(1), 1);
            assert!(!$inner::cache_contains(1));
            until_past(|| !outer::cache_contains(1));
            assert_eq!(outer::cache_stats().invalidated_dependents, 0);
        });
    }};
}

#[test]
fn the_deadline_of_a_result_that_is_not_stored_counts() {
    #[lru_cache(ttl = |_, _| Duration::from_millis(20), keep = |_, _| false, tags = |id| [functools::tag("not kept", id)])]
    fn not_kept(id: u32) -> u32 {
        id
    }

    #[lru_cache(ttl = 0.02, keep = |_, _| false, depends = true, single_flight = true)]
    fn coalesced(id: u32) -> u32 {
        id
    }

    #[lru_cache(ttl = 0.02, maxsize = 0, tags = |_, value| [functools::tag("nowhere", value)])]
    fn nowhere(id: u32) -> u32 {
        id
    }

    #[lru_cache(ttl = 0.02, maxsize = 0, depends = true, single_flight = true)]
    fn nowhere_coalesced(id: u32) -> u32 {
        id
    }

    outer_of!(not_kept);
    outer_of!(coalesced);
    outer_of!(nowhere);
    outer_of!(nowhere_coalesced);
}

#[test]
fn a_time_to_live_of_zero_is_over_for_calls_that_share_too() {
    #[lru_cache(ttl = |_, _| 0, single_flight = true, tags = |id| [functools::tag("over", id)])]
    fn over(id: u32) -> u32 {
        id
    }

    #[lru_cache(depends = true)]
    fn outer(id: u32) -> u32 {
        over(id)
    }

    isolated(|| {
        outer(1);
        assert!(!outer::cache_contains(1));
    });
}
