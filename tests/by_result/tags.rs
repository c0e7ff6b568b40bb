//! `tags`: results that are invalidated together, and not served or stored afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;

use functools::{RemovalCause, Tag, cache, invalidate, isolated, lru_cache, tag};

use crate::support::{advance, now, until, within};

fn counts(info: functools::CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

#[derive(Clone, Debug, PartialEq)]
struct User {
    id: u32,
    team: u8,
}

#[test]
fn a_tag_invalidates_results_of_all_functions() {
    #[lru_cache(tags = |id, user| [tag("user", id), tag("team", user.team)])]
    fn user(id: u32) -> User {
        User { id, team: u8::try_from(id % 2).unwrap() }
    }

    #[cache(tags = |team| [tag("team", team)])]
    fn names(team: u64) -> Vec<String> {
        vec![format!("of {team}")]
    }

    #[lru_cache]
    fn untagged(id: u32) -> u32 {
        id
    }

    isolated(|| {
        let call = || {
            for id in 1..=4 {
                user(id);
                untagged(id);
            }
            names(0);
            names(1);
        };
        call();
        call();
        assert_eq!(counts(user::cache_info()), (4, 4, 4));
        invalidate(tag("team", 1));
        assert!(!user::cache_contains(1) && user::cache_contains(2) && !user::cache_contains(3));
        assert_eq!((user::cache_peek(1), user::cache_peek(2).map(|user| user.id)), (None, Some(2)));
        assert!(!names::cache_contains(1) && names::cache_contains(0));
        assert_eq!(user::cache_entries().len(), 2);
        call();
        assert_eq!(counts(user::cache_info()), (6, 6, 4));
        assert_eq!(counts(names::cache_info()), (3, 3, 2));
        assert_eq!(counts(untagged::cache_info()), (8, 4, 4));
        // By the value of an integer, whatever its type.
        invalidate(tag("user", 4_i64));
        call();
        assert_eq!(counts(user::cache_info()), (9, 7, 4));
        invalidate(tag("user", 5));
        invalidate(tag("team", 2));
        call();
        assert_eq!(counts(user::cache_info()), (13, 7, 4));
    });
}

#[test]
fn a_function_without_arguments_by_arguments_and_by_the_value() {
    #[lru_cache(tags = || tag("settings", ()))]
    fn settings() -> u32 {
        1
    }

    #[lru_cache(tags = |all| all.iter().map(|id| tag("user", id)).collect::<Vec<_>>())]
    fn all() -> Vec<u32> {
        vec![1, 2]
    }

    isolated(|| {
        for _ in 0..2 {
            settings();
            all();
        }
        invalidate(tag("settings", ()));
        invalidate(tag("user", 2));
        for _ in 0..2 {
            settings();
            all();
        }
        assert_eq!((counts(settings::cache_info()), counts(all::cache_info())), ((2, 2, 1), (2, 2, 1)));
    });
}

#[test]
fn methods_generic_functions_threads_and_shards() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shop {
        id: u32,
    }

    impl Shop {
        #[lru_cache(tags = |this, _| [tag("shop", this.id)])]
        fn price(&self, id: u32) -> u32 {
            self.id * id
        }

        #[lru_cache(accessors = none, tags = |name| [tag("name", name)])]
        fn hidden(name: &str) -> u32 {
            static CALLS: AtomicU32 = AtomicU32::new(0);
            let _ = name;
            CALLS.fetch_add(1, SeqCst)
        }
    }

    #[lru_cache(typed = true, tags = |value, _| [tag("shown", value.to_string())])]
    fn shown<T: ToString + std::hash::Hash + Eq + Clone + Send + Sync + 'static>(value: T) -> String {
        value.to_string()
    }

    #[lru_cache(scope = thread, tags = |id| [tag("user", id)])]
    fn of_thread(id: u32) -> u32 {
        id
    }

    #[lru_cache(shards = 4, maxsize = 64, policy = sieve, tags = |id| Some(tag("user", id)))]
    fn sharded(id: u32) -> u32 {
        id
    }

    isolated(|| {
        let shop = Shop { id: 1 };
        let call = || {
            shop.price(2);
            shown(3);
            shown("3");
            of_thread(4);
            sharded(4);
            Shop::hidden("a")
        };
        assert_eq!([call(), call()], [0, 0]);
        invalidate(tag("shop", 1));
        invalidate(tag("shown", "3"));
        invalidate(tag("user", 4));
        invalidate(tag("name", "a"));
        assert_eq!([call(), call()], [1, 1]);
        for info in [Shop::price_cache_info(), of_thread::cache_info(), sharded::cache_info()] {
            assert_eq!(counts(info), (2, 2, 1));
        }
        assert_eq!(counts(shown::cache_info()), (4, 4, 2));
    });
}

