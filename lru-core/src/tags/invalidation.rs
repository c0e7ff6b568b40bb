//! Invalidations by tag: at once, or after a function that changes something.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crate::observe::events::Events;
use crate::tags::current::DomainHandle;
use crate::tags::tag::{Tag, TagId};

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
/// ```
/// # use lru_core as functools;
/// use functools::{invalidate, tag};
///
/// invalidate(tag("team", 7));
/// ```
pub fn invalidate(tag: Tag) {
    invalidate_all(&[tag.into()]);
    // Last: a subscriber is user code.
    Events::invalidated(tag.name(), 1, false);
}

/// Invalidates tags in the domain of the current thread, all at once.
pub(crate) fn invalidate_all(tags: &[TagId]) {
    DomainHandle::current().invalidate(tags);
}

/// What is to be invalidated after a change: a tag, an owned invalidation of a key, or a pair of such.
pub trait Invalidate {
    /// Carries it out.
    fn carry_out(self);
}

impl Invalidate for Tag {
    fn carry_out(self) {
        invalidate(self);
    }
}

impl<F: FnOnce()> Invalidate for F {
    fn carry_out(self) {
        self();
    }
}

/// Both, one after the other, the second one also if the first one panics.
impl<A: Invalidate, B: Invalidate> Invalidate for (A, B) {
    fn carry_out(self) {
        let (first, second) = self;
        let second = Invalidation::new(second);
        first.carry_out();
        second.settle(true);
    }
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
    pub fn settle(mut self, has_succeeded: bool) {
        if let Some(invalidate) = self.0.take().filter(|_| has_succeeded) {
            invalidate.carry_out();
        }
    }
}

impl<I: Invalidate> Drop for Invalidation<I> {
    fn drop(&mut self) {
        let Some(invalidate) = self.0.take() else { return };
        if !thread::panicking() {
            return invalidate.carry_out();
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
