//! The keys that were used last, in the order of use, with the weight of those that were used after each of them.

use hashbrown::HashTable;
use std::vec::Vec;

/// The number of times in a block.
const BLOCK: usize = 64;

/// The number of times that a stack begins with.
const FEWEST_TIMES: usize = 256;

/// A time at which no key was used last.
const NONE: u32 = u32::MAX;

/// A key in the stack.
#[derive(Clone, Copy, Debug)]
struct Item {
    hash: u64,
    /// The time of its last use.
    time: u32,
    /// Whether its entry was removed from the cache for another reason than lack of room.
    is_gone: bool,
}

/// What a stack knows of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The key was used: the weight of all keys that were used since, and its own.
    Used { since: u64, own: u32 },
    /// The key was used, but no cache has its entry: it has expired or was invalidated.
    Gone,
    /// The key was never used, or not since the stack was cleared, or more than `depth` keys were used since.
    Unknown,
}

/// An LRU stack of the hashes of at most `depth` keys.
///
/// Each use has a time, which counts up. The weight of a key is at the time of its last use, and the times are in blocks
/// whose sums are kept: a distance adds some blocks and a part of one. When the times are used up, all keys get the first
/// ones anew, in their order.
///
/// Invariant: `sums` has the sum of `weights` of each block, and `total` that of all.
#[derive(Debug)]
pub(super) struct Stack {
    depth: usize,
    table: HashTable<u32>,
    items: Vec<Item>,
    /// The items that are not in use.
    free: Vec<u32>,
    /// The item that was last used at each time.
    at: Vec<u32>,
    weights: Vec<u32>,
    sums: Vec<u64>,
    total: u64,
    /// The next time.
    next: usize,
    /// No key was last used before this time.
    oldest: usize,
}

/// Mixes a hash for the table: sampled hashes have their lowest bits in common.
fn folded(hash: u64) -> u64 {
    hash ^ (hash >> 32)
}

impl Stack {
    pub(super) fn new(depth: usize) -> Self {
        Self {
            depth,
            table: HashTable::new(),
            items: Vec::new(),
            free: Vec::new(),
            at: Vec::new(),
            weights: Vec::new(),
            sums: Vec::new(),
            total: 0,
            next: 0,
            oldest: 0,
        }
    }