#[test]
fn one_function_and_its_own_entries() {
    #[lru_cache(tags = |id| [tag("user", id)])]
    fn one(id: u32) -> u32 {
        id
    }

    #[lru_cache(tags = |id| [tag("user", id)])]
    fn other(id: u32) -> u32 {
        id
    }

    isolated(|| {
        for id in [1, 2] {
            one(id);
            other(id);
        }
        one::cache_invalidate_tag(tag("user", 1));
        assert!(!one::cache_contains(1) && one::cache_contains(2) && other::cache_contains(1));
        // What is invalid already is not there to be removed.
        assert!(!one::cache_invalidate(1) && one::cache_invalidate(2) && !one::cache_invalidate(2));
        one(1);
        one(2);
        one::cache_retain(|id, _| *id == 1);
        assert!(one::cache_contains(1) && !one::cache_contains(2));
        one::cache_put(2, 20);
        assert_eq!(one(2), 20);
        assert_eq!(one::cache_refresh(2), 2);
        assert_eq!((one(2), one(1)), (2, 1));
        invalidate(tag("user", 2));
        assert!(one::cache_contains(1) && !one::cache_contains(2));
        one::cache_put(2, 30);
        assert_eq!(one(2), 30);
        one::cache_clear();
        assert!(!one::cache_contains(1));
        one(1);
        assert!(one::cache_contains(1));
    });
}

#[test]
fn it_goes_with_expiry_weight_and_listener() {
    thread_local! {
        static REMOVED: std::cell::RefCell<Vec<(u32, RemovalCause)>> = const { std::cell::RefCell::new(Vec::new()) };
    }

    #[lru_cache(
        maxsize = 10, ttl = 60, weight = |id, _| *id as usize, timer = now, cache_errors = true, error_ttl = 5,
        on_evict = |id, _, cause| REMOVED.with_borrow_mut(|removed| removed.push((*id, cause))),
        tags = |id, _| [tag("user", id)]
    )]
    fn user(id: u32) -> Result<u32, u32> {
        if id == 3 { Err(id) } else { Ok(id) }
    }

    isolated(|| {
        for id in [1, 2, 3] {
            assert_eq!(user(id).is_ok(), id != 3);
            assert!(user::cache_contains(id));
        }
        invalidate(tag("user", 1));
        invalidate(tag("user", 3));
        assert!(!user::cache_contains(1) && user::cache_contains(2) && !user::cache_contains(3));
        assert!(user(1).is_ok() && user(3).is_err());
        assert!(user::cache_contains(1) && user::cache_contains(3));
        advance(std::time::Duration::from_secs(5));
        assert!(user::cache_contains(1) && !user::cache_contains(3));
        advance(std::time::Duration::from_secs(55));
        assert!(!user::cache_contains(1));
        let invalidated = [1, 3].map(|id| (id, RemovalCause::Invalidated));
        REMOVED.with_borrow(|removed| assert_eq!(*removed, invalidated));
        let stats = user::cache_stats();
        assert_eq!((stats.invalidated, stats.invalidated_dependents, stats.expiries), (2, 0, 0));
        assert_eq!(user::cache_info().currsize, 0);
        assert_eq!(user::cache_stats().expiries, 3);
    });
}

#[test]
fn a_stale_result_that_is_invalid_is_not_served() {
    static FAILS: AtomicBool = AtomicBool::new(false);

    #[lru_cache(ttl = 60, stale_if_error = 600, timer = now, tags = |id| [tag("user", id)])]
    fn user(id: u32) -> Result<u32, u32> {
        if FAILS.load(SeqCst) { Err(id) } else { Ok(id) }
    }

    isolated(|| {
        assert_eq!(user(1), Ok(1));
        FAILS.store(true, SeqCst);
        advance(std::time::Duration::from_secs(61));
        assert_eq!(user(1), Ok(1));
        invalidate(tag("user", 1));
        assert_eq!(user(1), Err(1));
    });
}

