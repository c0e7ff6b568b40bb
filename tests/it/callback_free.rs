//! Callback-free functions: arguments and results are standard library types, so no user code runs under the
//! lock of the cache.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use functools::{cache, lru_cache};

use crate::support::finishes;

#[test]
fn the_test_of_a_retain_may_call_back() {
    #[lru_cache(maxsize = 8)]
    fn square(n: u64) -> u64 {
        n * n
    }

    finishes(|| {
        (0..6).for_each(|n| _ = square(n));
        let mut visited = 0;
        square::cache_retain(|&n, &value| {
            visited += 1;
            assert_eq!((square(n), square::cache_peek(n)), (value, Some(value)));
            square::cache_put(100 + n, 0);
            square::cache_invalidate(100 + n);
            square::cache_info().currsize == 6 && n % 2 == 0
        });
        assert_eq!(visited, 6);
        assert_eq!(square::cache_info().currsize, 1, "currsize was 6 only when the first entry was visited");
        assert!(square::cache_contains(0));
    });
}

#[test]
fn what_the_test_of_a_retain_clears_is_not_asked_for_any_more() {
    #[cache]
    fn length(text: &str) -> usize {
        text.len()
    }

    finishes(|| {
        for text in ["a", "b", "c"] {
            length(text);
        }
        let mut visited = 0;
        length::cache_retain(|_, _| {
            visited += 1;
            length::cache_clear();
            true
        });
        assert_eq!((visited, length::cache_info().currsize), (1, 0));
    });
}

#[test]
fn what_was_being_computed_during_a_retain_is_not_stored() {
    thread_local! {
        static SOURCE: Cell<u64> = const { Cell::new(1) };
    }

    #[lru_cache(maxsize = 8)]
    fn read(key: u64) -> u64 {
        let value = SOURCE.get();
        if key == 7 {
            SOURCE.set(2);
            read::cache_retain(|&key, _| key != 7);
        }
        value
    }

    assert_eq!(read(7), 1);
    assert!(!read::cache_contains(7), "the result was computed before the change");
}

#[test]
fn a_users_type_by_the_name_of_a_plain_one_may_call_back() {
    mod own {
        #[derive(Clone, Debug)]
        pub(super) struct String(pub(super) &'static str);

        impl PartialEq for String {
            fn eq(&self, other: &Self) -> bool {
                super::LOOKS.fetch_add(1, super::SeqCst);
                super::called_back();
                self.0 == other.0
            }
        }

        impl Eq for String {}

        impl std::hash::Hash for String {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }
    }
    use own::String;

    #[lru_cache(maxsize = 4)]
    fn length(text: &String) -> usize {
        text.0.len()
    }

    CALL_BACK.with(|call| call.set(Some(|| _ = length::cache_info())));
    let text = String("four");
    assert_eq!((length(&text), length(&text)), (4, 4));
    CALL_BACK.with(|call| call.set(None));
    assert_eq!(length::cache_info().hits, 1);
    assert!(LOOKS.load(SeqCst) > 0);
}

static LOOKS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static CALL_BACK: Cell<Option<fn()>> = const { Cell::new(None) };
}

fn called_back() {
    if let Some(call) = CALL_BACK.get() {
        call();
    }
}

#[test]
fn an_unbounded_cache_counts_the_hits_of_all_threads_and_serves_nothing_that_was_cleared() {
    static VERSION: AtomicU64 = AtomicU64::new(0);

    #[cache]
    fn versioned(key: u64) -> (u64, u64) {
        (key, VERSION.load(SeqCst))
    }

    finishes(|| {
        const CALLS: u64 = 20_000;
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..CALLS).for_each(|n| _ = versioned(n % 16)));
            }
        });
        let info = versioned::cache_info();
        assert_eq!((info.hits + info.misses, info.currsize), (4 * CALLS, 16));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for n in 0..CALLS {
                        let settled = VERSION.load(SeqCst).saturating_sub(1);
                        let (key, version) = versioned(n % 16);
                        assert!(key == n % 16 && version >= settled, "{version} of {settled}");
                    }
                });
            }
            scope.spawn(|| {
                for _ in 0..200 {
                    VERSION.fetch_add(1, SeqCst);
                    versioned::cache_clear();
                }
            });
        });
    });
}

#[test]
fn a_result_in_an_arc_is_the_same_one() {
    #[derive(Debug)]
    struct Own;

    #[cache]
    fn made(_: u8) -> Arc<Own> {
        Arc::new(Own)
    }

    assert!(Arc::ptr_eq(&made(1), &made(1)));
}

#[test]
fn an_unbounded_cache_may_take_the_lock_for_each_hit() {
    #[cache(lock_free = false)]
    fn square(n: u64) -> u64 {
        n * n
    }

    assert_eq!((square(3), square(3), square(4)), (9, 9, 16));
    let info = square::cache_info();
    assert_eq!((info.hits, info.misses), (1, 2));
}
