//! A coalesced call with a backend (L2): the lookup that takes a lease, the wait for another process, the store, and what
//! happens when one of these fails.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::time::Duration;
use std::boxed::Box;
use std::panic::resume_unwind;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::codec::{Opened, Remaining};
use crate::backend::{BackendError, Lookup, Permission};
use crate::engine::{Engine, Placement};
use crate::expiry::time_to_live::KeptOutside;
use crate::flight::executor::Task;
use crate::function::call::backend_entry::{BackendEntry, Encoded, Prepared};
use crate::function::call::backend_errors::ErrorReporter;
use crate::function::call::claim::{Claim, RefreshLease, StoreOutcome};
use crate::function::call::computation::Computation;
use crate::function::call::found_stale::{FoundStale, NotesStale, Noting};
use crate::function::call::held_lease::{Held, Pauses, Renewal, Unusable};
use crate::function::call::outside_tags::Looked;
use crate::function::call::remote::{Computed, Depends, Fetched, Obtained, Purpose, Remote, Stored};
use crate::function::call::strictness::{Lenient, Strictness};
use crate::function::result_policy::ResultPolicy;
use crate::key::KeyHash;
use crate::observe::stats::Transferred;
use crate::tags::validity::Validity;
use crate::time::Instant;

/// The backend's entry for a call, and what the call does if the backend fails, or finds a stale result.
pub struct BackendCall<'e, B, T> {
    pub(super) entry: &'e BackendEntry<B>,
    pub(super) strictness: T,
}

impl<B> BackendEntry<B> {
    /// Returns the entry as a call uses it.
    pub fn call<T>(&self, strictness: T) -> BackendCall<'_, B, T> {
        BackendCall { entry: self, strictness }
    }
}

impl<'e, B, T> BackendCall<'e, B, T> {
    /// Notes a stale result that is found.
    pub fn noting<V>(self, found: &FoundStale<V>) -> BackendCall<'e, B, Noting<'_, T, V>> {
        let Self { entry, strictness } = self;
        BackendCall { entry, strictness: Noting { strictness, found } }
    }
}

/// The claim of a call, and the stale result that its lookup found, if it may be served instead of an error.
pub struct CallClaim<B: Held, R> {
    claim: Claim<B>,
    stale: Option<R>,
}

/// A computed result as bytes, and the claim with which it is stored.
pub struct ToStore<B: Held> {
    encoded: Result<Option<Encoded>, BackendError>,
    claim: Claim<B>,
    is_failure: bool,
}

impl<E: Placement> Computation<E> {
    /// Returns whether the key has not been changed in the process since the computation began, so that the result may
    /// be stored.
    fn is_current(&self) -> bool {
        !self.engines.at(self.hash, |engine| engine.is_superseded(self.began, self.hash))
    }
}