    /// Returns the number of keys.
    pub(super) fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }

    /// Returns the weight of all keys.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Forgets all keys, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.table.clear();
        self.items.clear();
        self.free.clear();
        self.at.fill(NONE);
        self.weights.fill(0);
        self.sums.fill(0);
        (self.total, self.next, self.oldest) = (0, 0, 0);
    }

    /// Returns the number of the item of a key, which stays the same while it is known.
    pub(super) fn index(&self, hash: u64) -> Option<usize> {
        let is_it = |&index: &u32| self.items[index as usize].hash == hash;
        self.table.find(folded(hash), is_it).map(|&index| index as usize)
    }

    /// Returns what is known of the key with this item.
    pub(super) fn found(&self, index: Option<usize>) -> Found {
        let Some(index) = index else { return Found::Unknown };
        let Item { time, is_gone, .. } = self.items[index];
        if is_gone {
            return Found::Gone;
        }
        let time = time as usize;
        Found::Used { since: self.weight_after(time), own: self.weights[time] }
    }

    /// Returns the weight of the keys that were last used after this time.
    fn weight_after(&self, time: usize) -> u64 {
        let block = time / BLOCK;
        let end = (block + 1) * BLOCK;
        let in_block: u64 = self.weights[time + 1..end].iter().map(|&weight| u64::from(weight)).sum();
        let used = self.next.div_ceil(BLOCK);
        in_block + self.sums[block + 1..used.max(block + 1)].iter().sum::<u64>()
    }

    /// Makes a key the one that was used last, with this weight; `known` is its item. Returns whether another key was dropped
    /// for it.
    pub(super) fn push(&mut self, hash: u64, known: Option<usize>, weight: u32) -> bool {
        if self.next == self.at.len() {
            self.renumber();
        }
        let drops = known.is_none() && self.len() == self.depth;
        if drops {
            self.drop_oldest();
        }
        let index = match known {
            Some(index) => {
                self.vacate(self.items[index].time as usize);
                index
            }
            None => self.add(hash),
        };
        let time = self.next;
        self.next += 1;
        let item = &mut self.items[index];
        (item.time, item.is_gone) = (number(time), false);
        self.at[time] = number(index);
        self.weigh(time, weight);
        drops
    }

    /// Records that the entry of a key was removed.
    pub(super) fn remove(&mut self, hash: u64) {
        if let Some(index) = self.index(hash) {
            self.items[index].is_gone = true;
            self.weigh(self.items[index].time as usize, 0);
        }
    }

    fn add(&mut self, hash: u64) -> usize {
        let item = Item { hash, time: 0, is_gone: false };
        let index = if let Some(index) = self.free.pop() {
            self.items[index as usize] = item;
            index
        } else {
            self.items.push(item);
            number(self.items.len() - 1)
        };
        let items = &self.items;
        self.table.insert_unique(folded(hash), index, |&index| folded(items[index as usize].hash));
        index as usize
    }

    /// Sets the weight at a time.
    fn weigh(&mut self, time: usize, weight: u32) {
        let (new, old) = (u64::from(weight), u64::from(self.weights[time]));
        self.weights[time] = weight;
        let sum = &mut self.sums[time / BLOCK];
        *sum = *sum - old + new;
        self.total = self.total - old + new;
    }

    fn vacate(&mut self, time: usize) {
        self.at[time] = NONE;
        self.weigh(time, 0);
    }

    fn drop_oldest(&mut self) {
        while self.at[self.oldest] == NONE {
            self.oldest += 1;
        }
        let index = self.at[self.oldest];
        self.vacate(self.oldest);
        let hash = folded(self.items[index as usize].hash);
        if let Ok(entry) = self.table.find_entry(hash, |&other| other == index) {
            entry.remove();
        }
        self.free.push(index);
    }

    /// Gives all keys the first times, in their order, and adds times if half of them are in use, up to twice the `depth`.
    #[cold]
    fn renumber(&mut self) {
        let mut to = 0;
        for from in 0..self.at.len() {
            let index = self.at[from];
            if index == NONE {
                continue;
            }
            let weight = self.weights[from];
            (self.at[from], self.weights[from]) = (NONE, 0);
            (self.at[to], self.weights[to]) = (index, weight);
            self.items[index as usize].time = number(to);
            to += 1;
        }
        let most = (2 * self.depth).next_multiple_of(BLOCK).max(FEWEST_TIMES);
        let times = if 2 * to >= self.at.len() {
            (2 * self.at.len()).clamp(FEWEST_TIMES, most)
        } else {
            self.at.len()
        };
        let more = times - self.at.len();
        self.at.reserve_exact(more);
        self.at.resize(times, NONE);
        self.weights.reserve_exact(more);
        self.weights.resize(times, 0);
        self.sums.clear();
        let sum = |block: &[u32]| block.iter().map(|&weight| u64::from(weight)).sum::<u64>();
        self.sums.extend(self.weights.chunks(BLOCK).map(sum));
        (self.next, self.oldest) = (to, 0);
    }

    /// Returns how many bytes the stack has on the heap.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.table.allocation_size()
            + self.items.capacity() * size_of::<Item>()
            + (self.free.capacity() + self.at.capacity() + self.weights.capacity()) * size_of::<u32>()
            + self.sums.capacity() * size_of::<u64>()
    }
}

/// Converts the number of an item or a time, of which there are few.
#[expect(clippy::cast_possible_truncation, reason = "there are at most twice `depth` of either")]
fn number(number: usize) -> u32 {
    number as u32
}
