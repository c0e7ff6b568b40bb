//! Policies, expiry, weights and listeners of memoized functions.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use functools::policy::Candidates;
use functools::{RemovalCause, fifo_cache, lfu_cache, lru_cache, rr_cache, ttl_cache};

use crate::support::tally;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    static REMOVED: std::cell::RefCell<Vec<(u64, u64, RemovalCause)>> = const { std::cell::RefCell::new(Vec::new()) };
}

fn now() -> u64 {
    NOW.get()
}

fn log(key: &u64, value: &u64, cause: RemovalCause) {
    REMOVED.with_borrow_mut(|removed| removed.push((*key, *value, cause)));
}

#[test]
fn a_result_is_live_strictly_before_its_time() {
    #[lru_cache(ttl = 10, timer = now)]
    fn f(n: u64) -> u64 {
        n
    }
    f(1);
    NOW.set(9);
    f(1);
    assert_eq!(tally(f::cache_info()), (1, 1, 1));
    NOW.set(10);
    assert!(!f::cache_contains(1));
    f(1);
    assert_eq!(tally(f::cache_info()), (1, 2, 1));
    NOW.set(25);
    assert_eq!(tally(f::cache_info()), (1, 2, 0));
}

#[test]
fn every_spelling_of_a_time() {
    #[lru_cache(ttl = 60)]
    fn a(n: u64) -> u64 {
        n
    }
    #[lru_cache(ttl = 0.05, jitter = 0.1)]
    fn b(n: u64) -> u64 {
        n
    }
    #[lru_cache(ttl = Duration::from_millis(50), tti = 30)]
    fn c(n: &str) -> usize {
        n.len()
    }
    #[ttl_cache]
    fn d(n: u64) -> u64 {
        n
    }
    (a(1), b(1), c("x"), d(1), d(1));
    assert_eq!(tally(d::cache_info()), (1, 1, 1));
    assert_eq!(d::cache_parameters().maxsize, Some(128));
}

#[test]
fn a_time_of_its_own_for_each() {
    #[lru_cache(ttu = |n, value, now| now + n + value, timer = now)]
    fn f(n: u64) -> u64 {
        n
    }
    NOW.set(0);
    (f(1), f(5));
    NOW.set(2);
    assert!(!f::cache_contains(1));
    assert!(f::cache_contains(5));
    f::cache_put(7, 0);
    NOW.set(9);
    assert!(!f::cache_contains(7));
    assert_eq!(tally(f::cache_info()), (0, 2, 1));
}

#[test]
fn weights_bound_the_sum() {
    #[lru_cache(maxsize = 10, weight = |name, text| name.len() + text.len())]
    fn load(name: String) -> String {
        name.clone()
    }
    load("ab".into());
    load("abc".into());
    assert_eq!(load::cache_info().currsize, 10);
    load("a".into());
    assert_eq!(load::cache_info().currsize, 8);
    assert_eq!(load("123456".into()), "123456");
    assert_eq!(load::cache_info().currsize, 8);
}

#[test]
fn an_entry_is_free_only_where_min_weight_says_so() {
    #[lru_cache(maxsize = 3, weight = |_n, value| *value)]
    fn bounded(n: usize) -> usize {
        n / 100
    }
    #[lru_cache(maxsize = 3, weight = |_n, value| *value, min_weight = 0)]
    fn free(n: usize) -> usize {
        n / 100
    }
    const LEAST: usize = 2;
    #[lru_cache(maxsize = 8, shards = 2, weight = |_n, value| *value, min_weight = LEAST)]
    fn heavy(n: usize) -> usize {
        n / 100
    }
    for n in 0..10 {
        (bounded(n), free(n), heavy(n));
    }
    assert_eq!((bounded::cache_info().currsize, free::cache_info().currsize), (3, 0));
    let kept = |contains: fn(usize) -> bool| (0..10).filter(|n| contains(*n)).count();
    assert_eq!((kept(bounded::cache_contains), kept(free::cache_contains)), (3, 10));
    assert_eq!(heavy::cache_info().currsize, 2 * kept(heavy::cache_contains));
    free(300);
    assert_eq!((free::cache_info().currsize, kept(free::cache_contains)), (3, 10));
    free::cache_put(301, 0);
    assert_eq!((free::cache_info().currsize, free::cache_contains(301)), (3, true));
    bounded::cache_put(301, 0);
    assert_eq!((bounded::cache_info().currsize, bounded::cache_contains(301)), (3, true));
}

