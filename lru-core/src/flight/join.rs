//! What a call that misses comes to be.

use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;
use std::sync::Arc;
use std::vec::Vec;

use crate::flight::follower::Follower;
use crate::flight::leader::Lead;
use crate::flight::table::{Flight, Flights};
use crate::key::KeyHash;
use crate::store::change_log::Epoch;

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
}
