//! Memoized `async fn`, on any runtime.

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

/// A future that is pending at its first poll and ready at its second.
#[derive(Default)]
struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Returns after it has been pending `times` times.
async fn wait(times: u32) {
    for _ in 0..times {
        Once::default().await;
    }
}

#[test]
fn a_call_that_is_not_polled_does_nothing() {
    #[lru_cache]
    async fn f(n: u32) -> u32 {
        n
    }
    drop(f(1));
    assert_eq!(info(f::cache_info()), (0, 0, 0));
}

macro_rules! in_each_mode {
    ($([$maxsize:tt])+ |$f:ident, $stored:ident| $test:expr) => { $({
        #[lru_cache(maxsize = $maxsize)]
        async fn $f(text: &str, waits: u32) -> usize {
            wait(waits).await;
            text.len()
        }
        let $stored = usize::from($f::cache_parameters().maxsize != Some(0));
        $test
    })+ };
}

#[test]
fn cancelled_at_any_await_a_call_leaves_nothing_half_done() {
    in_each_mode!(
        [0][None][2] | f,
        stored | {
            for polls in 1..=3 {
                let text = String::from("abc");
                let mut call = Box::pin(f(&text, 3));
                (0..polls).for_each(|_| assert!(poll(&mut call).is_pending()));
                drop(call);
                assert_eq!(info(f::cache_info()), (0, 1, 0), "one miss, nothing stored");
                assert!(!f::cache_contains(&text, 3));
                // A complete call computes and stores.
                assert_eq!(block_on(f("abc", 3)), 3);
                assert_eq!(info(f::cache_info()), (0, 2, stored));
                f::cache_clear();
            }
            // A refresh behaves likewise: the entry that was stored remains.
            f::cache_put("abc", 1, 7);
            let mut refresh = Box::pin(f::cache_refresh("abc", 1));
            assert!(poll(&mut refresh).is_pending());
            drop(refresh);
            assert_eq!(f::cache_peek("abc", 1), (stored > 0).then_some(7));
            assert_eq!(info(f::cache_info()), (0, 1, stored));
        }
    );
}

#[test]
fn calls_in_between_find_the_lock_free() {
    in_each_mode!(
        [0][None][2] | f,
        stored | {
            let mut call = Box::pin(f("abc", 1));
            assert!(poll(&mut call).is_pending());
            // From this thread and from another one.
            assert_eq!(block_on(f("a", 0)), 1);
            crate::support::finishes(|| {
                assert_eq!(block_on(f("a", 0)), 1);
                f::cache_put("b", 0, 5);
                f::cache_invalidate("b", 0);
            });
            assert_eq!(poll(&mut call), Poll::Ready(3));
            let hits = stored as u64;
            assert_eq!(info(f::cache_info()), (hits, 3 - hits, 2 * stored));
        }
    );
}

#[test]
fn two_calls_that_overlap_both_compute_where_neither_waits() {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    macro_rules! overlapping {
        ($maxsize:tt stores $stored:expr) => {{
            static RUNS: AtomicU32 = AtomicU32::new(0);
            #[lru_cache(maxsize = $maxsize, single_flight = false)]
            async fn f(_n: u32) -> u32 {
                let run = RUNS.fetch_add(1, SeqCst);
                wait(1).await;
                run
            }
            let (mut first, mut second) = (Box::pin(f(1)), Box::pin(f(1)));
            assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
            // The call that began last ends first.
            assert_eq!((poll(&mut second), poll(&mut first)), (Poll::Ready(1), Poll::Ready(0)));
            assert_eq!(f::cache_peek(1), $stored);
            assert_eq!(f::cache_info().misses, 2);
        }};
    }
    overlapping!(2 stores Some(1));
    overlapping!(None stores Some(0));
    overlapping!(0 stores None);
}

#[test]
fn what_is_overtaken_while_it_waits_is_returned_and_not_stored() {
    in_each_mode!(
        [None][2] | f,
        _stored | {
            let changes: [fn(); 3] =
                [|| f::cache_clear(), || _ = f::cache_invalidate("abc", 1), || f::cache_put("abc", 1, 9)];
            for (change, stored) in changes.into_iter().zip([None, None, Some(9)]) {
                let mut call = Box::pin(f("abc", 1));
                assert!(poll(&mut call).is_pending());
                change();
                assert_eq!(poll(&mut call), Poll::Ready(3));
                assert_eq!(f::cache_peek("abc", 1), stored);
                f::cache_clear();
            }
            // A put supersedes a refresh that began earlier.
            let mut refresh = Box::pin(f::cache_refresh("abc", 1));
            assert!(poll(&mut refresh).is_pending());
            f::cache_put("abc", 1, 9);
            assert_eq!((poll(&mut refresh), f::cache_peek("abc", 1)), (Poll::Ready(3), Some(9)));
        }
    );
}