/// Checks that the result for 1 expires after five units, and that the one for 0, which is as late as can be, never does.
macro_rules! never_expires {
    ($($timer:ident until $last:expr => $({$($ttu:tt)*})+)*) => { $($({
        #[lru_cache(ttu = $($ttu)*, timer = $timer)]
        fn f(n: u64) -> Option<u64> {
            (n > 0).then_some(n)
        }
        NOW.set(1);
        (f(0), f(1));
        NOW.set(5);
        assert_eq!((f::cache_contains(0), f::cache_contains(1)), (true, true), "{}", stringify!($($ttu)*));
        NOW.set(6);
        assert_eq!((f::cache_contains(0), f::cache_contains(1)), (true, false), "{}", stringify!($($ttu)*));
        NOW.set($last);
        assert!(f::cache_contains(0), "{}", stringify!($($ttu)*));
    })+)* };
}

#[test]
fn a_sum_with_the_current_time_saturates() {
    static START: LazyLock<(Instant, SystemTime)> = LazyLock::new(|| (Instant::now(), SystemTime::now()));
    const YEARS: u64 = 200 * 365 * 24 * 60 * 60;

    fn since() -> Duration {
        Duration::from_secs(NOW.get())
    }
    fn instant() -> Instant {
        START.0 + since()
    }
    fn system() -> SystemTime {
        START.1 + since()
    }
    fn signed() -> i64 {
        i64::try_from(NOW.get()).unwrap()
    }
    fn float() -> f64 {
        since().as_secs_f64()
    }
    fn seconds(n: Option<u64>) -> Duration {
        n.map_or(Duration::MAX, |n| Duration::from_secs(5 * n))
    }
    fn count(n: Option<u64>) -> u64 {
        n.map_or(u64::MAX, |n| 5 * n)
    }

    never_expires! {
        since until YEARS =>
            { |_n, value, now| now + seconds(*value) }
        instant until YEARS =>
            { |_n, value, now| now + seconds(*value) }
            { |_n, value, now| now + value.map_or(Duration::from_secs(u64::MAX), |n| 5 * Duration::from_secs(n)) }
            { |_n, value, now| {
                let least = if value.is_none() { now + Duration::MAX } else { now + Duration::ZERO };
                match value {
                    Some(n) if now + Duration::ZERO < least => panic!("no time passes: {n}"),
                    value => (now + seconds(*value)).max(least),
                }
            } }
            { |_n, value, now| -> Instant { now + seconds(*value) } }
            { |_n, value, now| now + seconds(*value) + value.map_or(Duration::MAX, |_| Duration::ZERO) - Duration::ZERO }
        system until YEARS =>
            { |_n, value, now| now + seconds(*value) }
        now until u64::MAX - 1 =>
            { |_n, value, now| now + count(*value) }
            { |_n, value, now| now + 5 * value.unwrap_or(u64::MAX / 5) + value.map_or(4, |_| 0) }
            { |_n, value, now| now + count(*value) / 2 + count(*value) / 2 + if value.is_some() { 1 } else { 9 } }
            { |_n, value, now| now + &count(*value) + 0 }
        signed until 1 << 62 =>
            { |_n, value, now| now + i64::try_from(count(*value)).unwrap_or(i64::MAX) }
        float until u64::MAX =>
            { |_n, value, now| now + value.map_or(f64::MAX, |_| 5.0) + value.map_or(f64::MAX, |_| 0.0) }
    }

    // By the system's clock, as written in the README.
    #[lru_cache(ttu = |_n, value, now| now + *value)]
    fn page(n: u64) -> Duration {
        Duration::from_secs(n)
    }
    (page(u64::MAX), page(u64::MAX), page(0));
    assert_eq!(tally(page::cache_info()), (1, 2, 1));
}

