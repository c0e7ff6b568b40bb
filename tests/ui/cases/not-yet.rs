use functools::lru_cache;

#[lru_cache]
fn twice<T: Clone, const N: usize>(item: T, other: impl Clone) -> u64 {
    let _ = (item, other);
    2
}

#[lru_cache]
async fn fetch(id: u64) -> u64 {
    id
}

struct Shop;

impl Shop {
    #[lru_cache]
    fn price(&self, id: u64) -> u64 {
        id
    }

    #[lru_cache]
    fn empty() -> Self {
        Shop
    }
}

#[lru_cache]
fn projected(#[key(skip)] id: u64) -> u64 {
    id
}

fn main() {}
