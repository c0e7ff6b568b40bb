//! One call computes for all concurrent calls with its key.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use functools::{LruCache, Tagged, async_lru_cache, lru_cache};

use crate::support::{Gate, Hand, finishes, on_tokio, tally, wait_until};

const CALLERS: usize = 8;

#[test]
fn threads_that_miss_together_compute_once() {
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(single_flight = true)]
    fn double(n: u64) -> u64 {
        wait_until(|| double::__memo().in_flight() == (1, CALLERS - 1));
        RUNS.fetch_add(1, SeqCst);
        2 * n
    }

    finishes(|| {
        let callers: Vec<_> = (0..CALLERS).map(|_| thread::spawn(|| double(4))).collect();
        assert!(callers.into_iter().all(|caller| caller.join().is_ok_and(|doubled| doubled == 8)));
        assert_eq!(RUNS.load(SeqCst), 1);
        assert_eq!(tally(double::cache_info()), (CALLERS as u64 - 1, 1, 1));
        assert_eq!(double::cache_stats().coalesced, CALLERS as u64 - 1);
        assert_eq!(double::__memo().in_flight(), (0, 0));
    });
}

/// Defines a function in each mode: its result for a number, the runs of its body, and its counters.
macro_rules! in_each_mode {
    ($($name:ident $options:tt $stored:expr;)*) => { $(
        #[test]
        fn $name() {
            static RUNS: AtomicU64 = AtomicU64::new(0);
            static GATE: Gate = Gate::new();

            #[lru_cache $options]
            async fn slow(n: u64) -> Option<u64> {
                GATE.pass().await;
                RUNS.fetch_add(1, SeqCst);
                (n > 0).then_some(n)
            }

            finishes(|| {
                let mut calls: Vec<_> = (0..CALLERS).map(|_| Hand::begun(slow(0))).collect();
                let other = Hand::begun(slow(1));
                assert_eq!(slow::__memo().in_flight(), (2, CALLERS - 1));
                GATE.open(2);
                assert_eq!(calls.remove(0).end(), None);
                assert_eq!(other.end(), Some(1));
                assert!(calls.iter().all(|call| call.woken() == 1));
                assert!(calls.into_iter().all(|call| call.end().is_none()));
                assert_eq!(RUNS.load(SeqCst), 2);
                let hits = CALLERS as u64 - 1;
                assert_eq!(tally(slow::cache_info()), (hits, 2, $stored));
                assert_eq!(slow::__memo().in_flight(), (0, 0));
            });
        }
    )* };
}

in_each_mode! {
    bounded (maxsize = 8) 2;
    unbounded (maxsize = None) 2;
    uncached (maxsize = 0) 0;
    uncached_with_ttl (maxsize = 0, ttl = 60) 0;
    with_a_ttl (ttl = 60) 2;
    by_another_policy (policy = sieve) 2;
    without_none (cache_none = false) 1;
}

#[test]
fn without_a_flight_each_computes() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache(single_flight = false)]
    async fn slow(n: u64) -> u64 {
        GATE.pass().await;
        RUNS.fetch_add(1, SeqCst);
        n
    }

    finishes(|| {
        let calls = [Hand::begun(slow(1)), Hand::begun(slow(1))];
        GATE.open(2);
        assert_eq!(calls.map(Hand::end), [1, 1]);
        assert_eq!((RUNS.load(SeqCst), tally(slow::cache_info())), (2, (0, 2, 1)));
    });
}

#[test]
fn other_keys_do_not_wait() {
    static GATE: Gate = Gate::new();

    #[lru_cache]
    async fn slow(n: u64) -> u64 {
        if n == 0 {
            GATE.pass().await;
        }
        n
    }

    finishes(|| {
        let waits = Hand::begun(slow(0));
        assert!((1..100).all(|n| Hand::new(slow(n)).end() == n));
        GATE.open(1);
        assert_eq!(waits.end(), 0);
    });
}

#[test]
fn who_joins_in_one_task_is_answered() {
    #[lru_cache]
    async fn slow(n: u64) -> u64 {
        tokio::task::yield_now().await;
        n
    }

    finishes(|| {
        assert_eq!(on_tokio(async { tokio::join!(slow(1), slow(1), slow(1)) }), (1, 1, 1));
        assert_eq!(tally(slow::cache_info()), (2, 1, 1));
    });
}

