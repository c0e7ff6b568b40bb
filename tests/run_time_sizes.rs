//! Capacities that are known at run time, or change.

// A function is defined in the test that uses it; calls are made for their effect on a cache.
#![allow(clippy::items_after_statements, clippy::unused_self)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, LazyLock, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use functools::{LruCache, RemovalCause, lru_cache};

/// Returns the text of a panic.
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).map(drop).expect_err("it panics");
    panic
        .downcast::<String>()
        .map_or_else(|panic| (*panic.downcast::<&str>().unwrap()).to_owned(), |text| *text)
}

#[test]
fn each_policy_keeps_to_a_new_capacity() {
    macro_rules! policies {
        ($($(#[$attribute:meta])+;)+) => {$({
            $(#[$attribute])+
            fn f(n: u64) -> u64 {
                n + 1
            }
            let len = || f::cache_info().currsize;
            (0..100).for_each(|n| assert_eq!(f(n), n + 1));
            assert_eq!(len(), 32);
            for maxsize in [8, 33, 1, 200, 16, 0, 5, 300] {
                f::cache_resize(maxsize);
                assert!(len() <= maxsize, "{maxsize}");
                assert_eq!((f::cache_info().maxsize, f::cache_parameters().maxsize), (Some(maxsize), Some(maxsize)));
                (0..1000).for_each(|n| assert_eq!(f(n % 400), n % 400 + 1));
                assert_eq!(len(), maxsize);
                (0..maxsize as u64).for_each(|n| _ = (f(1000 + n), f(1000 + n)));
                assert_eq!(len(), maxsize);
            }
            f::cache_resize(None);
            (0..500).for_each(|n| assert_eq!(f(n), n + 1));
            assert_eq!((f::cache_info().maxsize, len() >= 500), (None, true));
            let misses = f::cache_info().misses;
            (0..500).for_each(|n| assert_eq!(f(n), n + 1));
            assert_eq!(f::cache_info().misses, misses, "none is evicted");
        })+};
    }
    policies! {
        #[lru_cache(maxsize = 32)];
        #[lru_cache(maxsize = 32, lock_free = false)];
        #[lru_cache(maxsize = 32, policy = fifo)];
        #[lru_cache(maxsize = 32, policy = lfu)];
        #[lru_cache(maxsize = 32, policy = rr)];
        #[lru_cache(maxsize = 32, policy = sieve)];
        #[lru_cache(maxsize = 32, policy = s3_fifo)];
        #[lru_cache(maxsize = 32, policy = w_tinylfu)];
        #[lru_cache(maxsize = 32, policy = auto)];
        #[lru_cache(maxsize = 32, ttl = 600)];
        #[lru_cache(maxsize = 32, policy = lfu, tti = 600)];
        #[lru_cache(maxsize = 32, scope = thread)];
        #[lru_cache(maxsize = 32, single_flight = true)];
    }
}

#[test]
fn shards_divide_a_new_capacity_as_they_divide_the_first_one() {
    #[lru_cache(maxsize = 64, shards = 4)]
    fn plain(n: u64) -> u64 {
        n
    }
    #[lru_cache(maxsize = 64, shards = 4)]
    fn texts(n: u64) -> String {
        n.to_string()
    }
    for (resize, call, info) in [
        (
            (|n| plain::cache_resize(n)) as fn(usize),
            (|n| _ = plain(n)) as fn(u64),
            plain::cache_info as fn() -> _,
        ),
        (|n| texts::cache_resize(n), |n| _ = texts(n), texts::cache_info),
    ] {
        for maxsize in [10, 64, 4, 3, 1, 0, 7, 1000] {
            resize(maxsize);
            (0..20_000).for_each(call);
            // Each shard is full, to its part of the capacity.
            assert_eq!((info().maxsize, info().currsize), (Some(maxsize), maxsize));
        }
    }
}

#[test]
fn weights_count_against_the_new_capacity() {
    #[lru_cache(maxsize = 100, weight = |_, text| text.len())]
    fn text(n: usize) -> String {
        "x".repeat(n)
    }
    for n in [30, 20, 10, 40] {
        text(n);
    }
    assert_eq!(text::cache_info().currsize, 100);
    text::cache_resize(50);
    assert_eq!(text::cache_info().currsize, 50);
    assert!(text::cache_contains(10) && text::cache_contains(40));
    _ = text(60);
    assert!(!text::cache_contains(60), "it weighs more than the capacity");
    text::cache_resize(60);
    _ = text(60);
    assert_eq!(text::cache_info().currsize, 60);
}

#[test]
fn the_listener_is_told_outside_of_the_lock_in_the_order_of_eviction() {
    static TOLD: Mutex<Vec<(u32, RemovalCause)>> = Mutex::new(Vec::new());
    #[lru_cache(maxsize = 8, on_evict = |key, _, cause| {
        // Takes the lock.
        assert!(!f::cache_contains(*key));
        TOLD.lock().unwrap().push((*key, cause));
    })]
    fn f(n: u32) -> u32 {
        n
    }
    (0..8).for_each(|n| _ = f(n));
    f(0);
    f::cache_resize(5);
    assert_eq!(*TOLD.lock().unwrap(), [1, 2, 3].map(|n| (n, RemovalCause::Evicted)));
    assert_eq!(f::cache_stats().evictions, 3);
}

