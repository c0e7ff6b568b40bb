//! What a call of many keys knows of the validity of its results.

use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use crate::key::KeyHash;
use crate::tags::batch::Batch;
use crate::tags::frame::record;
use crate::tags::node::Node;
use crate::tags::note::Note;
use crate::tags::tag::TagId;
use crate::tags::validity::{Found, Validity};

impl Validity {
    /// Changes what is known of the results of several keys.
    ///
    /// # Errors
    ///
    /// Returns the argument if the call has one key.
    pub(super) fn in_batch<A, R>(
        &self,
        argument: A,
        change: impl FnOnce(&mut Batch, A) -> R,
    ) -> Result<R, A> {
        let mut found = self.found.take();
        let changed = match found.as_deref_mut() {
            Some(Found::Batch(batch)) => Ok(change(batch, argument)),
            _ => Err(argument),
        };
        self.found.set(found);
        changed
    }

    /// Notes where it will be noted what the body reads that is to compute the results of these numbers, and the tags that these
    /// will have, if they are known.
    pub(crate) fn expect_each(
        &self,
        note: Arc<Note>,
        numbers: Box<[usize]>,
        expected: Option<Vec<Vec<TagId>>>,
    ) {
        let batch = Box::new(Batch::new(note, numbers, expected));
        self.found.set(Some(Box::new(Found::Batch(batch))));
    }

    /// Like [`judged`](Self::judged), for one of several results, by its number. With `is_own`, the caller gets it.
    pub(crate) fn judged_each(&self, number: usize, is_own: bool, hash: KeyHash, cache: u64) {
        let node = self.in_batch((), |batch, ()| {
            batch.judge((number, hash, cache), |computed| self.of_call(computed));
            batch.node()
        });
        if let Some(node) = node.ok().flatten().filter(|_| is_own) {
            record(&node);
        }
    }

    /// Returns the node of one of several results, by its number, if it has one.
    pub(crate) fn node_of_each(&self, number: usize) -> Option<Arc<Node>> {
        self.in_batch((), |batch, ()| batch.node_of(number)).ok().flatten()
    }
}
