//! Separate caches for the thread of a test: `functools::isolated`, with the feature `testing`.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;

use functools::{CacheInfo, cache, isolated, lru_cache};

/// Called by all tests here, so without isolation its counters would depend on the order of the tests.
#[lru_cache(maxsize = 2)]
fn square(n: u64) -> u64 {
    n * n
}

#[cache]
fn factorial(n: u64) -> u64 {
    if n < 2 { 1 } else { n * factorial(n - 1) }
}

#[lru_cache(maxsize = 0)]
fn counted(n: u64) -> u64 {
    n
}

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

#[test]
fn every_memoized_function_is_fresh() {
    _ = (square(1), factorial(5), counted(1));
    isolated(|| {
        for info in [square::cache_info(), factorial::cache_info(), counted::cache_info()] {
            assert_eq!(counts(info), (0, 0, 0));
        }
        _ = (square(1), square(1), factorial(5), counted(1));
        assert_eq!(counts(square::cache_info()), (1, 1, 1));
        assert_eq!(counts(factorial::cache_info()), (0, 5, 5));
        assert_eq!(counts(counted::cache_info()), (0, 1, 0));
    });
}

#[test]
fn so_are_those_of_a_thread_and_those_in_parts() {
    #[lru_cache(scope = thread)]
    fn own(n: u64) -> u64 {
        n
    }
    #[lru_cache(maxsize = 64, shards = 4)]
    fn parts(n: u64) -> u64 {
        n
    }
    _ = (own(1), parts(1));
    isolated(|| {
        assert_eq!((counts(own::cache_info()), counts(parts::cache_info())), ((0, 0, 0), (0, 0, 0)));
        for n in [1, 2, 3, 1] {
            _ = (own(n), parts(n));
        }
        isolated(|| assert_eq!((own(1), parts(1), counts(own::cache_info())), (1, 1, (0, 1, 1))));
        assert_eq!((counts(own::cache_info()), counts(parts::cache_info())), ((1, 3, 3), (1, 3, 3)));
        assert_eq!(parts::cache_info().maxsize, Some(64));
        // Other threads are not isolated.
        let elsewhere = || (counts(own::cache_info()), counts(parts::cache_info()));
        assert_eq!(thread::spawn(elsewhere).join().unwrap(), ((0, 0, 0), (0, 1, 1)));
        own::cache_clear();
        parts::cache_clear();
        assert_eq!((counts(own::cache_info()), counts(parts::cache_info())), ((0, 0, 0), (0, 0, 0)));
    });
    assert_eq!((counts(own::cache_info()), counts(parts::cache_info())), ((0, 1, 1), (0, 1, 1)));
}

#[test]
fn all_that_can_be_asked_speaks_of_the_same_cache() {
    isolated(|| {
        square::cache_put(3, 10);
        assert_eq!((square(3), square::cache_peek(3), square::cache_refresh(3)), (10, Some(10), 9));
        assert!(square::cache_contains(3) && square::cache_invalidate(3) && !square::cache_contains(3));
        _ = (square(1), square(2), square(3));
        assert_eq!(square::cache_info().currsize, 2);
        assert_eq!(square::cache_parameters().maxsize, Some(2));
        square::cache_clear();
        assert_eq!(counts(square::cache_info()), (0, 0, 0));
    });
}

#[test]
fn isolations_nest_and_end_in_a_panic_too() {
    isolated(|| {
        square(1);
        isolated(|| assert!(!square::cache_contains(1)));
        assert!(square::cache_contains(1));
        let panicked = catch_unwind(|| {
            isolated(|| {
                square(2);
                std::panic::resume_unwind(Box::new("on purpose"));
            });
        });
        assert!(panicked.is_err());
        assert!(square::cache_contains(1) && !square::cache_contains(2));
    });
}

#[test]
fn threads_do_not_see_each_others() {
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for n in 0..4 {
            let barrier = &barrier;
            scope.spawn(move || {
                isolated(|| {
                    factorial(n + 1);
                    barrier.wait();
                    assert_eq!(factorial::cache_info().currsize, usize::try_from(n).unwrap() + 1);
                });
            });
        }
    });
}

#[test]
fn a_destructor_may_call_what_was_isolated() {
    #[derive(Clone)]
    struct Caller;

    impl Drop for Caller {
        fn drop(&mut self) {
            square(7);
        }
    }

    #[cache]
    fn caller() -> Caller {
        Caller
    }

    isolated(|| drop(caller()));
    assert_eq!(square(7), 49);
}

