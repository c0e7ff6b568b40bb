use std::collections::HashMap;
use std::rc::Rc;

use functools::lru_cache;

struct Shop;

struct Report;

impl Shop {
    #[lru_cache(maxsise = 8, cache_errors = 1, accessors = companion)]
    fn report(&mut self, #[key(db.name)] rows: &mut Vec<u64>, names: HashMap<u64, String>) -> Report {
        let _ = (rows, names);
        Report
    }

    #[lru_cache]
    fn price<I: Into<u64>>(&self, #[key(skip, id)] names: Rc<str>, id: I) -> &Report {
        let _ = (names, id);
        &Report
    }
}

#[lru_cache(key = |item| item, maxsize = None, maxsize = 8)]
fn show<T: ToString>(items: &mut [T], #[key(skip)] names: HashMap<u64, String>) -> Rc<str> {
    let _ = (items, names);
    "".into()
}

fn main() {}
