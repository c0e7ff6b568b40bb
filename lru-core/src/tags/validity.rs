//! What a call knows of the validity of results: when it began, and what its own result depends on.

use core::cell::Cell;
use core::fmt;
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use crate::key::KeyHash;
use crate::observe::events::Events;
use crate::tags::batch::Batch;
use crate::tags::current::Beginning;
use crate::tags::domain::Generation;
use crate::tags::frame::{Computed, record, record_unknown};
use crate::tags::invalidate::{invalidate_all, invalidate_unknown};
use crate::tags::node::Node;
use crate::tags::note::Note;
#[cfg(feature = "backend")]
use crate::tags::outside::{EntryTags, Noted};
use crate::tags::tag::{Tag, TagId};
use crate::time::Instant;

/// The validity of results, as one call of a function with tags or dependencies sees it.
pub struct Validity {
    /// The beginning of the call, which precedes its lookup.
    beginning: Beginning,
    pub(super) found: FoundSoFar,
}

/// What a call has found out beyond its beginning; hits have nothing here, and drop it by one comparison.
pub(super) struct FoundSoFar(Cell<Option<Box<Found>>>);

impl FoundSoFar {
    const fn nothing() -> Self {
        Self(Cell::new(None))
    }

    pub(super) fn take(&self) -> Option<Box<Found>> {
        self.0.take()
    }

    pub(super) fn set(&self, found: Option<Box<Found>>) {
        self.0.set(found);
    }
}

impl Drop for FoundSoFar {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.get_mut().is_some() {
            // Taken before: the compiler then sees that nothing is left, and inlines this.
            drop_out_of_line(self.0.take());
        }
    }
}

#[cold]
#[inline(never)]
fn drop_out_of_line(found: Option<Box<Found>>) {
    drop(found);
}

/// A result that was computed, and its own tags outside of the process.
#[cfg(feature = "backend")]
pub(crate) struct Marked {
    pub(crate) node: Arc<Node>,
    pub(crate) tags: Box<[TagId]>,
}

/// What a call that does not hit has found out.
pub(super) enum Found {
    /// Its body is to run, and the result will have these tags.
    Expected(Arc<Note>, Vec<TagId>),
    /// Its result was computed, or fetched.
    Computed(Obtained),
    /// Its result was found in a backend, and depends on these tags.
    #[cfg(feature = "backend")]
    Fetched(Vec<Noted>),
    /// Its result has this node.
    Judged(Arc<Node>),
    /// Its result has this node, and these tags of its own in a backend.
    #[cfg(feature = "backend")]
    Marked(Arc<Node>, Box<[TagId]>),
    /// It has removed the entries of these keys.
    Removed(Vec<KeyHash>),
    /// Its body computes the results of several keys.
    Batch(Box<Batch>),
}

/// A result and its tags.
pub(super) struct Obtained {
    computed: Computed,
    tags: Vec<TagId>,
    /// What it depends on, if it was found in a backend.
    #[cfg(feature = "backend")]
    noted: Vec<Noted>,
}

impl From<Computed> for Obtained {
    fn from(computed: Computed) -> Self {
        Self {
            computed,
            tags: Vec::new(),
            #[cfg(feature = "backend")]
            noted: Vec::new(),
        }
    }
}

impl fmt::Debug for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validity").field("beginning", &self.beginning).finish_non_exhaustive()
    }
}

impl Validity {
    /// Begins a call.
    #[inline]
    pub(crate) fn begin() -> Self {
        Self { beginning: Beginning::now(), found: FoundSoFar::nothing() }
    }

    /// Returns the generation at which the call began.
    #[inline]
    pub(crate) fn seen(&self) -> Generation {
        self.beginning.generation
    }

    /// Notes what the result of the call was computed from, and its tags.
    pub(crate) fn computed(&self, computed: Option<Computed>, tags: impl IntoIterator<Item = Tag>) {
        let tags = tags.into_iter().map(TagId::from).collect();
        let Err((computed, tags)) = self.in_batch((computed, tags), |batch, (computed, tags)| {
            batch.computed(computed.map(|computed| computed.of_call(&self.beginning)), tags);
        }) else {
            return;
        };
        let obtained = match computed {
            Some(computed) => computed.of_call(&self.beginning).into(),
            None => self.not_computed(),
        };
        self.found.set(Some(Box::new(Found::Computed(Obtained { tags, ..obtained }))));
    }

    /// A result that no body has computed: one of a backend, or one of which nothing is known.
    fn not_computed(&self) -> Obtained {
        let computed = Computed::at(self.beginning.clone());
        #[cfg(feature = "backend")]
        if let Some(Found::Fetched(noted)) = self.found.take().map(|found| *found) {
            let tags: Vec<_> = noted.iter().map(|noted| noted.tag).collect();
            return Obtained { noted, ..computed.with_tags(tags).into() };
        }
        computed.with_unknown_tags().into()
    }

