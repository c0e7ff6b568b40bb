//! Async functions, in surroundings that break generated code which is not hygienic.

#![allow(clippy::must_use_candidate, clippy::needless_pass_by_value, reason = "the functions are kept plain")]

use functools::{Argument, LruCache, lru_cache};
use std::future::{Future as Awaited, ready};
use std::pin::Pin;

/// Has parameters with names that a cache might use.
#[lru_cache]
pub async fn parameters(key: u32, cache: &str, result: Option<&str>, hash: &[f64], state: String) -> String {
    ready(()).await;
    format!("{key} {cache} {result:?} {hash:?} {state}")
}

/// Returns early.
///
/// # Errors
///
/// If the text is not a number.
#[lru_cache(maxsize = None)]
pub async fn parsed(text: &str) -> Result<u32, std::num::ParseIntError> {
    let number: u32 = ready(text.parse()).await?;
    if number == 0 {
        return Ok(1);
    }
    Ok(number)
}

/// Calls itself recursively.
#[lru_cache(maxsize = None)]
pub async fn fibonacci(n: u64) -> u64 {
    fn boxed(n: u64) -> Pin<Box<dyn Awaited<Output = u64> + Send>> {
        Box::pin(fibonacci(n))
    }
    if n < 2 { n } else { boxed(n - 1).await + boxed(n - 2).await }
}

/// Takes any argument type.
#[lru_cache(typed = true)]
pub async fn generic<T: Argument + Clone + Send>(value: T, #[key(skip)] _other: &str) -> usize {
    ready(()).await;
    size_of_val(&value.clone())
}

/// Has methods.
#[derive(Debug)]
pub struct Client {
    /// The name of the client.
    pub name: String,
    /// The cache of `fetch`.
    pub fetched: LruCache<(String, u8), usize>,
}

impl Client {
    /// Has one cache for all clients.
    #[lru_cache]
    pub async fn length(#[key(&*self.name)] &self, text: &str) -> usize {
        ready(self.name.len() + text.len()).await
    }

    /// Has its cache in the object.
    ///
    /// # Errors
    ///
    /// If the text is empty.
    #[lru_cache(cache = self.fetched)]
    pub async fn fetch(&self, text: &str, n: u8) -> Result<usize, String> {
        let length = ready(text.len()).await;
        length.checked_sub(n.into()).ok_or_else(|| self.name.clone())
    }

    /// Has restricted visibility.
    #[lru_cache]
    async fn private(#[key(skip)] &self, n: u8) -> u8 {
        ready(n).await
    }

    /// Calls the private method.
    pub async fn all(&self) -> u8 {
        self.private(1).await + self.private(1).await
    }
}

/// Has a required method.
#[allow(async_fn_in_trait, reason = "the trait is used by this test only")]
pub trait Fetch {
    /// Fetches.
    async fn fetched(&self, n: u32) -> Option<u32>;
}

impl Fetch for u8 {
    #[lru_cache(accessors = none)]
    async fn fetched(&self, mut n: u32) -> Option<u32> {
        if n == 0 {
            return None;
        }
        n += ready(1).await;
        Some(u32::from(*self) + n)
    }
}

/// A module without a prelude.
pub mod bare {
    #![no_implicit_prelude]

    /// Suspends once.
    #[::functools::lru_cache]
    pub async fn waits(text: ::core::option::Option<&str>) -> ::core::option::Option<usize> {
        ::core::future::ready(()).await;
        text.map(str::len)
    }
}

/// A module where names of the standard library have another meaning.
pub mod shadowed {
    #![allow(dead_code, non_upper_case_globals, reason = "the items only need to exist")]

    struct Option;
    struct Result;
    const Some: u8 = 1;
    const None: u8 = 1;
    const Ok: u8 = 1;
    const Err: u8 = 1;
    mod core {}
    mod std {}
    trait Future {}
    trait Send {}

    /// A type.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Word;

    impl Word {
        /// Suspends once.
        #[functools::lru_cache]
        pub async fn waits(self, text: &str) -> (Self, usize) {
            ::std::future::ready(()).await;
            (self, text.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};

    struct Noop;

    impl Wake for Noop {
        fn wake(self: Arc<Self>) {}
    }

    fn block_on<F: Awaited>(future: F) -> F::Output {
        let waker = Waker::from(Arc::new(Noop));
        let mut future = Box::pin(future);
        loop {
            if let Poll::Ready(ready) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return ready;
            }
        }
    }

    fn assert_send<F: Awaited + Send>(future: F) -> F {
        future
    }

    /// Asserts that the second of two equal calls is a hit; no other call with these arguments may come
    /// before.
    macro_rules! assert_cached {
        ($info:expr, $call:expr) => {{
            assert_eq!(block_on(assert_send($call)), block_on($call));
            let info = $info;
            assert_eq!((info.hits, info.misses), (1, 1));
        }};
    }

    #[test]
    fn all_are_cached() {
        let named =
            |name: &'static str| async move { parameters(1, name, Some(name), &[0.5], String::from(name)).await };
        assert_cached!(parameters::cache_info(), named("name"));
        assert_cached!(parsed::cache_info(), parsed("0"));
        assert!(block_on(parsed("x")).is_err() && !parsed::cache_contains("x"));
        assert_eq!(block_on(fibonacci(50)), 12_586_269_025);
        assert_cached!(generic::cache_info(), generic("text", ""));
        assert!(generic::cache_invalidate("text"));
        let client = Client { name: String::from("name"), fetched: LruCache::new(Some(1)) };
        assert_cached!(Client::length_cache_info(), client.length("text"));
        assert_cached!(client.fetch_cache_info(), client.fetch("text", 1));
        assert_eq!(block_on(client.all()), 2);
        assert_eq!(Client::private_cache_info().hits, 1);
        assert_eq!((block_on(1.fetched(0)), block_on(1.fetched(1)), block_on(1.fetched(1))), (None, Some(3), Some(3)));
        assert_cached!(bare::waits::cache_info(), bare::waits(Some("text")));
        assert_cached!(shadowed::Word::waits_cache_info(), shadowed::Word.waits("text"));

        // The accessors work.
        parsed::cache_put("put", Ok(7));
        assert_eq!((block_on(parsed("put")), parsed::cache_peek("put")), (Ok(7), Some(Ok(7))));
        assert!(block_on(parsed::wrapped("put")).is_err() && block_on(parsed::cache_refresh("put")).is_err());
        assert!(parsed::cache_invalidate("put") && !parsed::cache_contains("put"));
    }
}
