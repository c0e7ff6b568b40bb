//! What the lock holder does with a mirror: changes of entries, the order of use, and the counts.

use core::sync::atomic::Ordering::Relaxed as ByHolder;

use super::{Mirror, NOT_QUEUED, SlotState};
use crate::key::KeyHash;
use crate::store::change_log::Epoch;
use crate::store::lock_free::atomic::{Ordering::Relaxed, Ordering::Release, fence};
use crate::store::lock_free::stripe::{Stamp, Stripe};
use crate::store::lock_free::words::Words;

/// The stripes that have hits since the order was last settled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Active(u64);

/// The methods of the lock holder.
impl Mirror {
    /// Ends the changes, if any, and publishes the epoch of the change log. The sequence number changes in any case, so
    /// that hits before and after are in this order.
    #[inline]
    pub(crate) fn end(&self, epoch: Epoch) {
        let (changes, insertions) = epoch.numbers();
        self.changes.store(changes, Relaxed);
        self.insertions.store(insertions, Relaxed);
        let sequence = self.sequence.0.load(Relaxed);
        self.sequence.0.store(sequence + 2 - sequence % 2, Release);
    }

    /// Ends the use of the mirror: from now on each lookup takes the lock. The sequence number stays odd.
    pub(crate) fn retire(&self) {
        self.advance_to_change();
    }

    /// Returns whether the mirror is no longer used, if entries are not just being changed.
    pub(crate) fn is_retired(&self) -> bool {
        self.sequence.0.load(Relaxed) % 2 == 1
    }

