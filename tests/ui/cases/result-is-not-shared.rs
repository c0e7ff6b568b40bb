use std::cell::Cell;
use std::rc::Rc;

use functools::lru_cache;

#[lru_cache]
fn shared(n: u64) -> Rc<u64> {
    Rc::new(n)
}

#[lru_cache]
fn fallible(n: u64) -> Result<Rc<u64>, Rc<str>> {
    Ok(Rc::new(n))
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop;

impl Shop {
    #[lru_cache]
    fn price(&self, id: u64) -> Rc<u64> {
        Rc::new(id)
    }

    #[lru_cache]
    fn stock(&self, id: u64) -> Cell<u64> {
        Cell::new(id)
    }
}

#[lru_cache(typed = true)]
fn twice<T: functools::Argument + Clone + 'static>(item: T) -> Vec<T> {
    vec![item.clone(), item]
}

#[lru_cache(typed = true)]
fn wrapped<T: functools::Argument + Clone + Send + Sync + 'static>(item: T) -> Rc<T> {
    Rc::new(item)
}

fn main() {
    let _ = (shared(1), fallible(1), Shop.price(1), Shop.stock(1), twice(1), wrapped(1));
}
