use std::cell::{Cell, OnceCell};
use std::future::{pending, ready};
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use super::{LazyField, by_value, property, property_async, try_property, try_property_async};

fn poll<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// The second of two calls computes nothing.
fn computes_once(field: &impl LazyField<Value = u64>) {
    let runs = Cell::new(0);
    let call = || {
        property(field, || {
            runs.set(runs.get() + 1);
            7
        })
    };
    assert_eq!((call(), call(), runs.get()), (&7, &7, 1));
}

#[test]
fn each_cell_computes_once() {
    computes_once(&OnceLock::new());
    computes_once(&OnceCell::new());
    computes_once(&Box::new(OnceLock::new()));
    computes_once(&Arc::new(OnceLock::new()));
    computes_once(&Rc::new(OnceCell::new()));
    computes_once(&&OnceLock::new());
}

#[test]
fn first_kept_value_stays() {
    let field = OnceLock::new();
    assert_eq!(property(&field, || property(&field, || 1) + 1), &1);
}

#[test]
fn taken_value_is_computed_again() {
    let mut field = OnceLock::new();
    property(&field, || 1);
    assert_eq!(field.take(), Some(1));
    assert_eq!(property(&field, || 2), &2);
}

#[test]
fn errors_are_not_kept() {
    let field = OnceLock::new();
    assert_eq!(try_property(&field, || Err::<u8, _>("down")), Err("down"));
    assert_eq!(try_property(&field, || Ok::<_, &str>(1)), Ok(&1));
    assert_eq!(try_property(&field, || Err("down again")), Ok(&1));
}

#[test]
fn panics_keep_nothing() {
    let field: OnceLock<u8> = OnceLock::new();
    let panicked = std::panic::catch_unwind(|| *property(&field, || panic!("no value")));
    assert!(panicked.is_err());
    assert_eq!(property(&field, || 1), &1);
}

#[test]
fn async_values_are_kept_and_errors_are_not() {
    let field = OnceLock::new();
    assert_eq!(poll(try_property_async(&field, ready(Err::<u8, _>("down")))), Poll::Ready(Err("down")));
    assert_eq!(poll(property_async(&field, pending())), Poll::Pending);
    assert_eq!(poll(property_async(&field, ready(1))), Poll::Ready(&1));
    assert_eq!(poll(property_async(&Arc::new(field), pending())), Poll::Ready(&1));
}

#[cfg(feature = "tokio")]
#[test]
fn concurrent_calls_compute_once_in_a_cell_of_tokio() {
    let field = Box::new(tokio::sync::OnceCell::new());
    let is_ready = Cell::new(false);
    let slow = async {
        std::future::poll_fn(|_| if is_ready.get() { Poll::Ready(()) } else { Poll::Pending }).await;
        1
    };
    let (mut first, mut second) =
        (pin!(property_async(&field, slow)), pin!(property_async(&field, async { 2 })));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(first.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
    is_ready.set(true);
    assert_eq!(first.as_mut().poll(&mut context), Poll::Ready(&1));
    assert_eq!(second.as_mut().poll(&mut context), Poll::Ready(&1));
}

#[cfg(feature = "tokio")]
#[test]
fn another_call_takes_over_from_a_dropped_computation() {
    let field = tokio::sync::OnceCell::new();
    assert_eq!(poll(property_async(&field, pending::<u8>())), Poll::Pending);
    assert_eq!(poll(try_property_async(&field, ready(Err("down")))), Poll::Ready(Err("down")));
    assert_eq!(poll(property_async(&field, ready(2))), Poll::Ready(&2));
}

#[test]
fn value_is_cloned() {
    let value = Rc::new(1);
    assert!(Rc::ptr_eq(&by_value(&value), &value));
}
