//! Stale results of a backend (L2) that a call serves, and which a later call refreshes.

use core::time::Duration;

use serde::de::DeserializeOwned;

use crate::backend::Stored;
use crate::backend::codec::Opened;
use crate::engine::Placement;
use crate::function::call::backend_call::BackendCall;
use crate::function::call::computation::Computation;
use crate::function::call::found_stale::NotesStale;
use crate::function::call::remote::Purpose;
use crate::function::result_policy::ResultPolicy;

impl<B, T> BackendCall<'_, B, T> {
    /// Records that the result is computed, or was found fresh: its next stale one may be served.
    pub(super) fn forget_stale<E: Placement>(&self, computation: &Computation<E>) {
        if self.entry.handle.swr.is_some() {
            self.entry.handle.state.served_stale.forget(computation.hash);
        }
    }

    /// Returns for how long a call returns a stale result, if a later one will refresh it: it finds a copy in the process, or
    /// that the result was served before.
    pub(super) fn serves_stale<E: Placement>(
        &self,
        computation: &Computation<E>,
        purpose: Purpose,
        (past, left): (Duration, Duration),
    ) -> Option<Duration> {
        let has_copies = computation.engines.maxsize() != Some(0);
        let served = self.entry.handle.served_for(past, left)?;
        let is_served = purpose == Purpose::Call
            && has_copies
            && self.entry.handle.state.served_stale.serve(computation.hash);
        is_served.then_some(served)
    }

    /// Notes a value that was invalidated, for a body that takes it.
    pub(super) fn note_outdated<R, O>(&self, outdated: Option<Stored>, policy: O)
    where
        O: ResultPolicy<R, Value: DeserializeOwned>,
        T: NotesStale<R, O>,
    {
        if !T::NOTES || outdated.is_none() {
            return;
        }
        if let Ok(Opened::Found(former, _) | Opened::Stale(former, ..)) = self.entry.decode(outdated, policy)
        {
            self.strictness.note(&former, policy);
        }
    }
}
