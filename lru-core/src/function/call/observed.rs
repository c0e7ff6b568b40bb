//! Calls that tell where their result comes from (`cache_call`), and lookups that accept young results only.

use core::future::Future;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::sync::Arc;

use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::Freshness;
use crate::expiry::duration::IntoSpan;
use crate::function::call::begin::{CoalescedLookup, LookupOf};
use crate::function::call::handle::CacheHandle;
use crate::function::call::miss::Miss;
use crate::function::call::pending_call::FlightOptions;
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::observe::cached::{Cached, Source};

/// The lookup has found nothing, and nothing was computed.
const NOTHING: u8 = 0;
/// The lookup has found a fresh result.
const FRESH: u8 = 1;
/// The lookup has found a stale result.
const STALE: u8 = 2;
/// The body has returned.
const COMPUTED: u8 = 3;

/// What a coalesced call notes of its course. Clones are one note: a part of the call may run as a task.
#[derive(Clone, Debug, Default)]
pub struct Observed(Arc<Notes>);

#[derive(Debug, Default)]
struct Notes {
    state: AtomicU8,
    /// Whether the options of the result's entry were made: of one that was computed or fetched, not of a stale one.
    is_judged: AtomicU8,
    /// Whether the call was answered by a stale result because the computation is slow; that may still note its end.
    is_answered_late: AtomicU8,
    /// In nanoseconds.
    age: AtomicU64,
}

impl Observed {
    /// Creates a note of a call that begins.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that the body has returned `result`, and returns it.
    pub fn computed<R>(&self, result: R) -> R {
        self.0.state.store(COMPUTED, Relaxed);
        result
    }

    /// Awaits the body, and notes that it has returned.
    pub async fn computing<F: Future>(self, body: F) -> F::Output {
        let result = body.await;
        self.computed(result)
    }

    /// Notes that the options of the result's entry are made.
    pub fn judged(&self) {
        self.0.is_judged.store(1, Relaxed);
    }

    /// Notes that the call is answered by a stale result because the computation is slow.
    pub fn answered_late(&self) {
        self.0.is_answered_late.store(1, Relaxed);
    }

    /// Returns the result of the call with its source and its age.
    pub fn cached<R, O: ResultPolicy<R>>(&self, result: R, policy: O) -> Cached<R> {
        let is_judged = self.0.is_judged.load(Relaxed) == 1;
        let is_late = self.0.is_answered_late.load(Relaxed) == 1;
        let source = match self.0.state.load(Relaxed) {
            _ if is_late => Source::Stale,
            FRESH => Source::Fresh,
            STALE => Source::Stale,
            // A result that is stored, and not the one that was computed, was served instead of an error.
            COMPUTED if !is_judged && policy.value(&result).is_some() => Source::Stale,
            COMPUTED => Source::Computed,
            _ if is_judged => Source::Backend,
            _ => Source::Coalesced,
        };
        let is_here = matches!(source, Source::Fresh | Source::Stale);
        let age = if is_here { Duration::from_nanos(self.0.age.load(Relaxed)) } else { Duration::ZERO };
        Cached::new(result, source, age)
    }

    fn looked<R, P, C>(&self, lookup: &CoalescedLookup<R, P, C>, age: Duration) {
        let state = match lookup {
            CoalescedLookup::Hit(_) => FRESH,
            CoalescedLookup::Stale(..) => STALE,
            CoalescedLookup::Miss(_) => NOTHING,
        };
        self.0.state.store(state, Relaxed);
        self.0.age.store(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Like [`CacheHandle::lookup`], with the source of a hit.
    ///
    /// # Errors
    ///
    /// Returns a [`Miss`] if the result must be computed.
    pub fn lookup_observed<Q, R, O>(self, key: Q, policy: O) -> Result<Cached<R>, Miss<E, S, O>>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let age = self.age(KeyHash::of_part(&key), &key).unwrap_or_default();
        self.lookup(key, policy).map(|result| Cached::new(result, Source::Fresh, age))
    }

    /// Like [`CacheHandle::begin_again`], and notes what is found.
    pub fn begin_observed<Q, R, O>(
        self,
        key: Q,
        policy: O,
        options: FlightOptions,
        is_repeated: bool,
        observed: &Observed,
    ) -> LookupOf<E, S, O, R>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let age = self.age(KeyHash::of_part(&key), &key).unwrap_or_default();
        let lookup = self.begin_again(key, policy, options, is_repeated);
        observed.looked(&lookup, age);
        if is_repeated && matches!(lookup, CoalescedLookup::Hit(_)) {
            // The call has refreshed it itself.
            observed.computed(());
            observed.judged();
        }
        lookup
    }

    /// Returns the cached result for the key if it is fresh and was stored less than `age` ago, and counts a hit; otherwise
    /// counts nothing.
    pub fn get_within<Q, R, O>(self, key: Q, policy: O, age: impl IntoSpan<Duration>) -> Option<R>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let (age, hash) = (age.into_span(), KeyHash::of_part(&key));
        self.age(hash, &key).filter(|stored| *stored < age)?;
        match self.lookup_uncounted(hash, &key, policy) {
            Ok((result, Freshness::Fresh)) => Some(result),
            _ => None,
        }
    }

    /// Returns the time since the result for the key was stored, if it is recorded and the result has not expired.
    fn age<Q: Part<Stored = StoredKey<E>>>(&self, hash: KeyHash, key: &Q) -> Option<Duration> {
        self.at(hash, |engine, lifecycle| {
            engine.find_with(
                hash,
                |stored| key.eq_stored(stored),
                |entry| {
                    let is_kept = !lifecycle.check(&entry.meta, lifecycle.now()).is_gone();
                    is_kept.then(|| lifecycle.age(&entry.meta))
                },
                lifecycle,
            )
        })?
    }
}

/// A result that was computed by a call of a function whose calls do not share.
pub fn computed<R>(result: R) -> Cached<R> {
    Cached::new(result, Source::Computed, Duration::ZERO)
}
