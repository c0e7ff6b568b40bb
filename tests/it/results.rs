//! Which results are cached: values, errors, panics, and results of bodies that run while the cache changes.

use crate::support::{Handle, Raised, catch, counts, finishes, handle, raise};
use functools::{CacheInfo, cache, lru_cache};
use std::cell::{Cell, RefCell};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Barrier, LazyLock, Mutex};
use std::thread;

// ---- Errors are not cached, values are

/// Checks the counters after two calls that fail and two that succeed with the same value.
fn only_the_value_is_cached(info: CacheInfo) -> bool {
    counts(info) == (1, 3, Some(128), 1)
}

#[test]
fn errors_are_not_remembered_under_any_alias() {
    #[derive(Clone, Debug)]
    struct Error;
    type Answer<T> = Result<T, Error>;
    type Hidden = Result<u32, Error>;
    type HiddenTwice = Hidden;
    mod own {
        pub(super) use std::result::Result as Outcome;
        pub(super) type Of<E, T> = Outcome<T, E>;
    }
    macro_rules! not_cached {
        ($($result:ty => $error:expr),+ $(,)?) => {$({
            #[lru_cache]
            fn f(n: u32) -> $result {
                if n == 0 { Err($error) } else { Ok(n) }
            }
            for n in [0, 1, 0, 1] {
                assert_eq!(f(n).ok(), (n != 0).then_some(n));
            }
            assert!(only_the_value_is_cached(f::cache_info()), stringify!($result));
            assert!(!f::cache_contains(0) && f::cache_contains(1));
        })+};
    }

    not_cached! {
        Result<u32, Error> => Error,
        std::result::Result<u32, Error> => Error,
        ::core::result::Result<u32, String> => "zero".into(),
        io::Result<u32> => io::Error::other("zero"),
        Answer<u32> => Error,
        Hidden => Error,
        HiddenTwice => Error,
        own::Outcome<u32, ()> => (),
        own::Of<std::fmt::Error, u32> => std::fmt::Error,
        Result<u32, Box<dyn std::error::Error>> => "zero".into(),
        Result<u32, Box<dyn std::error::Error + Send + Sync + 'static>> => "zero".into(),
    }
}

#[test]
fn errors_need_no_trait() {
    /// Has neither `Clone` nor `Debug`, and is not `Send`.
    struct Opaque(std::rc::Rc<Cell<u32>>);
    #[lru_cache]
    fn f(n: u32) -> Result<u32, Opaque> {
        if n == 0 { Err(Opaque(std::rc::Rc::default())) } else { Ok(n) }
    }

    assert!([0, 0].iter().all(|n| f(*n).is_err_and(|Opaque(inside)| inside.get() == 0)));
    assert!([1, 1].iter().all(|n| f(*n).is_ok()));
    assert!(only_the_value_is_cached(f::cache_info()));
}

#[test]
fn errors_may_borrow_from_the_arguments() {
    #[lru_cache]
    fn parse(text: &str) -> Result<u32, &str> {
        text.parse().map_err(|_| &text[..1])
    }
    #[lru_cache]
    fn named<'a>(text: &'a str, _other: &str) -> Result<u32, &'a str> {
        text.parse().map_err(|_| text)
    }

    let text = String::from("xyz");
    assert_eq!([parse(&text), parse("7"), parse("7"), parse(&text)], [Err("x"), Ok(7), Ok(7), Err("x")]);
    assert!(only_the_value_is_cached(parse::cache_info()));
    assert_eq!(
        [named(&text, ""), named("7", ""), named("7", ""), named(&text, "")],
        [Err("xyz"), Ok(7), Ok(7), Err("xyz")]
    );
    assert!(only_the_value_is_cached(named::cache_info()));
}

#[test]
fn none_is_remembered() {
    #[lru_cache]
    fn half(n: u32) -> Option<u32> {
        (n % 2 == 0).then_some(n / 2)
    }
    type Maybe<T> = Option<T>;
    #[lru_cache]
    fn aliased(_n: u32) -> Maybe<String> {
        None
    }

    assert_eq!([half(3), half(3), half(4), half(4)], [None, None, Some(2), Some(2)]);
    assert_eq!(counts(half::cache_info()), (2, 2, Some(128), 2));
    assert_eq!([aliased(1), aliased(1)], [None, None]);
    assert_eq!(counts(aliased::cache_info()), (1, 1, Some(128), 1));
}

