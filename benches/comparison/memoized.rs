//! Who is compared: the same functions, remembered in each of the ways, and not at all.
//!
//! Attributes stand in `attributes`, caches that are called by hand in `stores`. The functions
//! differ in nothing else: same bodies, same bounds, and an owned argument is made of a borrowed one
//! only where the peer asks for one.

use benches::each;

mod attributes;
mod stores;

/// What everyone computes on a miss, and how often they did.
pub(crate) mod body {
    use std::cell::Cell;
    use std::sync::Arc;

    thread_local! {
        static RUNS: Cell<u64> = const { Cell::new(0) };
    }

    /// How often this thread has run a body.
    pub(crate) fn runs() -> u64 {
        RUNS.get()
    }

    pub(crate) fn number(n: u64) -> u64 {
        RUNS.set(RUNS.get() + 1);
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn pair(a: u64, b: u64) -> u64 {
        number(a ^ b)
    }

    pub(crate) fn text(text: &str) -> usize {
        bytes(text.as_bytes())
    }

    pub(crate) fn bytes(bytes: &[u8]) -> usize {
        RUNS.set(RUNS.get() + 1);
        bytes.len()
    }

    pub(crate) fn string(n: u64) -> String {
        RUNS.set(RUNS.get() + 1);
        benches::text(n, 16)
    }

    pub(crate) fn shared(n: u64) -> Arc<[u64; 16]> {
        RUNS.set(RUNS.get() + 1);
        Arc::new([n; 16])
    }
}

/// Calls each function with each of a list of arguments.
pub(crate) struct Subjects {
    pub(crate) number: fn(&[u64]),
    pub(crate) pair: fn(&[(u64, u64)]),
    pub(crate) short: fn(&[String]),
    pub(crate) long: fn(&[String]),
    pub(crate) bytes: fn(&[Vec<u8>]),
    pub(crate) string: fn(&[u64]),
    pub(crate) shared: fn(&[u64]),
}

/// A function of numbers with room for many, and how to empty it.
pub(crate) struct Roomy {
    pub(crate) number: fn(&[u64]),
    pub(crate) clear: fn(),
    /// How many entries there are, of those who may have fewer than there is room for.
    pub(crate) entries: Option<fn() -> u64>,
}

/// A recursion to run from an empty cache.
pub(crate) struct Recursion {
    pub(crate) clear: fn(),
    pub(crate) fibonacci: fn(u64) -> u64,
}

/// A way to remember results; `None` where it does not have that mode.
#[derive(Default)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) bounded: Option<Subjects>,
    pub(crate) unbounded: Option<Subjects>,
    pub(crate) disabled: Option<Subjects>,
    pub(crate) recursion: Option<Recursion>,
    /// Room for 1000 entries.
    pub(crate) thousand: Option<Roomy>,
    /// Room for 1,000,000 entries.
    pub(crate) million: Option<Roomy>,
}

/// The functions of a module; a borrowed argument is handed to them by the method that is named.
macro_rules! subjects {
    ($($module:ident)::+) => {
        subjects!($($module)::+, by as_str, as_slice)
    };
    ($($module:ident)::+, owned) => {
        subjects!($($module)::+, by clone, clone)
    };
    ($($module:ident)::+, by $text:ident, $bytes:ident) => {
        Some(Subjects {
            number: |list| each(list.iter().copied(), $($module)::+::number),
            pair: |list| each(list, |pair| $($module)::+::pair(pair.0, pair.1)),
            short: |list| each(list, |text| $($module)::+::short(text.$text())),
            long: |list| each(list, |text| $($module)::+::long(text.$text())),
            bytes: |list| each(list, |bytes| $($module)::+::bytes(bytes.$bytes())),
            string: |list| each(list.iter().copied(), $($module)::+::string),
            shared: |list| each(list.iter().copied(), $($module)::+::shared),
        })
    };
}

macro_rules! roomy {
    ($($module:ident)::+) => {
        Some(Roomy {
            number: |list| each(list.iter().copied(), $($module)::+::number),
            clear: $($module)::+::clear,
            entries: None,
        })
    };
}

macro_rules! recursion {
    ($peer:ident) => {
        Some(Recursion { clear: $peer::clear, fibonacci: $peer::fibonacci })
    };
}

pub(crate) const FUNCTOOLS: &str = "`#[lru_cache]`";
pub(crate) const THREAD: &str = "`#[lru_cache(scope = thread)]`";
pub(crate) const SHARDS: &str = "`#[lru_cache(shards = 16)]`, room for 1024";
pub(crate) const CACHED: &str = "`#[cached]`";
pub(crate) const UNSYNC: &str = "`#[cached(unsync_reads = true)]`";
pub(crate) const CONCURRENT: &str = "`#[concurrent_cached]`";
pub(crate) const CONCURRENT_ROOMY: &str = "`#[concurrent_cached]`, room for 1024";
pub(crate) const MEMOIZE: &str = "`#[memoize]`, a cache per thread";
pub(crate) const MEMOIZE_SHARED: &str = "`#[memoize(SharedCache)]`";
pub(crate) const MOKA: &str = "`moka`";
pub(crate) const QUICK: &str = "`quick_cache`";
pub(crate) const QUICK_ROOMY: &str = "`quick_cache`, room for 1024";
pub(crate) const LRU: &str = "`Mutex<lru::LruCache>`";
pub(crate) const BODY: &str = "the body, nothing remembered";

