//! Panics at every point where user code runs, in turn: `Hash`, `Eq`, `Clone` and `Drop`, and the body.
//!
//! A scenario is run once to count its points, then once per point with a panic there, and compared with a
//! slow reference model. An operation that panics has completed some prefix of its steps. All later
//! operations agree exactly with the model, including the order of eviction and the number of live values.

use crate::support::{Handle, catch, counts, finishes, handle, raise};
use functools::{LruCache, lru_cache};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::thread::{self, LocalKey};

// ---- Points

thread_local! {
    static REACHED: Cell<usize> = const { Cell::new(0) };
    static PANIC_AT: Cell<Option<usize>> = const { Cell::new(None) };
    static PANICKED_IN: Cell<Option<&'static str>> = const { Cell::new(None) };
    static KEYS: Cell<usize> = const { Cell::new(0) };
    static VALUES: Cell<usize> = const { Cell::new(0) };
    /// The number of bodies started since the last clear.
    static BODIES: Cell<u64> = const { Cell::new(0) };
}

/// A point: panics if its number has been reached. Each run has at most one panic, so no point panics while
/// another panic unwinds.
fn point(place: &'static str) {
    let number = REACHED.replace(REACHED.get() + 1);
    if PANIC_AT.get() == Some(number) {
        assert!(!thread::panicking());
        PANIC_AT.set(None);
        PANICKED_IN.set(Some(place));
        raise();
    }
}

fn add(count: &'static LocalKey<Cell<usize>>, change: isize) {
    count.set(count.get().checked_add_signed(change).expect("a dropped key or value was created before"));
}

/// An argument. Some numbers have equal hashes. Only the drop of a stored key is a point.
struct Key {
    number: u64,
    stored: bool,
}

impl Key {
    fn new(number: u64, stored: bool) -> Self {
        add(&KEYS, 1);
        Self { number, stored }
    }
}

fn key(number: u64) -> Key {
    Key::new(number, false)
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        point("hash");
        (self.number % 3).hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        point("eq");
        self.number == other.number
    }
}

impl Eq for Key {}

impl Clone for Key {
    fn clone(&self) -> Self {
        point("clone of a key");
        Self::new(self.number, true)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        add(&KEYS, -1);
        if self.stored {
            point("drop of a key");
        }
    }
}

struct Value(u64);

impl Value {
    fn new(number: u64) -> Self {
        add(&VALUES, 1);
        Self(number)
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        point("clone of a value");
        Self::new(self.0)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        add(&VALUES, -1);
        point("drop of a value");
    }
}

/// The key whose body calls the function with another key, [`NESTED`].
const NESTING: u64 = 5;
const NESTED: u64 = 2;

fn body(number: u64, call: fn(u64) -> Value) -> Value {
    BODIES.set(BODIES.get() + 1);
    point("body");
    if number == NESTING {
        assert_eq!(call(NESTED).0, 10 * NESTED);
    }
    point("body");
    Value::new(10 * number)
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
    Clear,
    /// Cache objects only.
    Get(u64),
    /// Cache objects only.
    Iter,
}
use Op::{Call, Clear, Contains, Get, Invalidate, Iter, Peek, Put, Refresh};

/// Hits, misses, evictions, replacements and removals of every kind, in a full, empty and half-full cache.
#[rustfmt::skip]
const SCENARIO: [Op; 42] = [
    Call(1), Call(2), Call(3), Call(1), Iter, Call(4), Put(2), Put(1), Get(2), Refresh(4), Refresh(3), Get(6),
    Peek(1), Peek(6), Contains(1), Contains(6), Invalidate(3), Invalidate(6), Call(6), Call(5), Call(5), Iter,
    Clear, Clear, Call(5), Call(2), Put(2), Refresh(2), Invalidate(2), Refresh(2), Put(4), Call(4), Call(7),
    Call(4), Iter, Invalidate(4), Call(1), Put(3), Refresh(5), Call(5), Get(3), Call(1),
];
const NUMBERS: std::ops::Range<u64> = 0..9;

