//! The end of a refresh of many elements: what the body has returned is stored in place of the stale results, and published.

use core::marker::PhantomData;
use core::mem;
use std::vec::Vec;

use crate::engine::{InsertKind, Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::EntryOptions;
use crate::function::batch::argument::Batch;
use crate::function::batch::flights::Lead;
use crate::function::batch::map::{AskedElements, MapKeys};
use crate::function::batch::refresh::{BatchRefresh, Claimed};
use crate::function::batch::wrong_length::WrongLength;
use crate::function::call::coalesced::publish;
use crate::function::call::miss::PolicyComparison;
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::key::KeyHash;

impl<E: Placement, S: Lifecycle<E::Types>, O, B: Batch> BatchRefresh<E, S, O, B> {
    /// Ends a refresh whose body has panicked: the calls that follow compute for themselves.
    #[cold]
    pub(super) fn panicked(&mut self) {
        self.delay_next();
        self.unfinished.failed();
        self.flights.fail();
    }

    /// Ends the refresh with an error of the whole. The stale results stay, and the next refresh of each is delayed.
    pub fn fail(mut self) {
        self.end();
        self.handle.count_error();
        self.options.events.refresh_failed(self.started.elapsed());
        self.flights.fail();
    }

    /// Delays the next refresh of each element, as after one that failed: a result that is stored replaces the entry.
    fn delay_next(&self) {
        let _scope = self.flights.scope();
        for Claimed { missing, key } in &self.claimed {
            self.handle.delay_next_refresh(missing.hash, |stored| (self.same)(stored, key));
        }
    }

    /// Records that the body has returned.
    fn end(&mut self) {
        self.delay_next();
        self.unfinished.done();
        let took = self.started.elapsed();
        self.handle.engines.first(|engine| engine.counters().computing.record(took));
    }

    /// Stores and publishes the results. `options` makes the options of an entry, by the number of the element.
    fn complete<R, H: Sharing<R>>(
        mut self,
        results: Vec<R>,
        sharing: H,
        options: impl Fn(usize, &S, &O::Value) -> EntryOptions,
    ) where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        // A refresh that fails delays the next one. So does one whose insert panics.
        self.end();
        let took = self.started.elapsed();
        // User code runs here, which may call the function.
        let scope = self.flights.scope();
        let (mut refreshed, mut has_failed) = (false, false);
        let leads = mem::take(&mut self.flights.leads).into_iter();
        let claimed = mem::take(&mut self.claimed).into_iter();
        for ((Lead { number, leader }, claimed), result) in leads.zip(claimed).zip(results) {
            let missing = claimed.missing;
            let judged = self.handle.judge_element((number, missing), &result, self.policy, &options);
            if self.policy.is_error(&result) {
                self.handle.count_error();
                has_failed = true;
            } else {
                self.store(claimed, &result, judged);
                // Counted after the insert: a thread that sees the count finds the result.
                self.handle.engines.first(|engine| engine.counters().refreshes.add(1));
                refreshed = true;
            }
            let terms = self.handle.terms_of_element(number, self.started);
            publish(Some(leader), self.policy, sharing, &result, terms);
        }
        if refreshed {
            self.options.events.refreshed(took);
        }
        if has_failed {
            self.options.events.refresh_failed(took);
        }
        drop(scope);
    }

    /// Stores a result that was judged in place of the stale one, or removes that.
    fn store<R>(
        &self,
        Claimed { missing, key }: Claimed<StoredKey<E>>,
        result: &R,
        options: Option<EntryOptions>,
    ) where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let Self { handle, policy, same, .. } = self;
        let (hash, kind) = (missing.hash, InsertKind::Revalidated(missing.began));
        match handle.entry_of((hash, key), result, *policy, options) {
            Ok(entry) => {
                let compare =
                    PolicyComparison { same: *same, policy: PhantomData::<fn(O) -> R>, stopwatch: () };
                handle.insert(entry, kind, compare);
            }
            Err(key) => handle.remove_replaced(hash, |stored| same(stored, &key), kind),
        }
    }

    /// Stores and publishes what the body returned for the elements that it was asked for.
    ///
    /// # Panics
    ///
    /// As `wrong` does, which is called with another number of results. Nothing is stored then, as after an error.
    pub fn complete_sequence<R, H: Sharing<R>, T>(
        self,
        results: Vec<R>,
        sharing: H,
        options: impl Fn(usize, &S, &O::Value) -> EntryOptions,
        wrong: impl FnOnce(WrongLength) -> T,
    ) where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let (expected, returned) = (self.claimed.len(), results.len());
        if expected == returned {
            self.complete(results, sharing, options);
        } else {
            self.fail();
            drop(wrong(WrongLength { expected, returned }));
        }
    }

    /// Stores and publishes what the body returned for the elements that it was asked for.
    pub fn complete_map<M, K, V, X, H>(
        self,
        known: &AskedElements<X>,
        answers: M,
        by: (impl Fn(&K) -> KeyHash, impl Fn(&K, &X) -> bool),
        sharing: H,
        options: impl Fn(usize, &S, &O::Value) -> EntryOptions,
    ) where
        M: IntoIterator<Item = (K, V)>,
        H: Sharing<Option<V>>,
        O: ResultPolicy<Option<V>, Stored = StoredValue<E>>,
    {
        // The keys of the map are hashed, compared and dropped here.
        let scope = self.flights.scope();
        let numbers: Vec<usize> = (0..self.claimed.len()).collect();
        let values = MapKeys::default().answered(answers, (known, &numbers), by);
        drop(scope);
        self.complete(values, sharing, options);
    }
}
