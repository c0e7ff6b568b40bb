//! [`Note`]: what a body has read, from its end until the node of its result is made.

use std::sync::{Mutex, PoisonError};

use crate::tags::frame::{Computed, record};

/// What the body of one call has read, once it has ended.
///
/// If the result is not judged, then it has unknown tags, and the caller's frame records that.
#[derive(Debug, Default)]
pub(crate) struct Note(Mutex<Option<Computed>>);

impl Note {
    pub(crate) fn set(&self, computed: Computed) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(computed);
    }

    pub(crate) fn take(&self) -> Option<Computed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Some(computed) = self.take() {
            record(&computed.with_unknown_tags().into_node([]));
        }
    }
}