#[test]
fn a_time_that_is_used_otherwise_is_the_timer_s() {
    fn least(_n: &u64, value: &u64, now: u64) -> u64 {
        now + value
    }
    macro_rules! expires_after_five {
        ($({$($ttu:tt)*})*) => { $({
            #[lru_cache(ttu = $($ttu)*, timer = now)]
            fn f(n: u64) -> u64 {
                5 * n
            }
            NOW.set(2);
            f(1);
            NOW.set(6);
            assert!(f::cache_contains(1), "{}", stringify!($($ttu)*));
            NOW.set(7);
            assert!(!f::cache_contains(1), "{}", stringify!($($ttu)*));
        })* };
    }
    expires_after_five! {
        { least }
        { |_n: &u64, value: &u64, now: u64| now + value }
        { |_n, value, now| u64::checked_add(now, *value).unwrap() }
        { |_n, value, now| value + now }
        { |_n, value, now| 2 * now + value - 2 }
        { |_n, value, now| value - now + now + 2 }
        { |_n, value, now| now.max(*value) + now.min(2) }
        { |_n, value, now| { assert_eq!(format!("{now}"), "2"); now + value } }
        { |_n, value, mut now| { now += value; now } }
        { |_n, value, now| { let now = now + value; now.max(3) } }
        { |_n, value, now| match value { 5 => now + 5, _ => now } }
        { |_n, _value, _now| 7 }
    }
}

#[test]
fn removed_entries_are_reported() {
    #[lru_cache(maxsize = 2, ttl = 10, timer = now, on_evict = log)]
    fn f(n: u64) -> u64 {
        n * 10
    }
    NOW.set(0);
    (f(1), f(2), f(3));
    f::cache_put(3, 31);
    f::cache_invalidate(2);
    NOW.set(10);
    f(4);
    f::cache_clear();
    assert_eq!(
        REMOVED.take(),
        [
            (1, 10, RemovalCause::Evicted),
            (3, 30, RemovalCause::Replaced),
            (2, 20, RemovalCause::Invalidated),
            (3, 31, RemovalCause::Expired),
            (4, 40, RemovalCause::Cleared)
        ]
    );
}

#[test]
fn policies_by_name() {
    #[lru_cache(maxsize = 2, policy = lfu)]
    fn a(n: u64) -> u64 {
        n
    }
    (a(1), a(1), a(2), a(3));
    assert!(a::cache_contains(1) && !a::cache_contains(2));

    #[fifo_cache(maxsize = 2)]
    fn b(n: u64) -> u64 {
        n
    }
    (b(1), b(2), b(1), b(3));
    assert!(!b::cache_contains(1) && b::cache_contains(2));

    #[lfu_cache]
    fn c(n: u64) -> u64 {
        n
    }
    #[rr_cache(maxsize = 2)]
    fn d(n: u64) -> u64 {
        n
    }
    #[lru_cache(maxsize = 2, policy = sieve)]
    fn e(n: u64) -> u64 {
        n
    }
    #[lru_cache(maxsize = 2, policy = s3_fifo)]
    fn f(n: u64) -> u64 {
        n
    }
    #[lru_cache(maxsize = 2, policy = w_tinylfu)]
    fn g(n: u64) -> u64 {
        n
    }
    for n in 0..10 {
        (c(n), d(n), e(n), f(n), g(n));
    }
    assert_eq!(c::cache_info().currsize, 10);
    for info in [d::cache_info(), e::cache_info(), f::cache_info(), g::cache_info()] {
        assert_eq!(tally(info), (0, 10, 2));
    }
}

