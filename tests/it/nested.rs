//! Reentrancy: a user's `Hash`, `Eq`, `Clone` and `Drop` that call the function and its accessors on the same
//! thread. There is no deadlock and no panic, results are correct, and the list of entries stays intact.
//!
//! Calls from inside `Eq` and `Clone` hit, clear and invalidate as usual; what they compute or put is counted
//! and correct, but may not be stored. Calls from `Hash`, `Drop` and the body are ordinary calls.

use crate::support::{Handle, catch, counts, finishes, handle, raise};
use functools::lru_cache;
use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;
use std::thread;

/// The places from which user code may call back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Hash,
    Eq,
    CloneKey,
    CloneValue,
    DropKey,
    DropValue,
}

const PLACES: [Place; 6] =
    [Place::Hash, Place::Eq, Place::CloneKey, Place::CloneValue, Place::DropKey, Place::DropValue];

/// What to call from a place, and how often at most, since the calls reach the place again.
#[derive(Clone, Copy)]
struct CallBack {
    place: Place,
    times: u32,
    run: fn(),
}

thread_local! {
    static CALL_BACK: Cell<Option<CallBack>> = const { Cell::new(None) };
    static RAN: Cell<u32> = const { Cell::new(0) };
    static BODY: RefCell<Option<fn(u64)>> = const { RefCell::new(None) };
}

/// Runs `f` while `place` calls `run`, at most `times` times. Returns the result of `f`, and the number of
/// calls to `run`.
fn calling_back<R>(place: Place, times: u32, run: fn(), f: impl FnOnce() -> R) -> (R, u32) {
    RAN.set(0);
    CALL_BACK.set(Some(CallBack { place, times, run }));
    let result = f();
    CALL_BACK.set(None);
    (result, RAN.get())
}

fn reached(place: Place) {
    if let Some(call_back) =
        CALL_BACK.get().filter(|call_back| call_back.place == place && call_back.times > 0)
    {
        CALL_BACK.set(Some(CallBack { times: call_back.times - 1, ..call_back }));
        RAN.set(RAN.get() + 1);
        (call_back.run)();
    }
}

/// An argument. Only stored keys, which are clones, call back when they are dropped.
#[derive(Debug)]
struct Key {
    number: u64,
    stored: bool,
}

fn key(number: u64) -> Key {
    Key { number, stored: false }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        reached(Place::Hash);
        self.number.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        reached(Place::Eq);
        self.number == other.number
    }
}

impl Eq for Key {}

impl Clone for Key {
    fn clone(&self) -> Self {
        reached(Place::CloneKey);
        Self { number: self.number, stored: true }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        if self.stored {
            reached(Place::DropKey);
        }
    }
}

#[derive(Debug)]
struct Value(u64);

impl Clone for Value {
    fn clone(&self) -> Self {
        reached(Place::CloneValue);
        Self(self.0)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        reached(Place::DropValue);
    }
}

/// Defines the function `$f` with this `maxsize`. It runs [`BODY`], and returns ten times its key.
macro_rules! function {
    ($f:ident, $maxsize:tt $(, $($option:tt)*)?) => {
        #[lru_cache(maxsize = $maxsize $(, $($option)*)?)]
        fn $f(key: &Key) -> Value {
            if let Some(body) = BODY.take() {
                body(key.number);
            }
            Value(10 * key.number)
        }
    };
}

/// Like [`function!`], but sharded; in bounded mode with a single shard, for an exact order.
macro_rules! sharded {
    ($f:ident, None) => {
        function!($f, None, shards = 4);
    };
    ($f:ident, $maxsize:tt) => {
        function!($f, $maxsize, shards = 1);
    };
}

/// Runs `$check` for a function `$f` in each mode, with a cache shared by all threads and one per thread.
macro_rules! in_each_mode {
    ($($maxsize:tt),+ => |$f:ident| $check:expr) => {$({
        in_each_shared_mode!($maxsize => |$f| $check);
        function!($f, $maxsize, scope = thread);
        finishes(|| $check);
    })+};
}

/// Like [`in_each_mode!`], but only for caches shared by all threads.
macro_rules! in_each_shared_mode {
    (|$f:ident| $check:expr) => {
        in_each_shared_mode!(0, None, 3 => |$f| $check)
    };
    ($($maxsize:tt),+ => |$f:ident| $check:expr) => {$({
        {
            function!($f, $maxsize);
            finishes(|| $check);
        }
        sharded!($f, $maxsize);
        finishes(|| $check);
    })+};
}

