//! [`Batch`]: what results depend on that one body computes for several keys.

use core::fmt;
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use crate::key::KeyHash;
use crate::tags::frame::{Computed, Reads, is_recording, pop, push, record};
use crate::tags::node::Node;
use crate::tags::note::Note;
use crate::tags::tag::TagId;

/// The results of several keys, by their numbers in the call, which one body computes. Each depends on all that the body
/// reads, and has its own tags.
///
/// If not all results are judged, then some have unknown tags, and the caller's frame records that.
pub(crate) struct Batch {
    /// Where it is noted what the body has read.
    note: Arc<Note>,
    /// What the body has read, once a result was judged.
    computed: Option<Computed>,
    /// The numbers of the results, in ascending order.
    numbers: Box<[usize]>,
    /// The tags of the results, if they were known before the body ran.
    expected: Option<Vec<Vec<TagId>>>,
    /// The nodes of the results that were judged.
    nodes: Vec<Option<Arc<Node>>>,
    /// The tags of the result that is judged next.
    tags: Option<Vec<TagId>>,
    /// The node of the result that was judged last.
    last: Option<Arc<Node>>,
    /// How many results were judged.
    judged: usize,
}

impl Batch {
    pub(super) fn new(note: Arc<Note>, numbers: Box<[usize]>, expected: Option<Vec<Vec<TagId>>>) -> Self {
        let nodes = numbers.iter().map(|_| None).collect();
        Self { note, computed: None, numbers, expected, nodes, tags: None, last: None, judged: 0 }
    }

    /// Returns whether the tags of all results are known already.
    pub(super) fn expects_tags(&self) -> bool {
        self.expected.is_some()
    }

    /// Notes the tags of the result that is judged next, and what the body has read if that was not noted yet.
    pub(super) fn computed(&mut self, computed: Option<Computed>, tags: Vec<TagId>) {
        self.computed = self.computed.take().or_else(|| computed.map(Computed::of_several));
        self.tags = Some(tags);
    }

    /// Returns the node of the result that was judged last.
    pub(super) fn node(&self) -> Option<Arc<Node>> {
        self.last.clone()
    }

    /// Returns the node of the result of this number.
    pub(super) fn node_of(&self, number: usize) -> Option<Arc<Node>> {
        let place = self.numbers.binary_search(&number).ok()?;
        self.nodes[place].clone()
    }

    /// Makes the node of a result for a key of a cache, if its tags are known. `of_call` makes what the body has read that of the
    /// call.
    pub(super) fn judge(
        &mut self,
        (number, hash, cache): (usize, KeyHash, u64),
        of_call: impl FnOnce(Option<Computed>) -> Computed,
    ) {
        let tags = self.tags.take();
        self.last = None;
        let Ok(place) = self.numbers.binary_search(&number) else { return };
        let expected = self.expected.as_mut().map(|expected| core::mem::take(&mut expected[place]));
        let Some(tags) = tags.or(expected) else { return };
        let noted = &self.note;
        let computed = self.computed.get_or_insert_with(|| of_call(noted.take()).of_several());
        let node = computed.clone().into_node_of(cache, hash, &tags);
        self.nodes[place] = Some(Arc::clone(&node));
        self.last = Some(node);
        self.judged += 1;
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if self.judged < self.numbers.len() {
            if let Some(computed) = self.computed.take().or_else(|| self.note.take()) {
                record(&computed.with_unknown_tags().into_node([]));
            }
        }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("numbers", &self.numbers.len())
            .field("judged", &self.judged)
            .finish_non_exhaustive()
    }
}

/// Runs an operation by which the caller's frame reads nothing: an insert of a result that is not the caller's.
pub(crate) fn unrecorded<R>(operation: impl FnOnce() -> R) -> R {
    /// Takes its frame from the stack when it is dropped.
    struct Apart(Option<usize>);

    impl Drop for Apart {
        fn drop(&mut self) {
            drop(pop(self.0));
        }
    }

    let _apart = is_recording().then(|| Apart(push(Reads::default())));
    operation()
}
