//! `functools::registry`: the list of all memoized functions, with the feature `registry`.

#![allow(clippy::unused_async, reason = "the functions must be async, not their bodies")]

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use functools::registry::{self, Function};
use functools::{CacheInfo, CacheParameters, CacheStats, LruCache, RemovalCause, cache, lru_cache, memoize};

/// Returns the function with this path, relative to this crate. Type parameters are compared loosely, since
/// the compiler may print them differently.
fn function(path: &str) -> &'static Function {
    let path = format!("registry::{path}");
    let mut found = registry::functions().filter(|function| function.path().replace("<_>", "<T>") == path);
    let (first, second) = (found.next(), found.next());
    assert!(second.is_none(), "`{path}` is listed only once");
    first.unwrap_or_else(|| {
        let all: Vec<_> = registry::functions().map(Function::path).collect();
        panic!("no `{path}` among {all:#?}")
    })
}

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

mod never_called {
    use super::*;

    #[lru_cache(maxsize = 7)]
    #[expect(dead_code, reason = "the function must not be called")]
    fn idle(n: u64) -> u64 {
        n
    }

    #[test]
    fn what_was_never_called_is_listed() {
        let idle = function("never_called::idle");
        assert_eq!(idle.info(), CacheInfo { maxsize: Some(7), ..CacheInfo::default() });
        assert_eq!(idle.stats(), CacheStats::default());
        assert_eq!(idle.parameters(), CacheParameters::new(Some(7), false));
    }
}

mod called {
    use super::*;

    #[lru_cache(maxsize = 2)]
    fn square(n: u64) -> u64 {
        n * n
    }
    const LINE: u32 = line!() - 4;

    #[test]
    fn a_function_tells_what_its_accessors_tell() {
        let listed = function("called::square");
        assert!(listed.file().ends_with("registry.rs"), "{}", listed.file());
        assert_eq!(listed.line(), LINE);
        _ = (square(1), square(1), square(2), square(3));
        assert_eq!(listed.info(), square::cache_info());
        assert_eq!(counts(listed.info()), (1, 3, 2));
        assert_eq!((listed.stats(), listed.stats().evictions), (square::cache_stats(), 1));
        let shown = format!("{listed:?}");
        assert!(shown.starts_with("Function { path: \"registry::called::square\", file: "), "{shown}");
        listed.clear();
        assert_eq!(counts(square::cache_info()), (0, 0, 0));
        assert_eq!(square::cache_stats(), CacheStats::default());
    }

    #[test]
    fn functions_are_listed_by_path() {
        let paths: Vec<_> = registry::functions().map(Function::path).collect();
        assert!(paths.is_sorted(), "{paths:?}");
        assert_eq!(registry::functions().len(), paths.len());
    }
}

/// What the registry does with a cache, and no accessor: in every placement.
mod counters {
    use std::sync::mpsc;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// The timeout for expected events.
    const LIMIT: Duration = Duration::from_secs(60);

    #[lru_cache(maxsize = 5)]
    fn bounded(n: u64) -> String {
        n.to_string()
    }

    #[lru_cache(maxsize = 5)]
    fn lock_free(n: u64) -> u64 {
        n
    }

    #[cache]
    fn unbounded(n: u64) -> String {
        n.to_string()
    }

    #[cache]
    fn fronted(n: u64) -> u64 {
        n
    }

    #[lru_cache(maxsize = 64, shards = 4)]
    fn sharded(n: u64) -> String {
        n.to_string()
    }

    #[lru_cache(maxsize = 0)]
    fn disabled(n: u64) -> u64 {
        n
    }

    #[lru_cache(maxsize = 5, single_flight = true)]
    fn coalesced(n: u64) -> Result<u64, ()> {
        if n == 9 { Err(()) } else { Ok(n) }
    }