impl<B: Held + Clone, T> BackendCall<'_, B, T> {
    /// Counts a request to the backend, which was sent at this time and has ended.
    fn requested<E: Placement>(&self, computation: &Computation<E>, sent: Instant, transferred: Transferred) {
        let took = sent.elapsed();
        computation.engines.at(computation.hash, |engine| {
            let counters = engine.counters();
            counters.requested(took, transferred);
            counters.circuit.set(|| {
                let backend = self.entry.handle.backend.clone();
                move || backend.circuit_state()
            });
        });
    }

    /// Counts and reports an error. Returns what a strict function returns instead of its result.
    fn failed<R, E: Placement>(
        &self,
        computation: &Computation<E>,
        error: BackendError,
        strictness: impl Strictness<R>,
    ) -> Option<R> {
        computation.engines.at(computation.hash, |engine| engine.counters().backend_errors.add(1));
        // The callback may call the function: those calls are attributed to the leader.
        let _scope = computation.body_scope();
        self.entry.report(computation.events, error, strictness)
    }

    /// Looks up the result. With `single_flight = global`, waits while another process computes it.
    async fn look<R, E, O>(
        &self,
        computation: &Computation<E>,
        policy: O,
        purpose: Purpose,
    ) -> Result<Obtained<R, CallClaim<B, R>>, BackendError>
    where
        E: Placement,
        O: ResultPolicy<R, Value: DeserializeOwned>,
        T: NotesStale<R, O>,
    {
        // A nested call from its own computation leads no flight and must not wait.
        let waits = self.entry.handle.lock_timeout.filter(|_| computation.leader.is_some());
        let has_copies = computation.engines.maxsize() != Some(0);
        let mut pauses = None;
        loop {
            let sent = Instant::now();
            let looked = self.entry.look(has_copies).await;
            let bytes =
                looked.as_ref().ok().and_then(|looked| Some(looked.lookup.found.as_ref()?.value.len()));
            self.requested(computation, sent, Transferred::Read(bytes.unwrap_or(0)));
            let Looked { lookup, nonces, noted, outdated } = looked?;
            let unusable = Unusable::of(&lookup);
            let Lookup { found, permission, .. } = lookup;
            let decoded = {
                let _scope = computation.body_scope();
                self.note_outdated(outdated, policy);
                self.entry.decode(found, policy)
            };
            let mut stale = None;
            match decoded? {
                Opened::Found(result, remaining) => {
                    self.forget_stale(computation);
                    let currency = self.entry.currency(sent, remaining);
                    return Ok(Obtained::Done(Fetched::Found(result, currency, Depends { noted })));
                }
                Opened::Stale(result, past, left) => {
                    {
                        let _scope = computation.body_scope();
                        self.strictness.note(&result, policy);
                    }
                    if let Some(served) = self.serves_stale(computation, purpose, (past, left)) {
                        // The copy is stale at once: the next call refreshes it.
                        let remaining = Remaining { fresh: Some(Duration::ZERO), ttl: Some(served) };
                        let currency = self.entry.currency(sent, remaining);
                        return Ok(Obtained::Done(Fetched::Found(result, currency, Depends { noted })));
                    }
                    let is_for_errors = self.entry.handle.stale_if_error.is_some_and(|window| past < window);
                    stale = Some(result).filter(|_| is_for_errors);
                }
                Opened::Missing => {}
                // A damaged entry is a miss, and is then overwritten: a strict function does not fail.
                Opened::Damaged(error) => {
                    self.failed::<(), E>(computation, error, Lenient);
                }
            }
            let compute = |claim| {
                self.forget_stale(computation);
                Ok(Obtained::Compute(CallClaim { claim, stale }))
            };
            let errors = || self.errors(computation);
            let (Some(timeout), Permission::Leased(lease)) = (waits, &permission) else {
                return compute(self.entry.claim_of((permission, nonces), sent, errors));
            };
            match unusable {
                Unusable::Nothing if lease.is_new() => {
                    return compute(self.entry.claim_of((permission, nonces), sent, errors));
                }
                Unusable::Nothing => {}
                // The calls that have waited go on at once.
                Unusable::Failure if pauses.is_some() => {
                    return compute(Claim { permission, held: None, looked_at: sent, nonces });
                }
                Unusable::Failure => {
                    Box::pin(self.entry.end(lease)).await?;
                    pauses = Some(Pauses::new(timeout));
                    continue;
                }
                Unusable::Value => {
                    let claimed = Box::pin(self.entry.claim_refresh(pauses.is_some(), errors));
                    let held = match claimed.await? {
                        RefreshLease::Held(held) => Some(Some(held)),
                        RefreshLease::Failed => Some(None),
                        RefreshLease::Taken => None,
                    };
                    if let Some(held) = held {
                        return compute(Claim { permission, held, looked_at: sent, nonces });
                    }
                }
            }
            match pauses.get_or_insert_with(|| Pauses::new(timeout)).next() {
                Some(mut pause) => poll_fn(|context| pause.poll(context)).await,
                None => return compute(Claim { permission, held: None, looked_at: sent, nonces }),
            }
        }
    }

    /// Returns what counts and reports the errors of requests for which the call does not wait.
    fn errors<E: Placement>(&self, computation: &Computation<E>) -> ErrorReporter {
        let counters = computation.engines.at(computation.hash, Engine::shared_counters);
        self.entry.reporter(counters, computation.events)
    }

    /// Gives up the lease of a call that stores nothing.
    async fn give_up<E: Placement>(&self, computation: &Computation<E>, claim: Claim<B>, has_failed: bool) {
        if let Err(error) = claim.give_up(has_failed).await {
            self.failed::<(), E>(computation, error, Lenient);
        }
    }

    /// Stores a computed result. Returns what a strict function returns instead if that fails.
    async fn store<R, E>(&self, computation: &Computation<E>, result: ToStore<B>) -> (Stored, Option<R>)
    where
        E: Placement,
        T: Strictness<R>,
    {
        let ToStore { encoded, claim, is_failure } = result;
        // A result that is not stored is not compared with a lease: it is current when it was looked up. An error may
        // be shared all the same.
        let mut kept = self.entry.currency(claim.looked_at, Remaining::NONE);
        if is_failure || claim.is_unconditional() {
            kept.current_at = None;
        }
        let kept = Stored::Kept(kept);
        let encoded = match encoded {
            // The engine does not keep a result that was superseded in the process.
            Ok(encoded) => encoded.filter(|_| computation.is_current()),
            Err(error) => {
                self.give_up(computation, claim, true).await;
                return (kept, self.failed(computation, error, self.strictness));
            }
        };
        let Some(encoded) = encoded else {
            self.give_up(computation, claim, is_failure).await;
            return (kept, None);
        };
        let (is_unconditional, looked_at) = (claim.is_unconditional(), claim.looked_at);
        let encoded = match self.entry.noted(encoded, &claim.nonces).await {
            Ok(Prepared::Ready(encoded)) => encoded,
            Ok(Prepared::Apart) => {
                self.give_up(computation, claim, false).await;
                return (kept, None);
            }
            Ok(Prepared::Outdated) => {
                self.give_up(computation, claim, false).await;
                computation.engines.at(computation.hash, Engine::count_superseded);
                return (Stored::Superseded(looked_at), None);
            }
            Err(error) => {
                self.give_up(computation, claim, true).await;
                return (kept, self.failed(computation, error, self.strictness));
            }
        };
        let is_sent = !matches!(claim.permission, Permission::Denied);
        let sent = Instant::now();
        let StoreOutcome { mut stored, mut error, not_given_up } =
            self.entry.store(claim, &encoded, sent).await;
        if is_sent {
            self.requested(computation, sent, Transferred::Written(encoded.bytes.len()));
        }
        if is_unconditional && error.is_none() && !computation.is_current() {
            // Without leases, a change in this process during the write makes the result out of date, also for calls
            // that have fetched it since.
            (stored, error) = (Stored::Superseded(looked_at), self.entry.delete().await.err());
        }
        if matches!(stored, Stored::Superseded(_)) {
            computation.engines.at(computation.hash, Engine::count_superseded);
        }
        if let Some(error) = not_given_up {
            self.failed::<(), E>(computation, error, Lenient);
        }
        (stored, error.and_then(|error| self.failed(computation, error, self.strictness)))
    }
}