#[test]
fn only_the_outer_result_decides() {
    #[lru_cache]
    fn nested(n: u32) -> Result<Result<u32, Raised>, Raised> {
        [Ok(Ok(n)), Ok(Err(Raised)), Err(Raised)][n as usize]
    }
    #[lru_cache]
    fn optional(n: u32) -> Result<Option<u32>, Raised> {
        [Ok(Some(n)), Ok(None), Err(Raised)][n as usize]
    }
    #[lru_cache]
    fn inside(n: u32) -> Option<Result<u32, Raised>> {
        [Some(Ok(n)), Some(Err(Raised)), None][n as usize]
    }

    for _ in 0..2 {
        assert_eq!([0, 1, 2].map(nested), [Ok(Ok(0)), Ok(Err(Raised)), Err(Raised)]);
        assert_eq!([0, 1, 2].map(optional), [Ok(Some(0)), Ok(None), Err(Raised)]);
        assert_eq!([0, 1, 2].map(inside), [Some(Ok(0)), Some(Err(Raised)), None]);
    }
    assert_eq!(counts(nested::cache_info()), (2, 4, Some(128), 2));
    assert_eq!(counts(optional::cache_info()), (2, 4, Some(128), 2));
    assert_eq!(counts(inside::cache_info()), (3, 3, Some(128), 3));
}

#[test]
fn results_of_nothing_or_of_no_error_are_results() {
    #[lru_cache]
    fn checked(n: u32) -> Result<(), Raised> {
        if n == 0 { Err(Raised) } else { Ok(()) }
    }
    #[lru_cache]
    fn formatted(n: u32) -> std::fmt::Result {
        if n == 0 { Err(std::fmt::Error) } else { Ok(()) }
    }
    #[lru_cache]
    fn infallible(n: u32) -> Result<u32, std::convert::Infallible> {
        Ok(n)
    }

    for n in [0, 1, 0, 1] {
        assert_eq!(checked(n).is_ok(), n == 1);
        assert_eq!(formatted(n).is_ok(), n == 1);
        assert_eq!(infallible(n), Ok(n));
    }
    assert!(only_the_value_is_cached(checked::cache_info()));
    assert!(only_the_value_is_cached(formatted::cache_info()));
    assert_eq!(counts(infallible::cache_info()), (2, 2, Some(128), 2));
}

#[test]
fn users_type_named_result_is_a_plain_value() {
    mod own {
        #[derive(Clone, Debug, PartialEq)]
        pub(super) enum Result<T, E> {
            Ok(T),
            Err(E),
        }
    }
    use own::Result;
    #[lru_cache]
    fn f(n: u32) -> Result<u32, Raised> {
        if n == 0 { Result::Err(Raised) } else { Result::Ok(n) }
    }

    assert_eq!(
        [f(0), f(1), f(0), f(1)],
        [Result::Err(Raised), Result::Ok(1), Result::Err(Raised), Result::Ok(1)]
    );
    assert_eq!(counts(f::cache_info()), (2, 2, Some(128), 2));
}

// ---- Panics

#[test]
fn panic_counts_a_miss_and_stores_and_evicts_nothing() {
    macro_rules! with_maxsize {
        ($($maxsize:tt),+) => {$({
            #[lru_cache(maxsize = $maxsize)]
            fn f(n: u32) -> u32 {
                if n == 13 { raise() } else { n }
            }
            let _ = [1, 2].map(f);
            let before = f::cache_info();
            assert_eq!(catch(|| f(13)), Err(Raised));
            assert_eq!(f::cache_info(), CacheInfo { misses: before.misses + 1, ..before });
            assert!(!f::cache_contains(13));
            // No lock is poisoned, and the entries of 1 and 2 are still stored.
            let hits = if before.currsize == 2 { 2 } else { 0 };
            let _ = [1, 2].map(f);
            assert_eq!(f::cache_info().hits, hits);
        })+};
    }
    with_maxsize!(0, 2, None);
}

#[test]
fn error_counts_a_miss_and_evicts_nothing() {
    #[lru_cache(maxsize = 2)]
    fn f(n: u32) -> Result<u32, Raised> {
        if n == 13 { Err(Raised) } else { Ok(n) }
    }

    let _ = [1, 2, 13].map(f);
    assert_eq!([1, 2, 13].map(f::cache_contains), [true, true, false]);
    assert_eq!(counts(f::cache_info()), (0, 3, Some(2), 2));
}

// ---- Changes while a body runs

type Answer = Result<u64, Raised>;

thread_local! {
    /// What the next bodies do, in this order; later bodies return their key.
    static SCRIPT: RefCell<Vec<fn() -> Answer>> = const { RefCell::new(Vec::new()) };
}

fn run_body(key: u64) -> Answer {
    let next = SCRIPT.with_borrow_mut(|script| if script.is_empty() { None } else { Some(script.remove(0)) });
    next.map_or(Ok(key), |body| body())
}