    pub(super) fn of_call(&self, computed: Option<Computed>) -> Computed {
        match computed {
            Some(computed) => computed.of_call(&self.beginning),
            None => Computed::at(self.beginning.clone()).with_unknown_tags(),
        }
    }

    /// Notes the tags that the result will have, and where it will be noted what the body has read.
    pub(crate) fn expect(&self, note: Arc<Note>, tags: impl IntoIterator<Item = Tag>) {
        let tags = tags.into_iter().map(TagId::from).collect();
        self.found.set(Some(Box::new(Found::Expected(note, tags))));
    }

    /// Returns whether the tags of the result are known already.
    pub(crate) fn expects_tags(&self) -> bool {
        let found = self.found.take();
        let expects = match found.as_deref() {
            Some(Found::Expected(..)) => true,
            Some(Found::Batch(batch)) => batch.expects_tags(),
            _ => false,
        };
        self.found.set(found);
        expects
    }

    /// Makes the node of the result, whether or not it will be stored, and records it for the caller.
    pub(crate) fn judged(&self, hash: KeyHash, cache: u64) {
        let judged = |computed: Computed, tags: &[TagId]| {
            let node = computed.into_node_of(cache, hash, tags);
            record(&node);
            Box::new(Found::Judged(node))
        };
        let found = self.found.take().map(|found| match *found {
            Found::Expected(note, tags) => judged(self.of_call(note.take()), &tags),
            Found::Computed(Obtained { computed, tags, .. }) => judged(computed, &tags),
            _ => found,
        });
        self.found.set(found);
    }

    /// Returns whether the result has a node.
    pub(crate) fn is_judged(&self) -> bool {
        self.judged_node().is_some()
    }

    /// Notes when the time to live of the judged result ends, if no entry does so: also for what is computed from it, unless
    /// that has a time to live of its own.
    #[cold]
    pub(crate) fn ends(&self, deadline: u64) {
        if let Some(node) = self.judged_node() {
            node.set_deadline(deadline);
        }
    }

    /// Like [`judged`](Self::judged), for a result that is not stored and whose key is unknown: it is valid only until anything is
    /// invalidated.
    #[cold]
    pub(crate) fn judged_apart(&self) {
        let found = self.found.take().map(|found| match *found {
            Found::Computed(Obtained { computed, .. }) => {
                let node = computed.with_unknown_tags().into_node([]);
                record(&node);
                Box::new(Found::Judged(node))
            }
            found => Box::new(found),
        });
        self.found.set(found);
    }

    /// Notes that the result was found in a backend, and what it depends on.
    #[cfg(feature = "backend")]
    pub(crate) fn fetched(&self, noted: Vec<Noted>) {
        self.found.set(Some(Box::new(Found::Fetched(noted))));
    }

    /// Like [`judged`](Self::judged), for a result that has these tags in a backend.
    #[cfg(feature = "backend")]
    pub(crate) fn judged_outside(&self, hash: KeyHash, cache: u64, entry: EntryTags) {
        let Some(found) = self.found.take() else { return };
        let found = match *found {
            Found::Expected(note, tags) => {
                Found::Computed(Obtained { tags, ..self.of_call(note.take()).into() })
            }
            found => found,
        };
        let found = match found {
            Found::Computed(Obtained { computed, tags, noted }) => {
                let declared: Vec<_> = computed.added().iter().chain(&tags).copied().collect();
                let outside = entry.with(&declared);
                let all: Vec<_> =
                    tags.into_iter().chain(outside.iter().copied()).chain([TagId::OUTSIDE]).collect();
                let node = computed.into_node_of(cache, hash, &all);
                if !noted.is_empty() {
                    node.note(noted);
                }
                record(&node);
                Found::Marked(node, outside.into_boxed_slice())
            }
            found => found,
        };
        self.found.set(Some(Box::new(found)));
    }

    /// Returns the node of the result, and its own tags in a backend, if it was computed.
    #[cfg(feature = "backend")]
    pub(crate) fn marked(&self) -> Option<Marked> {
        let found = self.found.take()?;
        let marked = match &*found {
            Found::Marked(node, tags) => Some(Marked { node: Arc::clone(node), tags: tags.clone() }),
            _ => None,
        };
        self.found.set(Some(found));
        marked
    }

    /// Returns the tags of a value that was put.
    #[cfg(feature = "backend")]
    pub(crate) fn tags_of_put(&self) -> Vec<TagId> {
        let found = self.found.take();
        let tags = match found.as_deref() {
            Some(Found::Computed(obtained)) => obtained.tags.clone(),
            _ => Vec::new(),
        };
        self.found.set(found);
        tags
    }

