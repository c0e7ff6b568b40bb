//! A cache per top-level call: the results for one knapsack are useless for another.
//!
//! Run it with `cargo run --example solver`.

use functools::{CacheInfo, LruCache, lru_cache};

struct Item {
    weight: usize,
    value: u64,
}

/// The results of one solve: the best value by the first item to choose from, and the room left.
type Memo = LruCache<(usize, usize), u64>;

/// All calls that share a memo have the same items, so the items are left out of the key.
#[lru_cache(cache = memo)]
fn best(#[key(skip)] items: &[Item], first: usize, room: usize, memo: &Memo) -> u64 {
    let Some(item) = items.get(first) else { return 0 };
    let without = best(items, first + 1, room, memo);
    match room.checked_sub(item.weight) {
        Some(rest) => without.max(item.value + best(items, first + 1, rest, memo)),
        None => without,
    }
}

fn solve(items: &[Item], room: usize) -> (u64, CacheInfo) {
    let memo = Memo::new(None);
    (best(items, 0, room, &memo), best::cache_info(&memo))
}

fn main() {
    let some: Vec<_> = (1..=5).map(|n| Item { weight: n, value: n as u64 * 10 }).collect();
    let many: Vec<_> =
        (1..=60).map(|n| Item { weight: 3 + n % 7, value: 5 + n as u64 * n as u64 % 11 }).collect();

    for (name, items, room) in [("5 items", &some, 11), ("60 items", &many, 100)] {
        let (value, info) = solve(items, room);
        println!("{name}, room for {room}: worth {value}");
        println!("  {info}");
    }
    println!("\nBoth memos are gone. Without one, the second solve would take 2,000,000,000,000,000 calls.");
}
