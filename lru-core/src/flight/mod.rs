//! Single-flight: of calls that miss one key at one time, a leader computes, and followers receive
//! what it comes to.
//!
//! Invariant: no user code runs under a lock of this module: keys are compared between two looks at the
//! table, followers copy the value from where it landed, and wakers are cloned before the lock is taken,
//! woken and dropped after it is released.
//!
//! Invariant: a flight has one leader at a time, or none for as long as it takes one follower to
//! take over. A leader that is gone without a value, panicked, dropped or given up, is followed by
//! one of those that wait, who begins anew; the others go on waiting. They are called one by one: one
//! that does not come has the next called a little later.
//!
//! Invariant: nobody joins a flight that nobody leads or follows any more, or that is landing: it is not
//! in the table.

pub(crate) mod catch;
mod cycles;
pub(crate) mod executor;
mod timeout;

use core::any::Any;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::boxed::Box;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::task::Wake;
use std::thread::{self, Thread};
use std::time::Instant;
use std::vec::Vec;

use hashbrown::HashTable;
use parking_lot::Mutex;

use crate::flight::catch::contained;
use crate::key::KeyHash;
use crate::store::change_log::Epoch;
pub(crate) use cycles::Body;
use cycles::{FlightId, Wait};
use timeout::Alarm;
#[cfg(feature = "testing")]
pub use timeout::pass;
#[cfg(feature = "backend")]
pub(crate) use timeout::{Nap, now};

/// All computations of one cache that others may wait for.
pub(crate) struct Flights<K, V> {
    table: Mutex<HashTable<Arc<Flight<K, V>>>>,
}

/// A computation, and who waits for it.
pub(crate) struct Flight<K, V> {
    id: FlightId,
    hash: KeyHash,
    key: K,
    landed: OnceLock<Published<V>>,
    /// How many follow. Raised under the lock of the table only: once the flight is out of it, nobody
    /// joins.
    followers: AtomicUsize,
    line: Arc<WaitQueue>,
}

/// Who leads a flight, and who waits for it. Apart from what is computed: it is what an alarm knows.
#[derive(Default)]
struct WaitQueue(Mutex<State>);

/// What a flight came to.
pub(crate) enum Published<V> {
    /// What a cache keeps of it.
    Kept(V),
    /// What it keeps nothing of: the whole result.
    Unkept(Box<dyn Any + Send + Sync>),
}

#[derive(Default)]
struct State {
    leader: Option<Leader>,
    /// How many leaders there have been.
    leaders: u64,
    /// Those that wait, in the order in which they came. Tickets begin at one.
    waiting: BTreeMap<u64, Waker>,
    tickets: u64,
    /// The ticket of who was called last to take over from the leader that is gone; zero if nobody was.
    called: u64,
    /// Goes off when the leader's time is over, or that of who was called.
    alarm: Option<Alarm>,
}

struct Leader {
    number: u64,
    /// Since when it computes; `None` before it does.
    began: Option<Epoch>,
    /// When it is given up; `None` if never.
    deadline: Option<Instant>,
}

/// How long one that was called has, to take over before the next is called.
const TURN: Duration = Duration::from_secs(1);

/// What a call that misses comes to be.
pub(crate) enum Joined<K, V> {
    /// Nobody computes this key: the call does.
    Lead(Lead<K, V>),
    /// Somebody does.
    Follow(Follower<K, V>),
    /// Somebody did, and has just ended.
    Missed,
}

impl<K, V> Flights<K, V> {
    pub(crate) const fn new() -> Self {
        Self { table: Mutex::new(HashTable::new()) }
    }

