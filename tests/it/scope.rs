//! `scope = thread`: each thread has a cache and counters of its own.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;

use functools::{RemovalCause, cache, lru_cache};

use crate::support::{Handle, Random, catch, counts, finishes, handle, raise, tally};

/// Runs `f` on another thread, and returns after that thread has dropped its thread-locals.
fn elsewhere<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    finishes(|| thread::spawn(f).join().expect("the thread does not panic"))
}

// ---- Accessors

#[test]
fn every_accessor_speaks_for_the_calling_thread() {
    #[lru_cache(maxsize = 3, scope = thread)]
    fn square(n: u64) -> u64 {
        n * n
    }
    assert_eq!((square(2), square(2), square(3)), (4, 4, 9));
    elsewhere(|| {
        assert_eq!(counts(square::cache_info()), (0, 0, Some(3), 0));
        assert!(!square::cache_contains(2) && !square::cache_invalidate(2));
        assert_eq!(square::cache_peek(2), None);
        square::cache_put(2, 5);
        assert_eq!((square(2), square::cache_refresh(3)), (5, 9));
        assert_eq!(counts(square::cache_info()), (1, 1, Some(3), 2));
        square::cache_retain(|n, _| *n == 3);
        assert_eq!(square::cache_info().currsize, 1);
        square::cache_clear();
        assert_eq!(counts(square::cache_info()), (0, 0, Some(3), 0));
    });
    assert_eq!(counts(square::cache_info()), (1, 2, Some(3), 2));
    assert!(square::cache_contains(2) && square::cache_invalidate(3));
    assert_eq!((square::cache_peek(2), square::cache_peek(3)), (Some(4), None));
    square::cache_put(5, 26);
    assert_eq!((square(5), square::cache_refresh(5), square(5)), (26, 25, 25));
    square::cache_retain(|n, square| *n == 5 && *square == 25);
    assert_eq!(tally(square::cache_info()), (3, 3, 1));
    assert_eq!(square::wrapped(7), 49);
    let parameters = square::cache_parameters();
    assert_eq!((parameters.maxsize, parameters.typed), (Some(3), false));
    assert!((1..5).all(|n| square(n) > 0));
    assert_eq!(square::cache_stats().evictions, 2);
    square::cache_clear();
    assert_eq!((tally(square::cache_info()), square::cache_stats().evictions), ((0, 0, 0), 0));
}

#[test]
fn scope_process_is_what_it_is_anyway() {
    #[lru_cache(scope = process)]
    fn f(n: u64) -> u64 {
        n
    }
    f(1);
    elsewhere(|| assert_eq!((f(1), tally(f::cache_info())), (1, (1, 1, 1))));
}

#[test]
fn recursion_is_free_in_each_mode() {
    #[cache(scope = thread)]
    fn fibonacci(n: u64) -> u64 {
        if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
    }
    #[lru_cache(maxsize = 3, scope = thread)]
    fn bounded(n: u64) -> u64 {
        if n < 2 { n } else { bounded(n - 1) + bounded(n - 2) }
    }
    #[lru_cache(maxsize = 0, scope = thread)]
    fn disabled(n: u64) -> u64 {
        if n < 2 { n } else { disabled(n - 1) + disabled(n - 2) }
    }
    assert_eq!((fibonacci(90), bounded(90)), (2_880_067_194_370_816_120, 2_880_067_194_370_816_120));
    assert_eq!(counts(fibonacci::cache_info()), (88, 91, None, 91));
    assert_eq!(counts(bounded::cache_info()), (88, 91, Some(3), 3));
    assert_eq!((disabled(6), counts(disabled::cache_info())), (8, (0, 25, Some(0), 0)));
    // Another thread has no access to these entries: it computes 0 to 10 itself.
    assert_eq!(elsewhere(|| (fibonacci(10), tally(fibonacci::cache_info()))), (55, (8, 11, 11)));
}

