//! Frames: what is read while a result is computed.
//!
//! The frames of a thread are a stack. The body of a function that has dependencies runs in a frame of its own: each call of
//! a memoized function adds its node to the topmost frame, whether it is a hit or a miss, and whether or not its result is
//! stored. Where no frame is, nothing is recorded, and a hit looks at one thread-local number only.
//!
//! The frame of an asynchronous body is on the stack of the thread that polls the body, as long as it polls.
//!
//! Regions in which caches are bypassed need nothing of their own here: what is computed in them makes nodes, too, as
//! long as [`is_recording`] says that they are wanted.

use core::cell::{Cell, RefCell};
use core::future::Future;
use core::marker::PhantomData;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use crate::key::KeyHash;
use crate::tags::current::Beginning;
use crate::tags::distinct::{Distinct, Identify};
use crate::tags::node::{Completeness, Node};
use crate::tags::tag::{Tag, TagId};

thread_local! {
    /// The number of frames. It has no destructor, so that it is read at once, and while the thread ends.
    static HEIGHT: Cell<usize> = const { Cell::new(0) };
    /// The frames, the innermost last.
    static FRAMES: RefCell<Vec<Reads>> = const { RefCell::new(Vec::new()) };
}

impl Identify for Arc<Node> {
    fn identity(&self) -> u64 {
        // A node that is in the list has its address to itself.
        Arc::as_ptr(self).addr() as u64
    }
}

impl Identify for TagId {
    fn identity(&self) -> u64 {
        self.get()
    }
}

/// What was read in a frame.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    nodes: Distinct<Arc<Node>>,
    tags: Distinct<TagId>,
    completeness: Completeness,
}

impl Reads {
    fn incomplete() -> Self {
        Self { completeness: Completeness::Incomplete, ..Self::default() }
    }
}

/// Puts a frame on the stack, and returns its place; `None` if the thread is ending and has no stack any more.
pub(super) fn push(reads: Reads) -> Option<usize> {
    let push = |frames: &RefCell<Vec<Reads>>| {
        let mut frames = frames.borrow_mut();
        frames.push(reads);
        HEIGHT.set(frames.len());
        frames.len() - 1
    };
    FRAMES.try_with(push).ok()
}

/// Takes a frame from the stack, with those above it, whose owners are inside of it.
pub(super) fn pop(place: Option<usize>) -> Reads {
    let pop = |frames: &RefCell<Vec<Reads>>| {
        let mut frames = frames.borrow_mut();
        let height = place? + 1;
        frames.truncate(height);
        let reads = if frames.len() == height { frames.pop() } else { None };
        HEIGHT.set(frames.len());
        reads
    };
    FRAMES.try_with(pop).ok().flatten().unwrap_or_else(Reads::incomplete)
}

/// Changes the topmost frame, if there is one.
fn in_frame(change: impl FnOnce(&mut Reads)) {
    _ = FRAMES.try_with(|frames| frames.borrow_mut().last_mut().map(change));
}

/// Returns whether the current thread records what is read.
#[inline(always)]
pub(crate) fn is_recording() -> bool {
    HEIGHT.get() != 0
}

/// Records that a result was read, by its node. A call does so whatever its result comes from.
#[inline]
pub(crate) fn record(node: &Arc<Node>) {
    if is_recording() {
        record_in_frame(node);
    }
}

#[cold]
fn record_in_frame(node: &Arc<Node>) {
    in_frame(|reads| reads.nodes.push(Arc::clone(node)));
}

/// Notes that a result was read of which nothing is known: what is being computed is valid only until anything is
/// invalidated.
#[inline]
pub fn record_unknown() {
    if is_recording() {
        in_frame(|reads| reads.completeness = Completeness::Incomplete);
    }
}

/// Makes the result that is being computed on this thread depend on a tag.
///
/// It is for what a function with `depends = true` reads without a memoized function, or in threads and tasks that it
/// starts: their calls are not recorded. [`invalidate`](crate::invalidate) with this tag then invalidates the result, and
/// all that was computed from it.
///
/// The tag may be added at any time before the function returns: it counts from the beginning of the computation. The tag is
/// added to the innermost function with `depends = true` that runs on this thread, or in this task. Without one, the
/// function does nothing. It takes a few nanoseconds.
///
/// ```
/// # use lru_core as functools;
/// use functools::{depends_on, tag};
///
/// fn page_of(user: u64) -> String {
///     depends_on(tag("user", user));
///     format!("the page of {user}") // reads the user from a file
/// }
/// assert_eq!(page_of(7), "the page of 7");
/// ```
pub fn depends_on(tag: Tag) {
    if is_recording() {
        in_frame(|reads| reads.tags.push(tag.into()));
    }
}

