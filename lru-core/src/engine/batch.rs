//! Rounds: lookups and inserts of up to 64 keys, each under one hold of the lock.
//!
//! A round is bounded so that a long batch does not hold the lock for long. Its keys are hashed before, and the clock is
//! read once for all of them.

use core::mem;

use crate::engine::Engine;
use crate::engine::insert::Comparison;
use crate::engine::insert_kind::InsertKind;
use crate::engine::lifecycle::{Hooks, Lifecycle};
use crate::engine::lock::{Lock, Settle, release};
use crate::engine::lookup::Serving;
use crate::engine::notify::notify;
use crate::engine::state::State;
use crate::key::KeyHash;
use crate::store::place::FastInsert;
use crate::store::{CacheTypes, Entry, Epoch, Place, RemovalCause, Removed};

/// The number of keys of a round.
pub(crate) const ROUND: usize = 64;

/// A set of keys of a round, by their positions in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Positions(u64);

impl Positions {
    pub(crate) const NONE: Self = Self(0);

    /// The positions below `count`.
    pub(crate) fn below(count: usize) -> Self {
        debug_assert!(count <= ROUND, "a round has {ROUND} keys at most");
        if count >= ROUND { Self(u64::MAX) } else { Self((1 << count) - 1) }
    }

    #[inline]
    pub(crate) fn add(&mut self, position: usize) {
        self.0 |= 1 << position;
    }

    /// Returns the positions that are not in `other`.
    #[inline]
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns the positions in ascending order.
    #[inline]
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let next = (left != 0).then(|| left.trailing_zeros() as usize);
            left &= left.wrapping_sub(1);
            next
        })
    }

    /// Returns the positions for which `is_found` returns `false`. It is called in ascending order.
    #[inline(always)]
    fn retain_missing(self, mut is_found: impl FnMut(usize) -> bool) -> Self {
        let (mut left, mut missing) = (self.0, 0);
        while left != 0 {
            let first = left & left.wrapping_neg();
            if !is_found(left.trailing_zeros() as usize) {
                missing |= first;
            }
            left ^= first;
        }
        Self(missing)
    }

    #[inline]
    pub(crate) fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Returns how many positions are less than `position`.
    #[inline]
    pub(crate) fn rank(self, position: usize) -> usize {
        Self(self.0 & ((1 << position) - 1)).len()
    }
}

/// The keys of a round that were missing, and the epoch at which they were looked up.
#[derive(Clone, Copy, Debug)]
pub struct RoundMisses {
    pub(crate) missing: Positions,
    pub(crate) epoch: Epoch,
}

/// Whether the misses of a round are counted as it looks its keys up.
#[derive(Clone, Copy)]
pub enum CountMisses<'r> {
    /// They are counted: the results are computed by the call itself.
    Now,
    /// They are not counted: the results may come from elsewhere.
    Later,
    /// They are counted, and the computations of all keys begin: each position is passed with the epoch, under the lock
    /// under which a change of a key would change it. Keys are not read without the lock.
    AndBegin(&'r dyn Fn(usize, Epoch)),
}

impl CountMisses<'_> {
    /// Returns whether keys may be read without the lock.
    pub(crate) fn may_read_unlocked(self) -> bool {
        !matches!(self, Self::AndBegin(_))
    }
}

/// A result to be inserted, and the epoch at which its computation began.
pub struct Computed<C: CacheTypes> {
    pub(crate) entry: Entry<C>,
    pub(crate) began: Epoch,
}

/// Removed entries of a round. If user code unwinds while the lock is held, they are deferred, so that the next
/// lock holder reports them.
struct Unwinding<'r, C: CacheTypes> {
    state: &'r State<C>,
    removed: &'r mut Removed<C>,
}

