//! `functools::budget`: functions with `weight = bytes` share one memory budget.
//!
//! The budget is that of the program, so the tests run one after the other. All functions of all tests are members: the tests look
//! at the shares of their own.

// A function is defined in the test that uses it.
#![allow(clippy::items_after_statements)]

mod storm;
mod support;

use std::sync::Mutex;

use functools::{BudgetReport, CacheInfo, KIB, MIB, RemovalCause, ShareReason, budget_report, lru_cache};

use support::{Keys, Program, share_of, took};

/// Calls a function with random keys below `of`.
fn call(f: impl Fn(u64), keys: &mut Keys, of: u64, calls: u64) {
    (0..calls).for_each(|_| f(keys.below(of)));
}

#[test]
fn memory_goes_where_it_saves_most_and_follows_the_calls() {
    #[lru_cache(maxsize = None, weight = bytes)]
    fn one(n: u64, cost: u64) -> Vec<u8> {
        took(cost);
        vec![u8::try_from(n % 256).unwrap(); 1000]
    }
    #[lru_cache(maxsize = None, weight = bytes)]
    fn other(n: u64, cost: u64) -> Vec<u8> {
        took(cost);
        vec![u8::try_from(n % 256).unwrap(); 1000]
    }
    let program = Program::with_budget(MIB);
    let mut keys = Keys::new();
    let mut rounds = |costs: [u64; 2], calls| {
        for _ in 0..calls {
            one(keys.below(1000), costs[0]);
            other(keys.below(1000), costs[1]);
            assert!(one::cache_info().currsize + other::cache_info().currsize <= MIB);
            assert!(one::cache_info().maxsize.unwrap() + other::cache_info().maxsize.unwrap() <= MIB);
        }
    };
    rounds([1000, 100_000], 15_000);
    let (of_one, of_other) = (share_of("::one"), share_of("::other"));
    assert!(of_other.share() > MIB / 2 && of_one.share() < MIB / 10, "{}", budget_report());
    assert_eq!(other::cache_info().maxsize, Some(of_other.share()));
    assert_eq!(of_other.cost_of_miss().unwrap().as_nanos(), 100_000);
    assert_eq!(of_one.cost_of_miss().unwrap().as_nanos(), 1000);
    assert_eq!(of_one.reason(), ShareReason::AtFloor);
    assert!(of_one.gain_per_mib() < of_other.gain_per_mib() && of_one.calls() > 10_000);
    assert!(of_other.used() <= of_other.share() && of_other.used() > MIB / 4);
    // The other way round.
    rounds([100_000, 1000], 25_000);
    assert!(share_of("::one").share() > MIB / 2, "{}", budget_report());
    program.remove();
    assert_eq!((one::cache_info().maxsize, other::cache_info().maxsize), (None, None));
    assert!(budget_report().functions().is_empty() && budget_report().total().is_none());
}

#[test]
fn a_budget_bounds_what_was_stored_before_it_was_set() {
    #[lru_cache(maxsize = None, weight = bytes)]
    fn text(n: usize) -> String {
        "x".repeat(n)
    }
    #[lru_cache(maxsize = 30 * KIB, weight = bytes)]
    fn short(n: usize) -> String {
        "x".repeat(n)
    }
    let program = Program::alone();
    (0..1000).for_each(|n| assert_eq!(text(n).len(), n));
    (0..100).for_each(|n| assert_eq!(short(n).len(), n));
    let full = text::cache_info().currsize;
    assert!(full > 500_000, "{full}");
    program.set(100 * KIB);
    let sizes = || [text::cache_info(), short::cache_info()].map(|info| info.currsize);
    assert!(sizes().iter().sum::<usize>() <= 100 * KIB, "{:?}", sizes());
    assert!(short::cache_info().maxsize.unwrap() <= 30 * KIB);
    program.set(10 * KIB);
    assert!(sizes().iter().sum::<usize>() <= 10 * KIB, "{:?}", sizes());
    program.remove();
    assert_eq!((text::cache_info().maxsize, short::cache_info().maxsize), (None, Some(30 * KIB)));
    (0..1000).for_each(|n| assert_eq!(text(n).len(), n));
    assert_eq!(text::cache_info().currsize, full);
}

#[test]
fn a_capacity_that_is_set_is_a_bound_beside_the_budget() {
    #[lru_cache(maxsize = MIB, weight = bytes)]
    fn notes(n: usize) -> String {
        "x".repeat(n)
    }
    let program = Program::alone();
    _ = notes(1);
    program.set(MIB);
    let share = notes::cache_info().maxsize.unwrap();
    notes::cache_resize(share / 2);
    assert_eq!(
        (notes::cache_info().maxsize, share_of("::notes").bound()),
        (Some(share / 2), Some(share / 2))
    );
    notes::cache_resize(MIB);
    assert!(notes::cache_info().maxsize.unwrap() <= MIB);
    assert_eq!(share_of("::notes").bound(), Some(MIB));
    program.remove();
    assert_eq!(notes::cache_info().maxsize, Some(MIB));
}