#[test]
fn what_destructors_call_at_the_end_is_isolated_as_well() {
    #[cache]
    fn logged(n: u64) -> u64 {
        n
    }

    #[derive(Clone)]
    struct Logging;

    impl Drop for Logging {
        fn drop(&mut self) {
            logged(7);
        }
    }

    #[cache]
    fn logging() -> Logging {
        Logging
    }

    isolated(|| {
        isolated(|| drop(logging()));
        assert_eq!(counts(logged::cache_info()), (0, 0, 0));
    });
    assert_eq!(counts(logged::cache_info()), (0, 0, 0));
}

#[test]
fn a_panicking_destructor_at_the_end_loses_no_other_value() {
    static LIVE: AtomicUsize = AtomicUsize::new(0);
    static ARMED: AtomicBool = AtomicBool::new(false);

    struct Counted(bool);

    impl Counted {
        fn new(panics: bool) -> Self {
            LIVE.fetch_add(1, SeqCst);
            Self(panics)
        }
    }

    impl Clone for Counted {
        fn clone(&self) -> Self {
            Self::new(self.0)
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            LIVE.fetch_sub(1, SeqCst);
            if self.0 && ARMED.swap(false, SeqCst) {
                std::panic::resume_unwind(Box::new("on purpose"));
            }
        }
    }

    macro_rules! functions {
        ($($function:ident)*) => {
            $(
                #[cache]
                fn $function() -> Counted {
                    Counted::new(true)
                }
            )*
            const FUNCTIONS: &[fn() -> Counted] = &[$($function),*];
        };
    }
    functions! { one two three four five six seven eight }

    isolated(|| {
        square(1);
        let panicked = catch_unwind(|| {
            isolated(|| {
                for function in FUNCTIONS {
                    drop(function());
                }
                ARMED.store(true, SeqCst);
            });
        });
        assert!(panicked.is_err());
        assert_eq!(LIVE.load(SeqCst), 0);
        assert_eq!(counts(square::cache_info()), (0, 1, 1), "the outer caches are in use again");
    });
}

#[lru_cache]
async fn load(n: u64) -> u64 {
    tokio::task::yield_now().await;
    n
}

/// Calls one function twice: a miss and a hit.
async fn loads() -> (u64, u64, usize) {
    load(1).await;
    tokio::task::yield_now().await;
    load(1).await;
    counts(load::cache_info())
}

#[tokio::test]
async fn futures_are_isolated_at_every_poll() {
    load(1).await;
    assert_eq!(isolated(async { loads().await }).await, (1, 1, 1));
    assert_eq!(isolated(loads()).await, (1, 1, 1));
    assert_eq!(isolated(async || loads().await).await, (1, 1, 1));
    assert_eq!(isolated(|| async { loads().await }).await, (1, 1, 1));
    assert_eq!(isolated(loads).await, (1, 1, 1));
    let (text, calls) = (String::from("moved"), Cell::new(0));
    let length = isolated(async || {
        calls.set(calls.get() + loads().await.1);
        text.len()
    });
    assert_eq!((length.await, calls.get()), (5, 1));
    assert!(isolated(async move || loads().await.1 == 1 && text == "moved").await);
}

#[test]
fn a_closure_that_returns_a_future_is_isolated_itself_too() {
    square(3);
    let future = isolated(|| {
        assert_eq!(counts(square::cache_info()), (0, 0, 0));
        square(3);
        async { counts(square::cache_info()) }
    });
    assert!(square::cache_info().misses > 0);
    assert_eq!(completed(future), (0, 1, 1));
}

/// Polls a future that is ready.
fn completed<F: Future>(future: F) -> F::Output {
    match polled(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is ready"),
    }
}

