//! The end of a call of many elements that shares computations: what the body has returned is stored and published.

use core::marker::PhantomData;
use std::vec::Vec;

use crate::engine::placement::rounds::{Missing, count_twins, merged};
use crate::engine::{Engine, InsertKind, Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::EntryOptions;
use crate::function::batch::miss::{BatchMiss, Same};
use crate::function::batch::shared::SharedBatch;
use crate::function::batch::wrong_length::WrongLength;
use crate::function::call::coalesced::publish;
use crate::function::call::handle::CacheHandle;
use crate::function::call::miss::PolicyComparison;
use crate::function::result_policy::{ResultPolicy, Sharing};

impl<E: Placement, S: Lifecycle<E::Types>, O, R> SharedBatch<E, S, O, R>
where
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    /// Stores and publishes what the body has returned for the elements that it was asked for. `options` makes the options of an
    /// entry, by the number of the element among the missing ones.
    pub(super) fn land<H: Sharing<R>>(
        &mut self,
        mut results: Vec<R>,
        sharing: H,
        options: impl Fn(usize, &S, &O::Value) -> EntryOptions,
    ) {
        // User code runs here, which may call the function.
        let scope = self.flights.scope();
        let asked = core::mem::take(&mut self.asked);
        // These results are stored already.
        let kept = self.replace_errors(&asked, &mut results);
        // In the order of their numbers.
        let leads = core::mem::take(&mut self.flights.leads);
        let Self { miss, keys, started, .. } = self;
        let BatchMiss { handle, policy, missing, same, .. } = &*miss;
        let is_replaced = |number| {
            let lead = leads.binary_search_by_key(&number, |lead| lead.number);
            lead.is_ok_and(|lead| !leads[lead].leader.leads())
        };
        let stores = handle.stores && !handle.is_bypassed();
        if !handle.is_bypassed() {
            let took = started.elapsed();
            handle.engines.first(|engine| engine.counters().computing.record(took));
        }
        // A call that was too slow does not replace what its successor has stored.
        let is_computed = |number: usize| kept.binary_search(&number).is_err();
        let computed = asked.iter().copied().zip(&results).filter(|(number, _)| is_computed(*number));
        let (late, in_time): (Vec<_>, Vec<_>) =
            computed.partition(|(number, _)| stores && is_replaced(*number));
        let in_time = in_time.into_iter().map(|(number, result)| {
            (number, missing[number], keys[number].take().filter(|_| stores), result)
        });
        handle.store_batch(in_time, (*policy, *same), &options);
        for (number, result) in late {
            if let Some(key) = keys[number].take() {
                handle.store_late((number, missing[number], key), result, (*policy, *same), &options);
            }
        }
        let mut leads = leads.into_iter().peekable();
        for (number, result) in asked.into_iter().zip(results) {
            let lead = leads.next_if(|lead| lead.number == number);
            // A kept result may be invalid for the calls that follow.
            if let Some(lead) = lead.filter(|_| is_computed(number) || !handle.has_tags()) {
                let terms = handle.terms_of_element(number, *started);
                publish(Some(lead.leader), *policy, sharing, &result, terms);
            }
            self.results[number] = Some(result);
        }
        drop(scope);
    }

    /// Ends the call with an error of the whole: the calls that follow compute for themselves.
    pub fn fail(mut self) {
        self.flights.fail();
        self.miss.fail();
    }

    /// Returns what was found, after counting the elements that are equal to others.
    pub(super) fn counted(self) -> (BatchMiss<E, S, O, R>, Vec<Option<R>>) {
        let BatchMiss { handle, twins, .. } = &self.miss;
        match (handle.is_bypassed(), handle.stores) {
            (true, _) => {}
            (false, true) => count_twins(&handle.engines, twins, false),
            // A cache that stores nothing has no hits of its own.
            (false, false) => twins.iter().for_each(|_| handle.engines.first(Engine::count_uncached_miss)),
        }
        (self.miss, self.results)
    }
}

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Stores the result of an element whose computation took too long, and which another call has computed.
    fn store_late<R, O: ResultPolicy<R, Stored = StoredValue<E>>>(
        &self,
        (number, missing, key): (usize, Missing, StoredKey<E>),
        result: &R,
        (policy, same): (O, Same<E>),
        options: impl Fn(usize, &S, &O::Value) -> EntryOptions,
    ) {
        let is_error = policy.is_error(result);
        if is_error {
            self.count_error();
        }
        let options = self.judge_element((number, missing), result, policy, options);
        let entry = match self.entry_of((missing.hash, key), result, policy, options) {
            Ok(entry) => entry,
            Err(key) => {
                if !is_error {
                    // Only what is stale: the other call may have stored its result.
                    self.remove_replaced(missing.hash, |stored| same(stored, &key), missing.insert_kind());
                }
                return;
            }
        };
        let compare = PolicyComparison { same, policy: PhantomData::<fn(O) -> R>, stopwatch: () };
        self.insert(entry, InsertKind::Revalidated(missing.began), compare);
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O, R: Clone> SharedBatch<E, S, O, R>
where
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    /// Stores and publishes what the body returned for the elements that it was asked for.
    ///
    /// # Errors
    ///
    /// Another number of results: what `wrong` makes of that. Nothing is stored.
    pub fn land_sequence<H: Sharing<R>, T>(
        &mut self,
        results: Vec<R>,
        sharing: H,
        options: impl Fn(usize, &S, &O::Value) -> EntryOptions,
        wrong: impl FnOnce(WrongLength) -> T,
    ) -> Result<(), T> {
        let (expected, returned) = (self.asked.len(), results.len());
        if expected != returned {
            self.flights.fail();
            return Err(self.miss.wrong_length(WrongLength { expected, returned }, wrong));
        }
        self.land(results, sharing, options);
        Ok(())
    }

    /// Returns the results of all elements, in their order.
    pub fn into_sequence(self) -> Vec<R> {
        let (miss, results) = self.counted();
        let results = results.into_iter().flatten().collect();
        merged(miss.hits, results, (&miss.missing, &miss.twins), R::clone)
    }
}
