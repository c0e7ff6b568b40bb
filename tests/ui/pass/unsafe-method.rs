//! An `unsafe` method, generic function or `async fn` stays one, and so does what runs its body.
//! Stands here because the workspace forbids unsafe code.

use functools::{Argument, lru_cache};
use std::future::Future;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Half(u64);

impl Half {
    /// # Safety
    ///
    /// The number is even.
    #[lru_cache]
    unsafe fn of(&self, n: u64) -> u64 {
        (self.0 + n) / 2
    }
}

trait Unsafe {
    /// # Safety
    ///
    /// The number is even.
    unsafe fn half(&self, n: u64) -> Result<u64, String>;
}

impl Unsafe for Half {
    #[lru_cache(accessors = none)]
    unsafe fn half(&self, n: u64) -> Result<u64, String> {
        if n == 0 {
            return Err("zero".into());
        }
        Ok(unsafe { self.of(n) })
    }
}

/// # Safety
///
/// None is needed.
#[lru_cache(typed = true)]
unsafe fn name<T: Argument>(_x: T) -> &'static str {
    std::any::type_name::<T>()
}

/// # Safety
///
/// None is needed.
#[lru_cache]
async unsafe fn later(n: u64) -> u64 {
    n + 1
}

fn ready<F: Future>(future: F) -> F::Output {
    let waker = std::task::Waker::noop();
    match std::pin::pin!(future).poll(&mut std::task::Context::from_waker(waker)) {
        std::task::Poll::Ready(ready) => ready,
        std::task::Poll::Pending => panic!("it waits for nothing"),
    }
}

fn main() {
    let function: unsafe fn(&Half, u64) -> u64 = Half::of;
    let raw: unsafe fn(&Half, u64) -> u64 = Half::of_wrapped;
    let half = Half(2);
    assert_eq!(unsafe { (function(&half, 8), raw(&half, 8), half.of_cache_refresh(6)) }, (5, 5, 4));
    assert!(half.of_cache_contains(8) && half.of_cache_peek(6) == Some(4));
    half.of_cache_put(10, 5);
    assert!(half.of_cache_invalidate(10));
    assert_eq!(Half::of_cache_info().misses, 2);
    assert_eq!(unsafe { (half.half(8), half.half(0)) }, (Ok(5), Err("zero".into())));

    let function: unsafe fn(u8) -> &'static str = name::<u8>;
    let raw: unsafe fn(u8) -> &'static str = name::wrapped;
    assert_eq!(unsafe { (function(8), raw(8), name::cache_refresh(6_u16)) }, ("u8", "u8", "u16"));
    name::cache_put(1_u8, "put");
    assert_eq!((name::cache_peek(1_u8), unsafe { name(1_u8) }), (Some("put"), "put"));

    assert_eq!(unsafe { (ready(later(1)), ready(later(1)), ready(later::wrapped(2))) }, (2, 2, 3));
    assert_eq!(ready(unsafe { later::cache_refresh(1) }), 2);
    assert_eq!(later::cache_info().hits, 1);
}
