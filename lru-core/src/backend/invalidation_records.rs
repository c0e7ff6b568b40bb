//! What a [`Tracker`](super::invalidation::Tracker) records: the copies in the in-process cache, the calls that may
//! insert one, and when keys of the backend were changed.

use core::num::NonZeroU64;
use std::collections::VecDeque;
use std::vec::Vec;

use hashbrown::HashTable;

use crate::key::KeyHash;

/// The number of buckets for the sequence numbers of changes. Keys in one bucket share their last change.
const BUCKETS: usize = 1024;

/// The number of records up to which nothing is swept.
const SWEEP_MIN: usize = 64;

/// How many records are checked for each one that is inserted, so that few records have no copy.
const CHECKED: usize = 4;

/// How many calls are remembered after they have inserted a copy. The report of a change is late by a round trip.
const RECENT: usize = 128;

/// A sequence number, which orders the records.
pub(super) type Sequence = u64;

/// The hash of a key of the backend.
pub(super) type Address = u64;

/// The hash of what an entry of the backend is known by: the token of the lease over it, or its value.
pub(super) type Content = NonZeroU64;

#[derive(Default)]
pub(super) struct Records {
    pub(super) now: Sequence,
    /// When the keys of each bucket were last changed. Allocated at the first change.
    changed: Vec<Sequence>,
    /// When any key may have been changed.
    all_changed: Sequence,
    /// The copies that may be in the in-process cache, in no order.
    copies: Vec<CopyRecord>,
    /// Where the copies of an address are. A key may have copies under several hashes.
    places: HashTable<u32>,
    /// The place of the copy that is checked next for whether it is still there.
    checked: usize,
    /// The calls that may insert a copy.
    calls: HashTable<CallRecord>,
    /// The last calls that have inserted a copy.
    recent: VecDeque<CallRecord>,
}

#[derive(Clone, Copy)]
pub(super) struct CopyRecord {
    address: Address,
    pub(super) hash: KeyHash,
    /// When a copy was last inserted.
    inserted: Sequence,
    /// What the entry of the backend is known by, if the copy is known to be one of that entry.
    content: Option<Content>,
}

/// A call that may insert a copy.
pub(super) struct CallRecord {
    address: Address,
    /// When the call was recorded, which tells it from others.
    number: Sequence,
    /// Whether the call has begun to ask the backend, so that a change may be its own.
    is_asking: bool,
    /// What the call found or left, and what it stored, in this order.
    own: Few,
    /// What the entry was reported to be, since the call began.
    reported: Few,
}

impl CallRecord {
    /// Records that the call begins, or begins again.
    pub(super) fn begin(&mut self) {
        (self.own, self.reported) = (Few::default(), Few::default());
        self.is_asking = true;
    }

    /// Records what the call found, left or stored.
    pub(super) fn is_of(&mut self, content: Content) {
        self.own.add(content);
    }

    /// Returns what the result of the call is a copy of.
    pub(super) fn content(&self) -> Option<Content> {
        self.own.all().last().copied().flatten()
    }

    /// Returns whether all reported changes are those of this call. What the call stored replaced what it found, so
    /// the order of the reports does not matter.
    pub(super) fn is_current(&self) -> bool {
        !self.reported.has_more && self.reported.all().iter().all(|content| self.own.all().contains(content))
    }
}

/// The most contents that are recorded of a call: what it found, its claim, what it stored, and as which bytes.
const FEW: usize = 4;

/// A few contents.
#[derive(Default)]
struct Few {
    contents: [Option<Content>; FEW],
    length: usize,
    /// Whether there were more.
    has_more: bool,
}

impl Few {
    fn all(&self) -> &[Option<Content>] {
        &self.contents[..self.length]
    }

    /// Returns whether the one is followed by the other.
    fn has_in_order(&self, old: Content, new: Option<Content>) -> bool {
        let mut later = self.all().iter().skip_while(|content| **content != Some(old)).skip(1);
        new.is_some() && later.any(|content| *content == new)
    }

