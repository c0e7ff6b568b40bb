//! Invalidation of the copies in this process of results with tags, when a backend reports that a tag was invalidated.
//!
//! A backend reports changes of the namespace [`TAGS`](super::TAGS) as those of any other. A nonce that is created is reported as
//! well: then there was none, and the tag counts as invalidated.

use crate::backend::invalidation_sink::{InvalidationSink, LocalCopies, sink_of};
use crate::backend::tag_key::TagKey;
use crate::tags::domain::invalidate_shared;
use crate::tags::tag::TagId;

/// The copies of all functions in the caches that threads share.
struct TaggedCopies;

/// Returns where backends report that tags were invalidated.
pub(crate) fn sink() -> InvalidationSink {
    sink_of(&TaggedCopies)
}

impl LocalCopies for TaggedCopies {
    fn invalidate(&self, key: &[u8]) {
        let Ok(bytes) = key.try_into() else { return };
        let tag = TagKey::of(bytes);
        if tag != TagKey::ANY {
            invalidate_shared(tag.id());
        }
    }

    fn may_be_own_write(&self, _: &[u8]) -> bool {
        false
    }

    fn invalidate_unless_equal(&self, key: &[u8], _: Option<&[u8]>) {
        self.invalidate(key);
    }

    fn invalidate_all(&self) {
        invalidate_shared(TagId::OUTSIDE);
    }

    /// The functions themselves are told: they keep their copies until `front_ttl`, or drop them.
    fn may_have_missed_changes(&self) {}
}
