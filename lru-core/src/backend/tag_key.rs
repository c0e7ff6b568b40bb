//! [`TagKey`]: a tag as backends know it.

use crate::tags::tag::{Tag, TagId};

/// A tag as backends know it: a hash of 8 bytes, which is the key of its nonce in the namespace [`TAGS`](super::TAGS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagKey(TagId);

impl TagKey {
    /// Returns the tag with this hash.
    #[must_use]
    pub fn of(bytes: [u8; 8]) -> Self {
        Self(TagId::of_number(u64::from_be_bytes(bytes)))
    }

    /// The tag that is invalidated with every other, and before it: `[TagKey::ANY, tag.into()]`. Results whose tags are
    /// not known before they are computed are stored only if its nonce is still there.
    pub const ANY: Self = Self(TagId::ANY);

    /// Returns the hash.
    #[must_use]
    pub fn bytes(self) -> [u8; 8] {
        self.0.number().to_be_bytes()
    }

    #[cfg(feature = "backend")]
    pub(crate) fn id(self) -> TagId {
        self.0
    }
}

/// For programs that invalidate tags without a function: `backend.invalidate_tags(&[TagKey::ANY, tag("user", 7).into()])`.
impl From<Tag> for TagKey {
    fn from(tag: Tag) -> Self {
        Self(tag.into())
    }
}

impl From<TagId> for TagKey {
    fn from(tag: TagId) -> Self {
        Self(tag)
    }
}