/// Where the reads of a body are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// In a frame of its own: the result depends on them.
    Own,
    /// In the frame of its caller, if that has one.
    Caller,
}

/// A computation that has come to a result: what the result depends on, but for its tags.
#[derive(Clone, Debug)]
pub struct Computed {
    beginning: Beginning,
    reads: Reads,
}

impl Computed {
    /// A value that no body has computed, such as that of a put. It counts as computed from nothing at this beginning.
    pub(crate) fn at(beginning: Beginning) -> Self {
        Self { beginning, reads: Reads::default() }
    }

    /// Notes that tags of the result are unknown: those of an error, if tags are made from the value. The result, and
    /// all that is computed from it, is valid only until anything is invalidated.
    pub(crate) fn with_unknown_tags(mut self) -> Self {
        self.reads.completeness = Completeness::Incomplete;
        self
    }

    /// Makes copies of it cheap, for the results of several keys that one body has computed: they depend on one node, which
    /// depends on all that was read.
    pub(super) fn of_several(mut self) -> Self {
        let nodes = mem::take(&mut self.reads.nodes).into_items();
        if nodes.len() > 1 {
            let node = Node::new(self.beginning.clone(), Vec::new(), nodes, self.reads.completeness);
            self.reads.nodes.push(node);
        } else {
            for node in nodes {
                self.reads.nodes.push(node);
            }
        }
        self
    }

    /// Adds tags of the result.
    #[cfg(feature = "backend")]
    pub(super) fn with_tags(mut self, tags: impl IntoIterator<Item = TagId>) -> Self {
        tags.into_iter().for_each(|tag| self.reads.tags.push(tag));
        self
    }

    /// Moves the beginning to this one, at which the result is as valid as before.
    #[cfg(feature = "backend")]
    pub(super) fn renewed(mut self, beginning: Beginning) -> Self {
        self.beginning = beginning;
        self
    }

    /// Returns the tags that the body has added.
    #[cfg(feature = "backend")]
    pub(super) fn added(&self) -> &[TagId] {
        self.reads.tags.items()
    }

    /// Moves what a task has computed outside of the call's isolation to the domain of the call, which began earlier.
    pub(super) fn of_call(mut self, call: &Beginning) -> Self {
        if !self.beginning.domain.is(&call.domain) {
            self.beginning = call.clone();
        }
        self
    }

    /// Records what a task has read as if the current thread had read it.
    pub(crate) fn record_reads(self) {
        if !is_recording() {
            return;
        }
        let Reads { nodes, tags, completeness } = self.reads;
        let nodes = nodes.into_items();
        // A task may run outside of the isolation, where nothing invalidates a node of unknown tags.
        let is_complete =
            completeness == Completeness::Complete && nodes.iter().all(|node| node.is_complete());
        in_frame(|reads| {
            for node in nodes {
                reads.nodes.push(node);
            }
            for tag in tags.into_items() {
                reads.tags.push(tag);
            }
            if !is_complete {
                reads.completeness = Completeness::Incomplete;
            }
        });
    }

    /// Returns when the computation began.
    #[cfg(any(test, feature = "backend"))]
    pub(crate) fn beginning(&self) -> &Beginning {
        &self.beginning
    }

    /// Creates the node of the result, of these tags: those of its entry, of its cache, and its own. The caller records
    /// the node, also if the result is not stored.
    pub(crate) fn into_node(self, tags: impl IntoIterator<Item = TagId>) -> Arc<Node> {
        let (beginning, tags, nodes, completeness) = self.into_parts(tags);
        Node::new(beginning, tags, nodes, completeness)
    }

    /// Creates the node of the result for a key of a cache. By its tags it can be invalidated in the whole program, or in
    /// this cache.
    pub(crate) fn into_node_of(self, cache: u64, key: KeyHash, tags: &[TagId]) -> Arc<Node> {
        let Self { beginning, reads: Reads { nodes, tags: added, completeness } } = self;
        let added = added.into_items();
        let everywhere = || added.iter().chain(tags).copied();
        let mut all = Vec::with_capacity(2 * everywhere().count() + 2);
        all.extend(everywhere());
        all.extend(everywhere().map(|tag| TagId::of_tag_in(cache, tag)));
        all.extend([TagId::of_entry(cache, key), TagId::of_cache(cache)]);
        Node::new(beginning, all, nodes.into_items(), completeness)
    }

