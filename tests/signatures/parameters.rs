//! Parameters and bodies of all kinds.

use std::pin::Pin;
use std::sync::Arc;

use functools::{Argument, LruCache, lru_cache};

use crate::support::{counts, now};

/// As in a web framework: the handler takes its argument apart.
#[derive(Clone, Copy, Debug)]
struct Path<T>(T);

#[derive(Clone)]
struct State<T>(T);

#[derive(Clone, Copy)]
struct Page {
    number: u32,
    size: u32,
}

#[test]
fn a_body_may_begin_with_inner_attributes() {
    #[lru_cache(accessors = none)]
    fn half(n: u32) -> u32 {
        //! Documented inside.
        #![allow(unused_variables)]
        let unused = n;
        n / 2
    }
    #[lru_cache(accessors = none)]
    async fn later(n: u32) -> u32 {
        #![allow(unused_variables)]
        let unused = n;
        n / 2
    }
    #[lru_cache(cache = memo)]
    fn held(n: u32, memo: &LruCache<u32, u32>) -> u32 {
        #![allow(unused_variables)]
        let unused = n;
        n / 2
    }
    assert_eq!((half(4), now(later(6)), held(8, &LruCache::new(None))), (2, 3, 4));
}

#[test]
fn pinned_references_are_keys_as_references_are() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Machine {
        state: u32,
    }
    impl Machine {
        #[lru_cache]
        fn step(self: Pin<&Self>, by: u32) -> u32 {
            self.state + by
        }

        #[lru_cache]
        fn skipped(#[key(skip)] self: Pin<&Self>, by: u32) -> u32 {
            self.state + by
        }

        #[lru_cache(accessors = none)]
        async fn later(self: Pin<&Self>, by: u32) -> u32 {
            self.state + by
        }
    }
    struct Held {
        memo: LruCache<u32, u32>,
    }
    impl Held {
        #[lru_cache(cache = self.memo)]
        fn step(self: Pin<&Self>, by: u32) -> u32 {
            by + 1
        }
    }
    #[lru_cache]
    fn pinned(number: Pin<&u32>, text: Pin<&str>) -> usize {
        *number as usize + text.len()
    }
    let machine = Machine { state: 3 };
    let again = machine.clone();
    assert_eq!((Pin::new(&machine).step(1), Pin::new(&again).step(1)), (4, 4));
    assert_eq!(counts(Machine::step_cache_info()), (1, 1, 1));
    assert_eq!((Pin::new(&machine).skipped(1), now(Pin::new(&machine).later(2))), (4, 5));
    let held = Held { memo: LruCache::new(None) };
    assert_eq!((Pin::new(&held).step(1), held.memo.len()), (2, 1));
    assert_eq!((pinned(Pin::new(&1), Pin::new("ab")), pinned(Pin::new(&1), Pin::new("ab"))), (3, 3));
    assert_eq!(counts(pinned::cache_info()), (1, 1, 1));
}

#[test]
fn a_skipped_parameter_may_be_changed() {
    #[lru_cache]
    fn logged(n: u32, #[key(skip)] log: &mut Vec<u32>) -> u32 {
        log.push(n);
        n + 1
    }
    #[lru_cache(single_flight = true, weight = |_, _, _| 1)]
    fn single(n: u32, #[key(skip)] log: &mut Vec<u32>) -> Result<u32, String> {
        log.push(n);
        Ok(n + 1)
    }
    #[lru_cache]
    async fn later(n: u32, #[key(skip)] log: &mut Vec<u32>, #[key(skip)] more: Option<&mut u32>) -> u32 {
        log.push(n);
        n + more.map_or(1, |more| *more)
    }
    #[lru_cache(accessors = none)]
    fn hidden(n: u32, #[key(skip)] log: &mut Vec<u32>) -> u32 {
        log.push(n);
        n + 1
    }
    #[lru_cache(cache = memo)]
    fn held(n: u32, #[key(skip)] log: &mut Vec<u32>, memo: &LruCache<u32, u32>) -> u32 {
        log.push(n);
        n + 1
    }
    let log = &mut Vec::new();
    assert_eq!((logged(1, log), logged(1, log)), (2, 2));
    assert_eq!((single(2, log), single(2, log)), (Ok(3), Ok(3)));
    assert_eq!((now(later(3, log, None)), now(later(3, log, None))), (4, 4));
    assert_eq!((hidden(4, log), hidden(4, log)), (5, 5));
    let memo = LruCache::new(None);
    assert_eq!((held(5, log, &memo), held(5, log, &memo)), (6, 6));
    assert_eq!((logged::cache_peek(1), held::cache_peek(5, &memo)), (Some(2), Some(6)));
    assert_eq!(logged::cache_refresh(1, log), 2);
    assert_eq!(*log, [1, 2, 3, 4, 5, 1]);
}

