//! Async functions.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use functools::lru_cache;

use crate::support::Asked;

fn is_send<T: Send>(value: T) -> T {
    value
}

struct Db {
    factor: u32,
}

#[tokio::test]
async fn an_async_function_awaits_the_body_for_what_is_missing() {
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids)]
    async fn users(#[key(skip)] db: &Db, ids: &[u32]) -> Result<HashMap<u32, u32>, std::rc::Rc<str>> {
        ASKED.add(ids.to_vec());
        let ids = ids.to_vec();
        tokio::task::yield_now().await;
        if ids.contains(&0) {
            Err("none".into())
        } else {
            Ok(ids.iter().map(|id| (*id, id * db.factor)).collect())
        }
    }

    let db = Db { factor: 3 };
    assert_eq!(users(&db, &[1, 2]).await, Ok(HashMap::from([(1, 3), (2, 6)])));
    assert_eq!(users(&db, &[2, 3]).await, Ok(HashMap::from([(2, 6), (3, 9)])));
    assert_eq!(users(&db, &[2, 0]).await, Err("none".into()));
    assert_eq!(users(&db, &[1]).await, Ok(HashMap::from([(1, 3)])));
    assert_eq!(ASKED.take(), [vec![1, 2], vec![3], vec![0]]);
    assert!(users::cache_invalidate(1));
}

#[tokio::test]
async fn the_future_is_send_where_that_of_the_body_is() {
    #[lru_cache(each = ids)]
    async fn doubled(ids: Vec<u32>) -> Vec<u32> {
        tokio::task::yield_now().await;
        ids.iter().map(|id| id * 2).collect()
    }

    assert_eq!(tokio::spawn(is_send(doubled(vec![1, 2, 1]))).await.unwrap(), [2, 4, 2]);
}

#[tokio::test]
async fn nothing_is_stored_of_a_call_that_is_dropped() {
    static OPEN: AtomicBool = AtomicBool::new(false);

    #[lru_cache(each = ids)]
    async fn waits(ids: &[u32]) -> Vec<u32> {
        poll_fn(|_| if OPEN.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }).await;
        ids.to_vec()
    }

    {
        let mut call = pin!(waits(&[1, 2]));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!((waits::cache_info().misses, waits::cache_info().currsize), (2, 0));
    OPEN.store(true, SeqCst);
    assert_eq!(waits(&[2, 1]).await, [2, 1]);
    assert_eq!(waits::cache_info().currsize, 2);
}