/// Runs the test with a function `$f` in each mode that stores results.
macro_rules! where_something_is_stored {
    (|$f:ident| $test:expr) => {
        where_something_is_stored!(@ None => |$f| $test);
        where_something_is_stored!(@ 3 => |$f| $test);
    };
    (@ $maxsize:tt => |$f:ident| $test:expr) => {{
        #[lru_cache(maxsize = $maxsize)]
        #[allow(dead_code, reason = "some tests use only the accessors")]
        fn $f(key: u64) -> Answer {
            run_body(key)
        }
        $test;
    }};
}

/// Calls key 1 while its body runs `script`; returns the result, and the value cached afterwards.
fn call_with(f: &Handle<Answer>, script: &[fn() -> Answer]) -> (Answer, Option<Answer>) {
    SCRIPT.set(script.to_vec());
    let returned = (f.call)(1);
    SCRIPT.with_borrow(|rest| assert!(rest.is_empty(), "all bodies ran"));
    (returned, (f.peek)(1))
}

#[test]
fn cleared_meanwhile_is_returned_but_not_stored() {
    where_something_is_stored!(|f| {
        let during = || {
            f::cache_clear();
            Ok(10)
        };
        assert_eq!(call_with(&handle!(f), &[during]), (Ok(10), None));
        // The clear also resets the counters.
        assert_eq!((f::cache_info().hits, f::cache_info().misses, f::cache_info().currsize), (0, 0, 0));
        assert_eq!((f(1), f(1)), (Ok(1), Ok(1)));
        assert_eq!((f::cache_info().hits, f::cache_info().misses, f::cache_info().currsize), (1, 1, 1));
    });
}

#[test]
fn invalidated_meanwhile_is_returned_but_not_stored() {
    where_something_is_stored!(|f| {
        let during = || {
            assert!(!f::cache_invalidate(1));
            Ok(10)
        };
        assert_eq!(call_with(&handle!(f), &[during]), (Ok(10), None));
        assert_eq!((f(1), f(1)), (Ok(1), Ok(1)));
        assert_eq!((f::cache_info().hits, f::cache_info().misses, f::cache_info().currsize), (1, 2, 1));
    });
}

#[test]
fn put_meanwhile_stays() {
    where_something_is_stored!(|f| {
        let during = || {
            f::cache_put(1, Ok(100));
            Ok(10)
        };
        assert_eq!(call_with(&handle!(f), &[during]), (Ok(10), Some(Ok(100))));
        // The result is not stored after a put and a removal either: it is older than both.
        f::cache_clear();
        let during = || {
            f::cache_put(1, Ok(100));
            assert!(f::cache_invalidate(1));
            Ok(10)
        };
        assert_eq!(call_with(&handle!(f), &[during]), (Ok(10), None));
    });
}

#[test]
fn refreshed_meanwhile_stays() {
    where_something_is_stored!(|f| {
        let outer = || {
            assert_eq!(f::cache_refresh(1), Ok(20));
            Ok(10)
        };
        assert_eq!(call_with(&handle!(f), &[outer, || Ok(20)]), (Ok(10), Some(Ok(20))));
        assert_eq!((f::cache_info().misses, f::cache_info().currsize), (2, 1));
    });
}

#[test]
fn refresh_does_not_replace_what_was_stored_on_purpose_after_it_began() {
    where_something_is_stored!(|f| {
        f::cache_put(1, Ok(5));
        let put: fn() -> Answer = || {
            f::cache_put(1, Ok(100));
            Ok(10)
        };
        SCRIPT.set(vec![put]);
        assert_eq!((f::cache_refresh(1), f::cache_peek(1)), (Ok(10), Some(Ok(100))));
        let refresh: fn() -> Answer = || {
            assert_eq!(f::cache_refresh(1), Ok(20));
            Ok(10)
        };
        SCRIPT.set(vec![refresh, || Ok(20)]);
        assert_eq!((f::cache_refresh(1), f::cache_peek(1)), (Ok(10), Some(Ok(20))));
        let clear: fn() -> Answer = || {
            f::cache_clear();
            Ok(10)
        };
        SCRIPT.set(vec![clear]);
        assert_eq!((f::cache_refresh(1), f::cache_peek(1)), (Ok(10), None));
    });
}

#[test]
fn late_error_never_replaces_a_value() {
    where_something_is_stored!(|f| {
        let late = || {
            assert_eq!(f(1), Ok(20));
            Err(Raised)
        };
        assert_eq!(call_with(&handle!(f), &[late, || Ok(20)]), (Err(Raised), Some(Ok(20))));
        assert_eq!((f::cache_info().hits, f::cache_info().misses, f::cache_info().currsize), (0, 2, 1));
    });
}

#[test]
fn value_after_an_error_is_remembered() {
    where_something_is_stored!(|f| {
        let late = || {
            assert_eq!(f(1), Err(Raised));
            Ok(10)
        };
        assert_eq!(call_with(&handle!(f), &[late, || Err(Raised)]), (Ok(10), Some(Ok(10))));
        assert_eq!((f::cache_info().misses, f::cache_info().currsize), (2, 1));
    });
}