#[test]
fn a_skipped_parameter_needs_no_trait() {
    struct Db;
    #[lru_cache(weight = |n, _, value| (*n + *value) as usize)]
    fn weighed(n: u32, #[key(skip)] db: Db) -> u32 {
        let Db = db;
        n + 1
    }
    #[lru_cache(ttu = |n, _db, _, now| now + u64::from(*n), timer = || 0_u64)]
    fn until(n: u32, #[key(skip)] db: Db) -> u32 {
        let Db = db;
        n + 1
    }
    #[lru_cache(weight = |_, _, text| text.len(), single_flight = true)]
    fn single(n: u32, #[key(skip)] db: &Db) -> Result<String, Db> {
        let Db = db;
        Ok(n.to_string())
    }
    #[lru_cache(weight = |_, _, value| *value as usize)]
    async fn later(n: u32, #[key(skip)] db: Db) -> u32 {
        let Db = db;
        n + 1
    }
    assert_eq!((weighed(1, Db), weighed(1, Db)), (2, 2));
    assert_eq!((until(1, Db), until(1, Db)), (2, 2));
    assert_eq!((single(1, &Db).ok(), single(1, &Db).ok()), (Some("1".into()), Some("1".into())));
    assert_eq!((now(later(1, Db)), now(later(1, Db))), (2, 2));
    weighed::cache_put(7, 8);
    assert_eq!(weighed::cache_info().currsize, 3 + 15);
}

#[test]
fn a_key_may_name_what_a_parameter_is_taken_apart_to() {
    #[lru_cache]
    fn user(#[key(id)] Path(id): Path<u32>) -> u32 {
        id + 1
    }
    #[lru_cache]
    async fn later(#[key(*id)] Path(mut id): Path<u32>, #[key(skip)] State(_state): State<u32>) -> u32 {
        id += 1;
        id
    }
    #[lru_cache(single_flight = true)]
    fn page(
        #[key(number * size)] Page { number, size }: Page,
        #[key(b.len())] (_, ref b): (u32, String),
    ) -> Result<u32, String> {
        u32::try_from(b.len()).map(|len| number * size + len).map_err(|_| b.clone())
    }
    #[lru_cache]
    fn other(#[key(skip)] Path(offset): Path<u32>, #[key(n + offset)] n: u32) -> u32 {
        n + offset
    }
    #[lru_cache(accessors = none)]
    fn hidden(#[key(first)] &[first, second]: &[u32; 2]) -> u32 {
        first + second
    }
    struct Shop;
    impl Shop {
        #[lru_cache]
        fn price(#[key(skip)] &self, #[key(id)] Path(id): Path<u32>) -> u32 {
            id + 1
        }
    }
    assert_eq!((user(Path(1)), user(Path(1))), (2, 2));
    assert_eq!(user::cache_peek(Path(1)), Some(2));
    assert_eq!((now(later(Path(1), State(1))), now(later(Path(1), State(2)))), (2, 2));
    let text = || (1, "ab".to_owned());
    assert_eq!(page(Page { number: 2, size: 3 }, text()), Ok(8));
    assert_eq!(page(Page { number: 3, size: 2 }, text()), Ok(8));
    assert_eq!(counts(page::cache_info()), (1, 1, 1));
    assert_eq!((other(Path(1), 2), other(Path(2), 1)), (3, 3));
    assert_eq!(other::cache_peek(Path(3), 0), Some(3));
    assert_eq!((hidden(&[1, 2]), hidden(&[1, 3])), (3, 3));
    assert_eq!((Shop.price(Path(1)), Shop::price_cache_peek(Path(1))), (2, Some(2)));
}

