//! Deadlock avoidance: a call that would wait for a computation of its own thread or task computes the value
//! itself.

use std::cell::Cell;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use functools::{LruCache, Tagged, lru_cache};

use crate::support::{Gate, Hand, finishes, on_tokio, tally, wait_until};

#[lru_cache(maxsize = None, single_flight = true)]
fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

#[lru_cache(maxsize = None)]
async fn fib_async(n: u64) -> u64 {
    if n < 2 { n } else { boxed(n - 1).await + boxed(n - 2).await }
}

fn boxed(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(fib_async(n))
}

#[test]
fn fibonacci() {
    finishes(|| {
        assert_eq!(fib(60), 1_548_008_755_920);
        assert_eq!(tally(fib::cache_info()), (58, 61, 61));
        assert_eq!(on_tokio(fib_async(60)), 1_548_008_755_920);
        assert_eq!(tally(fib_async::cache_info()), (58, 61, 61));
        fib::cache_clear();
        let threads: Vec<_> = (0..4).map(|n| thread::spawn(move || fib(80 + n))).collect();
        assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).max(), Some(fib(83)));
        assert_eq!(fib::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn the_same_key_again_is_computed_through() {
    thread_local!(static DEPTH: Cell<u64> = const { Cell::new(0) });

    #[lru_cache(single_flight = true)]
    fn again(n: u64) -> u64 {
        DEPTH.set(DEPTH.get() + 1);
        if DEPTH.get() < 3 { again(n) + 1 } else { n }
    }

    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[lru_cache]
    async fn again_async(n: u64) -> u64 {
        tokio::task::yield_now().await;
        if RUNS.fetch_add(1, SeqCst) < 2 { Box::pin(again_async(n)).await + 1 } else { n }
    }

    finishes(|| {
        assert_eq!(again(5), 7);
        assert_eq!(again::cache_info().misses, 3);
        let dynamic: Pin<Box<dyn Future<Output = u64>>> = Box::pin(again_async(5));
        assert_eq!(on_tokio(dynamic), 7);
        assert_eq!(again_async::cache_info().misses, 3);
        assert_eq!((again::__memo().in_flight(), again_async::__memo().in_flight()), ((0, 0), (0, 0)));
    });
}

#[test]
fn a_cycle_over_two_threads_ends_in_an_answer() {
    static BOTH: Barrier = Barrier::new(2);
    static RUNS: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

    #[lru_cache(single_flight = true)]
    fn cycle(key: usize) -> usize {
        if RUNS[key].fetch_add(1, SeqCst) > 0 {
            return key;
        }
        BOTH.wait();
        cycle(1 - key) + 10
    }

    finishes(|| {
        let threads = [0, 1].map(|key| thread::spawn(move || cycle(key)));
        let answers = threads.map(|thread| thread.join().unwrap());
        // One of the two computes the other's value itself.
        assert!(answers.contains(&10) || answers.contains(&11), "{answers:?}");
        assert_eq!(cycle::__memo().in_flight(), (0, 0));
    });
}

static SHARED: LruCache<Tagged<usize>, usize> = LruCache::new(Some(8));

#[test]
fn a_cycle_over_three_functions_and_tasks_ends_in_an_answer() {
    static GATE: Gate = Gate::new();
    static RUNS: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

    type Answer = Pin<Box<dyn Future<Output = usize> + Send>>;

    fn boxed(number: usize) -> Answer {
        match number {
            0 => Box::pin(one(7)),
            1 => Box::pin(two(7)),
            _ => Box::pin(three(7)),
        }
    }

    async fn step(number: usize) -> usize {
        if RUNS[number].fetch_add(1, SeqCst) > 0 {
            return number;
        }
        GATE.pass().await;
        boxed((number + 1) % 3).await + 10
    }

    #[lru_cache]
    async fn one(_key: usize) -> usize {
        step(0).await
    }

    #[lru_cache(cache = SHARED)]
    async fn two(_key: usize) -> usize {
        step(1).await
    }

    #[lru_cache(maxsize = None)]
    async fn three(_key: usize) -> usize {
        step(2).await
    }

    finishes(|| {
        let calls = [0, 1, 2].map(boxed);
        let mut calls = calls.map(Hand::begun);
        GATE.open(3);
        let [first, second, third] = &mut calls;
        assert_eq!((first.poll(), second.poll()), (None, None));
        // The third call closes the cycle: it computes `one` itself, which returns at once.
        assert_eq!(third.poll(), Some(10));
        assert_eq!((second.poll(), first.poll()), (Some(20), Some(30)));
        on_tokio(async {
            for _ in 0..50 {
                for runs in &RUNS {
                    runs.store(0, SeqCst);
                }
                one::cache_clear();
                two::cache_clear();
                three::cache_clear();
                GATE.open(3);
                let tasks = [tokio::spawn(one(7)), tokio::spawn(two(7)), tokio::spawn(three(7))];
                for task in tasks {
                    assert!(task.await.unwrap() <= 40);
                }
                GATE.drain();
            }
        });
        assert_eq!(one::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn two_calls_of_one_body_for_one_key_share() {
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[lru_cache]
    async fn inner(n: u64) -> u64 {
        tokio::task::yield_now().await;
        RUNS.fetch_add(1, SeqCst);
        n
    }

    #[lru_cache]
    async fn outer(n: u64) -> u64 {
        let (one, other) = tokio::join!(inner(n), inner(n));
        one + other
    }

    finishes(|| {
        assert_eq!(on_tokio(async { tokio::join!(outer(1), outer(1)) }), (2, 2));
        assert_eq!(RUNS.load(SeqCst), 1);
        assert_eq!(tally(inner::cache_info()), (1, 1, 1));
    });
}

#[test]
fn a_clone_that_calls_back_while_its_result_comes_in_is_answered() {
    static ASKS: AtomicU64 = AtomicU64::new(0);

    #[derive(PartialEq, Debug)]
    struct Curious(u64);

    impl Clone for Curious {
        fn clone(&self) -> Self {
            if ASKS.fetch_add(1, SeqCst) == 0 {
                assert_eq!(make(self.0).0, self.0);
            }
            Self(self.0)
        }
    }

    #[lru_cache(single_flight = true)]
    fn make(n: u64) -> Curious {
        Curious(n)
    }

    finishes(|| {
        assert_eq!(make(4), Curious(4));
        assert_eq!((make::cache_info().misses, make::__memo(&()).in_flight()), (2, (0, 0)));
    });
}

#[test]
fn an_eq_that_calls_back_under_the_lock_does_not_wait() {
    static LEADS: AtomicU64 = AtomicU64::new(0);
    static ASKED: AtomicU64 = AtomicU64::new(0);

    #[derive(Clone, Debug)]
    struct Key(u64);

    impl Hash for Key {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    impl PartialEq for Key {
        fn eq(&self, other: &Self) -> bool {
            if self.0 == 1 && ASKED.load(SeqCst) == 1 {
                ASKED.store(2, SeqCst);
                assert_eq!(number(Key(2)), 2);
                ASKED.store(3, SeqCst);
            }
            self.0 == other.0
        }
    }

    impl Eq for Key {}

    #[lru_cache(single_flight = true)]
    fn number(key: Key) -> u64 {
        if key.0 == 2 && LEADS.fetch_add(1, SeqCst) == 0 {
            wait_until(|| ASKED.load(SeqCst) == 3);
        }
        key.0
    }

    finishes(|| {
        assert_eq!(number(Key(1)), 1);
        let leader = thread::spawn(|| number(Key(2)));
        wait_until(|| LEADS.load(SeqCst) == 1);
        ASKED.store(1, SeqCst);
        assert_eq!(number(Key(1)), 1);
        assert_eq!((leader.join().unwrap(), LEADS.load(SeqCst)), (2, 2));
    });
}

#[test]
fn what_a_leader_s_destructors_call_when_it_is_dropped_is_computed_through() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static ANSWERED: AtomicU64 = AtomicU64::new(0);

    struct Caller;

    impl Drop for Caller {
        fn drop(&mut self) {
            let answer: Pin<Box<dyn Future<Output = u64> + Send>> = Box::pin(read(1));
            ANSWERED.store(Hand::new(answer).poll().unwrap_or(0), SeqCst);
        }
    }

    #[lru_cache]
    async fn read(key: u64) -> u64 {
        if RUNS.fetch_add(1, SeqCst) == 0 {
            let _caller = Caller;
            std::future::pending::<()>().await;
        }
        key + 10
    }

    finishes(|| {
        drop(Hand::begun(read(1)));
        assert_eq!((ANSWERED.load(SeqCst), RUNS.load(SeqCst)), (11, 2));
        assert_eq!(read::__memo().in_flight(), (0, 0));
    });
}
