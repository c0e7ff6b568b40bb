use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::boxed::Box;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;
use std::thread;
use std::vec::Vec;

use crate::flight::detached::{Carrier, Detached};
use crate::flight::executor::Task as Spawned;
use crate::flight::follower::{Followed, Follower};
use crate::flight::join::Joined;
use crate::flight::leader::Leader;
use crate::flight::leadership::Beginning;
use crate::flight::refresh_pool::RefreshPool;
use crate::flight::table::{FlightTable, Published};
use crate::flight::timeout::{Wakeup, advance, now};
use crate::key::KeyHash;
use crate::panics::catch_and_discard;
use crate::store::Epoch;

type Flights = Arc<FlightTable<u64, u64>>;

/// The timeout of a leader that may compute without limit.
const NEVER: Duration = Duration::MAX;
/// After it, a test that waits for another thread fails.
const WATCHDOG: Duration = Duration::from_secs(60);

/// Held by a test that advances the time of all flights, or that must not be disturbed by one that does.
fn alone_in_time() -> MutexGuard<'static, ()> {
    static TIME: Mutex<()> = Mutex::new(());
    TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `test` on another thread, and fails if it deadlocks.
fn finishes(test: impl FnOnce() + Send + 'static) {
    let (sender, done) = channel();
    let thread = thread::spawn(move || {
        test();
        _ = sender.send(());
    });
    match done.recv_timeout(WATCHDOG) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
        Err(RecvTimeoutError::Timeout) => panic!("a deadlock"),
    }
}

/// Panics without a message from the panic hook.
fn raise() -> ! {
    resume_unwind(Box::new("raised"))
}

fn flights() -> Flights {
    Arc::new(FlightTable::new())
}

fn hash(key: u64) -> KeyHash {
    KeyHash::of(&key)
}

fn join_for(flights: &Flights, key: u64, timeout: Duration) -> Joined<u64, u64> {
    flights.join(hash(key), &mut Some(key), u64::eq, timeout, |_| false)
}

fn lead_for(flights: &Flights, key: u64, timeout: Duration) -> Leader<u64, u64> {
    match join_for(flights, key, timeout) {
        Joined::Lead(leader) => leader,
        Joined::Follow(_) | Joined::Ended => panic!("{key} should be led"),
    }
}

fn follow_for(flights: &Flights, key: u64, timeout: Duration) -> Follower<u64, u64> {
    match join_for(flights, key, timeout) {
        Joined::Follow(follower) => follower,
        Joined::Lead(_) | Joined::Ended => panic!("{key} should be followed"),
    }
}

fn lead(flights: &Flights, key: u64) -> Leader<u64, u64> {
    lead_for(flights, key, NEVER)
}

fn follow(flights: &Flights, key: u64) -> Follower<u64, u64> {
    follow_for(flights, key, NEVER)
}

fn claim(flights: &Flights, key: u64, timeout: Duration) -> Option<Leader<u64, u64>> {
    flights.claim(hash(key), &mut Some(key), u64::eq, timeout, |_| false)
}

/// A follower's task, which counts how often it is woken.
struct Task {
    waker: Waker,
    woken: Receiver<()>,
}

struct Woken(Sender<()>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        // A test that has ended has dropped the receiver.
        _ = self.0.send(());
    }
}

impl Task {
    fn new() -> Self {
        let (sender, woken) = channel();
        Self { waker: Waker::from(Arc::new(Woken(sender))), woken }
    }

    fn poll(&self, follower: &mut Follower<u64, u64>) -> Poll<Followed<u64, u64>> {
        follower.poll(&Context::from_waker(&self.waker))
    }

    /// Returns whether it was woken since the last call.
    fn is_woken(&self) -> bool {
        self.woken.try_iter().count() > 0
    }

    /// Waits until it is woken, by the thread for timeouts.
    fn wait(&self) {
        self.woken.recv_timeout(WATCHDOG).expect("it should be woken");
    }