#[test]
fn a_listener_that_panics_leaves_all_shards_at_the_new_capacity() {
    #[lru_cache(maxsize = 64, shards = 8, on_evict = |_, _, _| panic!("told"))]
    fn f(n: u32) -> u32 {
        n
    }
    (0..64).for_each(|n| _ = catch_unwind(|| f(n)));
    assert_eq!(panic_of(|| f::cache_resize(8)), "told");
    assert_eq!(f::cache_info().maxsize, Some(8));
    assert!(f::cache_info().currsize <= 8);
}

#[test]
fn methods_have_the_accessor_and_objects_are_resized() {
    struct Shop {
        memo: LruCache<u32, u32>,
    }
    impl Shop {
        #[lru_cache(maxsize = 4)]
        fn price(#[key(skip)] &self, id: u32) -> u32 {
            id
        }
        #[lru_cache(cache = self.memo)]
        fn stock(&self, id: u32) -> u32 {
            id
        }
    }
    let shop = Shop { memo: LruCache::new(Some(100)) };
    (0..10).for_each(|id| _ = (shop.price(id), shop.stock(id)));
    Shop::price_cache_resize(2);
    shop.stock_cache_resize(3);
    assert_eq!((Shop::price_cache_info().currsize, shop.memo.len()), (2, 3));
    assert_eq!((Shop::price_cache_info().maxsize, shop.memo.info().maxsize), (Some(2), Some(3)));
}

#[test]
fn a_resize_within_a_comparison_takes_effect_when_that_is_over() {
    #[derive(Clone, Copy)]
    struct Key(u32);
    impl PartialEq for Key {
        fn eq(&self, other: &Self) -> bool {
            if self.0 == 3 {
                f::cache_resize(2);
            }
            self.0 == other.0
        }
    }
    impl Eq for Key {}
    impl std::hash::Hash for Key {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            0.hash(state);
        }
    }
    #[lru_cache(maxsize = 8)]
    fn f(key: Key) -> u32 {
        key.0
    }
    (0..3).for_each(|n| _ = f(Key(n)));
    assert_eq!(f(Key(3)), 3);
    assert_eq!(f::cache_info().maxsize, Some(2));
    assert_eq!(f::cache_info().currsize, 2);
}

#[test]
fn threads_that_resize_and_call_exceed_no_capacity_for_long() {
    #[lru_cache(maxsize = 64, shards = 4)]
    fn f(n: u64) -> u64 {
        n * 2
    }
    thread::scope(|scope| {
        for thread in 0..2_u64 {
            scope.spawn(move || {
                for n in 0..5000 {
                    assert_eq!(f(n % 300 + thread), (n % 300 + thread) * 2);
                }
            });
            scope.spawn(move || (0..200).for_each(|n| f::cache_resize(n % 50 + 10)));
        }
    });
    f::cache_resize(40);
    assert!(f::cache_info().currsize <= 40);
    (0..5000).for_each(|n| _ = f(n));
    assert_eq!((f::cache_info().maxsize, f::cache_info().currsize), (Some(40), 40));
}

mod at_run_time {
    use super::*;

    static EVALUATED: AtomicUsize = AtomicUsize::new(0);

    struct Config {
        cache_size: usize,
        parts: Option<i64>,
    }