thread_local! {
    /// The result of the compared functions: the number of the step.
    static STEP: Cell<u64> = const { Cell::new(0) };
}

/// Performs the same operations on all functions, and checks that their results are equal.
fn behave_alike(functions: &[Handle], what: &str) {
    let mut random = Random(7);
    for step in 0..600 {
        STEP.set(step);
        let (action, k) = (random.below(16), random.below(9));
        let answers: Vec<_> = functions
            .iter()
            .map(|f| {
                let answer = match action {
                    0 => Some((f.refresh)(k)),
                    1 => {
                        (f.put)(k, 1000 + step);
                        None
                    }
                    2 => Some((f.invalidate)(k).into()),
                    3 => (f.peek)(k),
                    4 => Some((f.contains)(k).into()),
                    5 if step % 7 == 0 => {
                        (f.clear)();
                        None
                    }
                    _ => Some((f.call)(k)),
                };
                (answer, (f.info)())
            })
            .collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{what}, step {step}: {answers:?}");
    }
    assert!((functions[0].info)().misses > 0);
}

#[test]
fn one_thread_sees_no_difference_nor_does_it_with_one_shard() {
    macro_rules! alike {
        ($({$($option:tt)*})*) => {$({
            #[lru_cache($($option)*)]
            fn shared(k: u64) -> u64 {
                10 * STEP.get() + k
            }
            #[lru_cache($($option)*, scope = thread)]
            fn own(k: u64) -> u64 {
                10 * STEP.get() + k
            }
            #[lru_cache($($option)*, shards = 1)]
            fn one(k: u64) -> u64 {
                10 * STEP.get() + k
            }
            behave_alike(&[handle!(shared), handle!(own), handle!(one)], stringify!($($option)*));
        })*};
    }
    alike! {
        { maxsize = 0 } { maxsize = 1 } { maxsize = 4 } { maxsize = None } { maxsize = -1 }
        { maxsize = 4, policy = lru } { maxsize = 4, policy = lfu } { maxsize = 4, policy = fifo }
        { maxsize = 4, policy = rr, seed = 42 } { maxsize = 4, policy = rr, choice = |keys| keys.len() - 1 }
        { maxsize = 4, policy = sieve } { maxsize = 4, policy = s3_fifo } { maxsize = 4, policy = w_tinylfu }
        { maxsize = 4, policy = auto }
        { maxsize = 4, ttl = 3, timer = || STEP.get() / 10 } { maxsize = 4, tti = 3, timer = || STEP.get() / 10 }
        { maxsize = 4, ttu = |k, _value, now| now + k / 2, timer = || STEP.get() / 10 }
        { maxsize = None, ttl = 3, timer = || STEP.get() / 10 } { maxsize = 0, ttl = 3, timer = || STEP.get() / 10 }
        { maxsize = 9, weight = |k, _value| usize::try_from(*k).unwrap() }
        { maxsize = 9, key = |k| k / 2 } { maxsize = 4, on_evict = |_, _, _| () }
    }
}

// ---- Types of arguments and results

#[test]
fn what_no_other_thread_sees_need_not_be_send() {
    #[lru_cache(scope = thread)]
    fn words(text: Rc<str>, rest: &Rc<RefCellKey>) -> Rc<RefCell<Vec<String>>> {
        Rc::new(RefCell::new(text.split(' ').map(|word| format!("{word}{}", rest.0)).collect()))
    }
    #[derive(PartialEq, Eq, Hash, Clone)]
    struct RefCellKey(Rc<u8>);

    let (text, rest) = (Rc::<str>::from("a b"), Rc::new(RefCellKey(Rc::new(1))));
    let first = words(text.clone(), &rest);
    first.borrow_mut().push("c".to_owned());
    assert_eq!(*words(Rc::from("a b"), &rest).borrow(), ["a1", "b1", "c"]);
    assert!(Rc::ptr_eq(&first, &words::cache_peek(text.clone(), &rest).expect("the entry is stored")));
    assert_eq!(tally(words::cache_info()), (1, 1, 1));
    words::cache_put(text, &rest, Rc::default());
    words::cache_retain(|(text, _), words| &**text == "a b" && words.borrow().is_empty());
    assert_eq!(words::cache_info().currsize, 1);
}

