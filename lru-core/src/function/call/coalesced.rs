//! Calls that share what they compute: between a miss and the computation.
//!
//! A call that finds nothing boards. It follows the leader of its key's flight, and takes over where that
//! one is gone; or it leads, which is to look once more, compute, keep, and tell those who follow.
//! What is stale is served, and a claim given to whom is to refresh it: to lead a flight of its key,
//! in the background.
//!
//! Functions and async functions differ in how they wait, and in that the body of the latter is polled:
//! all else stands here once.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::sync::atomic::AtomicU64;
use core::time::Duration;
use std::boxed::Box;
use std::sync::OnceLock;
use std::time::Instant;

use crate::engine::insert::InsertKind;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::placement::{Placement, StoredKey, StoredValue};
use crate::expiry::duration::IntoSpan;
use crate::expiry::entry_info::Freshness;
use crate::flight::cycles::BodyScope;
use crate::flight::follower::{Followed, Follower};
use crate::flight::join::Joined;
use crate::flight::leader::Leader;
use crate::flight::table::Published;
use crate::function::call::{CacheHandle, Miss, Pending};
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::key::{KeyHash, Part};
use crate::observe::events::{Events, Unfinished};
use crate::observe::location::FunctionLocation;
use crate::observe::stats::{Counters, add};
use crate::store::change_log::Epoch;
use crate::store::entry::Entry;

/// How calls share what they compute.
#[derive(Clone, Copy, Debug)]
pub struct FlightOptions {
    /// Whether they do at all.
    single: bool,
    /// When a leader is given up.
    pub(crate) timeout: Duration,
    /// Of which function events tell.
    pub(crate) events: Events,
}

impl FlightOptions {
    /// One computes for all.
    pub const SINGLE: Self = Self { single: true, timeout: PATIENCE, events: Events::NONE };
    /// Each for itself.
    pub const ALONE: Self = Self { single: false, timeout: PATIENCE, events: Events::NONE };

    /// When a leader is given up.
    #[must_use]
    pub fn timeout(self, timeout: impl IntoSpan<Duration>) -> Self {
        Self { timeout: timeout.into_span(), ..self }
    }

    /// Where the function stands, for events to tell; `None` where nobody listens.
    #[must_use]
    pub const fn at(self, site: Option<&'static FunctionLocation>) -> Self {
        let Self { single, timeout, .. } = self;
        Self { single, timeout, events: Events::of(site) }
    }
}

/// When a leader is given up, where nobody says.
const PATIENCE: Duration = Duration::from_secs(30);

/// What became of a call that looked for its result.
#[derive(Debug)]
pub enum CoalescedLookup<R, B, C> {
    /// It is there.
    Hit(R),
    /// It is there and stale; with a claim, where the caller is to see to its refresh.
    Stale(R, Option<C>),
    /// It must be computed, by whomever.
    Miss(B),
}