    /// Like [`into_node`](Self::into_node), with another limit for chains of dependencies.
    #[cfg(test)]
    pub(super) fn into_node_with_depth(
        self,
        deepest: u32,
        tags: impl IntoIterator<Item = TagId>,
    ) -> Arc<Node> {
        let (beginning, tags, nodes, completeness) = self.into_parts(tags);
        Node::with_depth(deepest, beginning, tags, nodes, completeness)
    }

    fn into_parts(
        self,
        tags: impl IntoIterator<Item = TagId>,
    ) -> (Beginning, Vec<TagId>, Vec<Arc<Node>>, Completeness) {
        let Self { beginning, reads: Reads { nodes, tags: added, completeness } } = self;
        let mut all = added.into_items();
        all.extend(tags);
        (beginning, all, nodes.into_items(), completeness)
    }
}

/// Records what a body that did not return may have read: its caller may catch the panic, and use what it carries.
fn record_failure(beginning: Beginning, reads: Reads) {
    if is_recording() {
        record(&Computed { beginning, reads }.with_unknown_tags().into_node([]));
    }
}

/// A computation that runs on the current thread.
///
/// If it is dropped before [`end`](Self::end), by a panic of the body, the caller's frame records a node that is valid
/// only until anything is invalidated.
#[derive(Debug)]
#[must_use]
pub struct Computation {
    beginning: Beginning,
    frame: Frame,
    /// The place of the frame on the stack.
    place: Option<usize>,
    has_ended: bool,
    /// The frame is on the stack of this thread.
    _stays: PhantomData<*const ()>,
}

impl Computation {
    /// Begins a computation, before the body runs.
    pub fn begin(frame: Frame) -> Self {
        let beginning = Beginning::now();
        let place = if frame == Frame::Own { push(Reads::default()) } else { None };
        Self { beginning, frame, place, has_ended: false, _stays: PhantomData }
    }

    /// Ends the computation, after the body returned.
    pub fn end(mut self) -> Computed {
        self.has_ended = true;
        Computed { beginning: self.beginning.clone(), reads: self.take_reads() }
    }

    fn take_reads(&self) -> Reads {
        if self.frame == Frame::Own { pop(self.place) } else { Reads::default() }
    }
}

impl Drop for Computation {
    fn drop(&mut self) {
        if !self.has_ended {
            let reads = self.take_reads();
            record_failure(self.beginning.clone(), reads);
        }
    }
}

/// The future of a computation: it returns the result of the body, and what it depends on.
///
/// The computation begins at the first poll. Its frame is on the stack of the polling thread during each poll, so what
/// the body polls records its reads there. If the future is dropped, nothing is recorded: no caller has a result.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Computing<'b, F> {
    body: Pin<&'b mut F>,
    frame: Frame,
    running: Option<Computed>,
}

/// Computes asynchronously. The body is pinned by the caller, so that it is in memory once.
pub fn computing<F: Future>(frame: Frame, body: Pin<&mut F>) -> Computing<'_, F> {
    Computing { body, frame, running: None }
}

impl<F: Future> Future for Computing<'_, F> {
    type Output = (F::Output, Computed);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { body, frame, running } = &mut *self;
        let computed = running.get_or_insert_with(|| Computed::at(Beginning::now()));
        let mut polling = Polling::begin(*frame, computed);
        let polled = body.as_mut().poll(context);
        polling.has_returned = true;
        drop(polling);
        match (polled, running.take()) {
            (Poll::Ready(output), Some(computed)) => Poll::Ready((output, computed)),
            (_, computed) => {
                *running = computed;
                Poll::Pending
            }
        }
    }
}

/// The poll of a body. Takes its frame back from the stack when it ends.
struct Polling<'c> {
    computed: &'c mut Computed,
    frame: Frame,
    place: Option<usize>,
    has_returned: bool,
}

impl<'c> Polling<'c> {
    fn begin(frame: Frame, computed: &'c mut Computed) -> Self {
        let place = if frame == Frame::Own { push(mem::take(&mut computed.reads)) } else { None };
        Self { computed, frame, place, has_returned: false }
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        if self.frame == Frame::Own {
            self.computed.reads = pop(self.place);
        }
        if !self.has_returned {
            record_failure(self.computed.beginning.clone(), mem::take(&mut self.computed.reads));
        }
    }
}
