//! Waiting for another call's computation; otherwise leading one.

use core::future::poll_fn;

use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::flight::Leader;
use crate::flight::follower::{Followed, Follower};
use crate::flight::join::Joined;
use crate::flight::table::Published;
use crate::function::call::computation::{Computation, LeaderOf};
use crate::function::call::pending_call::PendingCall;
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::time::Instant;

/// The next step of a call that has joined the flight of its key.
enum Ready<R, K, V> {
    /// Another call has just stored the result.
    Answered(R),
    /// Another call computes the result.
    Wait(Follower<K, V>),
    /// This call computes: as a leader, or uncoalesced.
    Compute(Option<Leader<K, V>>),
}

/// What a call that has followed a flight does.
enum Outcome<R, K, V> {
    /// It returns the result of the leader.
    Shared(R),
    /// It computes: as a leader, or uncoalesced.
    Compute(Option<Leader<K, V>>),
    /// It begins again, as the result may be out of date for it.
    Again,
}

impl<E: Placement, S: Lifecycle<E::Types>, O> PendingCall<E, S, O> {
    /// Claims the computation of a stale result; `None` if another call computes it.
    pub(super) fn claim(&mut self) -> Option<LeaderOf<E>> {
        let Self { handle, hash, flight_key, same, options, .. } = self;
        handle.at(*hash, |engine, _| {
            let is_superseded = |began| engine.is_superseded(began, *hash);
            engine.flights().claim(*hash, flight_key, *same, options.timeout, is_superseded)
        })
    }
}

impl<E: Placement + Clone, S: Lifecycle<E::Types>, O> PendingCall<E, S, O> {
    /// Blocks until another call has computed the result; otherwise counts a miss.
    pub(super) fn wait<R, H>(&mut self, sharing: H) -> Result<R, Computation<E>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
    {
        loop {
            let mut follower = match self.ready() {
                Ready::Answered(result) => return Ok(result),
                Ready::Compute(leader) => return self.lead(leader),
                Ready::Wait(follower) => follower,
            };
            let end = follower.block();
            match self.followed(&follower, end, sharing) {
                Outcome::Shared(result) => return Ok(result),
                Outcome::Compute(leader) => return self.lead(leader),
                Outcome::Again => {}
            }
        }
    }

    /// Like [`PendingCall::wait`], but awaits the other call.
    pub(super) async fn wait_async<R, H>(&mut self, sharing: H) -> Result<R, Computation<E>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
    {
        // No result is held across an await: an error in it need not be `Send`.
        loop {
            let mut follower = match self.ready() {
                Ready::Answered(result) => return Ok(result),
                Ready::Compute(leader) => return self.lead(leader),
                Ready::Wait(follower) => follower,
            };
            let end = poll_fn(|context| follower.poll(context)).await;
            match self.followed(&follower, end, sharing) {
                Outcome::Shared(result) => return Ok(result),
                Outcome::Compute(leader) => return self.lead(leader),
                Outcome::Again => {}
            }
        }
    }

    fn ready<R>(&mut self) -> Ready<R, StoredKey<E>, StoredValue<E>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        // A nested call from an `Eq` or a `Clone`, made while the lock is held, must not wait for a leader
        // that may need the lock.
        if !self.options.is_single || self.handle.engines.is_held() {
            return Ready::Compute(None);
        }
        loop {
            match self.join() {
                Joined::Lead(leader) => return Ready::Compute(Some(leader)),
                Joined::Follow(follower) => {
                    self.following_since.get_or_insert_with(Instant::now);
                    return Ready::Wait(follower);
                }
                Joined::Ended => {
                    let Self { handle, hash, key, same, policy, .. } = self;
                    let read = |value: &StoredValue<E>| policy.restore(value);
                    let matches = |stored: &StoredKey<E>| same(stored, key);
                    let found = handle.at(*hash, |engine, lifecycle| {
                        engine.lookup_uncounted(*hash, matches, read, lifecycle)
                    });
                    if let Some((result, _)) = found {
                        return Ready::Answered(result);
                    }
                }
            }
        }
    }

    fn join(&mut self) -> Joined<StoredKey<E>, StoredValue<E>> {
        let Self { handle, hash, flight_key, same, options, .. } = self;
        handle.at(*hash, |engine, _| {
            let is_superseded = |began| engine.is_superseded(began, *hash);
            engine.flights().join(*hash, flight_key, *same, options.timeout, is_superseded)
        })
    }

    /// Returns the result that the leader has published to a follower; otherwise what the follower does.
    fn followed<R, H>(
        &self,
        follower: &Follower<StoredKey<E>, StoredValue<E>>,
        end: Followed<StoredKey<E>, StoredValue<E>>,
        sharing: H,
    ) -> Outcome<R, StoredKey<E>, StoredValue<E>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
    {
        match end {
            Followed::Lead(leader) => {
                self.options.events.took_over(leader.is_after_timeout());
                Outcome::Compute(Some(leader))
            }
            Followed::Cycle | Followed::Failed => Outcome::Compute(None),
            Followed::TimedOut => {
                self.options.events.timed_out();
                Outcome::Compute(None)
            }
            Followed::Published => {
                if self.following_since.is_some_and(|began| !follower.may_share(began)) {
                    return Outcome::Again;
                }
                let result = match follower.published() {
                    Some(Published::Stored(value)) => Some(self.policy.restore(value)),
                    Some(Published::Whole(packed)) => sharing.unpack(&**packed),
                    Some(Published::Superseded) => return Outcome::Again,
                    None => None,
                };
                let Some(result) = result else { return Outcome::Compute(None) };
                let (result, _) = self.serve_stale_if_error(result);
                self.count(|counters| &counters.coalesced);
                Outcome::Shared(result)
            }
        }
    }

    /// Counts the miss of a call that is to compute. A leader looks up the result once more, as an earlier
    /// leader may have inserted it meanwhile.
    fn lead<R>(&self, leader: Option<LeaderOf<E>>) -> Result<R, Computation<E>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let Self { handle, hash, key, same, policy, .. } = self;
        if !handle.stores {
            handle.at(*hash, |engine, _| engine.count_uncached_miss());
        }
        let Some(leader) = leader else {
            let began = handle
                .at(*hash, |engine, _| if handle.stores { engine.begin_call() } else { engine.epoch() });
            return Err(self.computation(None, began));
        };
        // User code runs here (`Eq`, `Clone`), which may call the function.
        let scope = leader.body_scope();
        let found = handle.at(*hash, |engine, lifecycle| {
            if handle.stores {
                engine.lookup(*hash, |stored| same(stored, key), |value| policy.restore(value), lifecycle)
            } else {
                Err(engine.epoch())
            }
        });
        drop(scope);
        found.map_err(|began| {
            // The body begins later than this epoch: a call that joins before this is noted receives a current result.
            leader.begin(began);
            self.computation(Some(leader), began)
        })
    }
}
