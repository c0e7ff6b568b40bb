//! The contestants: the same functions, memoized by each library, and not memoized.
//!
//! `attributes` has the libraries with attributes, `stores` those whose cache is called by hand. The
//! functions are otherwise equal: same bodies, same capacities; a borrowed argument is converted to an owned
//! one only where the library requires it.

use benches::each;

mod attributes;
mod stores;

/// The bodies that run on a miss, and a counter of their runs.
pub(crate) mod body {
    use std::cell::Cell;
    use std::sync::Arc;

    thread_local! {
        static RUNS: Cell<u64> = const { Cell::new(0) };
    }

    /// The number of bodies that this thread has run.
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

/// Calls each function with a list of arguments.
pub(crate) struct Subjects {
    pub(crate) number: fn(&[u64]),
    pub(crate) pair: fn(&[(u64, u64)]),
    pub(crate) short: fn(&[String]),
    pub(crate) long: fn(&[String]),
    pub(crate) bytes: fn(&[Vec<u8>]),
    pub(crate) string: fn(&[u64]),
    pub(crate) shared: fn(&[u64]),
}

/// A function of numbers with a large cache, and a function to clear it.
pub(crate) struct Roomy {
    pub(crate) number: fn(&[u64]),
    pub(crate) clear: fn(),
    /// The number of entries, for caches that may evict before they are full.
    pub(crate) entries: Option<fn() -> u64>,
}

/// A recursion that is run from an empty cache.
pub(crate) struct Recursion {
    pub(crate) clear: fn(),
    pub(crate) fibonacci: fn(u64) -> u64,
}

/// A way to memoize functions; `None` for modes that it does not have.
#[derive(Default)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) bounded: Option<Subjects>,
    pub(crate) unbounded: Option<Subjects>,
    pub(crate) disabled: Option<Subjects>,
    pub(crate) recursion: Option<Recursion>,
    /// With a capacity of 1000 entries.
    pub(crate) thousand: Option<Roomy>,
    /// With a capacity of 1,000,000 entries.
    pub(crate) million: Option<Roomy>,
}

/// The functions of a module; the named methods pass a borrowed argument to them.
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
pub(crate) const SHARDS: &str = "`#[lru_cache(shards = 16)]`, capacity 1024";
pub(crate) const CACHED: &str = "`#[cached]`";
pub(crate) const UNSYNC: &str = "`#[cached(unsync_reads = true)]`";
pub(crate) const CONCURRENT: &str = "`#[concurrent_cached]`";
pub(crate) const CONCURRENT_ROOMY: &str = "`#[concurrent_cached]`, capacity 1024";
pub(crate) const MEMOIZE: &str = "`#[memoize]`, a cache per thread";
pub(crate) const MEMOIZE_SHARED: &str = "`#[memoize(SharedCache)]`";
pub(crate) const MOKA: &str = "`moka`";
pub(crate) const QUICK: &str = "`quick_cache`";
pub(crate) const QUICK_ROOMY: &str = "`quick_cache`, capacity 1024";
pub(crate) const LRU: &str = "`Mutex<lru::LruCache>`";
pub(crate) const BODY: &str = "the body, not cached";

/// The contestants of this library.
pub(crate) const OURS: &[&str] = &[FUNCTOOLS, THREAD, SHARDS];

/// The contestants with a cache per thread: no result is shared, so no lock is needed.
pub(crate) const PER_THREAD: &[&str] = &[MEMOIZE, THREAD];

/// All contestants, this library first.
pub(crate) fn peers() -> Vec<Peer> {
    let mut peers = ours();
    peers.extend(attributes());
    peers.extend(stores());
    peers
}

/// The functions themselves: a floor without hits, which takes no part in the recursion.
pub(crate) fn not_memoized() -> Peer {
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

/// Sets the function that counts entries, for a cache that may evict before it is full.
fn some_of(roomy: Option<Roomy>, entries: fn() -> u64) -> Option<Roomy> {
    roomy.map(|roomy| Roomy { entries: Some(entries), ..roomy })
}
