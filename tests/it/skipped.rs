//! Accessors take what is in the key: arguments that `#[key(skip)]` leaves out of it are for the body alone.

use std::borrow::Cow;
use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use functools::{Argument, Clock, LruCache, ManualClock, lru_cache};

use crate::support::tally as info;

/// Neither `Clone` nor comparable.
struct Db {
    factor: u32,
}

fn ready<F: Future>(future: F) -> F::Output {
    let Poll::Ready(output) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("the future is pending");
    };
    output
}

#[test]
fn accessors_of_functions() {
    #[lru_cache]
    fn load(#[key(skip)] db: &Db, id: u32, #[key(skip)] _: &dyn Fn(), name: &str) -> u32 {
        db.factor * id + u32::from(!name.is_empty())
    }
    let db = Db { factor: 2 };
    assert_eq!(load(&db, 1, &|| (), "a"), 3);
    assert!(load::cache_contains(1, "a") && !load::cache_contains(1, "b"));
    assert_eq!((load::cache_peek(1, "a"), load::cache_peek(2, "a")), (Some(3), None));
    load::cache_put(2, "a", 50);
    assert_eq!(load(&db, 2, &|| (), "a"), 50);
    assert_eq!(load::cache_refresh(&db, 2, &|| (), "a"), 5);
    assert_eq!(load::wrapped(&db, 3, &|| (), "a"), 7);
    assert!(load::cache_invalidate(2, "a") && !load::cache_invalidate(2, "a"));
    assert_eq!(info(load::cache_info()), (1, 2, 1));

    #[lru_cache]
    fn all(#[key(skip)] db: &Db) -> u32 {
        db.factor
    }
    assert_eq!((all(&db), all::cache_contains(), all::cache_peek()), (2, true, Some(2)));
    all::cache_put(3);
    assert_eq!((all(&db), all::cache_invalidate(), all::cache_contains()), (3, true, false));
}

#[test]
fn accessors_of_methods() {
    struct Shop<T> {
        factor: T,
    }
    impl<T: Into<u32> + Copy> Shop<T> {
        #[lru_cache]
        fn price(#[key(skip)] &self, id: u32) -> u32 {
            self.factor.into() * id
        }

        #[lru_cache]
        fn named(#[key(skip)] self: &std::sync::Arc<Self>, id: u32, #[key(skip)] name: &str) -> String {
            format!("{}{id}{name}", self.factor.into())
        }
    }
    let shop = Shop { factor: 2_u8 };
    assert_eq!(shop.price(1), 2);
    assert!(Shop::<u8>::price_cache_contains(1) && !Shop::<u16>::price_cache_contains(1));
    Shop::<u8>::price_cache_put(2, 9);
    assert_eq!((shop.price(2), Shop::<u8>::price_cache_peek(2)), (9, Some(9)));
    assert_eq!((shop.price_cache_refresh(2), Shop::price_wrapped(&shop, 3)), (4, 6));
    assert!(Shop::<u8>::price_cache_invalidate(2) && !Shop::<u8>::price_cache_contains(2));

    let shop = std::sync::Arc::new(shop);
    assert_eq!((shop.named(1, "a"), Shop::<u8>::named_cache_peek(1)), ("21a".into(), Some("21a".into())));
    assert_eq!(shop.named_cache_refresh(1, "b"), "21b");
}

trait Priced {
    fn factor(&self) -> u32;

