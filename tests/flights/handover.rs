//! Takeover: leaders that panic, are dropped, or time out.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use functools::lru_cache;
use functools::testing::advance;

use crate::support::{Gate, Hand, alone, finishes, raise, raises, tally, wait_until};

#[test]
fn of_threads_whose_leader_panics_all_go_on_at_once() {
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(single_flight = true)]
    fn second_time(n: u64) -> u64 {
        let run = RUNS.fetch_add(1, SeqCst);
        if run == 0 {
            wait_until(|| second_time::__memo().in_flight() == (1, 7));
            raise();
        }
        wait_until(|| RUNS.load(SeqCst) == 8);
        n
    }

    finishes(|| {
        let callers: Vec<_> =
            (0..8).map(|_| thread::spawn(|| raises(|| assert_eq!(second_time(1), 1)))).collect();
        let raised =
            callers.into_iter().map(|caller| caller.join().unwrap()).filter(|raised| *raised).count();
        assert_eq!((raised, RUNS.load(SeqCst)), (1, 8));
        assert_eq!(tally(second_time::cache_info()), (0, 8, 1));
        assert_eq!(second_time::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn of_a_leader_that_is_dropped_the_first_who_waits_takes_over() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache]
    async fn slow(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        GATE.pass().await;
        n
    }

    finishes(|| {
        let leader = Hand::begun(slow(1));
        let mut followers: Vec<_> = (0..5).map(|_| Hand::begun(slow(1))).collect();
        drop(leader);
        assert_eq!(followers.iter().map(Hand::woken).collect::<Vec<_>>(), [1, 0, 0, 0, 0]);
        // The woken follower is dropped before it is polled.
        drop(followers.remove(0));
        assert_eq!(followers.iter().map(Hand::woken).collect::<Vec<_>>(), [1, 0, 0, 0]);
        assert!(followers[0].poll().is_none());
        assert_eq!(RUNS.load(SeqCst), 2);
        assert_eq!(slow::__memo().in_flight(), (1, 3));
        // Spurious polls of the other followers leave them pending.
        assert!(followers.iter_mut().all(|follower| follower.poll().is_none()));
        GATE.open(1);
        assert!(followers.into_iter().all(|follower| follower.end() == 1));
        assert_eq!((RUNS.load(SeqCst), tally(slow::cache_info())), (2, (3, 2, 1)));
        assert_eq!(slow::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn the_first_follower_takes_over() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache]
    async fn slow(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        GATE.pass().await;
        n
    }

    finishes(|| {
        let leader = Hand::begun(slow(1));
        let called = Hand::begun(slow(1));
        drop(leader);
        let new = Hand::begun(slow(1));
        assert_eq!(RUNS.load(SeqCst), 2);
        GATE.open(1);
        assert_eq!([new.end(), called.end()], [1, 1]);
        assert_eq!(RUNS.load(SeqCst), 2);
    });
}

#[test]
fn when_all_are_dropped_nothing_is_left() {
    static GATE: Gate = Gate::new();

    #[lru_cache]
    async fn slow(n: u64) -> u64 {
        GATE.pass().await;
        n
    }

    finishes(|| {
        let calls: Vec<_> = (0..5).map(|_| Hand::begun(slow(1))).collect();
        drop(calls);
        assert_eq!(slow::__memo().in_flight(), (0, 0));
        let mut calls: Vec<_> = (0..5).map(|_| Hand::begun(slow(1))).collect();
        calls.reverse();
        drop(calls);
        assert_eq!(slow::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn a_leader_that_is_not_polled_is_given_up() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache(maxsize = None, flight_timeout = 5)]
    async fn slow(_key: u64) -> u64 {
        let run = RUNS.fetch_add(1, SeqCst);
        GATE.pass().await;
        run
    }

    alone(|| {
        let hung = Hand::begun(slow(1));
        advance(Duration::from_secs(2));
        let mut followers = [Hand::begun(slow(1)), Hand::begun(slow(1)), Hand::begun(slow(1))];
        advance(Duration::from_secs(2));
        assert!(followers.iter_mut().all(|follower| follower.poll().is_none()));
        advance(Duration::from_secs(1));
        wait_until(|| followers[0].woken() == 1);
        assert_eq!([followers[1].woken(), followers[2].woken()], [0, 0]);
        assert!(followers.iter_mut().all(|follower| follower.poll().is_none()));
        assert_eq!(RUNS.load(SeqCst), 2);
        // The gate opens for the leader, and for its successor.
        GATE.open(2);
        let [first, second, third] = followers;
        assert_eq!([first.end(), second.end(), third.end()], [1, 1, 1]);
        // Its late result replaces nothing.
        assert_eq!((hung.end(), slow::cache_peek(1)), (0, Some(1)));
        assert_eq!(tally(slow::cache_info()), (2, 2, 1));
        assert_eq!(slow::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn a_late_end_while_another_computes_is_of_use_to_later_calls() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static GATES: [Gate; 2] = [const { Gate::new() }; 2];

    #[lru_cache(flight_timeout = 5)]
    async fn slow(_key: u64) -> u64 {
        let run = RUNS.fetch_add(1, SeqCst);
        GATES[usize::try_from(run).unwrap()].pass().await;
        run
    }

    alone(|| {
        let late = Hand::begun(slow(1));
        let mut follower = Hand::begun(slow(1));
        advance(Duration::from_secs(5));
        assert!(follower.poll().is_none());
        let mut third = Hand::begun(slow(1));
        GATES[0].open(1);
        assert_eq!(late.end(), 0);
        assert_eq!(Hand::new(slow(1)).end(), 0);
        assert!(third.poll().is_none(), "it follows the other call");
        assert_eq!(slow::__memo().in_flight(), (1, 1));
        GATES[1].open(1);
        assert_eq!([follower.end(), third.end()], [1, 1]);
        assert_eq!(slow::cache_peek(1), Some(0));
        assert_eq!(slow::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn a_follower_that_is_called_and_not_polled_blocks_no_other() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache(flight_timeout = 5)]
    async fn slow(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        GATE.pass().await;
        n
    }

    alone(|| {
        let leader = Hand::begun(slow(1));
        let idle = [Hand::begun(slow(1)), Hand::begun(slow(1))];
        let mut follower = Hand::begun(slow(1));
        drop(leader);
        assert_eq!([idle[0].woken(), idle[1].woken(), follower.woken()], [1, 0, 0]);
        advance(Duration::from_secs(5));
        wait_until(|| idle[1].woken() == 1);
        advance(Duration::from_secs(5));
        wait_until(|| follower.woken() == 1);
        assert!(follower.poll().is_none());
        assert_eq!(RUNS.load(SeqCst), 2);
        GATE.open(1);
        assert_eq!(follower.end(), 1);
        assert_eq!(idle.map(Hand::end), [1, 1]);
        assert_eq!(RUNS.load(SeqCst), 2);
        // Likewise if the leader hangs.
        let leader = Hand::begun(slow(2));
        let idle = Hand::begun(slow(2));
        let mut follower = Hand::begun(slow(2));
        advance(Duration::from_secs(5));
        wait_until(|| idle.woken() == 1);
        advance(Duration::from_secs(5));
        wait_until(|| follower.woken() == 1);
        assert!(follower.poll().is_none());
        GATE.open(2);
        assert_eq!([follower.end(), idle.end()], [2, 2]);
        drop(leader);
        assert_eq!(slow::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn threads_give_a_leader_up() {
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(single_flight = true, flight_timeout = 5)]
    fn slow(_key: u64) -> u64 {
        let run = RUNS.fetch_add(1, SeqCst);
        if run == 0 {
            wait_until(|| slow::cache_contains(1));
        }
        run
    }

    alone(|| {
        let leader = thread::spawn(|| slow(1));
        wait_until(|| RUNS.load(SeqCst) == 1);
        advance(Duration::from_secs(1));
        let followers: Vec<_> = (0..4).map(|_| thread::spawn(|| slow(1))).collect();
        wait_until(|| slow::__memo().in_flight() == (1, 4));
        advance(Duration::from_secs(4));
        assert!(followers.into_iter().all(|follower| follower.join().unwrap() == 1));
        assert_eq!((leader.join().unwrap(), RUNS.load(SeqCst)), (0, 2));
        assert_eq!(slow::cache_peek(1), Some(1));
        assert_eq!(slow::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn a_copy_that_panics_leaves_the_others_to_try() {
    static CLONES: AtomicU64 = AtomicU64::new(0);
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    struct Fragile;

    impl Clone for Fragile {
        fn clone(&self) -> Self {
            // The first clone is for the cache, the second for the followers.
            if CLONES.fetch_add(1, SeqCst) == 1 {
                raise();
            }
            Self
        }
    }

    #[lru_cache(maxsize = 0)]
    async fn make(_key: u64) -> Fragile {
        RUNS.fetch_add(1, SeqCst);
        GATE.pass().await;
        Fragile
    }

    finishes(|| {
        CLONES.store(1, SeqCst);
        let leader = Hand::begun(make(1));
        let mut followers: Vec<_> = (0..4).map(|_| Hand::begun(make(1))).collect();
        GATE.open(1);
        assert!(raises(|| leader.end()));
        assert!(followers.iter().all(|follower| follower.woken() == 1));
        assert!(followers.iter_mut().all(|follower| follower.poll().is_none()));
        GATE.open(4);
        for follower in followers {
            follower.end();
        }
        assert_eq!((RUNS.load(SeqCst), make::__memo(&()).in_flight()), (5, (0, 0)));
    });
}

#[test]
fn a_waker_that_panics_affects_no_other_call() {
    use std::sync::Arc;
    use std::task::{Context, Wake, Waker};

    static GATE: Gate = Gate::new();

    struct Breaks;

    impl Wake for Breaks {
        fn wake(self: Arc<Self>) {
            raise();
        }
    }

    #[lru_cache]
    async fn slow(n: u64) -> u64 {
        GATE.pass().await;
        n
    }

    finishes(|| {
        let leader = Hand::begun(slow(1));
        let mut broken = Box::pin(slow(1));
        let waker = Waker::from(Arc::new(Breaks));
        assert!(broken.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let follower = Hand::begun(slow(1));
        GATE.open(1);
        assert_eq!(leader.end(), 1);
        assert_eq!((follower.woken(), follower.end()), (1, 1));
    });
}

#[test]
fn a_future_is_dropped_after_any_number_of_polls() {
    static LEFT: Gate = Gate::new();

    #[lru_cache]
    async fn steps(key: (u64, u64)) -> u64 {
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        LEFT.open(1);
        key.0
    }

    finishes(|| {
        for polls in 0..8 {
            for place in 0..3 {
                let key = (polls, place);
                let mut calls: Vec<_> = (0..3).map(|_| Some(Hand::new(steps(key)))).collect();
                for poll in 0..32 {
                    for (number, slot) in calls.iter_mut().enumerate() {
                        let Some(call) = slot else { continue };
                        if number as u64 == place && poll == polls {
                            *slot = None;
                        } else if let Some(result) = call.poll() {
                            assert_eq!(result, polls);
                            *slot = None;
                        }
                    }
                }
                assert!(
                    calls.iter().all(Option::is_none),
                    "every woken call gets its result when it is polled"
                );
                assert_eq!(steps::__memo().in_flight(), (0, 0));
            }
        }
    });
}

#[test]
fn no_call_waits_longer_than_the_timeout_however_many_leaders_hang() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache(maxsize = None, flight_timeout = 5)]
    async fn slow(_key: u64) -> u64 {
        let run = RUNS.fetch_add(1, SeqCst);
        GATE.pass().await;
        run
    }

    alone(|| {
        let _hung = Hand::begun(slow(1));
        advance(Duration::from_secs(1));
        let mut successor = Hand::begun(slow(1));
        advance(Duration::from_secs(3));
        let mut last = Hand::begun(slow(1));
        advance(Duration::from_secs(1));
        assert!(successor.poll().is_none() && last.poll().is_none());
        assert_eq!(RUNS.load(SeqCst), 2, "the first follower has taken over, and hangs as well");
        advance(Duration::from_secs(3));
        assert!(last.poll().is_none());
        assert_eq!(RUNS.load(SeqCst), 2);
        advance(Duration::from_secs(1));
        wait_until(|| last.woken() > 0);
        assert!(last.poll().is_none());
        assert_eq!(RUNS.load(SeqCst), 3, "the last has waited for five seconds");
        GATE.open(3);
        last.end();
    });
}
