//! `#[previous]`: the body is given the value that its result replaces.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use functools::{LruCache, ManualClock, Source, TtlCache, bypassed, invalidate, isolated, lru_cache, tag};

use crate::support::{advance, now};

const SECOND: Duration = Duration::from_secs(1);

/// Returns the output of a future that is ready at once.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is ready"),
    }
}

#[test]
fn an_expired_value_is_given_to_the_body() {
    #[lru_cache(ttl = 60, timer = now)]
    fn fetch(key: &str, #[previous] old: Option<&String>, n: u32) -> String {
        format!("{key}{n}:{}", old.map_or("nothing", |old| old))
    }

    isolated(|| {
        assert_eq!((fetch("a", 1), fetch("a", 1)), ("a1:nothing".to_owned(), "a1:nothing".to_owned()));
        advance(60 * SECOND);
        assert_eq!(fetch("a", 1), "a1:a1:nothing");
        assert_eq!(fetch("a", 2), "a2:nothing", "of its own key");
        assert_eq!(fetch::wrapped("a", Some(&"old".to_owned()), 3), "a3:old");
        assert_eq!(fetch::cache_refresh("a", 1), "a1:a1:a1:nothing", "the present value");
        assert!(fetch::cache_invalidate("a", 1));
        assert_eq!(fetch("a", 1), "a1:nothing", "which was removed");
        fetch::cache_put("a", 1, "put".to_owned());
        assert!(fetch::cache_contains("a", 1));
        assert_eq!(bypassed(|| fetch("a", 1)), "a1:nothing");
        advance(60 * SECOND);
        let call = fetch::cache_call("a", 1);
        assert_eq!((call.value.as_str(), call.source), ("a1:put", Source::Computed));
        fetch::cache_clear();
        assert_eq!(fetch("a", 1), "a1:nothing");
    });
}

#[test]
fn an_invalidated_value_is_given_and_a_hit_runs_nothing() {
    static VERSION: AtomicU32 = AtomicU32::new(1);
    static TRANSFERRED: AtomicU32 = AtomicU32::new(0);

    #[derive(Clone, Debug, PartialEq)]
    struct Page {
        etag: u32,
        text: String,
    }

    /// Answers "304 Not Modified" to a conditional request.
    fn request(if_none_match: Option<u32>) -> Option<Page> {
        let etag = VERSION.load(SeqCst);
        (if_none_match != Some(etag)).then(|| {
            TRANSFERRED.fetch_add(1, SeqCst);
            Page { etag, text: format!("version {etag}") }
        })
    }

    #[lru_cache(tags = |id| [tag("previous-page", id)])]
    fn page(id: u32, #[previous] old: Option<&Page>) -> Result<Page, String> {
        match (request(old.map(|old| old.etag)), old) {
            (Some(new), _) => Ok(new),
            (None, Some(old)) => Ok(old.clone()),
            (None, None) => Err(format!("no {id}")),
        }
    }

    isolated(|| {
        let read = || page(1).unwrap().text;
        assert_eq!((read(), read(), TRANSFERRED.load(SeqCst)), ("version 1".into(), "version 1".into(), 1));
        invalidate(tag("previous-page", 1));
        assert_eq!((read(), TRANSFERRED.load(SeqCst)), ("version 1".into(), 1), "it has not changed");
        VERSION.store(2, SeqCst);
        assert_eq!(read(), "version 1");
        invalidate(tag("previous-page", 1));
        assert_eq!((read(), TRANSFERRED.load(SeqCst)), ("version 2".into(), 2));
        assert_eq!(page::cache_info().misses, 3);
    });
}

#[test]
fn async_functions_methods_generic_functions_and_functions_without_accessors() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shop(u32);

    trait Priced {
        async fn price(&self, id: u32) -> u32;
    }

    impl Shop {
        #[lru_cache(ttl = 60, timer = now)]
        fn count(&self, id: u32, #[previous] old: Option<&u32>) -> u32 {
            self.0 + id + old.copied().unwrap_or(0)
        }
    }

    #[functools::memoize]
    impl Priced for Shop {
        #[lru_cache(ttl = 60, timer = now)]
        async fn price(&self, id: u32, #[previous] old: Option<&u32>) -> u32 {
            self.0 + id + old.copied().unwrap_or(0)
        }
    }

    #[lru_cache(ttl = 60, timer = now)]
    async fn fetch(
        key: String,
        #[previous] old: Option<&String>,
    ) -> Result<String, Box<dyn std::error::Error>> {
        std::future::ready(()).await;
        Ok(format!("{key}{}", old.map_or("", |old| old)))
    }

    #[lru_cache(typed = true, ttl = 60, timer = now)]
    fn pair<T: Clone + Send + Sync + 'static + std::hash::Hash + Eq>(
        x: T,
        #[previous] old: Option<&(T, u32)>,
    ) -> (T, u32) {
        let n = old.map_or(0, |(_, n)| n + 1);
        (x, n)
    }

    #[lru_cache(accessors = none, ttl = 60, timer = now)]
    fn here(n: u32, #[previous] old: Option<&u32>) -> u32 {
        n + old.copied().unwrap_or(0)
    }

    #[lru_cache(accessors = none, ttl = 60, timer = now)]
    async fn here_async(n: u32, #[previous] old: Option<&u32>) -> u32 {
        std::future::ready(()).await;
        n + old.copied().unwrap_or(0)
    }

    fn is_send<T: Send>(value: T) -> T {
        value
    }

    isolated(|| {
        for turn in 1..=3 {
            assert_eq!(Shop(1).count(2), 3 * turn);
            assert_eq!(ready(Priced::price(&Shop(1), 2)), 3 * turn);
            assert_eq!(ready(fetch("x".to_owned())).unwrap(), "x".repeat(turn as usize));
            assert_eq!(pair('c'), ('c', turn - 1));
            assert_eq!((here(4), ready(is_send(here_async(5)))), (4 * turn, 5 * turn));
            advance(60 * SECOND);
        }
        let price = Shop::price_wrapped(&Shop(1), 2, Some(&7));
        assert_eq!(ready(price), 10);
    });
}