    /// A function: its name, and a call.
    type Called = (&'static str, fn(u64));

    /// Calls a function so often that hits are read without the lock where they can be.
    fn call_all(call: fn(u64)) {
        (0..1000).for_each(|_| (0..4).for_each(call));
    }

    #[test]
    fn counters_survive_a_clear_of_the_entries_and_entries_a_reset() {
        let functions: [Called; 7] = [
            ("bounded", |n| _ = bounded(n)),
            ("lock_free", |n| _ = lock_free(n)),
            ("unbounded", |n| _ = unbounded(n)),
            ("fronted", |n| _ = fronted(n)),
            ("sharded", |n| _ = sharded(n)),
            ("disabled", |n| _ = disabled(n)),
            ("coalesced", |n| _ = coalesced(n)),
        ];
        for (name, call) in functions {
            let listed = function(&format!("counters::{name}"));
            let counted = || (listed.info().hits, listed.info().misses);
            let of_all_time = || (listed.counts().hits, listed.counts().misses);
            let stored = |n: usize| if name == "disabled" { 0 } else { n };
            let counts = |hits, misses| if name == "disabled" { (0, hits + misses) } else { (hits, misses) };
            call_all(call);
            assert_eq!((counted(), listed.info().currsize), (counts(3996, 4), stored(4)), "{name}");
            listed.clear_entries();
            assert_eq!((counted(), listed.info().currsize), (counts(3996, 4), 0), "{name}");
            call(1);
            assert_eq!((counted(), listed.info().currsize), (counts(3996, 5), stored(1)), "{name}");
            call_all(call);
            assert_eq!((of_all_time(), counted()), (counts(7993, 8), counts(7993, 8)), "{name}");
            listed.reset_counters();
            assert_eq!((counted(), listed.info().currsize), ((0, 0), stored(4)), "{name}");
            call(1);
            assert_eq!((counted(), of_all_time()), (counts(1, 0), counts(7994, 8)), "{name}");
            listed.clear();
            assert_eq!((counted(), listed.info().currsize), ((0, 0), 0), "{name}");
            call(1);
            assert_eq!((counted(), of_all_time()), (counts(0, 1), counts(7994, 9)), "{name}");
            assert_eq!(listed.counts().since(&listed.counts()).calls(), 0, "{name}");
        }
    }

    #[test]
    fn times_are_counted_where_they_are_measured() {
        #[lru_cache(maxsize = 5, single_flight = true)]
        fn timed(n: u64) -> Result<u64, ()> {
            if n == 9 { Err(()) } else { Ok(n) }
        }
        #[lru_cache]
        fn untimed(n: u64) -> u64 {
            n
        }
        _ = (timed(1), timed(1), timed(2), timed(9), untimed(1));
        let listed = function("counters::times_are_counted_where_they_are_measured::timed");
        let counts = listed.counts();
        assert_eq!((counts.computing.count(), counts.stats.errors), (3, 1));
        assert_eq!(Some(counts.computing.total()), counts.stats.computing);
        assert!(counts.computing.quantile(0.99) >= counts.computing.quantile(0.1));
        _ = timed(3);
        let growth = listed.counts().since(&counts);
        assert_eq!((growth.misses, growth.computing.count(), growth.backend.count()), (1, 1, 0));
        assert_eq!(
            function("counters::times_are_counted_where_they_are_measured::untimed")
                .counts()
                .computing
                .count(),
            0
        );
        listed.reset_counters();
        assert_eq!((listed.stats(), listed.info().currsize), (CacheStats::default(), 3));
        _ = timed(9);
        assert_eq!((listed.stats().errors, listed.counts().stats.errors), (1, 2));
        assert_eq!(listed.counts().computing.count(), 5);
    }

    #[test]
    fn entries_that_are_cleared_are_told_of_and_results_of_before_are_not_stored() {
        static REMOVED: Mutex<Vec<(u64, RemovalCause)>> = Mutex::new(Vec::new());
        static GO_ON: Mutex<Option<mpsc::Receiver<()>>> = Mutex::new(None);
        #[lru_cache(maxsize = 5, on_evict = |id: &u64, _: &u64, cause| REMOVED.lock().unwrap().push((*id, cause)))]
        fn slow(n: u64) -> u64 {
            if let Some(go_on) = GO_ON.lock().unwrap().take() {
                go_on.recv_timeout(LIMIT).unwrap();
            }
            n
        }
        let path =
            "counters::entries_that_are_cleared_are_told_of_and_results_of_before_are_not_stored::slow";
        let listed = function(path);
        assert_eq!(slow(1), 1);
        let (go_on, waits) = mpsc::channel();
        *GO_ON.lock().unwrap() = Some(waits);
        let computing = thread::spawn(|| slow(2));
        let begin = Instant::now();
        while listed.info().misses < 2 {
            assert!(begin.elapsed() < LIMIT, "the function is not called");
            thread::yield_now();
        }
        listed.clear_entries();
        assert_eq!(*REMOVED.lock().unwrap(), [(1, RemovalCause::Cleared)]);
        go_on.send(()).unwrap();
        assert_eq!(computing.join().unwrap(), 2);
        assert_eq!((counts(listed.info()), listed.stats().superseded), ((0, 2, 0), 1));
    }
}

/// Functions in every position, and their paths.
mod paths {
    use super::*;

