//! Tags, of each element its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use functools::{ManualClock, Tag, depends_on, invalidate, isolated, lru_cache, tag};

use crate::support::Asked;

/// What a body does while it runs.
static MEANWHILE: Mutex<Option<fn()>> = Mutex::new(None);

#[test]
fn a_tag_by_arguments_is_that_of_an_element() {
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, tags = |group, id| [tag("each_group", group), tag("each_id", id)])]
    fn named(group: &str, ids: &[u32]) -> Vec<String> {
        ASKED.add(ids.to_vec());
        ids.iter().map(|id| format!("{group}{id}")).collect()
    }

    let all = ["a1", "a2", "a3"];
    assert_eq!(named("a", &[1, 2, 3]), all);
    assert_eq!(named("b", &[1]), ["b1"]);
    assert_eq!(ASKED.take(), [vec![1, 2, 3], vec![1]]);
    drop(invalidate(tag("each_id", 2)));
    assert_eq!(named("a", &[1, 2, 3]), all);
    assert_eq!(ASKED.take(), [[2]]);
    drop(invalidate(tag("each_id", 1)));
    assert!(
        !named::cache_contains("a", 1) && !named::cache_contains("b", 1) && named::cache_contains("a", 2)
    );
    assert_eq!(named::cache_peek_many("a", &[1, 2]), [None, Some("a2".to_owned())]);
    assert_eq!(
        (named("b", &[1]), named("a", &[3, 2, 1])),
        (vec!["b1".to_owned()], all.map(str::to_owned).into_iter().rev().collect())
    );
    assert_eq!(ASKED.take(), [[1], [1]]);
    named::cache_invalidate_tag(tag("each_group", "a"));
    assert_eq!((named("b", &[1]).len(), named("a", &[3, 2, 1]).len()), (1, 3));
    assert_eq!(ASKED.take(), [[3, 2, 1]]);
    let info = named::cache_info();
    assert_eq!((info.hits, info.misses), (5, 10));
}

#[test]
fn a_tag_by_result_is_that_of_an_element() {
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[derive(Clone, Debug, PartialEq)]
    struct User {
        team: u8,
    }

    #[lru_cache(each = ids, tags = |_id, user| user.as_ref().map(|user| tag("each_team", user.team)))]
    fn users(ids: Vec<u32>) -> HashMap<u32, User> {
        ASKED.add(ids.clone());
        ids.into_iter()
            .filter(|id| *id < 10)
            .map(|id| (id, User { team: u8::try_from(id % 3).unwrap() }))
            .collect()
    }

    assert_eq!(users(vec![1, 2, 3, 4, 12]).len(), 4);
    assert_eq!(users(vec![4, 3, 2, 1, 12]).len(), 4);
    assert_eq!(ASKED.take(), [[1, 2, 3, 4, 12]]);
    drop(invalidate(tag("each_team", 1)));
    assert_eq!(users(vec![4, 3, 2, 1, 12]).len(), 4);
    assert_eq!(ASKED.take(), [[4, 1]]);
    users::cache_put_many(vec![(1, Some(User { team: 7 })), (20, Some(User { team: 7 }))]);
    drop(invalidate(tag("each_team", 1)));
    assert_eq!(users(vec![1, 20])[&20], User { team: 7 });
    assert!(ASKED.take().is_empty());
    drop(invalidate(tag("each_team", 7)));
    assert_eq!(users(vec![1, 20, 2]).len(), 2);
    assert_eq!(ASKED.take(), [[1, 20]]);
}

#[test]
fn what_is_invalidated_while_the_body_runs_is_not_stored() {
    static ASKED: Asked<Vec<u32>> = Asked::new();

    fn run(id: u32) -> Vec<u32> {
        computed(&[id, id + 1, id + 2])
    }

    #[lru_cache(each = ids, tags = |id| [tag("each_meanwhile", id)])]
    fn computed(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        if let Some(meanwhile) = MEANWHILE.lock().unwrap().take() {
            meanwhile();
        }
        ids.to_vec()
    }

    *MEANWHILE.lock().unwrap() = Some(|| drop(invalidate(tag("each_meanwhile", 2))));
    assert_eq!(run(1), [1, 2, 3]);
    assert_eq!(run(1), [1, 2, 3]);
    assert_eq!(run(1), [1, 2, 3]);
    assert_eq!(ASKED.take(), [vec![1, 2, 3], vec![2]]);
    let info = computed::cache_info();
    assert_eq!((info.hits, info.misses, info.currsize), (5, 4, 3));
    assert_eq!(computed::cache_stats().superseded, 1);
}