fn polled<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Is pending once.
async fn paused() {
    let mut is_over = false;
    poll_fn(|_| if std::mem::replace(&mut is_over, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[test]
fn futures_that_run_by_turns_do_not_see_each_others() {
    #[cache]
    fn shared(n: u64) -> u64 {
        n
    }
    let task = async |n| {
        shared(n);
        paused().await;
        shared(n);
        paused().await;
        counts(shared::cache_info())
    };
    let (mut first, mut second) = (pin!(isolated(task(1))), pin!(isolated(task(1))));
    for _ in 0..2 {
        assert!(polled(first.as_mut()).is_pending() && polled(second.as_mut()).is_pending());
        assert_eq!(counts(shared::cache_info()), (0, 0, 0), "the caches of all threads, between the polls");
    }
    assert_eq!((polled(first), polled(second)), (Poll::Ready((1, 1, 1)), Poll::Ready((1, 1, 1))));
}

#[test]
fn isolated_futures_nest_and_end_in_a_panic_too() {
    let inner = async {
        square(2);
        paused().await;
        counts(square::cache_info())
    };
    let outer = async {
        square(1);
        let inner = isolated(inner).await;
        let panics = isolated(async {
            square(2);
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        let mut panics = pin!(panics);
        let panicked = poll_fn(|context| {
            Poll::Ready(catch_unwind(AssertUnwindSafe(|| panics.as_mut().poll(context).is_ready())))
        });
        assert!(panicked.await.is_err());
        assert!(isolated(|| !square::cache_contains(1)));
        (inner, square::cache_contains(1), square::cache_contains(2))
    };
    let mut outer = pin!(isolated(outer));
    assert!(polled(outer.as_mut()).is_pending());
    assert_eq!(polled(outer), Poll::Ready(((0, 1, 1), true, false)));
}

#[test]
fn what_a_dropped_future_calls_is_isolated_as_well() {
    #[cache]
    fn logged(n: u64) -> u64 {
        n
    }

    struct Logging;

    impl Drop for Logging {
        fn drop(&mut self) {
            logged(7);
        }
    }

    let halfway = async {
        let _logging = Logging;
        paused().await;
    };
    {
        let mut halfway = Box::pin(isolated(halfway));
        assert!(polled(halfway.as_mut()).is_pending());
    }
    drop(isolated(async || drop(Logging)));
    completed(isolated(async { drop(Logging) }));
    assert_eq!(counts(logged::cache_info()), (0, 0, 0));
}

#[test]
fn helpers_may_return_what_a_test_returns() {
    fn fresh<R: Unpin>(test: impl FnOnce() -> R) -> R {
        isolated(|| {
            square(1);
            test()
        })
    }
    assert_eq!(fresh(|| counts(square::cache_info())), (0, 1, 1));
    assert_eq!(isolated(|| Box::new(square(3))), Box::new(9));
    isolated(|| ());
    let panicked = catch_unwind(|| isolated(|| std::panic::resume_unwind(Box::new("on purpose"))));
    assert!(panicked.is_err());
}

/// Tests with the feature `registry`.
#[cfg(feature = "registry")]
mod listed {
    use functools::registry::{self, Function};

    use super::*;

    fn listed(path: &str) -> &'static Function {
        registry::functions()
            .find(|function| function.path() == path)
            .expect("the registry lists the function")
    }

    #[lru_cache]
    fn cube(n: u64) -> u64 {
        n * n * n
    }

    #[test]
    fn the_registry_speaks_of_the_caches_of_the_thread() {
        let cubes = listed("isolated::listed::cube");
        _ = (cube(1), cube(1));
        isolated(|| {
            assert_eq!(counts(cubes.info()), (0, 0, 0));
            _ = (cube(1), cube(2));
            assert_eq!((counts(cubes.info()), cubes.info()), ((0, 2, 2), cube::cache_info()));
            registry::clear_all();
            assert!(registry::functions().all(|function| counts(function.info()) == (0, 0, 0)));
        });
        assert_eq!(counts(cubes.info()), (1, 1, 1));
    }
}

#[test]
fn an_isolated_cache_has_the_present_capacity_and_a_resize_in_it_ends_with_it() {
    #[allow(clippy::unnecessary_wraps, reason = "a capacity may be an `Option`")]
    fn size() -> Option<usize> {
        Some(3)
    }
    #[lru_cache(maxsize = size())]
    fn numbers(n: u64) -> u64 {
        n
    }
    #[lru_cache(maxsize = size(), shards = 2)]
    fn texts(n: u64) -> String {
        n.to_string()
    }
    let capacities = || (numbers::cache_info().maxsize, texts::cache_info().maxsize);
    // The first use of all.
    isolated(|| assert_eq!(capacities(), (Some(3), Some(3))));
    numbers::cache_resize(5);
    texts::cache_resize(4);
    isolated(|| {
        assert_eq!(capacities(), (Some(5), Some(4)));
        (0..100).for_each(|n| _ = (numbers(n), texts(n)));
        assert_eq!((numbers::cache_info().currsize, texts::cache_info().currsize), (5, 4));
        numbers::cache_resize(1);
        texts::cache_resize(None);
        assert_eq!(capacities(), (Some(1), None));
    });
    assert_eq!(capacities(), (Some(5), Some(4)));
}
