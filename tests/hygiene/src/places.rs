//! Functions defined elsewhere than at the top of a module.

#![allow(clippy::must_use_candidate, reason = "the functions are kept plain")]

use functools::{CacheInfo, cache, lru_cache};

/// Has a memoized function in its body, which has another in its body.
pub fn nested(n: u32) -> (u32, CacheInfo, CacheInfo) {
    #[cache]
    fn outer(n: u32) -> u32 {
        #[lru_cache(maxsize = 3)]
        fn outer_info(n: u32) -> u32 {
            n + 1
        }
        outer_info(n) + outer_info(n)
    }

    #[lru_cache]
    fn inner(n: u32) -> Option<u32> {
        #[cache]
        fn inner(n: u32) -> u32 {
            n + 1
        }
        inner(n).checked_add(inner(n))
    }

    let sum = outer(n) + outer(n) + inner(n).unwrap_or_default() + inner(n).unwrap_or_default();
    (sum, outer::cache_info(), inner::cache_info())
}

/// A function from the block of a constant.
pub const LENGTH: fn(&str) -> usize = {
    #[cache]
    fn length(text: &str) -> usize {
        HITS_BEFORE_CALL + text.len()
    }
    const HITS_BEFORE_CALL: usize = 0;
    length
};

/// A function and its `cache_info`.
type WithInfo<N> = (fn(N) -> N, fn() -> CacheInfo);

/// A function from the block of a static, with its `cache_info`.
pub static SQUARE: WithInfo<u64> = {
    #[cache]
    fn square(n: u64) -> u64 {
        n * n
    }
    (square, square::cache_info)
};

const _: () = {
    /// Is never called.
    #[cache]
    fn unseen(n: u32) -> u32 {
        n
    }
    let _: fn(u32) -> u32 = unseen;
};

/// Calls a function defined in a `const` block.
pub fn in_const_block(n: u32) -> (u32, CacheInfo) {
    let (call, info): WithInfo<u32> = const {
        #[cache]
        fn half(n: u32) -> u32 {
            n / 2
        }
        (half, half::cache_info)
    };
    (call(n) + call(n), info())
}

/// A type whose methods define functions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counter;

impl Counter {
    /// Defines a function in its body, which does not use `Self`.
    #[must_use]
    pub fn count(self, n: u32) -> (u32, CacheInfo) {
        #[cache]
        fn count(n: u32) -> u32 {
            n + 1
        }
        (count(n) + count(n), count::cache_info())
    }
}

/// A trait with a provided method that defines a function.
pub trait Counting {
    /// Defines a function in its body.
    fn counted(&self, n: u32) -> (u32, CacheInfo) {
        #[cache]
        fn count(n: u32) -> u32 {
            n + 1
        }
        (count(n) + count(n), count::cache_info())
    }
}

impl<T> Counting for T {}

/// Defines functions in a closure and in a match arm.
pub fn in_blocks(n: u32) -> u64 {
    let in_closure = |n: u32| {
        #[cache]
        fn f(n: u32) -> u32 {
            n + 1
        }
        let _ = f(n) + f(n);
        f::cache_info().hits
    };
    let in_arm = match n {
        0 => 0,
        1 => 1,
        _ => {
            #[cache]
            fn f(n: u32) -> u32 {
                n + 2
            }
            let _ = f(n) + f(n);
            f::cache_info().hits
        }
    };
    in_closure(n) + in_arm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cache]
    fn of_the_tests(n: u32) -> u32 {
        n + 1
    }

    /// Functions with every visibility possible inside a module.
    mod visible {
        use functools::cache;

        #[cache]
        pub(super) fn near(n: u32) -> u32 {
            n + own(n)
        }

        #[cache]
        pub(in crate::places) fn inside(n: u32) -> u32 {
            n + own(n)
        }

        #[cache]
        fn own(n: u32) -> u32 {
            n + 1
        }
    }
    use visible::{inside, near};

    #[test]
    fn all_are_cached() {
        #[cache]
        fn of_this_test(n: u32) -> u32 {
            n + 1
        }
        assert_cached!(of_the_tests(1));
        assert_cached!(of_this_test(1));
        assert_cached!(near(1));
        assert_cached!(inside(2));
    }

    #[test]
    fn inner_functions_are_cached() {
        let (sum, outer, inner) = nested(1);
        assert_eq!((sum, outer.hits, inner.hits), (16, 1, 1));
        let (_, info) = in_const_block(4);
        assert_eq!((info.hits, info.misses), (1, 1));
        let (_, info) = Counter.count(4);
        assert_eq!((info.hits, info.misses), (1, 1));
        let (_, info) = 'a'.counted(4);
        assert_eq!((info.hits, info.misses), (1, 1));
        assert_eq!(in_blocks(2), 2);
        assert_eq!((LENGTH("text"), LENGTH("text")), (4, 4));
        let (square, info) = SQUARE;
        assert_eq!((square(4), square(4), info().hits), (16, 16, 1));
    }
}
