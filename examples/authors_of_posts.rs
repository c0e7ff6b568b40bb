//! A resolver that asks for one author at a time, as those of GraphQL do: the calls of a moment become one query.
//!
//! Any runtime can be used; this example contains a minimal one.
//! Run it with `cargo run --example authors_of_posts`.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use functools::lru_cache;

/// A query for many authors: `select id, name from authors where id = any($1)`. Calls within 2 ms share one.
#[lru_cache(each = ids, gather = 0.002, gather_max = 4, maxsize = 1000, ttl = 60)]
async fn authors(ids: Vec<u32>) -> BTreeMap<u32, String> {
    println!("  a query for {ids:?}");
    let names = ["Ada", "Grace", "Edsger", "Barbara", "Donald"];
    let name = |id: u32| Some((id, (*names.get(id as usize)?).to_owned()));
    // A database would be awaited here.
    std::future::ready(ids.into_iter().filter_map(name).collect()).await
}

/// Resolves the author of one post.
async fn author(id: u32) -> String {
    authors(vec![id]).await.remove(&id).unwrap_or_else(|| "somebody who is gone".to_owned())
}

/// Awaits all futures at the same time.
async fn all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut results: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, result) in futures.iter_mut().zip(&mut results) {
            if result.is_none() {
                if let Poll::Ready(ready) = future.as_mut().poll(context) {
                    *result = Some(ready);
                }
            }
        }
        if results.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return result;
        }
        thread::park();
    }
}

fn show(page: &str, authors_of_posts: &[u32]) {
    println!("{page}");
    let names = block_on(all(authors_of_posts.iter().map(|id| author(*id)).collect()));
    println!("  by {}", names.join(", "));
}

fn main() {
    show("first page", &[0, 1, 0, 9]);
    show("second page", &[1, 2, 9, 2, 3]);
    show("a long page", &[4, 5, 6, 7, 8, 0]);
    println!("{}", authors::cache_info());
}