impl<R, O, B, T> Remote<R, O> for BackendCall<'_, B, T>
where
    O: ResultPolicy<R, Value: Serialize + DeserializeOwned>,
    B: Held + Clone,
    T: NotesStale<R, O>,
{
    type Claim = CallClaim<B, R>;
    type Encoded = ToStore<B>;
    type Renewal = Option<Renewal>;

    const CATCHES: bool = true;

    fn start(_: Instant) -> Instant {
        Instant::now()
    }

    async fn obtain<E: Placement>(
        &self,
        computation: &Computation<E>,
        policy: O,
        purpose: Purpose,
    ) -> Obtained<R, CallClaim<B, R>> {
        let look = pin!(Some(self.look(computation, policy, purpose)));
        let obtained = match computation.in_scope(false, look, None).await {
            Ok(Ok(obtained)) => obtained,
            Ok(Err(error)) => {
                let claim = CallClaim { claim: Claim::after(&error, computation.start), stale: None };
                match self.failed(computation, error, self.strictness) {
                    Some(failed) => Obtained::Done(Fetched::Failed(failed)),
                    None => Obtained::Compute(claim),
                }
            }
            // Panics are not caught.
            Err(payload) => resume_unwind(payload),
        };
        if let Obtained::Done(Fetched::Found(..)) = &obtained {
            // The call was counted as a miss.
            computation.engines.at(computation.hash, Engine::count_backend_hit);
        }
        obtained
    }

    fn take_stale(&self, claim: &mut CallClaim<B, R>) -> Option<R> {
        claim.stale.take()
    }

    fn renewal(&self, claim: &CallClaim<B, R>) -> Option<Renewal> {
        claim.claim.renewal()
    }

    fn renewing(&self, claim: &CallClaim<B, R>) -> Option<Task> {
        claim.claim.renewing()
    }

    fn inserted(&self, hash: KeyHash) {
        self.entry.inserted(hash);
    }

    fn judged(&self, validity: &Validity, hash: KeyHash, cache: u64) {
        match &self.entry.tags {
            Some(tags) => validity.judged_outside(hash, cache, tags.entry),
            None => validity.judged(hash, cache),
        }
    }

    fn fetched(&self, validity: &Validity, depends: &Depends) {
        validity.fetched(depends.noted.clone());
    }

    fn encode(
        &self,
        result: &R,
        kept: KeptOutside,
        claim: CallClaim<B, R>,
        policy: O,
        validity: Option<&Validity>,
    ) -> ToStore<B> {
        let encoded = self.entry.encode(result, kept, policy).map(|encoded| {
            encoded.map(|encoded| Encoded { marked: validity.and_then(Validity::marked), ..encoded })
        });
        ToStore {
            encoded,
            claim: claim.claim,
            is_failure: kept == KeptOutside::Failed || policy.is_error(result),
        }
    }

    fn conclude<E: Placement, P>(
        &self,
        computed: impl Future<Output = Computed<E, P, R, ToStore<B>, CallClaim<B, R>>> + Unpin,
        complete: impl FnOnce(P, Computation<E>, R, Stored) -> R,
    ) -> impl Future<Output = R> {
        Box::pin(async move {
            match computed.await {
                Computed::Answered(result) => result,
                Computed::Result { result, encoded, stored, computation, pending } => {
                    let (stored, instead) = match encoded {
                        // Most calls with a backend find their result there: their futures do not need memory for this.
                        Some(encoded) => Box::pin(self.store(&computation, encoded)).await,
                        None => (stored, None),
                    };
                    let result = complete(pending, computation, result, stored);
                    instead.unwrap_or(result)
                }
                Computed::Panicked(payload, claim, computation) => {
                    Box::pin(self.give_up(&computation, claim.claim, true)).await;
                    resume_unwind(payload)
                }
            }
        })
    }
}