    /// Begins a put anew, after what was computed from the former value was invalidated. A value that has been
    /// invalidated itself since it was put stays invalid; `entry` are its tags in the backend.
    #[cfg(feature = "backend")]
    pub(crate) fn put_again(&self, cache: u64, entry: Option<EntryTags>) {
        let Some(found) = self.found.take() else { return };
        let found = match *found {
            Found::Computed(Obtained { computed, tags, noted }) => {
                let (now, former) = (Beginning::now(), computed.beginning().generation);
                let within = tags.iter().map(|&tag| TagId::of_tag_in(cache, tag));
                let here = tags.iter().copied().chain(within).chain([TagId::of_cache(cache)]);
                // But for its own tag, which the put itself has invalidated.
                let outside = entry.into_iter().flat_map(|entry| {
                    let within = tags.iter().map(move |&tag| entry.within(tag));
                    within.chain([entry.function, TagId::OUTSIDE])
                });
                let mut all = here.chain(outside);
                let is_valid = all.all(|tag| !now.domain.is_invalidated(tag, former));
                let computed = if is_valid { computed.renewed(now) } else { computed };
                Found::Computed(Obtained { computed, tags, noted })
            }
            found => found,
        };
        self.found.set(Some(Box::new(found)));
    }

    /// Returns the node of a value without tags that is put for a key.
    pub(crate) fn node_of_put(hash: KeyHash, cache: u64) -> Arc<Node> {
        Computed::at(Beginning::now()).into_node_of(cache, hash, &[])
    }

    /// Returns the node of the result that the call stores.
    pub(crate) fn node(&self) -> Arc<Node> {
        if let Some(node) = self.in_batch((), |batch, ()| batch.node()).ok().flatten() {
            return node;
        }
        match self.found.take().map(|found| *found) {
            Some(Found::Judged(node)) => node,
            #[cfg(feature = "backend")]
            Some(Found::Marked(node, _)) => node,
            // A result of which nothing is known.
            _ => Computed::at(self.beginning.clone()).with_unknown_tags().into_node([]),
        }
    }

    /// Notes that the call returns the result of another call, which was computed from this if that is known.
    pub(crate) fn shared(node: Option<&Arc<Node>>) {
        node.map_or_else(record_unknown, record);
    }

    /// Returns the node of the result that the call is going to store, if the result was judged.
    pub(crate) fn judged_node(&self) -> Option<Arc<Node>> {
        let found = self.found.take();
        let node = match found.as_deref() {
            Some(Found::Judged(node)) => Some(Arc::clone(node)),
            #[cfg(feature = "backend")]
            Some(Found::Marked(node, _)) => Some(Arc::clone(node)),
            Some(Found::Batch(batch)) => batch.node(),
            _ => None,
        };
        self.found.set(found);
        node
    }

    /// Returns up to which time calls may have begun that share the result of this one, whose node is unknown, and which began to
    /// compute at `start`: those that begin after an invalidation do not.
    pub(crate) fn shared_by(&self, start: Instant) -> Instant {
        // Read before the generation: an invalidation that is missed ends later, and so do calls begin that must not share.
        let now = Instant::now();
        if self.seen().covers(self.beginning.domain.now()) { now } else { start }
    }

    /// Invalidates what was computed from the result for a key.
    pub(crate) fn changed(hash: KeyHash, cache: u64) {
        invalidate_all(&[TagId::of_entry(cache, hash)]);
    }

    /// Invalidates what was computed from a replaced entry that had no tags, and was read before it was replaced.
    pub(crate) fn replaced() {
        invalidate_unknown();
    }

    /// Invalidates what was computed from any result of a cache.
    pub(crate) fn cleared(cache: u64) {
        invalidate_all(&[TagId::of_cache(cache)]);
    }

    /// Invalidates the results of a cache that have a tag.
    pub(crate) fn tag_changed(tag: Tag, cache: u64) {
        invalidate_all(&[TagId::of_tag_in(cache, tag.into())]);
        Events::invalidated(tag.name(), 1, true);
    }

    /// Notes that an entry was removed by a test.
    pub(crate) fn removed(&self, hash: KeyHash) {
        let mut hashes = match self.found.take().map(|found| *found) {
            Some(Found::Removed(hashes)) => hashes,
            _ => Vec::new(),
        };
        hashes.push(hash);
        self.found.set(Some(Box::new(Found::Removed(hashes))));
    }

    /// Invalidates what was computed from the results that were removed by a test.
    pub(crate) fn invalidate_removed(&self, cache: u64) {
        if let Some(Found::Removed(hashes)) = self.found.take().map(|found| *found) {
            let tags: Vec<_> = hashes.into_iter().map(|hash| TagId::of_entry(cache, hash)).collect();
            invalidate_all(&tags);
        }
    }
}