#[test]
fn what_no_longer_holds_is_dropped() {
    #[lru_cache]
    fn one(n: u64) -> u64 {
        n
    }
    #[lru_cache]
    fn two(name: &str, n: u64) -> Option<u64> {
        Some(n + name.len() as u64)
    }
    (one(1), one(2), one(3));
    let mut seen = 0;
    one::cache_retain(|n, value| {
        seen += n + value;
        n % 2 == 1
    });
    assert_eq!((seen, one::cache_contains(2), one::cache_info().currsize), (12, false, 2));
    (two("a", 1), two("b", 1));
    two::cache_retain(|(name, _), value| name == "b" && value.is_some());
    assert!(!two::cache_contains("a", 1) && two::cache_contains("b", 1));
}

/// Evicts the largest key.
fn largest(keys: &Candidates<'_, u64>) -> usize {
    (0..keys.len()).max_by_key(|&number| keys.get(number)).unwrap_or_default()
}

#[test]
fn the_user_chooses_who_leaves() {
    #[rr_cache(maxsize = 3, choice = |keys| keys.len() - 1)]
    fn last(n: u64) -> u64 {
        n
    }
    (last(1), last(2), last(3), last(4));
    assert!(last::cache_contains(1) && last::cache_contains(2) && !last::cache_contains(3));

    #[lru_cache(maxsize = 3, policy = rr, choice = largest)]
    fn by_function(n: u64) -> u64 {
        n
    }
    (by_function(1), by_function(9), by_function(3), by_function(4));
    assert!(!by_function::cache_contains(9) && by_function::cache_contains(3));

    #[rr_cache(maxsize = 2, choice = |keys| keys.iter().position(|(name, n)| name == "b" && *n == 2).unwrap())]
    fn by_pair(name: &str, n: u64) -> String {
        format!("{name}{n}")
    }
    (by_pair("a", 2), by_pair("b", 2), by_pair("b", 1));
    assert!(by_pair::cache_contains("a", 2) && !by_pair::cache_contains("b", 2));

    // An invalid index evicts a random entry.
    #[rr_cache(maxsize = 2, choice = |_| usize::MAX, on_evict = log)]
    fn by_chance(n: u64) -> u64 {
        n * 10
    }
    REMOVED.take();
    (by_chance(1), by_chance(2), by_chance(3));
    assert_eq!((by_chance::cache_info().currsize, REMOVED.take().len()), (2, 1));
}

#[test]
fn of_two_functions_with_the_same_seed_the_same_calls_evict_the_same() {
    const SEED: u64 = 7;
    macro_rules! evicted {
        ($($seed:tt)*) => {{
            #[rr_cache(maxsize = 8, $($seed)*)]
            fn f(n: u64) -> u64 {
                n
            }
            (0..100).for_each(|n| _ = f(n));
            (0..100).filter(|&n| f::cache_contains(n)).collect::<Vec<u64>>()
        }};
    }
    let seeded = evicted!(seed = SEED);
    assert_eq!((seeded.len(), &seeded), (8, &evicted!(seed = 3 + 4)));
    assert_eq!(evicted!(), evicted!(seed = 0));
    assert_ne!(seeded, evicted!(seed = 8));
}

#[test]
fn a_listener_is_a_closure_whose_parameters_have_no_types() {
    use std::sync::Mutex;
    static NOTIFIED: Mutex<Vec<(String, usize, RemovalCause)>> = Mutex::new(Vec::new());
    #[lru_cache(maxsize = 1, on_evict = |name, length, cause| {
        NOTIFIED.lock().unwrap().push((name.to_uppercase(), *length, cause));
    })]
    fn f(name: &str) -> usize {
        name.len()
    }
    #[lru_cache(maxsize = 1, on_evict = |(name, n), result, cause| {
        NOTIFIED.lock().unwrap().push((name.clone(), usize::from(*n) + result.len(), cause));
    })]
    fn g(name: &str, n: u8) -> String {
        name.repeat(n.into())
    }
    (f("abc"), f("d"), g("x", 2), g("y", 1));
    let expected = [("ABC".to_owned(), 3, RemovalCause::Evicted), ("x".to_owned(), 4, RemovalCause::Evicted)];
    assert_eq!(*NOTIFIED.lock().unwrap(), expected);
}