// ---- Every operation from every place

thread_local! {
    /// The number of calls and refreshes; the counters of the cache must agree.
    static CALLS: Cell<u64> = const { Cell::new(0) };
    /// The function that [`ACTIONS`] use.
    static SUBJECT: Cell<Option<&'static Handle<Value>>> = const { Cell::new(None) };
}

fn subject() -> &'static Handle<Value> {
    SUBJECT.get().expect("the test sets a function first")
}

fn call(k: u64) {
    CALLS.set(CALLS.get() + 1);
    assert_eq!((subject().call)(k).0, 10 * k);
}

fn refresh(k: u64) {
    CALLS.set(CALLS.get() + 1);
    assert_eq!((subject().refresh)(k).0, 10 * k);
}

/// Operations, used both as the outer and as the nested one. 1, 2 and 3 were called before, in this order.
const ACTIONS: [(&str, fn()); 14] = [
    ("call 1", || call(1)),
    ("call 3", || call(3)),
    ("call 4", || call(4)),
    ("call 5", || call(5)),
    ("put 1", || (subject().put)(1, Value(10))),
    ("put 2", || (subject().put)(2, Value(20))),
    ("put 4", || (subject().put)(4, Value(40))),
    ("invalidate 1", || _ = (subject().invalidate)(1)),
    ("invalidate 2", || _ = (subject().invalidate)(2)),
    ("refresh 1", || refresh(1)),
    ("refresh 4", || refresh(4)),
    ("peek 1", || assert_eq!((subject().peek)(1).map_or(10, |value| value.0), 10)),
    ("contains and info", contains_and_info),
    ("clear", || (subject().clear)()),
];

fn contains_and_info() {
    let info = (subject().info)();
    let there = (0..8).filter(|k| (subject().contains)(*k)).count();
    assert!(info.maxsize.is_none_or(|maxsize| info.currsize <= maxsize && there <= maxsize));
}

/// Checks that `currsize` is right, that the entries can be evicted one by one, and that the cache works.
fn check_intact(what: &str) {
    let f = subject();
    let info = (f.info)();
    let resident: Vec<u64> = (0..8).filter(|k| (f.contains)(*k)).collect();
    assert_eq!(info.currsize, resident.len(), "{what}");
    for k in &resident {
        assert_eq!((f.peek)(*k).expect("`contains` found it").0, 10 * k, "{what}");
    }
    if let Some(maxsize @ 1..) = info.maxsize {
        assert!(resident.len() <= maxsize, "{what}");
        assert_eq!(f.push_out(&resident, || Value(0)).len(), resident.len(), "{what}");
    }
    (f.clear)();
    for k in [1, 2, 3, 1, 4, 2] {
        assert_eq!((f.call)(k).0, 10 * k, "{what}");
    }
    let (hits, currsize) = match info.maxsize {
        Some(maxsize @ (0 | 1)) => (0, maxsize),
        Some(_) => (1, 3),
        None => (2, 4),
    };
    assert_eq!(counts((f.info)()), (hits, 6 - hits, info.maxsize, currsize), "{what}");
}

#[test]
fn anything_may_be_called_from_anywhere() {
    in_each_mode!(0, None, 1, 3 => |f| {
        static F: LazyLock<Handle<Value>> = LazyLock::new(|| handle!(f, k => (&key(k))));
        SUBJECT.set(Some(&F));
        let mut called_back = 0;
        for place in PLACES {
            for (outer, outer_action) in ACTIONS {
                for (inner, inner_action) in ACTIONS {
                    let maxsize = (F.info)().maxsize;
                    let what = format!("maxsize {maxsize:?}, {inner} from {place:?} during {outer}");
                    (F.clear)();
                    CALLS.set(0);
                    (1..4).for_each(call);
                    let ((), ran) = calling_back(place, 3, inner_action, outer_action);
                    called_back += ran;
                    if inner != "clear" && outer != "clear" {
                        let info = (F.info)();
                        assert_eq!(info.hits + info.misses, CALLS.get(), "{what}");
                    }
                    check_intact(&what);
                }
            }
        }
        assert!(called_back > 100, "the places are reached");
    });
}