    #[lru_cache]
    fn price(#[key(skip)] &self, id: u32) -> u32
    where
        Self: 'static,
    {
        self.factor() * id
    }
}

#[test]
fn accessors_of_provided_methods() {
    struct Two;
    struct Three;
    impl Priced for Two {
        fn factor(&self) -> u32 {
            2
        }
    }
    impl Priced for Three {
        fn factor(&self) -> u32 {
            3
        }
    }
    assert_eq!((Two.price(1), Three.price(1)), (2, 3));
    assert_eq!((Two::price_cache_peek(1), Three::price_cache_peek(1)), (Some(2), Some(3)));
    assert!(Two::price_cache_invalidate(1) && Three::price_cache_contains(1));
}

#[test]
fn what_reaches_the_cache_stays() {
    struct Shop {
        prices: LruCache<u32, u32>,
        factor: u32,
    }
    impl Shop {
        #[lru_cache(cache = self.prices)]
        fn price(&self, #[key(skip)] db: &Db, id: u32) -> u32 {
            self.factor * db.factor * id
        }

        #[lru_cache(cache = self.prices)]
        fn skipped(#[key(skip)] &self, id: u32, #[key(skip)] db: &Db) -> u32 {
            self.factor * db.factor * id
        }

        #[lru_cache(cache = memo)]
        fn beside(#[key(skip)] &self, id: u32, #[key(skip)] memo: &LruCache<u32, u32>) -> u32 {
            self.factor * id
        }
    }
    let (shop, db) = (Shop { prices: LruCache::new(None), factor: 2 }, Db { factor: 1 });
    assert_eq!((shop.price(&db, 1), shop.price_cache_peek(1)), (2, Some(2)));
    shop.price_cache_put(2, 7);
    assert_eq!((shop.skipped(2, &db), shop.skipped_cache_contains(2)), (7, true));
    assert!(shop.skipped_cache_invalidate(2) && !shop.price_cache_contains(2));
    let memo = LruCache::new(None);
    assert_eq!((shop.beside(3, &memo), Shop::beside_cache_peek(3, &memo), memo.len()), (6, Some(6), 1));
    assert!(Shop::beside_cache_invalidate(3, &memo));
}

#[test]
fn what_another_part_of_the_key_names_stays() {
    #[lru_cache]
    fn normal(#[key(skip)] db: &Db, #[key(id % db.factor)] id: u32, #[key(skip)] _other: u8) -> u32 {
        id % db.factor
    }
    let db = Db { factor: 10 };
    assert_eq!((normal(&db, 13, 0), normal::cache_peek(&db, 3)), (3, Some(3)));
    normal::cache_put(&db, 14, 4);
    assert!(normal::cache_invalidate(&db, 24));

    #[lru_cache(key = |_, id| *id)]
    fn by_closure(db: &Db, id: u32) -> u32 {
        db.factor + id
    }
    assert_eq!((by_closure(&db, 1), by_closure::cache_contains(&db, 1)), (11, true));
}

#[test]
fn types_of_generic_functions_are_named() {
    trait Source {
        const FACTOR: u32;
    }
    struct Two;
    struct Three(#[expect(dead_code, reason = "makes the types differ in size")] u8);
    impl Source for Two {
        const FACTOR: u32 = 2;
    }
    impl Source for Three {
        const FACTOR: u32 = 3;
    }
    #[lru_cache(typed = true)]
    fn load<S: Source, T: Argument + Into<u32> + Copy>(#[key(skip)] _source: &S, id: T) -> u32 {
        S::FACTOR * id.into()
    }
    assert_eq!((load(&Two, 1_u8), load(&Three(0), 1_u8)), (2, 3));
    assert_eq!(load::cache_peek::<Two, _>(1_u8), Some(2));
    load::cache_put::<Three, u16>(1, 9);
    assert_eq!((load(&Three(0), 1_u16), load::cache_contains::<Two, u16>(1)), (9, false));
    assert!(load::cache_invalidate::<Two, _>(1_u8) && load::cache_contains::<Three, _>(1_u8));

    // The type of an `impl Trait` tells results apart, and has no name.
    #[lru_cache(typed = true)]
    fn mapped(#[key(skip)] map: impl Fn(u32) -> u32, n: u32, #[key(skip)] _db: &Db) -> u32 {
        map(n)
    }
    let (double, triple) = (|n| 2 * n, |n| 3 * n);
    let db = Db { factor: 0 };
    assert_eq!((mapped(double, 1, &db), mapped(triple, 1, &db)), (2, 3));
    assert_eq!((mapped::cache_peek(double, 1), mapped::cache_peek(triple, 1)), (Some(2), Some(3)));
}

#[test]
fn lifetimes_of_arguments_that_are_not_taken() {
    #[lru_cache]
    fn named<'a, 'b: 'a>(
        #[key(skip)] text: &'a str,
        #[key(skip)] _db: &'b Db,
        n: usize,
    ) -> Result<u8, &'a str> {
        text.as_bytes().get(n).copied().ok_or(text)
    }
    #[lru_cache]
    fn omitted(#[key(skip)] text: &str, n: usize) -> Result<u8, Cow<'_, str>> {
        text.as_bytes().get(n).copied().ok_or(Cow::Borrowed(text))
    }
    struct Texts(String);
    impl Texts {
        #[lru_cache]
        fn at(#[key(skip)] &self, n: usize, _by: &str) -> Result<u8, &str> {
            self.0.as_bytes().get(n).copied().ok_or(&self.0)
        }
    }
    let (db, text) = (Db { factor: 0 }, Texts("ab".to_owned()));
    assert_eq!((named(&text.0, &db, 0), named(&text.0, &db, 2)), (Ok(b'a'), Err("ab")));
    assert_eq!((named::cache_peek(0), named::cache_peek(2)), (Some(Ok(b'a')), None));
    assert_eq!((omitted(&text.0, 0), omitted::cache_peek(0)), (Ok(b'a'), Some(Ok(b'a'))));
    omitted::cache_put(1, Err(Cow::Borrowed(&text.0)));
    assert!(!omitted::cache_contains(1));
    assert_eq!((text.at(1, ""), Texts::at_cache_peek(1, "")), (Ok(b'b'), Some(Ok(b'b'))));
    Texts::at_cache_put(0, "", Ok(7));
    assert_eq!(text.at(0, ""), Ok(7));
}