    fn config() -> &'static Config {
        EVALUATED.fetch_add(1, SeqCst);
        &Config { cache_size: 3, parts: None }
    }

    #[test]
    fn an_expression_may_wait_for_a_thread_that_uses_a_function_of_such_a_size() {
        fn joined() -> usize {
            assert_eq!(thread::spawn(|| other(1)).join().unwrap(), 2);
            5
        }
        #[lru_cache(maxsize = config_of_other())]
        fn other(n: u64) -> u64 {
            n + 1
        }
        fn config_of_other() -> usize {
            7
        }
        #[lru_cache(maxsize = joined())]
        fn f(n: u64) -> u64 {
            n
        }
        let (done, ended) = mpsc::channel();
        let call = thread::spawn(move || done.send(f(3)));
        assert_eq!(ended.recv_timeout(Duration::from_secs(60)), Ok(3));
        call.join().unwrap().unwrap();
        assert_eq!((f::cache_info().maxsize, other::cache_info().maxsize), (Some(5), Some(7)));
    }

    #[test]
    fn expressions_that_wait_for_each_others_configuration_end() {
        static CONFIG: LazyLock<usize> = LazyLock::new(|| {
            // The other thread waits for this initialization.
            BEGUN.wait();
            usize::try_from(in_config(1)).unwrap() + 3
        });
        static BEGUN: Barrier = Barrier::new(2);
        #[lru_cache(maxsize = size_in_config())]
        fn in_config(n: u64) -> u64 {
            n
        }
        fn size_in_config() -> usize {
            9
        }
        #[lru_cache(maxsize = by_config())]
        fn f(n: u64) -> u64 {
            n
        }
        fn by_config() -> usize {
            BEGUN.wait();
            *CONFIG
        }
        let (done, ended) = mpsc::channel();
        let configured = done.clone();
        let calls = [
            thread::spawn(move || done.send(f(3)).unwrap()),
            thread::spawn(move || configured.send(*CONFIG as u64).unwrap()),
        ];
        let mut values = [(); 2].map(|()| ended.recv_timeout(Duration::from_secs(60)).unwrap());
        values.sort_unstable();
        assert_eq!(values, [3, 4]);
        for call in calls {
            call.join().unwrap();
        }
        assert_eq!((f::cache_info().maxsize, in_config::cache_info().maxsize), (Some(4), Some(9)));
    }

    #[test]
    fn an_expression_is_evaluated_once_at_the_first_use() {
        #[lru_cache(maxsize = config().cache_size)]
        fn f(n: u64) -> u64 {
            n + 1
        }
        assert_eq!(EVALUATED.load(SeqCst), 0);
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    (0..100).for_each(|n| assert_eq!(f(n % 7), n % 7 + 1));
                });
            }
        });
        assert_eq!(EVALUATED.load(SeqCst), 1);
        assert_eq!((f::cache_info().maxsize, f::cache_info().currsize), (Some(3), 3));
        f::cache_resize(5);
        f::cache_clear();
        assert_eq!((f(1), f::cache_info().maxsize, EVALUATED.load(SeqCst)), (2, Some(5), 1));
    }

    #[test]
    fn it_may_be_any_integer_or_an_option_and_of_any_place() {
        static SIZE: AtomicUsize = AtomicUsize::new(2);
        fn negative() -> i8 {
            -1
        }
        fn unbounded() -> Option<u16> {
            None
        }
        macro_rules! sizes {
            ($(#[$attribute:meta] => $maxsize:expr),+ $(,)?) => {$({
                #[$attribute]
                fn f(n: u64) -> u64 {
                    n
                }
                (0..600).for_each(|n| assert_eq!(f(n), n));
                let maxsize: Option<usize> = $maxsize;
                let info = f::cache_info();
                assert_eq!((info.maxsize, info.currsize), (maxsize, maxsize.unwrap_or(600)));
            })+};
        }
        sizes! {
            #[lru_cache(SIZE.load(SeqCst))] => Some(2),
            #[lru_cache(maxsize = SIZE.load(SeqCst) * 2 + 1)] => Some(5),
            #[lru_cache(maxsize = negative())] => Some(0),
            #[lru_cache(maxsize = unbounded())] => None,
            #[lru_cache(maxsize = config().parts.map(|parts| parts + 1))] => None,
            #[lru_cache(maxsize = SIZE.load(SeqCst), shards = 2)] => Some(2),
            #[lru_cache(maxsize = SIZE.load(SeqCst), policy = lfu)] => Some(2),
            #[lru_cache(maxsize = SIZE.load(SeqCst), ttl = 60)] => Some(2),
            #[lru_cache(maxsize = SIZE.load(SeqCst), single_flight = true)] => Some(2),
            #[lru_cache(maxsize = SIZE.load(SeqCst) * 100, lock_free = false)] => Some(200),
        }
        #[lru_cache(maxsize = SIZE.load(SeqCst), accessors = none)]
        fn hidden(#[key(skip)] calls: &AtomicUsize, n: u64) -> u64 {
            calls.fetch_add(1, SeqCst);
            n
        }
        let calls = AtomicUsize::new(0);
        for n in [1, 2, 2, 3, 1] {
            assert_eq!(hidden(&calls, n), n);
        }
        assert_eq!(calls.into_inner(), 4);
    }

    #[test]
    fn in_an_impl_it_names_items_and_types() {
        struct Shop;
        impl Shop {
            fn size() -> u8 {
                2
            }
            #[lru_cache(maxsize = Shop::size())]
            fn price(#[key(skip)] &self, id: u32) -> u32 {
                id
            }
        }
        #[functools::memoize]
        impl Shop {
            #[lru_cache(maxsize = Self::size() + 1)]
            fn stock(id: u32) -> u32 {
                id
            }
        }
        (0..9).for_each(|id| assert_eq!((Shop.price(id), Shop::stock(id)), (id, id)));
        assert_eq!((Shop::price_cache_info().maxsize, Shop::stock_cache_info().maxsize), (Some(2), Some(3)));
    }

    #[test]
    fn a_panic_is_passed_on_and_the_next_call_tries_again() {
        static ATTEMPTS: AtomicUsize = AtomicUsize::new(0);
        fn size() -> usize {
            assert!(ATTEMPTS.fetch_add(1, SeqCst) > 1, "no configuration yet");
            7
        }
        #[lru_cache(maxsize = size())]
        fn f(n: u64) -> u64 {
            n
        }
        assert_eq!(panic_of(|| f(1)), "no configuration yet");
        assert_eq!(panic_of(f::cache_info), "no configuration yet");
        assert_eq!((f(1), f::cache_info().maxsize), (1, Some(7)));
        assert_eq!((f::cache_info().misses, f::cache_info().currsize), (1, 1));
    }

    #[test]
    fn an_expression_that_calls_the_function_is_reported() {
        #[lru_cache(maxsize = f(1))]
        fn f(n: u64) -> u64 {
            n
        }
        for _ in 0..2 {
            let message = panic_of(|| f(1));
            assert_eq!(message, "the expression of `maxsize` of `f` calls the function itself");
        }
        #[lru_cache(maxsize = pong(1))]
        fn ping(n: u64) -> u64 {
            n
        }
        #[lru_cache(maxsize = ping(1))]
        fn pong(n: u64) -> u64 {
            n
        }
        let message = panic_of(|| ping(1));
        assert_eq!(message, "the expression of `maxsize` of `ping` calls the function itself");
    }

    #[test]
    fn an_expression_may_call_other_functions_on_several_threads() {
        #[lru_cache(maxsize = outer_size())]
        fn outer(n: u64) -> u64 {
            n
        }
        fn outer_size() -> u64 {
            inner(4)
        }
        #[lru_cache(maxsize = usize::from(inner_size()))]
        fn inner(n: u64) -> u64 {
            n
        }
        fn inner_size() -> u8 {
            9
        }
        let start = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| (start.wait(), outer(1)));
            scope.spawn(|| (start.wait(), inner(1)));
        });
        assert_eq!((outer::cache_info().maxsize, inner::cache_info().maxsize), (Some(4), Some(9)));
    }

    #[test]
    fn a_field_of_what_a_lazy_lock_holds_is_read_at_run_time() {
        static CONFIG: LazyLock<(Config, usize)> =
            LazyLock::new(|| (Config { cache_size: 3, parts: Some(6) }, 4));
        const LIMITS: (usize, Config) = (5, Config { cache_size: 2, parts: None });
        macro_rules! sizes {
            ($($maxsize:expr => $expected:literal)+) => {$({
                #[lru_cache(maxsize = $maxsize)]
                fn f(n: u64) -> u64 {
                    n
                }
                (0..9).for_each(|n| assert_eq!(f(n), n));
                assert_eq!((f::cache_info().maxsize, f::cache_info().currsize), (Some($expected), $expected));
            })+};
        }
        sizes! { CONFIG.0.cache_size => 3  CONFIG.1 + 1 => 5  CONFIG.0.parts => 6  LIMITS.0 => 5  LIMITS.1.cache_size => 2 }
        #[lru_cache(maxsize = [1, 2, 3][1])]
        fn constant(n: u64) -> u64 {
            n
        }
        (0..9).for_each(|n| assert_eq!(constant(n), n));
        assert_eq!(constant::cache_info().maxsize, Some(2));
    }

    #[test]
    fn with_a_cache_for_each_thread_the_expression_is_evaluated_once_for_all() {
        static EVALUATED: AtomicUsize = AtomicUsize::new(0);
        fn size() -> usize {
            EVALUATED.fetch_add(1, SeqCst);
            3
        }
        #[lru_cache(maxsize = size(), scope = thread)]
        fn f(n: u64) -> u64 {
            n + 1
        }
        #[lru_cache(maxsize = Some(7).filter(|_| size() > 3), scope = thread, ttl = 60)]
        fn unbounded(n: u64) -> u64 {
            n
        }
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    (0..9).for_each(|n| assert_eq!(f(n), n + 1));
                    assert_eq!((f::cache_info().maxsize, f::cache_info().currsize), (Some(3), 3));
                    f::cache_resize(2);
                    assert_eq!(f::cache_info().maxsize, Some(2));
                });
            }
        });
        assert_eq!((f(1), f::cache_info().maxsize, EVALUATED.load(SeqCst)), (2, Some(3), 1));
        (0..9).for_each(|n| assert_eq!(unbounded(n), n));
        assert_eq!((unbounded::cache_info().maxsize, unbounded::cache_info().currsize), (None, 9));
    }

    #[test]
    fn with_a_cache_for_each_thread_panics_of_the_expression_are_passed_on() {
        static ATTEMPTS: AtomicUsize = AtomicUsize::new(0);
        fn size() -> usize {
            assert!(ATTEMPTS.fetch_add(1, SeqCst) > 0, "no configuration yet");
            7
        }
        #[lru_cache(maxsize = size(), scope = thread)]
        fn f(n: u64) -> u64 {
            n
        }
        assert_eq!(panic_of(|| f(1)), "no configuration yet");
        assert_eq!((f(1), f::cache_info().maxsize), (1, Some(7)));
        #[lru_cache(maxsize = own(1), scope = thread)]
        fn own(n: usize) -> usize {
            n
        }
        let message = panic_of(|| own(1));
        assert_eq!(message, "the expression of `maxsize` of `own` calls the function itself");
    }

    #[test]
    fn a_constant_block_is_a_constant() {
        const fn double(n: usize) -> usize {
            n * 2
        }
        #[lru_cache(maxsize = const { double(2) }, shards = 4)]
        fn f(n: u64) -> u64 {
            n
        }
        assert_eq!((f(1), f::cache_info().maxsize), (1, Some(4)));
        #[lru_cache(maxsize = const { double(2) }, scope = thread)]
        fn of_thread(n: u64) -> u64 {
            n
        }
        assert_eq!((of_thread(1), of_thread::cache_info().maxsize), (1, Some(4)));
    }
}

