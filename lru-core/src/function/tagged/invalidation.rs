//! Invalidations by tag: at once, or after a function that changes something.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crate::function::tagged::invalidated::Invalidated;
use crate::observe::events::Events;
use crate::tags::invalidate::invalidate_all;
use crate::tags::tag::Tag;

/// Invalidates all results with a tag, of all functions of the program.
///
/// A call that begins after it returned is not answered by such a result, nor by one that was computed from such a result
/// by a function with `depends = true`. Nor is a result stored whose computation began before. The results are removed when they
/// are looked at, or evicted; until then they count in `currsize`.
///
/// Its time does not depend on the number of entries: it notes the tag in a table, of a size that
/// [`set_tag_capacity`](crate::set_tag_capacity) sets. Each result with other tags is checked once afterwards, by the next
/// hit. It takes one lock, under which no other code runs, and may be called anywhere, also by destructors and under locks.
///
/// Inside `isolated`, it invalidates results that were computed in the isolation.
///
/// # Other processes
///
/// Results that functions with a `backend` share are invalidated for all processes, in the backends of all functions with `tags`
/// or `depends` that this process has used. A process that has not used them names them: `user::cache_invalidate_tag(tag)`. In the process
/// itself the results are invalidated when the function returns. A blocking backend has been asked by then; one of an `async`
/// function is asked when what the function returns is awaited:
///
/// ```
/// # use lru_core as functools;
/// # use functools::backend::BackendError;
/// use functools::{invalidate, tag};
///
/// invalidate(tag("team", 7)); // In memory, nothing can fail.
///
/// # fn rename() -> Result<(), BackendError> {
/// invalidate(tag("team", 7)).result()?; // With blocking backends.
/// # Ok(())
/// # }
/// # async fn rename_async() -> Result<(), BackendError> {
/// invalidate(tag("team", 7)).await?; // With backends of `async` functions.
/// # Ok(())
/// # }
/// # rename().unwrap();
/// ```
///
/// See [`Invalidated`] for what happens to errors that are not looked at.
pub fn invalidate(tag: Tag) -> Invalidated {
    invalidate_all(&[tag.into()]);
    #[cfg(feature = "backend")]
    let invalidated = if crate::function::tagged::backends::are_there() {
        crate::function::tagged::backends::invalidate_in_all(tag)
    } else {
        Invalidated::here()
    };
    #[cfg(not(feature = "backend"))]
    let invalidated = Invalidated::here();
    // Last: a subscriber is user code.
    Events::invalidated(tag.name(), 1, false);
    invalidated
}

/// What is to be invalidated after a change: a tag, an owned invalidation of a key, or a pair of such.
#[diagnostic::on_unimplemented(
    message = "`#[invalidates(…)]` takes calls of memoized functions, and tags, and `{Self}` is neither",
    label = "write `user(id)`, `self.price(id)` or `tag(\"user\", id)`"
)]
pub trait Invalidate {
    /// Where it is invalidated, for compile errors.
    type Place;

    /// Carries it out: in the process at once. What has to be awaited is in what it returns.
    fn carry_out(self) -> Invalidated;
}

/// The process, where results are invalidated at once.
#[derive(Debug)]
pub struct Process;

/// An async backend.
#[derive(Debug)]
pub struct BehindAwait;

/// A cache that is known during a call alone: in `self` or in another argument.
#[derive(Debug)]
pub struct InArgument;

/// A place that is still there after the change.
#[diagnostic::on_unimplemented(
    message = "`#[invalidates(…)]` cannot reach the cache of this function after the change: it needs a cache of its own, or one in a `static`",
    label = "call `…cache_invalidate(…)` in the body instead, after the change",
    note = "this function has its cache in `self` or in another argument, where `tags` or `depends = true` would help; or `scope = thread` and an async backend"
)]
pub trait InReach {}

impl InReach for Process {}
impl InReach for BehindAwait {}

/// A place where nothing has to be awaited.
#[diagnostic::on_unimplemented(
    message = "`#[invalidates(…)]` has to await the async backend of this function; write an `async fn`",
    label = "has an async backend"
)]
pub trait WithoutAwait {}

impl WithoutAwait for Process {}
impl WithoutAwait for InArgument {}