#[test]
fn panics_from_anywhere_leave_the_cache_intact() {
    in_each_mode!(0, None, 1, 3 => |f| {
        static F: LazyLock<Handle<Value>> = LazyLock::new(|| handle!(f, k => (&key(k))));
        SUBJECT.set(Some(&F));
        for place in PLACES {
            for (what, action) in ACTIONS {
                (F.clear)();
                (1..4).for_each(call);
                let (result, ran) = calling_back(place, 1, || raise(), || catch(action));
                assert_eq!(result.is_err(), ran == 1, "{what}, {place:?}");
                check_intact(&format!("a panic in {place:?} during {what}"));
            }
        }
    });
}

// ---- Results of nested calls

#[test]
fn calls_from_hash_are_ordinary() {
    in_each_mode!(None, 3 => |f| {
        let (value, ran) = calling_back(Place::Hash, 1, || assert_eq!(f(&key(2)).0, 20), || f(&key(1)).0);
        assert_eq!((value, ran), (10, 1));
        assert_eq!([1, 2].map(|k| f::cache_contains(&key(k))), [true, true]);
        let (value, ran) = calling_back(Place::Hash, 1, || f::cache_put(&key(3), Value(30)), || f(&key(3)).0);
        assert_eq!((value, ran), (30, 1), "the lookup comes after the put");
        let (_, ran) = calling_back(Place::Hash, 1, f::cache_clear, || f(&key(1)));
        assert_eq!((ran, counts(f::cache_info())), (1, (0, 1, f::cache_info().maxsize, 1)));
        assert!(f::cache_contains(&key(1)), "the lookup comes after the clear");
    });
}

#[test]
fn calls_from_eq_hit() {
    in_each_mode!(None, 3 => |f| {
        let _ = [1, 2].map(|k| f(&key(k)));
        let (value, ran) = calling_back(Place::Eq, 1, || assert_eq!(f(&key(2)).0, 20), || f(&key(1)).0);
        assert_eq!((value, ran), (10, 1));
        assert_eq!((f::cache_info().hits, f::cache_info().misses), (2, 2));
        // A hit for the key that is being compared.
        let (value, ran) = calling_back(Place::Eq, 3, || assert_eq!(f(&key(1)).0, 10), || f(&key(1)).0);
        assert_eq!((value, ran), (10, 3));
        assert_eq!((f::cache_info().hits, f::cache_info().misses), (6, 2));
    });
}

#[test]
fn calls_from_clone_hit() {
    in_each_mode!(None, 3 => |f| {
        let _ = [1, 2].map(|k| f(&key(k)));
        let hit = || assert_eq!(f(&key(2)).0, 20);
        let (value, ran) = calling_back(Place::CloneValue, 1, hit, || f(&key(1)).0);
        assert_eq!((value, ran), (10, 1));
        assert_eq!((f::cache_info().hits, f::cache_info().misses), (2, 2));
    });
}

#[test]
fn calls_from_eq_and_clone_compute_and_count() {
    in_each_mode!(None, 3 => |f| {
        for place in [Place::Eq, Place::CloneValue] {
            f::cache_clear();
            f(&key(1));
            let (value, ran) = calling_back(place, 1, || assert_eq!(f(&key(2)).0, 20), || f(&key(1)).0);
            assert_eq!((value, ran), (10, 1));
            assert_eq!((f::cache_info().hits, f::cache_info().misses), (1, 2));
            let currsize = 1 + usize::from(f::cache_contains(&key(2)));
            assert_eq!(f::cache_info().currsize, currsize);
        }
    });
}

#[test]
fn nested_hit_becomes_most_recent() {
    in_each_mode!(3 => |f| {
        for place in [Place::Eq, Place::CloneValue] {
            f::cache_clear();
            let _ = [1, 2, 3].map(|k| f(&key(k)));
            let (_, ran) = calling_back(place, 1, || drop(f(&key(1))), || f(&key(3)));
            assert_eq!(ran, 1);
            f(&key(4));
            let there = [1, 2, 3, 4].map(|k| f::cache_contains(&key(k)));
            assert_eq!(there, [true, false, true, true], "{place:?}");
        }
    });
}