struct Shop {
    tax: u64,
}

impl Shop {
    #[rr_cache(maxsize = 2, choice = |keys| keys.iter().position(|id| *id == 7).unwrap_or(0), on_evict = |id, price, _| log(id, price, RemovalCause::Evicted))]
    fn price(#[key(skip)] &self, id: u64) -> u64 {
        self.tax * id
    }

    #[lru_cache]
    fn name(#[key(skip)] &self, id: u64, language: &str) -> Option<String> {
        (self.tax < 100).then(|| format!("{id} {language}"))
    }
}

#[test]
fn methods_tell_what_left_and_forget_what_no_longer_holds() {
    let shop = Shop { tax: 10 };
    REMOVED.take();
    (shop.price(6), shop.price(7), shop.price(8));
    assert_eq!(REMOVED.take(), [(7, 70, RemovalCause::Evicted)]);
    Shop::price_cache_retain(|id, price| id * 10 == *price && *id > 6);
    assert!(Shop::price_cache_contains(8) && !Shop::price_cache_contains(6));
    REMOVED.take();

    (shop.name(1, "en"), shop.name(1, "de"), shop.name(2, "de"));
    Shop::name_cache_retain(|(id, language), name| name.is_some() && (*id == 2 || language == "en"));
    assert!(Shop::name_cache_contains(1, "en") && Shop::name_cache_contains(2, "de"));
    assert!(!Shop::name_cache_contains(1, "de"));
}

#[test]
fn generic_functions_forget_where_their_arguments_can_be_named() {
    #[lru_cache(typed = true)]
    fn f<T: Default + Into<u64> + 'static>(n: u64) -> u64 {
        n + T::default().into()
    }
    (f::<u8>(1), f::<u16>(1), f::<u16>(2));
    f::cache_retain(|n, value| n == value && *n == 1);
    assert_eq!(f::cache_info().currsize, 2);
    assert!(f::cache_contains::<u8>(1) && !f::cache_contains::<u16>(2));
}

#[test]
fn listeners_hear_of_any_function_whose_arguments_can_be_named() {
    #[lru_cache(maxsize = 1, accessors = none, on_evict = log)]
    fn without_accessors(n: u64) -> u64 {
        n * 10
    }
    #[lru_cache(maxsize = 1, typed = true, on_evict = |key, value, _| log(key, value, RemovalCause::Evicted))]
    fn generic<T: Default + Into<u64> + 'static>(n: u64) -> u64 {
        n + T::default().into()
    }
    REMOVED.take();
    (without_accessors(1), without_accessors(2));
    (generic::<u8>(1), generic::<u16>(1));
    assert_eq!(REMOVED.take(), [(1, 10, RemovalCause::Evicted), (1, 1, RemovalCause::Evicted)]);
}

#[test]
fn what_functions_are_given_is_made_to_fit() {
    fn weigh(name: &str, value: &[u8]) -> usize {
        name.len() + value.len()
    }
    fn until(name: &str, value: &[u8], now: u64) -> u64 {
        now + (name.len() + value.len()) as u64
    }
    #[lru_cache(maxsize = 100, weight = weigh, ttu = until, timer = now)]
    fn bytes(name: String) -> Vec<u8> {
        name.clone().into()
    }
    NOW.set(0);
    bytes("abc".to_owned());
    assert_eq!(bytes::cache_info().currsize, 6);
    NOW.set(6);
    assert_eq!(bytes::cache_info().currsize, 0);
}
