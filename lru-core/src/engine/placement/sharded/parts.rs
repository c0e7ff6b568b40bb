//! The parts of a batch that the shards have.

use std::vec::Vec;

use crate::engine::batch::{Computed, Positions, ROUND};
use crate::key::KeyHash;
use crate::store::CacheTypes;

/// Calls `lookup` for the keys of a round that are in the same shard, with the hash of one of them. `number` returns the number of
/// a shard, of which there are `shards`.
pub(super) fn for_each_shard(
    hashes: &[KeyHash],
    (shards, number): (usize, impl Fn(KeyHash) -> usize),
    mut lookup: impl FnMut(KeyHash, Positions),
) {
    // The keys of each shard, or of several shards if there are more than in a round.
    let mut parts = [Positions::NONE; ROUND];
    for (position, &hash) in hashes.iter().enumerate() {
        parts[number(hash) % ROUND].add(position);
    }
    for mut left in parts.into_iter().take(shards) {
        while let Some(first) = left.iter().next() {
            let hash = hashes[first];
            let mut selected = left;
            if shards > ROUND {
                selected = Positions::NONE;
                let is_same = |&position: &usize| number(hashes[position]) == number(hash);
                left.iter().filter(is_same).for_each(|position| selected.add(position));
            }
            left = left.without(selected);
            lookup(hash, selected);
        }
    }
}

/// Calls `insert` for up to 64 results of the same shard, in their order, with the hash of one of them.
pub(super) fn for_each_round<C: CacheTypes>(
    results: Vec<Computed<C>>,
    number: impl Fn(KeyHash) -> usize,
    mut insert: impl FnMut(KeyHash, &mut dyn Iterator<Item = Computed<C>>),
) {
    // Numbers are sorted, and not the results, which are larger.
    let numbered = results.iter().enumerate().map(|(place, result)| (number(result.entry.hash), place));
    let mut order: Vec<_> = numbered.collect();
    order.sort_unstable();
    let mut results: Vec<_> = results.into_iter().map(Some).collect();
    for of_shard in order.chunk_by(|(one, _), (other, _)| one == other) {
        for round in of_shard.chunks(ROUND) {
            let mut round = round.iter().filter_map(|(_, place)| results[*place].take()).peekable();
            let Some(hash) = round.peek().map(|first| first.entry.hash) else { continue };
            insert(hash, &mut round);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::hash::mixed;

    #[test]
    fn each_key_is_in_the_part_of_its_shard_however_many_shards_there_are() {
        let hashes: Vec<_> = (0..ROUND as u64).map(|n| KeyHash::of(&mixed(n))).collect();
        for shards in [1_usize, 16, 64, 256, 1024] {
            let number = |hash: KeyHash| usize::try_from(hash.get() % 1024).unwrap() % shards;
            let (mut all, mut parts) = (Positions::NONE, 0);
            for_each_shard(&hashes, (shards, number), |hash, selected| {
                parts += 1;
                for position in selected.iter() {
                    assert_eq!(number(hashes[position]), number(hash));
                    all.add(position);
                }
            });
            assert_eq!(all, Positions::below(ROUND), "{shards}");
            let mut numbers: Vec<_> = hashes.iter().map(|hash| number(*hash)).collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(parts, numbers.len(), "one part for each shard");
        }
    }
}