#[test]
fn clear_from_eq_clears() {
    in_each_mode!(None, 3 => |f| {
        let _ = [1, 2].map(|k| f(&key(k)));
        let clear = || {
            f::cache_clear();
            assert_eq!((f::cache_info().hits, f::cache_info().misses, f::cache_info().currsize), (0, 0, 0));
            assert!(!f::cache_contains(&key(1)) && !f::cache_contains(&key(2)));
        };
        // No call after the clear is answered with an entry stored before it.
        let (value, ran) = calling_back(Place::Eq, 1, clear, || f(&key(1)).0);
        assert_eq!((value, ran), (10, 1));
        assert_eq!((f::cache_info().hits, f::cache_info().misses), (0, 1));
        assert!(!f::cache_contains(&key(2)));
        assert_eq!(f::cache_info().currsize, usize::from(f::cache_contains(&key(1))));
    });
}

#[test]
fn clear_from_clone_clears() {
    in_each_mode!(None, 3 => |f| {
        let _ = [1, 2].map(|k| f(&key(k)));
        let (value, ran) = calling_back(Place::CloneValue, 1, f::cache_clear, || f(&key(1)).0);
        assert_eq!((value, ran), (10, 1));
        assert!(![1, 2].iter().any(|k| f::cache_contains(&key(*k))));
        assert_eq!(f::cache_info().currsize, 0);
    });
}

#[test]
fn invalidate_from_eq_invalidates() {
    in_each_mode!(None, 3 => |f| {
        let _ = [1, 2].map(|k| f(&key(k)));
        let invalidate_other = || {
            assert!(f::cache_invalidate(&key(2)));
            assert!(!f::cache_contains(&key(2)) && !f::cache_invalidate(&key(2)));
        };
        let (value, ran) = calling_back(Place::Eq, 1, invalidate_other, || f(&key(1)).0);
        assert_eq!((value, ran), (10, 1));
        assert_eq!([1, 2].map(|k| f::cache_contains(&key(k))), [true, false]);
        assert_eq!(f::cache_info().currsize, 1);
        // Invalidates the key that is being compared: the outer call misses and computes.
        let misses = f::cache_info().misses;
        let invalidate_same = || assert!(f::cache_invalidate(&key(1)));
        let (value, ran) = calling_back(Place::Eq, 1, invalidate_same, || f(&key(1)).0);
        assert_eq!((value, ran), (10, 1));
        assert_eq!(f::cache_info().misses, misses + 1);
    });
}

#[test]
fn invalidate_from_clone_invalidates() {
    in_each_mode!(None, 3 => |f| {
        let _ = [1, 2].map(|k| f(&key(k)));
        let invalidate_both = || assert!([1, 2].iter().all(|k| f::cache_invalidate(&key(*k))));
        let (value, ran) = calling_back(Place::CloneValue, 1, invalidate_both, || f(&key(1)).0);
        assert_eq!((value, ran), (10, 1));
        assert!(![1, 2].iter().any(|k| f::cache_contains(&key(*k))));
        assert_eq!(f::cache_info().currsize, 0);
    });
}

#[test]
fn what_happens_in_eq_while_a_result_is_stored_is_newer() {
    in_each_mode!(None, 3 => |f| {
        let ways: [(&str, fn()); 3] = [
            ("clear", f::cache_clear),
            ("invalidate", || assert!(f::cache_invalidate(&key(1)))),
            ("put", || f::cache_put(&key(1), Value(7))),
        ];
        for (way, happens) in ways {
            f::cache_clear();
            // The call inside the body stores the key, so storing the outer result compares keys.
            BODY.set(Some(|_| drop(f(&key(1)))));
            let (value, ran) = calling_back(Place::Eq, 1, happens, || f(&key(1)).0);
            assert_eq!((value, ran), (10, 1), "{way}");
            let found = f::cache_peek(&key(1)).map(|value| value.0);
            assert!(found.is_none() || (way == "put" && found == Some(7)), "{way}: {found:?}");
            assert_eq!(f::cache_info().currsize, usize::from(found.is_some()), "{way}");
        }
    });
}

#[test]
fn put_from_eq_and_clone_is_never_answered_wrongly() {
    in_each_mode!(None, 3 => |f| {
        for place in [Place::Eq, Place::CloneValue] {
            f::cache_clear();
            f(&key(1));
            let put = || f::cache_put(&key(1), Value(7));
            let (value, ran) = calling_back(place, 1, put, || f(&key(1)).0);
            assert_eq!(ran, 1);
            // The result is the old value, the value put, or a new one; later calls return none older.
            assert!([7, 10].contains(&value));
            let then = f(&key(1)).0;
            let computed_anew = f::cache_info().misses == 2;
            assert_eq!(then, if computed_anew { 10 } else { 7 }, "{place:?}");
        }
    });
}