    struct Shop;
    struct Bakery<T>(T);

    trait Prices {
        fn price(&self, id: u64) -> u64;

        #[lru_cache(accessors = none)]
        fn doubled(#[key(skip)] &self, id: u64) -> u64 {
            2 * id
        }
    }

    impl Shop {
        #[lru_cache]
        fn price(#[key(skip)] &self, id: u64) -> u64 {
            id
        }

        #[lru_cache(accessors = siblings)]
        fn tax(id: u64) -> u64 {
            id / 5
        }
    }

    impl<T: Send + Sync + 'static> Bakery<T> {
        #[lru_cache(maxsize = 10)]
        fn price(#[key(skip)] &self, id: u64) -> u64 {
            _ = &self.0;
            id
        }
    }

    impl Prices for Shop {
        #[lru_cache(accessors = none)]
        fn price(#[key(skip)] &self, id: u64) -> u64 {
            3 * id
        }
    }

    impl Prices for Bakery<u8> {
        #[lru_cache(accessors = none)]
        fn price(#[key(skip)] &self, id: u64) -> u64 {
            4 * id
        }
    }

    #[lru_cache(typed = true)]
    fn generic<T: Into<u64> + functools::Argument>(n: T) -> u64 {
        n.into()
    }

    #[lru_cache(handle = loop_cache)]
    fn r#loop(n: u64) -> u64 {
        n
    }

    #[lru_cache]
    async fn waits(n: u64) -> u64 {
        n
    }

    #[lru_cache(accessors = none)]
    async fn waits_unasked(n: u64) -> u64 {
        n
    }

    fn within() -> u64 {
        #[cache]
        fn inner(n: u64) -> u64 {
            n
        }
        inner(1)
    }

    #[test]
    fn methods_are_told_apart_by_their_types() {
        _ = (Shop.price(1), Shop.price(1), Shop::tax(1), Bakery(1_u8).price(1), Bakery("").price(1));
        assert_eq!(counts(function("paths::Shop::price").info()), (1, 1, 1));
        assert_eq!(counts(function("paths::Shop::tax").info()), (0, 1, 1));
        let generic = function("paths::Bakery<T>::price");
        assert_eq!((counts(generic.info()), generic.parameters().maxsize), ((0, 2, 2), Some(10)));
    }

    #[test]
    fn methods_of_traits_are_told_apart_by_their_traits() {
        _ = (Prices::price(&Shop, 1), Prices::price(&Bakery(1_u8), 1), Shop.doubled(1), Shop.doubled(1));
        let all: Vec<_> = registry::functions().map(Function::path).collect();
        let of_shop = "<registry::paths::Shop as registry::paths::Prices>::price";
        let of_bakery = "<registry::paths::Bakery<u8> as registry::paths::Prices>::price";
        assert!(all.contains(&of_shop) && all.contains(&of_bakery), "{all:#?}");
        assert_eq!(counts(function("paths::Prices::doubled").info()), (1, 1, 1));
    }

    #[test]
    fn functions_stand_wherever_they_can() {
        _ = (generic(1_u8), generic(1_u32), r#loop(1), within());
        assert_eq!(counts(function("paths::generic").info()), (0, 2, 2));
        assert!(function("paths::generic").parameters().typed);
        assert_eq!(counts(function("paths::loop").info()), (0, 1, 1));
        assert_eq!(counts(function("paths::within::inner").info()), (0, 1, 1));
        assert_eq!(function("paths::waits").info().currsize, 0);
        assert_eq!(function("paths::waits_unasked").info().currsize, 0);
        drop((waits(1), waits_unasked(1)));
    }
}

mod objects {
    use super::*;

    static NUMBERS: LruCache<u64, u64> = LruCache::new(Some(4));

    #[lru_cache(cache = NUMBERS)]
    fn in_an_object(n: u64) -> u64 {
        n
    }