#[test]
fn results_in_objects_of_a_thread_and_with_weights() {
    static OBJECT: LruCache<u32, u32> = LruCache::new(Some(16));

    struct Shop {
        prices: TtlCache<u32, u32, ManualClock>,
    }

    impl Shop {
        #[lru_cache(cache = self.prices)]
        fn price(&self, id: u32, #[previous] old: Option<&u32>) -> Result<u32, String> {
            Ok(id + old.copied().unwrap_or(0))
        }
    }

    #[lru_cache(cache = OBJECT)]
    fn in_static(n: u32, #[previous] old: Option<&u32>) -> u32 {
        n + old.copied().unwrap_or(0)
    }

    #[lru_cache(scope = thread, ttl = 60, timer = now, weight = |_, value| *value as usize)]
    fn of_thread(#[previous] old: Option<&u32>, n: u32) -> u32 {
        n + old.copied().unwrap_or(0)
    }

    #[lru_cache(ttl = 60, single_flight = true, timer = now, key = |words: &[&str]| words.len())]
    fn shared(words: &[&str], #[previous] old: Option<&String>) -> String {
        format!("{}{}", words.concat(), old.map_or("", |old| old))
    }

    #[functools::cache]
    fn without_a_lock(n: u32, #[previous] old: Option<&u32>) -> u32 {
        n + old.copied().unwrap_or(0)
    }

    #[functools::cache]
    fn read_in_parallel(text: &str, #[previous] old: Option<&String>) -> String {
        format!("{text}{}", old.map_or("", |old| old))
    }

    #[lru_cache(shards = 2)]
    fn in_shards(n: u32, #[previous] old: Option<&u32>) -> u32 {
        n + old.copied().unwrap_or(0)
    }

    isolated(|| {
        assert_eq!((without_a_lock(1), without_a_lock(1), without_a_lock::cache_refresh(1)), (1, 1, 2));
        assert_eq!((in_shards(1), in_shards::cache_refresh(1), in_shards(1)), (1, 2, 2));
        let texts = (read_in_parallel("x"), read_in_parallel("x"), read_in_parallel::cache_refresh("x"));
        assert_eq!(texts, ("x".to_owned(), "x".to_owned(), "xx".to_owned()));
        let clock = ManualClock::new();
        let shop = Shop { prices: TtlCache::with_clock(clock.clone(), Some(16), 60 * SECOND) };
        assert_eq!(
            (shop.price(1), in_static(1), of_thread(1), shared(&["a"])),
            (Ok(1), 1, 1, "a".to_owned())
        );
        clock.advance(60 * SECOND);
        advance(60 * SECOND);
        assert_eq!((shop.price(1), in_static::cache_refresh(1)), (Ok(2), 2));
        assert_eq!((of_thread(1), shared(&["b"])), (2, "ba".to_owned()));
    });
}

#[test]
fn of_a_result_the_kept_part() {
    static FAILS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(ttl = 60, timer = now, cache_none = false)]
    fn found(n: u32, #[previous] old: Option<&Option<u32>>) -> Option<u32> {
        Some(n + old.copied().flatten().unwrap_or(0))
    }

    #[lru_cache(ttl = 60, timer = now, cache_errors = true)]
    fn answer(n: u32, #[previous] old: Option<&Result<u32, String>>) -> Result<u32, String> {
        match old {
            None => Err("none".to_owned()),
            Some(Err(text)) => Err(format!("after {text}")),
            Some(Ok(old)) => Ok(n + old),
        }
    }

    #[lru_cache(ttl = 60, stale_if_error = 300, timer = now)]
    fn steady(n: u32, #[previous] old: Option<&u32>) -> Result<u32, String> {
        if FAILS.load(SeqCst) == 1 { Err(format!("{old:?}")) } else { Ok(n + old.copied().unwrap_or(0)) }
    }

    isolated(|| {
        assert_eq!((found(1), answer(1), steady(1)), (Some(1), Err("none".to_owned()), Ok(1)));
        advance(60 * SECOND);
        assert_eq!((found(1), answer(1), steady(1)), (Some(2), Err("after none".to_owned()), Ok(2)));
        advance(60 * SECOND);
        FAILS.store(1, SeqCst);
        assert_eq!(steady(1), Ok(2), "served instead of the error");
        FAILS.store(0, SeqCst);
        assert_eq!(steady(1), Ok(3));
    });
}