    fn take_over(&self, follower: &mut Follower<u64, u64>) -> Leader<u64, u64> {
        match self.poll(follower) {
            Poll::Ready(Followed::Lead(leader)) => leader,
            _ => panic!("it should take over"),
        }
    }
}

/// Returns `N` followers of a key, which wait.
fn waiting<const N: usize>(flights: &Flights, key: u64) -> [(Follower<u64, u64>, Task); N] {
    [(); N].map(|()| {
        let (mut follower, task) = (follow(flights, key), Task::new());
        assert!(task.poll(&mut follower).is_pending());
        (follower, task)
    })
}

fn published(follower: &Follower<u64, u64>) -> Option<u64> {
    follower.published().map(|published| match published {
        Published::Stored(value) => *value,
        Published::Whole(_) => panic!("a stored value was published"),
    })
}

#[test]
fn the_first_call_leads_and_the_second_follows() {
    let flights = flights();
    let leader = lead(&flights, 1);
    let follower = follow(&flights, 1);
    assert!(leader.leads() && published(&follower).is_none());
    assert_eq!(flights.count(), (1, 1));
    let other = lead(&flights, 2);
    assert_eq!(flights.count(), (2, 1));
    drop((other, follower, leader));
    assert_eq!(flights.count(), (0, 0));
}

#[test]
fn keys_with_the_same_hash_have_flights_of_their_own() {
    let flights = flights();
    let join = |key| flights.join(hash(0), &mut Some(key), u64::eq, NEVER, |_| false);
    let Joined::Lead(_one) = join(1) else { panic!("1 is not computed") };
    let Joined::Lead(_two) = join(2) else { panic!("2 is not computed") };
    let Joined::Follow(_) = join(1) else { panic!("1 is computed") };
    assert!(flights.is_in_flight(hash(0), |key| *key == 2));
    assert!(!flights.is_in_flight(hash(0), |key| *key == 3));
}

#[test]
fn a_published_value_wakes_all_followers() {
    let flights = flights();
    let leader = lead(&flights, 1);
    let mut followers = waiting::<3>(&flights, 1);
    let mut late = follow(&flights, 1);
    leader.publish(Published::Stored(10));
    assert_eq!(flights.count(), (0, 0), "no call joins any more");
    for (follower, task) in &mut followers {
        assert!(task.is_woken());
        assert!(matches!(task.poll(follower), Poll::Ready(Followed::Published)));
        assert_eq!(published(follower), Some(10));
    }
    assert!(matches!(Task::new().poll(&mut late), Poll::Ready(Followed::Published)));
    drop(lead(&flights, 1));
}

#[test]
fn a_whole_result_is_published_where_nothing_is_stored() {
    let flights = flights();
    let leader = lead(&flights, 1);
    let follower = follow(&flights, 1);
    leader.publish(Published::Whole(Box::new("error")));
    let Some(Published::Whole(result)) = follower.published() else { panic!("the whole result") };
    assert_eq!(result.downcast_ref(), Some(&"error"));
}

#[test]
fn a_leader_without_followers_ends_its_flight_when_it_asks() {
    let flights = flights();
    let mut leader = lead(&flights, 1);
    assert!(!leader.is_followed());
    assert_eq!(flights.count(), (0, 0));
    let mut next = lead(&flights, 1);
    let _follower = follow(&flights, 1);
    assert!(next.is_followed());
    assert_eq!(flights.count(), (1, 1));
    // The first flight has ended, and does not affect the second.
    drop(leader);
    assert_eq!(flights.count(), (1, 1));
}

#[test]
fn a_flight_that_ends_while_its_key_is_compared_is_not_joined() {
    let flights = flights();
    let mut leader = Some(lead(&flights, 1));
    let leader = core::cell::RefCell::new(&mut leader);
    let same = |key: &u64, other: &u64| {
        if let Some(leader) = leader.borrow_mut().take() {
            leader.publish(Published::Stored(10));
        }
        key == other
    };
    let mut key = Some(1);
    assert!(matches!(flights.join(hash(1), &mut key, same, NEVER, |_| false), Joined::Ended));
    // The key is still available for another attempt.
    assert!(matches!(flights.join(hash(1), &mut key, u64::eq, NEVER, |_| false), Joined::Lead(_)));
    assert_eq!(key, None);
    assert!(matches!(flights.join(hash(1), &mut key, u64::eq, NEVER, |_| false), Joined::Ended));
}

