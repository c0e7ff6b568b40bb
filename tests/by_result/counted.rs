//! What the listener and the counters are told of entries that are invalid, and of results that are not kept.

use std::cell::RefCell;
use std::time::Duration;

use functools::{CacheStats, RemovalCause, invalidate, isolated, lru_cache, tag};

thread_local! {
    static REMOVED: RefCell<Vec<(u32, RemovalCause)>> = const { RefCell::new(Vec::new()) };
}

fn log(id: u32, cause: RemovalCause) {
    REMOVED.with_borrow_mut(|removed| removed.push((id, cause)));
}

fn invalidations(stats: CacheStats) -> (u64, u64) {
    (stats.invalidated, stats.invalidated_dependents)
}

#[lru_cache(tags = |id| [tag("user", id)], on_evict = |id, _, cause| log(*id, cause))]
fn user(id: u32) -> u32 {
    id
}

#[lru_cache(depends = true, tags = |id| [tag("page", id)], on_evict = |id, _, cause| log(10 + *id, cause))]
fn page(id: u32) -> u32 {
    user(id)
}

#[test]
fn entries_leave_as_invalidated_by_their_own_tags_or_by_what_they_depend_on() {
    isolated(|| {
        let fill = || _ = [1, 2].map(page);
        fill();
        invalidate(tag("user", 1));
        fill();
        assert_eq!(REMOVED.take(), [(1, RemovalCause::Invalidated), (11, RemovalCause::Invalidated)]);
        assert_eq!([user::cache_stats(), page::cache_stats()].map(invalidations), [(1, 0), (0, 1)]);
        invalidate(tag("page", 2));
        fill();
        assert_eq!(REMOVED.take(), [(12, RemovalCause::Invalidated)]);
        assert_eq!([user::cache_stats(), page::cache_stats()].map(invalidations), [(1, 0), (1, 1)]);
        // Removed by its key: no tag was invalidated.
        assert!(user::cache_invalidate(2));
        fill();
        assert_eq!(REMOVED.take(), [(2, RemovalCause::Invalidated), (12, RemovalCause::Invalidated)]);
        assert_eq!([user::cache_stats(), page::cache_stats()].map(invalidations), [(1, 0), (1, 2)]);
        // What is invalid already is removed, and told so, although it is not found.
        invalidate(tag("user", 1));
        assert!(!user::cache_invalidate(1) && !page::cache_invalidate(1));
        assert_eq!(REMOVED.take(), [(1, RemovalCause::Invalidated), (11, RemovalCause::Invalidated)]);
        assert_eq!([user::cache_stats(), page::cache_stats()].map(invalidations), [(2, 0), (1, 3)]);
        let stats = page::cache_stats();
        assert_eq!((stats.expiries, stats.evictions, stats.superseded), (0, 0, 0));
        assert!(stats.to_string().ends_with("invalidated=1, invalidated_dependents=3, not_kept=0)"));
    });
}

#[test]
fn what_was_read_of_a_failure_counts_as_a_dependency() {
    #[lru_cache(tags = |id, _| [tag("failing", id)])]
    fn failing(id: u32) -> Result<u32, u32> {
        Err(id)
    }

    #[lru_cache(depends = true)]
    fn shown(id: u32) -> u32 {
        failing(id).unwrap_or_else(|error| error)
    }

    isolated(|| {
        shown(1);
        invalidate(tag("unrelated", 1));
        shown(1);
        assert_eq!(invalidations(shown::cache_stats()), (0, 1));
    });
}

#[test]
fn a_result_that_is_invalidated_while_it_is_computed_is_superseded() {
    #[lru_cache(tags = |id| [tag("changing", id)])]
    fn changing(id: u32) -> u32 {
        invalidate(tag("changing", id));
        id
    }

    isolated(|| {
        changing(1);
        let stats = changing::cache_stats();
        assert_eq!((stats.superseded, stats.invalidated), (1, 0));
    });
}

#[test]
fn results_that_are_not_kept_are_counted() {
    #[lru_cache(keep = |_, value| value % 2 == 0)]
    fn even(value: u32) -> u32 {
        value
    }

    #[lru_cache(single_flight = true, ttl = |_, value| Duration::from_secs(u64::from(*value)))]
    fn lived(value: u32) -> u32 {
        value
    }

    #[lru_cache(keep = |_, value| *value > 0)]
    fn failing(value: u32) -> Result<u32, u32> {
        if value == 1 { Err(value) } else { Ok(value) }
    }

    isolated(|| {
        for value in [1, 1, 2, 0] {
            even(value);
            lived(value);
            _ = failing(value);
        }
        let counted = [even::cache_stats(), lived::cache_stats(), failing::cache_stats()];
        assert_eq!(counted.map(|stats| stats.not_kept), [2, 1, 1]);
        even::cache_put(3, 3);
        assert_eq!(even::cache_stats().not_kept, 2);
        even::cache_clear();
        assert_eq!(even::cache_stats().not_kept, 0);
    });
}
