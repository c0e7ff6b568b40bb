//! Replays recorded traces of the caches and decorators of cachetools, through cache objects and annotated functions.
//! `README.md` describes the format of the traces.

use std::cell::{Cell, RefCell};
use std::sync::LazyLock;

use functools::policy::{Candidates, Fifo, Lfu, Lru, Policy, Rr};
use functools::{
    Cache, CacheBuilder, CacheInfo, RemovalCause, RrCache, Timer, fifo_cache, lfu_cache, lru_cache, ttl_cache,
};
use serde::Deserialize;

use crate::read_traces;
use crate::support::{Raised, catch, counts, raise};

const POLICIES: &str = include_str!("ct_policy.jsonl");
const FUNCTIONS: &str = include_str!("ct_func.jsonl");

thread_local! {
    /// The reading of the clock.
    static NOW: Cell<u64> = const { Cell::new(0) };
    /// The removals reported to the listener since the last check, in order.
    static REMOVED: RefCell<Vec<(u64, RemovalCause)>> = const { RefCell::new(Vec::new()) };
    /// The number of body runs.
    static RUNS: Cell<u64> = const { Cell::new(0) };
}

fn ticks() -> u64 {
    NOW.get()
}

/// A clock that counts ticks.
type Ticks = Timer<fn() -> u64>;

fn clock() -> Ticks {
    Timer::new(ticks)
}

// ---- The traces, as recorded

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Name {
    Lru,
    Lfu,
    Fifo,
    Rr,
    Ttl,
    Tlru,
}

