//! A coalesced call with a backend (L2): fetch, lock among processes, store, and what happens when one of
//! these fails.

use core::future::{Future, poll_fn};
use core::time::Duration;
use std::boxed::Box;
use std::panic::resume_unwind;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::{AsyncBackend, BackendError};
use crate::engine::{Engine, Placement};
use crate::function::call::backend_handle::{BackendEntry, Encoded};
use crate::function::call::computation::Computation;
use crate::function::call::cross_process::CrossProcessLock;
use crate::function::call::remote::{Computed, Fetched, Obtained, Remote};
use crate::function::call::strictness::{Lenient, Strictness};
use crate::function::result_policy::ResultPolicy;
use crate::key::KeyHash;
use crate::observe::stats::add;

/// The backend's entry for a call, and what the call does if the backend fails.
pub struct BackendCall<'e, B, T> {
    entry: &'e BackendEntry<B>,
    strictness: T,
}

impl<B> BackendEntry<B> {
    /// Returns the entry as a call uses it.
    pub fn call<T>(&self, strictness: T) -> BackendCall<'_, B, T> {
        BackendCall { entry: self, strictness }
    }
}

impl<E: Placement> Computation<E> {
    /// Returns whether the key has not been changed since the computation began, so that the result may be
    /// stored.
    fn is_current(&self) -> bool {
        !self.engines.at(self.hash, |engine| engine.is_superseded(self.began, self.hash))
    }
}

impl<B: AsyncBackend, T> BackendCall<'_, B, T> {
    /// Counts and reports an error. Returns what a strict function returns instead of its result.
    fn failed<R, E: Placement>(
        &self,
        computation: &Computation<E>,
        error: BackendError,
        strictness: impl Strictness<R>,
    ) -> Option<R> {
        computation.engines.at(computation.hash, |engine| add(&engine.counters().backend_errors, 1));
        self.entry.report(computation.events, error, strictness)
    }

    /// Fetches the result. A backend and the callback for its errors may call the function: those calls are
    /// attributed to the leader.
    async fn fetch_from<R, E, O>(&self, computation: &Computation<E>, policy: O) -> Option<Fetched<R>>
    where
        E: Placement,
        O: ResultPolicy<R, Value: DeserializeOwned>,
        T: Strictness<R>,
    {
        let fetched = computation.in_scope(false, self.entry.fetch(policy)).await.ok()?;
        let _scope = computation.body_scope();
        match fetched {
            Ok(found) => found.map(|(result, ttl)| Fetched::Found(result, ttl)),
            Err(error) => self.failed(computation, error, self.strictness).map(Fetched::Failed),
        }
    }

    /// Acquires the cross-process lock, or waits for the result of the process that holds it.
    async fn lock<R, E, O>(&self, computation: &Computation<E>, policy: O) -> Option<Obtained<R>>
    where
        E: Placement,
        O: ResultPolicy<R, Value: DeserializeOwned>,
        T: Strictness<R>,
    {
        let lock = CrossProcessLock::of(self.entry)?;
        let mut pauses = lock.pauses();
        loop {
            let is_locked = match lock.try_acquire().await {
                Ok(is_locked) => is_locked,
                Err(error) => {
                    let failed = self.failed(computation, error, self.strictness)?;
                    return Some(Obtained::Fetched(Fetched::Failed(failed)));
                }
            };
            // The process that held the lock before may have stored a result since the last fetch.
            if let Some(fetched) = self.fetch_from(computation, policy).await {
                if is_locked {
                    self.release(computation).await;
                }
                return Some(Obtained::Fetched(fetched));
            }
            if is_locked {
                return Some(Obtained::Locked);
            }
            let mut pause = pauses.next()?;
            poll_fn(|context| pause.poll(context)).await;
        }
    }

    /// Releases the cross-process lock. If that fails, the lock expires.
    async fn release<E: Placement>(&self, computation: &Computation<E>) {
        let Some(lock) = CrossProcessLock::of(self.entry) else { return };
        if let Err(error) = lock.release().await {
            self.failed::<(), E>(computation, error, Lenient);
        }
    }
}

impl<R, O, B, T> Remote<R, O> for BackendCall<'_, B, T>
where
    O: ResultPolicy<R, Value: Serialize + DeserializeOwned>,
    B: AsyncBackend,
    T: Strictness<R>,
{
    type Encoded = Result<Option<Encoded>, BackendError>;

    fn local_ttl(&self) -> Option<Duration> {
        self.entry.handle.local_ttl
    }

    async fn fetch<E: Placement>(&self, computation: &Computation<E>, policy: O) -> Option<Fetched<R>> {
        self.fetch_from(computation, policy).await
    }

    async fn obtain<E: Placement>(&self, computation: &Computation<E>, policy: O) -> Option<Obtained<R>> {
        let obtained = match self.fetch_from(computation, policy).await {
            Some(fetched) => Some(Obtained::Fetched(fetched)),
            // A nested call from its own computation leads no flight and must not wait.
            None if computation.leader.is_none() => None,
            None => computation.in_scope(false, self.lock(computation, policy)).await.ok()?,
        };
        if let Some(Obtained::Fetched(Fetched::Found(..))) = &obtained {
            // The call was counted as a miss.
            computation.engines.at(computation.hash, Engine::count_backend_hit);
        }
        obtained
    }

    fn inserted(&self, hash: KeyHash) {
        self.entry.inserted(hash);
    }

    fn encode(&self, result: &R, policy: O) -> Self::Encoded {
        self.entry.encode(result, policy)
    }

    async fn store<E: Placement>(&self, computation: &Computation<E>, encoded: Self::Encoded) -> Option<R> {
        let encoded = match encoded {
            Ok(encoded) => encoded.filter(|_| computation.is_current())?,
            Err(error) => return self.failed(computation, error, self.strictness),
        };
        let mut stored = self.entry.store(&encoded).await;
        // A change during the write makes the result out of date, also for calls that have fetched it since.
        if !computation.is_current() && stored.is_ok() {
            stored = self.entry.delete().await.map(drop);
            computation.engines.change(computation.hash, |engine| engine.invalidate_hash(computation.hash));
        }
        self.failed(computation, stored.err()?, self.strictness)
    }

    fn conclude<E: Placement>(
        &self,
        computed: impl Future<Output = Computed<E, R, Self::Encoded>> + Unpin,
    ) -> impl Future<Output = R> {
        Box::pin(async move {
            let (result, encoded, computation) = match computed.await {
                Computed::Answered(result) => return result,
                Computed::Result { result, encoded, computation } => (result, encoded, computation),
                Computed::Panicked(payload, computation) => {
                    if computation.is_locked {
                        self.release(&computation).await;
                    }
                    resume_unwind(payload)
                }
            };
            let instead = match encoded {
                Some(encoded) => Remote::<R, O>::store(self, &computation, encoded).await,
                None => None,
            };
            if computation.is_locked {
                self.release(&computation).await;
            }
            instead.unwrap_or(result)
        })
    }
}
