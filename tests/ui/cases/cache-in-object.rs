use functools::{LruCache, lru_cache};

struct Shelf;

struct Shop {
    prices: LruCache<u64, u64>,
    names: LruCache<(String, u64), String>,
    ids: Vec<u64>,
}

impl Shop {
    #[lru_cache(cache = self.nowhere)]
    fn nowhere(&self, id: u64) -> u64 {
        id
    }

    #[lru_cache(cache = self.ids)]
    fn no_cache(&self, id: u64) -> u64 {
        id
    }

    #[lru_cache(cache = self.prices)]
    fn other_key(&self, name: &str) -> u64 {
        name.len() as u64
    }

    #[lru_cache(cache = self.names)]
    fn short_key(&self, name: &str) -> String {
        name.to_owned()
    }

    #[lru_cache(cache = self.names)]
    fn other_keys_and_results(&self, #[key(skip)] shop: &Shop, id: u64) -> u64 {
        let _ = shop;
        id
    }

    #[lru_cache(cache = self.prices)]
    fn no_key(&self, shelf: &Shelf) -> u64 {
        let _ = shelf;
        0
    }

    #[lru_cache(cache = self.prices)]
    fn other_result(&self, id: u64) -> String {
        id.to_string()
    }
}

#[lru_cache(cache = memo)]
fn other_error(memo: &LruCache<u64, Result<u64, String>>, id: u64) -> Result<u64, String> {
    let _ = memo;
    Ok(id)
}

#[lru_cache(cache = prices)]
fn not_there(memo: &LruCache<u64, u64>, id: u64) -> u64 {
    let _ = memo;
    id
}

#[lru_cache(cache = memo)]
fn no_result(memo: &LruCache<u64, u64>, id: u64) -> Shelf {
    let _ = (memo, id);
    Shelf
}

struct Store<T> {
    items: LruCache<u64, T>,
}

impl<T: Clone> Store<T> {
    #[lru_cache(cache = self.items)]
    fn all(&self, id: u64) -> Vec<T> {
        let _ = id;
        Vec::new()
    }

    #[lru_cache(cache = self.items)]
    fn by_item(&self, item: T) -> T {
        item
    }
}

fn main() {}
