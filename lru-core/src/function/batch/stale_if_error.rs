//! Stale-if-error for each element: stale results are served, and kept, in place of an error of the body (RFC 5861).
//!
//! An error of the whole is replaced if there is a result for each element that the body was called with. An error of one
//! element is replaced by the result of that element.

use core::mem;
use std::vec::Vec;

use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::flight::table::Terms;
use crate::function::batch::argument::{Asked, Batch, Elements};
use crate::function::batch::gather::{Gather, GatherStep};
use crate::function::batch::shared::SharedBatch;
use crate::function::call::coalesced::publish;
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::store::Entry;

impl<E: Placement, S: Lifecycle<E::Types>, O, R> SharedBatch<E, S, O, R>
where
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    /// Returns the kept result of a missing element that may be served in place of an error.
    fn kept(&self, number: usize) -> Option<R> {
        let handle = &self.miss.handle;
        if !handle.lifecycle.serves_on_error() || handle.is_bypassed() {
            return None;
        }
        if self.miss.missing[number].is_forced && handle.has_tags() {
            // This call has invalidated it, after it began: the check could still pass.
            return None;
        }
        let key = self.keys[number].as_ref()?;
        let hash = self.miss.missing[number].hash;
        handle.at(hash, |engine, lifecycle| {
            let read = |entry: &Entry<E::Types>| {
                // A stored error does not stand in for another one.
                let is_usable = !O::is_stored_error(&entry.value)
                    && !lifecycle.check(&entry.meta, lifecycle.now()).is_gone();
                is_usable.then(|| self.miss.policy.restore(&entry.value))
            };
            let matches = |stored: &StoredKey<E>| (self.miss.same)(stored, key);
            engine.find_with(hash, matches, read, lifecycle)
        })
    }

    /// Returns the kept results of these elements, if there is one for each.
    fn kept_of_all(&self, numbers: &[usize]) -> Option<Vec<(usize, R)>> {
        numbers.iter().map(|&number| Some((number, self.kept(number)?))).collect()
    }

    /// Counts results that were served in place of an error, which was counted.
    fn count_stale(&self, number: usize) {
        let hash = self.miss.missing[number].hash;
        self.miss.handle.at(hash, |engine, _| engine.counters().stale_hits.add(1));
    }

    /// Returns what a call is answered with that has followed another: a kept result, if that has published an error.
    pub(super) fn unless_error(&self, number: usize, result: R) -> R {
        if !self.miss.policy.is_error(&result) {
            return result;
        }
        let Some(kept) = self.kept(number) else { return result };
        self.count_stale(number);
        kept
    }

    /// Replaces errors among the results of the body by kept results, and returns the numbers of these elements, in ascending
    /// order.
    pub(super) fn replace_errors(&self, asked: &[usize], results: &mut [R]) -> Vec<usize> {
        let mut replaced = Vec::new();
        if !self.miss.handle.lifecycle.serves_on_error() {
            return replaced;
        }
        for (&number, result) in asked.iter().zip(results) {
            if !self.miss.policy.is_error(result) {
                continue;
            }
            if let Some(kept) = self.kept(number) {
                self.miss.handle.count_error();
                self.count_stale(number);
                *result = kept;
                replaced.push(number);
            }
        }
        if !replaced.is_empty() {
            self.options.events.served_stale();
        }
        replaced
    }

    /// Like [`SharedBatch::take`], but leaves the elements there: if the body fails, a map of kept results is made of them.
    pub fn take_copies<B: Batch<Element: Clone>>(&self, elements: &mut Elements<B>) -> Asked<B> {
        // Elements are cloned, and sets are made here, which hash and compare them.
        let _scope = self.flights.scope();
        Asked::of(elements.copies(&self.asked))
    }

    /// Answers the elements that the body was called with by kept results, after it has returned an error. Returns whether there
    /// is one for each.
    pub fn serve_stale<H: Sharing<R>>(&mut self, sharing: H) -> bool {
        // Keys are compared and results are cloned here.
        let scope = self.flights.scope();
        let Some(kept) = self.kept_of_all(&self.asked) else { return false };
        self.asked.clear();
        self.answer_by_kept(kept, sharing);
        drop(scope);
        true
    }

    /// Stores kept results as those of the call, and publishes them.
    fn answer_by_kept<H: Sharing<R>>(&mut self, kept: Vec<(usize, R)>, sharing: H) {
        let (handle, took) = (&self.miss.handle, self.started.elapsed());
        handle.engines.first(|engine| engine.counters().computing.record(took));
        handle.count_error();
        self.options.events.served_stale();
        // In the order of their numbers, as the elements are.
        let mut leads = mem::take(&mut self.flights.leads).into_iter().peekable();
        for (number, result) in kept {
            self.count_stale(number);
            // Where results can be invalidated, the calls that follow look for kept results themselves: they may be invalid for them.
            let lead = leads.next_if(|lead| lead.number == number);
            if let Some(lead) = lead.filter(|_| !self.miss.handle.has_tags()) {
                publish(Some(lead.leader), self.miss.policy, sharing, &result, Terms::default());
            }
            self.results[number] = Some(result);
        }
    }

    /// Like [`SharedBatch::serve_stale`], after the body has returned an error for a group: each call of the group decides for
    /// its own elements.
    pub fn serve_stale_in_group<B: Batch, P, A, F, H: Sharing<R>>(
        &mut self,
        gather: &Gather<B, P, A, F>,
        error: &F,
        sharing: H,
    ) -> bool {
        // Keys are compared, and results and errors are cloned here.
        let scope = self.flights.scope();
        let own: Vec<usize> = self.asked.iter().copied().filter(|number| *number < gather.own).collect();
        let Some(kept) = self.kept_of_all(&own) else { return false };
        self.asked.clear();
        let (own, guests): (Vec<_>, Vec<_>) =
            mem::take(&mut self.flights.leads).into_iter().partition(|lead| lead.number < gather.own);
        self.flights.leads = own;
        self.miss.handle.publish_error(guests, || (gather.errors.pack)(error), self.started);
        self.answer_by_kept(kept, sharing);
        drop(scope);
        true
    }

    /// Answers the elements by kept results that a group was to compute which has failed. Returns what the call does next; `None`
    /// if there is not one for each.
    pub fn serve_stale_of_group(&mut self) -> Option<GatherStep> {
        if !self.asked.is_empty() {
            // They are among those that this call has begun to compute.
            return self.miss.handle.lifecycle.serves_on_error().then_some(GatherStep::Compute);
        }
        // Keys are compared and results are cloned here.
        let scope = self.flights.scope();
        let kept = self.kept_of_all(&self.flights.alone)?;
        self.flights.alone.clear();
        for (number, result) in kept {
            self.count_stale(number);
            self.count_coalesced(number);
            self.results[number] = Some(result);
        }
        drop(scope);
        Some(GatherStep::Supply)
    }
}