#[test]
fn a_computation_that_is_superseded_is_not_joined() {
    let flights = flights();
    let leader = lead(&flights, 1);
    let join = || flights.join(hash(1), &mut Some(1), u64::eq, NEVER, |_| true);
    // A computation that has not begun is not superseded.
    assert!(matches!(join(), Joined::Follow(_)));
    leader.begin(Epoch::FIRST);
    let Joined::Lead(next) = join() else { panic!("the first is out of date") };
    assert_eq!(flights.count(), (1, 0));
    drop(leader);
    drop(next);
    assert_eq!(flights.count(), (0, 0));
}

#[test]
fn a_computation_that_is_superseded_is_not_joined_when_another_call_takes_it_over() {
    let _time = alone_in_time();
    let flights = flights();
    let leader = lead(&flights, 1);
    leader.begin(Epoch::FIRST);
    let [(mut first, task)] = waiting(&flights, 1);
    let join = || flights.join(hash(1), &mut Some(1), u64::eq, NEVER, |began| began == Epoch::FIRST);
    let Joined::Lead(next) = join() else { panic!("the first is out of date") };
    drop(leader);
    let successor = task.take_over(&mut first);
    assert!(next.may_be_joined() && !successor.may_be_joined());
    let Joined::Follow(other) = join() else { panic!("the second is current") };
    successor.publish(Published::Stored(10));
    next.publish(Published::Stored(20));
    assert_eq!([first, other].each_ref().map(published), [Some(10), Some(20)]);
    assert_eq!(flights.count(), (0, 0));
}

#[test]
fn a_leader_that_is_dropped_is_succeeded_by_exactly_one_follower() {
    let _time = alone_in_time();
    let flights = flights();
    let leader = lead(&flights, 1);
    let mut followers = waiting::<3>(&flights, 1);
    drop(leader);
    assert_eq!(followers.each_ref().map(|(_, task)| task.is_woken()), [true, false, false]);
    let [(first, first_task), (second, second_task), (third, third_task)] = &mut followers;
    let successor = first_task.take_over(first);
    assert!(successor.leads() && !successor.is_after_timeout());
    assert!(second_task.poll(second).is_pending());
    assert!(third_task.poll(third).is_pending());
    assert!(!second_task.is_woken() && !third_task.is_woken());
    successor.publish(Published::Stored(10));
    assert_eq!([&*first, second, third].map(published), [Some(10); 3]);
    assert!(second_task.is_woken() && third_task.is_woken());
}

#[test]
fn a_follower_that_was_woken_and_gives_up_has_the_next_woken() {
    let _time = alone_in_time();
    let flights = flights();
    let leader = lead(&flights, 1);
    let [first, second, (mut third, third_task)] = waiting(&flights, 1);
    drop(leader);
    assert!(first.1.is_woken());
    // A follower that was not woken is removed without any effect.
    drop(second.0);
    assert!(!third_task.is_woken());
    drop(first.0);
    assert!(third_task.is_woken());
    assert!(third_task.take_over(&mut third).leads());
}

#[test]
fn a_follower_that_was_woken_and_does_not_come_has_the_next_woken_a_little_later() {
    let _time = alone_in_time();
    let flights = flights();
    let leader = lead(&flights, 1);
    let [(mut first, first_task), (mut second, second_task)] = waiting(&flights, 1);
    drop(leader);
    assert!(first_task.is_woken() && !second_task.is_woken());
    advance(Duration::from_secs(1));
    second_task.wait();
    let successor = second_task.take_over(&mut second);
    assert!(successor.leads());
    // When it is polled after all, it waits for the other.
    assert!(first_task.poll(&mut first).is_pending());
    drop(successor);
    first_task.wait();
    drop(first_task.take_over(&mut first));
}

