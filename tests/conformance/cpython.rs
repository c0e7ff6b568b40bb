//! Replays recorded traces of CPython's `functools.lru_cache` through annotated functions and the cache
//! object. `README.md` describes the format of the traces.
//!
//! All replays go through [`Memo`]: a cache whose function body is set by the trace.

use crate::read_traces;
use crate::support::{Handle, Raised, catch, counts, finishes, handle, raise};
use functools::{CacheInfo, LruCache, lru_cache};
use serde::Deserialize;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

const FLAT: &str = include_str!("lru_flat.jsonl");
const TREE: &str = include_str!("lru_tree.jsonl");

/// The functions are shared by two tests, and used by one of them at a time.
static FUNCTIONS: Mutex<()> = Mutex::new(());

#[test]
fn flat_traces_replay_through_functions() {
    let _mine = FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let traces: Vec<Flat> = read_traces(FLAT);
    for trace in &traces {
        for raises in trace.ways_to_raise() {
            replay_flat(trace, function(trace.maxsize, trace.key, *raises).as_ref());
        }
    }
    assert_eq!(traces.len(), 67);
}

#[test]
fn flat_traces_replay_through_the_object() {
    let traces: Vec<Flat> = read_traces(FLAT);
    for trace in &traces {
        replay_flat(trace, object(trace.maxsize, trace.key).as_ref());
    }
    assert_eq!(traces.len(), 67);
}

#[test]
fn tree_traces_replay_through_functions() {
    // Without correct answers from the cache these recursions would not end in any reasonable time.
    finishes(|| {
        let _mine = FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        replay_trees(|maxsize| function(maxsize, KeyKind::Int, Raises::Panic));
    });
}

#[test]
fn tree_traces_replay_through_the_object() {
    finishes(|| replay_trees(|maxsize| object(maxsize, KeyKind::Int)));
}

// ---- The traces, as recorded

/// A sequence of plain calls.
#[derive(Deserialize)]
struct Flat {
    id: String,
    maxsize: Option<usize>,
    key: KeyKind,
    raises_if_mod: u64,
    ops: Vec<i64>,
    flags: String,
    evict: Vec<(usize, u64)>,
    info: Vec<(usize, u64, u64, usize)>,
    order: Option<Vec<u64>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeyKind {
    Int,
    Str,
    Pair,
}

#[derive(Clone, Copy)]
enum Raises {
    Error,
    Panic,
}

impl Flat {
    /// A Python exception becomes an error or a panic here; a trace without exceptions is replayed once.
    fn ways_to_raise(&self) -> &'static [Raises] {
        if self.raises_if_mod == 0 { &[Raises::Panic] } else { &[Raises::Error, Raises::Panic] }
    }
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Tree {
    Fib(Recursive),
    Fact(Recursive),
    Collatz(Recursive),
    Hofq(Recursive),
    Binom(Recursive),
    Part(Recursive),
    Plan(Plan),
}

/// Top-level calls of a recursive function.
#[derive(Deserialize)]
struct Recursive {
    id: String,
    maxsize: Option<usize>,
    ops: Vec<i64>,
    steps: Vec<Option<RecursiveStep>>,
    order: Option<Vec<u64>>,
}

#[derive(Deserialize)]
struct RecursiveStep {
    value: u64,
    enter: Vec<u64>,
    evict: Vec<u64>,
    info: (u64, u64, usize),
}

/// Bodies that call the function recursively, as scripted.
#[derive(Deserialize)]
struct Plan {
    id: String,
    maxsize: Option<usize>,
    ops: Vec<Node>,
    steps: Vec<Option<PlanStep>>,
    order: Option<Vec<u64>>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Node {
    /// Always -1.
    Clear(i64),
    Call(u64, Vec<Node>),
}

#[derive(Deserialize)]
struct PlanStep {
    log: Vec<(u64, char, u64)>,
    info: (u64, u64, usize),
}

// ---- Caches through which the traces are replayed

/// A cached function or a cache object.
trait Memo {
    fn call(&self, key: u64) -> Result<u64, Raised>;
    fn peek(&self, key: u64) -> Option<u64>;
    fn contains(&self, key: u64) -> bool;
    fn info(&self) -> CacheInfo;
    fn clear(&self);