/// A call that looked, and how it may go on.
type Looked<E, S, O, R> = CoalescedLookup<R, PendingCall<E, S, O>, RefreshClaim<E, S, O>>;

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// A call whose result may be stale, or computed by another call.
    #[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn board<Q, R, O>(self, key: Q, outcome: O, flight: FlightOptions) -> Looked<E, S, O, R>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        let hash = KeyHash::of_part(&key);
        match self.lookup_uncounted(hash, &key, outcome) {
            Some((result, Freshness::Fresh | Freshness::ErrorOnly | Freshness::Expired)) => {
                CoalescedLookup::Hit(result)
            }
            Some((result, Freshness::Stale { due })) => self.stale(hash, &key, outcome, flight, result, due),
            None => self.missed(hash, &key, outcome, flight),
        }
    }

    // Not inlined: where the call is, it would take registers and stack from the hit.
    #[inline(never)]
    fn missed<Q, R, O>(self, hash: KeyHash, key: &Q, outcome: O, flight: FlightOptions) -> Looked<E, S, O, R>
    where
        Q: Part<Stored = StoredKey<E>>,
    {
        let own = flight.single.then(|| key.to_stored());
        CoalescedLookup::Miss(self.boarding(hash, key, own, outcome, flight))
    }

    #[inline(never)]
    fn stale<Q, R, O>(
        self,
        hash: KeyHash,
        key: &Q,
        outcome: O,
        flight: FlightOptions,
        result: R,
        due: bool,
    ) -> Looked<E, S, O, R>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        let matches = |stored: &StoredKey<E>| key.eq_stored(stored);
        let is_in_flight = self.at(hash, |engine, _| {
            add(&engine.tallies().stale_hits, 1);
            due && engine.flights().is_in_flight(hash, matches)
        });
        if !due || is_in_flight {
            return CoalescedLookup::Stale(result, None);
        }
        let own = Some(key.to_stored());
        CoalescedLookup::Stale(result, self.boarding(hash, key, own, outcome, flight).claim())
    }

    /// As [`CacheHandle::board`]; `again` where the call has found something stale, and refreshed it itself: it is
    /// counted already.
    pub fn board_again<Q, R, O>(
        self,
        key: Q,
        outcome: O,
        flight: FlightOptions,
        again: bool,
    ) -> Looked<E, S, O, R>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        if !again {
            return self.board(key, outcome, flight);
        }
        let (hash, matches) = (KeyHash::of_part(&key), |stored: &StoredKey<E>| key.eq_stored(stored));
        let read = |kept: &StoredValue<E>| outcome.answer(kept);
        if let Some(result) = self.at(hash, |engine, plan| engine.peek_with(hash, matches, read, plan)) {
            return CoalescedLookup::Hit(result);
        }
        self.at(hash, |engine, _| engine.uncount_hit());
        self.board(key, outcome, flight)
    }

    fn boarding<Q: Part<Stored = StoredKey<E>>, O>(
        self,
        hash: KeyHash,
        key: &Q,
        own: Option<StoredKey<E>>,
        outcome: O,
        flight: FlightOptions,
    ) -> PendingCall<E, S, O> {
        let (key, same) = (key.to_stored(), Q::stored_eq);
        PendingCall { calls: self, hash, key, own, same, outcome, flight, left: None }
    }
}

/// A call that found nothing. Owns the key, and borrows no argument.
#[must_use = "the result is computed by `fly`"]
pub struct PendingCall<E: Placement, S, O> {
    pub(crate) calls: CacheHandle<E, S>,
    pub(crate) hash: KeyHash,
    key: StoredKey<E>,
    /// The key once more, for a flight.
    own: Option<StoredKey<E>>,
    same: fn(&StoredKey<E>, &StoredKey<E>) -> bool,
    pub(crate) outcome: O,
    pub(crate) flight: FlightOptions,
    /// How long the result is good for in this process, where it also lies elsewhere.
    pub(crate) left: Option<Duration>,
}

/// How a call goes on.
enum Ready<R, K, V> {
    /// Another has computed what it asks for.
    Answered(R),
    /// Another computes it.
    Wait(Follower<K, V>),
    /// It computes: for others too, or for itself.
    Compute(Option<Leader<K, V>>),
}

/// A computation that a call sets out on: for others too where it leads, and since when.
pub(crate) struct Departure<K, V> {
    pub(crate) lead: Option<Leader<K, V>>,
    pub(crate) began: Epoch,
}

/// A call's computation.
pub(crate) type DepartureOf<E> = Departure<StoredKey<E>, StoredValue<E>>;

/// The lead of a call's computation.
pub(crate) type LeaderOf<E> = Leader<StoredKey<E>, StoredValue<E>>;