    #[test]
    fn what_lies_in_an_object_is_not_listed() {
        assert_eq!(in_an_object(1), 1);
        assert!(registry::functions().all(|function| !function.path().contains("in_an_object")));
    }
}

/// Functions with expiry and listeners, which the registry must apply too.
mod expiring {
    use super::*;

    static TIME: AtomicU64 = AtomicU64::new(0);
    static REMOVED: Mutex<Vec<(u64, RemovalCause)>> = Mutex::new(Vec::new());
    static NOTIFIED: Mutex<Vec<(u64, RemovalCause)>> = Mutex::new(Vec::new());

    fn now() -> u64 {
        TIME.load(SeqCst)
    }

    fn log(id: u64, cause: RemovalCause) {
        NOTIFIED.lock().unwrap().push((id, cause));
    }

    /// Locks the clock, for tests that advance it.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[lru_cache(ttl = 10, timer = now, on_evict = |id: &u64, _: &u64, cause| log(*id, cause))]
    fn plain(id: u64) -> u64 {
        id
    }

    struct Shop<T>(T);

    impl<T: Send + Sync + 'static> Shop<T> {
        const TTL: u64 = 10;

        fn now() -> u64 {
            now()
        }

        #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature of a listener")]
        fn log(id: &u64, _: &u64, cause: RemovalCause) {
            REMOVED.lock().unwrap().push((*id, cause));
        }

        #[lru_cache(ttl = Self::TTL, timer = now, on_evict = Self::log)]
        fn notified_by_calls(#[key(skip)] &self, id: u64) -> u64 {
            _ = &self.0;
            id
        }

        #[lru_cache(ttl = Self::TTL, timer = now, on_evict = |id, _, cause| log(*id, cause))]
        fn method(#[key(skip)] &self, id: u64) -> u64 {
            _ = &self.0;
            id
        }

        #[lru_cache(ttl = 10, timer = Self::now)]
        fn timed_by_calls(#[key(skip)] &self, id: u64) -> u64 {
            _ = &self.0;
            id
        }
    }

    #[lru_cache(maxsize = 1, ttl = 100, timer = now, accessors = none)]
    fn uncalled(id: u64) -> u64 {
        id
    }

    #[test]
    fn what_has_expired_is_not_counted_and_told_of() {
        let _alone = alone();
        let (shop, method) = (Shop(()), function("expiring::Shop<T>::method"));
        _ = (plain(1), shop.method(2));
        assert_eq!((function("expiring::plain").info().currsize, method.info().currsize), (1, 1));
        TIME.fetch_add(10, SeqCst);
        assert_eq!((function("expiring::plain").info().currsize, method.info().currsize), (0, 0));
        assert_eq!((function("expiring::plain").stats().expiries, method.stats().expiries), (1, 1));
        _ = (plain(1), shop.method(2));
        function("expiring::plain").clear();
        method.clear();
        let (expired, cleared) = (RemovalCause::Expired, RemovalCause::Cleared);
        assert_eq!(*NOTIFIED.lock().unwrap(), [(1, expired), (2, expired), (1, cleared), (2, cleared)]);
        assert_eq!((counts(plain::cache_info()), counts(method.info())), ((0, 0, 0), (0, 0, 0)));
    }

    #[test]
    fn whom_only_calls_know_is_told_by_the_next_one() {
        let _alone = alone();
        let (shop, listed) = (Shop(()), function("expiring::Shop<T>::notified_by_calls"));
        _ = (shop.notified_by_calls(1), shop.notified_by_calls(2));
        TIME.fetch_add(5, SeqCst);
        _ = shop.notified_by_calls(3);
        TIME.fetch_add(5, SeqCst);
        assert_eq!(listed.info().currsize, 1);
        TIME.fetch_add(5, SeqCst);
        assert_eq!((listed.info().currsize, listed.info().misses), (0, 3));
        assert!(REMOVED.lock().unwrap().is_empty());
        _ = shop.notified_by_calls(4);
        let mut removed = REMOVED.lock().unwrap().split_off(0);
        removed.sort_by_key(|(id, _)| *id);
        assert_eq!(removed, [1, 2, 3].map(|id| (id, RemovalCause::Expired)));
        listed.clear();
        listed.clear();
        assert_eq!((counts(listed.info()), REMOVED.lock().unwrap().len()), ((0, 0, 0), 0));
        _ = (shop.notified_by_calls(4), shop.notified_by_calls(4));
        assert_eq!(*REMOVED.lock().unwrap(), [(4, RemovalCause::Cleared)]);
        assert_eq!(counts(listed.info()), (1, 1, 1));
    }

    #[test]
    fn what_has_expired_by_a_timer_out_of_reach_counts_until_the_next_call() {
        let _alone = alone();
        let (shop, listed) = (Shop(()), function("expiring::Shop<T>::timed_by_calls"));
        _ = shop.timed_by_calls(1);
        TIME.fetch_add(10, SeqCst);
        assert_eq!(listed.info().currsize, 1);
        assert_eq!(Shop::<()>::timed_by_calls_cache_info().currsize, 0);
        assert_eq!((listed.info().currsize, listed.stats().expiries), (0, 1));
    }

    #[test]
    fn a_function_without_accessors_can_be_cleared_all_the_same() {
        let _alone = alone();
        let listed = function("expiring::uncalled");
        _ = (uncalled(1), uncalled(2));
        assert_eq!((counts(listed.info()), listed.stats().evictions), ((0, 2, 1), 1));
        listed.clear();
        assert_eq!(counts(listed.info()), (0, 0, 0));
        _ = uncalled(2);
        assert_eq!(counts(listed.info()), (0, 1, 1));
    }
}

