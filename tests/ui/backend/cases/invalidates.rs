//! `#[invalidates(…)]` of functions with a backend.

use std::time::Duration;

use functools::backend::{AsyncBackend, BackendError, Stored};
use functools::{invalidates, lru_cache};

struct Store;

impl AsyncBackend for Store {
    async fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
        Ok(None)
    }

    async fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
        Ok(())
    }

    async fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
        Ok(false)
    }

    async fn clear(&self, _: &str) -> Result<(), BackendError> {
        Ok(())
    }
}

#[lru_cache(backend = Store)]
async fn read(id: u32) -> u32 {
    id
}

#[lru_cache(backend = Store, scope = thread)]
async fn of_thread(id: u32) -> u32 {
    id
}

#[invalidates(read(id))]
fn blocking(id: u32) {}

#[invalidates(of_thread(id))]
async fn awaited(id: u32) {}

fn main() {}