impl<K, V> Departure<K, V> {
    /// While this is there, calls that are made on this thread are made by the body.
    pub(crate) fn body(&self) -> Option<BodyScope> {
        self.lead.as_ref().map(Leader::body_scope)
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O> PendingCall<E, S, O> {
    /// Computes the result by `body`, or waits until another call has. `keep` brings it in.
    pub fn fly<R, H>(
        mut self,
        sharing: H,
        body: impl FnOnce() -> R,
        keep: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) -> R
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
        H: Sharing<R>,
    {
        let departure = match self.depart(sharing) {
            Ok(result) => return result,
            Err(departure) => departure,
        };
        let start = Instant::now();
        let result = {
            let _body = departure.body();
            body()
        };
        self.arrive(departure, start, sharing, result, keep).0
    }

    /// The same, where `body` is awaited, and so is another call.
    ///
    /// In a box: most calls hit, and their futures should not have room for all of this, to be moved about.
    pub fn fly_async<R, H>(
        mut self,
        sharing: H,
        body: impl Future<Output = R>,
        keep: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) -> Pin<Box<impl Future<Output = R>>>
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
        H: Sharing<R>,
    {
        Box::pin(async move {
            let departure = match self.depart_async(sharing).await {
                Ok(result) => return result,
                Err(departure) => departure,
            };
            let start = Instant::now();
            let result = polled(departure.lead.as_ref(), body).await;
            self.arrive(departure, start, sharing, result, keep).0
        })
    }

    /// Waits for what another call computes; else sets out to compute, and counts a miss.
    pub(crate) fn depart<R, H>(&mut self, sharing: H) -> Result<R, DepartureOf<E>>
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
        H: Sharing<R>,
    {
        let lead = match self.ready() {
            Ready::Answered(result) => return Ok(result),
            Ready::Compute(lead) => lead,
            Ready::Wait(mut follower) => {
                let end = follower.block();
                match self.followed(&follower, end, sharing) {
                    Ok(result) => return Ok(result),
                    Err(lead) => lead,
                }
            }
        };
        self.begin(lead)
    }

    /// The same, awaited.
    pub(crate) async fn depart_async<R, H>(&mut self, sharing: H) -> Result<R, DepartureOf<E>>
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
        H: Sharing<R>,
    {
        // Nothing that holds a result lives across an await: an error in it may not be `Send`.
        let ready = match self.ready() {
            Ready::Answered(result) => return Ok(result),
            Ready::Compute(lead) => Ok(lead),
            Ready::Wait(follower) => Err(follower),
        };
        let lead = match ready {
            Ok(lead) => lead,
            Err(mut follower) => {
                let end = poll_fn(|context| follower.poll(context)).await;
                match self.followed(&follower, end, sharing) {
                    Ok(result) => return Ok(result),
                    Err(lead) => lead,
                }
            }
        };
        self.begin(lead)
    }

    /// To compute in the background what is stale; `None` where somebody does.
    fn claim(mut self) -> Option<RefreshClaim<E, S, O>> {
        let Self { calls, hash, own, same, flight, .. } = &mut self;
        let hash = *hash;
        let lead = calls.at(hash, |engine, _| {
            let is_overtaken = |began| engine.overtook(began, hash);
            engine.flights().claim(hash, own, *same, flight.timeout, is_overtaken)
        })?;
        let unfinished = Unfinished::new(self.flight.events);
        Some(RefreshClaim { boarding: self, lead, unfinished })
    }

    fn join(&mut self) -> Joined<StoredKey<E>, StoredValue<E>> {
        let Self { calls, hash, own, same, flight, .. } = self;
        let hash = *hash;
        calls.at(hash, |engine, _| {
            let is_overtaken = |began| engine.overtook(began, hash);
            engine.flights().join(hash, own, *same, flight.timeout, is_overtaken)
        })
    }

    fn ready<R>(&mut self) -> Ready<R, StoredKey<E>, StoredValue<E>>
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        // From inside an `Eq` or a `Clone`, under the lock, nobody waits for who may want the lock.
        if !self.flight.single || self.calls.engines.is_held() {
            return Ready::Compute(None);
        }
        loop {
            match self.join() {
                Joined::Lead(lead) => return Ready::Compute(Some(lead)),
                Joined::Follow(follower) => return Ready::Wait(follower),
                Joined::Ended => {
                    let Self { calls, hash, key, same, outcome, .. } = self;
                    let read = |kept: &StoredValue<E>| outcome.answer(kept);
                    let matches = |stored: &StoredKey<E>| same(stored, key);
                    if let Some((result, _)) =
                        calls.at(*hash, |engine, plan| engine.lookup_uncounted(*hash, matches, read, plan))
                    {
                        return Ready::Answered(result);
                    }
                }
            }
        }
    }

    /// What a call receives that has waited; else it computes.
    fn followed<R, H>(
        &self,
        follower: &Follower<StoredKey<E>, StoredValue<E>>,
        end: Followed<StoredKey<E>, StoredValue<E>>,
        sharing: H,
    ) -> Result<R, Option<LeaderOf<E>>>
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
        H: Sharing<R>,
    {
        match end {
            Followed::Lead(lead) => {
                self.flight.events.took_over(lead.is_after_timeout());
                Err(Some(lead))
            }
            Followed::Cycle => Err(None),
            Followed::Published => {
                let result = match follower.published() {
                    Some(Published::Stored(kept)) => Some(self.outcome.answer(kept)),
                    Some(Published::Whole(packed)) => sharing.unpack(&**packed),
                    None => None,
                };
                let result = self.spared(result.ok_or(None)?).0;
                self.tally(|tallies| &tallies.coalesced);
                Ok(result)
            }
        }
    }

    /// Puts what is there in the place of an error, however stale it is, where that is wanted. Says whether
    /// it did.
    fn spared<R>(&self, result: R) -> (R, bool)
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        if !self.calls.plan.serves_on_error() || !self.outcome.is_error(&result) {
            return (result, false);
        }
        match self.spare() {
            Some(stale) => {
                self.tally(|tallies| &tallies.stale_hits);
                (stale, true)
            }
            None => (result, false),
        }
    }

