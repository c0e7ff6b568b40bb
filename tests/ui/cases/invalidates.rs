//! Functions whose results `#[invalidates(…)]` cannot invalidate.

use functools::{LruCache, invalidates, lru_cache, memoize, tag};

struct Shop {
    prices: LruCache<u32, u32>,
}

impl Shop {
    #[lru_cache(cache = self.prices)]
    fn price(&self, id: u32) -> u32 {
        id
    }

    fn plain(&self, id: u32) -> u32 {
        id
    }

    #[invalidates(self.price(id))]
    fn set(&self, id: u32) {
        self.plain(id);
    }

    #[invalidates(self.price(id), tag("price", id))]
    async fn set_slowly(&self, id: u32) {
        self.plain(id);
    }

    #[invalidates(self.plain(id))]
    fn set_plain(&self, id: u32) {
        self.plain(id);
    }

    #[invalidates(Shop::plain(self, id))]
    fn set_by_path(&self, id: u32) {
        self.plain(id);
    }
}

trait Prices {
    fn hidden(&self, id: u32) -> u32;
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Market;

impl Prices for Market {
    #[lru_cache(accessors = none)]
    fn hidden(&self, id: u32) -> u32 {
        id
    }
}

#[memoize]
impl Market {
    #[lru_cache]
    fn stock(&self, id: u32) -> u32 {
        id
    }

    #[invalidates(self.hidden(id))]
    fn without_accessors(&self, id: u32) {
        self.stock(id);
    }

    #[invalidates(self.stock(id, 1))]
    fn too_many(&self, id: u32) {
        self.stock(id);
    }

    #[invalidates(self.stock())]
    fn too_few(&self, id: u32) {
        self.stock(id);
    }
}

#[lru_cache(cache = memo)]
fn in_argument(id: u32, memo: &LruCache<u32, u32>) -> u32 {
    id
}

#[invalidates(in_argument(1, memo))]
fn change_in_argument(memo: &LruCache<u32, u32>) {}

mod own {
    pub(super) fn tag(_: &str, _: u32) -> u32 {
        7
    }
}

#[invalidates(own::tag("user", 1))]
fn another_tag() {}

#[lru_cache]
fn user(id: u32) -> u32 {
    id
}

#[invalidates(user(id), id + 1)]
fn no_call(id: u32) {}

#[invalidates(user(id).max(1).cache_invalidate())]
fn an_accessor_of_a_method(id: u32) {}

#[invalidates(id)]
fn a_variable(id: u32) {}

#[invalidates(user(*name))]
fn another_type(name: &str) {}

fn main() {}
