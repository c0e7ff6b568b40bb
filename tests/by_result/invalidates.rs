//! `#[invalidates(…)]`: invalidations after a change, which is made, or fails, or panics, or is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};

use functools::{invalidates, isolated, lru_cache, tag};

mod db {
    use functools::{lru_cache, tag};

    #[lru_cache(tags = |id| [tag("user", id)])]
    pub(super) fn user(id: u32) -> u32 {
        id
    }

    #[lru_cache]
    pub(super) fn by_name(first: &str, last: &str) -> String {
        format!("{first} {last}")
    }
}

fn fill() {
    for id in 1..=3 {
        db::user(id);
    }
    db::by_name("a", "b");
    db::by_name("a", "c");
}

fn missing() -> Vec<u32> {
    (1..=3).filter(|id| !db::user::cache_contains(*id)).collect()
}

#[test]
fn results_errors_and_panics() {
    #[invalidates(db::user(id), tag("user", 1 + id), db::by_name(&name, "b"))]
    fn change(id: u32, name: String) -> Result<String, String> {
        let fails = name == "fails";
        assert_ne!(name, "panics");
        if fails {
            return Err(name);
        }
        Ok(name)
    }

    isolated(|| {
        fill();
        change(1, "fails".to_owned()).unwrap_err();
        assert!(missing().is_empty() && db::by_name::cache_contains("a", "b"));
        assert_eq!(change(1, "a".to_owned()).unwrap(), "a");
        assert_eq!(missing(), [1, 2]);
        assert!(!db::by_name::cache_contains("a", "b") && db::by_name::cache_contains("a", "c"));
        fill();
        assert!(catch_unwind(AssertUnwindSafe(|| change(1, "panics".to_owned()))).is_err());
        assert_eq!(missing(), [1, 2]);
    });
}

#[test]
fn functions_that_return_anything_else() {
    #[invalidates(tag("user", *id))]
    fn nothing(id: &mut u32) {
        *id += 1;
    }

    #[invalidates(db::user(id))]
    fn option(id: u32) -> Option<u32> {
        (id > 10).then_some(id)
    }

    #[invalidates(db::user(3))]
    fn part(pair: &mut (u32, u32)) -> &mut u32 {
        &mut pair.0
    }

    #[invalidates(tag("user", 1))]
    fn unnamed(up_to: u32) -> impl Iterator<Item = u32> {
        0..up_to
    }

    isolated(|| {
        fill();
        let mut id = 1;
        nothing(&mut id);
        assert_eq!((id, missing()), (2, vec![1]));
        assert_eq!((option(2), missing()), (None, vec![1, 2]));
        let mut pair = (1, 2);
        *part(&mut pair) = 3;
        assert_eq!((pair.0, missing()), (3, vec![1, 2, 3]));
        fill();
        assert_eq!((unnamed(3).count(), missing()), (3, vec![1]));
    });
}

#[test]
fn methods() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shop {
        id: u32,
    }

    impl Shop {
        #[lru_cache]
        fn price(&self, id: u32) -> u32 {
            self.id * id
        }

        #[lru_cache(accessors = siblings)]
        fn limit(id: u32) -> u32 {
            id
        }

        #[invalidates(self.price(id), Self::limit(1), Shop::limit(2))]
        fn set(&self, id: u32) -> Result<(), u32> {
            if id == 0 { Err(self.id) } else { Ok(()) }
        }
    }

    isolated(|| {
        let shop = Shop { id: 2 };
        let fill = || [shop.price(0), shop.price(1), Shop::limit(1), Shop::limit(2), Shop::limit(3)];
        fill();
        shop.set(0).unwrap_err();
        assert!(shop.price_cache_contains(0) && Shop::limit_cache_contains(1));
        shop.set(1).unwrap();
        assert!(shop.price_cache_contains(0) && !shop.price_cache_contains(1));
        assert!(!Shop::limit_cache_contains(1) && !Shop::limit_cache_contains(2));
        assert!(Shop::limit_cache_contains(3));
    });
}

#[tokio::test]
async fn async_functions_and_dropped_futures() {
    #[invalidates(db::user(id))]
    async fn change(id: u32, until: tokio::sync::oneshot::Receiver<bool>) -> Result<(), String> {
        let is_done = until.await.map_err(|error| error.to_string())?;
        if is_done { Ok(()) } else { Err("not done".to_owned()) }
    }

    isolated(async {
        fill();
        let (done, until) = tokio::sync::oneshot::channel();
        done.send(false).unwrap();
        tokio::spawn(async {}).await.unwrap();
        change(1, until).await.unwrap_err();
        assert!(missing().is_empty());
        let (done, until) = tokio::sync::oneshot::channel();
        done.send(true).unwrap();
        change(1, until).await.unwrap();
        assert_eq!(missing(), [1]);
        let (_done, until) = tokio::sync::oneshot::channel::<bool>();
        let mut dropped = Box::pin(change(2, until));
        assert!(polled_once(dropped.as_mut()).await.is_none());
        drop(dropped);
        assert_eq!(missing(), [1, 2]);
    })
    .await;
    fn is_send<T: Send>(_: T) {}
    is_send(change(1, tokio::sync::oneshot::channel().1));
}

/// Polls a future once.
async fn polled_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}
