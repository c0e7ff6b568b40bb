//! Entries of a cache object with tags: of functions that store their results there.
//!
//! Most objects have none, so what such an entry depends on is in the box that few entries have.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::boxed::Box;

use crate::expiry::Freshness;
use crate::expiry::entry_deadlines::EntryInfo;
use crate::expiry::queue::{ExpiryQueue, Queued};
use crate::expiry::stale_window::{StaleWindow, Staleness};
use crate::function::tagged::hand::Hand;
use crate::function::tagged::info::{Taggable, Tags};
use crate::key::KeyHash;
use crate::store::entry_meta::Queue;
use crate::tags::current::DomainHandle;
use crate::tags::validity::Validity;

/// The metadata of an entry in a cache object.
pub(crate) type ObjectInfo = EntryInfo<Option<Box<Beside>>>;

/// What few entries have: a stale window, and what a tagged result depends on.
#[derive(Debug)]
pub struct Beside {
    window: Option<StaleWindow>,
    tags: Option<Tags>,
}

impl Staleness for Beside {
    const MAY_BE_STALE: bool = true;

    fn new(window: Option<StaleWindow>) -> Self {
        Self { window, tags: None }
    }

    #[inline]
    fn window(&self) -> Option<&StaleWindow> {
        self.window.as_ref()
    }

    fn window_mut(&mut self) -> Option<&mut StaleWindow> {
        self.window.as_mut()
    }
}

impl Taggable for ObjectInfo {
    type Inner = Self;

    const TAG_BYTES: usize = size_of::<Beside>();

    fn tagged(mut inner: Self, tags: Tags) -> Self {
        set_tags(&mut inner, tags);
        inner
    }

    #[inline]
    fn inner(&self) -> &Self {
        self
    }

    #[inline]
    fn tags(&self) -> Option<&Tags> {
        self.beside().as_deref()?.tags.as_ref()
    }
}

/// Adds what the result of an entry depends on to its metadata.
pub(super) fn set_tags(info: &mut ObjectInfo, tags: Tags) {
    info.beside_mut().get_or_insert_with(|| Box::new(Beside::new(None))).tags = Some(tags);
}

/// Returns whether a look at the clock alone tells how an entry is served.
#[inline]
pub(super) fn is_surely_valid(info: &ObjectInfo) -> bool {
    info.tags().is_none_or(Tags::is_surely_valid)
}

/// Returns how an entry is served, where its expiry says `freshness`.
#[inline]
pub(super) fn checked(info: &ObjectInfo, freshness: impl FnOnce() -> Freshness) -> Freshness {
    match info.tags() {
        None => freshness(),
        Some(tags) => tags.check(DomainHandle::current().now(), freshness),
    }
}

impl Queued for Option<Box<Beside>> {
    type Queue = ObjectQueue;
}

/// The queue of an object's deadlines, and the hand, which moves if there are tags.
pub struct ObjectQueue {
    deadlines: ExpiryQueue,
    hand: Hand,
    has_tags: bool,
}

impl Queue<ObjectInfo> for ObjectQueue {
    const EMPTY: Self =
        Self { deadlines: <ExpiryQueue as Queue<ObjectInfo>>::EMPTY, hand: Hand::NEW, has_tags: false };

    fn add(&mut self, slot: usize, info: &mut ObjectInfo) {
        if let Some(tags) = info.tags() {
            self.has_tags = true;
            self.hand.has_deadlines |= tags.has_deadline();
        }
        self.deadlines.add(slot, info);
    }

    fn next<'m>(
        &mut self,
        now: u64,
        steps: &mut usize,
        info: impl Fn(usize) -> Option<&'m ObjectInfo>,
    ) -> Option<usize>
    where
        ObjectInfo: 'm,
    {
        self.deadlines.next(now, steps, info)
    }

    const LOOKS: bool = true;

    #[inline]
    fn look<'m>(&mut self, slots: usize, info: impl Fn(usize) -> Option<&'m ObjectInfo>) -> Option<usize>
    where
        ObjectInfo: 'm,
    {
        if !self.has_tags {
            return None;
        }
        let slot = self.hand.advance(slots, DomainHandle::current().now())?;
        info(slot)?.tags()?.is_gone().then_some(slot)
    }

    fn compact<'m>(&mut self, len: usize, info: impl Fn(usize) -> Option<&'m ObjectInfo>)
    where
        ObjectInfo: 'm,
    {
        self.deadlines.compact(len, info);
    }
}

/// The number by which the tags of an object's entries are told from those of others: an object may be moved, and another one
/// may take its place. It has none until a function with tags is called.
#[derive(Debug)]
pub(super) struct CacheNumber(AtomicU64);

impl CacheNumber {
    pub(super) const fn none() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Returns the number, which may be a new one.
    #[inline]
    pub(super) fn get(&self) -> u64 {
        self.known().unwrap_or_else(|| self.assign())
    }

    /// Returns the number if there is one: otherwise no entry has tags.
    #[inline]
    pub(super) fn known(&self) -> Option<u64> {
        Some(self.0.load(Relaxed)).filter(|number| *number != 0)
    }

    /// Invalidates what was computed from the value for a key, if there are tags. Returns whether there are.
    #[inline]
    pub(super) fn changed(&self, hash: KeyHash) -> bool {
        let number = self.known();
        if let Some(number) = number {
            Validity::changed(hash, number);
        }
        number.is_some()
    }

    /// Invalidates what was computed from any value, if there are tags.
    pub(super) fn cleared(&self) {
        if let Some(number) = self.known() {
            Validity::cleared(number);
        }
    }

    #[cold]
    fn assign(&self) -> u64 {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let new = LAST.fetch_add(1, Relaxed) + 1;
        self.0.compare_exchange(0, new, Relaxed, Relaxed).err().unwrap_or(new)
    }
}