    /// Joins the flight of a key, or begins one. `own` is the key, to be taken for a flight;
    /// `is_overtaken` tells whether what began then is out of date, and not to be joined.
    pub(crate) fn join(
        self: &Arc<Self>,
        hash: KeyHash,
        own: &mut Option<K>,
        same: impl Fn(&K, &K) -> bool,
        timeout: Duration,
        is_overtaken: impl Fn(Epoch) -> bool,
    ) -> Joined<K, V> {
        let mut seen: Vec<Arc<Flight<K, V>>> = Vec::new();
        loop {
            let mut table = self.table.lock();
            let is_seen = |flight: &Arc<Flight<K, V>>| seen.iter().any(|seen| Arc::ptr_eq(seen, flight));
            let unseen = |flight: &&Arc<Flight<K, V>>| flight.hash == hash && !is_seen(flight);
            let candidates: Vec<_> = table.iter_hash(hash.get()).filter(unseen).cloned().collect();
            if candidates.is_empty() {
                let Some(key) = own.take() else { return Joined::Missed };
                let flight = Arc::new(Flight::led_by_first(hash, key, timeout));
                table.insert_unique(hash.get(), Arc::clone(&flight), |flight| flight.hash.get());
                drop(table);
                let flights = Arc::clone(self);
                let lead = Lead { flights, flight, number: 0, follows_one_given_up: false, done: false };
                return Joined::Lead(lead);
            }
            drop(table);
            for flight in candidates {
                let is_same = own.as_ref().is_some_and(|own| same(&flight.key, own));
                if !is_same || flight.began().is_some_and(&is_overtaken) {
                    seen.push(flight);
                    continue;
                }
                let table = self.table.lock();
                let is_in_flight = table.find(hash.get(), |other| Arc::ptr_eq(other, &flight)).is_some();
                if !is_in_flight {
                    return Joined::Missed;
                }
                flight.followers.fetch_add(1, Relaxed);
                drop(table);
                let flights = Arc::clone(self);
                return Joined::Follow(Follower { flights, flight, timeout, ticket: None, wait: None });
            }
        }
    }

    /// Begins the flight of a key, or takes it over from a leader whose time is over. `None` where somebody
    /// computes.
    pub(crate) fn claim(
        self: &Arc<Self>,
        hash: KeyHash,
        own: &mut Option<K>,
        same: impl Fn(&K, &K) -> bool,
        timeout: Duration,
        is_overtaken: impl Fn(Epoch) -> bool,
    ) -> Option<Lead<K, V>> {
        match self.join(hash, own, same, timeout, is_overtaken) {
            Joined::Lead(lead) => Some(lead),
            Joined::Follow(follower) => follower.relieve(),
            Joined::Missed => None,
        }
    }

    /// Whether somebody computes a key that has this hash and `matches`, and still has time.
    pub(crate) fn is_in_flight(&self, hash: KeyHash, matches: impl Fn(&K) -> bool) -> bool {
        let table = self.table.lock();
        let of_hash = table.iter_hash(hash.get()).filter(|flight| flight.hash == hash);
        let candidates: Vec<_> = of_hash.cloned().collect();
        drop(table);
        candidates.iter().any(|flight| !flight.line.0.lock().is_stuck() && matches(&flight.key))
    }

    /// How many flights there are, and how many calls follow.
    #[cfg(feature = "testing")]
    pub(crate) fn count(&self) -> (usize, usize) {
        let table = self.table.lock();
        (table.len(), table.iter().map(|flight| flight.followers.load(Relaxed)).sum())
    }

    /// Takes it out of the table, if nobody leads or follows it any more: nobody joins it from now on.
    fn remove_if_deserted(&self, flight: &Arc<Flight<K, V>>) {
        let mut table = self.table.lock();
        let is_deserted = flight.followers.load(Relaxed) == 0 && flight.line.0.lock().leader.is_none();
        let found = table.find_entry(flight.hash.get(), |other| Arc::ptr_eq(other, flight));
        let removed = found.ok().filter(|_| is_deserted).map(|found| found.remove().0);
        drop(table);
        drop(removed);
    }
}

impl<K, V> Flight<K, V> {
    fn led_by_first(hash: KeyHash, key: K, timeout: Duration) -> Self {
        let leader = Leader { number: 0, began: None, deadline: deadline_after(timeout) };
        let state = State { leader: Some(leader), ..State::default() };
        Self {
            id: FlightId::new(),
            hash,
            key,
            landed: OnceLock::new(),
            followers: AtomicUsize::new(0),
            line: Arc::new(WaitQueue(Mutex::new(state))),
        }
    }

    /// Since when it is computed, by who leads it now.
    fn began(&self) -> Option<Epoch> {
        self.line.0.lock().leader.as_ref().and_then(|leader| leader.began)
    }
}

impl State {
    fn is_led_by(&self, number: u64) -> bool {
        self.leader.as_ref().is_some_and(|leader| leader.number == number)
    }

    /// Whether nobody leads who still has time.
    fn is_vacant(&self) -> bool {
        self.leader.as_ref().is_none_or(Leader::is_overdue)
    }

    /// Whether it is computed, and has been for too long.
    fn is_stuck(&self) -> bool {
        self.leader.as_ref().is_some_and(|leader| leader.began.is_some() && leader.is_overdue())
    }

    /// Another leads from now on.
    fn succeed(&mut self, line: &Arc<WaitQueue>, timeout: Duration) -> u64 {
        self.leaders += 1;
        self.leader = Some(Leader { number: self.leaders, began: None, deadline: deadline_after(timeout) });
        self.called = 0;
        self.watch_leader(line);
        self.leaders
    }

