//! Async functions, in surroundings that would break generated code that is not careful.

#![allow(clippy::must_use_candidate, clippy::needless_pass_by_value, reason = "the functions are kept plain")]

use functools::{Argument, LruCache, lru_cache};
use std::future::{Future as Awaited, ready};
use std::pin::Pin;

/// Has parameters of names that a cache has uses for.
#[lru_cache]
pub async fn parameters(key: u32, cache: &str, result: Option<&str>, hash: &[f64], state: String) -> String {
    ready(()).await;
    format!("{key} {cache} {result:?} {hash:?} {state}")
}

/// Returns early.
///
/// # Errors
///
/// When the text is no number.
#[lru_cache(maxsize = None)]
pub async fn parsed(text: &str) -> Result<u32, std::num::ParseIntError> {
    let number: u32 = ready(text.parse()).await?;
    if number == 0 {
        return Ok(1);
    }
    Ok(number)
}

/// Calls itself.
#[lru_cache(maxsize = None)]
pub async fn fibonacci(n: u64) -> u64 {
    fn boxed(n: u64) -> Pin<Box<dyn Awaited<Output = u64> + Send>> {
        Box::pin(fibonacci(n))
    }
    if n < 2 { n } else { boxed(n - 1).await + boxed(n - 2).await }
}

/// Takes anything.
#[lru_cache(typed = true)]
pub async fn generic<T: Argument + Clone + Send>(value: T, #[key(skip)] _other: &str) -> usize {
    ready(()).await;
    size_of_val(&value.clone())
}

/// Has methods.
#[derive(Debug)]
pub struct Client {
    /// Where it is.
    pub name: String,
    /// What was fetched.
    pub fetched: LruCache<(String, u8), usize>,
}

impl Client {
    /// Is remembered for all.
    #[lru_cache]
    pub async fn length(#[key(&*self.name)] &self, text: &str) -> usize {
        ready(self.name.len() + text.len()).await
    }

    /// Is remembered in the object.
    ///
    /// # Errors
    ///
    /// When the text is empty.
    #[lru_cache(cache = self.fetched)]
    pub async fn fetch(&self, text: &str, n: u8) -> Result<usize, String> {
        let length = ready(text.len()).await;
        length.checked_sub(n.into()).ok_or_else(|| self.name.clone())
    }

    /// Is for this module.
    #[lru_cache]
    async fn private(#[key(skip)] &self, n: u8) -> u8 {
        ready(n).await
    }

    /// Calls what is not for all.
    pub async fn all(&self) -> u8 {
        self.private(1).await + self.private(1).await
    }
}

/// Has a method that is asked for.
#[allow(async_fn_in_trait, reason = "it is for this test")]
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

/// Without a prelude.
pub mod bare {
    #![no_implicit_prelude]

    /// Waits.
    #[::functools::lru_cache]
    pub async fn waits(text: ::core::option::Option<&str>) -> ::core::option::Option<usize> {
        ::core::future::ready(()).await;
        text.map(str::len)
    }
}

/// Where names of the standard library mean something else.
pub mod shadowed {
    #![allow(dead_code, non_upper_case_globals, reason = "that they are there is the point")]

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
        /// Waits.
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

    /// Asserts that of two equal calls, the first ones with these arguments, the second is a hit.
    macro_rules! assert_remembered {
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
        assert_remembered!(parameters::cache_info(), named("name"));
        assert_remembered!(parsed::cache_info(), parsed("0"));
        assert!(block_on(parsed("x")).is_err() && !parsed::cache_contains("x"));
        assert_eq!(block_on(fibonacci(50)), 12_586_269_025);
        assert_remembered!(generic::cache_info(), generic("text", ""));
        let client = Client { name: String::from("name"), fetched: LruCache::new(Some(1)) };
        assert_remembered!(Client::length_cache_info(), client.length("text"));
        assert_remembered!(client.fetch_cache_info(), client.fetch("text", 1));
        assert_eq!(block_on(client.all()), 2);
        assert_eq!(Client::private_cache_info().hits, 1);
        assert_eq!((block_on(1.fetched(0)), block_on(1.fetched(1)), block_on(1.fetched(1))), (None, Some(3), Some(3)));
        assert_remembered!(bare::waits::cache_info(), bare::waits(Some("text")));
        assert_remembered!(shadowed::Word::waits_cache_info(), shadowed::Word.waits("text"));

        // And can be asked.
        parsed::cache_put("put", Ok(7));
        assert_eq!((block_on(parsed("put")), parsed::cache_peek("put")), (Ok(7), Some(Ok(7))));
        assert!(block_on(parsed::wrapped("put")).is_err() && block_on(parsed::cache_refresh("put")).is_err());
        assert!(parsed::cache_invalidate("put") && !parsed::cache_contains("put"));
    }
}
