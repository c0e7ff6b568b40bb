//! Lookups of batches of any length: in rounds, with the hits in the order of their keys.

use std::vec::Vec;

use hashbrown::HashTable;

use crate::engine::batch::{CountMisses, Positions, ROUND};
use crate::engine::lifecycle::Lifecycle;
use crate::engine::placement::{Placement, StoredKey, StoredValue};
use crate::key::KeyHash;
use crate::store::Epoch;

/// What a lookup of a batch found.
pub(crate) struct BatchLookup<R> {
    /// The results of the hits, in the order of their keys.
    pub(crate) hits: Vec<R>,
    /// The keys that were missing, in their order.
    pub(crate) missing: Vec<Missing>,
}

/// A key of a batch that was missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missing {
    /// Its position in the batch.
    pub(crate) position: usize,
    pub(crate) hash: KeyHash,
    /// The epoch at which it was missing.
    pub(crate) began: Epoch,
    /// Whether it is computed anew, whatever is stored.
    pub(crate) is_forced: bool,
}

impl Missing {
    /// A key that was not looked up.
    pub(crate) fn unknown(position: usize, hash: KeyHash) -> Self {
        Self { position, hash, began: Epoch::UNKNOWN, is_forced: false }
    }

    /// A key that another call has handed over, to be computed with those of this one.
    pub(crate) fn of_other_call(hash: KeyHash) -> Self {
        Self::unknown(usize::MAX, hash)
    }

    /// Returns whether the key was handed over by another call.
    pub(crate) fn is_of_other_call(&self) -> bool {
        self.position == usize::MAX
    }
}

/// A key of a batch that is equal to an earlier one, which is missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Twin {
    /// Its position in the batch.
    pub(crate) position: usize,
    /// The number of the earlier one among the missing keys.
    pub(crate) of: usize,
    pub(crate) hash: KeyHash,
}

/// The keys of a batch, by their positions.
pub(crate) trait BatchKeys<K> {
    /// Returns how many there are.
    fn count(&self) -> usize;

    /// Hashes a key.
    fn hash(&self, position: usize) -> KeyHash;

    /// Returns what compares a key with stored ones.
    fn matching(&self, position: usize) -> impl Fn(&K) -> bool;

    /// Returns the hash of a key, and what compares it with stored ones.
    #[inline(always)]
    fn key(&self, position: usize) -> (KeyHash, impl Fn(&K) -> bool) {
        (self.hash(position), self.matching(position))
    }
}

/// The order in which the hits of a round came, where it is not that of their keys.
struct Order {
    targets: [u8; ROUND],
    found: Positions,
    count: usize,
}

impl Order {
    const fn new() -> Self {
        Self { targets: [0; ROUND], found: Positions::NONE, count: 0 }
    }

    #[inline]
    fn add(&mut self, position: usize) {
        self.targets[self.count] = u8::try_from(position).unwrap_or(0);
        self.count += 1;
        self.found.add(position);
    }

    /// Sorts the hits of the round by the positions of their keys.
    fn restore<R>(&mut self, hits: &mut [R]) {
        if self.found != Positions::below(self.count) {
            for target in &mut self.targets[..self.count] {
                *target = u8::try_from(self.found.rank(usize::from(*target))).unwrap_or(0);
            }
        }
        for at in 0..self.count {
            while usize::from(self.targets[at]) != at {
                let target = usize::from(self.targets[at]);
                hits.swap(at, target);
                self.targets.swap(at, target);
            }
        }
    }
}