#[test]
fn bounded_keeps_the_first_result_where_it_was() {
    #[lru_cache(maxsize = 3)]
    fn f(key: u64) -> Answer {
        run_body(key)
    }

    let outer = || {
        assert_eq!(f(1), Ok(20));
        let _ = [f(2), f(3)];
        Ok(10)
    };
    assert_eq!(call_with(&handle!(f), &[outer, || Ok(20), || Ok(2), || Ok(3)]), (Ok(10), Some(Ok(20))));
    // 1 was stored before 2 and 3, and the late insert did not move it.
    assert_eq!(handle!(f).push_out(&[1, 2, 3], || Ok(0)), [1, 2, 3]);
}

#[test]
fn unbounded_keeps_the_last_result() {
    #[cache]
    fn f(key: u64) -> Answer {
        run_body(key)
    }

    let outer = || {
        assert_eq!(f(1), Ok(20));
        Ok(10)
    };
    assert_eq!(call_with(&handle!(f), &[outer, || Ok(20)]), (Ok(10), Some(Ok(10))));
    assert_eq!(counts(f::cache_info()), (0, 2, None, 1));
}

/// Synchronizes with a body on another thread: the body reports that it runs, and waits for a signal.
struct Meeting {
    runs: (Sender<()>, Mutex<Receiver<()>>),
    go_on: (Sender<()>, Mutex<Receiver<()>>),
}

impl Meeting {
    fn new() -> Self {
        let [runs, go_on] = [channel(), channel()].map(|(to, from)| (to, Mutex::new(from)));
        Self { runs, go_on }
    }

    fn body(&self) {
        self.runs.0.send(()).expect("the receiver is alive");
        self.go_on.1.lock().expect("no thread panicked").recv().expect("the sender is alive");
    }

    /// Runs `compute` on another thread, and `meanwhile` on this thread while the body of `compute` runs.
    fn during<R: Send>(&self, compute: impl FnOnce() -> R + Send, meanwhile: impl FnOnce()) -> R {
        thread::scope(|scope| {
            let computing = scope.spawn(compute);
            self.runs.1.lock().expect("no thread panicked").recv().expect("the sender is alive");
            meanwhile();
            self.go_on.0.send(()).expect("the receiver is alive");
            computing.join().expect("no thread panicked")
        })
    }
}

#[test]
fn another_threads_changes_are_newer_than_a_computation_that_runs() {
    macro_rules! with_maxsize {
        ($($maxsize:tt),+) => {$({
            static MEETING: LazyLock<Meeting> = LazyLock::new(Meeting::new);
            #[lru_cache(maxsize = $maxsize)]
            fn f(n: u32) -> u32 {
                MEETING.body();
                n * 10
            }
            finishes(|| {
                assert_eq!(MEETING.during(|| f(1), f::cache_clear), 10);
                assert_eq!((f::cache_peek(1), f::cache_info().misses), (None, 0));
                assert_eq!(MEETING.during(|| f(1), || assert!(!f::cache_invalidate(1))), 10);
                assert_eq!((f::cache_peek(1), f::cache_info().misses), (None, 1));
                assert_eq!(MEETING.during(|| f(1), || f::cache_put(1, 5)), 10);
                assert_eq!((f::cache_peek(1), f::cache_info().misses), (Some(5), 2));
                assert_eq!(MEETING.during(|| f::cache_refresh(1), || f::cache_put(1, 6)), 10);
                assert_eq!((f::cache_peek(1), f::cache_info().misses), (Some(6), 3));
                assert_eq!(MEETING.during(|| f::cache_refresh(1), || assert_eq!(f(1), 6)), 10);
                assert_eq!((f::cache_peek(1), f::cache_info().hits), (Some(10), 1));
            });
        })+};
    }
    with_maxsize!(3, None);
}

#[test]
fn a_newer_refresh_stays_though_an_older_one_ends_in_between() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);
    static READ: Barrier = Barrier::new(2);
    static GO_ON: Barrier = Barrier::new(2);
    static STORED: Barrier = Barrier::new(2);

    #[lru_cache]
    fn version() -> u64 {
        let version = SOURCE.load(SeqCst);
        if version == 1 {
            READ.wait();
            GO_ON.wait();
        } else {
            GO_ON.wait();
            STORED.wait();
        }
        version
    }

    finishes(|| {
        let older = thread::spawn(|| {
            let version = version::cache_refresh();
            STORED.wait();
            version
        });
        READ.wait();
        SOURCE.store(2, SeqCst);
        let newer = version::cache_refresh();
        assert_eq!((older.join().unwrap(), newer), (1, 2));
        assert_eq!((version::cache_peek(), version()), (Some(2), 2));
    });
}