/// Times to live that are known at run time only.
mod times_to_live {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn an_expression_is_evaluated_once_at_the_first_call() {
        static EVALUATED: AtomicUsize = AtomicUsize::new(0);
        static NOW: AtomicU64 = AtomicU64::new(0);
        static CONFIG: LazyLock<u64> = LazyLock::new(|| 10);
        fn seconds() -> u64 {
            EVALUATED.fetch_add(1, SeqCst);
            *CONFIG
        }
        #[lru_cache(ttl = seconds(), timer = || Duration::from_secs(NOW.load(SeqCst)))]
        fn f(n: u64) -> u64 {
            n + NOW.load(SeqCst)
        }
        assert_eq!(EVALUATED.load(SeqCst), 0);
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (start.wait(), (0..20).for_each(|n| assert_eq!(f(n), n))));
            }
        });
        f::cache_put(100, 7);
        assert_eq!(EVALUATED.load(SeqCst), 1);
        NOW.store(9, SeqCst);
        assert_eq!([f(1), f(100)], [1, 7]);
        NOW.store(10, SeqCst);
        assert_eq!([f(1), f(100)], [11, 110]);
        NOW.store(19, SeqCst);
        assert_eq!(f(1), 11);
        NOW.store(20, SeqCst);
        assert_eq!((f(1), EVALUATED.load(SeqCst)), (21, 1));
    }

    #[test]
    fn it_is_of_the_unit_of_the_timer() {
        static NOW: AtomicU64 = AtomicU64::new(0);
        fn three() -> u8 {
            3
        }
        #[lru_cache(ttl = three(), timer = || NOW.load(SeqCst))]
        fn counted(n: u64) -> u64 {
            n + NOW.load(SeqCst)
        }
        #[lru_cache(ttl = f64::from(three()) / 2.0, timer = || f64::from(u16::try_from(NOW.load(SeqCst)).unwrap()))]
        fn measured(n: u64) -> u64 {
            n + NOW.load(SeqCst)
        }
        let results = [0, 1, 2, 3, 4].map(|now| {
            NOW.store(now, SeqCst);
            (counted(0), measured(0))
        });
        assert_eq!(results, [(0, 0), (0, 0), (0, 2), (3, 2), (3, 4)]);
    }

    #[test]
    fn each_call_evaluates_what_may_differ_between_instances() {
        static NOW: AtomicU64 = AtomicU64::new(0);
        trait Life {
            fn seconds() -> u64;
        }
        struct Short;
        struct Long;
        impl Life for Short {
            fn seconds() -> u64 {
                2
            }
        }
        impl Life for Long {
            fn seconds() -> u64 {
                5
            }
        }
        #[lru_cache(typed = true, ttl = T::seconds(), timer = || Duration::from_secs(NOW.load(SeqCst)), accessors = none)]
        fn generic<T: Life>(n: u64) -> u64 {
            n + NOW.load(SeqCst)
        }
        struct Of<T>(T);
        impl<T: Life> Of<T> {
            #[lru_cache(ttl = T::seconds(), timer = || Duration::from_secs(NOW.load(SeqCst)), accessors = none)]
            fn method(n: u64) -> u64 {
                n + NOW.load(SeqCst)
            }
        }
        _ = (Of(Short), Of(Long));
        assert_eq!([generic::<Short>(0), generic::<Long>(0)], [0, 0]);
        NOW.store(2, SeqCst);
        assert_eq!([generic::<Short>(0), generic::<Long>(0)], [2, 0]);
        assert_eq!([Of::<Short>::method(20), Of::<Long>::method(1)], [22, 3]);
        NOW.store(6, SeqCst);
        assert_eq!([Of::<Short>::method(20), Of::<Long>::method(1)], [26, 3]);
        NOW.store(7, SeqCst);
        assert_eq!(Of::<Long>::method(1), 8);
    }

    #[test]
    fn methods_and_functions_without_accessors_evaluate_it_once() {
        static EVALUATED: AtomicUsize = AtomicUsize::new(0);
        fn seconds() -> u64 {
            EVALUATED.fetch_add(1, SeqCst);
            600
        }
        struct Shop;
        impl Shop {
            #[lru_cache(ttl = Duration::from_secs(seconds()))]
            fn price(#[key(skip)] &self, id: u32) -> u32 {
                id
            }
        }
        #[lru_cache(ttl = seconds(), accessors = none)]
        fn hidden(n: u64) -> u64 {
            n
        }
        #[lru_cache(ttl = seconds(), scope = thread)]
        fn of_thread(n: u64) -> u64 {
            n
        }
        (0..3).for_each(|id| assert_eq!(Shop.price(id), id));
        assert_eq!(EVALUATED.load(SeqCst), 1);
        (0..3).for_each(|n| assert_eq!(hidden(n), n));
        assert_eq!(EVALUATED.load(SeqCst), 2);
        (0..3).for_each(|n| assert_eq!(thread::spawn(move || of_thread(n)).join().unwrap(), n));
        assert_eq!(EVALUATED.load(SeqCst), 3);
    }

    #[test]
    fn a_panic_is_passed_on_and_a_call_of_the_function_itself_is_reported() {
        static ATTEMPTS: AtomicUsize = AtomicUsize::new(0);
        fn seconds() -> u64 {
            assert!(ATTEMPTS.fetch_add(1, SeqCst) > 0, "no configuration yet");
            60
        }
        #[lru_cache(ttl = seconds())]
        fn f(n: u64) -> u64 {
            n
        }
        assert_eq!(panic_of(|| f(1)), "no configuration yet");
        assert_eq!((f(1), f(1), f::cache_info().hits), (1, 1, 1));
        #[lru_cache(ttl = own(1))]
        fn own(n: u64) -> u64 {
            n
        }
        assert_eq!(panic_of(|| own(1)), "the expression of `ttl` of `own` calls the function itself");
    }
}