/// Looks up the keys of a batch, and returns the results of the hits, which `read` makes, and what is missing.
pub(crate) fn lookup_many<E: Placement, R>(
    engines: &E,
    keys: &impl BatchKeys<StoredKey<E>>,
    read: impl Fn(&StoredValue<E>) -> R,
    (counting, lifecycle): (CountMisses<'_>, &impl Lifecycle<E::Types>),
) -> BatchLookup<R> {
    let count = keys.count();
    let (mut hits, mut missing) = (Vec::with_capacity(count), Vec::new());
    let mut hashes = [KeyHash::ANY; ROUND];
    let mut start = 0;
    loop {
        if counting.may_read_unlocked() {
            let left = (start..count).map(|position| keys.key(position));
            start += engines.read_unlocked(left, |value| hits.push(read(value)), lifecycle);
        }
        if start >= count {
            break;
        }
        let hashes = &mut hashes[..ROUND.min(count - start)];
        for (number, hash) in hashes.iter_mut().enumerate() {
            *hash = keys.hash(start + number);
            engines.apply_deferred(*hash, lifecycle);
        }
        let (hits_before, missing_before) = (hits.len(), missing.len());
        let mut order = Order::new();
        let begin_at = |number, epoch| {
            if let CountMisses::AndBegin(begin) = counting {
                begin(start + number, epoch);
            }
        };
        let counting = match counting {
            CountMisses::AndBegin(_) => CountMisses::AndBegin(&begin_at),
            other => other,
        };
        engines.lookup_round(
            hashes,
            |number| keys.matching(start + number),
            |number, value| {
                hits.push(read(value));
                if !E::READS_IN_ORDER {
                    order.add(number);
                }
            },
            |misses| {
                missing.reserve(misses.missing.len());
                missing.extend(misses.missing.iter().map(|number| Missing {
                    position: start + number,
                    hash: hashes[number],
                    began: misses.epoch,
                    is_forced: false,
                }));
            },
            (counting, lifecycle),
        );
        if !E::READS_IN_ORDER {
            order.restore(&mut hits[hits_before..]);
            missing[missing_before..].sort_unstable_by_key(|missing| missing.position);
        }
        start += hashes.len();
    }
    BatchLookup { hits, missing }
}

/// The most keys of which the numbers are in a table on the stack.
const FEW: usize = 128;

/// The numbers of the first of equal keys, by their hashes.
#[expect(clippy::large_enum_variant, reason = "it is on the stack, so that a batch allocates less")]
enum Firsts {
    /// The numbers plus one, each at its hash or as soon after it as there is a place.
    Few([u8; 4 * FEW]),
    Many(HashTable<(KeyHash, usize)>),
}

impl Firsts {
    fn new(count: usize) -> Self {
        if count <= FEW { Self::Few([0; 4 * FEW]) } else { Self::Many(HashTable::with_capacity(count)) }
    }

    /// Returns the number of the key for which `is_same`, among those that may have this hash. Inserts `number` if there is none.
    #[inline]
    fn find_or_insert(
        &mut self,
        hash: KeyHash,
        number: usize,
        is_same: impl Fn(&usize) -> bool,
    ) -> Option<usize> {
        match self {
            Self::Few(table) => {
                #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
                let mut at = hash.get() as usize % table.len();
                while let Some(first) = usize::from(table[at]).checked_sub(1) {
                    if is_same(&first) {
                        return Some(first);
                    }
                    at = (at + 1) % table.len();
                }
                table[at] = u8::try_from(number + 1).unwrap_or(0);
                None
            }
            Self::Many(table) => {
                if let Some((_, first)) = table.find(hash.get(), |(_, first)| is_same(first)) {
                    return Some(*first);
                }
                table.insert_unique(hash.get(), (hash, number), |(hash, _)| hash.get());
                None
            }
        }
    }
}

/// Removes all but the first of equal keys from those that are missing, and returns the others. `same` compares two keys by their positions.
pub(crate) fn split_twins(missing: &mut Vec<Missing>, same: impl Fn(usize, usize) -> bool) -> Vec<Twin> {
    let mut twins = Vec::new();
    if missing.len() < 2 {
        return twins;
    }
    let mut firsts = Firsts::new(missing.len());
    let mut kept = 0;
    for at in 0..missing.len() {
        let Missing { position, hash, .. } = missing[at];
        let is_twin = |&first: &usize| missing[first].hash == hash && same(missing[first].position, position);
        if let Some(of) = firsts.find_or_insert(hash, kept, is_twin) {
            twins.push(Twin { position, of, hash });
        } else {
            missing[kept] = missing[at];
            kept += 1;
        }
    }
    missing.truncate(kept);
    twins
}

/// Merges the results of hits with those that were computed for the missing keys, one for each, in the order of the
/// batch. `copy` copies the result of an earlier equal key.
pub(crate) fn merged<R>(
    hits: Vec<R>,
    computed: Vec<R>,
    (missing, twins): (&[Missing], &[Twin]),
    copy: impl Fn(&R) -> R,
) -> Vec<R> {
    debug_assert_eq!(computed.len(), missing.len(), "there is a result for each missing key");
    if hits.is_empty() && twins.is_empty() {
        return computed;
    }
    let count = hits.len() + missing.len() + twins.len();
    let mut merged = Vec::with_capacity(count);
    let (mut hits, mut computed) = (hits.into_iter(), computed.into_iter());
    let (mut missing_left, mut twins) = (missing.iter().peekable(), twins.iter().peekable());
    for position in 0..count {
        let next = if missing_left.next_if(|missing| missing.position == position).is_some() {
            computed.next()
        } else if let Some(twin) = twins.next_if(|twin| twin.position == position) {
            Some(copy(&merged[missing[twin.of].position]))
        } else {
            hits.next()
        };
        merged.extend(next);
    }
    merged
}

/// Counts the keys that are equal to earlier ones as hits: they were answered without a computation of their own. With
/// `were_missed`, they have been counted as misses.
pub(crate) fn count_twins<E: Placement>(engines: &E, twins: &[Twin], were_missed: bool) {
    let mut hashes: Vec<KeyHash> = twins.iter().map(|twin| twin.hash).collect();
    hashes.sort_unstable();
    for equal in hashes.chunk_by(|one, other| one == other) {
        let count = equal.len() as u64;
        engines.at(equal[0], |engine| {
            if were_missed { engine.count_as_hits(count) } else { engine.count_hits(count) }
        });
    }
}