#[test]
fn put_takes_what_weight_and_expiry_are_made_of() {
    static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

    #[lru_cache(maxsize = 10, weight = |db, _, _, _| db.factor as usize)]
    fn weighed(#[key(skip)] db: &Db, n: u32, #[key(skip)] _other: u8) -> u32 {
        db.factor * n
    }
    #[lru_cache(maxsize = 10, weight = |_, _n, _more, value| *value as usize, ttu = |_db, n, _, _, now| now + Duration::from_secs(u64::from(*n)), timer = || CLOCK.now())]
    fn unused(#[key(skip)] db: &Db, n: u32, #[key(skip)] more: u32) -> u32 {
        db.factor * n + more
    }
    fn weight(_: &Db, n: &u32, _: &u32) -> usize {
        *n as usize
    }
    #[lru_cache(maxsize = 10, weight = weight)]
    fn by_path(#[key(skip)] db: &Db, n: u32) -> u32 {
        db.factor * n
    }
    struct Shop(u32);
    impl Shop {
        #[lru_cache(maxsize = 10, weight = |this, _, _| this.0 as usize)]
        fn of_self(#[key(skip)] &self, n: u32) -> u32 {
            self.0 * n
        }

        #[lru_cache(maxsize = 10, weight = |_, n, _| *n as usize)]
        fn of_others(#[key(skip)] &self, n: u32) -> u32 {
            self.0 * n
        }
    }
    let db = Db { factor: 4 };
    weighed::cache_put(&db, 1, 0);
    assert_eq!((weighed(&db, 1, 0), weighed::cache_peek(1), weighed::cache_info().currsize), (0, Some(0), 4));
    assert_eq!(unused(&db, 1, 1), 5);
    unused::cache_put(2, 3);
    assert_eq!((unused::cache_info().currsize, unused::cache_peek(2)), (8, Some(3)));
    CLOCK.advance(Duration::from_secs(1));
    assert_eq!((unused::cache_contains(1), unused::cache_contains(2)), (false, true));
    by_path::cache_put(&db, 7, 0);
    assert_eq!((by_path(&db, 7), by_path::cache_invalidate(7), by_path::cache_info().currsize), (0, true, 0));
    let shop = Shop(3);
    shop.of_self_cache_put(1, 0);
    Shop::of_others_cache_put(5, 0);
    assert_eq!((Shop::of_self_cache_info().currsize, Shop::of_others_cache_info().currsize), (3, 5));
    assert_eq!((shop.of_self(1), shop.of_others(5)), (0, 0));
}

#[test]
fn accessors_of_async_functions() {
    #[lru_cache]
    async fn load(#[key(skip)] db: &Db, id: u32) -> Result<u32, &'static str> {
        if id == 0 { Err("zero") } else { Ok(db.factor * id) }
    }
    let db = Db { factor: 2 };
    assert_eq!((ready(load(&db, 1)), ready(load(&db, 0))), (Ok(2), Err("zero")));
    assert_eq!((load::cache_peek(1), load::cache_contains(0)), (Some(Ok(2)), false));
    load::cache_put(2, Ok(9));
    assert_eq!((ready(load(&db, 2)), ready(load::cache_refresh(&db, 2))), (Ok(9), Ok(4)));
    assert!(load::cache_invalidate(2) && !load::cache_invalidate(2));
    assert_eq!(ready(load::wrapped(&db, 3)), Ok(6));
}
