//! `#[previous]` of computations apart from the call: refreshes and tasks.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use functools::lru_cache;

use crate::support::{Hand, finishes, wait_until};

fn ready<F: Future>(future: F) -> F::Output {
    Hand::new(future).end()
}

#[test]
fn a_refresh_in_the_background_is_given_the_stale_value() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static TASKS: Mutex<Vec<functools::refresh::Task>> = Mutex::new(Vec::new());

    fn later(task: functools::refresh::Task) {
        TASKS.lock().unwrap().push(task);
    }

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = later)]
    async fn fetch(
        key: &str,
        #[previous] old: Option<&String>,
    ) -> Result<String, Box<dyn std::error::Error>> {
        std::future::ready(()).await;
        Ok(format!("{key}{}", old.map_or("", |old| old)))
    }

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
    fn count(n: &u64, #[previous] old: Option<&u64>) -> u64 {
        n + old.copied().unwrap_or(0)
    }

    #[lru_cache(ttl = 60, stale_if_slow = 5, timer = || NOW.load(SeqCst))]
    fn slow(n: &u64, #[previous] old: Option<&u64>) -> u64 {
        n + old.copied().unwrap_or(0)
    }

    #[lru_cache(detach = true, ttl = 60, timer = || NOW.load(SeqCst), spawn = later)]
    async fn detached(n: u64, #[previous] old: Option<&u64>) -> u64 {
        std::future::ready(()).await;
        n + old.copied().unwrap_or(0)
    }

    finishes(|| {
        assert_eq!((ready(fetch("x")).unwrap().as_str(), count(&1), slow(&1)), ("x", 1, 1));
        NOW.store(60, SeqCst);
        assert_eq!((ready(fetch("x")).unwrap().as_str(), count(&1), slow(&1)), ("x", 1, 2));
        let tasks = std::mem::take(&mut *TASKS.lock().unwrap());
        tasks.into_iter().for_each(ready);
        wait_until(|| count::cache_stats().refreshes == 1);
        assert_eq!((ready(fetch("x")).unwrap().as_str(), count(&1)), ("xx", 2));
        for expected in [1, 2] {
            let call = Hand::begun(detached(1));
            let task = TASKS.lock().unwrap().remove(0);
            ready(task);
            assert_eq!(call.end(), expected);
            NOW.fetch_add(60, SeqCst);
        }
    });
}
