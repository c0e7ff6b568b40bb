//! Options whose values come from `macro_rules`.

use std::cell::Cell;

use functools::{RemovalCause, lru_cache};

use crate::support::counts;

thread_local! {
    static SECONDS: Cell<u64> = const { Cell::new(0) };
    static EVICTED: Cell<u32> = const { Cell::new(0) };
}

fn now() -> u64 {
    SECONDS.get()
}

fn evicted(_: &u32, _: &u32, _: RemovalCause) {
    EVICTED.set(EVICTED.get() + 1);
}

macro_rules! with_expressions {
    ($name:ident, $maxsize:expr, $key:expr, $weight:expr, $policy:ident) => {
        #[lru_cache(maxsize = $maxsize, key = $key, weight = $weight, policy = $policy)]
        fn $name(n: u32, other: u32) -> u32 {
            n + other
        }
    };
}

with_expressions!(keyed, 4, |n, _| n / 10, |_, _, value| *value as usize / 10, fifo);

macro_rules! with_paths {
    ($timer:expr, $listener:path, $bound:literal, $truth:literal) => {
        #[lru_cache($bound, timer = $timer, ttl = 5, on_evict = $listener, single_flight = $truth)]
        fn timed(n: u32) -> u32 {
            n + 1
        }

        #[lru_cache(ttu = |_, _, now| now + 2, timer = $timer, typed = $truth, cache_errors = $truth)]
        fn until(n: u32) -> Result<u32, u32> {
            Err(n)
        }
    };
}

with_paths!(now, evicted, 1, true);

macro_rules! with_until {
    ($ttu:expr, $timer:expr, $bound:expr) => {
        #[lru_cache(maxsize = $bound, ttu = $ttu, timer = $timer)]
        fn until_then(n: u32) -> u32 {
            n
        }
    };
}

with_until!(|_, value, now| now + u64::from(*value), now, None);

macro_rules! with_key_parts {
    ($param:ident, $what:expr, $skip:ident) => {
        #[lru_cache]
        fn part(#[key($what)] $param: u32, #[key($skip)] rest: u32) -> u32 {
            $param / 10 + rest
        }
    };
}

with_key_parts!(n, n / 10, skip);

macro_rules! precedence {
    ($n:expr) => {
        #[lru_cache(maxsize = $n * 2)]
        fn twice(n: u32) -> u32 {
            n
        }
    };
}

precedence!(1 + 2);

macro_rules! precedence_in_closures {
    ($n:expr) => {
        #[lru_cache(key = |n| { n / $n })]
        fn in_closure(n: u32) -> u32 {
            n
        }
    };
}

precedence_in_closures!(2 + 3);

#[test]
fn values_of_options_may_come_from_a_macro() {
    assert_eq!((keyed(10, 5), keyed(12, 7)), (15, 15));
    assert_eq!(counts(keyed::cache_info()), (1, 1, 1));
    assert_eq!((timed(1), timed(1), timed(2)), (2, 2, 3));
    assert_eq!((counts(timed::cache_info()), EVICTED.get()), ((1, 2, 1), 1));
    assert_eq!((until(3), until(3)), (Err(3), Err(3)));
    assert_eq!(counts(until::cache_info()), (1, 1, 1));
    assert_eq!((until_then(3), until_then(3)), (3, 3));
    assert_eq!((part(10, 1), part(19, 2)), (2, 2));
    assert_eq!(twice(1), 1);
    assert_eq!((in_closure(5), in_closure(9)), (5, 5));
    assert_eq!(twice::cache_parameters().maxsize, Some(6));
}
