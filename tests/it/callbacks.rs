//! User code that panics or calls back, at every point in turn where it runs, in caches whose entries
//! expire, have weights and are told of: in `Hash`, `Eq`, `Clone` and `Drop`, in the body, and in the
//! weigher, the listener, the clock, the function that tells until when, and that which chooses who leaves.
//!
//! A scenario is run once to count its points, then once for each of them and each thing that can be
//! done there. Whatever that was: the cache is whole after it, each value is its key's, what it holds is
//! alive and nothing else, and who left was told of, once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread::{self, LocalKey};

use functools::policy::{Lfu, Lru, Rr};
use functools::{Cache, Keys, RemovalCause, Timer, lru_cache};

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
    /// Who does not call back.
    static QUIET: Cell<Option<&'static str>> = const { Cell::new(None) };
    /// What is called back, by whoever acts.
    static SUBJECT: Cell<Option<&'static Subject>> = const { Cell::new(None) };
    static KEYS: Cell<usize> = const { Cell::new(0) };
    static VALUES: Cell<usize> = const { Cell::new(0) };
    static NOW: Cell<u64> = const { Cell::new(0) };
    /// How many values were made.
    static MADE: Cell<u64> = const { Cell::new(0) };
    /// The numbers of the values that left.
    static LEFT: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// A point: acts if its turn has come. Never while a panic is under way, since there is one only.
fn point(place: &'static str) {
    let number = REACHED.replace(REACHED.get() + 1);
    let Some((_, act)) = ACT_AT.get().filter(|&(at, _)| at == number) else { return };
    assert!(!thread::panicking());
    ACT_AT.set(None);
    if act != Act::Panic && QUIET.get() == Some(place) {
        return;
    }
    ACTED_IN.set(Some(place));
    match act {
        Act::Panic => raise(),
        Act::CallBack(op) => SUBJECT.get().expect("a scenario is run").perform(op),
    }
}

fn add(count: &'static LocalKey<Cell<usize>>, change: isize) {
    count.set(count.get().checked_add_signed(change).expect("what is dropped was made"));
}

/// An argument. Some numbers hash alike. Only the drop of one that is the cache's is a point.
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

/// A result, and a number of its own.
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

/// From 1 to 3, but one is too heavy.
fn weight_of(k: u64) -> usize {
    if k == 8 { 9 } else { usize::try_from(k % 3).expect("it is small") + 1 }
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

fn left(key: &Key, value: &Value, _: RemovalCause) {
    assert_eq!(key.0, value.of);
    LEFT.with_borrow_mut(|left| left.push(value.number));
    point("listener");
}

// ---- What is done

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
    /// Time passes.
    Tick(u64),
    /// Of an object only, and so are those below.
    Iter,
    Expire,
    Pop,
    Resize(usize),
}
use Op::{
    Call, Clear, Contains, Expire, Info, Invalidate, Iter, Peek, Pop, Put, Refresh, Resize, Retain, Tick,
};

/// Hits, misses, evictions of several at once, replacements by what is heavier, and what has expired, found in
/// every way there is.
#[rustfmt::skip]
const SCENARIO: [Op; 44] = [
    Call(1), Call(2), Call(0), Call(3), Call(0), Put(4), Put(5), Refresh(5), Refresh(8), Put(8), Call(8), Tick(3),
    Call(1), Retain, Call(6), Call(3), Peek(3), Contains(3), Iter, Tick(4), Call(3), Call(3), Call(4), Tick(8),
    Invalidate(3), Put(4), Call(4), Tick(20), Info, Call(0), Call(1), Expire, Call(2), Invalidate(0), Call(5), Pop,
    Call(3), Call(0), Resize(3), Resize(MAXSIZE), Call(4), Tick(30), Expire, Clear,
];
const NUMBERS: std::ops::Range<u64> = 0..9;

/// What is called back.
#[rustfmt::skip]
const CALLED_BACK: [Op; 15] = [
    Call(0), Call(3), Call(7), Refresh(2), Put(1), Put(4), Invalidate(0), Invalidate(3), Invalidate(4), Retain, Clear,
    Info, Tick(50), Expire, Pop,
];

/// Says who stays.
type Holds<'h> = &'h mut dyn FnMut(&Key, &Value) -> bool;

struct Subject {
    f: Handle<Value>,
    /// Visits all entries, and removes those for which it is told so.
    retain: fn(Holds<'_>),
    /// What only an object is asked.
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
            Iter | Expire | Pop | Resize(_) => self.object.expect("functions are not asked")(op),
        }
    }

    /// The numbers of the values that are there. What has expired leaves.
    fn check(&self) -> BTreeSet<u64> {
        let info = (self.f.info)();
        let resident: Vec<u64> = NUMBERS.filter(|k| (self.f.contains)(*k)).collect();
        let weight = resident.iter().map(|k| weight_of(*k)).sum::<usize>();
        assert_eq!(
            (info.currsize, info.maxsize.is_none_or(|max| weight <= max)),
            (weight, true),
            "{resident:?}"
        );
        assert_eq!([KEYS.get(), VALUES.get()], [resident.len(); 2], "who is there is alive, and nobody else");
        let mut numbers = BTreeSet::new();
        (self.retain)(&mut |key, value| {
            assert_eq!(key.0, value.of);
            numbers.insert(value.number)
        });
        assert_eq!(numbers.len(), resident.len());
        numbers
    }
}