#[test]
fn a_late_error_leaves_the_newer_value() {
    type Answer<T> = Result<T, String>;
    #[lru_cache]
    async fn f(_n: u32, #[key(skip)] fails: bool) -> Answer<u32> {
        wait(1).await;
        if fails {
            return Err("late".into());
        }
        Ok(1)
    }
    let mut late = Box::pin(f(1, true));
    assert!(poll(&mut late).is_pending());
    assert_eq!(block_on(f(1, false)), Ok(1));
    assert_eq!(poll(&mut late), Poll::Ready(Err("late".into())));
    assert_eq!(block_on(f(1, true)), Ok(1));
    assert_eq!(info(f::cache_info()), (1, 2, 1));
}

#[test]
fn a_panic_while_it_waits_counts_a_miss() {
    #[lru_cache]
    async fn f(n: u32) -> u32 {
        wait(1).await;
        if n == 0 { crate::support::raise() } else { n }
    }
    assert!(crate::support::catch(|| block_on(f(0))).is_err());
    assert_eq!(info(f::cache_info()), (0, 1, 0));
    assert_eq!((block_on(f(1)), block_on(f(1))), (1, 1));
}

fn assert_send<F: Future + Send>(future: F) -> F {
    future
}

mod shop {
    use functools::{Argument, LruCache, lru_cache};
    use std::sync::Arc;

    #[derive(Clone, PartialEq, Eq, Hash)]
    pub(super) struct Shop(pub(super) u32);

    impl Shop {
        #[lru_cache(maxsize = 2)]
        pub(super) async fn price(&self, names: &[&str]) -> Result<String, String> {
            super::wait(1).await;
            let first = names.first().ok_or("none")?;
            Ok(format!("{first}{}", self.0))
        }

        #[lru_cache]
        pub(super) async fn owned(self: Arc<Self>, name: String) -> Option<Self> {
            super::wait(u32::from(name.is_empty())).await;
            Some(Self(self.0 + 1))
        }

        #[lru_cache(typed = false)]
        pub(super) async fn generic<T: Argument + Sync>(#[key(self.0)] &self, x: &T) -> usize {
            super::wait(1).await;
            size_of_val(x)
        }
    }

    pub(super) trait Sell {
        async fn sell(&self, n: u32) -> u32;

        #[lru_cache]
        async fn provided(#[key(skip)] &self, n: u32) -> String {
            super::wait(1).await;
            format!("{}{n}", std::any::type_name::<Self>().ends_with("Shop"))
        }
    }

    impl Sell for Shop {
        #[lru_cache(accessors = none)]
        async fn sell(&self, mut n: u32) -> u32 {
            super::wait(1).await;
            if n == 0 {
                return 100;
            }
            n += 1;
            self.0 + n
        }
    }

    impl Sell for u8 {
        async fn sell(&self, n: u32) -> u32 {
            n
        }
    }

    pub(super) struct Stall<'a> {
        pub(super) names: &'a [String],
        pub(super) found: LruCache<(String, bool), usize>,
    }

    impl Stall<'_> {
        #[lru_cache(cache = self.found)]
        pub(super) async fn find(&self, name: &str, loud: bool) -> Result<usize, String> {
            super::wait(u32::from(loud)).await;
            self.names.iter().position(|other| other == name).ok_or_else(|| name.to_owned())
        }
    }
}

#[test]
fn methods() {
    use shop::{Sell, Shop};
    let shop = Shop(1);
    for _ in 0..2 {
        let name = String::from("a");
        assert_eq!(block_on(assert_send(shop.price(&[&name]))), Ok("a1".into()));
        assert_eq!(block_on(assert_send(shop.price(&[]))), Err("none".into()));
        assert!(block_on(assert_send(std::sync::Arc::new(shop.clone()).owned(name))).is_some());
        assert_eq!((block_on(assert_send(shop.generic(&1_u8))), block_on(shop.generic(&1_i64))), (1, 1));
        assert_eq!((block_on(shop.sell(0)), block_on(shop.sell(1))), (100, 3));
        assert_eq!(
            (block_on(shop.provided(1)), block_on(7_u8.provided(1))),
            ("true1".into(), "false1".into())
        );
    }
    assert_eq!(info(Shop::price_cache_info()), (1, 3, 1));
    assert_eq!(info(Shop::owned_cache_info()), (1, 1, 1));
    assert_eq!(info(Shop::generic_cache_info()), (3, 1, 1));
    assert_eq!(info(u8::provided_cache_info()), (2, 2, 2));
    assert_eq!(block_on(shop.price_cache_refresh(&["b"])), Ok("b1".into()));
    assert!(shop.price_cache_contains(&["b"]) && shop.price_cache_invalidate(&["b"]));
    assert_eq!(block_on(shop.price_wrapped(&["c"])), Ok("c1".into()));
}

