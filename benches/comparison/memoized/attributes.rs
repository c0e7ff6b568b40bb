//! Functions under the attributes of `functools`, `cached` and `memoize`.

/// Defines seven functions with an attribute, in a module of this name. The types of strings and bytes are
/// passed on as single tokens: `cached` does not recognize a reference in a fragment.
macro_rules! functions {
    ($mode:ident: borrowed, $attribute:meta) => {
        functions!($mode: (&str), (&[u8]), $attribute);
    };
    ($mode:ident: owned, $attribute:meta) => {
        functions!($mode: (String), (Vec<u8>), $attribute);
    };
    ($mode:ident: ($($text:tt)+), ($($bytes:tt)+), $attribute:meta) => {
        pub(crate) mod $mode {
            use std::sync::Arc;

            use crate::memoized::body;

            #[$attribute]
            pub(crate) fn number(n: u64) -> u64 {
                body::number(n)
            }

            #[$attribute]
            pub(crate) fn pair(a: u64, b: u64) -> u64 {
                body::pair(a, b)
            }

            #[$attribute]
            pub(crate) fn short(text: $($text)+) -> usize {
                body::text(&text)
            }

            #[$attribute]
            pub(crate) fn long(text: $($text)+) -> usize {
                body::text(&text)
            }

            #[$attribute]
            pub(crate) fn bytes(bytes: $($bytes)+) -> usize {
                body::bytes(&bytes)
            }

            #[$attribute]
            pub(crate) fn string(n: u64) -> String {
                body::string(n)
            }

            #[$attribute]
            pub(crate) fn shared(n: u64) -> Arc<[u64; 16]> {
                body::shared(n)
            }
        }
    };
}

/// Defines a function with an attribute, in a module of this name, and a function to clear its cache.
macro_rules! roomy {
    ($mode:ident: $attribute:meta, $clear:expr) => {
        pub(crate) mod $mode {
            use crate::memoized::body;

            #[$attribute]
            pub(crate) fn number(n: u64) -> u64 {
                body::number(n)
            }

            pub(crate) fn clear() {
                $clear;
            }
        }
    };
}

/// Defines the recursion with an attribute.
macro_rules! fibonacci {
    ($attribute:meta) => {
        #[$attribute]
        pub(crate) fn fibonacci(n: u64) -> u64 {
            if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
        }
    };
}

pub(crate) mod functools {
    functions!(bounded: borrowed, functools::lru_cache(maxsize = 128));
    functions!(unbounded: borrowed, functools::cache);
    functions!(disabled: borrowed, functools::lru_cache(maxsize = 0));
    roomy!(thousand: functools::lru_cache(maxsize = 1000), number::cache_clear());
    roomy!(million: functools::lru_cache(maxsize = 1_000_000), number::cache_clear());
    fibonacci!(functools::cache);

    pub(crate) fn clear() {
        fibonacci::cache_clear();
    }
}

pub(crate) mod functools_thread {
    functions!(bounded: borrowed, functools::lru_cache(maxsize = 128, scope = thread));
    functions!(unbounded: borrowed, functools::lru_cache(maxsize = None, scope = thread));
    functions!(disabled: borrowed, functools::lru_cache(maxsize = 0, scope = thread));
    roomy!(thousand: functools::lru_cache(maxsize = 1000, scope = thread), number::cache_clear());
    roomy!(million: functools::lru_cache(maxsize = 1_000_000, scope = thread), number::cache_clear());
    fibonacci!(functools::lru_cache(maxsize = None, scope = thread));

    pub(crate) fn clear() {
        fibonacci::cache_clear();
    }
}

pub(crate) mod functools_shards {
    functions!(roomy: borrowed, functools::lru_cache(maxsize = 1024, shards = 16));
    roomy!(thousand: functools::lru_cache(maxsize = 1000, shards = 16), number::cache_clear());
    roomy!(million: functools::lru_cache(maxsize = 1_000_000, shards = 16), number::cache_clear());

    /// The number of entries in the shards of `million`.
    pub(crate) fn entries() -> u64 {
        million::number::cache_info().currsize as u64
    }
}

pub(crate) mod cached {
    use cached::Cached;

    functions!(bounded: borrowed, cached::macros::cached(max_size = 128));
    functions!(unbounded: borrowed, cached::macros::cached);
    roomy!(thousand: cached::macros::cached(max_size = 1000), cached::Cached::cache_clear(&mut *NUMBER.write()));
    roomy!(million: cached::macros::cached(max_size = 1_000_000), cached::Cached::cache_clear(&mut *NUMBER.write()));
    fibonacci!(cached::macros::cached);

    pub(crate) fn clear() {
        FIBONACCI.write().cache_clear();
    }
}

pub(crate) mod unsync {
    use cached::Cached;

    functions!(unbounded: borrowed, cached::macros::cached(unsync_reads = true));
    fibonacci!(cached::macros::cached(unsync_reads = true));

    pub(crate) fn clear() {
        FIBONACCI.write().cache_clear();
    }
}

pub(crate) mod concurrent {
    functions!(bounded: borrowed, cached::macros::concurrent_cached(max_size = 128));
    functions!(roomy: borrowed, cached::macros::concurrent_cached(max_size = 1024));
    functions!(unbounded: borrowed, cached::macros::concurrent_cached);
    roomy!(thousand: cached::macros::concurrent_cached(max_size = 1000), NUMBER.clear());
    roomy!(million: cached::macros::concurrent_cached(max_size = 1_000_000), NUMBER.clear());
    fibonacci!(cached::macros::concurrent_cached);

    pub(crate) fn clear() {
        FIBONACCI.clear();
    }

    /// The number of entries in the shards of `million`.
    pub(crate) fn entries() -> u64 {
        million::NUMBER.len() as u64
    }
}

#[expect(dead_code, reason = "the attribute adds functions that are not used here")]
pub(crate) mod memoize {
    functions!(bounded: owned, memoize::memoize(Capacity: 128));
    functions!(unbounded: owned, memoize::memoize);
    functions!(disabled: owned, memoize::memoize(Capacity: 0));
    roomy!(thousand: memoize::memoize(Capacity: 1000), memoized_flush_number());
    roomy!(million: memoize::memoize(Capacity: 1_000_000), memoized_flush_number());
    fibonacci!(memoize::memoize);

    pub(crate) fn clear() {
        memoized_flush_fibonacci();
    }
}

#[expect(dead_code, reason = "the attribute adds functions that are not used here")]
pub(crate) mod memoize_shared {
    functions!(bounded: owned, memoize::memoize(SharedCache, Capacity: 128));
    functions!(unbounded: owned, memoize::memoize(SharedCache));
    functions!(disabled: owned, memoize::memoize(SharedCache, Capacity: 0));
    roomy!(thousand: memoize::memoize(SharedCache, Capacity: 1000), memoized_flush_number());
    roomy!(million: memoize::memoize(SharedCache, Capacity: 1_000_000), memoized_flush_number());
    fibonacci!(memoize::memoize(SharedCache));

    pub(crate) fn clear() {
        memoized_flush_fibonacci();
    }
}