#[test]
fn a_parameter_that_is_taken_apart_may_hold_the_cache() {
    #[derive(Clone)]
    struct App {
        users: Arc<LruCache<u32, u32>>,
    }
    #[lru_cache(cache = memo)]
    fn lent(n: u32, State(memo): State<&LruCache<u32, u32>>) -> u32 {
        n + u32::try_from(memo.len()).unwrap()
    }
    #[derive(Clone)]
    struct Extension<T>(T);
    #[lru_cache(cache = app.users)]
    async fn owned(#[key(id)] Path(id): Path<u32>, Extension(app): Extension<App>) -> u32 {
        drop(app);
        id + 1
    }
    let users = Arc::new(LruCache::new(None));
    assert_eq!((lent(1, State(&users)), lent(1, State(&users))), (1, 1));
    lent::cache_retain(State(&users), |_, _| true);
    let app = App { users };
    assert_eq!(
        (now(owned(Path(7), Extension(app.clone()))), now(owned(Path(7), Extension(app.clone())))),
        (8, 8)
    );
    assert_eq!(counts(owned::cache_info(Extension(app.clone()))), (2, 2, 2));
    assert_eq!(owned::cache_peek(Path(7), Extension(app)), Some(8));
}

#[test]
fn a_test_of_entries_may_be_a_function() {
    fn large<K: Argument>(_: &K, value: &u32) -> bool {
        *value > 2
    }
    #[lru_cache]
    fn same(n: u32) -> u32 {
        n
    }
    (same(2), same(3));
    same::cache_retain(large);
    assert_eq!(same::cache_info().currsize, 1);
}

#[test]
fn a_skipped_self_may_be_changed() {
    #[derive(Default)]
    struct Counter {
        calls: u32,
    }
    #[expect(clippy::needless_arbitrary_self_type, reason = "the receiver is written in each way")]
    impl Counter {
        #[lru_cache]
        fn plain(#[key(skip)] &mut self, n: u32) -> u32 {
            self.calls += 1;
            n + 1
        }

        #[lru_cache]
        fn pinned(#[key(skip)] self: Pin<&mut Self>, n: u32) -> u32 {
            self.get_mut().calls += n;
            n + 1
        }

        #[lru_cache(ttl = 60, stale_if_error = 60)]
        fn single(#[key(skip)] self: &mut Self, n: u32) -> Result<u32, String> {
            self.calls += n;
            Ok(n + 1)
        }

        #[lru_cache]
        async fn later(#[key(skip)] &mut self, n: u32) -> u32 {
            self.calls += n;
            n + 1
        }

        #[lru_cache]
        fn lent<'a>(#[key(skip)] &'a mut self, n: u32) -> Result<u32, &'a mut u32> {
            n.checked_sub(1).ok_or(&mut self.calls)
        }

        #[lru_cache(accessors = none)]
        fn hidden(#[key(skip)] &mut self, n: u32) -> Result<u32, &u32> {
            n.checked_sub(1).ok_or(&self.calls)
        }
    }
    #[lru_cache(accessors = none)]
    fn logged<'a>(n: u32, #[key(skip)] log: &'a mut Vec<u32>) -> Result<u32, &'a mut Vec<u32>> {
        log.push(n);
        n.checked_sub(1).ok_or(log)
    }
    let mut counter = Counter::default();
    assert_eq!((counter.plain(1), counter.plain(1), counter.calls), (2, 2, 1));
    assert_eq!(
        (Counter::plain_cache_peek(1), counter.plain_cache_refresh(1), counter.calls),
        (Some(2), 2, 2)
    );
    assert_eq!((Pin::new(&mut counter).pinned(1), now(counter.later(1)), counter.single(1)), (2, 2, Ok(2)));
    assert_eq!(counter.calls, 5);
    *counter.lent(0).unwrap_err() += 1;
    assert_eq!(counter.lent(1), Ok(0));
    assert_eq!(counter.hidden(0), Err(&6));
    let log = &mut vec![1];
    assert_eq!(logged(0, log).map_err(|log| log.len()), Err(2));
}

#[test]
fn a_const_parameter_may_have_the_name_of_a_type() {
    #[lru_cache(typed = true)]
    #[allow(non_upper_case_globals)]
    fn len<const len: usize>(array: [u8; len]) -> usize {
        array.len() + len
    }
    assert_eq!((len([1, 2]), len([1, 2]), len([1])), (4, 4, 2));
    assert_eq!(counts(len::cache_info()), (1, 2, 2));
}