#[test]
fn calls_from_drop_are_ordinary() {
    in_each_mode!(3 => |f| {
        let _ = [1, 2, 3].map(|k| f(&key(k)));
        for place in [Place::DropKey, Place::DropValue] {
            let put = || f::cache_put(&key(7), Value(70));
            let ((), ran) = calling_back(place, 1, || f::cache_put(&key(8), Value(80)), put);
            assert_eq!(ran, 1, "{place:?}");
            assert!([7, 8].iter().all(|k| f::cache_contains(&key(*k))), "{place:?}");
            assert_eq!(f::cache_info().currsize, 3);
            f::cache_clear();
            let _ = [1, 2, 3].map(|k| f(&key(k)));
        }
    });
}

#[test]
fn what_is_stored_while_a_clear_drops_stays() {
    in_each_mode!(None, 3 => |f| {
        for place in [Place::DropKey, Place::DropValue] {
            let _ = [1, 2, 3].map(|k| f(&key(k)));
            let ((), ran) = calling_back(place, 1, || f::cache_put(&key(2), Value(20)), f::cache_clear);
            assert_eq!(ran, 1, "{place:?}");
            assert_eq!([1, 2, 3].map(|k| f::cache_contains(&key(k))), [false, true, false], "{place:?}");
            assert_eq!(f::cache_info().currsize, 1);
            f::cache_clear();
        }
    });
}

#[test]
fn calls_from_the_body_are_ordinary() {
    in_each_mode!(None, 3 => |f| {
        BODY.set(Some(|k| {
            assert_eq!(k, 1);
            assert_eq!(f::cache_info().misses, 1, "the miss is counted before the body runs");
            assert!(!f::cache_contains(&key(1)));
            assert_eq!([2, 3].map(|k| f(&key(k)).0), [20, 30]);
            assert!(f::cache_invalidate(&key(3)));
            f::cache_put(&key(4), Value(40));
        }));
        assert_eq!(f(&key(1)).0, 10);
        assert_eq!([1, 2, 3, 4].map(|k| f::cache_contains(&key(k))), [true, true, false, true]);
        assert_eq!((f::cache_info().hits, f::cache_info().misses), (0, 3));
    });
}

// ---- The lock is free while user code runs: user code waits for another thread

/// Runs `f` on another thread and waits for it; this deadlocks if the current thread holds the lock.
fn elsewhere(f: impl FnOnce() + Send) {
    thread::scope(|scope| scope.spawn(f).join().expect("the other thread does not panic"));
}

#[test]
fn body_runs_outside_the_lock() {
    in_each_shared_mode!(|f| {
        BODY.set(Some(|_| elsewhere(|| assert_eq!((f(&key(1)).0, f(&key(2)).0), (10, 20)))));
        assert_eq!(f(&key(1)).0, 10);
        assert_eq!(f::cache_info().hits + f::cache_info().misses, 3);
    });
}

#[test]
fn hash_runs_outside_the_lock() {
    in_each_shared_mode!(None, 3 => |f| {
        let (value, ran) = calling_back(Place::Hash, 1, || elsewhere(|| drop(f(&key(1)))), || f(&key(1)).0);
        assert_eq!((value, ran), (10, 1));
    });
}

#[test]
fn evicted_and_replaced_entries_drop_outside_the_lock() {
    in_each_shared_mode!(None, 3 => |f| {
        let bounded = f::cache_info().maxsize.is_some();
        let ways: [(&str, fn()); 6] = [
            ("evicted by a call", || drop(f(&key(4)))),
            ("evicted by a put", || f::cache_put(&key(4), Value(40))),
            ("replaced by a put", || f::cache_put(&key(1), Value(10))),
            ("replaced by a refresh", || drop(f::cache_refresh(&key(1)))),
            ("invalidated", || assert!(f::cache_invalidate(&key(1)))),
            ("cleared", f::cache_clear),
        ];
        for (way, remove) in ways {
            for place in [Place::DropKey, Place::DropValue] {
                f::cache_clear();
                let _ = [1, 2, 3].map(|k| f(&key(k)));
                let ((), ran) = calling_back(place, 1, || elsewhere(|| drop(f(&key(5)))), remove);
                // Each removal drops a value; a replacement keeps the key.
                let removes = bounded || !way.starts_with("evicted");
                if removes && (place == Place::DropValue || !way.starts_with("replaced")) {
                    assert_eq!(ran, 1, "{way}, {place:?}");
                }
            }
        }
    });
}

