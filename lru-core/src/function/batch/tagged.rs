//! Tags and dependencies of the results of a batch: of each element its own.

use core::iter;
use std::vec::Vec;

use crate::engine::placement::rounds::Missing;
use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::EntryOptions;
use crate::flight::table::{Published, Terms};
use crate::function::batch::argument::Batch;
use crate::function::batch::flights::Lead;
use crate::function::batch::gather::Packed;
use crate::function::batch::miss::BatchMiss;
use crate::function::batch::refresh::BatchRefresh;
use crate::function::batch::shared::SharedBatch;
use crate::function::call::handle::CacheHandle;
use crate::function::result_policy::ResultPolicy;
use crate::function::tagged::reads::Reads;
use crate::tags::tag::{Tag, TagId};
use crate::time::Instant;

/// The tags of the results of elements, of which nothing is known before the body runs.
type Unknown = fn(usize) -> iter::Empty<Tag>;

impl<E: Placement, S: Lifecycle<E::Types>, O, R> BatchMiss<E, S, O, R> {
    /// Notes where it will be noted what the body reads, and the tags that the results will have, before it runs. `tags` makes
    /// those of an element, by its number among the missing ones.
    pub fn expect_each<I: IntoIterator<Item = Tag>>(&self, reads: &Reads, tags: impl Fn(usize) -> I) {
        let numbers: Vec<_> = (0..self.missing.len()).collect();
        self.handle.expect_elements(reads, numbers, Some(tags));
    }

    /// Like [`expect_each`](Self::expect_each), for tags that are made of the results.
    pub fn expect_any(&self, reads: &Reads) {
        let numbers = (0..self.missing.len()).collect();
        self.handle.expect_elements(reads, numbers, None::<Unknown>);
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O, R> SharedBatch<E, S, O, R>
where
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    /// Like [`BatchMiss::expect_each`], for the elements that the body is called with.
    pub fn expect_each<I: IntoIterator<Item = Tag>>(&self, reads: &Reads, tags: impl Fn(usize) -> I) {
        // Tags are made here.
        let _scope = self.flights.scope();
        self.miss.handle.expect_elements(reads, self.asked.clone(), Some(tags));
    }

    /// Like [`BatchMiss::expect_any`], for the elements that the body is called with.
    pub fn expect_any(&self, reads: &Reads) {
        self.miss.handle.expect_elements(reads, self.asked.clone(), None::<Unknown>);
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O, B: Batch> BatchRefresh<E, S, O, B> {
    /// Like [`BatchMiss::expect_each`], for the elements that are refreshed.
    pub fn expect_each<I: IntoIterator<Item = Tag>>(&self, reads: &Reads, tags: impl Fn(usize) -> I) {
        // Tags are made here.
        let _scope = self.flights.scope();
        self.handle.expect_elements(reads, (0..self.claimed.len()).collect(), Some(tags));
    }

    /// Like [`BatchMiss::expect_any`], for the elements that are refreshed.
    pub fn expect_any(&self, reads: &Reads) {
        self.handle.expect_elements(reads, (0..self.claimed.len()).collect(), None::<Unknown>);
    }
}

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    fn expect_elements<I: IntoIterator<Item = Tag>>(
        &self,
        reads: &Reads,
        numbers: Vec<usize>,
        tags: Option<impl Fn(usize) -> I>,
    ) {
        let Some(validity) = self.lifecycle.validity() else { return };
        let tags_of =
            |number: &usize, tags: &dyn Fn(usize) -> I| tags(*number).into_iter().map(TagId::from).collect();
        let expected = tags.map(|tags| numbers.iter().map(|number| tags_of(number, &tags)).collect());
        validity.expect_each(reads.note(), numbers.into_boxed_slice(), expected);
    }

    /// Returns whether results in the cache may be invalidated by tags.
    pub(super) fn has_tags(&self) -> bool {
        self.number_in_use().is_some()
    }

    /// Returns the options of the result of an element, by its number, if the result policy may store it. Its node is made,
    /// where it has one.
    pub(super) fn judge_element<R, O: ResultPolicy<R>>(
        &self,
        (number, missing): (usize, Missing),
        result: &R,
        policy: O,
        options: impl Fn(usize, &S, &O::Value) -> EntryOptions,
    ) -> Option<EntryOptions> {
        let options = self.judge(result, policy, |lifecycle, value| options(number, lifecycle, value));
        if let Some(validity) = self.lifecycle.validity() {
            validity.judged_each(number, !missing.is_of_other_call(), missing.hash, self.number());
            self.end_unstored(options.as_ref(), policy.is_error(result));
        }
        options
    }

    /// Returns the terms on which other calls share the result of an element, which was judged. The body was called at `start`.
    pub(super) fn terms_of_element(&self, number: usize, start: Instant) -> Terms {
        let Some(validity) = self.lifecycle.validity() else { return Terms::default() };
        match validity.node_of_each(number) {
            Some(node) => Terms { current_at: None, node: Some(node) },
            None => Terms { current_at: Some(validity.shared_by(start)), node: None },
        }
    }

    /// Publishes an error of the whole, which `pack` makes, to the calls that follow these flights. Its tags are unknown. The body was
    /// called at `start`.
    pub(super) fn publish_error(
        &self,
        leads: impl IntoIterator<Item = Lead<StoredKey<E>, StoredValue<E>>>,
        pack: impl Fn() -> Packed,
        start: Instant,
    ) {
        for Lead { mut leader, .. } in leads {
            if leader.is_followed() {
                if let Some(validity) = self.lifecycle.validity() {
                    leader.set_terms(Terms { current_at: Some(validity.shared_by(start)), node: None });
                }
                leader.publish(Published::Whole(pack()));
            }
        }
    }
}