struct Subject {
    f: Handle<Value>,
    object: Option<&'static LruCache<Key, Value>>,
}

impl Subject {
    fn can(&self, op: Op) -> bool {
        match op {
            Get(_) | Iter => self.object.is_some(),
            Refresh(_) => self.object.is_none(),
            _ => true,
        }
    }

    fn object(&self) -> &'static LruCache<Key, Value> {
        self.object.expect("only objects perform this operation")
    }

    /// Performs `op` and returns its result as numbers.
    fn perform(&self, op: Op) -> Vec<u64> {
        let f = &self.f;
        match op {
            Call(k) => vec![(f.call)(k).0],
            Refresh(k) => vec![(f.refresh)(k).0],
            Put(k) => {
                (f.put)(k, Value::new(10 * k));
                vec![]
            }
            Invalidate(k) => vec![(f.invalidate)(k).into()],
            Peek(k) => (f.peek)(k).iter().map(|value| value.0).collect(),
            Contains(k) => vec![(f.contains)(k).into()],
            Clear => {
                BODIES.set(0);
                (f.clear)();
                vec![]
            }
            Get(k) => self.object().get(&key(k)).iter().map(|value| value.0).collect(),
            Iter => {
                let entries: Vec<_> = self.object().iter().collect();
                assert!(entries.iter().all(|(key, value)| value.0 == 10 * key.number));
                entries.iter().map(|(key, _)| key.number).collect()
            }
        }
    }
}

/// A slow reference implementation of the cache.
#[derive(Clone, Debug)]
struct Model {
    hits: u64,
    misses: u64,
    maxsize: Option<usize>,
    /// Least recently used first.
    keys: Vec<u64>,
}

impl Model {
    fn new(maxsize: Option<usize>) -> Self {
        Self { hits: 0, misses: 0, maxsize, keys: Vec::new() }
    }

    fn has(&self, k: u64) -> bool {
        self.keys.contains(&k)
    }

    fn store(&mut self, k: u64) {
        self.keys.retain(|key| *key != k);
        self.keys.push(k);
        if self.maxsize.is_some_and(|maxsize| self.keys.len() > maxsize) {
            self.keys.remove(0);
        }
    }

    /// Performs `op`, records its steps, and returns its expected result.
    fn apply(&mut self, op: Op, steps: &mut Vec<Self>) -> Vec<u64> {
        match op {
            Call(k) | Get(k) if self.has(k) => {
                self.hits += 1;
                self.store(k);
                steps.push(self.clone());
                vec![10 * k]
            }
            Get(_) => {
                self.misses += 1;
                steps.push(self.clone());
                vec![]
            }
            Call(k) | Refresh(k) => {
                self.misses += 1;
                steps.push(self.clone());
                if k == NESTING {
                    self.apply(Call(NESTED), steps);
                }
                self.store(k);
                steps.push(self.clone());
                vec![10 * k]
            }
            Put(k) => {
                self.store(k);
                steps.push(self.clone());
                vec![]
            }
            Invalidate(k) => {
                let there = self.has(k);
                self.keys.retain(|key| *key != k);
                steps.push(self.clone());
                vec![there.into()]
            }
            Peek(k) => self.has(k).then_some(10 * k).into_iter().collect(),
            Contains(k) => vec![self.has(k).into()],
            Clear => {
                *self = Self::new(self.maxsize);
                steps.push(self.clone());
                vec![]
            }
            Iter => self.keys.clone(),
        }
    }
}

/// Compares two lists of keys: in order if the cache is bounded, else as sets.
fn alike(maxsize: Option<usize>, left: &[u64], right: &[u64]) -> bool {
    match maxsize {
        Some(_) => left == right,
        None => left.iter().collect::<BTreeSet<_>>() == right.iter().collect(),
    }
}