impl<C: CacheTypes> Drop for Unwinding<'_, C> {
    fn drop(&mut self) {
        if !self.removed.has_cleared_store() {
            let removed = mem::replace(self.removed, Removed::none());
            removed.drain_into(|entry, cause| self.state.deferred.defer_entry(entry, cause));
        }
    }
}

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Looks up the selected ones of up to 64 keys, under one hold of the lock, and counts hits and perhaps misses. Passes the
    /// value of each hit to `read`, with its position.
    pub(crate) fn lookup_round<M: Fn(&C::Key) -> bool>(
        &self,
        (hashes, selected): (&[KeyHash], Positions),
        matching: impl Fn(usize) -> M,
        mut read: impl FnMut(usize, &Entry<C>),
        count: CountMisses<'_>,
        lifecycle: &impl Lifecycle<C>,
    ) -> RoundMisses {
        let serving = Serving::new::<C::Meta>(lifecycle);
        let mut state = self.hold();
        // Before the lookups, during which an `Eq` may change the cache: a later epoch could miss that.
        let epoch = state.change_log.now();
        let missing = if let Some(state) = L::exclusive(&mut state) {
            debug_assert!(state.is_settled(), "no call is nested in another one");
            let store = state.store.get_mut();
            let is_sure = |meta: &C::Meta| serving.is_surely_served(meta);
            let may_serve = |meta: &C::Meta| serving.may_serve(meta);
            selected.retain_missing(|position| {
                let read = |entry: &Entry<C>| read(position, entry);
                store.read_checked(hashes[position], matching(position), is_sure, may_serve, read).is_some()
            })
        } else {
            let may_serve = |place: &dyn Fn() -> Option<Place>, meta: &C::Meta| {
                !state.deferred.hides_at(place) && serving.may_serve(meta)
            };
            match state.store.try_borrow() {
                Ok(store) => selected.retain_missing(|position| {
                    let read = |entry: &Entry<C>| read(position, entry);
                    store.read(hashes[position], matching(position), may_serve, read).is_some()
                }),
                // Unreachable: no user code runs while the store is mutably borrowed.
                Err(_) => selected,
            }
        };
        let hits = (selected.len() - missing.len()) as u64;
        if hits > 0 {
            self.state.on_hits(state.counters.hits_by(hits), hits);
        }
        if !matches!(count, CountMisses::Later) {
            state.counters.add((0, selected.len() as u64 - hits));
            missing.iter().for_each(|position| state.sample_miss(hashes[position]));
        }
        if let CountMisses::AndBegin(begin) = count {
            selected.iter().for_each(|position| begin(position, epoch));
        }
        release(state, |removed| drop(notify(removed, lifecycle)));
        RoundMisses { missing, epoch }
    }

    /// Inserts the results of misses, like [`Engine::insert_computed`], under one hold of the lock. Reports and drops the
    /// removed entries after it.
    ///
    /// The keys must be distinct.
    pub(crate) fn insert_round(
        &self,
        entries: impl Iterator<Item = Computed<C>>,
        compare: &impl Comparison<C>,
        lifecycle: &impl Lifecycle<C>,
    ) {
        if self.is_disabled() {
            entries.for_each(drop);
            return;
        }
        let mut removed = Removed::none();
        let mut evicted_fast = 0;
        let keeps_evicted = mem::needs_drop::<Entry<C>>() || lifecycle.hooks().listens();
        // The epoch at which the keys were missing, if only this round has inserted any since, and the epoch by now.
        let mut missing_since: Option<(Epoch, Epoch)> = None;
        let mut now = None;
        // Declared last, and therefore released first if user code unwinds.
        let mut state = self.hold();
        for Computed { entry, began } in entries {
            let known = missing_since.filter(|&(since, now)| since == began && state.change_log.is_at(now));
            let at = known.map_or(began, |(_, now)| now);
            let is_missing = state.change_log.is_at(at);
            let inserted = match L::exclusive(&mut state) {
                Some(state) => state.insert_exclusive(entry, at, compare),
                None => insert_shared(&state, entry, at, compare, &mut removed),
            };
            match inserted {
                Ok(evicted) => {
                    missing_since = is_missing.then(|| (began, state.change_log.now()));
                    if let Some(evicted) = evicted.filter(|_| keeps_evicted) {
                        evicted_fast += 1;
                        if removed.is_empty() {
                            removed.reserve(ROUND);
                        }
                        removed.push(evicted, RemovalCause::Evicted);
                    }
                }
                Err(entry) => {
                    let unwinding = Unwinding { state: &state, removed: &mut removed };
                    let now =
                        *now.get_or_insert_with(|| unwinding.state.sweep(lifecycle, unwinding.removed).0);
                    let kind = InsertKind::Computed(began);
                    self.decide_and_apply(
                        unwinding.state,
                        entry,
                        kind,
                        compare,
                        (lifecycle, now),
                        unwinding.removed,
                    );
                    mem::forget(unwinding);
                }
            }
        }
        let evicted = removed.count(RemovalCause::Evicted).saturating_sub(evicted_fast);
        state.counters.add_removals(evicted, removed.count(RemovalCause::Expired));
        release(state, |leftover| removed.append(leftover));
        self.size_itself(&mut removed);
        drop(notify(removed, lifecycle));
    }

    /// Counts hits of a batch that were answered by another computation.
    pub(crate) fn count_hits(&self, hits: u64) {
        self.hold().counters.add((hits, 0));
    }

    /// Counts misses of a batch that were answered without a computation of their own as hits instead.
    pub(crate) fn count_as_hits(&self, misses: u64) {
        let state = self.hold();
        state.add_counts();
        state.counters.add((misses, 0));
        for _ in 0..misses {
            state.counters.revert_miss();
        }
    }
}

/// Inserts an entry by the fast path of a lock under which user code may run.
fn insert_shared<C: CacheTypes>(
    state: &State<C>,
    entry: Entry<C>,
    began: Epoch,
    compare: &impl Comparison<C>,
    removed: &mut Removed<C>,
) -> FastInsert<C> {
    let unwinding = Unwinding { state, removed };
    let inserted = state.insert_fast(entry, began, compare);
    mem::forget(unwinding);
    inserted
}

#[cfg(test)]
mod tests;