#[test]
fn an_error_of_an_element_has_tags_too() {
    static VERSION: AtomicU32 = AtomicU32::new(0);
    static PAGES: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, tags = |id| [tag("each_error", id)])]
    fn versions(ids: &[u32]) -> Vec<Result<u32, u32>> {
        let version = VERSION.load(SeqCst);
        ids.iter().map(|id| if id % 2 == 0 { Ok(version) } else { Err(version) }).collect()
    }

    #[lru_cache(depends = true)]
    fn page(first: u32) -> String {
        PAGES.fetch_add(1, SeqCst);
        format!("{:?}", versions(&[first, first + 1]))
    }

    assert_eq!((page(1), page(1)), ("[Err(0), Ok(0)]".to_owned(), "[Err(0), Ok(0)]".to_owned()));
    VERSION.store(1, SeqCst);
    drop(invalidate(tag("each_other", 1)));
    assert_eq!(page(1), "[Err(0), Ok(0)]", "the tags of an error are known");
    drop(invalidate(tag("each_error", 1)));
    assert_eq!(page(1), "[Err(1), Ok(0)]");
    assert_eq!(PAGES.load(SeqCst), 2);
}

#[test]
fn tags_are_those_of_an_isolation() {
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, tags = |id| [tag("each_isolated", id)])]
    fn apart(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        ids.to_vec()
    }

    apart(&[1, 2]);
    isolated(|| {
        apart(&[1, 2]);
        drop(invalidate(tag("each_isolated", 1)));
        apart(&[1, 2]);
    });
    apart(&[1, 2]);
    assert_eq!(ASKED.take(), [vec![1, 2], vec![1, 2], vec![1]]);
}

#[test]
fn tags_go_with_other_options() {
    static ASKED: Asked<Vec<u32>> = Asked::new();

    fn tags(id: u32) -> Vec<Tag> {
        vec![tag("each_option", id)]
    }

    #[lru_cache(
        each = ids,
        maxsize = 100,
        shards = 2,
        weight = |_, _| 2,
        ttl = |_, _| 60,
        keep = |id, _| *id != 3,
        single_flight = true,
        tags = |id| tags(*id)
    )]
    fn weighed(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        depends_on(tag("each_option", "is in no frame"));
        ids.to_vec()
    }

    assert_eq!(weighed(&[1, 2, 3]), [1, 2, 3]);
    assert_eq!(weighed(&[1, 2, 3]), [1, 2, 3]);
    drop(invalidate(tag("each_option", 1)));
    assert_eq!(weighed(&[1, 2, 3]), [1, 2, 3]);
    assert_eq!(ASKED.take(), [vec![1, 2, 3], vec![3], vec![1, 3]]);
    assert_eq!(weighed::cache_info().currsize, 4);

    #[lru_cache(each = ids, scope = thread, tags = |_, value| [tag("each_thread", value)])]
    fn of_thread(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        ids.to_vec()
    }
    of_thread(&[1, 2]);
    drop(invalidate(tag("each_thread", 2)));
    of_thread(&[1, 2]);
    assert_eq!(ASKED.take(), [vec![1, 2], vec![2]]);

    #[lru_cache(each = ids, maxsize = 0, single_flight = true, tags = |_, value| [tag("each_thread", value)])]
    fn nowhere(ids: &[u32]) -> Vec<u32> {
        ids.to_vec()
    }
    assert_eq!((nowhere(&[1, 2]), nowhere(&[1])), (vec![1, 2], vec![1]));
}

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

fn now() -> Duration {
    functools::Clock::now(&*CLOCK)
}

/// Waits until a condition holds, for a minute at most.
#[track_caller]
fn until(holds: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "the test does not hang");
        std::thread::yield_now();
    }
}