    /// Returns the number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.holder.slots.len()
    }

    /// Advances the sequence number, and returns a stamp that is greater than all earlier ones.
    #[inline]
    fn advance(&self) -> Stamp {
        let sequence = self.sequence.0.load(Relaxed);
        self.sequence.0.store(sequence + 2, Release);
        Stamp::locked(sequence + 2 - sequence % 2)
    }

    /// Like [`advance`](Self::advance), and begins to change entries.
    #[inline]
    fn advance_to_change(&self) -> Stamp {
        let odd = self.sequence.0.load(Relaxed) | 1;
        self.sequence.0.store(odd + 2, Relaxed);
        fence(Release);
        Stamp::locked(odd + 1)
    }

    /// Returns what is known of a slot. Slots are in range.
    #[inline]
    fn state(&self, slot: usize) -> Option<&SlotState> {
        self.holder.slots.get(slot)
    }

    /// Records a use of a slot by the lock holder.
    #[inline]
    pub(crate) fn used(&self, slot: usize) {
        let stamp = self.advance();
        if let Some(state) = self.state(slot) {
            state.used.store(stamp.to_bits(), ByHolder);
        }
    }

    /// Records a new entry in a slot, which readers find after [`write`](Self::write).
    #[inline]
    pub(crate) fn admitted(&self, slot: usize) {
        let stamp = self.advance_to_change();
        if let Some(state) = self.state(slot) {
            state.used.store(stamp.to_bits(), ByHolder);
            state.queued.store(NOT_QUEUED, ByHolder);
        }
    }

    /// Records a new value in a slot, which readers find after [`write`](Self::write).
    pub(crate) fn replaced(&self, slot: usize) {
        let stamp = self.advance_to_change();
        if let Some(state) = self.state(slot) {
            state.used.store(stamp.to_bits(), ByHolder);
        }
    }

    /// Writes the entry of a slot for readers, after it was admitted or replaced.
    #[inline]
    pub(crate) fn write<K: Words, V: Words>(&self, slot: usize, hash: KeyHash, key: K, value: V) {
        debug_assert!(self.sequence.0.load(Relaxed) % 2 == 1, "readers take the lock");
        let Some(state) = self.state(slot) else { return };
        let next = self.table.write(slot, key, value);
        if state.chain.load(ByHolder) != 0 {
            return;
        }
        let chain = self.table.chain_of(hash);
        if let Some(next) = next {
            self.table.link(chain, slot, next);
            state.chain.store(chain as u64 + 1, ByHolder);
        }
    }

    /// Writes the metadata of the entry in a slot, of which readers may see it or the former one.
    #[inline]
    pub(crate) fn renew_meta<U: Words>(&self, slot: usize, meta: U) {
        self.table.write_meta(slot, meta);
    }

    /// Removes the entry of a slot. Readers may find it until [`end`](Self::end).
    #[inline]
    pub(crate) fn removed(&self, slot: usize) {
        if let Some(state) = self.state(slot) {
            state.queued.store(NOT_QUEUED, ByHolder);
            let chain = state.chain.load(ByHolder);
            state.chain.store(0, ByHolder);
            self.unlink(slot, chain);
        }
    }

    /// Removes a slot from a chain, given by its number plus one; zero if it is in none.
    #[inline]
    fn unlink(&self, slot: usize, chain: u64) {
        #[expect(clippy::cast_possible_truncation, reason = "it was made from a `usize`")]
        let Some(chain) = (chain as usize).checked_sub(1) else { return };
        let (Some(head), Some(next)) = (self.table.heads.get(chain), self.table.next_of(slot)) else {
            return;
        };
        let next = next.load(Relaxed);
        let own = slot as u64 + 1;
        if u64::from(head.load(Relaxed)) == own {
            #[expect(clippy::cast_possible_truncation, reason = "it was made from a `u32`")]
            head.store(next as u32, Relaxed);
            return;
        }
        let mut at = u64::from(head.load(Relaxed));
        #[expect(clippy::cast_possible_truncation, reason = "it was made from a `u32`")]
        while let Some(link) = (at as usize).checked_sub(1).and_then(|slot| self.table.next_of(slot)) {
            at = link.load(Relaxed);
            if at == own {
                link.store(next, Relaxed);
                return;
            }
        }
    }

    /// Removes all entries. Readers may find them until [`end`](Self::end).
    pub(crate) fn clear(&self) {
        self.table.heads.iter().for_each(|head| head.store(0, Relaxed));
        for state in &self.holder.slots {
            state.chain.store(0, ByHolder);
            state.queued.store(NOT_QUEUED, ByHolder);
        }
    }

    /// Gives the thread with this number, which is that of the lock holder, a stripe with room for hits. They come after
    /// [`end`](Self::end), which changes the sequence number.
    pub(crate) fn renew(&self, thread: usize) {
        let Some(stripe) = self.stripes.get(thread) else { return };
        match stripe.get() {
            Some(stripe) if stripe.is_exhausted() => stripe.renew(),
            Some(_) => {}
            None => {
                stripe.get_or_init(|| Box::new(Stripe::new(self.holder.slots.len())));
                let stripes = self.holder.stripes.load(ByHolder);
                self.holder.stripes.store(stripes | 1 << thread, ByHolder);
            }
        }
    }

    /// Returns the stripes that exist, with their numbers.
    fn all_stripes(&self, numbers: u64) -> impl Iterator<Item = (usize, &Stripe)> {
        let first = |numbers: u64| (numbers != 0).then_some(numbers);
        core::iter::successors(first(numbers), move |numbers| first(numbers & (numbers - 1))).filter_map(
            |numbers| {
                let number = numbers.trailing_zeros() as usize;
                Some((number, &**self.stripes.get(number)?.get()?))
            },
        )
    }

    /// Returns the stripes with hits since the order was last settled.
    #[inline]
    pub(crate) fn active(&self) -> Active {
        let mut active = 0;
        for (number, stripe) in self.all_stripes(self.holder.stripes.load(ByHolder)) {
            let settled = self.holder.settled_hits.get(number).map(|hits| hits.load(ByHolder));
            if settled != Some(stripe.hits()) {
                active |= 1 << number;
            }
        }
        Active(active)
    }

    /// Returns the stamp of the last use of a slot: by the lock holder, or by a hit in one of these stripes.
    #[inline]
    fn stamp(&self, slot: usize, used: u64, active: Active) -> Stamp {
        let used = Stamp::from_bits(used);
        if active.0 == 0 {
            return used;
        }
        self.all_stripes(active.0).fold(used, |last, (_, stripe)| last.max(stripe.stamp(slot)))
    }

    /// Returns whether a slot is queued for eviction; if so, whether it was not used since.
    #[inline]
    pub(crate) fn queued(&self, slot: usize, active: Active) -> Option<bool> {
        let state = self.state(slot)?;
        let queued = state.queued.load(ByHolder);
        (queued != NOT_QUEUED)
            .then(|| self.stamp(slot, state.used.load(ByHolder), active).to_bits() == queued)
    }

    /// Takes a slot that was used out of the queue.
    #[inline]
    pub(crate) fn pass(&self, slot: usize) {
        if let Some(state) = self.state(slot) {
            state.queued.store(NOT_QUEUED, ByHolder);
        }
    }

    /// Begins to settle the order: reads the hits of all stripes, whose stamps [`settled`](Self::settled) then returns.
    /// Returns the stripes that have had hits.
    pub(crate) fn settle(&self) -> Active {
        let active = self.active();
        for (number, stripe) in self.all_stripes(active.0) {
            if let Some(hits) = self.holder.settled_hits.get(number) {
                hits.store(stripe.hits(), ByHolder);
            }
        }
        active
    }

    /// Queues a slot for eviction, and returns the stamp of its last use.
    #[inline]
    pub(crate) fn settled(&self, slot: usize, active: Active) -> Stamp {
        let Some(state) = self.state(slot) else { return Stamp::NEVER };
        let stamp = self.stamp(slot, state.used.load(ByHolder), active);
        state.used.store(stamp.to_bits(), ByHolder);
        state.queued.store(stamp.to_bits(), ByHolder);
        stamp
    }

    /// Returns the hits and misses that were counted without the lock since the last time.
    pub(crate) fn take_counts(&self) -> (u64, u64) {
        let stripes = || self.all_stripes(self.holder.stripes.load(ByHolder)).map(|(_, stripe)| stripe);
        let hits: u64 = stripes().map(Stripe::hits).sum();
        let misses: u64 = stripes().map(Stripe::misses).sum();
        let (taken_hits, taken_misses) = (&self.holder.taken_hits, &self.holder.taken_misses);
        let counts = (hits - taken_hits.load(ByHolder), misses - taken_misses.load(ByHolder));
        taken_hits.store(hits, ByHolder);
        taken_misses.store(misses, ByHolder);
        counts
    }
}