/// Empties the cache, and forgets what was seen of it.
fn begin(subject: &'static Subject) {
    SUBJECT.set(Some(subject));
    ACT_AT.set(None);
    if let Some(object) = subject.object {
        object(Resize(MAXSIZE));
    }
    (subject.f.clear)();
    assert_eq!([KEYS.take(), VALUES.take()], [0; 2], "nothing is alive after a clear");
    (NOW.set(0), MADE.set(0), REACHED.set(0), ACTED_IN.set(None));
    LEFT.take();
}

fn scenario(subject: &Subject) -> impl Iterator<Item = Op> {
    SCENARIO.into_iter().filter(|op| subject.can(*op))
}

/// The numbers of the values that are in the cache before each operation, of what has expired too.
fn residents(subject: &'static Subject) -> Vec<BTreeSet<u64>> {
    let before = |count| {
        begin(subject);
        scenario(subject).take(count).for_each(|op| subject.perform(op));
        LEFT.take();
        // To look takes out what has expired, and tells of it.
        let live = subject.check();
        live.into_iter().chain(LEFT.take()).collect()
    };
    (0..scenario(subject).count()).map(before).collect()
}

/// Runs the scenario, with an act at one of its points or without. Returns how many points there are, and
/// where it was acted.
fn run(
    subject: &'static Subject,
    residents: &[BTreeSet<u64>],
    act: Option<(usize, Act)>,
) -> (usize, Option<&'static str>) {
    begin(subject);
    ACT_AT.set(act);
    for (op, there) in scenario(subject).zip(residents) {
        LEFT.take();
        let is_ahead = ACT_AT.get().is_some();
        let outcome = catch(|| subject.perform(op));
        let acts = is_ahead && ACT_AT.get().is_none();
        assert!(
            outcome.is_ok() || acts && matches!(act, Some((_, Act::Panic))),
            "{op:?} panics for no reason"
        );
        if !acts {
            continue;
        }
        let still = subject.check();
        let told = LEFT.take();
        let once: BTreeSet<u64> = told.iter().copied().collect();
        assert_eq!(once.len(), told.len(), "{op:?}: told of twice");
        assert!(once.is_disjoint(&still), "{op:?}: who left is gone");
        // Of what left by an operation that panicked nobody may have been told.
        if outcome.is_ok() {
            let gone: BTreeSet<u64> = there.difference(&still).copied().collect();
            assert!(gone.is_subset(&once), "{op:?}: {gone:?} left, told was of {once:?}");
        }
    }
    assert_eq!(ACT_AT.get(), None, "each point is reached");
    let points = REACHED.get();
    subject.check();
    (subject.f.clear)();
    (points, ACTED_IN.get())
}

/// Each act at each point; `places` are those where there were some.
fn acts_everywhere(subject: Subject, places: &[&str], quiet: Option<&'static str>) {
    finishes({
        let places: Vec<String> = places.iter().map(ToString::to_string).collect();
        move || {
            QUIET.set(quiet);
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
            assert_eq!(run(subject, &residents, None), (points, None), "nothing left a trace");
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

/// Those that there are beside the common ones, or but for them.
fn places(beside: &[&'static str], but: &[&str]) -> Vec<&'static str> {
    let all: BTreeSet<_> =
        COMMON.iter().chain(beside).filter(|place| !but.contains(place)).copied().collect();
    all.into_iter().collect()
}

/// The subject that a function is.
macro_rules! function {
    ($($options:tt)*) => {{
        #[lru_cache(maxsize = 6, timer = now, weight = weigh, on_evict = left, $($options)*)]
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

/// The subject that an object is.
macro_rules! object {
    ($policy:ty, $time:ty; $($setting:ident $arguments:tt)*) => {{
        static CACHE: LazyLock<Cache<Key, Value, $policy, Timer<fn() -> $time, u64>>> = LazyLock::new(|| {
            let clock = Timer::new(<$time as Time>::now as fn() -> $time);
            Cache::builder_with(clock).maxsize(MAXSIZE).weigher(weigh).on_evict(left)$(.$setting $arguments)*.build()
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
                refresh: |_| unreachable!("an object has none"),
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

fn chosen(keys: &Keys<'_, Key>) -> usize {
    point("choice");
    keys.len() - 1
}

/// What clocks show.
trait Time {
    fn now() -> Self;
}

impl Time for u64 {
    fn now() -> Self {
        now()
    }
}

/// Two tests share the caches, and only one of them may use them at a time.
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
