//! The lookup of a call of many elements in the backend.

use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::codec::Opened;
use crate::backend::{BackendError, Lookup, Permission};
use crate::engine::{Engine, Placement};
use crate::expiry::EntryOptions;
use crate::flight::cycles::in_scope;
use crate::function::batch::backend::copies::Copied;
use crate::function::batch::backend::held::{HeldLease, HeldLeases, Leases};
use crate::function::batch::backend::requests::{ElementClaim, incomplete};
use crate::function::batch::backend::{BackendBatch, BatchCall, Value};
use crate::function::call::held_lease::{Held, Unusable};
use crate::function::call::remote::Currency;
use crate::function::result_policy::Sharing;
use crate::observe::stats::Transferred;
use crate::time::Instant;

/// What a lookup found, by the numbers of the elements.
struct Sorted<R> {
    found: Vec<(usize, R, Currency)>,
    /// The elements that this call computes.
    computed: Vec<usize>,
    /// The elements that other processes compute.
    waiting: Vec<usize>,
    /// The elements whose computation by another process had failed before this call began.
    failed: Vec<usize>,
}

impl<R> Default for Sorted<R> {
    fn default() -> Self {
        Self { found: Vec::new(), computed: Vec::new(), waiting: Vec::new(), failed: Vec::new() }
    }
}

