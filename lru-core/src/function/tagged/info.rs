//! The metadata of an entry of a function with tags or dependencies.

use core::cell::Cell;
use core::convert::Infallible;
use std::sync::Arc;

use crate::expiry::{SystemClock, Ticks};
use crate::function::tagged::hand::Hand;
use crate::store::EntryMeta;
use crate::store::entry_meta::Queue;
use crate::tags::current::DomainHandle;
use crate::tags::domain::Generation;
use crate::tags::node::Node;

/// The metadata `M` of an entry, with what its result depends on.
#[derive(Debug)]
pub struct TaggedInfo<M> {
    pub(super) inner: M,
    /// The last generation at which the entry is known to be valid, without a look at its node or at a clock.
    pub(super) valid_at: Cell<Generation>,
    /// The first deadline of the results that this one was computed from, by the monotonic clock of the system. Without one,
    /// no clock is read.
    taken_over: Ticks,
    pub(super) node: Arc<Node>,
}

impl<M> TaggedInfo<M> {
    /// Creates the metadata of an entry that is stored now. It has a deadline of its own, or takes over that of its node.
    pub(super) fn new(inner: M, node: Arc<Node>, own_deadline: Option<Ticks>) -> Self {
        let taken_over = match own_deadline {
            Some(deadline) => {
                node.set_deadline(deadline.get());
                Ticks::NEVER
            }
            None => Ticks::new(node.deadline()),
        };
        let info = Self { inner, valid_at: Cell::new(Generation::NEVER), taken_over, node };
        info.is_still_valid();
        info
    }

    /// Returns the bytes that the tags need, in the entry and outside.
    pub(super) fn tag_bytes(&self) -> usize {
        size_of::<Self>() - size_of::<M>() + self.node.shared_bytes()
    }

    /// Returns whether the entry is valid for a call that has `seen` this generation.
    #[inline]
    pub(super) fn is_valid(&self, seen: Generation) -> bool {
        self.valid_at.get().covers(seen) || self.is_still_valid()
    }

    #[cold]
    #[inline(never)]
    fn is_still_valid(&self) -> bool {
        let valid_at = self.node.check();
        // An entry that takes over a deadline is checked each time, so that hits of others do not ask whether they do.
        if self.taken_over == Ticks::NEVER {
            self.valid_at.set(valid_at.unwrap_or(Generation::NEVER));
        }
        valid_at.is_some()
    }

    /// Returns whether the entry is not served any more. If it is valid, notes that it is: its tags may be forgotten later.
    fn is_gone(&self) -> bool {
        !self.is_still_valid() || self.has_passed()
    }

    /// Returns whether the deadline has passed that the entry has taken over.
    #[inline]
    pub(super) fn has_passed(&self) -> bool {
        self.taken_over != Ticks::NEVER && SystemClock.has_reached(self.taken_over)
    }
}

impl<M: EntryMeta> EntryMeta for TaggedInfo<M> {
    type Queue = TaggedQueue<M::Queue>;
    type Published<X> = Infallible;

    const IS_BARE: bool = false;

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
        self.hand.has_deadlines |= info.taken_over != Ticks::NEVER;
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
        info(slot)?.is_gone().then_some(slot)
    }

    fn compact<'m>(&mut self, len: usize, info: impl Fn(usize) -> Option<&'m TaggedInfo<M>>)
    where
        TaggedInfo<M>: 'm,
    {
        self.inner.compact(len, |slot| Some(&info(slot)?.inner));
    }
}