    fn add(&mut self, content: Content) {
        if self.all().contains(&Some(content)) {
            return;
        }
        match self.contents.get_mut(self.length) {
            Some(free) => (*free, self.length) = (Some(content), self.length + 1),
            None => self.has_more = true,
        }
    }
}

impl Records {
    fn tick(&mut self) -> Sequence {
        self.now += 1;
        self.now
    }

    pub(super) fn was_changed_since(&self, began: Sequence, address: Address) -> bool {
        let changed = self.changed.get(bucket_of(address)).copied().unwrap_or(0);
        changed.max(self.all_changed) > began
    }

    /// Records a call, and returns its number.
    pub(super) fn add_call(&mut self, address: Address) -> Sequence {
        let number = self.tick();
        let (own, reported) = (Few::default(), Few::default());
        let call = CallRecord { address, number, is_asking: false, own, reported };
        self.calls.insert_unique(address, call, |call| call.address);
        number
    }

    pub(super) fn call(&mut self, address: Address, number: Sequence) -> Option<&mut CallRecord> {
        self.calls.find_mut(address, |call| call.number == number)
    }

    /// Records that a call is over.
    pub(super) fn remove_call(&mut self, address: Address, number: Sequence, has_inserted: bool) {
        let Ok(call) = self.calls.find_entry(address, |call| call.number == number) else { return };
        let call = call.remove().0;
        if has_inserted && call.own.length > 1 {
            if self.recent.len() >= RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(call);
        }
    }

    /// Returns whether a call has replaced the one content by the other: a report of the former is out of date.
    fn was_replaced(&self, address: Address, old: Content, new: Option<Content>) -> bool {
        let mut calls = self.recent.iter().chain(self.calls.iter_hash(address));
        calls.any(|call| call.address == address && call.own.has_in_order(old, new))
    }

    /// Records a copy that may have been inserted now, and was fetched or computed from `began` on. `None` if a copy of
    /// another entry may be there instead: it was inserted meanwhile, or this one was not to replace it.
    pub(super) fn insert(
        &mut self,
        address: Address,
        hash: KeyHash,
        began: Sequence,
        content: Option<Content>,
        replaces: bool,
    ) -> Option<Sequence> {
        let inserted = self.tick();
        if let Some(copy) = self.find(address, |copy| copy.hash == hash) {
            let is_same = content.is_some() && copy.content == content;
            let is_known = is_same || (replaces && copy.inserted <= began);
            (copy.inserted, copy.content) = (inserted, content.filter(|_| is_known));
            return is_known.then_some(inserted);
        }
        let Ok(place) = u32::try_from(self.copies.len()) else { return None };
        if self.copies.len() == self.copies.capacity() {
            // The vector is the greater part of the memory: it grows by an eighth.
            self.copies.reserve_exact(self.copies.len() / 8 + 16);
        }
        self.copies.push(CopyRecord { address, hash, inserted, content });
        let copies = &self.copies;
        self.places.insert_unique(address, place, |&place| copies[place as usize].address);
        Some(inserted)
    }

    /// Returns the copy of an address that fits.
    fn find(&mut self, address: Address, fits: impl Fn(&CopyRecord) -> bool) -> Option<&mut CopyRecord> {
        let copies = &self.copies;
        let is_it = |copy: &CopyRecord| copy.address == address && fits(copy);
        let place = *self.places.find(address, |&place| is_it(&copies[place as usize]))?;
        self.copies.get_mut(place as usize)
    }

    /// Sets what the copy that was inserted then is one of.
    pub(super) fn set_content(&mut self, address: Address, inserted: Sequence, content: Option<Content>) {
        if let Some(copy) = self.find(address, |copy| copy.inserted == inserted) {
            copy.content = content;
        }
    }