impl<C: BatchCall, B: Held + Clone> BackendBatch<C, B>
where
    Value<C>: Serialize + DeserializeOwned,
{
    /// Looks up the elements that the body would be called with. Takes those that are found, and those that other processes
    /// compute, out of them.
    pub(super) async fn look<H: Sharing<C::Result>>(
        &mut self,
        sharing: H,
        options: &impl Fn(usize, &C::Lifecycle, &Value<C>) -> EntryOptions,
    ) {
        let mut numbers = core::mem::take(&mut self.call.asked);
        let mut all = Sorted::default();
        self.without_keys(&mut numbers, &mut all);
        while !numbers.is_empty() {
            if let Err(error) = self.look_once(&numbers, &mut all).await {
                all.computed.append(&mut numbers);
                self.failed_by(error);
                break;
            }
            numbers = core::mem::take(&mut all.failed);
            if let Err(error) = self.end_failures(&numbers).await {
                all.computed.append(&mut numbers);
                self.failed_by(error);
            }
        }
        let Sorted { mut found, mut computed, mut waiting, .. } = all;
        found.sort_unstable_by_key(|(number, ..)| *number);
        computed.sort_unstable();
        waiting.sort_unstable();
        self.hold(&computed);
        self.answer(found, sharing, options);
        self.waiting = waiting;
        self.call.asked = computed;
    }

    /// Sorts out the elements that have no key in the backend.
    fn without_keys(&mut self, numbers: &mut Vec<usize>, all: &mut Sorted<C::Result>) {
        let refusal = self.outside.handle.refusal.as_ref().map(BackendError::again);
        let is_refused = refusal.is_some();
        let mut errors: Vec<_> = refusal.into_iter().collect();
        let now = Instant::now();
        numbers.retain(|&number| {
            let element = &mut self.outside.elements[number];
            let error = element.key.as_ref().err().map(BackendError::again);
            if error.is_none() && !is_refused {
                return true;
            }
            if !is_refused {
                errors.extend(error);
            }
            element.claim = Some(ElementClaim { permission: Permission::Denied, looked_at: now });
            all.computed.push(number);
            false
        });
        for error in errors {
            self.failed_by(error);
        }
    }

    /// Looks elements up in one request.
    async fn look_once(
        &mut self,
        numbers: &[usize],
        all: &mut Sorted<C::Result>,
    ) -> Result<(), BackendError> {
        let has_copies = self.call.miss.handle.engines.maxsize() != Some(0);
        let options = self.outside.handle.lookup_options(has_copies);
        // If nothing is found, the computation that follows begins here as well.
        for number in numbers {
            self.outside.begin(*number);
        }
        let sent = Instant::now();
        let looked = {
            let handle = &self.outside.handle;
            let key = |number: &usize| self.outside.elements[*number].key.as_deref().unwrap_or_default();
            let keys: Vec<&[u8]> = numbers.iter().map(key).collect();
            // The backend may call the function.
            let look = async { handle.backend.get_or_lease_many(&handle.namespace, &keys, options).await };
            in_scope(self.call.flights.id, look).await
        };
        let bytes = |lookup: &Lookup| lookup.found.as_ref().map_or(0, |found| found.value.len());
        let read = looked.iter().flatten().map(bytes).sum();
        self.requested(sent, Transferred::Read(read));
        let looked = looked.and_then(|looked| match looked.len() {
            count if count == numbers.len() => Ok(looked),
            count => Err(incomplete(count, numbers.len())),
        });
        match looked {
            Ok(looked) => {
                self.sort(numbers.iter().copied().zip(looked), sent, all);
                Ok(())
            }
            Err(error) => {
                // As after the lookup of one key: with leases, the entries may be changed meanwhile.
                for number in numbers {
                    let permission =
                        if error.is_without_lease() { Permission::Unconditional } else { Permission::Denied };
                    self.outside.elements[*number].claim = Some(ElementClaim { permission, looked_at: sent });
                }
                Err(error)
            }
        }
    }

    /// Sorts elements by what was found.
    fn sort(
        &mut self,
        looked: impl Iterator<Item = (usize, Lookup)>,
        sent: Instant,
        all: &mut Sorted<C::Result>,
    ) {
        let mut damaged = Vec::new();
        // Values of the user's are decoded here.
        let scope = self.call.flights.scope();
        let is_global = self.outside.handle.lock_timeout.is_some();
        for (number, lookup) in looked {
            let unusable = Unusable::of(&lookup);
            let Lookup { found, permission, .. } = lookup;
            let element = &mut self.outside.elements[number];
            if let Permission::Leased(lease) = &permission {
                element.leased(lease);
            }
            let key = element.key.as_deref().unwrap_or_default();
            let opened = found.map(|found| self.outside.handle.decode(key, &found, self.call.miss.policy));
            match opened {
                Some(Opened::Found(result, remaining)) => {
                    all.found.push((number, result, self.outside.handle.currency(sent, remaining)));
                    continue;
                }
                Some(Opened::Damaged(error)) => damaged.push(error),
                Some(Opened::Stale(..) | Opened::Missing) | None => {}
            }
            let is_new = matches!(&permission, Permission::Leased(lease) if lease.is_new());
            let is_leased = matches!(permission, Permission::Leased(_));
            // A nested call from its own computation leads no flight and must not wait.
            let waits = is_global && is_leased && self.call.flights.leads_element(number);
            let has_waited = core::mem::replace(&mut element.has_waited, true);
            element.claim = Some(ElementClaim { permission, looked_at: sent });
            match unusable {
                Unusable::Nothing if waits && !is_new => all.waiting.push(number),
                Unusable::Failure if waits && !has_waited => all.failed.push(number),
                _ => all.computed.push(number),
            }
        }
        drop(scope);
        // A damaged entry is a miss, and is then overwritten: a strict function does not fail.
        for error in &damaged {
            self.reported(error);
        }
    }

    /// Ends failures of other processes that are over.
    async fn end_failures(&self, numbers: &[usize]) -> Result<(), BackendError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let of_failure = |number: &usize| {
            let element = &self.outside.elements[*number];
            match (&element.key, &element.claim) {
                (Ok(key), Some(ElementClaim { permission: Permission::Leased(lease), .. })) => {
                    Some((&**key, lease))
                }
                _ => None,
            }
        };
        let leases: Vec<_> = numbers.iter().filter_map(of_failure).collect();
        self.outside.handle.backend.end_leases(&self.outside.handle.namespace, &leases).await
    }

    /// Holds the leases that lookups of this call left.
    fn hold(&mut self, numbers: &[usize]) {
        let held = |&number: &usize| {
            let element = &self.outside.elements[number];
            match (&element.key, &element.claim) {
                (Ok(key), Some(ElementClaim { permission: Permission::Leased(lease), .. })) => {
                    lease.is_new().then(|| HeldLease { number, key: key.clone(), lease: lease.clone() })
                }
                _ => None,
            }
        };
        let leases: Vec<_> = numbers.iter().filter_map(held).collect();
        if leases.is_empty() {
            return;
        }
        let handle = &self.outside.handle;
        self.outside.held = HeldLeases::new(Leases {
            backend: handle.backend.clone(),
            namespace: handle.namespace.clone(),
            held: leases,
            is_global: handle.lock_timeout.is_some(),
            is_blocking: handle.is_blocking,
            errors: self.errors(),
        });
    }

    /// Stores copies of what was found, and publishes it.
    fn answer<H: Sharing<C::Result>>(
        &mut self,
        found: Vec<(usize, C::Result, Currency)>,
        sharing: H,
        options: &impl Fn(usize, &C::Lifecycle, &Value<C>) -> EntryOptions,
    ) {
        if found.is_empty() {
            return;
        }
        // User code runs here, which may call the function.
        let scope = self.call.flights.scope();
        let policy = self.call.miss.policy;
        let copied = found.iter().map(|(number, result, currency)| {
            // The element was counted as a miss.
            self.call.miss.handle.at(self.call.miss.missing[*number].hash, |engine, _| {
                Engine::count_backend_hit(engine);
            });
            let judged = self
                .call
                .miss
                .handle
                .judge(result, policy, |lifecycle, value| options(*number, lifecycle, value));
            Copied { number: *number, result, options: judged, max_age: currency.max_age }
        });
        let copied: Vec<_> = copied.collect();
        self.call.copy(copied);
        self.inserted(found.iter().map(|(number, ..)| *number));
        let found = found.into_iter().map(|(number, result, currency)| (number, result, currency.current_at));
        self.publish(found, sharing);
        drop(scope);
    }
}