/// Operations on a cache as a map.
#[derive(Deserialize)]
struct Map {
    id: String,
    policy: Name,
    maxsize: usize,
    weighted: bool,
    universe: u64,
    ttl: Option<u64>,
    choice: Option<Choice>,
    ops: Vec<String>,
    res: Vec<serde_json::Value>,
    removed: Vec<(usize, Why, u64)>,
    live: Vec<(usize, Vec<u64>)>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Min,
    Max,
    First,
    Last,
    Mid,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
enum Why {
    #[serde(rename = "e")]
    Evicted,
    #[serde(rename = "x")]
    Expired,
}

/// Calls of a function.
#[derive(Deserialize)]
struct Function {
    id: String,
    policy: Name,
    maxsize: Option<usize>,
    ttl: Option<u64>,
    raises_if_mod: u64,
    ops: Vec<Op>,
    flags: String,
    serials: Vec<u64>,
    info: Vec<(usize, u64, u64, usize)>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Op {
    Call(u64),
    /// `C`, or `t` and a number of ticks.
    Other(String),
}

// ---- Caches as maps

#[test]
fn maps_replay_through_the_objects() {
    let traces: Vec<Map> = read_traces(POLICIES);
    for trace in &traces {
        match trace.policy {
            Name::Lru => replay_map(trace, map::<Lru>(trace).build()),
            Name::Lfu => replay_map(trace, map::<Lfu>(trace).build()),
            Name::Fifo => replay_map(trace, map::<Fifo>(trace).build()),
            Name::Rr => {
                let choice = trace.choice.expect("traces of `rr` have a choice");
                replay_map(trace, map::<Rr>(trace).choice(move |keys| choose(choice, keys)).build());
            }
            Name::Ttl => {
                let ttl = trace.ttl.expect("traces of `ttl` have one");
                replay_map(trace, map::<Lru>(trace).ttl(ttl).build());
            }
            Name::Tlru => replay_map(trace, map::<Lru>(trace).ttu(|k, _, now| now + k % 7 * 2).build()),
        }
    }
    assert_eq!(traces.len(), 53);
}

fn map<P: Policy>(trace: &Map) -> CacheBuilder<u64, u64, P, Ticks> {
    let builder = Cache::builder_with(clock())
        .maxsize(trace.maxsize)
        .on_evict(|key, _, cause| REMOVED.with_borrow_mut(|removed| removed.push((*key, cause))));
    if trace.weighted { builder.weigher(|_, value| weight(*value)).min_weight(0) } else { builder }
}

fn weight(value: u64) -> usize {
    usize::try_from(value % 5).expect("the remainder is below 5")
}

fn choose(choice: Choice, keys: &Candidates<'_, u64>) -> usize {
    let numbered = keys.iter().enumerate();
    let chosen = match choice {
        Choice::Min => numbered.min_by_key(|&(_, key)| *key),
        Choice::Max => numbered.max_by_key(|&(_, key)| *key),
        Choice::First => return 0,
        Choice::Last => return keys.len() - 1,
        Choice::Mid => return keys.len() / 2,
    };
    chosen.expect("the cache is not empty").0
}

fn replay_map<P: Policy>(trace: &Map, cache: Cache<u64, u64, P, Ticks>) {
    NOW.set(0);
    REMOVED.take();
    let mut removed = trace.removed.iter().peekable();
    let mut live = trace.live.iter().peekable();
    let mut looked = 0;
    assert_eq!(trace.ops.len(), trace.res.len());
    for (i, (op, result)) in trace.ops.iter().zip(&trace.res).enumerate() {
        let at = format!("{}, operation {i}: {op}", trace.id);
        let (op, number) = op.split_at(1);
        let number = || number.parse::<u64>().expect("the operation has a key or a number of ticks");
        let seen = match op {
            "s" => serde_json::json!(set(trace, &cache, number(), i as u64, &at)),
            "g" => {
                looked += 1;
                serde_json::json!(cache.get(&number()))
            }
            "c" => serde_json::json!(cache.contains(&number())),
            "d" => serde_json::json!(cache.remove(&number()).is_some()),
            // Python's `pop` does not remove an expired entry, but our `remove` does.
            "p" if cache.contains(&number()) => serde_json::json!(cache.remove(&number())),
            "p" => serde_json::Value::Null,
            "P" => serde_json::json!(cache.pop_victim()),
            "n" => serde_json::json!((cache.len(), cache.info().currsize)),
            "C" => {
                cache.clear();
                looked = 0;
                serde_json::Value::Null
            }
            "x" => {
                let expired: Vec<u64> = cache.expire().into_iter().map(|(key, _)| key).collect();
                let reported =
                    REMOVED.with_borrow(|removed| removed.iter().map(|(key, _)| *key).collect::<Vec<_>>());
                assert_eq!(expired, reported, "{at}: the listener gets the entries that are returned");
                serde_json::Value::Null
            }
            "t" => {
                NOW.set(NOW.get() + number());
                serde_json::Value::Null
            }
            other => panic!("{at}: unknown operation {other}"),
        };
        assert_eq!(seen, *result, "{at}");
        let recorded: Vec<(Why, u64)> = std::iter::from_fn(|| removed.next_if(|(op, ..)| *op == i))
            .map(|&(_, why, key)| (why, key))
            .collect();
        let reported = REMOVED.take();
        match op {
            // Removals by the caller are reported, but not in the traces.
            "C" => assert!(
                reported.iter().all(|(_, cause)| *cause == RemovalCause::Cleared),
                "{at}: {reported:?}"
            ),
            "d" | "p" => {
                let cause = if *result == serde_json::json!(false) {
                    RemovalCause::Expired
                } else {
                    RemovalCause::Invalidated
                };
                assert!(reported.is_empty() || reported == [(number(), cause)], "{at}: {reported:?}");
            }
            _ => assert_eq!(reasons(trace, &reported), recorded, "{at}: {reported:?}"),
        }
        while let Some((_, keys)) = live.next_if(|(done, _)| *done == i + 1) {
            let seen: Vec<u64> = (0..trace.universe).filter(|key| cache.contains(key)).collect();
            assert_eq!(seen, *keys, "{at}: live");
        }
    }
    // Only at the end, since reading the counters removes expired entries, and the traces record when that happens.
    let info = cache.info();
    assert_eq!((info.hits + info.misses, info.maxsize), (looked, Some(trace.maxsize)), "{}", trace.id);
    assert!(removed.next().is_none() && live.next().is_none(), "{}: the whole trace was compared", trace.id);
}

/// Stores a value, and returns whether it was stored.
fn set<P: Policy>(
    trace: &Map,
    cache: &Cache<u64, u64, P, Ticks>,
    key: u64,
    value: u64,
    at: &str,
) -> &'static str {
    let old = cache.peek(&key);
    let replaced = cache.insert(key, value);
    let weight = if trace.weighted { weight(value) } else { 1 };
    // A value that has already expired is not weighed.
    let is_live = trace.policy != Name::Tlru || key % 7 > 0;
    if is_live && weight > trace.maxsize {
        assert_eq!((replaced, cache.peek(&key)), (None, old), "{at}: nothing changes");
        return "toolarge";
    }
    assert_eq!(cache.peek(&key), is_live.then_some(value), "{at}");
    "ok"
}

/// The reported removals as in the traces, which do not record replacements.
fn reasons(trace: &Map, reported: &[(u64, RemovalCause)]) -> Vec<(Why, u64)> {
    let mut reasons: Vec<_> = reported
        .iter()
        .filter_map(|&(key, cause)| match cause {
            RemovalCause::Evicted => Some((Why::Evicted, key)),
            RemovalCause::Expired => Some((Why::Expired, key)),
            RemovalCause::Replaced => None,
            other => panic!("{key} was removed with the cause {other:?}"),
        })
        .collect();
    if trace.policy == Name::Tlru {
        let expired = reasons.iter().take_while(|(why, _)| *why == Why::Expired).count();
        reasons[..expired].sort_by_key(|&(_, key)| key);
    }
    reasons
}

// ---- Functions

/// The result of a body: its argument, and the number of bodies that have run.
type Numbered = (u64, u64);

#[test]
fn functions_replay_through_the_attributes() {
    let traces: Vec<Function> = read_traces(FUNCTIONS);
    for trace in &traces {
        replay_function(trace, &function(trace));
    }
    assert_eq!(traces.len(), 43);
}

#[test]
fn functions_replay_through_the_objects() {
    let traces: Vec<Function> = read_traces(FUNCTIONS);
    for trace in &traces {
        match trace.policy {
            Name::Lru => replay_function(trace, &object(results::<Lru>(trace).build())),
            Name::Lfu => replay_function(trace, &object(results::<Lfu>(trace).build())),
            Name::Fifo => replay_function(trace, &object(results::<Fifo>(trace).build())),
            Name::Rr => {
                let rr = results::<Rr>(trace).choice(|keys| choose(Choice::Min, keys));
                replay_function(trace, &object(rr.build()));
            }
            Name::Ttl => {
                let ttl = trace.ttl.expect("traces of `ttl` have one");
                replay_function(trace, &object(results::<Lru>(trace).ttl(ttl).build()));
            }
            Name::Tlru => panic!("cachetools has no such decorator"),
        }
    }
    assert_eq!(traces.len(), 43);
}

/// A cached function or a cache object.
struct Memo {
    call: Box<dyn Fn(u64) -> Result<Numbered, Raised>>,
    info: Box<dyn Fn() -> CacheInfo>,
    clear: Box<dyn Fn()>,
}

thread_local! {
    static RAISES_IF_MOD: Cell<u64> = const { Cell::new(0) };
}

fn body(key: u64) -> Result<Numbered, Raised> {
    RUNS.set(RUNS.get() + 1);
    let divisor = RAISES_IF_MOD.get();
    if divisor > 0 && key % divisor == 0 { Err(Raised) } else { Ok((key, RUNS.get())) }
}

/// Returns the function for this combination of options; the traces use no others.
fn function(trace: &Function) -> Memo {
    macro_rules! functions {
        ($($policy:ident $maxsize:pat, $ttl:pat => $(static $rr:ident = $bound:expr;)? #[$($attribute:tt)*];)*) => {
            match (trace.policy, trace.maxsize, trace.ttl) {
                $((Name::$policy, $maxsize, $ttl) => {
                    $(static $rr: LazyLock<RrCache<u64, Numbered>> = LazyLock::new(|| evicting_the_least($bound));)?
                    #[$($attribute)*]
                    fn f(k: u64) -> Result<Numbered, Raised> {
                        body(k)
                    }
                    Memo { call: Box::new(f), info: Box::new(f::cache_info), clear: Box::new(f::cache_clear) }
                })*
                other => panic!("no function is memoized by {other:?}"),
            }
        };
    }
    functions! {
        Lru Some(0), None => #[lru_cache(maxsize = 0)];
        Lru Some(2), None => #[lru_cache(maxsize = 2)];
        Lru Some(3), None => #[lru_cache(maxsize = 3, policy = lru)];
        Lru Some(8), None => #[lru_cache(maxsize = 8)];
        Lfu Some(0), None => #[lfu_cache(maxsize = 0)];
        Lfu Some(1), None => #[lfu_cache(maxsize = 1)];
        Lfu Some(64), None => #[lru_cache(maxsize = 64, policy = lfu)];
        Lfu None, None => #[lfu_cache(maxsize = None)];
        Fifo Some(0), None => #[fifo_cache(maxsize = 0)];
        Fifo Some(1), None => #[fifo_cache(maxsize = 1)];
        Fifo Some(3), None => #[lru_cache(maxsize = 3, policy = fifo)];
        Fifo Some(8), None => #[fifo_cache(maxsize = 8)];
        Fifo None, None => #[fifo_cache(maxsize = None)];
        // `choice` is an option of the objects here; `expiry` tests it as an option of functions.
        Rr Some(1), None => static RR = Some(1); #[lru_cache(cache = RR)];
        Rr Some(2), None => static RR = Some(2); #[lru_cache(cache = RR)];
        Rr Some(3), None => static RR = Some(3); #[lru_cache(cache = RR)];
        Rr Some(64), None => static RR = Some(64); #[lru_cache(cache = RR)];
        Rr None, None => static RR = None; #[lru_cache(cache = RR)];
        Ttl Some(0), Some(3) => #[ttl_cache(maxsize = 0, ttl = 3, timer = ticks)];
        Ttl Some(0), Some(30) => #[ttl_cache(maxsize = 0, ttl = 30, timer = ticks)];
        Ttl Some(1), Some(3) => #[lru_cache(maxsize = 1, ttl = 3, timer = ticks)];
        Ttl Some(1), Some(30) => #[ttl_cache(maxsize = 1, ttl = 30, timer = ticks)];
        Ttl Some(2), Some(30) => #[ttl_cache(maxsize = 2, ttl = 30, timer = ticks)];
        Ttl Some(3), Some(3) => #[ttl_cache(maxsize = 3, ttl = 3, timer = ticks)];
        Ttl Some(3), Some(30) => #[ttl_cache(maxsize = 3, ttl = 30, timer = ticks)];
        Ttl Some(8), Some(30) => #[lru_cache(maxsize = 8, ttl = 30, timer = ticks)];
        Ttl None, Some(3) => #[ttl_cache(maxsize = None, ttl = 3, timer = ticks)];
        Ttl None, Some(30) => #[functools::cache(ttl = 30, timer = ticks)];
    }
}

fn evicting_the_least(maxsize: Option<usize>) -> RrCache<u64, Numbered> {
    let cache = RrCache::builder().choice(|keys| choose(Choice::Min, keys));
    maxsize.into_iter().fold(cache, CacheBuilder::maxsize).build()
}

fn results<P: Policy>(trace: &Function) -> CacheBuilder<u64, Numbered, P, Ticks> {
    trace.maxsize.into_iter().fold(Cache::builder_with(clock()), CacheBuilder::maxsize)
}

/// Wraps an object; a Python exception becomes a panic here.
fn object<P: Policy + 'static>(cache: Cache<u64, Numbered, P, Ticks>) -> Memo {
    let cache: &Cache<u64, Numbered, P, Ticks> = Box::leak(Box::new(cache));
    let run = |k| body(k).unwrap_or_else(|Raised| raise());
    Memo {
        call: Box::new(move |k| catch(|| cache.get_or_insert_with(k, || run(k)))),
        info: Box::new(|| cache.info()),
        clear: Box::new(|| cache.clear()),
    }
}

fn replay_function(trace: &Function, memo: &Memo) {
    NOW.set(0);
    RUNS.set(0);
    RAISES_IF_MOD.set(trace.raises_if_mod);
    (memo.clear)();
    let mut info = trace.info.iter().peekable();
    assert_eq!((trace.ops.len(), trace.ops.len()), (trace.flags.len(), trace.serials.len()));
    for (i, ((op, flag), serial)) in trace.ops.iter().zip(trace.flags.chars()).zip(&trace.serials).enumerate()
    {
        let at = format!("{}, operation {i}", trace.id);
        let seen = match op {
            Op::Call(key) => {
                let runs = RUNS.get();
                let result = (memo.call)(*key);
                assert!(result.is_err() || result == Ok((*key, *serial)), "{at}: {result:?}, {serial}");
                match (RUNS.get() - runs, result) {
                    (0, Ok(_)) => 'H',
                    (1, Ok(_)) => 'M',
                    (1, Err(Raised)) => 'E',
                    other => panic!("{at}: {other:?}"),
                }
            }
            Op::Other(op) if op == "C" => {
                (memo.clear)();
                'C'
            }
            Op::Other(op) => {
                let ticks = op.strip_prefix('t').and_then(|ticks| ticks.parse::<u64>().ok());
                NOW.set(NOW.get() + ticks.expect("the operation is `t` and a number"));
                't'
            }
        };
        assert_eq!(seen, flag, "{at}");
        while let Some(&(_, hits, misses, currsize)) = info.next_if(|(done, ..)| *done == i + 1) {
            assert_eq!(counts((memo.info)()), (hits, misses, trace.maxsize, currsize), "{at}");
        }
    }
    assert!(info.next().is_none(), "{}: the whole trace was compared", trace.id);
}
