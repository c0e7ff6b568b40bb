//! Methods of traits: in the trait, with accessors, and in an `impl`, without.

#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, unused_results, unused_lifetimes)]
#![forbid(unsafe_code)]

use functools::lru_cache;

/// With accessors, and so never `dyn`.
pub trait Stock {
    /// Asked for by the method below.
    fn name(&self) -> String;

    /// Each implementor has its own results.
    #[lru_cache(key = |this| this.name())]
    fn stock(&self) -> usize {
        self.name().len()
    }
}

/// Without accessors, and so it can be `dyn`.
pub trait Priced<T> {
    /// To be implemented.
    fn price(&self, id: T) -> T;

    /// The result of the method above.
    #[lru_cache(key = |_, id| *id, accessors = none)]
    fn rounded(&self, id: u64) -> u64 {
        id / 10 * 10
    }
}

/// Of the results.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Shop(u64);

impl Stock for Shop {
    fn name(&self) -> String {
        "shop".repeat(usize::try_from(self.0).unwrap_or(1))
    }
}

impl Priced<u64> for Shop {
    #[lru_cache(accessors = none)]
    fn price(&self, id: u64) -> u64 {
        id * self.0
    }
}

impl Priced<u8> for Shop {
    #[lru_cache(maxsize = 1, accessors = none)]
    fn price(&self, id: u8) -> u8 {
        id
    }
}

fn main() {
    let shop = Shop(2);
    assert_eq!((shop.stock(), shop.stock(), Shop::stock_cache_info().hits), (8, 8, 1));
    assert_eq!((shop.price(3_u64), shop.price(3_u8)), (6, 3));
    let priced: Box<dyn Priced<u64>> = Box::new(shop);
    assert_eq!((priced.rounded(12), priced.price(3)), (10, 6));
}