/// Runs the scenario with a panic at one of its points, or with none. Returns the number of points, and the
/// place that panicked.
fn run(subject: &Subject, panic_at: Option<usize>) -> (usize, Option<&'static str>) {
    let f = &subject.f;
    let maxsize = (f.info)().maxsize;
    // The possible states of the cache: one, or several after an operation that panicked at an unknown step.
    let mut models = vec![Model::new(maxsize)];
    let mut place = None;
    for count in [&KEYS, &VALUES, &REACHED] {
        count.set(0);
    }
    BODIES.set(0);
    PANIC_AT.set(panic_at);
    for (at, op) in SCENARIO.into_iter().enumerate().filter(|(_, op)| subject.can(*op)) {
        let seen = catch(|| subject.perform(op));
        place = PANICKED_IN.take().or(place);
        let info = (f.info)();
        let before = models.clone();
        models = models
            .into_iter()
            .flat_map(|mut model| {
                let mut steps = vec![model.clone()];
                let answer = model.apply(op, &mut steps);
                match &seen {
                    Err(_) => steps,
                    Ok(seen) if op == Iter && alike(maxsize, seen, &answer) => vec![model],
                    Ok(seen) => Vec::from_iter((*seen == answer).then_some(model)),
                }
            })
            .filter(|model| (model.hits, model.misses, maxsize, model.keys.len()) == counts(info))
            .collect();
        assert!(!models.is_empty(), "panic at {panic_at:?}, {at}: {op:?}: {before:?}, {seen:?}, {info}");
        assert!(info.misses >= BODIES.get(), "panic at {panic_at:?}, {at}: {op:?}: an uncounted body");
    }
    assert_eq!(PANIC_AT.get(), None, "each point is reached");
    let points = REACHED.get();
    check(subject, &models, &format!("panic at {panic_at:?} in {place:?}"));
    (points, place)
}

/// Checks that the cache equals one of `models` in its keys, its order of eviction and its live values.
fn check(Subject { f, .. }: &Subject, models: &[Model], what: &str) {
    let resident: Vec<u64> = NUMBERS.filter(|k| (f.contains)(*k)).collect();
    let info = (f.info)();
    assert_eq!(info.currsize, resident.len(), "{what}");
    assert_eq!(
        [KEYS.get(), VALUES.get()],
        [resident.len(); 2],
        "{what}: exactly the stored keys and values are alive"
    );
    for k in NUMBERS {
        assert_eq!((f.peek)(k).map(|value| value.0), resident.contains(&k).then_some(10 * k), "{what}");
    }
    let order = match info.maxsize {
        Some(1..) => f.push_out(&resident, || Value::new(0)),
        _ => resident,
    };
    assert!(
        models.iter().any(|model| alike(info.maxsize, &model.keys, &order)),
        "{what}: {order:?}, {models:?}"
    );
    for k in NUMBERS {
        assert_eq!((f.call)(k).0, 10 * k, "{what}");
    }
    (f.clear)();
    assert_eq!([KEYS.get(), VALUES.get()], [0; 2], "{what}: nothing else is alive after a clear");
}

/// Panics at each point in turn. `places` are all places where a panic must have happened.
fn panics_everywhere(subject: &Subject, places: &[&str]) {
    let (points, _) = run(subject, None);
    let panicked: BTreeSet<_> = (0..points).filter_map(|point| run(subject, Some(point)).1).collect();
    assert_eq!(run(subject, None), (points, None), "earlier panics have no effect on later runs");
    assert_eq!(panicked, places.iter().copied().collect());
}

/// The places reached when nothing is stored, so that no lookup finds an entry.
const UNCACHED: [&str; 5] = ["body", "clone of a key", "drop of a key", "drop of a value", "hash"];
const ALL: [&str; 7] =
    ["body", "clone of a key", "clone of a value", "drop of a key", "drop of a value", "eq", "hash"];

#[test]
fn function_survives_a_panic_at_any_point() {
    macro_rules! with_maxsize {
        ($($maxsize:tt => $places:expr),+) => {$({
            #[lru_cache(maxsize = $maxsize)]
            fn f(key: &Key) -> Value {
                body(key.number, |k| f(&self::key(k)))
            }
            finishes(|| {
                panics_everywhere(&Subject { f: handle!(f, k => (&key(k))), object: None }, &$places);
            });
        })+};
    }
    with_maxsize!(0 => UNCACHED, 1 => ALL, 3 => ALL, None => ALL);
}