    /// Has those who wait called when the leader's time is over.
    fn watch_leader(&mut self, line: &Arc<WaitQueue>) {
        let deadline = self.leader.as_ref().and_then(|leader| leader.deadline);
        self.set_alarm(line, deadline);
    }

    fn set_alarm(&mut self, line: &Arc<WaitQueue>, time: Option<Instant>) {
        let time = time.filter(|_| !self.waiting.is_empty());
        self.alarm = time.map(|time| Alarm::at(time, Waker::from(Arc::clone(line))));
    }

    /// The next of those that wait, to be woken: it is to take over.
    fn call(&mut self, line: &Arc<WaitQueue>) -> Option<Waker> {
        let (ticket, waker) = self.waiting.pop_first()?;
        self.called = ticket;
        self.set_alarm(line, deadline_after(TURN));
        Some(waker)
    }
}

impl Leader {
    fn is_overdue(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= timeout::now())
    }
}

/// The alarm goes off.
impl Wake for WaitQueue {
    fn wake(self: Arc<Self>) {
        let mut state = self.0.lock();
        let next = if state.is_vacant() {
            state.call(&self)
        } else {
            // It was given more time.
            state.watch_leader(&self);
            None
        };
        drop(state);
        next.into_iter().for_each(wake);
    }
}

/// Wakes somebody. Of an executor of its own: if that panics, it is none of the others' business.
fn wake(waker: Waker) {
    contained(|| waker.wake());
}

fn deadline_after(timeout: Duration) -> Option<Instant> {
    timeout::now().checked_add(timeout)
}

/// The right to compute, and the duty to tell of it: gone without that, another takes over.
pub(crate) struct Lead<K, V> {
    flights: Arc<Flights<K, V>>,
    flight: Arc<Flight<K, V>>,
    number: u64,
    /// Whether it took over from a leader whose time was over.
    follows_one_given_up: bool,
    /// Whether nobody is to take over.
    done: bool,
}

impl<K, V> Lead<K, V> {
    /// The computation begins: what was changed since then makes it out of date.
    pub(crate) fn begin(&self, began: Epoch) {
        let mut state = self.flight.line.0.lock();
        if let Some(leader) = state.leader.as_mut().filter(|leader| leader.number == self.number) {
            leader.began = Some(began);
        }
    }

    /// Whether a leader took too long, and this one is there in its place.
    pub(crate) fn follows_one_given_up(&self) -> bool {
        self.follows_one_given_up
    }

    /// The same, some time after the flight began: the leader's time is counted from now on.
    pub(crate) fn begin_late(&self, began: Epoch, timeout: Duration) {
        let mut state = self.flight.line.0.lock();
        if let Some(leader) = state.leader.as_mut().filter(|leader| leader.number == self.number) {
            *leader = Leader { began: Some(began), deadline: deadline_after(timeout), ..*leader };
        }
    }

    /// While this is there, calls that are made on this thread are made by the leader.
    pub(crate) fn body(&self) -> Body {
        Body::enter(self.flight.id)
    }

    /// Whether it was not given up.
    pub(crate) fn leads(&self) -> bool {
        self.flight.line.0.lock().is_led_by(self.number)
    }

    /// Whether anybody waits for what it came to: not for one that was given up, since another computes
    /// for them. If nobody does, nobody will.
    pub(crate) fn is_followed(&mut self) -> bool {
        self.close_if(|followers| followers == 0);
        !self.done
    }

    /// Tells those who wait. Nobody joins any more.
    pub(crate) fn land(mut self, landed: Published<V>) {
        self.close_if(|_| true);
        if !self.leads() {
            return;
        }
        // What it landed before stays: there is one at most.
        drop(self.flight.landed.set(landed));
        let mut state = self.flight.line.0.lock();
        let (waiting, alarm) = (core::mem::take(&mut state.waiting), state.alarm.take());
        drop(state);
        drop(alarm);
        waiting.into_values().for_each(wake);
    }

    /// Lets nobody join any more, if it leads so many followers. Who doesn't lead has nothing more to do.
    fn close_if(&mut self, closes: impl FnOnce(usize) -> bool) {
        let Self { flights, flight, number, done, .. } = self;
        let mut table = flights.table.lock();
        let leads = flight.line.0.lock().is_led_by(*number);
        let closes = leads && closes(flight.followers.load(Relaxed));
        *done = !leads || closes;
        let found = table.find_entry(flight.hash.get(), |other| Arc::ptr_eq(other, flight));
        let removed = found.ok().filter(|_| closes).map(|found| found.remove().0);
        drop(table);
        drop(removed);
    }
}

