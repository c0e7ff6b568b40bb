//! Cache objects reached through a parameter that is taken by value.

use std::rc::Rc;
use std::sync::Arc;

use functools::{LruCache, lru_cache};

use crate::support::{counts, now};

type Squares = LruCache<u32, u32>;

#[derive(Clone)]
struct Context {
    memo: Arc<Squares>,
}

#[test]
fn a_parameter_may_hold_the_cache_by_value() {
    #[lru_cache(cache = memo)]
    fn square(n: u32, memo: Arc<Squares>) -> u32 {
        n * n + u32::try_from(memo.len()).unwrap()
    }
    #[lru_cache(cache = context.memo, ttl = 60, single_flight = true, stale_if_error = 5)]
    fn fallible(n: u32, context: Context) -> Result<u32, String> {
        drop(context);
        n.checked_sub(1).ok_or_else(|| "zero".to_owned())
    }
    #[lru_cache(cache = memo)]
    fn unused(n: u32, memo: Rc<Squares>) -> u32 {
        n
    }
    let memo = Arc::new(Squares::new(Some(8)));
    assert_eq!((square(3, memo.clone()), square(3, memo.clone())), (9, 9));
    assert_eq!(counts(square::cache_info(memo.clone())), (1, 1, 1));
    assert_eq!(square::cache_peek(3, memo.clone()), Some(9));
    assert_eq!(square::cache_refresh(3, memo.clone()), 10);
    assert_eq!(square::wrapped(3, memo.clone()), 10);
    let context = Context { memo };
    assert_eq!((fallible(7, context.clone()), fallible(0, context.clone())), (Ok(6), Err("zero".to_owned())));
    assert_eq!(fallible::cache_refresh(7, context), Ok(6));
    let memo = Rc::new(Squares::new(None));
    assert_eq!((unused(3, memo.clone()), unused(3, memo.clone())), (3, 3));
    assert_eq!(Rc::strong_count(&memo), 1);
}

#[test]
fn a_hit_makes_no_second_handle() {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    struct Counted<'a>(&'a Squares, &'a AtomicUsize);
    impl Clone for Counted<'_> {
        fn clone(&self) -> Self {
            self.1.fetch_add(1, Relaxed);
            Self(self.0, self.1)
        }
    }
    #[lru_cache(cache = counted.0)]
    fn half(n: u32, counted: Counted<'_>) -> u32 {
        let _used = counted.1;
        n / 2
    }
    let (memo, clones) = (Squares::new(None), AtomicUsize::new(0));
    assert_eq!((half(4, Counted(&memo, &clones)), half(4, Counted(&memo, &clones))), (2, 2));
    assert_eq!(clones.into_inner(), 1);
}

#[test]
fn methods_may_take_self_by_value() {
    struct Shop {
        prices: Squares,
    }
    impl Shop {
        #[lru_cache(cache = self.prices)]
        fn price(self: Arc<Self>, n: u32) -> u32 {
            n + 1
        }

        #[lru_cache(cache = self.prices)]
        fn counted(self: Rc<Self>, n: u32) -> u32 {
            n + 2
        }

        #[lru_cache(cache = self.prices)]
        async fn later(self: Arc<Self>, n: u32) -> u32 {
            n + 3
        }
    }
    let shop = Arc::new(Shop { prices: LruCache::new(None) });
    assert_eq!((shop.clone().price(1), shop.clone().price(1)), (2, 2));
    assert_eq!(now(shop.clone().later(2)), 5);
    assert_eq!(counts(shop.price_cache_info()), (1, 2, 2));
    assert_eq!(shop.clone().price_cache_peek(1), Some(2));
    let shop = Rc::new(Shop { prices: LruCache::new(None) });
    assert_eq!((shop.clone().counted(1), shop.counted(1)), (3, 3));
}

#[test]
fn without_accessors_the_body_has_its_own_handle() {
    #[lru_cache(cache = memo, accessors = none)]
    fn square(n: u32, mut memo: Arc<Squares>) -> u32 {
        assert_eq!(memo.len(), 0);
        memo = Arc::new(Squares::new(None));
        n * n + u32::try_from(memo.len()).unwrap()
    }
    #[lru_cache(cache = context.memo, accessors = none)]
    async fn later(n: u32, context: Context) -> u32 {
        drop(context);
        n + 1
    }
    #[derive(Clone, Copy)]
    struct View<'a>(&'a Squares);
    impl View<'_> {
        #[lru_cache(cache = self.0, accessors = none)]
        fn double(self, n: u32) -> u32 {
            n * 2
        }
    }
    let memo = Arc::new(Squares::new(None));
    assert_eq!((square(3, memo.clone()), square(3, memo.clone())), (9, 9));
    assert_eq!(now(later(1, Context { memo: memo.clone() })), 2);
    assert_eq!((View(&memo).double(9), View(&memo).double(9)), (18, 18));
    assert_eq!(counts(memo.info()), (2, 3, 3));
}