mod in_a_memoized_impl {
    use super::*;

    trait Convert<A> {
        fn convert(value: A) -> u64;
    }

    struct Unit;

    #[memoize]
    impl Convert<u8> for Unit {
        #[lru_cache(maxsize = 3)]
        fn convert(value: u8) -> u64 {
            value.into()
        }
    }

    #[memoize]
    impl Convert<u16> for Unit {
        #[lru_cache(maxsize = 4, handle = wide)]
        fn convert(value: u16) -> u64 {
            value.into()
        }
    }

    #[memoize(accessors = ByteCache)]
    impl Convert<u32> for u8 {
        #[lru_cache(maxsize = 5)]
        fn convert(value: u32) -> u64 {
            value.into()
        }
    }

    #[memoize]
    impl Unit {
        #[lru_cache(maxsize = 6)]
        fn own(value: u8) -> u8 {
            value
        }
    }

    #[test]
    fn methods_are_listed_by_the_type() {
        _ = (<Unit as Convert<u8>>::convert(1), <Unit as Convert<u16>>::convert(1), Unit::own(1));
        _ = <u8 as Convert<u32>>::convert(1);
        let within = "registry::in_a_memoized_impl::";
        let mut paths: Vec<_> = registry::functions().map(Function::path).collect();
        paths.retain(|path| path.contains("in_a_memoized_impl"));
        paths.sort_unstable();
        let mut expected = [
            format!("{within}<impl {within}Unit>::convert"),
            format!("{within}<impl {within}Unit>::wide"),
            format!("{within}<impl {within}ByteCache for u8>::convert"),
            format!("{within}Unit::own"),
        ];
        expected.sort_unstable();
        assert_eq!(paths, expected);
    }
}

/// Capacities from the environment.
mod capacities {
    use std::process::Command;

    use functools::registry::{OverrideErrorReason, override_from, override_from_env};

    use super::*;

    #[lru_cache(maxsize = 8)]
    fn price(id: u64) -> u64 {
        id
    }

    #[lru_cache(maxsize = price(4), shards = 2)]
    fn stock(id: u64) -> u64 {
        id
    }

    #[lru_cache(maxsize = 8, namespace = "the shop's")]
    fn named(id: u64) -> u64 {
        id
    }

    mod twins {
        use super::*;

        #[lru_cache(maxsize = 8, namespace = "twin.s")]
        fn one(id: u64) -> u64 {
            id
        }

        #[lru_cache(maxsize = 8, namespace = "twin-s")]
        fn two(id: u64) -> u64 {
            id
        }

        pub(super) fn call() {
            _ = (one(1), two(1));
        }
    }

    #[cache]
    fn unbounded(id: u64) -> u64 {
        id
    }

    #[lru_cache(maxsize = 0)]
    fn off(id: u64) -> u64 {
        id
    }

    const PREFIX: &str = "FUNCTOOLS_MAXSIZE__REGISTRY__CAPACITIES__";