impl<K, V> Drop for Lead<K, V> {
    /// Panicked, dropped, or with nothing to share: one who waits takes over.
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let line = &self.flight.line;
        let mut state = line.0.lock();
        if !state.is_led_by(self.number) {
            return;
        }
        state.leader = None;
        let next = state.call(line);
        drop(state);
        next.into_iter().for_each(wake);
        self.flights.remove_if_deserted(&self.flight);
    }
}

/// A call that waits for what a leader computes.
pub(crate) struct Follower<K, V> {
    flights: Arc<Flights<K, V>>,
    flight: Arc<Flight<K, V>>,
    timeout: Duration,
    /// Its place among those that wait, once it does.
    ticket: Option<u64>,
    wait: Option<Wait>,
}

/// How waiting ended.
pub(crate) enum Followed<K, V> {
    /// The flight landed: [`Follower::landed`].
    Published,
    /// The leader is gone, and this call takes over.
    Lead(Lead<K, V>),
    /// The leader waits for this very call, or for one that waits for it: the call computes for itself.
    Through,
}

impl<K, V> Follower<K, V> {
    /// What the flight came to.
    pub(crate) fn landed(&self) -> Option<&Published<V>> {
        self.flight.landed.get()
    }

    /// Asks how it stands, and has the task woken when that changes.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Followed<K, V>> {
        if self.landed().is_some() {
            return Poll::Ready(Followed::Published);
        }
        if self.wait.is_none() {
            let Some(wait) = Wait::on(self.flight.id) else { return Poll::Ready(Followed::Through) };
            self.wait = Some(wait);
        }
        let waker = context.waker().clone();
        let line = &self.flight.line;
        let mut state = line.0.lock();
        // Who lands wakes those who wait after it has landed.
        if self.flight.landed.get().is_some() {
            return Poll::Ready(Followed::Published);
        }
        if state.is_vacant() {
            let former = self.ticket.take().and_then(|ticket| state.waiting.remove(&ticket));
            let follows_one_given_up = state.leader.is_some();
            let number = state.succeed(line, self.timeout);
            drop(state);
            drop(former);
            return Poll::Ready(Followed::Lead(self.lead(number, follows_one_given_up)));
        }
        let ticket = *self.ticket.get_or_insert_with(|| {
            state.tickets += 1;
            state.tickets
        });
        let former = state.waiting.insert(ticket, waker);
        if state.alarm.is_none() {
            state.watch_leader(line);
        }
        drop(state);
        drop(former);
        Poll::Pending
    }

    /// Takes over from a leader whose time is over; does not wait.
    fn relieve(self) -> Option<Lead<K, V>> {
        let line = &self.flight.line;
        let mut state = line.0.lock();
        let number = state.is_stuck().then(|| state.succeed(line, self.timeout));
        drop(state);
        number.map(|number| self.lead(number, true))
    }

    fn lead(&self, number: u64, follows_one_given_up: bool) -> Lead<K, V> {
        let (flights, flight) = (Arc::clone(&self.flights), Arc::clone(&self.flight));
        Lead { flights, flight, number, follows_one_given_up, done: false }
    }

    /// Blocks the thread until waiting ends.
    pub(crate) fn block(&mut self) -> Followed<K, V> {
        block(self.timeout, |context| self.poll(context))
    }
}

/// Blocks the thread until something is there, and looks anew after `limit`, should nobody wake it: also
/// where the alarm can't have a thread.
pub(crate) fn block<T>(limit: Duration, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(there) = poll(&mut context) {
            return there;
        }
        thread::park_timeout(limit);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl<K, V> Drop for Follower<K, V> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.filter(|_| self.landed().is_none()) else {
            return self.leave();
        };
        let line = &self.flight.line;
        let mut state = line.0.lock();
        let former = state.waiting.remove(&ticket);
        // It was called to take over, and does not.
        let next = if state.called == ticket { state.call(line) } else { None };
        if state.waiting.is_empty() {
            state.alarm = None;
        }
        drop(state);
        drop(former);
        next.into_iter().for_each(wake);
        self.leave();
    }
}

impl<K, V> Follower<K, V> {
    fn leave(&self) {
        if self.flight.followers.fetch_sub(1, Relaxed) == 1 && self.landed().is_none() {
            self.flights.remove_if_deserted(&self.flight);
        }
    }
}

impl<K, V> fmt::Debug for Flights<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").finish_non_exhaustive()
    }
}
