//! Backends as traits: what the default methods do.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;

use super::*;

/// A backend that returns each key as its value, but for `none` and the empty key.
struct Echo;

fn echo(key: &[u8]) -> Result<Option<Stored>, BackendError> {
    match key {
        b"" => Err("empty".into()),
        b"none" => Ok(None),
        key => Ok(Some(Stored::new(key))),
    }
}

impl Backend for Echo {
    fn get(&self, _: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        echo(key)
    }

    fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
        Ok(())
    }

    fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
        Ok(false)
    }

    fn clear(&self, _: &str) -> Result<(), BackendError> {
        Ok(())
    }
}

impl AsyncBackend for Echo {
    async fn get(&self, _: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        echo(key)
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

#[test]
fn many_are_found_in_the_order_in_which_they_are_asked_for() {
    let keys: [&[u8]; 4] = [b"b", b"none", b"a", b"b"];
    let backend = Arc::new(Echo);
    let at_once = Backend::get_many(&backend, "any", &keys).unwrap();
    let mut awaited = pin!(AsyncBackend::get_many(&backend, "any", &keys));
    let Poll::Ready(awaited) = awaited.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("nothing is waited for");
    };
    for found in [at_once, awaited.unwrap()] {
        let values = found.iter().map(|found| found.as_ref().map(|found| found.value.as_slice()));
        assert!(values.eq([Some(&b"b"[..]), None, Some(b"a"), Some(b"b")]));
    }
    assert!(Backend::get_many(&Echo, "any", &[b"a", b""]).is_err());
    assert!(Backend::get_many(&Echo, "any", &[]).unwrap().is_empty());
}
