//! Methods, associated functions, and caches in objects.

#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, unused_results, unused_lifetimes)]
#![forbid(unsafe_code)]
#![allow(dead_code)]

use std::sync::Arc;

use functools::{LruCache, lru_cache};

/// Part of the key of its methods.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Shop {
    factor: u32,
}

impl Shop {
    /// By reference.
    #[lru_cache(maxsize = 8)]
    pub fn price(&self, id: u32) -> u32 {
        self.factor * id
    }

    /// Owned, and changed in the body.
    #[lru_cache]
    fn raised(mut self, (by, name): (u32, &str)) -> Option<String> {
        self.factor += by;
        Some(format!("{name} {}", self.factor))
    }

    /// Shared.
    #[lru_cache]
    pub(crate) fn named(self: Arc<Self>, name: &str) -> String {
        format!("{name} {}", self.factor)
    }

    /// A method by its `Self`.
    #[lru_cache]
    fn made(factor: u32) -> Self {
        Self { factor }
    }

    /// A method by the option.
    #[lru_cache(accessors = siblings)]
    fn rounded(price: f64) -> f64 {
        price.round()
    }

    /// Without accessors.
    #[lru_cache(accessors = none)]
    fn half(&self, id: u32) -> Option<u32> {
        if id == 0 {
            return None;
        }
        self.factor.checked_div(id)
    }
}

/// Has fields that cannot be part of a key.
pub struct Till<'a, T> {
    names: &'a [T],
    sums: LruCache<(usize, u32), u64>,
    said: LruCache<usize, Option<T>>,
}

impl<'a, T: Clone + ToString> Till<'a, T> {
    /// Caches in the object.
    #[lru_cache(cache = self.sums)]
    fn sum(&self, id: usize, count: u32) -> u64 {
        id as u64 * u64::from(count)
    }

    /// Of a type that no `static` could name.
    #[lru_cache(cache = self.said)]
    fn said(&self, id: usize) -> Option<T> {
        self.names.get(id).cloned()
    }

    /// Parts of arguments.
    #[lru_cache(key = |this, shop| (this.names.len(), shop.factor))]
    fn rate(&self, shop: &Shop) -> u32 {
        shop.factor + 1
    }

    /// Nothing of the object.
    #[lru_cache(typed = true)]
    fn length<N: AsRef<str>>(#[key(skip)] &self, #[key(name.as_ref().len())] name: N) -> usize {
        name.as_ref().len()
    }
}

fn main() {
    let shop = Shop { factor: 2 };
    assert_eq!((shop.price(3), shop.price(3), Shop::price_cache_info().hits), (6, 6, 1));
    assert_eq!((Shop::price_wrapped(&shop, 4), shop.price_cache_peek(4)), (8, None));
    assert_eq!(shop.clone().raised((1, "shop")).as_deref(), Some("shop 3"));
    assert_eq!(Arc::new(shop.clone()).named("shop"), "shop 2");
    assert!(Shop::made(2) == shop && Shop::made_cache_contains(2));
    assert_eq!((Shop::rounded(1.5), shop.half(0), shop.half(2)), (2.0, None, Some(1)));

    let till = Till { names: &["a"], sums: LruCache::new(None), said: LruCache::new(Some(1)) };
    assert_eq!((till.sum(2, 3), till.sum(2, 3), till.sum_cache_info().hits), (6, 6, 1));
    assert_eq!((till.rate(&shop), till.length("abc"), till.length(String::from("abc"))), (3, 3, 3));
    assert_eq!(Till::<&str>::length_cache_info().misses, 2);
    assert!(Till::<&str>::length_cache_contains("abc") && !Till::<u8>::length_cache_contains("abc"));
}
