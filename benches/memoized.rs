//! The same functions, remembered in each of the ways that are compared.
//!
//! Attributes stand in `attributes`, caches that are called by hand in `stores`. The functions
//! differ in nothing else: same bodies, same bounds, and a `String` is made of a `&str` only
//! where the peer asks for one.

use benches::each;

mod attributes;
mod stores;

/// What everyone computes on a miss, and how often they did.
pub(crate) mod body {
    use std::cell::Cell;

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
        RUNS.set(RUNS.get() + 1);
        text.len()
    }

    pub(crate) fn string(n: u64) -> String {
        RUNS.set(RUNS.get() + 1);
        benches::text(n, 16)
    }
}

/// Calls each function with each of a list of arguments.
pub(crate) struct Subjects {
    pub(crate) number: fn(&[u64]),
    pub(crate) pair: fn(&[(u64, u64)]),
    pub(crate) short: fn(&[String]),
    pub(crate) long: fn(&[String]),
    pub(crate) string: fn(&[u64]),
}

/// A recursion to run from an empty cache.
pub(crate) struct Recursion {
    pub(crate) clear: fn(),
    pub(crate) fibonacci: fn(u64) -> u64,
}

/// A way to remember results; `None` where it does not have that mode.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) bounded: Option<Subjects>,
    pub(crate) unbounded: Option<Subjects>,
    pub(crate) disabled: Option<Subjects>,
    pub(crate) recursion: Option<Recursion>,
}

/// The functions of a module; a text is handed to them by the method that is named.
macro_rules! subjects {
    ($peer:ident::$mode:ident) => {
        subjects!($peer::$mode, as_str)
    };
    ($peer:ident::$mode:ident, $text:ident) => {
        Some(Subjects {
            number: |list| each(list.iter().copied(), $peer::$mode::number),
            pair: |list| each(list, |pair| $peer::$mode::pair(pair.0, pair.1)),
            short: |list| each(list, |text| $peer::$mode::short(text.$text())),
            long: |list| each(list, |text| $peer::$mode::long(text.$text())),
            string: |list| each(list.iter().copied(), $peer::$mode::string),
        })
    };
}

macro_rules! recursion {
    ($peer:ident) => {
        Some(Recursion { clear: $peer::clear, fibonacci: $peer::fibonacci })
    };
}

pub(crate) const FUNCTOOLS: &str = "`#[lru_cache]`";
pub(crate) const CACHED: &str = "`#[cached]`";
pub(crate) const CONCURRENT: &str = "`#[concurrent_cached]`";
pub(crate) const CONCURRENT_ROOMY: &str = "`#[concurrent_cached]`, room for 1024";
pub(crate) const MOKA: &str = "`moka`";
pub(crate) const QUICK: &str = "`quick_cache`";
pub(crate) const QUICK_ROOMY: &str = "`quick_cache`, room for 1024";

/// All that are compared, this library first.
pub(crate) fn peers() -> Vec<Peer> {
    use attributes::{cached, concurrent, functools, memoize, memoize_shared};
    use stores::{lru, moka, quick};

    vec![
        Peer {
            name: FUNCTOOLS,
            bounded: subjects!(functools::bounded),
            unbounded: subjects!(functools::unbounded),
            disabled: subjects!(functools::disabled),
            recursion: recursion!(functools),
        },
        Peer {
            name: CACHED,
            bounded: subjects!(cached::bounded),
            unbounded: subjects!(cached::unbounded),
            disabled: None,
            recursion: recursion!(cached),
        },
        Peer {
            name: CONCURRENT,
            bounded: subjects!(concurrent::bounded),
            unbounded: subjects!(concurrent::unbounded),
            disabled: None,
            recursion: recursion!(concurrent),
        },
        Peer {
            name: CONCURRENT_ROOMY,
            bounded: subjects!(concurrent::roomy),
            unbounded: None,
            disabled: None,
            recursion: None,
        },
        Peer {
            name: "`#[memoize]`, a cache per thread",
            bounded: subjects!(memoize::bounded, clone),
            unbounded: subjects!(memoize::unbounded, clone),
            disabled: subjects!(memoize::disabled, clone),
            recursion: recursion!(memoize),
        },
        Peer {
            name: "`#[memoize(SharedCache)]`",
            bounded: subjects!(memoize_shared::bounded, clone),
            unbounded: subjects!(memoize_shared::unbounded, clone),
            disabled: subjects!(memoize_shared::disabled, clone),
            recursion: recursion!(memoize_shared),
        },
        Peer {
            name: MOKA,
            bounded: subjects!(moka::bounded),
            unbounded: subjects!(moka::unbounded),
            disabled: subjects!(moka::disabled),
            recursion: recursion!(moka),
        },
        Peer {
            name: QUICK,
            bounded: subjects!(quick::bounded),
            unbounded: None,
            disabled: subjects!(quick::disabled),
            recursion: recursion!(quick),
        },
        Peer {
            name: QUICK_ROOMY,
            bounded: subjects!(quick::roomy),
            unbounded: None,
            disabled: None,
            recursion: None,
        },
        Peer {
            name: "`Mutex<lru::LruCache>`",
            bounded: subjects!(lru::bounded),
            unbounded: subjects!(lru::unbounded),
            disabled: None,
            recursion: recursion!(lru),
        },
    ]
}