#[test]
fn results_and_errors_need_not_be_send() {
    #[lru_cache(scope = thread)]
    fn parsed(text: &str) -> Result<Rc<u64>, Rc<str>> {
        text.parse().map(Rc::new).map_err(|_| Rc::from(text))
    }
    #[lru_cache(scope = thread, cache_errors = true, cache_none = false)]
    fn all(text: &str) -> Result<Option<Rc<u64>>, Rc<str>> {
        parsed(text).map(|n| Some(n).filter(|n| **n > 0))
    }
    assert_eq!((parsed("7"), parsed("7")), (Ok(Rc::new(7)), Ok(Rc::new(7))));
    assert_eq!((parsed("x"), parsed("x")), (Err(Rc::from("x")), Err(Rc::from("x"))));
    assert_eq!(tally(parsed::cache_info()), (1, 3, 1));
    for text in ["1", "0", "x", "1", "0", "x"] {
        _ = all(text);
    }
    assert_eq!(tally(all::cache_info()), (2, 4, 2));
}

#[test]
fn generic_functions_share_by_value_or_keep_types_apart() {
    #[lru_cache(scope = thread, typed = true)]
    fn shown<T: Display + Hash + Eq + Clone + 'static>(value: T) -> Rc<str> {
        Rc::from(value.to_string())
    }
    #[lru_cache(scope = thread, typed = false)]
    fn shared<T: Display + functools::Argument + 'static>(value: T) -> String {
        value.to_string()
    }
    #[lru_cache(scope = thread, typed = true)]
    fn listed<T: Hash + Eq + Clone + 'static>(value: &T) -> Vec<T> {
        vec![value.clone()]
    }
    assert_eq!((&*shown(3_u8), &*shown(3_i64), &*shown(3_u8), &*shown(Rc::new(3))), ("3", "3", "3", "3"));
    assert_eq!(tally(shown::cache_info()), (1, 3, 3));
    assert_eq!((shared(3_u8), shared(3_i64), shared("3")), ("3".into(), "3".into(), "3".into()));
    assert_eq!(tally(shared::cache_info()), (1, 2, 2));
    let rc = Rc::new(1);
    assert_eq!((listed(&rc), listed(&rc), listed(&1)), (vec![rc.clone()], vec![rc.clone()], vec![1]));
    assert_eq!(tally(listed::cache_info()), (1, 2, 2));
}

#[derive(Hash, PartialEq, Eq, Clone)]
struct Shop {
    rate: Rc<u64>,
}

trait Prices {
    fn total(&self, n: u64) -> u64;
}

impl Shop {
    #[lru_cache(scope = thread)]
    fn price(&self, n: u64) -> u64 {
        *self.rate * n
    }

    #[lru_cache(scope = thread, accessors = siblings)]
    fn doubled(n: u64) -> u64 {
        2 * n
    }
}

impl Prices for Shop {
    #[lru_cache(scope = thread, accessors = none)]
    fn total(&self, n: u64) -> u64 {
        BODIES.set(BODIES.get() + 1);
        *self.rate + n
    }
}

thread_local! {
    static BODIES: Cell<u64> = const { Cell::new(0) };
}

struct Stack<T>(T);

impl<T: Hash + Eq + Clone + 'static> Stack<T> {
    #[lru_cache(scope = thread)]
    fn pair(&self, #[key(self.0.clone())] _n: u8) -> Rc<(Self, T)>
    where
        Self: Clone,
    {
        Rc::new((self.clone(), self.0.clone()))
    }
}

impl<T: Clone> Clone for Stack<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: PartialEq> PartialEq for Stack<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: Eq> Eq for Stack<T> {}

