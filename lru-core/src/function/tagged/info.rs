//! The metadata of an entry of a function with tags or dependencies.

use core::cell::Cell;
use core::convert::Infallible;
use std::sync::Arc;

use crate::store::EntryMeta;
use crate::store::entry_meta::Queue;
use crate::tags::domain::Generation;
use crate::tags::node::Node;

/// The metadata `M` of an entry, with what its result depends on.
#[derive(Debug)]
pub struct TaggedInfo<M> {
    pub(super) inner: M,
    /// The last generation at which the entry is known to be valid.
    pub(super) valid_at: Cell<Generation>,
    pub(super) node: Arc<Node>,
}

impl<M> TaggedInfo<M> {
    /// Creates the metadata of an entry that is stored now.
    pub(super) fn new(inner: M, node: Arc<Node>) -> Self {
        let valid_at = Cell::new(node.check().unwrap_or(Generation::NEVER));
        Self { inner, valid_at, node }
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
        self.valid_at.set(valid_at.unwrap_or(Generation::NEVER));
        valid_at.is_some()
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
}

/// The expiry queue of the inner metadata.
pub struct TaggedQueue<Q>(Q);

impl<M: EntryMeta> Queue<TaggedInfo<M>> for TaggedQueue<M::Queue> {
    const EMPTY: Self = Self(M::Queue::EMPTY);

    fn add(&mut self, slot: usize, info: &mut TaggedInfo<M>) {
        self.0.add(slot, &mut info.inner);
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
        self.0.next(now, steps, |slot| Some(&info(slot)?.inner))
    }

    fn compact<'m>(&mut self, len: usize, info: impl Fn(usize) -> Option<&'m TaggedInfo<M>>)
    where
        TaggedInfo<M>: 'm,
    {
        self.0.compact(len, |slot| Some(&info(slot)?.inner));
    }
}
