//! A memoized `async fn`: what is remembered is the result, so a hit waits for nothing.
//!
//! Any runtime will do; this example brings the smallest one there is.
//! Run it with `cargo run --example async_fn`.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use functools::lru_cache;

/// Stands for a request to a server: it is not ready at once.
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

/// Polls until the result is there, and counts how often.
fn block_on<F: Future>(future: F) -> (F::Output, u32) {
    let mut future = pin!(future);
    for polls in 1.. {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return (result, polls);
        }
    }
    unreachable!("it is polled for as long as it takes")
}

fn main() {
    for city in ["Oslo", "Oslo", "", "", "Lima", "Oslo"] {
        let (result, polls) = block_on(population(city));
        println!("{city:?}: {result:?} after {polls} polls");
    }
    drop(population("Rome")); // never polled: nothing is asked, nothing is counted
    println!("{}", population::cache_info());
}
