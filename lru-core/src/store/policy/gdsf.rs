//! GDSF (Greedy-Dual-Size-Frequency): evicts the entry that is the cheapest to lose.
//!
//! L. Cherkasova: "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy", HP Laboratories 1998,
//! after P. Cao and S. Irani: "Cost-Aware WWW Proxy Caching Algorithms", USITS 1997.
//!
//! The priority of an entry is `clock + uses × cost / weight`, computed when it is used. The victim is the entry with the
//! lowest priority, which the clock is then set to: entries that are not used any more fall behind, however dear they were.
//!
//! The entries are in a binary heap of their own by priority. A hit raises the priority in the node of the entry, and
//! leaves the heap as it is. Priorities only rise, so an entry whose position in the heap is out of date is at or above
//! its place; it is moved when it comes to the top. A hit takes constant time, and what it puts off is done once.

use core::cell::Cell;
use core::cmp::Ordering;

use super::Policy;
use super::sealed::Sealed;
use super::stopwatch::Measured;
use crate::key::KeyHash;
use crate::store::linked_arena::{Arena, Slot};

/// The longest time of a computation that counts, in nanoseconds: 68.7 s.
const MOST_COST: u64 = 1 << 36;

/// The number of bits behind the point of `cost / weight`.
const FRACTION: u32 = 8;

/// The most uses that count.
const MOST_USES: u32 = u16::MAX as u32;

/// The priorities are lowered when the clock reaches this. That takes 2^18 uses at least.
const LATEST: u64 = 1 << 62;

/// The cost of an entry that was not computed, before another one was: a microsecond.
const FIRST_COST: u64 = 1000;

/// How many costs make the mean.
const WINDOW: u64 = 1 << 16;

/// GDSF (Greedy-Dual-Size-Frequency): evicts the entry with the least computing time to lose per unit of weight.
/// **Experimental.**
///
/// Good if some results take much longer to compute than others, or are much larger: it does not maximize the number of
/// hits, but the computing time that they save. Where all results cost and weigh the same it is LFU with aging.
///
/// The priority of an entry is its number of uses, times the time that its computation took, divided by its weight. The
/// priority of what was evicted last is added to it at each use, so that what was popular or dear once leaves in time.
/// Computations are measured by the clock of the system, from the miss to the result: waiting counts, and a computation that
/// calls other cached functions costs less if these have their results. Of a slow machine or a busy one the order can be
/// another one than before. Times above a minute count as 69 seconds.
///
/// What was not computed by the cache, as what `insert` or `cache_put` stores, counts as the mean of what was computed,
/// and so does a result of a batch (`each`). Replacing the value of an entry counts as a use.
///
/// A hit takes constant time, an insertion and an eviction take logarithmic time (amortized); the policy needs 48 bytes per
/// entry. A miss reads the clock twice.
///
/// Sources: Cao and Irani, "Cost-Aware WWW Proxy Caching Algorithms", USITS 1997; Cherkasova, "Improving WWW Proxies
/// Performance with Greedy-Dual-Size-Frequency Caching Policy", HP Laboratories 1998.
#[derive(Debug)]
pub struct Gdsf {
    /// Indexed by [`Slot::index`].
    nodes: Vec<Node>,
    /// Invariant: no item is below another one that is to leave later, as far as the items tell.
    heap: Vec<Item>,
    /// The priority of the last victim.
    clock: u64,
    /// The number of uses of all entries, which tells which of two entries of one priority was used later.
    uses: Cell<u32>,
    costs: Costs,
    /// Those of the entry that comes next.
    cost: u64,
    weight: usize,
}

#[derive(Debug)]
struct Node {
    rank: Cell<Rank>,
    /// Its cost by its weight, with a fraction.
    worth: u64,
    uses: Cell<u32>,
    /// Its place in the heap; `None` if it is in none.
    place: Option<u32>,
}

/// The order of eviction: by priority, and of one priority by use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    priority: u64,
    used: u32,
}