#[test]
fn results_in_a_result_are_shared() {
    static GATE: Gate = Gate::new();

    #[derive(Debug)]
    struct Refusal;

    #[lru_cache(cache_none = false)]
    async fn find(n: u64) -> Result<Option<u64>, Refusal> {
        GATE.pass().await;
        Ok((n > 0).then_some(n))
    }

    finishes(|| {
        for (n, found) in [(0, None), (1, Some(1))] {
            let calls = [Hand::begun(find(n)), Hand::begun(find(n)), Hand::begun(find(n))];
            // A result that is neither stored nor `Clone` is computed by each caller in turn.
            GATE.open(if n == 0 { 3 } else { 1 });
            for mut call in calls {
                assert_eq!(call.poll().expect("its turn has come").unwrap(), found);
            }
        }
        assert_eq!(tally(find::cache_info()), (2, 4, 1));
        assert_eq!(find::__memo(&()).in_flight(), (0, 0));
    });
}

static PRICES: LruCache<Tagged<u64>, u64> = LruCache::new(Some(100));

#[test]
fn in_an_object() {
    static GATE: Gate = Gate::new();

    #[lru_cache(cache = PRICES)]
    async fn price(id: u64) -> u64 {
        GATE.pass().await;
        10 * id
    }

    struct Shop {
        prices: LruCache<u64, u64>,
    }

    impl Shop {
        #[lru_cache(cache = self.prices)]
        async fn price(&self, id: u64) -> u64 {
            GATE.pass().await;
            id
        }
    }

    finishes(|| {
        let calls = [Hand::begun(price(4)), Hand::begun(price(4))];
        GATE.open(1);
        assert_eq!(calls.map(Hand::end), [40, 40]);
        let shop = Shop { prices: LruCache::new(Some(4)) };
        let calls = [Hand::begun(shop.price(4)), Hand::begun(shop.price(4))];
        GATE.open(1);
        assert_eq!(calls.map(Hand::end), [4, 4]);
        assert_eq!(tally(shop.price_cache_info()), (1, 1, 1));
    });
}

#[test]
fn methods_generics_and_traits() {
    static GATE: Gate = Gate::new();

    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shop(u64);

    impl Shop {
        #[lru_cache]
        async fn price(&self, id: u64) -> u64 {
            GATE.pass().await;
            self.0 + id
        }
    }

    #[lru_cache(typed = true)]
    async fn text<T: ToString + functools::Argument>(it: T) -> String {
        GATE.pass().await;
        it.to_string()
    }

    trait Fetch {
        async fn fetch(&self, id: u64) -> Result<u64, String>;
    }

    impl Fetch for Shop {
        #[lru_cache(accessors = none)]
        async fn fetch(&self, id: u64) -> Result<u64, String> {
            GATE.pass().await;
            if id == 0 {
                return Err("none".into());
            }
            Ok(self.0 + id)
        }
    }

    finishes(|| {
        let shop = Shop(1);
        let calls = [Hand::begun(shop.price(1)), Hand::begun(shop.price(1))];
        GATE.open(1);
        assert_eq!(calls.map(Hand::end), [2, 2]);
        let calls = [Hand::begun(text(1_u8)), Hand::begun(text(1_u8))];
        let other = Hand::begun(text(1_u64));
        GATE.open(2);
        assert_eq!((calls.map(Hand::end), other.end()), (["1".into(), "1".into()], "1".into()));
        let calls = [Hand::begun(shop.fetch(1)), Hand::begun(shop.fetch(1))];
        GATE.open(1);
        assert_eq!(calls.map(Hand::end), [Ok(2), Ok(2)]);
        let calls = [Hand::begun(shop.fetch(0)), Hand::begun(shop.fetch(0))];
        GATE.open(1);
        assert!(calls.map(Hand::end).iter().all(Result::is_err));
    });
}