    #[test]
    fn variables_set_capacities_and_each_mistake_is_returned() {
        twins::call();
        let of = |name: &str| format!("{PREFIX}{name}");
        assert_eq!(function("capacities::price").maxsize_variable(), of("PRICE"));
        let named_variable = function("capacities::named").maxsize_variable();
        assert_eq!(named_variable, "FUNCTOOLS_MAXSIZE__THE_SHOP_S");
        (0..8).for_each(|id| _ = (price(id), named(id)));
        // The expression in the source comes first.
        let right = [(of("PRICE"), "3"), (of("STOCK"), " 7 "), (named_variable, "none")];
        assert_eq!(override_from(right), Ok(3));
        (0..100).for_each(|id| _ = (price(id), stock(id), named(id)));
        assert_eq!((price::cache_info().maxsize, price::cache_info().currsize), (Some(3), 3));
        assert_eq!((stock::cache_info().maxsize, stock::cache_info().currsize), (Some(7), 7));
        assert_eq!((named::cache_info().maxsize, named::cache_info().currsize), (None, 100));

        let wrong = [
            (of("PRICE"), "many"),
            (of("PRISE"), "4"),
            (of("UNBOUNDED"), "4"),
            (of("OFF"), "4"),
            ("FUNCTOOLS_MAXSIZE__TWIN_S".to_owned(), "4"),
            (of("STOCK"), "2"),
        ];
        let errors = override_from(wrong).unwrap_err();
        let mut expected = [
            (of("OFF"), OverrideErrorReason::NotBounded),
            (of("PRICE"), OverrideErrorReason::NotACapacity),
            (of("PRISE"), OverrideErrorReason::UnknownFunction),
            (of("UNBOUNDED"), OverrideErrorReason::NotBounded),
            ("FUNCTOOLS_MAXSIZE__TWIN_S".to_owned(), OverrideErrorReason::SeveralFunctions),
        ];
        expected.sort_by(|one, other| one.0.cmp(&other.0));
        let found: Vec<_> =
            errors.iter().map(|error| (error.variable().to_owned(), error.reason())).collect();
        assert_eq!(found, expected);
        let message = errors[1].to_string();
        assert_eq!(message, format!("{}=many: a capacity is a number of entries, or `none`", of("PRICE")));
        assert_eq!(price::cache_info().maxsize, Some(3), "a mistake changes nothing");
        assert_eq!(stock::cache_info().maxsize, Some(2), "what is right takes effect");
        assert_eq!((unbounded(1), off(1)), (1, 1));
    }

    #[test]
    fn the_environment_is_read_when_asked_for() {
        #[lru_cache(maxsize = 8, namespace = "asked")]
        fn asked(id: u64) -> u64 {
            id
        }
        const VARIABLE: &str = "FUNCTOOLS_MAXSIZE__ASKED";
        if std::env::var_os(VARIABLE).is_some() {
            assert_eq!((asked(1), asked::cache_info().maxsize), (1, Some(8)));
            assert_eq!(override_from_env(), Ok(1));
            assert_eq!(asked::cache_info().maxsize, Some(77));
            return;
        }
        assert_eq!(override_from_env(), Ok(0));
        let mut again = Command::new(std::env::current_exe().expect("the test is a file"));
        again.args(["--exact", "capacities::the_environment_is_read_when_asked_for"]).env(VARIABLE, "77");
        let output = again.output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    }
}

/// Times to live from the environment.
mod times_to_live {
    use std::cell::Cell;
    use std::process::Command;
    use std::time::Duration;

    use functools::registry::{OverrideErrorReason, override_from, override_from_env};

    use super::*;

    const PREFIX: &str = "FUNCTOOLS_TTL__REGISTRY__TIMES_TO_LIVE__";

    thread_local! {
        /// The time, of each test its own.
        static NOW: Cell<u64> = const { Cell::new(0) };
    }

    fn now() -> Duration {
        Duration::from_secs(NOW.get())
    }

    fn at(seconds: u64) {
        NOW.set(seconds);
    }

    fn set(name: &str, seconds: &str) {
        assert_eq!(override_from([(format!("{PREFIX}{name}"), seconds)]), Ok(1), "{name}");
    }