#[test]
fn a_flight_without_leader_and_followers_is_not_in_the_table() {
    let flights = flights();
    drop(lead(&flights, 1));
    assert_eq!(flights.count(), (0, 0));

    let leader = lead(&flights, 1);
    let [first, second] = waiting(&flights, 1);
    drop(leader);
    assert_eq!(flights.count(), (1, 2));
    drop((first, second));
    assert_eq!(flights.count(), (0, 0));

    let leader = lead(&flights, 1);
    drop(follow(&flights, 1));
    assert_eq!(flights.count(), (1, 0));
    drop(leader);
    assert_eq!(flights.count(), (0, 0));
}

#[test]
fn a_leader_that_exceeds_its_timeout_is_replaced_and_publishes_nothing() {
    let _time = alone_in_time();
    let (flights, timeout) = (flights(), Duration::from_secs(5));
    let leader = lead_for(&flights, 1, timeout);
    leader.begin(Epoch::FIRST);
    let [(mut first, first_task), (mut second, second_task)] = waiting(&flights, 1);
    advance(Duration::from_secs(4));
    assert!(flights.is_in_flight(hash(1), |_| true));
    assert!(first_task.poll(&mut first).is_pending());
    advance(Duration::from_secs(1));
    first_task.wait();
    assert!(!flights.is_in_flight(hash(1), |_| true));
    let mut successor = first_task.take_over(&mut first);
    assert!(successor.leads() && successor.is_after_timeout());
    assert!(!leader.leads());
    leader.publish(Published::Stored(10));
    assert!(second_task.poll(&mut second).is_pending());
    assert!(successor.is_followed());
    successor.publish(Published::Stored(20));
    assert_eq!(published(&second), Some(20));
    assert!(second_task.is_woken());
}

#[test]
fn a_leader_that_was_replaced_takes_nothing_of_the_flight_with_it() {
    let _time = alone_in_time();
    let flights = flights();
    let leader = lead_for(&flights, 1, Duration::from_secs(5));
    let [(mut first, first_task), (mut second, second_task)] = waiting(&flights, 1);
    advance(Duration::from_secs(5));
    let successor = first_task.take_over(&mut first);
    drop(leader);
    assert!(second_task.poll(&mut second).is_pending());
    assert!(successor.leads());
    assert_eq!(flights.count(), (1, 2));
}

#[test]
fn a_leader_that_begins_anew_has_its_time_from_then_on() {
    let _time = alone_in_time();
    let (flights, timeout) = (flights(), Duration::from_secs(5));
    let leader = lead_for(&flights, 1, timeout);
    let [(mut follower, task)] = waiting(&flights, 1);
    advance(Duration::from_secs(3));
    leader.restart(Epoch::FIRST, timeout);
    // Its first timeout has passed.
    advance(Duration::from_secs(3));
    assert!(task.poll(&mut follower).is_pending());
    assert!(leader.leads());
    advance(Duration::from_secs(2));
    task.wait();
    assert!(task.take_over(&mut follower).is_after_timeout());
}

#[test]
fn a_claim_takes_over_only_from_a_leader_that_is_stuck() {
    let _time = alone_in_time();
    let (flights, timeout) = (flights(), Duration::from_secs(5));
    let first = claim(&flights, 1, timeout).expect("no other call computes");
    assert_eq!(flights.count(), (1, 0));
    first.restart(Epoch::FIRST, timeout);
    assert!(claim(&flights, 1, timeout).is_none());
    advance(timeout);
    let second = claim(&flights, 1, timeout).expect("the first is stuck");
    assert!(second.leads() && second.is_after_timeout() && !first.leads());
    drop((first, second));
    assert_eq!(flights.count(), (0, 0));
}