/// An entry in the heap, with its rank when it was placed there.
#[derive(Clone, Copy, Debug)]
struct Item {
    rank: Rank,
    slot: u32,
}

/// The mean cost of a computation.
#[derive(Debug)]
struct Costs {
    sum: u64,
    count: u64,
}

impl Costs {
    /// Returns what an entry counts whose computation took `cost`; zero if that is not known.
    fn counted(&mut self, cost: u64) -> u64 {
        if cost == 0 {
            return self.sum.checked_div(self.count).unwrap_or(FIRST_COST);
        }
        let cost = cost.min(MOST_COST);
        if self.count == WINDOW {
            (self.sum, self.count) = (self.sum / 2, self.count / 2);
        }
        // At most 2^16 times 2^36.
        (self.sum, self.count) = (self.sum + cost, self.count + 1);
        cost
    }
}

/// Returns the cost of an entry by its weight.
fn worth(cost: u64, weight: usize) -> u64 {
    let weight = u64::try_from(weight).unwrap_or(u64::MAX).max(1);
    ((cost << FRACTION) / weight).max(1)
}

impl Sealed for Gdsf {}

impl Policy for Gdsf {
    type Stopwatch = Measured;
    const IS_WEIGHED: bool = true;
    const SLOT_BYTES: usize = size_of::<Node>() + size_of::<Item>();
    const NEW: Self = Self {
        nodes: Vec::new(),
        heap: Vec::new(),
        clock: 0,
        uses: Cell::new(0),
        costs: Costs { sum: 0, count: 0 },
        cost: 0,
        weight: 1,
    };

    fn announce_cost(&mut self, nanoseconds: u64) {
        self.cost = nanoseconds;
    }

    fn announce_weight(&mut self, weight: usize) {
        self.weight = weight;
    }

    #[inline]
    fn used<T>(&self, _: &Arena<T>, slot: Slot) {
        if let Some(node) = self.nodes.get(slot.index()) {
            self.count_use(node);
        }
    }

    fn admitted<T>(&mut self, _: &Arena<T>, slot: Slot, _: KeyHash) {
        self.removed(slot);
        self.keep_in_range();
        let worth = self.next_worth();
        if self.nodes.len() <= slot.index() {
            self.nodes.resize_with(slot.index() + 1, Node::vacant);
        }
        let node = &mut self.nodes[slot.index()];
        (node.worth, node.uses) = (worth, Cell::new(0));
        let Ok(number) = u32::try_from(slot.index()) else { return };
        self.count_use(&self.nodes[slot.index()]);
        let rank = self.nodes[slot.index()].rank.get();
        self.heap.push(Item { rank, slot: number });
        self.place(self.heap.len() - 1);
        self.rise(self.heap.len() - 1);
    }

    fn replaced<T>(&mut self, _: &Arena<T>, slot: Slot) {
        self.keep_in_range();
        let worth = self.next_worth();
        let Some(node) = self.nodes.get_mut(slot.index()) else { return };
        node.worth = worth;
        let Some(place) = node.place else { return };
        self.count_use(&self.nodes[slot.index()]);
        self.heap[place as usize].rank = self.nodes[slot.index()].rank.get();
        self.settle_at(place as usize);
    }

    fn victim<T>(&mut self, _: &Arena<T>, _: KeyHash) -> Option<Slot> {
        loop {
            let top = *self.heap.first()?;
            let slot = Slot::from_index(top.slot as usize);
            let rank = self.nodes.get(slot.index())?.rank.get();
            if rank == top.rank {
                self.clock = self.clock.max(rank.priority);
                return Some(slot);
            }
            self.heap[0].rank = rank;
            self.sink(0);
        }
    }

    /// The mean cost outlives the entries.
    fn emptied(&mut self) -> Self {
        let costs = Costs { sum: self.costs.sum, count: self.costs.count };
        Self { costs, ..Self::NEW }
    }

    fn removed(&mut self, slot: Slot) {
        let Some(place) = self.nodes.get_mut(slot.index()).and_then(|node| node.place.take()) else { return };
        self.heap.swap_remove(place as usize);
        if (place as usize) < self.heap.len() {
            self.place(place as usize);
            self.settle_at(place as usize);
        }
    }

