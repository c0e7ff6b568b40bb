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
        assert!(
            stats
                .to_string()
                .ends_with("invalidated=1, invalidated_dependents=3, not_kept=0, leading_policy=None)")
        );
    });
}

#[test]
fn what_is_replaced_leaves_as_such() {
    isolated(|| {
        _ = [1, 2].map(page);
        user::cache_put(1, 10);
        assert_eq!(REMOVED.take(), [(1, RemovalCause::Replaced)]);
        assert_eq!((user::cache_refresh(1), page(1)), (1, 1));
        assert_eq!(REMOVED.take(), [(1, RemovalCause::Replaced), (11, RemovalCause::Invalidated)]);
        assert_eq!([user::cache_stats(), page::cache_stats()].map(invalidations), [(0, 0), (0, 1)]);
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

#[test]
fn inserts_remove_invalid_entries_that_are_not_looked_for() {
    #[lru_cache(maxsize = 1000, tags = |id| [tag("half", id % 2)], on_evict = |id, _, cause| log(*id, cause))]
    fn half(id: u32) -> u32 {
        id
    }

    #[lru_cache(maxsize = None, ttl = 3600, depends = true)]
    fn outer(id: u32) -> u32 {
        half(id)
    }

    isolated(|| {
        (0..40).for_each(|id| _ = outer(id));
        REMOVED.take();
        invalidate(tag("half", 1));
        assert_eq!(half::cache_info().currsize, 40);
        // As many inserts as there are entries look at each of them, and at those that came since.
        (100..140).for_each(|id| _ = outer(2 * id));
        assert_eq!((half::cache_info().currsize, outer::cache_info().currsize), (60, 60));
        let mut removed = REMOVED.take();
        removed.sort_unstable_by_key(|(id, _)| *id);
        let odd: Vec<_> = (0..20).map(|id| (2 * id + 1, RemovalCause::Invalidated)).collect();
        assert_eq!(removed, odd);
        assert_eq!([half::cache_stats(), outer::cache_stats()].map(invalidations), [(20, 0), (0, 20)]);
        assert!((0..20).all(|id| half::cache_contains(2 * id) && outer::cache_contains(2 * id)));
    });
}

#[test]
fn entries_that_nobody_asks_for_survive_many_invalidations_of_others() {
    #[lru_cache(maxsize = 100, tags = |id| [tag("idle", id)])]
    fn idle(id: u32) -> u32 {
        id
    }

    isolated(|| {
        (0..10).for_each(|id| _ = idle(id));
        for round in 0..100_u32 {
            // More than the table of tags has room for, over all rounds.
            (0..500).for_each(|number| drop(invalidate(tag("other", 500 * round + number))));
            (0..10).for_each(|_| idle::cache_put(99, round));
        }
        assert!((0..10).all(idle::cache_contains));
        assert_eq!(invalidations(idle::cache_stats()), (0, 0));
    });
}