    /// Removes the copy of an address that fits.
    fn remove(&mut self, address: Address, fits: impl Fn(&CopyRecord) -> bool) -> Option<CopyRecord> {
        let copies = &self.copies;
        let is_it = |copy: &CopyRecord| copy.address == address && fits(copy);
        let found = self.places.find_entry(address, |&place| is_it(&copies[place as usize]));
        let place = found.ok()?.remove().0;
        let last = self.copies.len() - 1;
        let removed = self.copies.swap_remove(place as usize);
        if let Some(moved) = self.copies.get(place as usize) {
            let moved = self.places.find_mut(moved.address, |&place| place as usize == last);
            *moved.expect("each copy has a place") = place;
        }
        Some(removed)
    }

    /// Removes the copies of an address, but for those of one entry, and returns their hashes.
    fn take_copies(&mut self, address: Address, unless: Option<Content>) -> Vec<KeyHash> {
        let differs = |copy: &CopyRecord| unless.is_none() || copy.content != unless;
        core::iter::from_fn(|| Some(self.remove(address, differs)?.hash)).collect()
    }

    /// Records a change of an address, after which its entry is unknown, and returns the hashes of its copies.
    pub(super) fn changed(&mut self, address: Address) -> Vec<KeyHash> {
        let now = self.tick();
        if self.changed.is_empty() {
            self.changed.resize(BUCKETS, 0);
        }
        self.changed[bucket_of(address)] = now;
        self.take_copies(address, None)
    }

    /// Records a change of an address, after which its entry is this one, and returns the hashes of other copies.
    pub(super) fn changed_to(&mut self, address: Address, content: Content) -> Vec<KeyHash> {
        for call in self.calls.iter_hash_mut(address).filter(|call| call.address == address) {
            call.reported.add(content);
        }
        let Some(copied) = self.find(address, |copy| copy.content != Some(content)) else {
            return Vec::new();
        };
        let copied = copied.content;
        // What a call found, or left, may be reported after the call has stored its result.
        let unless = if self.was_replaced(address, content, copied) { copied } else { Some(content) };
        self.take_copies(address, unless)
    }

    /// Records that every key may have been changed, and returns the copies of all.
    pub(super) fn all_changed(&mut self) -> Vec<CopyRecord> {
        self.all_changed = self.tick();
        self.places.clear();
        core::mem::take(&mut self.copies)
    }

    /// Returns whether a change of an address may be one of this function's.
    pub(super) fn may_be_own(&self, address: Address) -> bool {
        let mut calls = self.calls.iter_hash(address).filter(|call| call.address == address);
        if calls.any(|call| call.is_asking) {
            return true;
        }
        let copies = self.places.iter_hash(address).map(|&place| &self.copies[place as usize]);
        copies.filter(|copy| copy.address == address).any(|copy| copy.content.is_some())
    }

    /// Returns the records to be checked next.
    pub(super) fn next_to_check(&mut self) -> [Option<CopyRecord>; CHECKED] {
        if self.copies.len() <= SWEEP_MIN {
            return [None; CHECKED];
        }
        [(); CHECKED].map(|()| {
            self.checked = if self.checked < self.copies.len() { self.checked } else { 0 };
            self.checked += 1;
            self.copies.get(self.checked - 1).copied()
        })
    }

    /// Removes the record of a copy that is not there any more, unless another was inserted meanwhile.
    pub(super) fn forget(&mut self, record: &CopyRecord) {
        self.remove(record.address, |copy| (copy.hash, copy.inserted) == (record.hash, record.inserted));
    }

    /// Returns how many copies are recorded, and the memory that they take.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        let bytes = self.copies.capacity() * size_of::<CopyRecord>() + self.places.allocation_size();
        (self.copies.len(), bytes)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "less than `BUCKETS`")]
fn bucket_of(address: Address) -> usize {
    (address % BUCKETS as u64) as usize
}