#[test]
fn object_survives_a_panic_at_any_point() {
    macro_rules! with_maxsize {
        ($($maxsize:expr => $places:expr),+) => {$({
            static CACHE: LruCache<Key, Value> = LruCache::new($maxsize);
            fn call(k: u64) -> Value {
                CACHE.get_or_insert_with(Key::new(k, true), || body(k, call))
            }
            let f = Handle {
                call,
                info: || CACHE.info(),
                clear: || CACHE.clear(),
                contains: |k| CACHE.contains(&key(k)),
                peek: |k| CACHE.peek(&key(k)),
                put: |k, value| drop(CACHE.insert(Key::new(k, true), value)),
                invalidate: |k| CACHE.remove(&key(k)).is_some(),
                refresh: |_| unreachable!("objects have no refresh"),
            };
            finishes(|| panics_everywhere(&Subject { f, object: Some(&CACHE) }, &$places));
        })+};
    }
    with_maxsize!(
        Some(0) => ["body", "clone of a value", "drop of a key", "drop of a value", "hash"], Some(1) => ALL, Some(3) => ALL, None => ALL
    );
}

/// What a nested call removes is dropped when the outermost call releases the lock. If a destructor panics
/// there, the entries removed by the outermost call are dropped all the same.
#[test]
fn a_panic_in_what_a_nested_call_left_loses_nothing_that_was_taken_out() {
    thread_local! {
        static LIVE: Cell<usize> = const { Cell::new(0) };
        static ON_EQ: Cell<Option<fn()>> = const { Cell::new(None) };
    }

    #[derive(Clone)]
    struct Comparing(u64);
    impl Hash for Comparing {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }
    impl PartialEq for Comparing {
        fn eq(&self, other: &Self) -> bool {
            ON_EQ.take().into_iter().for_each(|act| act());
            self.0 == other.0
        }
    }
    impl Eq for Comparing {}

    /// A value that panics when it is dropped, if it is armed.
    struct Armed(bool);
    impl Armed {
        fn new(armed: bool) -> Self {
            add(&LIVE, 1);
            Self(armed)
        }
    }
    impl Clone for Armed {
        fn clone(&self) -> Self {
            Self::new(self.0)
        }
    }
    impl Drop for Armed {
        fn drop(&mut self) {
            add(&LIVE, -1);
            if self.0 {
                raise();
            }
        }
    }

    static BOUNDED: LruCache<Comparing, Armed> = LruCache::new(Some(2));
    static UNBOUNDED: LruCache<Comparing, Armed> = LruCache::new(None);
    fn insert_armed<const IS_BOUNDED: bool>() {
        let cache = if IS_BOUNDED { &BOUNDED } else { &UNBOUNDED };
        // A nested insert is not stored; its entry is dropped when the outer call ends.
        assert!(cache.insert(Comparing(7), Armed::new(true)).is_none());
    }

    finishes(|| {
        let ways: [fn(&LruCache<Comparing, Armed>); 3] = [
            |cache| drop(cache.insert(Comparing(1), Armed::new(false))),
            |cache| drop(cache.remove(&Comparing(1))),
            |cache| drop(cache.get(&Comparing(1))),
        ];
        for (cache, nested) in [(&BOUNDED, insert_armed::<true> as fn()), (&UNBOUNDED, insert_armed::<false>)]
        {
            for (number, way) in ways.into_iter().enumerate() {
                cache.insert(Comparing(1), Armed::new(false));
                ON_EQ.set(Some(nested));
                assert!(catch(|| way(cache)).is_err(), "{number}");
                assert_eq!(LIVE.get(), cache.len(), "way {number}, {cache:?}");
                cache.clear();
                assert_eq!(LIVE.get(), 0);
            }
        }
    });
}