    #[cfg(any(test, fuzzing))]
    fn validate<T>(&self, ring: &Arena<T>) {
        assert_eq!(self.heap.len(), ring.len());
        for (at, item) in self.heap.iter().enumerate() {
            let node = &self.nodes[item.slot as usize];
            assert_eq!(node.place.map(|place| place as usize), Some(at), "a node has its place in the heap");
            assert!(item.rank <= node.rank.get(), "ranks only rise behind the back of the heap");
            assert!(node.rank.get().priority >= self.clock);
            assert!(at == 0 || self.heap[(at - 1) / 2].rank <= item.rank, "the heap is ordered");
        }
        assert!(ring.iter().all(|slot| self.nodes[slot.index()].place.is_some()));
        let placed = self.nodes.iter().filter(|node| node.place.is_some()).count();
        assert_eq!(placed, self.heap.len());
    }
}

impl Node {
    const fn vacant() -> Self {
        Self { rank: Cell::new(Rank { priority: 0, used: 0 }), worth: 1, uses: Cell::new(0), place: None }
    }
}

impl Gdsf {
    /// Counts a use of an entry, and ranks the entry by it.
    #[inline]
    fn count_use(&self, node: &Node) {
        let uses = (node.uses.get() + 1).min(MOST_USES);
        node.uses.set(uses);
        self.uses.set(self.uses.get().saturating_add(1));
        let priority = self.clock.saturating_add(u64::from(uses).saturating_mul(node.worth));
        node.rank.set(Rank { priority, used: self.uses.get() });
    }

    /// Returns the worth of the entry that was announced.
    fn next_worth(&mut self) -> u64 {
        let (cost, weight) = (core::mem::take(&mut self.cost), core::mem::replace(&mut self.weight, 1));
        worth(self.costs.counted(cost), weight)
    }

    /// Lowers all priorities and numbers of uses alike if they are about to become too large.
    #[inline]
    fn keep_in_range(&mut self) {
        if self.clock >= LATEST || self.uses.get() == u32::MAX {
            self.lower();
        }
    }

    #[cold]
    fn lower(&mut self) {
        for item in &mut self.heap {
            item.rank = self.nodes[item.slot as usize].rank.get();
        }
        // What is sorted is a heap.
        self.heap.sort_unstable_by_key(|item| item.rank);
        for (at, item) in (0_u32..).zip(&mut self.heap) {
            item.rank = Rank { priority: item.rank.priority.saturating_sub(self.clock), used: at };
            let node = &mut self.nodes[item.slot as usize];
            node.rank.set(item.rank);
            node.place = Some(at);
        }
        self.uses.set(u32::try_from(self.heap.len()).unwrap_or(u32::MAX));
        self.clock = 0;
    }

    /// Notes where an item is.
    fn place(&mut self, at: usize) {
        let slot = self.heap[at].slot as usize;
        self.nodes[slot].place = u32::try_from(at).ok();
    }

    /// Moves an item to its place, from one that is too high or too low.
    fn settle_at(&mut self, at: usize) {
        if !self.rise(at) {
            self.sink(at);
        }
    }

    /// Moves an item up to its place. Returns whether it moved.
    fn rise(&mut self, mut at: usize) -> bool {
        let from = at;
        while at > 0 && self.leaves_before(at, (at - 1) / 2) {
            self.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
        at != from
    }

    /// Moves an item down to its place.
    fn sink(&mut self, mut at: usize) {
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let first = if right < self.heap.len() && self.leaves_before(right, left) { right } else { left };
            if first >= self.heap.len() || !self.leaves_before(first, at) {
                return;
            }
            self.swap(at, first);
            at = first;
        }
    }

    fn leaves_before(&self, one: usize, other: usize) -> bool {
        self.heap[one].rank.cmp(&self.heap[other].rank) == Ordering::Less
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        self.place(one);
        self.place(other);
    }
}

#[cfg(test)]
mod tests;
