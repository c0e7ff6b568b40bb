use std::collections::HashMap;
use std::rc::Rc;

use functools::lru_cache;

struct Shape;

#[lru_cache]
fn total(prices: HashMap<String, u64>) -> u64 {
    prices.values().sum()
}

#[lru_cache]
fn area(shape: &Shape, scale: (f64, Shape), name: Rc<str>) -> f64 {
    let _ = (shape, name);
    scale.0
}

fn main() {
    total(HashMap::new());
    area(&Shape, (1.0, Shape), "square".into());
}
