//! Many threads, and a budget that changes meanwhile.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use functools::{KIB, budget, budget_report, lru_cache};

use crate::support::{Keys, Program, took};

#[lru_cache(maxsize = 1000 * KIB, weight = bytes)]
fn small(n: u64) -> Vec<u8> {
    took(1000 + n);
    vec![1; 200]
}

#[lru_cache(maxsize = 300 * KIB, weight = bytes, shards = 4)]
fn sharded(n: u64) -> Vec<u8> {
    took(20_000 + n);
    vec![1; 1000]
}

#[lru_cache(maxsize = None, weight = bytes, on_evict = |key, value, _| {
    assert_eq!(value.len(), 2000);
    // Another function of the budget.
    _ = small(*key);
})]
fn large(n: u64) -> Vec<u8> {
    took(5000 + n);
    // Nested calls.
    _ = (small(n), sharded(n));
    vec![1; 2000]
}

/// A key whose comparison calls a function of the budget, under the lock of its cache.
#[derive(Clone)]
struct Calling(u64);

impl std::hash::Hash for Calling {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Calling {
    fn eq(&self, other: &Self) -> bool {
        assert_eq!(small(self.0).len(), 200);
        self.0 == other.0
    }
}

impl Eq for Calling {}

impl functools::HeapSize for Calling {
    fn heap_size(&self) -> usize {
        0
    }
}

#[lru_cache(maxsize = None, weight = bytes)]
fn nested(key: Calling) -> Vec<u8> {
    took(key.0);
    vec![1; 500]
}

/// The share of all functions, read at one time.
fn sum() -> usize {
    budget_report().functions().iter().map(functools::BudgetShare::share).sum()
}

#[test]
fn the_sum_holds_whatever_threads_do() {
    const LARGEST: usize = 1000 * KIB;
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let _program = Program::with_budget(LARGEST);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let callers: Vec<_> = (0..4_u64)
                .map(|number| {
                    scope.spawn(move || {
                        let mut keys = Keys::new();
                        (0..number * 1000).for_each(|_| _ = keys.below(2));
                        for call in 0..2000 {
                            let n = keys.below(if call < 1000 { 300 } else { 3000 });
                            match keys.below(5) {
                                0 => drop(small(n)),
                                1 => drop(sharded(n)),
                                2 => drop(large(n)),
                                3 => drop(nested(Calling(n))),
                                _ => drop((small(n), large::cache_info())),
                            }
                            if call % 500 == 0 {
                                large::cache_clear();
                            }
                            if call % 700 == 0 {
                                small::cache_resize(100 * KIB + usize::try_from(n).unwrap() * KIB);
                            }
                        }
                    })
                })
                .collect();
            let is_over = &is_over;
            scope.spawn(move || {
                let mut keys = Keys::new();
                for _ in (0..60).take_while(|_| !is_over.load(Relaxed)) {
                    // A budget that is lowered holds when the call returns.
                    let total = LARGEST - usize::try_from(keys.below(500)).unwrap() * KIB;
                    budget(total);
                    assert!(sum() <= total, "{}", budget_report());
                    thread::yield_now();
                }
            });
            for caller in callers {
                caller.join().unwrap();
            }
            is_over.store(true, Relaxed);
        });
        budget(300 * KIB);
        let infos = [small::cache_info(), sharded::cache_info(), large::cache_info(), nested::cache_info()];
        assert!(infos.iter().map(|info| info.currsize).sum::<usize>() <= 300 * KIB, "{infos:?}");
        assert!(infos.iter().map(|info| info.maxsize.unwrap()).sum::<usize>() <= 300 * KIB, "{infos:?}");
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(240)).expect("the threads end, and none has panicked");
}
