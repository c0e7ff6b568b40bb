//! What a result depends on outside of the process: tags with the nonces that backends have for them.
//!
//! A backend has a nonce for each tag that is in use, which an invalidation removes. A result in a backend notes the nonces
//! that held when its computation began; it is valid as long as these are there. No nonce is used twice, in whatever
//! backend: so equal nonces of a tag are those of one backend, with no invalidation between.

use std::vec::Vec;

use crate::tags::nonce::TagNonce;
use crate::tags::tag::TagId;

/// A tag and its nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) tag: TagId,
    pub(crate) nonce: TagNonce,
}

/// The tags of an entry in a backend that no option names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryTags {
    /// Of all results of the function.
    pub(crate) function: TagId,
    /// Of the result for the key.
    pub(crate) own: TagId,
}

impl EntryTags {
    /// Returns the tags by which a result with these tags is invalidated.
    pub(crate) fn with(self, tags: &[TagId]) -> Vec<TagId> {
        let mut all = tags.to_vec();
        all.extend(tags.iter().map(|&tag| self.within(tag)));
        all.extend([self.own, self.function]);
        all
    }

    /// Returns what stands for a tag among the results of the function.
    pub(crate) fn within(self, tag: TagId) -> TagId {
        TagId::of_tag_in(self.function.number(), tag)
    }
}
