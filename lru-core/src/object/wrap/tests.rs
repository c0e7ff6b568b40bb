use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;

use crate::function::call::remote::block_on;
use crate::object::aliases::LruCache;

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn errors_are_returned_and_not_stored() {
    /// An error needs no trait.
    struct Failed;
    let (cache, runs) = (LruCache::new(None), Cell::new(0));
    let half = cache.try_wrap(|n: u32| {
        runs.set(runs.get() + 1);
        if n % 2 == 0 { Ok(n / 2) } else { Err(Failed) }
    });
    assert!(half(4).is_ok_and(|half| half == 2) && half(4).is_ok_and(|half| half == 2));
    assert!(half(3).is_err() && half(3).is_err());
    assert_eq!((runs.get(), cache.info().hits, cache.info().misses, cache.keys()), (3, 1, 3, vec![4]));
}

#[test]
fn concurrent_calls_of_an_async_function_share_its_result() {
    static VALUE: AtomicU32 = AtomicU32::new(0);
    static POLLS: AtomicU32 = AtomicU32::new(0);
    let cache = LruCache::<u32, u32>::new(Some(8));
    let add = cache.wrap_async(|n: u32| async move {
        POLLS.fetch_add(1, SeqCst);
        poll_fn(|_| match VALUE.load(SeqCst) {
            0 => Poll::Pending,
            value => Poll::Ready(value + n),
        })
        .await
    });
    let (mut first, mut second, mut third) = (add(1), add(1), add(1));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending() && poll(&mut third).is_pending());
    // The next call takes over.
    drop(first);
    assert!(poll(&mut third).is_pending() && poll(&mut second).is_pending());
    VALUE.store(10, SeqCst);
    let (second, third) = match poll(&mut second) {
        Poll::Ready(value) => (Poll::Ready(value), poll(&mut third)),
        Poll::Pending => {
            let third = poll(&mut third);
            (poll(&mut second), third)
        }
    };
    assert_eq!((second, third, POLLS.load(SeqCst)), (Poll::Ready(11), Poll::Ready(11), 2));
    assert_eq!((poll(&mut add(1)), cache.keys()), (Poll::Ready(11), vec![1]));
    cache.engine().validate();
}

#[test]
fn futures_of_fallible_functions_go_to_other_threads() {
    static CACHE: LruCache<(u32, String), usize> = LruCache::new(None);
    let call = CACHE.try_wrap_async(|(n, text): (u32, String)| async move {
        if n == 0 { Err(text) } else { Ok(text.len()) }
    });
    let (failed, found) = (call((0, "a".to_owned())), call((1, "abc".to_owned())));
    let results = thread::spawn(|| block_on(async { (failed.await, found.await) })).join();
    assert_eq!(results.ok(), Some((Err("a".to_owned()), Ok(3))));
    assert_eq!((CACHE.len(), block_on(call((1, "abc".to_owned())))), (1, Ok(3)));
}
