use functools::lru_cache;

#[lru_cache]
fn push(items: &mut Vec<u64>, maybe: Option<&mut u64>) -> usize {
    items.len() + maybe.map_or(0, |_| 1)
}

fn main() {
    // One mistake, one error: the accessors exist.
    println!("{}", push::cache_info());
}
