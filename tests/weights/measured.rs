//! The weight of a cache in bytes against what the allocator has given it.
//!
//! The weight differs from the memory by an eighth at most, and by what small tables take that do not grow with the
//! cache: 64 KiB.

use std::hash::Hash;

use allocation_counter::measure;
use functools::policy::{Fifo, Lfu, Lru, Policy, Rr, S3Fifo, Sieve, WTinyLfu};
use functools::{Cache, HeapSize, MIB};

/// Fills a cache of 4 MiB twice over, and compares its weight with its memory.
fn weighs_what_it_takes<K: Hash + Eq + HeapSize, V: HeapSize + Clone, P: Policy>(
    entry: impl Fn(u64) -> (K, V),
) {
    let maxsize = 4 * MIB;
    let mut cache = None;
    let measured = measure(|| {
        let filled = Cache::<K, V, P>::builder().maxsize(maxsize).weigh_bytes().build();
        let (mut number, mut weight) = (0, 0);
        while weight < 2 * maxsize {
            let (key, value) = entry(number);
            weight += key.heap_size() + value.heap_size() + 64;
            // Not `insert`: what callers put is recorded, in a table of half a mebibyte at most.
            filled.get_or_insert_with(key, || value);
            number += 1;
        }
        cache = Some(filled);
    });
    let cache = cache.unwrap();
    let (weight, memory) = (cache.info().currsize, usize::try_from(measured.bytes_current).unwrap());
    assert!(weight <= maxsize && weight > maxsize / 10 * 9, "{weight}");
    let differs = weight.abs_diff(memory);
    assert!(differs <= memory / 8 + 64 * 1024, "weight {weight}, memory {memory}");
}

#[test]
fn numbers() {
    weighs_what_it_takes::<_, _, Lru>(|n| (n, n));
}

#[test]
fn texts_and_bytes() {
    weighs_what_it_takes::<_, _, Lru>(|n| (format!("key {n}"), vec![1_u8; 100 + (n % 1000) as usize]));
}

#[test]
fn few_large_values() {
    weighs_what_it_takes::<_, _, Lru>(|n| (n, vec![1_u8; 100_000]));
}

#[test]
fn nested_structs() {
    #[derive(Clone, HeapSize)]
    struct Order {
        buyer: String,
        items: Vec<Item>,
        note: Option<Box<str>>,
    }

    #[derive(Clone, HeapSize)]
    struct Item {
        name: String,
        number: u32,
    }

    weighs_what_it_takes::<_, _, Lru>(|n| {
        let item = |number| Item { name: format!("item {number}"), number };
        let order = Order {
            buyer: format!("buyer {n}"),
            items: (0..u32::try_from(n % 20).unwrap()).map(item).collect(),
            note: (n % 3 == 0).then(|| "leave it at the door".into()),
        };
        assert!(order.items.iter().all(|item| item.number < 20) && !order.buyer.is_empty());
        assert!(order.note.is_none_or(|note| !note.is_empty()));
        let order = Order { buyer: format!("buyer {n}"), items: (0..4).map(item).collect(), note: None };
        ((n, "shop".to_owned()), order)
    });
}

#[test]
fn every_policy_counts_its_own_tables() {
    weighs_what_it_takes::<_, _, Fifo>(|n| (n, n));
    weighs_what_it_takes::<_, _, Lfu>(|n| (n, n));
    weighs_what_it_takes::<_, _, Rr>(|n| (n, n));
    weighs_what_it_takes::<_, _, Sieve>(|n| (n, n));
    weighs_what_it_takes::<_, _, S3Fifo>(|n| (n, n));
    weighs_what_it_takes::<_, _, WTinyLfu>(|n| (n, n));
}