    /// Counts the miss of a call that is to compute. Who leads looks once more: a leader before may have
    /// brought the result in since.
    fn begin<R>(&self, lead: Option<LeaderOf<E>>) -> Result<R, DepartureOf<E>>
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        let Self { calls, hash, key, same, outcome, .. } = self;
        if !calls.stores {
            calls.at(*hash, |engine, _| engine.miss_uncached());
        }
        let Some(lead) = lead else {
            let began =
                calls.at(*hash, |engine, _| if calls.stores { engine.begin_call() } else { engine.moment() });
            return Err(Departure { lead: None, began });
        };
        // `Eq` and `Clone` may call back.
        let body = lead.body_scope();
        let looked = calls.at(*hash, |engine, plan| {
            let before = engine.moment();
            lead.begin(before);
            if calls.stores {
                engine.lookup(*hash, |stored| same(stored, key), |kept| outcome.answer(kept), plan)
            } else {
                Err(before)
            }
        });
        drop(body);
        looked.map_err(|began| Departure { lead: Some(lead), began })
    }

    /// The computation is over: keeps what came of it, and tells those who wait. Says whether something stale
    /// took its place.
    pub(crate) fn arrive<R, H>(
        self,
        departure: DepartureOf<E>,
        start: Instant,
        sharing: H,
        result: R,
        keep: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) -> (R, bool)
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
        H: Sharing<R>,
    {
        let Departure { lead, began } = departure;
        // What runs here of the user's may call back.
        let _body = lead.as_ref().map(Leader::body_scope);
        let (outcome, events, took) = (self.outcome, self.flight.events, start.elapsed());
        self.calls.at(self.hash, |engine, _| engine.tallies().computed(took));
        events.computed(took, outcome.is_error(&result));
        let (result, is_spared) = self.spared(result);
        let result = if is_spared {
            self.tally(|tallies| &tallies.errors);
            events.served_stale();
            result
        } else {
            let is_given_up = lead.as_ref().is_some_and(|lead| !lead.leads());
            let origin =
                if is_given_up { InsertKind::Revalidated(began) } else { InsertKind::Computed(began) };
            keep(self.miss(origin), result)
        };
        if let Some(lead) = lead {
            share(lead, outcome, sharing, &result);
        }
        (result, is_spared)
    }

    /// What is there, however stale.
    fn spare<R>(&self) -> Option<R>
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        let Self { calls, hash, key, same, outcome, .. } = self;
        calls.at(*hash, |engine, plan| {
            let read = |entry: &Entry<E::Types>| {
                let is_kept = plan.check(&entry.term, plan.now()) != Freshness::Expired;
                is_kept.then(|| outcome.answer(&entry.value))
            };
            engine.find_with(*hash, |stored| same(stored, key), read, plan)
        })
    }

    /// Counts one more.
    fn tally(&self, which: impl FnOnce(&Counters) -> &AtomicU64) {
        self.calls.at(self.hash, |engine, _| add(which(engine.tallies()), 1));
    }

    pub(crate) fn miss(self, origin: InsertKind) -> Miss<E, S, O> {
        let Self { calls, hash, key, same, outcome, left, .. } = self;
        let pending = calls.stores.then_some(Pending { hash, key, origin, same, left });
        Miss { calls, pending, outcome }
    }
}

/// Awaits a body. Calls that it makes while it is polled are known to be made by it, and so are those that
/// its destructors make where it is dropped half-way.
pub(crate) async fn polled<R, K, V>(lead: Option<&Leader<K, V>>, body: impl Future<Output = R>) -> R {
    // Dropped after the body.
    let end = OnceLock::new();
    let mut body = pin!(body);
    // Dropped before it.
    let _ending = Ending { lead, end: &end };
    poll_fn(|context| {
        let _body = lead.map(Leader::body_scope);
        body.as_mut().poll(context)
    })
    .await
}

/// The body is about to be dropped when this is.
struct Ending<'a, K, V> {
    lead: Option<&'a Leader<K, V>>,
    end: &'a OnceLock<BodyScope>,
}

