//! Methods: `self` is part of the key, and no two types ever share.

use std::sync::Arc;

use functools::{LruCache, lru_cache};

use crate::support::tally as info;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop {
    factor: u32,
}

impl Shop {
    #[lru_cache(maxsize = 8)]
    fn price(&self, id: u32) -> u32 {
        self.factor * id
    }

    #[lru_cache]
    fn shared(self: Arc<Self>, id: u32) -> Option<u32> {
        Some(self.factor * id)
    }

    #[lru_cache(accessors = siblings)]
    fn square(n: u32) -> u32 {
        n * n
    }

    #[lru_cache]
    fn made(factor: u32) -> Self {
        Self { factor }
    }

    #[lru_cache]
    fn general(#[key(skip)] &self, id: u32) -> u32 {
        id + 1
    }
}

#[test]
fn self_is_part_of_the_key() {
    let (one, two) = (Shop { factor: 1 }, Shop { factor: 2 });
    assert_eq!((one.price(3), two.price(3), one.price(3)), (3, 6, 3));
    assert_eq!(info(Shop::price_cache_info()), (1, 2, 2));
    assert_eq!(Shop::price_wrapped(&one, 4), 4);
    assert_eq!(two.price_cache_peek(3), Some(6));
    assert!(one.price_cache_invalidate(3));
    Shop::price_cache_clear();
    assert_eq!(Shop::price_cache_parameters().maxsize, Some(8));

    assert_eq!(Arc::new(one.clone()).shared(5), Some(5));
    assert_eq!(Arc::new(one.clone()).shared(5), Some(5));
    assert_eq!(info(Shop::shared_cache_info()), (1, 1, 1));
    assert_eq!((Shop::square(4), Shop::square(4)), (16, 16));
    assert_eq!(info(Shop::square_cache_info()), (1, 1, 1));
    assert!(Shop::made(4) == Shop::made(4));
    assert_eq!(info(Shop::made_cache_info()), (1, 1, 1));
    assert_eq!((one.general(1), two.general(1)), (2, 2));
    assert_eq!(info(Shop::general_cache_info()), (1, 1, 1));
}

struct Sized2<T>(T);

impl<T: Clone> Sized2<T> {
    #[lru_cache]
    fn size(#[key(skip)] &self, _n: u8) -> usize {
        size_of::<T>()
    }
}

#[test]
fn instances_of_a_generic_impl_never_share() {
    assert_eq!((Sized2(1_u8).size(0), Sized2(1_u64).size(0)), (1, 8));
    assert_eq!(info(Sized2::<()>::size_cache_info()), (0, 2, 2));
}

trait Rated<T> {
    fn rate(&self, n: u32) -> u32;
    fn name(&self) -> String;
    #[lru_cache]
    fn label(#[key(skip)] &self, n: u32) -> String {
        format!("{}{n}", self.name())
    }
}

impl Rated<u8> for Shop {
    #[lru_cache(accessors = none)]
    fn rate(&self, n: u32) -> u32 {
        if n == 0 {
            return 0;
        }
        self.factor + n
    }
    fn name(&self) -> String {
        "u8".into()
    }
}

impl Rated<u16> for Shop {
    #[lru_cache(accessors = none)]
    fn rate(&self, n: u32) -> u32 {
        self.factor + n + 1000
    }
    fn name(&self) -> String {
        "u16".into()
    }
}

#[test]
fn implementors_never_share() {
    let shop = Shop { factor: 1 };
    assert_eq!(Rated::<u8>::rate(&shop, 1), 2);
    assert_eq!(Rated::<u16>::rate(&shop, 1), 1002);
    assert_eq!(Rated::<u8>::label(&shop, 1), "u81");
    assert_eq!(Rated::<u16>::label(&shop, 1), "u161");
    assert_eq!(info(<Shop as Rated<u8>>::label_cache_info()), (0, 2, 2));
}

struct Store<'a, T> {
    names: &'a [T],
    sizes: LruCache<usize, T>,
    both: LruCache<(usize, String), String>,
}

impl<T: Clone> Store<'_, T> {
    #[lru_cache(cache = self.sizes)]
    fn at(&self, index: usize) -> T {
        self.names[index].clone()
    }

    #[lru_cache(cache = self.both)]
    fn named(&self, index: usize, name: &str) -> String {
        format!("{name}{index}")
    }
}

#[test]
fn a_cache_in_the_object_takes_it() {
    let names = ["a", "b"];
    let store = Store { names: &names, sizes: LruCache::new(Some(2)), both: LruCache::new(None) };
    assert_eq!((store.at(0), store.at(0)), ("a", "a"));
    assert_eq!((store.named(0, "x"), store.named(0, "x")), ("x0".to_string(), "x0".to_string()));
    assert_eq!(info(store.at_cache_info()), (1, 1, 1));
    assert_eq!(info(store.named_cache_info()), (1, 1, 1));
    assert_eq!(store.at_cache_parameters().maxsize, Some(2));
    store.at_cache_clear();
    assert!(!store.at_cache_contains(0));
    assert_eq!(store.sizes.len(), 0);
}

#[lru_cache(cache = memo)]
fn paths(x: u64, y: u64, memo: &LruCache<(u64, u64), u64>) -> u64 {
    if x == 0 || y == 0 { 1 } else { paths(x - 1, y, memo) + paths(x, y - 1, memo) }
}

#[test]
fn a_memo_of_its_own_for_each_solve() {
    let memo = LruCache::new(None);
    assert_eq!(paths(16, 16, &memo), 601_080_390);
    assert_eq!(paths::cache_info(&memo).misses, 17 * 17 - 1);
}
