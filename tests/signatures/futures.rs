//! Functions that return futures.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use async_trait::async_trait;
use functools::{LruCache, lru_cache};

use crate::support::{counts, now};

/// As in `futures`.
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

fn send<T: Send>(value: T) -> T {
    value
}

#[test]
fn the_output_of_a_future_is_cached() {
    #[lru_cache]
    fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
        Box::pin(async move { text.len() })
    }
    #[lru_cache(maxsize = None)]
    fn fibonacci(n: u64) -> BoxFuture<'static, u64> {
        Box::pin(async move { if n < 2 { n } else { fibonacci(n - 1).await + fibonacci(n - 2).await } })
    }
    #[lru_cache(single_flight = false)]
    fn fallible(text: &str) -> impl Future<Output = Result<u32, std::num::ParseIntError>> + Send {
        let text = text.to_owned();
        async move { text.parse() }
    }
    #[lru_cache(accessors = none)]
    fn hidden(n: u32) -> impl std::future::Future<Output = u32> {
        async move {
            if n == 0 {
                return 7;
            }
            n + 1
        }
    }
    #[lru_cache]
    fn unpinned(n: u32) -> impl Future<Output = u32> + Unpin {
        std::future::ready(n)
    }
    #[lru_cache(accessors = none)]
    fn hidden_box(n: u32) -> LocalBoxFuture<'static, u32> {
        if n == 0 {
            return Box::pin(async { 7 });
        }
        Box::pin(async move { *Rc::new(n) + 1 })
    }
    assert_eq!((now(send(boxed("ab"))), now(boxed("ab"))), (2, 2));
    assert_eq!(counts(boxed::cache_info()), (1, 1, 1));
    assert_eq!(
        (boxed::cache_peek("ab"), now(boxed::wrapped("abc")), now(boxed::cache_refresh("ab"))),
        (Some(2), 3, 2)
    );
    assert_eq!(now(&mut unpinned(3)), 3);
    boxed::cache_put("abc", 9);
    assert_eq!(now(boxed("abc")), 9);
    boxed::cache_retain(|text, len| text.len() == *len);
    assert_eq!(boxed::cache_info().currsize, 1);
    assert_eq!((now(fibonacci(90)), fibonacci::cache_info().misses), (2_880_067_194_370_816_120, 91));
    assert_eq!((now(send(fallible("7"))), now(fallible("x")).is_err()), (Ok(7), true));
    assert_eq!(counts(fallible::cache_info()), (0, 2, 1));
    assert_eq!((now(hidden(0)), now(hidden(1)), now(hidden_box(0)), now(hidden_box(1))), (7, 2, 7, 2));
}

#[test]
fn nothing_happens_before_the_future_is_polled() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache]
    fn counted(n: u32) -> BoxFuture<'static, u32> {
        CALLS.fetch_add(1, SeqCst);
        Box::pin(async move { n })
    }
    drop(counted(1));
    assert_eq!((CALLS.load(SeqCst), counts(counted::cache_info())), (0, (0, 0, 0)));
    assert_eq!((now(counted(1)), now(counted(1)), CALLS.load(SeqCst)), (1, 1, 1));
}

#[test]
fn options_and_objects_take_functions_that_return_futures() {
    struct Shop {
        prices: LruCache<u32, u32>,
    }
    impl Shop {
        #[lru_cache(cache = self.prices)]
        fn price(&self, id: u32) -> BoxFuture<'_, u32> {
            Box::pin(async move { id + u32::try_from(self.prices.len()).unwrap() })
        }

        #[lru_cache(typed = true, ttl = 60, stale_if_error = 60)]
        fn other<T: Clone + Send + Sync + 'static>(
            #[key(skip)] &self,
            id: u32,
            value: T,
        ) -> BoxFuture<'_, Result<T, String>>
        where
            T: std::hash::Hash + Eq,
        {
            Box::pin(async move { if id == 0 { Err("zero".into()) } else { Ok(value) } })
        }
    }
    #[lru_cache(ttl = 60, swr = true, spawn = functools_spawn)]
    fn refreshed(n: u32) -> BoxFuture<'static, Result<u32, String>> {
        Box::pin(async move { Ok(n) })
    }
    fn functools_spawn(_: functools::refresh::Task) {}
    #[lru_cache(weight = |n, _, value| (*n + *value) as usize)]
    fn weighed(n: u32, #[key(skip)] log: &mut Vec<u32>) -> impl Future<Output = u32> {
        log.push(n);
        async move { n }
    }
    let shop = Shop { prices: LruCache::new(None) };
    assert_eq!((now(shop.price(1)), now(shop.price(1)), shop.prices.len()), (1, 1, 1));
    assert_eq!((now(shop.other(1, 'a')), now(shop.other(0, 'a'))), (Ok('a'), Err("zero".to_owned())));
    assert_eq!(now(refreshed(1)), Ok(1));
    let mut log = Vec::new();
    assert_eq!((now(weighed(2, &mut log)), now(weighed(2, &mut log))), (2, 2));
    assert_eq!((log, weighed::cache_info().currsize), (vec![2], 4));
}

#[async_trait]
trait Store: Send + Sync {
    async fn get(&self, id: u32) -> Result<u32, String>;

    async fn logged(&self, id: u32, log: &mut Vec<u32>) -> u32;

    #[lru_cache(accessors = none)]
    async fn doubled(#[key(skip)] &self, id: u32) -> u32 {
        self.get(id).await.unwrap_or(0) * 2
    }
}

struct Memory {
    calls: AtomicU32,
    names: LruCache<String, String>,
}

#[async_trait]
impl Store for Memory {
    #[lru_cache(accessors = none)]
    async fn get(#[key(skip)] &self, id: u32) -> Result<u32, String> {
        self.calls.fetch_add(1, SeqCst);
        if id == 0 {
            return Err("zero".to_owned());
        }
        Ok(id + 1)
    }

    #[lru_cache(accessors = none)]
    async fn logged(#[key(skip)] &self, id: u32, #[key(skip)] log: &mut Vec<u32>) -> u32 {
        log.push(id);
        id + 1
    }
}

#[async_trait(?Send)]
trait Names {
    async fn name(&self, id: &str) -> String;
}

#[async_trait(?Send)]
impl Names for Memory {
    #[lru_cache(cache = self.names, accessors = none)]
    async fn name(&self, id: &str) -> String {
        let id = Rc::new(id);
        self.calls.fetch_add(1, SeqCst);
        id.to_uppercase()
    }
}

#[test]
fn methods_of_async_traits_are_cached() {
    let memory = Memory { calls: AtomicU32::new(0), names: LruCache::new(None) };
    let store: Box<dyn Store> = Box::new(memory);
    let log = &mut Vec::new();
    assert_eq!((now(store.logged(1, log)), now(store.logged(1, log)), log.len()), (2, 2, 1));
    assert_eq!(
        (now(send(store.get(1))), now(store.get(1)), now(store.get(0))),
        (Ok(2), Ok(2), Err("zero".to_owned()))
    );
    assert_eq!((now(store.doubled(1)), now(store.doubled(1))), (4, 4));
    let memory = Memory { calls: AtomicU32::new(0), names: LruCache::new(None) };
    assert_eq!(
        (now(memory.name("a")), now(memory.name("a")), now(memory.name("b"))),
        ("A".into(), "A".into(), "B".into())
    );
    assert_eq!(memory.calls.into_inner(), 2);
}
