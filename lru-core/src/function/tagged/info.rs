//! The metadata of an entry of a function with tags or dependencies.

use std::sync::Arc;

use crate::expiry::{Freshness, SystemClock, Ticks};
use crate::function::tagged::hand::Hand;
use crate::store::EntryMeta;
use crate::store::entry_meta::Queue;
use crate::tags::current::DomainHandle;
use crate::tags::domain::{AtomicGeneration, Generation};
use crate::tags::frame::{is_recording, record};
use crate::tags::node::Node;

/// Metadata in which it is stored what the result of an entry depends on.
pub trait Taggable: EntryMeta {
    /// The metadata without that.
    type Inner;

    /// The bytes of the tags in the metadata.
    #[doc(hidden)]
    const TAG_BYTES: usize;

    /// Returns the metadata of an entry that is stored now.
    #[doc(hidden)]
    fn tagged(inner: Self::Inner, tags: Tags) -> Self;

    #[doc(hidden)]
    fn inner(&self) -> &Self::Inner;

    /// Returns the last generation at which an entry is known to be valid, as readers without the lock see it.
    #[doc(hidden)]
    #[inline]
    fn valid_at(_unlocked: Self::Unlocked) -> Generation {
        Generation::NEVER
    }

    /// Returns what the result depends on; `None` if that was not recorded.
    #[doc(hidden)]
    fn tags(&self) -> Option<&Tags>;
}

/// The metadata `M` of an entry, with what its result depends on.
#[derive(Debug)]
pub struct TaggedInfo<M> {
    inner: M,
    tags: Tags,
}

impl<M: EntryMeta> Taggable for TaggedInfo<M> {
    type Inner = M;

    const TAG_BYTES: usize = size_of::<Tags>();

    fn tagged(inner: M, tags: Tags) -> Self {
        Self { inner, tags }
    }

    #[inline]
    fn inner(&self) -> &M {
        &self.inner
    }

    #[inline]
    fn valid_at(unlocked: u64) -> Generation {
        Generation::from_bits(unlocked)
    }

    #[inline]
    fn tags(&self) -> Option<&Tags> {
        Some(&self.tags)
    }
}

/// What the result of an entry depends on.
#[derive(Debug)]
pub struct Tags {
    /// The last generation at which the entry is known to be valid, without a look at its node or at a clock.
    valid_at: AtomicGeneration,
    /// The first deadline of the results that this one was computed from, by the monotonic clock of the system. Without one,
    /// no clock is read.
    taken_over: Ticks,
    node: Arc<Node>,
}

impl Tags {
    /// Creates what an entry depends on that is stored now. It has a deadline of its own, or takes over that of its node.
    pub(crate) fn new(node: Arc<Node>, own_deadline: Option<Ticks>) -> Self {
        let taken_over = match own_deadline {
            Some(deadline) => {
                node.set_deadline(deadline.get());
                Ticks::NEVER
            }
            None => Ticks::new(node.deadline()),
        };
        let tags = Self { valid_at: AtomicGeneration::new(Generation::NEVER), taken_over, node };
        tags.is_still_valid();
        tags
    }

    /// Returns whether the entry is surely valid for a call that has `seen` this generation, and has taken over no deadline.
    #[inline]
    pub(super) fn is_known_valid(&self, seen: Generation) -> bool {
        self.valid_at.load().covers(seen)
    }

    /// Returns whether the entry is surely valid now, and nothing is to be recorded.
    #[inline]
    pub(crate) fn is_surely_valid(&self) -> bool {
        self.is_known_valid(DomainHandle::current().now()) && !is_recording()
    }

    /// Returns how the entry is served to a call that has `seen` this generation, where its expiry says `freshness`. One that
    /// may be served is recorded.
    #[inline]
    pub(crate) fn check(&self, seen: Generation, freshness: impl FnOnce() -> Freshness) -> Freshness {
        if !self.is_valid(seen) {
            return Freshness::Invalid(self.node.invalidity());
        }
        if self.has_passed() {
            return Freshness::Expired;
        }
        let freshness = freshness();
        if !freshness.is_gone() {
            record(&self.node);
        }
        freshness
    }