    /// Returns the keys from the least to the most recently used. May empty the cache.
    fn order(&self, resident: &[u64]) -> Vec<u64>;
}

thread_local! {
    /// The body that the functions below run on a miss.
    static BODY: RefCell<Option<Body>> = const { RefCell::new(None) };
}

type Body = Rc<dyn Fn(u64) -> Result<u64, Raised>>;

fn set_body(body: impl Fn(u64) -> Result<u64, Raised> + 'static) {
    BODY.set(Some(Rc::new(body)));
}

fn run_body<A: Answer>(key: u64) -> A {
    let body = BODY.with_borrow(|body| body.clone().expect("a replay sets the body before it calls"));
    A::of(body(key))
}

/// The return type of a function: a number (Python exceptions become panics), or a `Result`.
trait Answer: Sized {
    fn of(result: Result<u64, Raised>) -> Self;
    fn result(self) -> Result<u64, Raised>;
}

impl Answer for u64 {
    fn of(result: Result<u64, Raised>) -> Self {
        result.unwrap_or_else(|Raised| raise())
    }

    fn result(self) -> Result<u64, Raised> {
        Ok(self)
    }
}

impl Answer for Result<u64, Raised> {
    fn of(result: Result<u64, Raised>) -> Self {
        result
    }

    fn result(self) -> Result<u64, Raised> {
        self
    }
}

impl<A: Answer> Memo for Handle<A> {
    fn call(&self, key: u64) -> Result<u64, Raised> {
        catch(|| (self.call)(key).result())?
    }

    fn peek(&self, key: u64) -> Option<u64> {
        (self.peek)(key).map(|value| value.result().expect("no error is cached"))
    }

    fn contains(&self, key: u64) -> bool {
        (self.contains)(key)
    }

    fn info(&self) -> CacheInfo {
        (self.info)()
    }

    fn clear(&self) {
        (self.clear)();
    }

    fn order(&self, resident: &[u64]) -> Vec<u64> {
        self.push_out(resident, || A::of(Ok(0)))
    }
}

/// Returns the function for this combination of key, way to raise and `maxsize`; the traces use no others.
fn function(maxsize: Option<usize>, key: KeyKind, raises: Raises) -> Rc<dyn Memo> {
    macro_rules! function {
        ($answer:ty, $params:tt = $key:expr, $k:ident => $args:tt) => {
            function!($answer, $params = $key, $k => $args;
                None => None, Some(0) => 0, Some(1) => 1, Some(2) => 2, Some(3) => 3, Some(8) => 8,
                Some(128) => 128)
        };
        ($answer:ty, $params:tt = $key:expr, $k:ident => $args:tt; $($wanted:pat => $maxsize:tt),+) => {
            match maxsize {
                $($wanted => {
                    #[lru_cache(maxsize = $maxsize)]
                    fn f $params -> $answer {
                        run_body($key)
                    }
                    Rc::new(handle!(f, $k => $args)) as Rc<dyn Memo>
                })+
                other => panic!("no function has maxsize {other:?}"),
            }
        };
    }
    macro_rules! by_answer {
        ($($how:tt)+) => {
            match raises {
                Raises::Panic => function!(u64, $($how)+),
                Raises::Error => function!(Result<u64, Raised>, $($how)+),
            }
        };
    }
    match key {
        KeyKind::Int => by_answer!((k: u64) = k, k => (k)),
        KeyKind::Str => by_answer!((name: &str) = number_in(name), k => (&format!("k{k:05}"))),
        KeyKind::Pair => by_answer!((a: u64, b: u64) = 16 * a + b, k => (k / 16, k % 16)),
    }
}

/// A cache object with keys of type `K`, which are made from numbers and converted back.
struct Object<K> {
    cache: LruCache<K, u64>,
    key: fn(u64) -> K,
    number: fn(&K) -> u64,
}

fn object(maxsize: Option<usize>, key: KeyKind) -> Rc<dyn Memo> {
    match key {
        KeyKind::Int => Rc::new(Object { cache: LruCache::new(maxsize), key: |k| k, number: |k| *k }),
        KeyKind::Str => {
            let number = |name: &String| number_in(name);
            Rc::new(Object { cache: LruCache::new(maxsize), key: |k| format!("k{k:05}"), number })
        }
        KeyKind::Pair => {
            let number = |(a, b): &(u64, u64)| 16 * a + b;
            Rc::new(Object { cache: LruCache::new(maxsize), key: |k| (k / 16, k % 16), number })
        }
    }
}

impl<K: std::hash::Hash + Eq + Clone> Memo for Object<K> {
    fn call(&self, key: u64) -> Result<u64, Raised> {
        catch(|| self.cache.get_or_insert_with((self.key)(key), || run_body(key)))
    }

