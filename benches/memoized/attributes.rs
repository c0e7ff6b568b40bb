//! Functions under the attributes of `functools`, `cached` and `memoize`.

/// Five functions under an attribute, in a module of that name. The type of a text is handed on as
/// single tokens: `cached` does not recognise a reference in a fragment.
macro_rules! functions {
    ($mode:ident: ($($text:tt)+), $attribute:meta) => {
        pub(crate) mod $mode {
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
            pub(crate) fn string(n: u64) -> String {
                body::string(n)
            }
        }
    };
}

/// The plain recursion under an attribute.
macro_rules! fibonacci {
    ($attribute:meta) => {
        #[$attribute]
        pub(crate) fn fibonacci(n: u64) -> u64 {
            if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
        }
    };
}

pub(crate) mod functools {
    functions!(bounded: (&str), functools::lru_cache(maxsize = 128));
    functions!(unbounded: (&str), functools::cache);
    functions!(disabled: (&str), functools::lru_cache(maxsize = 0));
    fibonacci!(functools::cache);

    pub(crate) fn clear() {
        fibonacci::cache_clear();
    }
}

pub(crate) mod cached {
    use cached::Cached;

    functions!(bounded: (&str), cached::macros::cached(max_size = 128));
    functions!(unbounded: (&str), cached::macros::cached);
    fibonacci!(cached::macros::cached);

    pub(crate) fn clear() {
        FIBONACCI.write().cache_clear();
    }
}

pub(crate) mod concurrent {
    functions!(bounded: (&str), cached::macros::concurrent_cached(max_size = 128));
    functions!(roomy: (&str), cached::macros::concurrent_cached(max_size = 1024));
    functions!(unbounded: (&str), cached::macros::concurrent_cached);
    fibonacci!(cached::macros::concurrent_cached);

    pub(crate) fn clear() {
        FIBONACCI.clear();
    }
}

#[expect(dead_code, reason = "the attribute adds functions that nobody calls here")]
pub(crate) mod memoize {
    functions!(bounded: (String), memoize::memoize(Capacity: 128));
    functions!(unbounded: (String), memoize::memoize);
    functions!(disabled: (String), memoize::memoize(Capacity: 0));
    fibonacci!(memoize::memoize);

    pub(crate) fn clear() {
        memoized_flush_fibonacci();
    }
}

#[expect(dead_code, reason = "the attribute adds functions that nobody calls here")]
pub(crate) mod memoize_shared {
    functions!(bounded: (String), memoize::memoize(SharedCache, Capacity: 128));
    functions!(unbounded: (String), memoize::memoize(SharedCache));
    functions!(disabled: (String), memoize::memoize(SharedCache, Capacity: 0));
    fibonacci!(memoize::memoize(SharedCache));

    pub(crate) fn clear() {
        memoized_flush_fibonacci();
    }
}