#[test]
fn what_a_nested_call_removed_drops_outside_the_lock() {
    in_each_shared_mode!(None, 3 => |f| {
        /// Lets the next dropped value wait for another thread.
        fn wait_in_drop() {
            let run = || elsewhere(|| drop(f(&key(5))));
            CALL_BACK.set(Some(CallBack { place: Place::DropValue, times: 1, run }));
        }
        let ways: [fn(); 2] = [
            || {
                f::cache_clear();
                wait_in_drop();
            },
            || {
                assert!(f::cache_invalidate(&key(2)));
                wait_in_drop();
            },
        ];
        for remove in ways {
            for place in [Place::Eq, Place::CloneValue] {
                f::cache_clear();
                let _ = [1, 2].map(|k| f(&key(k)));
                let (value, ran) = calling_back(place, 1, remove, || {
                    let value = f(&key(1));
                    // An entry of another shard is removed by the next call to that shard.
                    assert!(!(6..70).any(|k| f::cache_contains(&key(k))));
                    value
                });
                assert_eq!((value.0, ran), (10, 2), "{place:?}");
                assert!(!f::cache_contains(&key(2)), "{place:?}");
            }
        }
    });
}

#[test]
fn results_that_are_not_stored_drop_outside_the_lock() {
    in_each_shared_mode!(None, 3 => |f| {
        BODY.set(Some(|_| f::cache_clear()));
        let (value, _) = calling_back(Place::DropValue, 1, || elsewhere(|| drop(f(&key(5)))), || f(&key(1)));
        assert_eq!(value.0, 10);
        assert!(!f::cache_contains(&key(1)));
    });
}

/// A value whose destructor waits for another thread that uses the cache, so it must never run while any
/// thread holds the lock.
mod waiting {
    use std::cell::Cell;
    use std::hash::{Hash, Hasher};
    use std::thread;

    use crate::support::finishes;
    use functools::lru_cache;

    thread_local! {
        static ON_EQ: Cell<Option<fn()>> = const { Cell::new(None) };
        static ARMED: Cell<bool> = const { Cell::new(false) };
    }

    #[derive(Clone)]
    struct Key(u64);

    impl Hash for Key {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    impl PartialEq for Key {
        fn eq(&self, other: &Self) -> bool {
            if let Some(act) = ON_EQ.take() {
                ARMED.set(true);
                act();
            }
            self.0 == other.0
        }
    }

    impl Eq for Key {}

    #[derive(Clone)]
    struct Value;

    impl Drop for Value {
        fn drop(&mut self) {
            if ARMED.replace(false) {
                thread::spawn(f::cache_info).join().expect("the lock is free");
            }
        }
    }

    #[lru_cache]
    fn f(_key: &Key) -> Value {
        Value
    }

    #[test]
    fn what_a_nested_call_drops_is_dropped_when_the_lock_is_free() {
        let acts: [fn(); 4] = [
            || std::mem::forget(f(&Key(3))),
            || f::cache_put(&Key(1), Value),
            || assert!(f::cache_invalidate(&Key(2))),
            f::cache_clear,
        ];
        for act in acts {
            finishes(move || {
                f::cache_clear();
                for key in 1..=2 {
                    f(&Key(key));
                }
                ON_EQ.set(Some(act));
                std::mem::forget(f(&Key(1)));
                ARMED.set(false);
            });
        }
    }
}

#[test]
fn two_functions_may_call_each_other_in_each_mode() {
    macro_rules! with_maxsize {
        ($($maxsize:tt),+) => {$({
            #[lru_cache(maxsize = $maxsize)]
            fn is_even(n: u64) -> bool {
                n == 0 || is_odd(n - 1)
            }
            #[lru_cache(maxsize = $maxsize)]
            fn is_odd(n: u64) -> bool {
                n != 0 && is_even(n - 1)
            }
            finishes(|| {
                assert!((0..100).all(|n| is_even(n) == (n % 2 == 0) && is_odd(n) == (n % 2 == 1)));
                let infos = [is_even::cache_info(), is_odd::cache_info()];
                assert!(infos.iter().all(|info| info.currsize == info.maxsize.unwrap_or(100)), "{infos:?}");
            });
        })+};
    }
    with_maxsize!(0, 1, 3, None);
}