    fn peek(&self, key: u64) -> Option<u64> {
        self.cache.peek(&(self.key)(key))
    }

    fn contains(&self, key: u64) -> bool {
        self.cache.contains(&(self.key)(key))
    }

    fn info(&self) -> CacheInfo {
        assert_eq!(self.cache.info().currsize, self.cache.len());
        self.cache.info()
    }

    fn clear(&self) {
        self.cache.clear();
    }

    fn order(&self, _resident: &[u64]) -> Vec<u64> {
        self.cache.iter().map(|(key, _)| (self.number)(&key)).collect()
    }
}

fn number_in(name: &str) -> u64 {
    name[1..].parse().expect("the key is `k` and a number")
}

// ---- The replays

/// The stored keys, found by `contains` after each call, so that evictions are seen without a listener.
#[derive(Default)]
struct Residents(Vec<u64>);

impl Residents {
    /// Records the change made by a call with `key`, and returns the evicted keys.
    fn after_call(&mut self, memo: &dyn Memo, key: u64) -> Vec<u64> {
        if !self.0.contains(&key) && memo.contains(key) {
            self.0.push(key);
        }
        let currsize = memo.info().currsize;
        let mut evicted = Vec::new();
        if currsize != self.0.len() {
            self.0.retain(|key| {
                memo.contains(*key) || {
                    evicted.push(*key);
                    false
                }
            });
        }
        assert_eq!(currsize, self.0.len(), "currsize is the number of keys that `contains` finds");
        evicted
    }
}

/// Checks that every resident key is still stored, in the recorded order.
fn check_order(id: &str, memo: &dyn Memo, residents: &Residents, order: Option<&[u64]>) {
    assert!(residents.0.iter().all(|key| memo.contains(*key)), "{id}");
    if let Some(order) = order {
        assert_eq!(memo.order(&residents.0), order, "{id}: order");
    }
}

fn replay_flat(trace: &Flat, memo: &dyn Memo) {
    let ran = Rc::new(Cell::new(false));
    let runs = Rc::clone(&ran);
    let raises_if_mod = trace.raises_if_mod;
    set_body(move |k| {
        runs.set(true);
        if raises_if_mod > 0 && k % raises_if_mod == 0 { Err(Raised) } else { Ok(7 * k + 3) }
    });

    memo.clear();
    let mut residents = Residents::default();
    let mut evictions = trace.evict.iter().peekable();
    let mut checkpoints = trace.info.iter().peekable();
    assert_eq!(trace.ops.len(), trace.flags.len());
    for (i, (&op, flag)) in trace.ops.iter().zip(trace.flags.chars()).enumerate() {
        let at = format!("{}, operation {i}: {op}", trace.id);
        if let Ok(key) = u64::try_from(op) {
            ran.set(false);
            let result = memo.call(key);
            let seen = match (ran.get(), result) {
                (false, Ok(_)) => 'H',
                (true, Ok(_)) => 'M',
                (true, Err(Raised)) => 'E',
                (false, Err(Raised)) => panic!("{at}: an error was cached"),
            };
            assert_eq!(seen, flag, "{at}");
            assert_eq!(result.unwrap_or(7 * key + 3), 7 * key + 3, "{at}");
            let evicted = residents.after_call(memo, key);
            let recorded: Vec<u64> =
                std::iter::from_fn(|| evictions.next_if(|(op, _)| *op == i)).map(|(_, key)| *key).collect();
            assert_eq!(evicted, recorded, "{at}: evicted");
        } else {
            assert_eq!(flag, 'C', "{at}");
            memo.clear();
            residents = Residents::default();
        }
        while let Some(&(_, hits, misses, currsize)) = checkpoints.next_if(|(done, ..)| *done == i + 1) {
            assert_eq!(counts(memo.info()), (hits, misses, trace.maxsize, currsize), "{at}");
        }
    }
    assert!(
        evictions.next().is_none() && checkpoints.next().is_none(),
        "{}: the whole trace was compared",
        trace.id
    );
    assert!(residents.0.iter().all(|key| memo.peek(*key) == Some(7 * key + 3)), "{}", trace.id);
    check_order(&trace.id, memo, &residents, trace.order.as_deref());
}

fn replay_trees(memo: impl Fn(Option<usize>) -> Rc<dyn Memo>) {
    let traces: Vec<Tree> = read_traces(TREE);
    for trace in &traces {
        let (trace, definition): (_, Definition) = match trace {
            Tree::Fib(trace) => (trace, fib),
            Tree::Fact(trace) => (trace, fact),
            Tree::Collatz(trace) => (trace, collatz),
            Tree::Hofq(trace) => (trace, hofq),
            Tree::Binom(trace) => (trace, binom),
            Tree::Part(trace) => (trace, part),
            Tree::Plan(trace) => {
                replay_plan(trace, &memo(trace.maxsize));
                continue;
            }
        };
        replay_recursive(trace, definition, &memo(trace.maxsize));
    }
    assert_eq!(traces.len(), 74);
}

/// A recursive function: takes its argument and the function to call recursively.
type Definition = fn(u64, &dyn Fn(u64) -> u64) -> u64;

fn fib(n: u64, fib: &dyn Fn(u64) -> u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

fn fact(n: u64, fact: &dyn Fn(u64) -> u64) -> u64 {
    if n <= 1 { 1 } else { n * fact(n - 1) }
}

fn collatz(n: u64, collatz: &dyn Fn(u64) -> u64) -> u64 {
    if n <= 1 { 0 } else { 1 + collatz(if n % 2 == 0 { n / 2 } else { 3 * n + 1 }) }
}

fn hofq(n: u64, q: &dyn Fn(u64) -> u64) -> u64 {
    if n <= 2 { 1 } else { q(n - q(n - 1)) + q(n - q(n - 2)) }
}

fn binom(x: u64, binom: &dyn Fn(u64) -> u64) -> u64 {
    let (n, k) = (x / 64, x % 64);
    if k == 0 || k == n { 1 } else { binom((n - 1) * 64 + k - 1) + binom((n - 1) * 64 + k) }
}

fn part(x: u64, part: &dyn Fn(u64) -> u64) -> u64 {
    let (n, k) = (x / 64, x % 64);
    match (n, k) {
        (0, _) => 1,
        (_, 0) => 0,
        _ => part(n * 64 + k - 1) + if n >= k { part((n - k) * 64 + k) } else { 0 },
    }
}

/// The effects of one top-level call.
#[derive(Default)]
struct Seen {
    residents: Residents,
    entered: Vec<u64>,
    evicted: Vec<u64>,
}

fn replay_recursive(trace: &Recursive, definition: Definition, memo: &Rc<dyn Memo>) {
    let seen = Rc::new(RefCell::new(Seen::default()));
    // The keys are checked after every call, those from bodies too, so that each eviction is seen.
    let call = {
        let (seen, memo) = (Rc::clone(&seen), Rc::clone(memo));
        move |key| {
            let value = memo.call(key).expect("these functions raise no errors");
            let Seen { residents, evicted, .. } = &mut *seen.borrow_mut();
            evicted.extend(residents.after_call(memo.as_ref(), key));
            value
        }
    };
    set_body({
        let (seen, call) = (Rc::clone(&seen), call.clone());
        move |key| {
            seen.borrow_mut().entered.push(key);
            Ok(definition(key, &call))
        }
    });

    memo.clear();
    assert_eq!(trace.ops.len(), trace.steps.len());
    for (op, step) in trace.ops.iter().zip(&trace.steps) {
        let at = format!("{}: {op}", trace.id);
        if let (Ok(key), Some(step)) = (u64::try_from(*op), step) {
            assert_eq!(call(key), step.value, "{at}");
            let mut seen = seen.borrow_mut();
            assert_eq!(std::mem::take(&mut seen.entered), step.enter, "{at}: entered");
            assert_eq!(std::mem::take(&mut seen.evicted), step.evict, "{at}: evicted");
            let (hits, misses, currsize) = step.info;
            assert_eq!(counts(memo.info()), (hits, misses, trace.maxsize, currsize), "{at}");
        } else {
            assert!(*op == -1 && step.is_none(), "{at}");
            memo.clear();
            seen.borrow_mut().residents = Residents::default();
        }
    }
    check_order(&trace.id, memo.as_ref(), &seen.borrow().residents, trace.order.as_deref());
}

/// The replay of a scripted plan.
struct Stage {
    memo: Rc<dyn Memo>,
    serial: Cell<u64>,
    /// The children of the node being called, until the body takes them.
    children: RefCell<Option<Vec<Node>>>,
    log: RefCell<Vec<(u64, char, u64)>>,
    residents: RefCell<Residents>,
}

impl Stage {
    fn play(&self, node: &Node) {
        match node {
            Node::Clear(minus_one) => {
                assert_eq!(*minus_one, -1);
                self.memo.clear();
                self.residents.replace(Residents::default());
            }
            Node::Call(key, children) => {
                self.children.replace(Some(children.clone()));
                let serial = self.memo.call(*key).expect("plans raise no errors");
                let flag = if self.children.take().is_some() { 'H' } else { 'M' };
                self.log.borrow_mut().push((*key, flag, serial));
                self.residents.borrow_mut().after_call(self.memo.as_ref(), *key);
            }
        }
    }

    fn body(&self) -> u64 {
        for child in self.children.take().expect("the body runs while a node is called") {
            self.play(&child);
        }
        self.serial.set(self.serial.get() + 1);
        self.serial.get()
    }
}

fn replay_plan(trace: &Plan, memo: &Rc<dyn Memo>) {
    let stage = Rc::new(Stage {
        memo: Rc::clone(memo),
        serial: Cell::default(),
        children: RefCell::default(),
        log: RefCell::default(),
        residents: RefCell::default(),
    });
    set_body({
        let stage = Rc::clone(&stage);
        move |_| Ok(stage.body())
    });

    memo.clear();
    assert_eq!(trace.ops.len(), trace.steps.len());
    for (i, (node, step)) in trace.ops.iter().zip(&trace.steps).enumerate() {
        stage.play(node);
        let log = stage.log.take();
        if let Some(step) = step {
            let (hits, misses, currsize) = step.info;
            assert_eq!(log, step.log, "{}, operation {i}", trace.id);
            assert_eq!(
                counts(memo.info()),
                (hits, misses, trace.maxsize, currsize),
                "{}, operation {i}",
                trace.id
            );
        } else {
            assert!(matches!(node, Node::Clear(_)), "{}, operation {i}", trace.id);
        }
    }
    check_order(&trace.id, memo.as_ref(), &stage.residents.borrow(), trace.order.as_deref());
}