impl<K, V> Drop for Ending<'_, K, V> {
    fn drop(&mut self) {
        if let Some(lead) = self.lead {
            _ = self.end.set(lead.body_scope());
        }
    }
}

/// Tells those who wait. Where they can't have a copy, one of them computes next.
pub(crate) fn share<R, K, V, O, H>(mut lead: Leader<K, V>, outcome: O, sharing: H, result: &R)
where
    O: ResultPolicy<R, Kept = V>,
    H: Sharing<R>,
{
    if (outcome.is_error(result) && !H::COPIES) || !lead.is_followed() {
        return;
    }
    let kept = outcome.kept(result).map(Published::Stored);
    if let Some(landed) = kept.or_else(|| sharing.pack(result).map(Published::Whole)) {
        lead.publish(landed);
    }
}

/// A stale result's refresh, to be run in the background. Dropped, or unwound, it leaves the refresh to the
/// next call.
#[must_use = "nobody else refreshes the result meanwhile"]
pub struct RefreshClaim<E: Placement, S, O> {
    pub(crate) boarding: PendingCall<E, S, O>,
    pub(crate) lead: LeaderOf<E>,
    pub(crate) unfinished: Unfinished,
}

impl<E: Placement + Clone, S: Lifecycle<E::Types>, O> RefreshClaim<E, S, O> {
    /// Computes the result by `body`. `keep` brings it in, in place of the stale one; an error does not
    /// take its place, and is not asked for again at once.
    pub fn refresh<R, H>(self, sharing: H, body: impl FnOnce() -> R, keep: impl FnOnce(Miss<E, S, O>, R) -> R)
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
        H: Sharing<R>,
    {
        let Some((began, start)) = self.begin() else { return };
        let result = {
            let _body = self.lead.body_scope();
            body()
        };
        self.arrive(began, start, sharing, result, keep);
    }

    /// The same, where `body` is awaited.
    pub async fn refresh_async<R, H>(
        self,
        sharing: H,
        body: impl Future<Output = R>,
        keep: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
        H: Sharing<R>,
    {
        let Some((began, start)) = self.begin() else { return };
        let result = polled(Some(&self.lead), body).await;
        self.arrive(began, start, sharing, result, keep);
    }

    /// `None` where another call has taken over by now.
    pub(crate) fn begin(&self) -> Option<(Epoch, Instant)> {
        let Self { boarding, lead, .. } = self;
        let began = boarding.calls.at(boarding.hash, |engine, _| engine.moment());
        lead.begin_anew(began, boarding.flight.timeout);
        lead.leads().then(|| (began, Instant::now()))
    }

    pub(crate) fn arrive<R, H>(
        self,
        began: Epoch,
        start: Instant,
        sharing: H,
        result: R,
        keep: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
        H: Sharing<R>,
    {
        let Self { boarding, lead, unfinished } = self;
        unfinished.done();
        // What runs here of the user's may call back.
        let _body = lead.body_scope();
        let PendingCall { calls, hash, key, same, outcome, flight, .. } = &boarding;
        let (outcome, hash, events, took) = (*outcome, *hash, flight.events, start.elapsed());
        let matches = |stored: &StoredKey<E>| same(stored, key);
        calls.at(hash, |engine, _| engine.tallies().computed(took));
        let result = if outcome.is_error(&result) {
            boarding.tally(|tallies| &tallies.errors);
            calls.at(hash, |engine, plan| {
                let noted = |entry: &Entry<E::Types>| {
                    let is_stale = plan.check(&entry.term, plan.now()) != Freshness::Fresh;
                    is_stale.then(|| plan.refresh_failed(&entry.term))
                };
                engine.find_with(hash, matches, noted, plan);
            });
            events.refresh_failed(took);
            result
        } else {
            if !outcome.keeps(&result) {
                calls.change(hash, |engine, plan| engine.forget_stale(hash, matches, plan));
            }
            let engines = calls.engines.clone();
            let result = keep(boarding.miss(InsertKind::Revalidated(began)), result);
            // Who sees it counted finds it.
            engines.first(|engine| add(&engine.tallies().refreshes, 1));
            events.refreshed(took);
            result
        };
        share(lead, outcome, sharing, &result);
    }
}

macro_rules! opaque {
    ($($type:ident)*) => { $(
        impl<E: Placement, S, O> fmt::Debug for $type<E, S, O> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    )* };
}

opaque! { PendingCall RefreshClaim }
