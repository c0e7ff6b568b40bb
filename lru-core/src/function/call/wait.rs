//! Waiting for another call's computation; otherwise leading one.

use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::flight::Leader;
use crate::flight::cycles::ComputationId;
use crate::flight::follower::{Followed, Follower};
use crate::flight::join::Joined;
use crate::flight::leadership::Beginning;
use crate::flight::timeout::advanced;
use crate::function::call::coalesced::published;
use crate::function::call::computation::{Computation, LeaderOf};
use crate::function::call::pending_call::PendingCall;
use crate::function::call::remote::block_on;
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::store::Epoch;
use crate::tags::validity::Validity;
use crate::time::Instant;

/// The next step of a call that has joined the flight of its key.
enum Ready<R, K, V> {
    /// Another call has just stored the result.
    Answered(R),
    /// Another call computes the result.
    Wait(Follower<K, V>),
    /// This call computes as the leader of a flight that began at this time.
    Lead(Leader<K, V>, Instant),
    /// This call computes uncoalesced.
    Compute,
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
    /// Blocks until another call has computed the result; otherwise counts a miss. If the call's time is over, returns the
    /// result of `instead`, if there is one.
    pub(super) fn wait<R, H>(
        &mut self,
        sharing: H,
        instead: impl Fn() -> Option<R>,
    ) -> Result<R, Computation<E>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
    {
        loop {
            let mut follower = match self.ready() {
                Ready::Answered(result) => return Ok(result),
                Ready::Lead(leader, start) => return self.compute(Some(leader), Some(start)),
                Ready::Compute => return self.compute(None, None),
                Ready::Wait(follower) => follower,
            };
            let end = match self.limit {
                None => follower.block(),
                Some(_) => match block_on(self.follow_within(&mut follower, &instead)) {
                    Ok(end) => end,
                    Err(stale) => return Ok(stale),
                },
            };
            match self.followed(&follower, end, sharing) {
                Outcome::Shared(result) => return Ok(result),
                Outcome::Compute(leader) => return self.compute(leader, None),
                Outcome::Again => self.missed = Epoch::UNKNOWN,
            }
        }
    }