#[test]
fn a_result_that_is_invalidated_while_it_is_computed_is_returned_and_not_stored() {
    static CALLS: AtomicU32 = AtomicU32::new(0);

    fn compute(id: u32) -> u32 {
        CALLS.fetch_add(1, SeqCst);
        if id < 10 {
            invalidate(tag("user", id));
        }
        id
    }

    #[lru_cache(tags = |id| [tag("user", id)])]
    fn by_arguments(id: u32) -> u32 {
        compute(id)
    }

    #[lru_cache(single_flight = true, maxsize = None, tags = |_, value| [tag("user", value)])]
    fn by_value(id: u32) -> u32 {
        compute(id)
    }

    isolated(|| {
        for function in [by_arguments, by_value] {
            CALLS.store(0, SeqCst);
            assert_eq!([function(1), function(1), function(10), function(10)], [1, 1, 10, 10]);
            assert_eq!(CALLS.load(SeqCst), 3);
        }
        assert!(!by_value::cache_contains(1) && by_value::cache_contains(10));
        let infos = [by_arguments::cache_info(), by_value::cache_info()];
        assert_eq!(infos.map(counts), [(1, 3, 1), (1, 3, 1)]);
    });
}

#[tokio::test]
async fn async_functions_and_followers() {
    static BODIES: AtomicU32 = AtomicU32::new(0);
    static VERSION: AtomicU32 = AtomicU32::new(0);
    static GO: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(tags = |id| [tag("followed", id)])]
    async fn read(id: u32) -> u32 {
        let version = VERSION.load(SeqCst);
        let number = BODIES.fetch_add(1, SeqCst);
        until(|| GO.load(SeqCst) > number).await;
        id + version
    }

    let spawn = || tokio::spawn(read(100));
    let (leader, follower) = (spawn(), spawn());
    until(|| read::cache_info().misses == 1 && BODIES.load(SeqCst) == 1).await;
    // A call that begins after the invalidation does not share what was read before.
    VERSION.store(1, SeqCst);
    invalidate(tag("followed", 100));
    let later = spawn();
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    GO.store(2, SeqCst);
    assert_eq!(within(leader).await.unwrap(), 100);
    assert_eq!(within(later).await.unwrap(), 101);
    // It began before, and may have either.
    assert!([100, 101].contains(&within(follower).await.unwrap()));
    assert_eq!(within(read(100)).await, 101);
    assert_eq!(BODIES.load(SeqCst), 2);
    invalidate(tag("followed", 100));
    GO.store(3, SeqCst);
    VERSION.store(2, SeqCst);
    assert_eq!(within(read(100)).await, 102);
}

#[test]
fn threads_are_never_served_what_was_invalidated_before() {
    static VERSIONS: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];

    #[lru_cache(tags = |source, _| [tag("versioned", source)])]
    fn plain(source: usize) -> u32 {
        VERSIONS[source].load(SeqCst)
    }

    #[lru_cache(single_flight = true, tags = |source| [tag("versioned", source)])]
    fn shared(source: usize) -> u32 {
        let version = VERSIONS[source].load(SeqCst);
        thread::yield_now();
        version
    }

    #[cache(shards = 2, tags = |source| [tag("versioned", source)])]
    fn sharded(source: usize) -> u32 {
        VERSIONS[source].load(SeqCst)
    }

    let invalidated: Arc<[AtomicU32; 4]> = Arc::default();
    thread::scope(|scope| {
        for number in 0..4_usize {
            let invalidated = &invalidated;
            scope.spawn(move || {
                for round in 0..2000_usize {
                    let source = (round * 7 + number) % 4;
                    let least = invalidated[source].load(SeqCst);
                    for function in [plain, shared, sharded] {
                        let version = function(source);
                        assert!(version >= least, "{version} is older than {least}");
                    }
                    if round % 5 == 0 {
                        let version = VERSIONS[source].fetch_add(1, SeqCst) + 1;
                        invalidate(tag("versioned", source));
                        invalidated[source].fetch_max(version, SeqCst);
                    }
                }
            });
        }
    });
    assert!(plain::cache_info().hits > 0 && shared::cache_info().hits > 0);
}

#[test]
fn tags_of_an_isolated_test_are_its_own() {
    #[lru_cache(tags = |id| [tag("isolated", id)])]
    fn user(id: u32) -> u32 {
        id
    }

    isolated(|| {
        user(1);
        isolated(|| {
            user(1);
            let of: Tag = tag("isolated", 1);
            invalidate(of);
            assert!(!user::cache_contains(1));
        });
        assert!(user::cache_contains(1));
    });
}
