//! Attribute macros above and below `#[lru_cache]`: both decorate the body, so both run on misses.

use std::cell::RefCell;

use decorators::note;
use functools::lru_cache;

thread_local!(static NOTED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) });

fn noted(name: &'static str) {
    NOTED.with_borrow_mut(|names| names.push(name));
}

#[test]
fn a_decorator_below_runs_on_misses_under_the_functions_name() {
    #[lru_cache]
    #[note]
    fn square(n: u64) -> u64 {
        n * n
    }

    assert_eq!((square(3), square(3), square(4)), (9, 9, 16));
    assert_eq!(NOTED.take(), ["square", "square"]);
    assert_eq!((square::wrapped(3), square::cache_refresh(4)), (9, 16));
    assert_eq!(NOTED.take(), ["square", "square"]);
}

#[test]
fn a_decorator_below_leaves_recursion_to_the_cache() {
    #[lru_cache(maxsize = None)]
    #[note]
    fn fibonacci(n: u64) -> u64 {
        if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
    }

    assert_eq!(fibonacci(30), 832_040);
    assert_eq!(NOTED.take(), ["fibonacci"; 31]);
}

#[test]
fn a_decorator_above_runs_on_misses_too() {
    #[note]
    #[lru_cache]
    fn cube(n: u64) -> u64 {
        n * n * n
    }

    assert_eq!((cube(3), cube(3)), (27, 27));
    assert_eq!(NOTED.take(), ["cube"]);
}

#[test]
fn what_is_to_run_at_every_call_goes_around_the_cached_function() {
    #[note]
    fn half(n: u64) -> u64 {
        #[lru_cache]
        fn cached(n: u64) -> u64 {
            n / 2
        }
        cached(n)
    }

    assert_eq!((half(8), half(8)), (4, 4));
    assert_eq!(NOTED.take(), ["half", "half"]);
}

#[test]
fn a_decorated_function_may_be_named_like_an_accessor() {
    #[lru_cache]
    #[note]
    fn wrapped(n: u64) -> u64 {
        n + 1
    }

    assert_eq!((wrapped(1), wrapped(1), wrapped::wrapped(1)), (2, 2, 2));
    assert_eq!(NOTED.take(), ["wrapped", "wrapped"]);
}

#[test]
fn what_a_condition_adds_goes_where_each_belongs() {
    #[lru_cache]
    #[cfg_attr(all(), must_use = "it is the answer", note, expect(unused_mut))]
    #[cfg_attr(any(), note)]
    fn answer(mut n: u64) -> u64 {
        n + 1
    }

    assert_eq!((answer(1), answer(1)), (2, 2));
    assert_eq!(NOTED.take(), ["answer"]);
}
