//! User code that panics or calls the cache again, at every point where it runs, in turn: `Hash`, `Eq`,
//! `Clone` and `Drop`, the function body, the weigher, the eviction listener, the clock, the `ttu` function
//! and the victim chooser. The caches have expiring entries, weights and a listener.
//!
//! A scenario is run once to count its points, then once per point and action. After each run the cache is
//! consistent: each value belongs to its key, the keys and values alive are exactly those stored, and each
//! removed entry was reported once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread::{self, LocalKey};

use functools::policy::Candidates;
use functools::policy::{Lfu, Lru, Rr};
use functools::{Cache, RemovalCause, Timer, lru_cache};

use crate::support::{Handle, catch, finishes, handle, raise};

// ---- Points

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Panic,
    CallBack(Op),
}

thread_local! {
    static REACHED: Cell<usize> = const { Cell::new(0) };
    static ACT_AT: Cell<Option<(usize, Act)>> = const { Cell::new(None) };
    static ACTED_IN: Cell<Option<&'static str>> = const { Cell::new(None) };
    /// The place where no callback is made.
    static EXCLUDED: Cell<Option<&'static str>> = const { Cell::new(None) };
    /// The cache that callbacks use.
    static SUBJECT: Cell<Option<&'static Subject>> = const { Cell::new(None) };
    static KEYS: Cell<usize> = const { Cell::new(0) };
    static VALUES: Cell<usize> = const { Cell::new(0) };
    static NOW: Cell<u64> = const { Cell::new(0) };
    /// The number of values created so far.
    static MADE: Cell<u64> = const { Cell::new(0) };
    /// The numbers of the removed values, in the order in which they were reported.
    static REMOVED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// A point: performs the action if its number has been reached. Each run has at most one action, so no action
/// happens while a panic unwinds.
fn point(place: &'static str) {
    let number = REACHED.replace(REACHED.get() + 1);
    let Some((_, act)) = ACT_AT.get().filter(|&(at, _)| at == number) else { return };
    assert!(!thread::panicking());
    ACT_AT.set(None);
    if act != Act::Panic && EXCLUDED.get() == Some(place) {
        return;
    }
    ACTED_IN.set(Some(place));
    match act {
        Act::Panic => raise(),
        Act::CallBack(op) => SUBJECT.get().expect("a scenario is run").perform(op),
    }
}

fn add(count: &'static LocalKey<Cell<usize>>, change: isize) {
    count.set(count.get().checked_add_signed(change).expect("a dropped key or value was created before"));
}

/// An argument. Some numbers have equal hashes. The drop of a key is a point only if the cache owned it.
struct Key(u64, bool);

impl Key {
    fn new(number: u64, stored: bool) -> Self {
        add(&KEYS, 1);
        Self(number, stored)
    }
}

fn key(number: u64) -> Key {
    Key::new(number, false)
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        point("hash");
        (self.0 % 3).hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        point("eq");
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Clone for Key {
    fn clone(&self) -> Self {
        point("clone of a key");
        Self::new(self.0, true)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        add(&KEYS, -1);
        if self.1 {
            point("drop of a key");
        }
    }
}

/// A result with a unique number.
struct Value {
    of: u64,
    number: u64,
}

impl Value {
    fn new(of: u64) -> Self {
        add(&VALUES, 1);
        Self { of, number: MADE.replace(MADE.get() + 1) }
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        point("clone of a value");
        Self::new(self.of)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        add(&VALUES, -1);
        point("drop of a value");
    }
}

fn body(k: u64) -> Value {
    point("body");
    Value::new(k)
}

const MAXSIZE: usize = 6;

/// A weight from 1 to 3; the value of 8 weighs more than the cache may hold.
fn weight_of(k: u64) -> usize {
    if k == 8 { 9 } else { usize::try_from(k % 3).expect("the remainder is below 3") + 1 }
}

fn weigh(_: &Key, value: &Value) -> usize {
    point("weigher");
    weight_of(value.of)
}

fn now() -> u64 {
    point("clock");
    NOW.get()
}

fn until(_: &Key, value: &Value, now: u64) -> u64 {
    point("ttu");
    now + 5 + value.of
}

fn on_removal(key: &Key, value: &Value, _: RemovalCause) {
    assert_eq!(key.0, value.of);
    REMOVED.with_borrow_mut(|removed| removed.push(value.number));
    point("listener");
}

// ---- Operations

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Call(u64),
    Refresh(u64),
    Put(u64),
    Invalidate(u64),
    Peek(u64),
    Contains(u64),
    Retain,
    Clear,
    Info,
    /// Advances the clock.
    Tick(u64),
    /// From here on: operations of the cache object only.
    Iter,
    Expire,
    Pop,
    Resize(usize),
}
use Op::{
    Call, Clear, Contains, Expire, Info, Invalidate, Iter, Peek, Pop, Put, Refresh, Resize, Retain, Tick,
};

/// Hits, misses, evictions of several entries at once, replacements by a heavier value, and expired entries
/// found by each kind of operation.
#[rustfmt::skip]
const SCENARIO: [Op; 44] = [
    Call(1), Call(2), Call(0), Call(3), Call(0), Put(4), Put(5), Refresh(5), Refresh(8), Put(8), Call(8), Tick(3),
    Call(1), Retain, Call(6), Call(3), Peek(3), Contains(3), Iter, Tick(4), Call(3), Call(3), Call(4), Tick(8),
    Invalidate(3), Put(4), Call(4), Tick(20), Info, Call(0), Call(1), Expire, Call(2), Invalidate(0), Call(5), Pop,
    Call(3), Call(0), Resize(3), Resize(MAXSIZE), Call(4), Tick(30), Expire, Clear,
];
const NUMBERS: std::ops::Range<u64> = 0..9;

/// The operations that a callback performs.
#[rustfmt::skip]
const CALLED_BACK: [Op; 15] = [
    Call(0), Call(3), Call(7), Refresh(2), Put(1), Put(4), Invalidate(0), Invalidate(3), Invalidate(4), Retain, Clear,
    Info, Tick(50), Expire, Pop,
];

/// The predicate of `retain`: `true` keeps the entry.
type Holds<'h> = &'h mut dyn FnMut(&Key, &Value) -> bool;

struct Subject {
    f: Handle<Value>,
    /// Visits all entries, and removes those for which the predicate returns `false`.
    retain: fn(Holds<'_>),
    /// Performs an operation that only a cache object has.
    object: Option<fn(Op)>,
}

impl Subject {
    fn can(&self, op: Op) -> bool {
        match op {
            Iter | Expire | Pop | Resize(_) => self.object.is_some(),
            Refresh(_) => self.object.is_none(),
            _ => true,
        }
    }

    fn perform(&self, op: Op) {
        let f = &self.f;
        match op {
            Call(k) => assert_eq!((f.call)(k).of, k),
            Refresh(k) => assert_eq!((f.refresh)(k).of, k),
            Put(k) => (f.put)(k, Value::new(k)),
            Invalidate(k) => _ = (f.invalidate)(k),
            Peek(k) => assert!((f.peek)(k).is_none_or(|value| value.of == k)),
            Contains(k) => _ = (f.contains)(k),
            Retain => (self.retain)(&mut |key, _| {
                point("retain");
                key.0 % 4 != 0
            }),
            Clear => (f.clear)(),
            Info => _ = (f.info)(),
            Tick(ticks) => NOW.set(NOW.get() + ticks),
            Iter | Expire | Pop | Resize(_) => self.object.expect("only objects perform this operation")(op),
        }
    }

    /// The numbers of the values in the cache. Removes expired entries.
    fn check(&self) -> BTreeSet<u64> {
        let info = (self.f.info)();
        let resident: Vec<u64> = NUMBERS.filter(|k| (self.f.contains)(*k)).collect();
        let weight = resident.iter().map(|k| weight_of(*k)).sum::<usize>();
        assert_eq!(
            (info.currsize, info.maxsize.is_none_or(|max| weight <= max)),
            (weight, true),
            "{resident:?}"
        );
        assert_eq!(
            [KEYS.get(), VALUES.get()],
            [resident.len(); 2],
            "exactly the stored keys and values are alive"
        );
        let mut numbers = BTreeSet::new();
        (self.retain)(&mut |key, value| {
            assert_eq!(key.0, value.of);
            numbers.insert(value.number)
        });
        assert_eq!(numbers.len(), resident.len());
        numbers
    }
}

/// Empties the cache and resets what was recorded about it.
fn begin(subject: &'static Subject) {
    SUBJECT.set(Some(subject));
    ACT_AT.set(None);
    if let Some(object) = subject.object {
        object(Resize(MAXSIZE));
    }
    (subject.f.clear)();
    assert_eq!([KEYS.take(), VALUES.take()], [0; 2], "nothing is alive after a clear");
    (NOW.set(0), MADE.set(0), REACHED.set(0), ACTED_IN.set(None));
    REMOVED.take();
}

fn scenario(subject: &Subject) -> impl Iterator<Item = Op> {
    SCENARIO.into_iter().filter(|op| subject.can(*op))
}

/// The numbers of the values in the cache before each operation, expired ones included.
fn residents(subject: &'static Subject) -> Vec<BTreeSet<u64>> {
    let before = |count| {
        begin(subject);
        scenario(subject).take(count).for_each(|op| subject.perform(op));
        REMOVED.take();
        // The check removes expired entries and reports them.
        let live = subject.check();
        live.into_iter().chain(REMOVED.take()).collect()
    };
    (0..scenario(subject).count()).map(before).collect()
}

/// Runs the scenario, with an action at one of its points or with none. Returns the number of points, and the
/// place where the action happened.
fn run(
    subject: &'static Subject,
    residents: &[BTreeSet<u64>],
    act: Option<(usize, Act)>,
) -> (usize, Option<&'static str>) {
    begin(subject);
    ACT_AT.set(act);
    for (op, there) in scenario(subject).zip(residents) {
        REMOVED.take();
        let is_ahead = ACT_AT.get().is_some();
        let result = catch(|| subject.perform(op));
        let acts = is_ahead && ACT_AT.get().is_none();
        assert!(
            result.is_ok() || acts && matches!(act, Some((_, Act::Panic))),
            "{op:?} panicked without an injected panic"
        );
        if !acts {
            continue;
        }
        let still = subject.check();
        let reported = REMOVED.take();
        let once: BTreeSet<u64> = reported.iter().copied().collect();
        assert_eq!(once.len(), reported.len(), "{op:?}: a removal was reported twice");
        assert!(once.is_disjoint(&still), "{op:?}: a removed entry is still stored");
        // An operation that panicked may have removed entries without a report.
        if result.is_ok() {
            let removed: BTreeSet<u64> = there.difference(&still).copied().collect();
            assert!(removed.is_subset(&once), "{op:?}: removed {removed:?}, reported {once:?}");
        }
    }
    assert_eq!(ACT_AT.get(), None, "each point is reached");
    let points = REACHED.get();
    subject.check();
    (subject.f.clear)();
    (points, ACTED_IN.get())
}

/// Performs each action at each point. `places` are all places where an action must have happened.
fn acts_everywhere(subject: Subject, places: &[&str], excluded: Option<&'static str>) {
    finishes({
        let places: Vec<String> = places.iter().map(ToString::to_string).collect();
        move || {
            EXCLUDED.set(excluded);
            let subject: &'static Subject = Box::leak(Box::new(subject));
            let residents = residents(subject);
            let (points, _) = run(subject, &residents, None);
            let called_back = CALLED_BACK.into_iter().filter(|op| subject.can(*op)).map(Act::CallBack);
            let acts: Vec<Act> = [Act::Panic].into_iter().chain(called_back).collect();
            let mut acted = BTreeSet::new();
            let mut failed = BTreeSet::new();
            for act in acts {
                for point in 0..points {
                    let acting = AssertUnwindSafe(|| run(subject, &residents, Some((point, act))));
                    if let Ok((_, place)) = catch_unwind(acting) {
                        acted.extend(place);
                    } else {
                        failed.insert(format!("{act:?} in {:?}", ACTED_IN.get()));
                        ACT_AT.set(None);
                        (subject.f.clear)();
                        (KEYS.set(0), VALUES.set(0));
                    }
                }
            }
            assert_eq!(failed, BTreeSet::new());
            assert_eq!(
                run(subject, &residents, None),
                (points, None),
                "earlier runs have no effect on later ones"
            );
            let acted: Vec<String> = acted.into_iter().map(ToString::to_string).collect();
            assert_eq!(acted, places);
        }
    });
}

const COMMON: [&str; 11] = [
    "body",
    "clock",
    "clone of a key",
    "clone of a value",
    "drop of a key",
    "drop of a value",
    "eq",
    "hash",
    "listener",
    "retain",
    "weigher",
];

/// The common places, with those of `more` and without those of `but`.
fn places(more: &[&'static str], but: &[&str]) -> Vec<&'static str> {
    let all: BTreeSet<_> = COMMON.iter().chain(more).filter(|place| !but.contains(place)).copied().collect();
    all.into_iter().collect()
}

/// A [`Subject`] backed by a memoized function.
macro_rules! function {
    ($($options:tt)*) => {{
        #[lru_cache(maxsize = 6, timer = now, weight = weigh, on_evict = on_removal, $($options)*)]
        fn f(key: &Key) -> Value {
            body(key.0)
        }
        Subject {
            f: handle!(f, k => (&key(k))),
            retain: |holds| f::cache_retain(|key, value| holds(key, value)),
            object: None,
        }
    }};
}

/// A [`Subject`] backed by a cache object.
macro_rules! object {
    ($policy:ty, $time:ty; $($setting:ident $arguments:tt)*) => {{
        static CACHE: LazyLock<Cache<Key, Value, $policy, Timer<fn() -> $time>>> = LazyLock::new(|| {
            let clock = Timer::new(<$time as Time>::now as fn() -> $time);
            Cache::builder_with(clock).maxsize(MAXSIZE).weigher(weigh).on_evict(on_removal)$(.$setting $arguments)*.build()
        });
        Subject {
            f: Handle {
                call: |k| CACHE.get_or_insert_with(Key::new(k, true), || body(k)),
                info: || CACHE.info(),
                clear: || CACHE.clear(),
                contains: |k| CACHE.contains(&key(k)),
                peek: |k| CACHE.peek(&key(k)),
                put: |k, value| drop(CACHE.insert(Key::new(k, true), value)),
                invalidate: |k| CACHE.remove(&key(k)).is_some(),
                refresh: |_| unreachable!("objects have no refresh"),
            },
            retain: |holds| CACHE.retain(|key, value| holds(key, value)),
            object: Some(|op| match op {
                Iter => assert!(CACHE.iter().all(|(key, value)| key.0 == value.of)),
                Expire => assert!(CACHE.expire().iter().all(|(key, value)| key.0 == value.of)),
                Pop => assert!(CACHE.pop_victim().is_none_or(|(key, value)| key.0 == value.of)),
                Resize(maxsize) => CACHE.resize(Some(maxsize)),
                _ => unreachable!(),
            }),
        }
    }};
}

fn chosen(keys: &Candidates<'_, Key>) -> usize {
    point("choice");
    keys.len() - 1
}

/// A reading of a clock.
trait Time {
    fn now() -> Self;
}

impl Time for u64 {
    fn now() -> Self {
        now()
    }
}

/// The caches are shared by two tests, and used by one of them at a time.
static FUNCTIONS: Mutex<()> = Mutex::new(());
static OBJECTS: Mutex<()> = Mutex::new(());

fn functions() -> [(Subject, Vec<&'static str>); 3] {
    [
        (function!(ttl = 9), places(&[], &[])),
        (function!(ttl = 9, tti = 6, policy = lfu), places(&[], &[])),
        (function!(ttu = until, policy = lfu), places(&["ttu"], &[])),
    ]
}

fn objects() -> [(Subject, Vec<&'static str>); 3] {
    [
        (object!(Lru, u64; ttl(9) tti(6)), places(&[], &[])),
        (object!(Lfu, u64; ttu(until)), places(&["ttu"], &[])),
        (object!(Rr, u64; ttu(until) choice(chosen)), places(&["choice", "ttu"], &[])),
    ]
}

#[test]
fn functions_stay_whole_whatever_is_done_at_any_point() {
    let _mine = FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    for (subject, places) in functions() {
        acts_everywhere(subject, &places, Some("clock"));
    }
}

#[test]
fn objects_stay_whole_whatever_is_done_at_any_point() {
    let _mine = OBJECTS.lock().unwrap_or_else(PoisonError::into_inner);
    for (subject, places) in objects() {
        acts_everywhere(subject, &places, Some("clock"));
    }
}

#[test]
fn a_clock_may_call_back() {
    let _mine = (FUNCTIONS.lock(), OBJECTS.lock());
    for (subject, places) in functions().into_iter().chain(objects()) {
        acts_everywhere(subject, &places, None);
    }
}
