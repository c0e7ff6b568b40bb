//! What a body reads, from its end until the options of its result's entry are made.

use core::future::Future;
use core::iter;
use core::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::function::tagged::lifecycle::TaggedLifecycle;
use crate::tags::current::Beginning;
use crate::tags::frame::{Computation, Computed, Frame, computing, record};
use crate::tags::tag::Tag;

/// What the function of the option `tags` returns.
#[diagnostic::on_unimplemented(
    message = "`tags` returns tags, and `{Self}` is none",
    label = "`tags` returns a `Tag`, or an array, a `Vec` or an `Option` of tags"
)]
pub trait IntoTags {
    #[doc(hidden)]
    fn __into_tags(self) -> impl Iterator<Item = Tag>;
}

impl IntoTags for Tag {
    fn __into_tags(self) -> impl Iterator<Item = Tag> {
        iter::once(self)
    }
}

#[diagnostic::do_not_recommend]
impl<I: IntoIterator<Item = Tag>> IntoTags for I {
    fn __into_tags(self) -> impl Iterator<Item = Tag> {
        self.into_iter()
    }
}

/// Returns the tags that the function of the option `tags` has returned.
pub fn tags_of(tags: impl IntoTags) -> impl Iterator<Item = Tag> {
    tags.__into_tags()
}

/// What the body of one call has read. Clones are one note: a part of the call may run as a task.
///
/// If the result is not judged, as an error may be, then it has unknown tags, and the caller's frame records that.
#[derive(Clone, Debug, Default)]
pub struct Reads(Arc<Slot>);

#[derive(Debug, Default)]
struct Slot(Mutex<Option<Computed>>);

impl Slot {
    fn take(&self) -> Option<Computed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(computed) = self.take() {
            record(&computed.with_unknown_tags().into_node([]));
        }
    }
}

impl Reads {
    /// Creates a note of a body that is to run.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a note of a value that no body has computed, such as that of a put. It is valid from now on.
    #[must_use]
    pub fn of_put() -> Self {
        let reads = Self::new();
        reads.set(Computed::at(Beginning::now()));
        reads
    }

    fn set(&self, computed: Computed) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(computed);
    }

    /// Runs the body.
    pub fn computed<R>(&self, frame: Frame, body: impl FnOnce() -> R) -> R {
        let computation = Computation::begin(frame);
        let result = body();
        self.set(computation.end());
        result
    }

    /// Awaits the body.
    pub async fn computing<F: Future>(self, frame: Frame, body: F) -> F::Output {
        let (result, computed) = computing(frame, pin!(body)).await;
        self.set(computed);
        result
    }

    /// Gives the result its tags. Its node is made when the call judges it.
    pub fn tag<S>(&self, lifecycle: &TaggedLifecycle<S>, tags: impl IntoIterator<Item = Tag>) {
        lifecycle.validity.computed(self.0.take(), tags);
    }
}
