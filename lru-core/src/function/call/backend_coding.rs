//! What is looked up in a backend, and how results are decoded and encoded, by the options of the function.

use core::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::codec::{Entry, Opened, Remaining};
use crate::backend::{BackendError, LookupOptions, Stored};
use crate::expiry::settings::MaxAge;
use crate::expiry::time_to_live::KeptOutside;
use crate::function::call::backend_entry::Encoded;
use crate::function::call::backend_handle::BackendHandle;
use crate::function::call::held_lease::{GLOBAL_LEASE, LEASE};
use crate::function::call::remote::Currency;
use crate::function::result_policy::ResultPolicy;
use crate::time::{Instant, SystemTime};

impl<B> BackendHandle<B> {
    /// Returns the options of a lookup.
    ///
    /// Without copies in the process and without a stale window, the backend's expiry suffices.
    pub(in crate::function) fn lookup_options(&self, has_copies: bool) -> LookupOptions {
        let lease = if self.lock_timeout.is_some() { GLOBAL_LEASE } else { LEASE };
        let options = LookupOptions::new(lease);
        if has_copies || self.keeps_stale() { options } else { options.without_ttl() }
    }

    /// Returns the entry for a key as the codec sees it, with values of type `V`.
    fn coded<'a, V: DeserializeOwned>(&'a self, key: &'a [u8]) -> Entry<'a, V> {
        let Self { format, namespace, state, .. } = self;
        Entry::new(*format, &state.shapes, namespace, key)
    }

    /// Decodes a stored value. The remaining time to live that the backend reports counts, if it reports one.
    pub(in crate::function) fn decode<R, O>(&self, key: &[u8], stored: &Stored, policy: O) -> Opened<R>
    where
        O: ResultPolicy<R, Value: DeserializeOwned>,
    {
        let opened = self.coded::<O::Value>(key).open(stored, SystemTime::now);
        opened.map(|value| policy.result_of(value))
    }

    /// Encodes a result; `None` if it is not to be stored.
    pub(in crate::function) fn encode<R, O>(
        &self,
        key: Result<&[u8], BackendError>,
        result: &R,
        kept: KeptOutside,
        policy: O,
    ) -> Result<Option<Encoded>, BackendError>
    where
        O: ResultPolicy<R, Value: Serialize + DeserializeOwned>,
    {
        let (ttl, error_ttl) = (self.present_ttl(), self.error_ttl);
        let Some(value) = policy.value(result).filter(|_| policy.stores(result)) else { return Ok(None) };
        let is_error = policy.is_error(result);
        let by_settings = |ttl: Option<Duration>| ttl.map(|ttl| self.scattered(ttl));
        let (fresh, may_be_stale) = match (kept, error_ttl.filter(|_| is_error)) {
            (KeptOutside::Failed | KeptOutside::No, _) => return Ok(None),
            // An error is never stale.
            (_, Some(error_ttl)) => (by_settings(Some(error_ttl)), false),
            (KeptOutside::BySettings, None) => (by_settings(ttl), !is_error),
            (KeptOutside::TakenOver(fresh), None) => match ttl {
                Some(ttl) => (by_settings(Some(ttl)), !is_error),
                None => (Some(fresh), false),
            },
            (KeptOutside::For { fresh, may_be_stale }, None) => (fresh, may_be_stale && !is_error),
        };
        let window = fresh.and_then(|fresh| self.stale_window(fresh)).filter(|_| may_be_stale);
        let ttl = fresh.map(|fresh| fresh.saturating_add(window.unwrap_or_default()));
        let bytes = self.coded::<O::Value>(key?).seal(value, (ttl, window), SystemTime::now())?;
        let is_shortened = self.jitter > 0.0 || kept != KeptOutside::BySettings;
        let max_age = Remaining { fresh: fresh.filter(|_| is_shortened), ttl: ttl.filter(|_| is_shortened) };
        Ok(Some(Encoded { bytes, ttl, max_age, marked: None }))
    }

    /// Returns how long a copy may be kept that was current when the request was sent at this time.
    pub(in crate::function) fn currency(&self, current_at: Instant, remaining: Remaining) -> Currency {
        Currency { max_age: self.max_age(current_at, remaining), current_at: Some(current_at) }
    }

    /// Returns how long a copy may be kept; `front_ttl` counts from the time when the request was sent.
    pub(in crate::function) fn max_age(&self, current_at: Instant, remaining: Remaining) -> Option<MaxAge> {
        let (fresh, kept) =
            (shorter(self.local_ttl, remaining.fresh), shorter(self.local_ttl, remaining.ttl));
        if fresh.is_none() && kept.is_none() {
            return None;
        }
        let [fresh, kept] = [fresh, kept].map(|age| age.unwrap_or(Duration::MAX));
        Some(MaxAge { since: current_at, fresh, kept })
    }
}

/// Returns the shorter of two times; `None` is unlimited.
fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