    #[test]
    fn constants_and_expressions_are_overridden_for_results_that_are_stored_later() {
        fn configured() -> u64 {
            10
        }
        macro_rules! functions {
            ($($(#[$attribute:meta])+ $name:ident;)+) => {$({
                $(#[$attribute])+
                fn $name(n: u64) -> u64 {
                    n + NOW.get()
                }
                at(0);
                $name(1);
                let name = stringify!($name).to_uppercase();
                let variables = registry::functions().map(Function::ttl_variable);
                let mut own = variables.filter(|variable| {
                    variable.starts_with(&format!("{PREFIX}CONSTANTS_AND_EXPRESSIONS"))
                        && variable.contains(&format!("__{name}_"))
                });
                let variable = own.next().expect("it is registered");
                assert_eq!(override_from([(&variable, "30")]), Ok(1));
                $name(2);
                at(9);
                assert_eq!([$name(1), $name(2)], [1, 2]);
                at(10);
                assert_eq!([$name(1), $name(2)], [11, 2], "the first one was stored before");
                at(29);
                assert_eq!([$name(1), $name(2)], [11, 2]);
                at(30);
                assert_eq!([$name(1), $name(2)], [11, 32]);
                at(40);
                assert_eq!($name(1), 41);
                assert_eq!(override_from([(&variable, "0.5")]), Ok(1));
                $name(3);
                at(41);
                assert_eq!($name(3), 44);
            })+};
        }
        functions! {
            #[lru_cache(ttl = 10, timer = now)] constant;
            #[lru_cache(ttl = configured(), timer = now)] configured_one;
            #[lru_cache(ttl = Duration::from_secs(10), timer = now, lock_free = false)] locked;
            #[lru_cache(ttl = 10, timer = now, shards = 2)] in_shards;
            #[lru_cache(maxsize = None, ttl = 10, timer = now)] unbounded;
            #[lru_cache(ttl = 10, timer = now, single_flight = true)] shared_flight;
            #[lru_cache(ttl = 10, timer = now, policy = lfu, tti = 1000)] with_idle_time;
            #[lru_cache(maxsize = usize::try_from(configured()).unwrap(), ttl = 10, timer = now)] sized;
            #[lru_cache(ttl = 10, timer = now, tags = |_| [functools::tag("registry", 1)])] tagged;
        }
    }

    #[lru_cache(ttl = 10, stale_if_error = 5, timer = now)]
    fn fallible(n: u64) -> Result<u64, u64> {
        if NOW.get() < 20 { Ok(n) } else { Err(NOW.get()) }
    }

    #[lru_cache(ttl = 10, cache_errors = true, error_ttl = 3, timer = now)]
    fn with_errors(n: u64) -> Result<u64, u64> {
        Err(n + NOW.get())
    }

    #[lru_cache(ttl = 10, timer = now, accessors = none)]
    fn hidden(n: u64) -> u64 {
        n + NOW.get()
    }

    #[lru_cache(ttl = 10, timer = || NOW.get())]
    fn counted(n: u64) -> u64 {
        n + NOW.get()
    }

    #[lru_cache(ttl = 10, timer = now, scope = thread)]
    fn of_thread(n: u64) -> u64 {
        n + NOW.get()
    }

    #[lru_cache(ttl = 10, timer = now, typed = true)]
    fn generic<T: Copy + std::hash::Hash + Eq + Send + Sync + 'static>(n: u64, _: T) -> u64 {
        n + NOW.get()
    }

    #[test]
    fn an_override_combines_with_the_other_options() {
        for name in ["FALLIBLE", "WITH_ERRORS", "HIDDEN", "OF_THREAD", "GENERIC"] {
            set(name, "30");
        }
        set("COUNTED", "2.5");
        at(0);
        assert_eq!((fallible(1), with_errors(1)), (Ok(1), Err(1)));
        assert_eq!((hidden(1), of_thread(1), generic(1, 'a'), generic(1, 7_u8)), (1, 1, 1, 1));
        counted(1);
        at(2);
        assert_eq!(counted(1), 1);
        at(3);
        assert_eq!((counted(1), with_errors(1)), (4, Err(4)), "2.5 is 3; `error_ttl` is that of the source");
        at(29);
        assert_eq!(
            (fallible(1), hidden(1), of_thread(1), generic(1, 'a'), generic(1, 7_u8)),
            (Ok(1), 1, 1, 1, 1)
        );
        at(30);
        assert_eq!((hidden(1), of_thread(1), generic(1, 'a'), generic(1, 7_u8)), (31, 31, 31, 31));
        at(34);
        assert_eq!(fallible(1), Ok(1), "stale, for 5 s after 30 s");
        at(35);
        assert_eq!(fallible(1), Err(35));
    }

