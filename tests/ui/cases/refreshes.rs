//! Arguments that a background refresh cannot own, and executors that cannot run it.

use std::cell::Cell;
use std::rc::Rc;

use functools::{LruCache, lru_cache};

struct Db;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Local(Rc<u32>);

#[lru_cache(ttl = 60, swr = true)]
fn not_clone(#[key(skip)] db: Db, n: u32) -> u32 {
    drop(db);
    n
}

#[lru_cache(ttl = 60, swr = true)]
fn behind_a_reference(#[key(skip)] db: &Db, n: u32) -> u32 {
    _ = db;
    n
}

#[lru_cache(ttl = 60, swr = true)]
fn not_send(n: u32, #[key(skip)] cell: Rc<Cell<u32>>) -> u32 {
    n + cell.get()
}

#[lru_cache(ttl = 60, swr = true)]
async fn not_send_as_a_task(n: u32, #[key(skip)] cell: Rc<Cell<u32>>) -> u32 {
    n + cell.get()
}

struct Shop {
    prices: LruCache<u32, u32>,
}

impl Shop {
    #[lru_cache(ttl = 60, swr = true)]
    fn of_self(#[key(skip)] &self, n: u32) -> u32 {
        n
    }
}

#[lru_cache(ttl = 60, swr = true)]
async fn holds_what_is_not_send(n: u32) -> u32 {
    let here = Rc::new(n);
    std::future::ready(()).await;
    *here
}

struct Executor;

#[lru_cache(ttl = 60, swr = true, spawn = Executor)]
async fn no_executor(n: u32) -> u32 {
    n
}

#[lru_cache(ttl = 60, refresh_threads = 2)]
fn no_refreshes(n: u32) -> u32 {
    n
}

#[lru_cache(ttl = 60, swr = true, refresh_threads = 0)]
fn no_threads(n: u32) -> u32 {
    n
}

fn main() {}