#[test]
fn what_began_before_a_change_is_not_joined_nor_stored() {
    static GATES: [Gate; 2] = [const { Gate::new() }; 2];
    static VERSION: AtomicU64 = AtomicU64::new(0);

    #[lru_cache]
    async fn read(_key: u64) -> u64 {
        let version = VERSION.load(SeqCst);
        GATES[usize::try_from(version).unwrap() % 2].pass().await;
        version
    }

    finishes(|| {
        let changes: [fn(); 3] = [
            read::cache_clear,
            || _ = read::cache_invalidate(1),
            || {
                read::cache_put(1, 7);
                read::cache_invalidate(1);
            },
        ];
        for change in changes {
            read::cache_clear();
            VERSION.store(0, SeqCst);
            let before = [Hand::begun(read(1)), Hand::begun(read(1))];
            change();
            VERSION.store(1, SeqCst);
            let after = [Hand::begun(read(1)), Hand::begun(read(1))];
            // What the change has superseded is not joined any more.
            assert_eq!(read::__memo().in_flight(), (1, 1));
            GATES[0].open(1);
            assert_eq!(before.map(Hand::end), [0, 0]);
            assert!(!read::cache_contains(1));
            assert_eq!(read::__memo().in_flight(), (1, 1));
            let [leader, follower] = after;
            GATES[1].open(1);
            assert_eq!([leader, follower].map(Hand::end), [1, 1]);
            assert_eq!(read::cache_peek(1), Some(1));
            assert_eq!(read::__memo().in_flight(), (0, 0));
        }
        // The newer computation first.
        VERSION.store(0, SeqCst);
        read::cache_clear();
        let before = Hand::begun(read(1));
        read::cache_put(1, 9);
        GATES[0].open(1);
        assert_eq!((before.end(), read::cache_peek(1)), (0, Some(9)));
    });
}

#[test]
fn async_lru_cache_has_a_bound_and_a_time_and_one_leader() {
    static GATE: Gate = Gate::new();

    #[async_lru_cache]
    async fn slow(n: u64) -> Option<u64> {
        GATE.pass().await;
        (n > 0).then_some(n)
    }

    static NOW: AtomicU64 = AtomicU64::new(0);

    #[async_lru_cache(ttl = 60, maxsize = 256, swr = false, cache_errors = false, key_fn = |n| n % 10, timer = || NOW.load(SeqCst))]
    async fn spelled_out(n: u64) -> Option<u64> {
        (n > 0).then_some(n)
    }

    #[async_lru_cache(timer = || NOW.load(SeqCst))]
    async fn timed(n: u64) -> u64 {
        n
    }

    finishes(|| {
        assert_eq!(slow::cache_parameters().maxsize, Some(256));
        let calls = [Hand::begun(slow(0)), Hand::begun(slow(0))];
        GATE.open(1);
        assert_eq!(calls.map(Hand::end), [None, None]);
        assert_eq!(Hand::new(slow(0)).end(), None);
        assert_eq!(tally(slow::cache_info()), (2, 1, 1));
        assert_eq!([Hand::new(spelled_out(1)).end(), Hand::new(spelled_out(11)).end()], [Some(1); 2]);
        Hand::new(timed(1)).end();
        NOW.store(59, SeqCst);
        assert!(timed::cache_contains(1));
        NOW.store(60, SeqCst);
        assert!(!timed::cache_contains(1));
    });
}

#[test]
fn a_thousand_followers_wake_once_each() {
    static GATE: Gate = Gate::new();

    #[lru_cache]
    async fn slow(n: u64) -> u64 {
        GATE.pass().await;
        n
    }

    finishes(|| {
        let leader = Hand::begun(slow(1));
        let followers: Vec<_> = (0..1000).map(|_| Hand::begun(slow(1))).collect();
        GATE.open(1);
        leader.end();
        assert!(followers.iter().all(|follower| follower.woken() == 1));
        assert!(followers.into_iter().all(|follower| follower.end() == 1));
        assert_eq!(tally(slow::cache_info()), (1000, 1, 1));
    });
}

#[test]
fn futures_are_send_where_they_were() {
    struct NotSend(#[expect(dead_code, reason = "makes it not `Send`")] *const ());

    #[lru_cache]
    async fn fallible(n: u64) -> Result<u64, NotSend> {
        std::future::ready(()).await;
        if n == 0 { Err(NotSend(std::ptr::null())) } else { Ok(n) }
    }

    fn is_send<T: Send>(it: T) -> T {
        it
    }

    finishes(|| {
        assert!(Hand::new(is_send(fallible(0))).end().is_err());
        assert!(Hand::new(is_send(fallible(1))).end().is_ok());
    });
}