impl<T: Hash> Hash for Stack<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[test]
fn methods_of_all_kinds() {
    let shop = Shop { rate: Rc::new(3) };
    assert_eq!((shop.price(2), shop.price(2), Shop::price_wrapped(&shop, 5)), (6, 6, 15));
    assert_eq!(tally(Shop::price_cache_info()), (1, 1, 1));
    assert_eq!((Shop::doubled(4), Shop::doubled(4), tally(Shop::doubled_cache_info())), (8, 8, (1, 1, 1)));
    assert_eq!((shop.total(1), shop.total(1), BODIES.get()), (4, 4, 1));
    let (texts, numbers) = (Stack(Rc::new("a")), Stack(Rc::new(7)));
    assert_eq!((*texts.pair(1).1, *texts.pair(1).1, *numbers.pair(1).1), ("a", "a", 7));
    assert_eq!(tally(Stack::<()>::pair_cache_info()), (1, 2, 2));
    elsewhere(|| assert_eq!(tally(Shop::price_cache_info()), (0, 0, 0)));
}

#[test]
fn without_accessors_it_remembers_all_the_same() {
    #[lru_cache(scope = thread, accessors = none)]
    fn f(n: u64) -> u64 {
        BODIES.set(BODIES.get() + 1);
        n
    }
    assert_eq!((f(1), f(1), BODIES.get()), (1, 1, 1));
    elsewhere(|| assert_eq!((f(1), f(1), BODIES.get()), (1, 1, 1)));
}

// ---- With other options

#[test]
fn time_weight_listeners_and_stale_results() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        static REMOVED: RefCell<Vec<(u64, RemovalCause)>> = const { RefCell::new(Vec::new()) };
        static FAILS: Cell<bool> = const { Cell::new(false) };
    }
    fn log(n: &u64, _: &Rc<u64>, cause: RemovalCause) {
        REMOVED.with_borrow_mut(|removed| removed.push((*n, cause)));
    }
    #[lru_cache(maxsize = 4, scope = thread, ttl = 5, timer = ticks, weight = |n, _| usize::from(*n > 1) + 1, on_evict = log)]
    fn f(n: u64) -> Rc<u64> {
        Rc::new(n)
    }
    #[lru_cache(scope = thread, ttl = 5, stale_if_error = 60, cache_errors = true, error_ttl = 2, timer = ticks)]
    fn fallible(n: u64) -> Result<Rc<u64>, Rc<str>> {
        if FAILS.get() { Err(Rc::from("down")) } else { Ok(Rc::new(n)) }
    }
    fn ticks() -> u64 {
        NOW.load(SeqCst)
    }
    _ = (f(1), f(2), f(3));
    assert_eq!(f::cache_info().currsize, 4);
    NOW.fetch_add(5, SeqCst);
    assert_eq!(f::cache_info().currsize, 0);
    let removed = [(1, RemovalCause::Evicted), (2, RemovalCause::Expired), (3, RemovalCause::Expired)];
    assert_eq!(REMOVED.take(), removed);

    assert_eq!(fallible(1), Ok(Rc::new(1)));
    FAILS.set(true);
    assert_eq!((fallible(2), fallible(2)), (Err(Rc::from("down")), Err(Rc::from("down"))));
    NOW.fetch_add(6, SeqCst);
    assert_eq!(fallible(1), Ok(Rc::new(1)));
    assert_eq!(fallible::cache_stats().stale_hits, 1);
    elsewhere(|| assert_eq!((fallible::cache_stats().stale_hits, fallible::cache_info().misses), (0, 0)));
}

// ---- Threads that end