/// Those of this library.
pub(crate) const OURS: &[&str] = &[FUNCTOOLS, THREAD, SHARDS];

/// Those with a cache for each thread: no result is shared, so nothing has to be locked.
pub(crate) const PER_THREAD: &[&str] = &[MEMOIZE, THREAD];

/// All that are compared, this library first.
pub(crate) fn peers() -> Vec<Peer> {
    let mut peers = ours();
    peers.extend(attributes());
    peers.extend(stores());
    peers
}

/// The functions themselves: a floor, which has no hits and takes no part in a recursion.
pub(crate) fn not_remembered() -> Peer {
    use body::{bytes, number, pair, shared, string, text};

    let subjects = || {
        Some(Subjects {
            number: |list| each(list.iter().copied(), number),
            pair: |list| each(list, |both| pair(both.0, both.1)),
            short: |list| each(list, |short| text(short)),
            long: |list| each(list, |long| text(long)),
            bytes: |list| each(list, |list| bytes(list)),
            string: |list| each(list.iter().copied(), string),
            shared: |list| each(list.iter().copied(), shared),
        })
    };
    Peer { name: BODY, bounded: subjects(), disabled: subjects(), ..Peer::default() }
}

fn ours() -> Vec<Peer> {
    use attributes::{functools, functools_shards, functools_thread};

    vec![
        Peer {
            name: FUNCTOOLS,
            bounded: subjects!(functools::bounded),
            unbounded: subjects!(functools::unbounded),
            disabled: subjects!(functools::disabled),
            recursion: recursion!(functools),
            thousand: roomy!(functools::thousand),
            million: roomy!(functools::million),
        },
        Peer {
            name: THREAD,
            bounded: subjects!(functools_thread::bounded),
            unbounded: subjects!(functools_thread::unbounded),
            disabled: subjects!(functools_thread::disabled),
            recursion: recursion!(functools_thread),
            thousand: roomy!(functools_thread::thousand),
            million: roomy!(functools_thread::million),
        },
        Peer {
            name: SHARDS,
            bounded: subjects!(functools_shards::roomy),
            thousand: roomy!(functools_shards::thousand),
            million: some_of(roomy!(functools_shards::million), functools_shards::entries),
            ..Peer::default()
        },
    ]
}

fn attributes() -> Vec<Peer> {
    use attributes::{cached, concurrent, memoize, memoize_shared, unsync};

    vec![
        Peer {
            name: CACHED,
            bounded: subjects!(cached::bounded),
            unbounded: subjects!(cached::unbounded),
            recursion: recursion!(cached),
            thousand: roomy!(cached::thousand),
            million: roomy!(cached::million),
            ..Peer::default()
        },
        Peer {
            name: UNSYNC,
            unbounded: subjects!(unsync::unbounded),
            recursion: recursion!(unsync),
            ..Peer::default()
        },
        Peer {
            name: CONCURRENT,
            bounded: subjects!(concurrent::bounded),
            unbounded: subjects!(concurrent::unbounded),
            recursion: recursion!(concurrent),
            thousand: roomy!(concurrent::thousand),
            million: some_of(roomy!(concurrent::million), concurrent::entries),
            ..Peer::default()
        },
        Peer { name: CONCURRENT_ROOMY, bounded: subjects!(concurrent::roomy), ..Peer::default() },
        Peer {
            name: MEMOIZE,
            bounded: subjects!(memoize::bounded, owned),
            unbounded: subjects!(memoize::unbounded, owned),
            disabled: subjects!(memoize::disabled, owned),
            recursion: recursion!(memoize),
            thousand: roomy!(memoize::thousand),
            million: roomy!(memoize::million),
        },
        Peer {
            name: MEMOIZE_SHARED,
            bounded: subjects!(memoize_shared::bounded, owned),
            unbounded: subjects!(memoize_shared::unbounded, owned),
            disabled: subjects!(memoize_shared::disabled, owned),
            recursion: recursion!(memoize_shared),
            thousand: roomy!(memoize_shared::thousand),
            million: roomy!(memoize_shared::million),
        },
    ]
}

fn stores() -> Vec<Peer> {
    use stores::{lru, moka, quick};

    vec![
        Peer {
            name: MOKA,
            bounded: subjects!(moka::bounded),
            unbounded: subjects!(moka::unbounded),
            disabled: subjects!(moka::disabled),
            recursion: recursion!(moka),
            thousand: roomy!(moka::thousand),
            million: some_of(roomy!(moka::million), moka::entries),
        },
        Peer {
            name: QUICK,
            bounded: subjects!(quick::bounded),
            disabled: subjects!(quick::disabled),
            recursion: recursion!(quick),
            thousand: roomy!(quick::thousand),
            million: some_of(roomy!(quick::million), quick::entries),
            ..Peer::default()
        },
        Peer { name: QUICK_ROOMY, bounded: subjects!(quick::roomy), ..Peer::default() },
        Peer {
            name: LRU,
            bounded: subjects!(lru::bounded),
            unbounded: subjects!(lru::unbounded),
            recursion: recursion!(lru),
            thousand: roomy!(lru::thousand),
            million: roomy!(lru::million),
            ..Peer::default()
        },
    ]
}

/// Of a cache that may have fewer entries than there is room for.
fn some_of(roomy: Option<Roomy>, entries: fn() -> u64) -> Option<Roomy> {
    roomy.map(|roomy| Roomy { entries: Some(entries), ..roomy })
}
