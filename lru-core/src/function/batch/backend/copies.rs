//! The copies of results that the process keeps.

use core::marker::PhantomData;
use std::vec::Vec;

use crate::engine::batch::Computed;
use crate::engine::{InsertKind, Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::EntryOptions;
use crate::expiry::settings::MaxAge;
use crate::function::batch::shared::SharedBatch;
use crate::function::call::miss::PolicyComparison;
use crate::function::result_policy::ResultPolicy;

/// A result of which the process keeps a copy, if its options store it.
pub(super) struct Copied<'r, R> {
    pub(super) number: usize,
    pub(super) result: &'r R,
    /// `None` if the result policy does not store it.
    pub(super) options: Option<EntryOptions>,
    /// How long the copy may be kept.
    pub(super) max_age: Option<MaxAge>,
}

impl<E: Placement, S: Lifecycle<E::Types>, O, R> SharedBatch<E, S, O, R>
where
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    /// Keeps copies of results in the process.
    pub(super) fn copy(&mut self, copied: Vec<Copied<'_, R>>) {
        let Self { miss, keys, flights, .. } = self;
        let (handle, policy) = (&miss.handle, miss.policy);
        let mut entries = Vec::with_capacity(copied.len());
        let mut late = Vec::new();
        for Copied { number, result, options, max_age } in copied {
            if policy.is_error(result) {
                handle.count_error();
            }
            let Some(key) = keys[number].take().filter(|_| handle.stores) else {
                handle.count_unless_kept(options.as_ref());
                continue;
            };
            let (missing, options) =
                (miss.missing[number], options.map(|options| EntryOptions { max_age, ..options }));
            let Ok(entry) = handle.entry_of((missing.hash, key), result, policy, options) else { continue };
            // A call that was too slow does not replace what its successor has stored.
            if flights.is_replaced(number) {
                late.push((entry, missing.began));
            } else {
                entries.push(Computed { entry, began: missing.began });
            }
        }
        let compare =
            || PolicyComparison { same: miss.same, policy: PhantomData::<fn(O) -> R>, stopwatch: () };
        if !entries.is_empty() {
            handle.engines.insert_many(entries, &compare(), &handle.lifecycle);
        }
        for (entry, began) in late {
            handle.insert(entry, InsertKind::Revalidated(began), compare());
        }
    }

    /// Removes the copy of a result that another process has superseded.
    pub(super) fn remove_copy(&self, number: usize) {
        let (hash, same) = (self.miss.missing[number].hash, self.miss.same);
        let Some(key) = &self.keys[number] else { return };
        let matches = |stored: &StoredKey<E>| same(stored, key);
        self.miss.handle.change(hash, |engine, lifecycle| engine.invalidate(hash, matches, lifecycle));
    }

    /// Returns whether the key of an element has not been changed in the process since its computation began.
    pub(super) fn is_current(&self, number: usize) -> bool {
        let missing = self.miss.missing[number];
        !self.miss.handle.at(missing.hash, |engine, _| engine.is_superseded(missing.began, missing.hash))
    }
}