#[test]
fn a_function_keeps_its_own_floor() {
    const FLOOR: u32 = 50 * 1024;
    #[lru_cache(maxsize = None, weight = bytes, floor = FLOOR)]
    fn kept(n: u64) -> Vec<u8> {
        took(1 + n);
        vec![1; 1000]
    }
    #[lru_cache(maxsize = None, weight = bytes)]
    fn costly(n: u64) -> Vec<u8> {
        took(100_000 + n);
        vec![1; 1000]
    }
    let _program = Program::with_budget(MIB);
    let mut keys = Keys::new();
    call(|n| _ = (kept(n % 10), costly(n)), &mut keys, 2000, 20_000);
    let share = share_of("::kept");
    assert_eq!(share.floor(), 50 * KIB);
    // Less than a fiftieth of the budget is not moved.
    assert!((50 * KIB..72 * KIB).contains(&share.share()), "{share}");
    assert!(costly::cache_info().currsize > MIB / 2, "{}", budget_report());
}

#[test]
fn results_that_are_larger_than_the_share_call_for_more() {
    #[lru_cache(maxsize = None, weight = bytes)]
    fn image(n: u64) -> Vec<u8> {
        took(1_000_000 + n);
        vec![1; 100 * KIB]
    }
    #[lru_cache(maxsize = None, weight = bytes)]
    fn line(n: u64) -> Vec<u8> {
        took(1000 + n);
        vec![1; 1000]
    }
    let _program = Program::with_budget(MIB);
    let mut keys = Keys::new();
    call(|n| _ = line(n), &mut keys, 1000, 20_000);
    // It was not called, so that it has no room for one of its results.
    for n in 0..20_000 {
        _ = (line(keys.below(1000)), (n % 4 == 0).then(|| image(keys.below(4))));
    }
    let info = image::cache_info();
    assert!(info.currsize >= 4 * 100 * KIB, "{info} {}", budget_report());
}

#[test]
fn every_kind_of_function_takes_part() {
    #[lru_cache(maxsize = MIB, weight = bytes, shards = 4, policy = s3_fifo)]
    fn sharded(n: u64) -> Vec<u8> {
        took(50_000 + n);
        vec![1; 1000]
    }
    #[lru_cache(maxsize = 1024 * "kibibytes".len() * 200, weight = bytes, policy = gdsf, insight = true)]
    fn at_run_time(n: u64) -> Vec<u8> {
        took(n);
        vec![1; 1000]
    }
    #[lru_cache(maxsize = None, weight = bytes, ttl = 600)]
    async fn later(n: u64) -> Vec<u8> {
        std::future::ready(()).await;
        took(n);
        vec![1; 1000]
    }
    #[lru_cache(maxsize = None, weight = bytes, policy = auto, accessors = none, single_flight = true)]
    fn without_accessors(n: u64) -> Vec<u8> {
        took(n);
        vec![1; 1000]
    }
    #[lru_cache(maxsize = None, weight = bytes, each = ids)]
    fn each(ids: &[u64]) -> Vec<Vec<u8>> {
        ids.iter().map(|id| vec![u8::try_from(*id % 256).unwrap(); 1000]).collect()
    }
    struct Shop;
    impl Shop {
        #[lru_cache(maxsize = None, weight = bytes)]
        fn label(#[key(skip)] &self, n: u64) -> String {
            took(n);
            "x".repeat(1000)
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _program = Program::with_budget(MIB);
    let mut keys = Keys::new();
    for _ in 0..10_000 {
        let mut n = || keys.below(1000);
        _ = (sharded(n()), at_run_time(n()), without_accessors(n()), each(&[n(), n()]), Shop.label(n()));
        runtime.block_on(later(n()));
    }
    let report = budget_report();
    for name in ["::sharded", "::at_run_time", "::later", "::without_accessors", "::each", "Shop::label"] {
        let share = share_of(name);
        assert!(share.calls() >= 5000 && share.share() >= share.floor() && share.floor() > 0, "{report}");
        assert!(share.used() <= share.share(), "{report}");
    }
    assert_sum(&report, MIB);
    // It costs most, by far.
    assert_eq!(report.functions()[0].path(), share_of("::sharded").path(), "{report}");
    assert!(sharded::cache_info().currsize > MIB / 2, "{report}");
    let infos: [CacheInfo; 5] = [
        sharded::cache_info(),
        at_run_time::cache_info(),
        later::cache_info(),
        each::cache_info(),
        Shop::label_cache_info(),
    ];
    assert!(infos.iter().map(|info| info.currsize).sum::<usize>() <= MIB, "{infos:?}");
    assert!(at_run_time::cache_insight().calls() > 0);
    assert!(report.to_string().starts_with("budget of 1.0 MiB for "), "{report}");
}

#[track_caller]
fn assert_sum(report: &BudgetReport, total: usize) {
    let sum: usize = report.functions().iter().map(functools::BudgetShare::share).sum();
    assert!(sum <= total, "{sum}: {report}");
}

#[test]
fn caches_of_threads_and_isolated_caches_do_not_take_part() {
    #[lru_cache(maxsize = MIB, weight = bytes, scope = thread)]
    fn own(n: usize) -> String {
        "x".repeat(n)
    }
    #[lru_cache(maxsize = MIB, weight = bytes)]
    fn shared(n: usize) -> String {
        "x".repeat(n)
    }
    let _program = Program::with_budget(64 * KIB);
    own(1);
    assert_eq!(own::cache_info().maxsize, Some(MIB));
    shared(1);
    let before = share_of("::shared");
    assert!(!budget_report().functions().iter().any(|share| share.path().ends_with("::own")));
    functools::isolated(|| {
        (0..5000).for_each(|n| _ = shared(n));
        // It is as the shared one was, and has its own entries.
        assert_eq!(shared::cache_info().maxsize, Some(before.share()));
        shared::cache_resize(100);
        assert_eq!(shared::cache_info().maxsize, Some(100));
    });
    assert_eq!((shared::cache_info().maxsize, shared::cache_info().misses), (Some(before.share()), 1));
    assert_eq!((share_of("::shared").calls(), share_of("::shared").bound()), (before.calls(), Some(MIB)));
}

#[test]
fn what_an_epoch_evicts_is_reported_without_a_lock() {
    static EVICTED: Mutex<Vec<RemovalCause>> = Mutex::new(Vec::new());
    #[lru_cache(maxsize = None, weight = bytes, on_evict = |_, _, cause| {
        EVICTED.lock().unwrap().push(cause);
        // Takes the lock of the cache, and that of the budget.
        _ = (idle::cache_info(), budget_report(), busy(0));
    })]
    fn idle(n: u64) -> Vec<u8> {
        took(n);
        vec![1; 1000]
    }
    #[lru_cache(maxsize = None, weight = bytes)]
    fn busy(n: u64) -> Vec<u8> {
        took(100_000 + n);
        vec![1; 1000]
    }
    let program = Program::alone();
    _ = (idle(0), busy(0));
    program.set(MIB);
    let mut n = 0;
    while idle::cache_stats().evictions == 0 {
        n += 1;
        _ = idle(n);
    }
    EVICTED.lock().unwrap().clear();
    let before = idle::cache_info().currsize;
    let mut keys = Keys::new();
    call(|n| _ = busy(n), &mut keys, 2000, 30_000);
    let after = idle::cache_info();
    assert!(after.currsize < before && after.maxsize == Some(share_of("::idle").share()), "{after}");
    let evicted = EVICTED.lock().unwrap();
    assert!(!evicted.is_empty() && evicted.iter().all(|cause| *cause == RemovalCause::Evicted));
}

