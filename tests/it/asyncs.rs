//! `async fn`: the same attribute, on any runtime.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use functools::lru_cache;

use crate::support::tally as info;

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(ready) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return ready;
        }
    }
}

#[lru_cache]
async fn length(text: &str) -> usize {
    std::future::ready(()).await;
    text.len()
}

#[lru_cache(maxsize = None)]
async fn fibonacci(n: u64) -> u64 {
    if n < 2 { n } else { boxed(n - 1).await + boxed(n - 2).await }
}

fn boxed(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(fibonacci(n))
}

#[test]
fn hits_and_misses() {
    assert_eq!(block_on(async { (length("abc").await, length("abc").await) }), (3, 3));
    assert_eq!(info(length::cache_info()), (1, 1, 1));
    assert_eq!(block_on(length::wrapped("abcd")), 4);
    assert_eq!(block_on(length::cache_refresh("abc")), 3);
    assert_eq!(length::cache_peek("abc"), Some(3));
    assert_eq!(block_on(fibonacci(50)), 12_586_269_025);
    assert_eq!(fibonacci::cache_info().misses, 51);
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Client(u32);

trait Fetch {
    async fn fetch(&self, id: u32) -> Result<u32, String>;
}

impl Fetch for Client {
    #[lru_cache(accessors = none)]
    async fn fetch(&self, id: u32) -> Result<u32, String> {
        if id == 0 {
            return Err("none".into());
        }
        let parsed: u32 = "1".parse().map_err(|_| "bad".to_string())?;
        Ok(self.0 + id + parsed)
    }
}

#[test]
fn in_a_trait() {
    assert_eq!(block_on(Client(1).fetch(1)), Ok(3));
    assert!(block_on(Client(1).fetch(0)).is_err());
}
