use std::collections::HashMap;

use functools::lru_cache;

struct Report;

#[lru_cache(maxsise = 8, typed = 1)]
const fn report(rows: &mut Vec<u64>, names: HashMap<u64, String>) -> Report {
    let _ = (rows, names);
    Report
}

fn main() {}