#[test]
fn a_claim_that_does_not_begin_is_taken_over() {
    let _time = alone_in_time();
    let (flights, timeout) = (flights(), Duration::from_secs(5));
    let first = claim(&flights, 1, timeout).expect("no other call computes");
    advance(Duration::from_secs(1));
    let second = claim(&flights, 1, timeout).expect("the first has not begun");
    assert!(second.is_after_claim() && !second.is_after_timeout() && !first.leads());
    // It will begin: only after the timeout it is taken over again.
    second.confirm(timeout);
    advance(Duration::from_secs(1));
    assert!(claim(&flights, 1, timeout).is_none());
    // A call that finds no result does not wait for it.
    let (mut follower, task) = (follow(&flights, 1), Task::new());
    let leader = task.take_over(&mut follower);
    assert!(leader.leads() && !second.leads());
}

#[test]
fn a_call_from_inside_the_computation_does_not_wait_for_it() {
    let flights = flights();
    let leader = lead(&flights, 1);
    let (mut follower, task) = (follow(&flights, 1), Task::new());
    let scope = leader.body_scope();
    assert!(matches!(task.poll(&mut follower), Poll::Ready(Followed::Cycle)));
    drop(scope);
    assert!(task.poll(&mut follower).is_pending());
}

/// Joins the flights of two keys as one computation that leads both.
fn lead_both(flights: &Flights, timeout: Duration) -> [Leader<u64, u64>; 2] {
    let beginning = Beginning::from(timeout);
    [1, 2].map(|key| match flights.join(hash(key), &mut Some(key), u64::eq, beginning, |_| false) {
        Joined::Lead(leader) => leader,
        Joined::Follow(_) | Joined::Ended => panic!("{key} should be led"),
    })
}

#[test]
fn a_successor_is_not_taken_for_the_leader_that_it_replaces() {
    let _time = alone_in_time();
    let (flights, timeout) = (flights(), Duration::from_secs(5));
    let [of_one, of_two] = lead_both(&flights, timeout);
    let [(mut follower, task)] = waiting(&flights, 2);
    advance(timeout);
    task.wait();
    let successor = task.take_over(&mut follower);
    let task = Task::new();
    {
        let _scope = successor.body_scope();
        let mut follower = follow(&flights, 1);
        assert!(of_one.leads());
        // It takes over at once from a leader that is overdue as well.
        assert!(matches!(task.poll(&mut follower), Poll::Ready(Followed::Lead(_))));
    }
    {
        let _scope = of_two.body_scope();
        let mut follower = follow(&flights, 2);
        assert!(task.poll(&mut follower).is_pending(), "another call computes it by now");
    }
}

#[test]
fn a_cycle_by_way_of_a_successor_is_recognized() {
    let _time = alone_in_time();
    let (flights, others, timeout) = (flights(), flights(), Duration::from_secs(5));
    let other = lead(&others, 1);
    let _replaced = lead_both(&flights, timeout);
    let [(mut follower, task)] = waiting(&flights, 2);
    // The other computation waits for the flight before it is taken over.
    let (mut waits, waiting_task) = (follow_for(&flights, 2, NEVER), Task::new());
    {
        let _scope = other.body_scope();
        assert!(waiting_task.poll(&mut waits).is_pending());
    }
    advance(timeout);
    task.wait();
    let successor = task.take_over(&mut follower);
    let _scope = successor.body_scope();
    assert!(matches!(Task::new().poll(&mut follow(&others, 1)), Poll::Ready(Followed::Cycle)));
}

#[test]
fn followers_stop_waiting_in_the_order_of_their_deadlines() {
    let _time = alone_in_time();
    let flights = flights();
    let _leader = lead(&flights, 1);
    let mut followers = [9, 5, 7].map(|seconds| {
        let (mut follower, task) = (follow_for(&flights, 1, Duration::from_secs(seconds)), Task::new());
        assert!(task.poll(&mut follower).is_pending());
        (follower, task)
    });
    for at in [1, 2, 0] {
        advance(Duration::from_secs(if at == 1 { 5 } else { 2 }));
        let (follower, task) = &mut followers[at];
        task.wait();
        assert!(matches!(task.poll(follower), Poll::Ready(Followed::TimedOut)));
        let rest = followers.iter().filter(|(_, task)| task.is_woken()).count();
        assert_eq!(rest, 0, "their time is not over");
    }
}

