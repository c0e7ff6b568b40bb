//! What a body reads, from its end until the options of its result's entry are made.

use core::future::Future;
use core::iter;
use core::pin::pin;
use std::sync::Arc;
use std::thread;

use crate::function::tagged::lifecycle::TaggedLifecycle;
use crate::tags::current::Beginning;
use crate::tags::frame::{Computation, Computed, Frame, computing, record_unknown};
use crate::tags::note::Note;
use crate::tags::tag::Tag;
use crate::tags::validity::Validity;

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

/// Does what a call does that is no hit, in a function of its own: there is much of it, and a hit need not save the registers
/// that it takes.
#[cold]
#[inline(never)]
pub fn out_of_line<R>(miss: impl FnOnce() -> R) -> R {
    miss()
}

/// A call whose body is to run.
pub trait RunningCall {
    #[doc(hidden)]
    fn __validity(&self) -> Option<&Validity>;
}

/// What the body of one call has read. Clones are one note: a part of the call may run as a task.
///
/// If the result is not judged then it has unknown tags, and the caller's frame records that.
#[derive(Clone, Debug, Default)]
pub struct Reads(Arc<Note>);

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

    /// Returns the note itself.
    pub(in crate::function) fn note(&self) -> Arc<Note> {
        Arc::clone(&self.0)
    }

    fn set(&self, computed: Computed) {
        self.0.set(computed);
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

    /// Records what was noted, in the frame of the current thread.
    fn record(&self) {
        match self.0.take() {
            Some(computed) => computed.record_reads(),
            None => record_unknown(),
        }
    }

    /// Notes the tags that the result will have, whatever it is, before the body runs: those of an error are known then, too.
    pub fn expect(&self, call: &impl RunningCall, tags: impl IntoIterator<Item = Tag>) {
        if let Some(validity) = call.__validity() {
            validity.expect(Arc::clone(&self.0), tags);
        }
    }

    /// Gives the result its tags, which are those that were expected, if any. Its node is made when the call judges it.
    pub fn tag<S, I: IntoIterator<Item = Tag>>(
        &self,
        lifecycle: &TaggedLifecycle<S>,
        tags: impl FnOnce() -> I,
    ) {
        if !lifecycle.validity.expects_tags() {
            // They may panic: then what was read stays noted.
            let tags = tags();
            lifecycle.validity.computed(self.0.take(), tags);
        }
    }
}

/// What a task reads whose result a call awaits: the frame of the call is not there where the task runs.
#[derive(Debug, Default)]
pub struct TaskReads(Reads);

impl TaskReads {
    /// Creates a note, before the task begins.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the note for the task.
    #[must_use]
    pub fn of_task(&self) -> Reads {
        self.0.clone()
    }

    /// Records in the frame of the call what the task has read, after the call has got its result.
    pub fn record(self) {
        self.0.record();
    }
}

/// The call may have the payload of a panic of the task, which its caller may catch and use.
impl Drop for TaskReads {
    fn drop(&mut self) {
        if thread::panicking() {
            record_unknown();
        }
    }
}

impl Reads {
    /// Runs the computation of a task. What it owns is dropped before it returns: a result that no one judges is recorded then.
    pub async fn of<F: Future>(self, computation: F) -> F::Output {
        self.computing(Frame::Own, computation).await
    }
}
