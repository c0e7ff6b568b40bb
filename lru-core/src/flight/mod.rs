//! Single-flight: of calls that miss one key at one time, a leader computes, and followers receive
//! what it comes to.
//!
//! Invariant: no user code runs under a lock of this module, but the `Clone` and `Drop` of wakers: keys
//! are compared between two looks at the table, and followers copy the value from where it landed.
//!
//! Invariant: a flight has one leader at a time, or none for as long as it takes one follower to
//! take over. A leader that is gone without a value, panicked, dropped or given up, is followed by
//! one of those that wait, who begins anew; the others go on waiting.
//!
//! Invariant: a flight is in the table as long as somebody leads or follows it, and no longer.

mod alarm;
mod stack;

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

use crate::history::Moment;
use crate::key::KeyHash;
use alarm::Alarm;
#[cfg(feature = "testing")]
pub use alarm::pass;
pub(crate) use stack::Body;
use stack::{FlightId, Wait};

/// All computations of one cache that others may wait for.
pub(crate) struct Flights<K, V> {
    table: Mutex<HashTable<Arc<Flight<K, V>>>>,
}

/// A computation, and who waits for it.
pub(crate) struct Flight<K, V> {
    id: FlightId,
    hash: KeyHash,
    key: K,
    landed: OnceLock<Landed<V>>,
    /// How many follow. Raised under the lock of the table only: once the flight is out of it, nobody
    /// joins.
    followers: AtomicUsize,
    state: Mutex<State>,
}

/// What a flight came to.
pub(crate) enum Landed<V> {
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
    /// Those that wait, in the order in which they came.
    waiting: BTreeMap<u64, Waker>,
    tickets: u64,
    /// Wakes the first of them when the leader's time is over.
    alarm: Option<Alarm>,
}

struct Leader {
    number: u64,
    /// Since when it computes; `None` before it does.
    began: Option<Moment>,
    /// When it is given up; `None` if never.
    deadline: Option<Instant>,
}

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
        timeout: Option<Duration>,
        is_overtaken: impl Fn(Moment) -> bool,
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

    /// Whether somebody computes a key that has this hash and `matches`.
    pub(crate) fn is_in_flight(&self, hash: KeyHash, matches: impl Fn(&K) -> bool) -> bool {
        let table = self.table.lock();
        let of_hash = table.iter_hash(hash.get()).filter(|flight| flight.hash == hash);
        let candidates: Vec<_> = of_hash.cloned().collect();
        drop(table);
        candidates.iter().any(|flight| matches(&flight.key))
    }

    /// Takes it out of the table, if nobody leads or follows it any more.
    fn remove_if_deserted(&self, flight: &Arc<Flight<K, V>>) {
        self.remove_when(flight, || {
            flight.followers.load(Relaxed) == 0 && flight.state.lock().leader.is_none()
        });
    }

    /// Takes a flight out of the table where `when` holds: nobody joins it from now on.
    fn remove_when(&self, flight: &Arc<Flight<K, V>>, when: impl FnOnce() -> bool) {
        let mut table = self.table.lock();
        let removed = table
            .find_entry(flight.hash.get(), |other| Arc::ptr_eq(other, flight))
            .ok()
            .filter(|_| when())
            .map(|found| found.remove().0);
        drop(table);
        drop(removed);
    }
}

impl<K, V> Flight<K, V> {
    fn led_by_first(hash: KeyHash, key: K, timeout: Option<Duration>) -> Self {
        let leader = Leader { number: 0, began: None, deadline: deadline_after(timeout) };
        let state = State { leader: Some(leader), ..State::default() };
        Self {
            id: FlightId::new(),
            hash,
            key,
            landed: OnceLock::new(),
            followers: AtomicUsize::new(0),
            state: Mutex::new(state),
        }
    }

    /// Since when it is computed, by who leads it now.
    fn began(&self) -> Option<Moment> {
        self.state.lock().leader.as_ref().and_then(|leader| leader.began)
    }
}

impl State {
    fn is_led_by(&self, number: u64) -> bool {
        self.leader.as_ref().is_some_and(|leader| leader.number == number)
    }

    /// Who is to be woken first.
    fn first(&self) -> Option<Waker> {
        self.waiting.first_key_value().map(|(_, waker)| waker.clone())
    }

    /// Has the first who waits woken when the leader's time is over.
    fn set_alarm(&mut self) {
        let deadline = self.leader.as_ref().and_then(|leader| leader.deadline);
        self.alarm = deadline.and_then(|deadline| Some(Alarm::at(deadline, self.first()?)));
    }
}

