//! Joining a flight: the first call that misses a key leads, the others follow.

use core::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::vec::Vec;

use crate::flight::follower::Follower;
use crate::flight::leader::Leader;
use crate::flight::leadership::Beginning;
use crate::flight::table::{Flight, FlightTable};
use crate::key::KeyHash;
use crate::store::Epoch;

/// The part of a call in the flight of its key.
pub(crate) enum Joined<K, V> {
    /// No other call computes the key: this one does.
    Lead(Leader<K, V>),
    /// Another call computes the key.
    Follow(Follower<K, V>),
    /// Another call has just computed the key, and its result may be in the cache.
    Ended,
}

impl<K, V> FlightTable<K, V> {
    /// Joins the flight of a key, or begins one, which takes the key from `key`. `beginning` is when the call begins,
    /// and how long it may take.
    ///
    /// `is_superseded` returns whether a computation that began at an epoch is out of date: its flight is not
    /// joined, and leaves the table.
    pub(crate) fn join(
        self: &Arc<Self>,
        hash: KeyHash,
        key: &mut Option<K>,
        same: impl Fn(&K, &K) -> bool,
        beginning: impl Into<Beginning>,
        is_superseded: impl Fn(Epoch) -> bool,
    ) -> Joined<K, V> {
        self.join_as(hash, key, same, beginning.into(), is_superseded)
    }

    fn join_as(
        self: &Arc<Self>,
        hash: KeyHash,
        key: &mut Option<K>,
        same: impl Fn(&K, &K) -> bool,
        beginning: Beginning,
        is_superseded: impl Fn(Epoch) -> bool,
    ) -> Joined<K, V> {
        let mut rejected: Vec<Arc<Flight<K, V>>> = Vec::new();
        loop {
            let mut table = self.0.lock();
            let is_candidate = |flight: &&Arc<Flight<K, V>>| {
                flight.hash == hash && !rejected.iter().any(|rejected| Arc::ptr_eq(rejected, flight))
            };
            if !table.iter_hash(hash.get()).any(|flight| is_candidate(&flight)) {
                let Some(key) = key.take() else { return Joined::Ended };
                let flight = Arc::new(Flight::new(hash, key, beginning));
                table.insert_unique(hash.get(), Arc::clone(&flight), |flight| flight.hash.get());
                drop(table);
                return Joined::Lead(Leader::first(Arc::clone(self), flight));
            }
            let candidates: Vec<_> = table.iter_hash(hash.get()).filter(is_candidate).cloned().collect();
            drop(table);
            for flight in candidates {
                if !key.as_ref().is_some_and(|key| same(&flight.key, key)) {
                    rejected.push(flight);
                    continue;
                }
                if let Some(began) = flight.began().filter(|began| is_superseded(*began)) {
                    // No call joins it later, when another leads it: there is one flight for each key.
                    self.remove_if(&flight, || flight.began() == Some(began));
                    rejected.push(flight);
                    continue;
                }
                let table = self.0.lock();
                if table.find(hash.get(), |other| Arc::ptr_eq(other, &flight)).is_none() {
                    return Joined::Ended;
                }
                flight.followers.fetch_add(1, Relaxed);
                drop(table);
                return Joined::Follow(Follower::new(Arc::clone(self), flight, beginning));
            }
        }
    }

    /// Claims the refresh of a key: begins its flight, or takes it over from a leader that has exceeded its timeout.
    /// `None` while another call computes the key.
    pub(crate) fn claim(
        self: &Arc<Self>,
        hash: KeyHash,
        key: &mut Option<K>,
        same: impl Fn(&K, &K) -> bool,
        beginning: impl Into<Beginning>,
        is_superseded: impl Fn(Epoch) -> bool,
    ) -> Option<Leader<K, V>> {
        let beginning = Beginning { is_claim: true, ..beginning.into() };
        match self.join_as(hash, key, same, beginning, is_superseded) {
            Joined::Lead(leader) => Some(leader),
            Joined::Follow(follower) => follower.take_over_if_stuck(),
            Joined::Ended => None,
        }
    }
}