impl Invalidate for Tag {
    type Place = Process;

    fn carry_out(self) -> Invalidated {
        invalidate(self)
    }
}

// Otherwise rustc asks for a closure where a tag is expected.
#[diagnostic::do_not_recommend]
impl<F: FnOnce()> Invalidate for F {
    type Place = Process;

    fn carry_out(self) -> Invalidated {
        self();
        Invalidated::here()
    }
}

/// Both, one after the other, the second one also if the first one panics.
impl<A: Invalidate, B: Invalidate> Invalidate for (A, B) {
    type Place = Process;

    fn carry_out(self) -> Invalidated {
        let (first, second) = self;
        let second = Invalidation::new(second);
        first.carry_out().and(second.settle(true))
    }
}

/// Returns what is to be invalidated, if it can be reached after the change.
pub fn in_reach<I>(invalidate: I) -> I
where
    I: Invalidate<Place: InReach + WithoutAwait>,
{
    invalidate
}

/// Like [`in_reach`], of an `async fn`.
pub fn in_reach_awaited<I>(invalidate: I) -> I
where
    I: Invalidate<Place: InReach>,
{
    invalidate
}

/// Returns what is to be invalidated, as a type of which nothing else is known: what [`in_reach`] does not accept is reported
/// there, and nowhere else.
///
/// Apart from [`in_reach`], whose bounds would be checked, and reported, once more for the type that is returned. The bound
/// on the place says nothing; with it, rustc reports what is no `Invalidate` only once.
pub fn invalidated<I>(invalidate: I) -> impl Invalidate
where
    I: Invalidate<Place: Sized>,
{
    invalidate
}

/// An invalidation that is carried out after a change: of a function with `#[invalidates(…)]`.
///
/// It is made before the body runs, because that may consume the arguments. It is carried out if the body succeeds. If it
/// panics, or its future is dropped, the change may have been made: then it is carried out as well.
#[derive(Debug)]
#[must_use]
pub struct Invalidation<I: Invalidate>(Option<I>);

impl<I: Invalidate> Invalidation<I> {
    /// Creates it, before the change.
    pub fn new(invalidate: I) -> Self {
        Self(Some(invalidate))
    }

    /// Carries it out if the change was made, after the body has returned.
    pub fn settle(mut self, has_succeeded: bool) -> Invalidated {
        match self.0.take().filter(|_| has_succeeded) {
            Some(invalidate) => invalidate.carry_out(),
            None => Invalidated::here(),
        }
    }

    /// Like [`settle`](Self::settle), of an `async fn`. Waits for backends alone.
    pub async fn settle_awaited(self, has_succeeded: bool) {
        self.settle(has_succeeded).told().await;
    }
}

impl<I: Invalidate> Drop for Invalidation<I> {
    fn drop(&mut self) {
        let Some(invalidate) = self.0.take() else { return };
        if !thread::panicking() {
            return drop(invalidate.carry_out());
        }
        // A second panic, of an eviction listener or a destructor, would abort the process. The panic hook reports it.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| invalidate.carry_out())) {
            // Its destructor might panic as well.
            core::mem::forget(payload);
        }
    }
}

/// The result of a function, for autoref selection: `(&Returned(&result)).__has_succeeded()`.
#[derive(Debug)]
pub struct Returned<'r, R>(pub &'r R);

/// Selected first, if the result is a `Result`.
pub trait ReturnsResult {
    /// Returns whether the function succeeded.
    fn __has_succeeded(&self) -> bool;
}

impl<T, E> ReturnsResult for Returned<'_, Result<T, E>> {
    #[inline]
    fn __has_succeeded(&self) -> bool {
        self.0.is_ok()
    }
}

/// Selected last: a function that returns anything else succeeds.
pub trait ReturnsValue {
    /// Returns `true`.
    fn __has_succeeded(&self) -> bool;
}

impl<R> ReturnsValue for &Returned<'_, R> {
    #[inline]
    fn __has_succeeded(&self) -> bool {
        true
    }
}

/// The traits of the autoref selection, for import without names.
pub(crate) mod choices {
    pub use super::{ReturnsResult as _, ReturnsValue as _};
}