#[test]
fn refreshed_elements_have_tags() {
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static VERSION: AtomicU32 = AtomicU32::new(0);
    static PAGES: Asked<u32> = Asked::new();

    #[lru_cache(tags = |_| [tag("each_source", ())])]
    fn source(n: u32) -> u32 {
        VERSION.load(SeqCst) + n
    }

    #[lru_cache(each = ids, ttl = 10, swr = 1000, timer = now, tags = |id, _| [tag("each_refreshed", id)], depends = true)]
    fn refreshed(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        if let Some(meanwhile) = REFRESHING.lock().unwrap().take() {
            meanwhile();
        }
        ids.iter().map(|id| id * 10 + source(0)).collect()
    }

    #[lru_cache(depends = true)]
    fn page(first: u32) -> u32 {
        PAGES.add(first);
        refreshed(&[first])[0]
    }

    static REFRESHING: Mutex<Option<fn()>> = Mutex::new(None);
    let refreshes = || refreshed::cache_stats().refreshes;

    assert_eq!(refreshed(&[1, 2, 3]), [10, 20, 30]);
    // Stale elements of which one is invalid.
    drop(invalidate(tag("each_refreshed", 2)));
    CLOCK.advance(Duration::from_secs(11));
    assert_eq!(refreshed(&[1, 2, 3]), [10, 20, 30]);
    until(|| refreshes() == 2);
    let mut asked = ASKED.take();
    asked.sort();
    assert_eq!(asked, [vec![1, 2, 3], vec![1, 3], vec![2]]);
    // The new entries have tags, and depend on what the refresh has read.
    assert_eq!((page(1), refreshed(&[1, 2, 3])), (10, vec![10, 20, 30]));
    drop(invalidate(tag("each_refreshed", 3)));
    assert_eq!((page(1), refreshed(&[1, 2, 3])), (10, vec![10, 20, 30]));
    assert_eq!((ASKED.take(), PAGES.take()), (vec![vec![3]], vec![1]));
    VERSION.store(1, SeqCst);
    drop(invalidate(tag("each_source", ())));
    assert_eq!((page(1), refreshed(&[1, 2, 3])), (11, vec![11, 21, 31]));
    assert_eq!((ASKED.take(), PAGES.take()), (vec![vec![1], vec![2, 3]], vec![1]));
    // What is invalidated during the refresh is not stored.
    CLOCK.advance(Duration::from_secs(11));
    *REFRESHING.lock().unwrap() = Some(|| drop(invalidate(tag("each_refreshed", 1))));
    assert_eq!(refreshed(&[1, 2]), [11, 21]);
    until(|| refreshes() == 4);
    assert_eq!(ASKED.take(), [[1, 2]]);
    assert!(!refreshed::cache_contains(1) && refreshed::cache_contains(2));
}

static KEPT_CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

fn now_of_kept() -> Duration {
    functools::Clock::now(&*KEPT_CLOCK)
}

#[test]
fn kept_results_that_are_invalid_do_not_stand_in_for_an_error() {
    static FAILS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, ttl = 10, stale_if_error = 1000, timer = now_of_kept, single_flight = true, tags = |id| [tag("each_kept", id)])]
    fn failing(ids: &[u32]) -> Result<Vec<u32>, u32> {
        let version = FAILS.load(SeqCst);
        if version > 0 { Err(version) } else { Ok(ids.to_vec()) }
    }

    #[lru_cache(each = ids, ttl = 10, stale_if_error = 1000, timer = now_of_kept, single_flight = true, tags = |_, id| [tag("each_kept", id)])]
    fn failing_each(ids: &[u32]) -> Vec<Result<u32, u32>> {
        let version = FAILS.load(SeqCst);
        ids.iter().map(|id| if version > 0 { Err(version) } else { Ok(*id) }).collect()
    }

    #[lru_cache(depends = true)]
    fn page(first: u32) -> String {
        format!("{:?} {:?}", failing(&[first]), failing_each(&[first, 2]))
    }

    assert_eq!((failing(&[1, 2]), failing_each(&[1, 2])), (Ok(vec![1, 2]), vec![Ok(1), Ok(2)]));
    FAILS.store(7, SeqCst);
    KEPT_CLOCK.advance(Duration::from_secs(11));
    assert_eq!((failing(&[1, 2]), failing_each(&[1, 2])), (Ok(vec![1, 2]), vec![Ok(1), Ok(2)]));
    assert_eq!(page(2), "Ok([2]) [Ok(2), Ok(2)]");
    drop(invalidate(tag("each_kept", 1)));
    assert_eq!((failing(&[1, 2]), failing_each(&[1, 2])), (Err(7), vec![Err(7), Ok(2)]));
    drop(invalidate(tag("each_kept", 2)));
    assert_eq!(page(2), "Err(7) [Err(7), Err(7)]");
}
