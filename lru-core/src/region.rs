//! Regions of a thread or task: what holds while a closure runs, or whenever a future is polled.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::boxed::Box;

/// What holds in a region.
pub trait Region {
    /// Calls `run` in the region, and leaves it at the end, also by a panic.
    fn enter<R>(&mut self, run: impl FnOnce() -> R) -> R;
}

/// What can run in a region: a closure, an async block, or an async closure.
#[diagnostic::on_unimplemented(
    message = "expected a closure, an async block, or an async closure",
    label = "none of these, or a closure whose result may be a future",
    note = "for a future write `isolated(async {{ … }}).await` or `bypassed(async {{ … }}).await`; for a generic result `R` add the bound `R: Unpin`"
)]
pub trait RunIn<As, G: Region> {
    /// What the closure returns, or a future.
    type Output;

    #[doc(hidden)]
    fn run_in(self, region: G) -> Self::Output;
}

/// A closure. Its result is no future of an async block: those are not `Unpin`.
#[derive(Debug)]
pub struct AsClosure;

#[diagnostic::do_not_recommend]
impl<R: Unpin, F: FnOnce() -> R, G: Region> RunIn<AsClosure, G> for F {
    type Output = R;

    fn run_in(self, mut region: G) -> R {
        region.enter(self)
    }
}

/// An async block.
#[derive(Debug)]
pub struct AsAsyncBlock;

#[diagnostic::do_not_recommend]
impl<F: Future, G: Region> RunIn<AsAsyncBlock, G> for F {
    type Output = InRegion<F, G>;

    fn run_in(self, region: G) -> InRegion<F, G> {
        InRegion { future: Some(Box::pin(self)), region }
    }
}

/// An async closure, or a closure that returns an async block.
#[derive(Debug)]
pub struct AsAsyncClosure;

#[diagnostic::do_not_recommend]
impl<R: Future, F: FnOnce() -> R, G: Region> RunIn<AsAsyncClosure, G> for F {
    type Output = InRegion<R, G>;

    fn run_in(self, mut region: G) -> InRegion<R, G> {
        let future = region.enter(self);
        future.run_in(region)
    }
}

/// A future that is polled, and dropped, in a region.
#[must_use = "futures do nothing unless they are awaited"]
pub struct InRegion<F, G: Region> {
    /// `None` when it has completed.
    future: Option<Pin<Box<F>>>,
    region: G,
}

/// The future is boxed.
impl<F, G: Region> Unpin for InRegion<F, G> {}

impl<F: Future, G: Region> Future for InRegion<F, G> {
    type Output = F::Output;

    /// # Panics
    ///
    /// Panics if it is polled after it was ready, as other futures may.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, region } = self.get_mut();
        region.enter(|| {
            let running = future.as_mut().expect("a future is not polled after it has completed");
            let polled = running.as_mut().poll(context);
            if polled.is_ready() {
                *future = None;
            }
            polled
        })
    }
}

impl<F, G: Region> Drop for InRegion<F, G> {
    fn drop(&mut self) {
        let Self { future, region } = self;
        region.enter(|| *future = None);
    }
}

impl<F, G: Region> fmt::Debug for InRegion<F, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InRegion").finish_non_exhaustive()
    }
}
