//! Arguments and results that a detached computation cannot carry, and executors that cannot run it.

use std::cell::Cell;
use std::rc::Rc;

use functools::lru_cache;

struct Db;

#[lru_cache(detach = true)]
async fn not_clone(#[key(skip)] db: Db, n: u32) -> u32 {
    drop(db);
    n
}

#[lru_cache(detach = true)]
async fn behind_a_reference(#[key(skip)] db: &Db, n: u32) -> u32 {
    _ = db;
    n
}

#[lru_cache(detach = true)]
async fn not_send(n: u32, #[key(skip)] cell: Rc<Cell<u32>>) -> u32 {
    n + cell.get()
}

struct Shop;

impl Shop {
    #[lru_cache(detach = true)]
    async fn of_self(#[key(skip)] &self, n: u32) -> u32 {
        n
    }
}

#[lru_cache(detach = true)]
async fn error_is_not_send(n: u32) -> Result<u32, Rc<str>> {
    Ok(n)
}

#[lru_cache(detach = true)]
async fn holds_what_is_not_send(n: u32) -> u32 {
    let here = Rc::new(n);
    std::future::ready(()).await;
    *here
}

struct Executor;

#[lru_cache(detach = true, spawn = Executor)]
async fn no_executor(n: u32) -> u32 {
    n
}

fn main() {}
