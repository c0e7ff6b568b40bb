//! A memoized `async fn`: the cache stores the result, so a hit is ready at the first poll.
//!
//! Any runtime can be used; this example contains a minimal one.
//! Run it with `cargo run --example async_fn`.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use functools::lru_cache;

/// Stands for a request to a server: its first poll is pending.
async fn request(city: &str) -> Result<u32, String> {
    let mut asked = false;
    poll_fn(|context| {
        if asked {
            return Poll::Ready(());
        }
        println!("  asking for {city:?}");
        asked = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    if city.is_empty() { Err("no such city".into()) } else { Ok(city.bytes().map(u32::from).sum()) }
}

#[lru_cache(maxsize = 100)]
async fn population(city: &str) -> Result<u32, String> {
    request(city).await
}

/// Polls until the future completes, and counts the polls.
fn block_on<F: Future>(future: F) -> (F::Output, u32) {
    let mut future = pin!(future);
    for polls in 1.. {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return (result, polls);
        }
    }
    unreachable!("the loop ends when the future completes")
}

fn main() {
    for city in ["Oslo", "Oslo", "", "", "Lima", "Oslo"] {
        let (result, polls) = block_on(population(city));
        println!("{city:?}: {result:?} after {polls} polls");
    }
    drop(population("Rome")); // never polled: no request, no count
    println!("{}", population::cache_info());
}