    #[lru_cache(ttl = 10, timer = now)]
    fn price(n: u64) -> u64 {
        n + NOW.get()
    }

    #[lru_cache(maxsize = 8)]
    fn for_ever(n: u64) -> u64 {
        n
    }

    #[lru_cache(ttl = |_, seconds| *seconds, timer = now)]
    fn by_result(n: u64) -> u64 {
        n
    }

    mod twins {
        use super::*;

        #[lru_cache(ttl = 8, namespace = "short-lived.twin")]
        fn one(id: u64) -> u64 {
            id
        }

        #[lru_cache(ttl = 8, namespace = "short-lived-twin")]
        fn two(id: u64) -> u64 {
            id
        }

        pub(super) fn call() {
            _ = (one(1), two(1));
        }
    }

    #[test]
    fn each_mistake_is_returned_and_changes_nothing() {
        twins::call();
        let of = |name: &str| format!("{PREFIX}{name}");
        let wrong = ["", "0", "-1", "nan", "inf", "none", "soon"];
        for value in wrong {
            let errors = override_from([(of("PRICE"), value)]).unwrap_err();
            let found: Vec<_> = errors.iter().map(|error| (error.variable(), error.reason())).collect();
            assert_eq!(found, [(&*of("PRICE"), OverrideErrorReason::NotATtl)], "{value}");
            let message =
                format!("{}={value}: a time to live is a number of seconds above zero", of("PRICE"));
            assert_eq!(errors[0].to_string(), message);
        }
        let errors = override_from([
            (of("BY_RESULT"), "4"),
            (of("FOR_EVER"), "4"),
            (of("PRISE"), "4"),
            ("FUNCTOOLS_TTL__SHORT_LIVED_TWIN".to_owned(), "4"),
        ]);
        let reasons: Vec<_> = errors.unwrap_err().iter().map(registry::OverrideError::reason).collect();
        let none = OverrideErrorReason::NoTtl;
        let (unknown, several) =
            (OverrideErrorReason::UnknownFunction, OverrideErrorReason::SeveralFunctions);
        assert_eq!(reasons, [none, none, unknown, several]);
        at(0);
        assert_eq!((price(1), by_result(3), for_ever(1)), (1, 3, 1));
        at(9);
        assert_eq!((price(1), by_result::cache_contains(3)), (1, false));
        at(10);
        assert_eq!((price(1), for_ever(1)), (11, 1));
    }

    #[test]
    fn the_environment_is_read_when_asked_for() {
        #[lru_cache(ttl = 8, namespace = "asked for life", timer = now)]
        fn asked(id: u64) -> u64 {
            id + NOW.get()
        }
        const VARIABLE: &str = "FUNCTOOLS_TTL__ASKED_FOR_LIFE";
        if std::env::var_os(VARIABLE).is_some() {
            assert_eq!(override_from_env(), Ok(1));
            asked(1);
            at(76);
            assert_eq!(asked(1), 1);
            at(77);
            assert_eq!(asked(1), 78);
            return;
        }
        assert_eq!(override_from_env(), Ok(0));
        let mut again = Command::new(std::env::current_exe().expect("the test is a file"));
        again.args(["--exact", "times_to_live::the_environment_is_read_when_asked_for"]).env(VARIABLE, "77");
        let output = again.output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    }

    #[test]
    fn methods_have_the_new_time_to_live() {
        struct Shop;
        impl Shop {
            #[lru_cache(ttl = 10, timer = now)]
            fn price(#[key(skip)] &self, n: u64) -> u64 {
                n + NOW.get()
            }
        }
        let is_own = |path: &str| path.contains("times_to_live") && path.ends_with("Shop::price");
        let mut methods = registry::functions().filter(|function| is_own(function.path()));
        let variable = methods.next().map(Function::ttl_variable).expect("it is registered");
        assert_eq!(override_from([(variable, "30")]), Ok(1));
        at(0);
        assert_eq!(Shop.price(1), 1);
        at(29);
        assert_eq!(Shop.price(1), 1);
        at(30);
        assert_eq!(Shop.price(1), 31);
    }
}