fn deadline_after(timeout: Option<Duration>) -> Option<Instant> {
    alarm::now().checked_add(timeout?)
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
    pub(crate) fn begin(&self, began: Moment) {
        let mut state = self.flight.state.lock();
        if let Some(leader) = state.leader.as_mut().filter(|leader| leader.number == self.number) {
            leader.began = Some(began);
        }
    }

    /// Whether a leader took too long, and this one is there in its place.
    pub(crate) fn follows_one_given_up(&self) -> bool {
        self.follows_one_given_up
    }

    /// While this is there, calls that are made on this thread are made by the leader's body.
    pub(crate) fn body(&self) -> Body {
        Body::enter(self.flight.id)
    }

    /// Lets nobody join any more, and says whether anybody waits for what it came to. Not of one that
    /// was given up: somebody else computes for them.
    pub(crate) fn close(&mut self) -> bool {
        let Self { flights, flight, number, .. } = self;
        let mut leads = false;
        flights.remove_when(flight, || {
            leads = flight.state.lock().is_led_by(*number);
            leads
        });
        let is_followed = leads && flight.followers.load(Relaxed) > 0;
        self.done = !is_followed;
        is_followed
    }

    /// Tells those who wait.
    pub(crate) fn land(mut self, landed: Landed<V>) {
        self.done = true;
        // What it landed before stays: there is one at most.
        drop(self.flight.landed.set(landed));
        let mut state = self.flight.state.lock();
        let (waiting, alarm) = (core::mem::take(&mut state.waiting), state.alarm.take());
        drop(state);
        drop(alarm);
        waiting.into_values().for_each(Waker::wake);
    }
}

impl<K, V> Drop for Lead<K, V> {
    /// Panicked, dropped, or with nothing to share: one who waits takes over.
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut state = self.flight.state.lock();
        if !state.is_led_by(self.number) {
            return;
        }
        state.leader = None;
        state.alarm = None;
        let next = state.first();
        drop(state);
        if let Some(next) = next {
            next.wake();
        }
        self.flights.remove_if_deserted(&self.flight);
    }
}

/// A call that waits for what a leader computes.
pub(crate) struct Follower<K, V> {
    flights: Arc<Flights<K, V>>,
    flight: Arc<Flight<K, V>>,
    timeout: Option<Duration>,
    /// Its place among those that wait, once it does.
    ticket: Option<u64>,
    wait: Option<Wait>,
}

/// How waiting ended.
pub(crate) enum Followed<K, V> {
    /// The flight landed: [`Follower::landed`].
    Landed,
    /// The leader is gone, and this call takes over.
    Lead(Lead<K, V>),
    /// The leader waits for this very call, or for one that waits for it: the call computes for itself.
    Through,
}

impl<K, V> Follower<K, V> {
    /// What the flight came to.
    pub(crate) fn landed(&self) -> Option<&Landed<V>> {
        self.flight.landed.get()
    }

    /// Asks how it stands, and has the task woken when that changes.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Followed<K, V>> {
        if self.landed().is_some() {
            return Poll::Ready(Followed::Landed);
        }
        if self.wait.is_none() {
            let Some(wait) = Wait::on(self.flight.id) else { return Poll::Ready(Followed::Through) };
            self.wait = Some(wait);
        }
        let mut state = self.flight.state.lock();
        // Who lands wakes those who wait after it has landed.
        if self.flight.landed.get().is_some() {
            return Poll::Ready(Followed::Landed);
        }
        let deadline = state.leader.as_ref().map(|leader| leader.deadline);
        if deadline.is_none_or(|deadline| deadline.is_some_and(|deadline| deadline <= alarm::now())) {
            let former = self.ticket.take().and_then(|ticket| state.waiting.remove(&ticket));
            state.leaders += 1;
            let number = state.leaders;
            state.leader = Some(Leader { number, began: None, deadline: deadline_after(self.timeout) });
            state.set_alarm();
            drop(state);
            drop(former);
            let (flights, flight) = (Arc::clone(&self.flights), Arc::clone(&self.flight));
            let follows_one_given_up = deadline.is_some();
            let lead = Lead { flights, flight, number, follows_one_given_up, done: false };
            return Poll::Ready(Followed::Lead(lead));
        }
        let ticket = *self.ticket.get_or_insert_with(|| {
            state.tickets += 1;
            state.tickets
        });
        let former = state.waiting.insert(ticket, context.waker().clone());
        if state.waiting.first_key_value().is_some_and(|(first, _)| *first == ticket) {
            state.set_alarm();
        }
        drop(state);
        drop(former);
        Poll::Pending
    }

    /// Blocks the thread until waiting ends.
    pub(crate) fn block(&mut self) -> Followed<K, V> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(followed) = self.poll(&context) {
                return followed;
            }
            // Also where the alarm can't have a thread.
            thread::park_timeout(self.timeout.unwrap_or(Duration::MAX));
        }
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
        let mut state = self.flight.state.lock();
        let was_first = state.waiting.first_key_value().is_some_and(|(first, _)| *first == ticket);
        let former = state.waiting.remove(&ticket);
        if was_first {
            state.set_alarm();
        }
        // It may have been woken to take over.
        let next = if state.leader.is_none() { state.first() } else { None };
        drop(state);
        drop(former);
        if let Some(next) = next {
            next.wake();
        }
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
