use functools::{LruCache, lru_cache};

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

fn main() {}