    /// Returns the bytes that are needed for this outside of the entry.
    pub(crate) fn owned_bytes(&self) -> usize {
        self.node.shared_bytes()
    }

    /// Returns whether the entry is valid for a call that has `seen` this generation.
    #[inline]
    fn is_valid(&self, seen: Generation) -> bool {
        self.is_known_valid(seen) || self.is_still_valid()
    }

    #[cold]
    #[inline(never)]
    fn is_still_valid(&self) -> bool {
        let valid_at = self.node.check();
        // An entry that takes over a deadline is checked each time, so that hits of others do not ask whether they do.
        if self.taken_over == Ticks::NEVER {
            self.valid_at.store(valid_at.unwrap_or(Generation::NEVER));
        }
        valid_at.is_some()
    }

    /// Returns whether the entry is not served any more. If it is valid, notes that it is: its tags may be forgotten later.
    pub(crate) fn is_gone(&self) -> bool {
        !self.is_still_valid() || self.has_passed()
    }

    /// Returns whether the entry has taken over a deadline.
    pub(crate) fn has_deadline(&self) -> bool {
        self.taken_over != Ticks::NEVER
    }

    /// Returns whether the deadline has passed that the entry has taken over.
    #[inline]
    fn has_passed(&self) -> bool {
        self.taken_over != Ticks::NEVER && SystemClock.has_reached(self.taken_over)
    }
}

impl<M: EntryMeta> EntryMeta for TaggedInfo<M> {
    type Queue = TaggedQueue<M::Queue>;
    type Published<X> = M::Published<X>;
    /// The generation at which the entry is known to be valid. Nothing is noted of a deadline.
    type Unlocked = u64;

    const HAS_WEIGHT: bool = M::HAS_WEIGHT;
    const MAY_EXPIRE: bool = M::MAY_EXPIRE;
    const MAY_END: bool = true;

    #[inline]
    fn unlocked(&self) -> u64 {
        self.tags.valid_at.load().to_bits()
    }

    #[inline]
    fn weight(&self) -> usize {
        self.inner.weight()
    }

    fn add_weight(&mut self, bytes: usize) {
        self.inner.add_weight(bytes);
    }
}

/// The expiry queue of the inner metadata, and the hand.
pub struct TaggedQueue<Q> {
    inner: Q,
    hand: Hand,
}

impl<M: EntryMeta> Queue<TaggedInfo<M>> for TaggedQueue<M::Queue> {
    const EMPTY: Self = Self { inner: M::Queue::EMPTY, hand: Hand::NEW };

    fn add(&mut self, slot: usize, info: &mut TaggedInfo<M>) {
        self.hand.has_deadlines |= info.tags.has_deadline();
        self.inner.add(slot, &mut info.inner);
    }

    fn next<'m>(
        &mut self,
        now: u64,
        steps: &mut usize,
        info: impl Fn(usize) -> Option<&'m TaggedInfo<M>>,
    ) -> Option<usize>
    where
        TaggedInfo<M>: 'm,
    {
        self.inner.next(now, steps, |slot| Some(&info(slot)?.inner))
    }

    const LOOKS: bool = true;

    fn look<'m>(&mut self, slots: usize, info: impl Fn(usize) -> Option<&'m TaggedInfo<M>>) -> Option<usize>
    where
        TaggedInfo<M>: 'm,
    {
        let slot = self.hand.advance(slots, DomainHandle::current().now())?;
        info(slot)?.tags.is_gone().then_some(slot)
    }

    fn moved(&mut self) {
        self.hand.restart();
        self.inner.moved();
    }

    fn compact<'m>(&mut self, len: usize, info: impl Fn(usize) -> Option<&'m TaggedInfo<M>>)
    where
        TaggedInfo<M>: 'm,
    {
        self.inner.compact(len, |slot| Some(&info(slot)?.inner));
    }
}