#[test]
fn a_cleared_cache_keeps_its_share() {
    #[lru_cache(maxsize = None, weight = bytes)]
    fn cleared(n: u64) -> Vec<u8> {
        took(1000 + n);
        vec![1; 1000]
    }
    let _program = Program::with_budget(MIB);
    let mut keys = Keys::new();
    call(|n| _ = cleared(n), &mut keys, 500, 10_000);
    let share = share_of("::cleared").share();
    assert!(share_of("::cleared").calls() > 1000);
    cleared::cache_clear();
    assert_eq!((cleared::cache_info().currsize, cleared::cache_info().maxsize), (0, Some(share)));
    call(|n| _ = cleared(n), &mut keys, 500, 10_000);
    assert!(share_of("::cleared").share() >= share, "{}", budget_report());
    assert_eq!(share_of("::cleared").cost_of_miss().map(|cost| cost.as_nanos() / 1000), Some(1));
}

#[cfg(feature = "registry")]
#[test]
fn the_registry_shows_the_share_of_a_function() {
    use functools::registry::{self, Function};

    #[lru_cache(maxsize = MIB, weight = bytes)]
    fn listed(n: usize) -> String {
        "x".repeat(n)
    }
    #[lru_cache]
    fn plain(n: usize) -> usize {
        n
    }
    let find = |name: &str| -> &'static Function {
        registry::functions().find(|function| function.path().ends_with(name)).unwrap()
    };
    let program = Program::with_budget(MIB);
    // It is listed, and joins when it is used.
    assert_eq!((find("::listed").budget_share(), find("::listed").info().maxsize), (None, Some(MIB)));
    _ = (listed(1), plain(1));
    let share = share_of("::listed").share();
    assert_eq!(find("::listed").budget_share(), Some(share));
    assert_eq!(find("::plain").budget_share(), None);
    assert!(find("::listed").resize(share / 2));
    assert_eq!(listed::cache_info().maxsize, Some(share / 2));
    program.remove();
    assert_eq!((find("::listed").budget_share(), listed::cache_info().maxsize), (None, Some(share / 2)));
}