    /// Like [`PendingCall::wait`], but awaits the other call.
    pub(super) async fn wait_async<R, H>(
        &mut self,
        sharing: H,
        instead: impl Fn() -> Option<R>,
    ) -> Result<R, Computation<E>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
    {
        // No result is held across an await: an error in it need not be `Send`.
        loop {
            let mut follower = match self.ready() {
                Ready::Answered(result) => return Ok(result),
                Ready::Lead(leader, start) => return self.compute(Some(leader), Some(start)),
                Ready::Compute => return self.compute(None, None),
                Ready::Wait(follower) => follower,
            };
            let end = match self.follow_within(&mut follower, &instead).await {
                Ok(end) => end,
                Err(stale) => return Ok(stale),
            };
            match self.followed(&follower, end, sharing) {
                Outcome::Shared(result) => return Ok(result),
                Outcome::Compute(leader) => return self.compute(leader, None),
                Outcome::Again => self.missed = Epoch::UNKNOWN,
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
            return Ready::Compute;
        }
        loop {
            if self.missed == Epoch::UNKNOWN {
                self.missed = self.handle.at(self.hash, |engine, _| engine.epoch());
            }
            let start = Instant::now();
            match self.join(start) {
                Joined::Lead(leader) => return Ready::Lead(leader, start),
                Joined::Follow(follower) => {
                    self.following_since.get_or_insert(start);
                    return Ready::Wait(follower);
                }
                Joined::Ended => {
                    let Self { handle, hash, key, same, policy, .. } = &*self;
                    let read = |value: &StoredValue<E>| policy.restore(value);
                    let matches = |stored: &StoredKey<E>| same(stored, key);
                    let found = handle.at(*hash, |engine, lifecycle| {
                        engine.lookup_uncounted(*hash, matches, read, lifecycle)
                    });
                    match found {
                        Ok((result, _)) => return Ready::Answered(result),
                        Err(missed) => self.missed = missed,
                    }
                }
            }
        }
    }

    fn join(&mut self, start: Instant) -> Joined<StoredKey<E>, StoredValue<E>> {
        let Self { handle, hash, flight_key, same, options, missed, .. } = self;
        handle.at(*hash, |engine, _| {
            let is_superseded = |began| engine.is_superseded(began, *hash);
            // From its lookup on: a call that joins after a later change of the key gets a current result.
            let (epoch, time) = (Some(*missed), advanced(start));
            let (timeout, id) = (options.timeout, ComputationId::new());
            let beginning = Beginning { epoch, time, timeout, is_claim: false, id, is_open: false };
            engine.flights().join(*hash, flight_key, *same, beginning, is_superseded)
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
            Followed::Lead(leader) if !leader.may_be_joined() => Outcome::Again,
            Followed::Lead(leader) => {
                self.options.events.took_over(leader.is_after_timeout());
                Outcome::Compute(Some(leader))
            }
            // A call with a time limit computes apart, which only a leader does.
            Followed::Failed if self.limit.is_some() => Outcome::Again,
            Followed::Cycle | Followed::Failed => Outcome::Compute(None),
            Followed::TimedOut => {
                self.options.events.timed_out();
                Outcome::Compute(None)
            }
            Followed::Published => {
                let is_late = self.following_since.is_some_and(|began| !follower.may_share(began));
                if is_late || follower.is_invalidated() {
                    return Outcome::Again;
                }
                let Some(result) = published(follower, self.policy, sharing) else {
                    return Outcome::Compute(None);
                };
                let (result, _) = self.serve_stale_if_error(result);
                self.count(|counters| &counters.coalesced);
                // The leader may be a function with tags that shares the object.
                if follower.node().is_some() || self.handle.lifecycle.validity().is_some() {
                    Validity::shared(follower.node());
                }
                Outcome::Shared(result)
            }
        }
    }

    /// Counts the miss of a call that is to compute. A leader looks up the result once more if anything was stored since
    /// it missed: by an earlier leader, perhaps. The leader that began the flight did so at `first`.
    #[inline]
    fn compute<R>(&self, leader: Option<LeaderOf<E>>, first: Option<Instant>) -> Result<R, Computation<E>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let Self { handle, hash, missed, .. } = self;
        if !handle.stores {
            handle.at(*hash, |engine, _| engine.count_uncached_miss());
        }
        let start = first.unwrap_or_else(Instant::now);
        let Some(leader) = leader else {
            let began = handle
                .at(*hash, |engine, _| if handle.stores { engine.begin_call(*hash) } else { engine.epoch() });
            return Err(self.computation(None, began, start));
        };
        let is_current = first.is_some()
            && (!handle.stores || handle.at(*hash, |engine, _| engine.begin_call_at(*hash, *missed)));
        let began = if is_current {
            *missed
        } else {
            match self.lookup_as(&leader) {
                Ok(result) => return Ok(result),
                Err(began) => began,
            }
        };
        // The body begins later than this epoch: a call that joins before this is noted receives a current result.
        if first.is_none() || !began.has_changes_of(*missed) {
            leader.begin(began);
        }
        Err(self.computation(Some(leader), began, start))
    }

    /// Looks up the result as the leader of a flight. Returns the epoch of a miss.
    #[cold]
    fn lookup_as<R>(&self, leader: &LeaderOf<E>) -> Result<R, Epoch>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let Self { handle, hash, key, same, policy, .. } = self;
        if !handle.stores {
            return Err(handle.at(*hash, |engine, _| engine.epoch()));
        }
        // User code runs here (`Eq`, `Clone`), which may call the function.
        let _scope = leader.body_scope();
        let matches = |stored: &StoredKey<E>| same(stored, key);
        handle.at(*hash, |engine, lifecycle| {
            engine.lookup(*hash, matches, |value| policy.restore(value), lifecycle)
        })
    }
}