#[test]
fn a_cache_in_an_object() {
    let names = ["a".to_string(), "b".to_string()];
    let stall = shop::Stall { names: &names, found: functools::LruCache::new(Some(2)) };
    for _ in 0..2 {
        assert_eq!(block_on(assert_send(stall.find("b", true))), Ok(1));
        assert_eq!(block_on(assert_send(stall.find("x", true))), Err("x".into()));
    }
    assert_eq!(info(stall.find_cache_info()), (1, 3, 1));
    let mut call = Box::pin(stall.find("a", true));
    assert!(poll(&mut call).is_pending());
    stall.find_cache_clear();
    assert_eq!((poll(&mut call), stall.find_cache_peek("a", true)), (Poll::Ready(Ok(0)), None));
}

#[test]
fn futures_can_be_sent_and_borrow() {
    #[lru_cache(typed = true)]
    async fn generic<T: functools::Argument + Clone + Send>(
        text: &str,
        x: T,
        _key: impl functools::Argument + Send,
    ) -> usize {
        wait(1).await;
        drop(x.clone());
        text.len() + size_of_val(&x)
    }
    let text = String::from("abc");
    let sum = std::thread::scope(|scope| {
        let call = assert_send(generic(&text, 1_u16, "key"));
        scope.spawn(move || block_on(call)).join().unwrap() + block_on(generic(&text, 1_u8, 1))
    });
    assert_eq!(sum, 9);
    assert_eq!(info(generic::cache_info()), (0, 2, 2));
    drop(assert_send(generic::wrapped("", 1_u8, 1)));
    drop(assert_send(generic::cache_refresh("", 1_u8, 1)));
    drop(assert_send(fibonacci(3)));

    // The future is not `Send` where an argument is not.
    #[lru_cache]
    async fn local(#[key(skip)] shared: &std::cell::Cell<u32>, n: u32) -> u32 {
        wait(1).await;
        shared.set(shared.get() + 1);
        n
    }
    let shared = std::cell::Cell::new(0);
    assert_eq!((block_on(local(&shared, 1)), block_on(local(&shared, 1)), shared.get()), (1, 1, 1));
}

#[test]
fn an_error_needs_not_be_send() {
    #[lru_cache]
    async fn f(n: u32) -> Result<u32, std::rc::Rc<u32>> {
        wait(1).await;
        n.checked_sub(1).ok_or_else(std::rc::Rc::default)
    }
    assert_eq!(block_on(assert_send(f(1))), Ok(0));
}

#[test]
fn without_accessors_and_with_patterns() {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(accessors = none, maxsize = 1)]
    async fn f((a, b): (u32, &str), mut c: Vec<u8>) -> Result<usize, std::num::ParseIntError> {
        RUNS.fetch_add(1, SeqCst);
        wait(1).await;
        c.push(0);
        let number: usize = b.parse()?;
        if number == 0 {
            return Ok(c.len());
        }
        Ok(number + a as usize)
    }
    for _ in 0..2 {
        assert_eq!(block_on(assert_send(f((1, "7"), vec![]))), Ok(8));
    }
    for _ in 0..2 {
        assert_eq!(block_on(f((1, "0"), vec![1])), Ok(2));
        assert!(block_on(f((1, "x"), vec![])).is_err());
    }
    assert_eq!(RUNS.load(SeqCst), 4);
}

#[test]
fn made_keys() {
    #[lru_cache(key = |text: &str, n| (text.len(), *n / 2))]
    async fn by_closure(text: &str, n: u32) -> usize {
        wait(1).await;
        text.len() + n as usize
    }
    #[lru_cache]
    async fn by_expression(#[key(text.len())] text: &str) -> usize {
        wait(1).await;
        text.len()
    }
    let text = String::from("a");
    assert_eq!((block_on(by_closure(&text, 2)), block_on(by_closure("b", 3))), (3, 3));
    assert_eq!((block_on(by_expression(&text)), block_on(by_expression("b"))), (1, 1));
    assert_eq!((info(by_closure::cache_info()), info(by_expression::cache_info())), ((1, 1, 1), (1, 1, 1)));
}