#[test]
fn an_open_flight_is_joined_whatever_changes_until_it_begins() {
    let flights = flights();
    let beginning = Beginning { epoch: Some(Epoch::FIRST), is_open: true, ..Beginning::from(NEVER) };
    let join = || flights.join(hash(1), &mut Some(1), u64::eq, beginning, |began| began == Epoch::FIRST);
    let Joined::Lead(leader) = join() else { panic!("1 is not computed") };
    let Joined::Follow(follower) = join() else { panic!("it has not begun") };
    leader.begin(Epoch::FIRST);
    let Joined::Lead(next) = join() else { panic!("it has begun before the change") };
    next.begin(Epoch::of(1, 0));
    let Joined::Follow(other) = join() else { panic!("it is current") };
    next.publish(Published::Stored(20));
    leader.publish(Published::Stored(10));
    assert_eq!([follower, other].each_ref().map(published), [Some(10), Some(20)]);
}

#[test]
fn computations_of_two_caches_do_not_wait_for_each_other() {
    let (flights, others) = (flights(), flights());
    let (one, other) = (lead(&flights, 1), lead(&others, 1));
    let (mut of_one, mut of_other) = (follow(&flights, 1), follow(&others, 1));
    let task = Task::new();
    {
        let _scope = one.body_scope();
        assert!(task.poll(&mut of_other).is_pending());
    }
    {
        let _scope = other.body_scope();
        assert!(matches!(task.poll(&mut of_one), Poll::Ready(Followed::Cycle)));
        drop(of_other);
        assert!(task.poll(&mut of_one).is_pending(), "the first waits no more");
    }
}

#[test]
fn a_thread_that_blocks_receives_the_value() {
    finishes(|| {
        let flights = flights();
        let leader = lead(&flights, 1);
        let mut follower = follow(&flights, 1);
        let (sender, receiver) = channel();
        let thread = thread::spawn(move || {
            let mut is_first = true;
            let value = super::follower::block(NEVER, |context| {
                let polled = follower.poll(context);
                if core::mem::take(&mut is_first) {
                    sender.send(()).expect("the test waits for this");
                }
                polled
            });
            assert!(matches!(value, Followed::Published));
            published(&follower)
        });
        receiver.recv().expect("it waits");
        leader.publish(Published::Stored(10));
        assert_eq!(thread.join().expect("it does not panic"), Some(10));
    });
}

#[test]
fn a_thread_that_is_not_woken_looks_again_after_a_while() {
    finishes(|| {
        let mut polls = 0;
        let polls = super::follower::block(Duration::from_millis(1), |_| {
            polls += 1;
            if polls < 3 { Poll::Pending } else { Poll::Ready(polls) }
        });
        assert_eq!(polls, 3);
    });
}

/// A waker that takes the lock of the flights when it is woken or dropped, and so deadlocks under that lock.
struct Curious(Flights);

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        self.0.is_in_flight(hash(1), |_| true);
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        self.0.is_in_flight(hash(1), |_| true);
    }
}

#[test]
fn wakers_are_woken_and_dropped_outside_the_locks() {
    finishes(|| {
        let flights = flights();
        let poll = |follower: &mut Follower<u64, u64>| {
            let waker = Waker::from(Arc::new(Curious(Arc::clone(&flights))));
            follower.poll(&Context::from_waker(&waker))
        };
        let leader = lead(&flights, 1);
        let [mut first, mut second, mut third] = [(); 3].map(|()| follow(&flights, 1));
        for follower in [&mut first, &mut second, &mut third] {
            assert!(poll(follower).is_pending());
            // Replaces the former waker.
            assert!(poll(follower).is_pending());
        }
        drop(leader);
        drop(first);
        let Poll::Ready(Followed::Lead(leader)) = poll(&mut second) else { panic!("it should take over") };
        assert!(poll(&mut third).is_pending());
        leader.publish(Published::Stored(10));
        assert!(matches!(poll(&mut third), Poll::Ready(Followed::Published)));
    });
}