#[test]
fn what_a_thread_remembers_is_dropped_as_it_ends() {
    static LIVE: AtomicUsize = AtomicUsize::new(0);

    struct Counted;
    impl Counted {
        fn new() -> Self {
            LIVE.fetch_add(1, SeqCst);
            Self
        }
    }
    impl Clone for Counted {
        fn clone(&self) -> Self {
            Self::new()
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            LIVE.fetch_sub(1, SeqCst);
        }
    }
    #[cache(scope = thread)]
    fn f(_n: u64) -> Counted {
        Counted::new()
    }
    elsewhere(|| {
        for n in 0..100 {
            f(n);
        }
        assert_eq!(LIVE.load(SeqCst), 100);
    });
    assert_eq!(LIVE.load(SeqCst), 0);
}

#[test]
fn a_thread_that_ends_may_call_from_its_thread_locals_and_from_results() {
    static ANSWERS: Mutex<Vec<u64>> = Mutex::new(Vec::new());

    /// Calls functions when it is dropped, also when the cache of its thread is dropped.
    #[derive(Clone)]
    struct Calling(u64);
    impl Drop for Calling {
        fn drop(&mut self) {
            if IS_LAST.get() {
                call_all(self.0);
            }
        }
    }
    thread_local! {
        static IS_LAST: Cell<bool> = const { Cell::new(false) };
        static LAST: Calling = const { Calling(6) };
    }
    macro_rules! functions {
        ($($f:ident {$($option:tt)*})*) => {
            $(
                #[lru_cache($($option)*, scope = thread)]
                fn $f(k: u64) -> Result<(u64, Option<Calling>), String> {
                    Ok((3 * k, (k == 6).then(|| Calling(7))))
                }
            )*
            fn call_all(k: u64) {
                $(
                    let [one, two] = [$f(k), $f::cache_refresh(k)].map(|result| {
                        let (number, calling) = result.unwrap();
                        std::mem::forget(calling);
                        number
                    });
                    $f::cache_put(k, Ok((one, None)));
                    $f::cache_invalidate(k + 1);
                    let info = $f::cache_info();
                    assert!(info.maxsize.is_none_or(|maxsize| info.currsize <= maxsize), "{info}");
                    _ = ($f::cache_contains(k), $f::cache_peek(k + 2).is_some(), $f::cache_stats());
                    $f::cache_retain(|_, _| true);
                    $f::cache_clear();
                    ANSWERS.lock().unwrap().push(one + two);
                )*
            }
            fn fill() {
                $( std::mem::forget($f(6)); )*
            }
            const FUNCTIONS: usize = [$(stringify!($f)),*].len();
        };
    }
    functions! {
        none { maxsize = 0 } unbounded { maxsize = None } lru { maxsize = 2 } lfu { maxsize = 2, policy = lfu }
        fifo { maxsize = 2, policy = fifo } rr { maxsize = 2, policy = rr } sieve { maxsize = 2, policy = sieve }
        s3 { maxsize = 2, policy = s3_fifo } tiny { maxsize = 2, policy = w_tinylfu } auto { maxsize = 2, policy = auto }
        ttl { maxsize = 2, ttl = 60 }
        stale { ttl = 60, stale_if_error = 60 } listened { maxsize = 2, on_evict = |_, _, _| () }
    }
    for is_first in [true, false] {
        elsewhere(move || {
            if is_first {
                fill();
            }
            LAST.with(|last| assert_eq!(last.0, 6));
            if !is_first {
                fill();
            }
            IS_LAST.set(true);
        });
        let answers = std::mem::take(&mut *ANSWERS.lock().unwrap());
        assert!(answers.len() >= FUNCTIONS, "{answers:?}");
        assert!(answers.iter().all(|answer| [36, 42].contains(answer)), "{answers:?}");
    }
}

#[test]
fn a_panic_in_the_body_counts_a_miss_and_stores_nothing() {
    #[lru_cache(scope = thread)]
    fn f(n: u64) -> u64 {
        if n == 1 {
            raise();
        }
        n
    }
    assert!(catch(|| f(1)).is_err() && catch(|| f(1)).is_err());
    assert_eq!((f(2), f(2), tally(f::cache_info())), (2, 2, (1, 3, 1)));
}