struct Raising;

impl Wake for Raising {
    fn wake(self: Arc<Self>) {
        raise();
    }
}

#[test]
fn a_waker_that_panics_does_not_keep_the_others_waiting() {
    let flights = flights();
    let leader = lead(&flights, 1);
    let mut raising = follow(&flights, 1);
    assert!(raising.poll(&Context::from_waker(&Waker::from(Arc::new(Raising)))).is_pending());
    let [(_follower, task)] = waiting(&flights, 1);
    leader.publish(Published::Stored(10));
    assert!(task.is_woken());
}

#[test]
fn wakeups_fire_in_the_order_of_their_times_unless_they_are_dropped() {
    let _time = alone_in_time();
    let (sender, woken) = channel();
    let wakeup = |seconds: u64| {
        struct Numbered(Sender<u64>, u64);
        impl Wake for Numbered {
            fn wake(self: Arc<Self>) {
                _ = self.0.send(self.1);
            }
        }
        let waker = Waker::from(Arc::new(Numbered(sender.clone(), seconds)));
        Wakeup::at(now() + Duration::from_secs(seconds), waker)
    };
    let wakeups: Vec<_> = [300, 100, 200].map(wakeup).into();
    drop(wakeup(150));
    let _raising = Wakeup::at(now() + Duration::from_secs(50), Waker::from(Arc::new(Raising)));
    advance(Duration::from_secs(300));
    let woken: Vec<_> = [(); 3].map(|()| woken.recv_timeout(WATCHDOG).expect("one for each")).into();
    assert_eq!(woken, [100, 200, 300]);
    drop(wakeups);
}

#[cfg(feature = "backend")]
#[test]
fn a_sleep_ends_when_its_time_is_over() {
    let _time = alone_in_time();
    let (mut sleep, task) = (super::timeout::Sleep::new(Duration::from_secs(100)), Task::new());
    let context = Context::from_waker(&task.waker);
    assert!(sleep.poll(&context).is_pending());
    advance(Duration::from_secs(100));
    task.wait();
    assert!(sleep.poll(&context).is_ready());
}

#[test]
fn the_pool_runs_its_jobs_whatever_they_panic_with() {
    struct RaisesWhenDropped;
    impl Drop for RaisesWhenDropped {
        fn drop(&mut self) {
            raise();
        }
    }
    finishes(|| {
        let worker: Arc<RefreshPool> = Arc::default();
        let (sender, receiver) = channel();
        let (release, held) = channel::<()>();
        let run = |job: Box<dyn FnOnce() + Send>| worker.run(job, 1, Duration::from_secs(1_000_000));
        run(Box::new(move || {
            held.recv().expect("the test releases it");
            resume_unwind(Box::new(RaisesWhenDropped));
        }));
        for job in 0..3 {
            let sender = sender.clone();
            run(Box::new(move || sender.send(job).expect("the test waits for this")));
        }
        release.send(()).expect("the job waits for this");
        assert_eq!([(); 3].map(|()| receiver.recv().expect("a job each")), [0, 1, 2]);
        // Whether the threads have ended meanwhile or not.
        run(Box::new(move || sender.send(3).expect("the test waits for this")));
        assert_eq!(receiver.recv(), Ok(3));
    });
}

#[test]
fn a_panic_is_caught_and_discarded() {
    let mut is_run = false;
    catch_and_discard(|| {
        is_run = true;
        raise();
    });
    assert!(is_run);
}

#[test]
fn a_detached_computation_that_has_ended_at_once_is_not_refused() {
    let at_once = |mut task: Spawned| {
        let polled = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_ready(), "it waits for nothing");
    };
    let mut detached = Detached::new(&Carrier::new(), Box::pin(async { 7 }), Some(&at_once), None);
    assert!(detached.outlives_call());
    let polled = Pin::new(&mut detached).poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(Some(7)));
    let refused =
        Detached::new(&Carrier::new(), Box::pin(async { 7 }), Some(&|task: Spawned| drop(task)), None);
    assert!(!refused.outlives_call());
}
