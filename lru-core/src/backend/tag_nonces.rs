//! The nonces of tags in a backend, and what a lookup of a result with tags returns.
//!
//! A backend has a [nonce](TagNonce) for each tag that is in use, as an entry in the namespace [`TAGS`]. A result with tags
//! notes their nonces in its [header](super::tag_header); it is valid as long as these are there. To invalidate a tag is to
//! remove its nonce. Presence permits, absence forbids: a nonce that is lost costs misses, and no invalidation.

use std::vec::Vec;

use crate::backend::lease::Lookup;
use crate::backend::stored::Stored;
use crate::backend::tag_header::tags_in;
use crate::backend::tag_key::TagKey;
use crate::tags::nonce::TagNonce;

/// The namespace of the nonces of tags. No function has it.
pub const TAGS: &str = "functools tags";

/// The nonces of some tags, as a backend had them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagNonces(Vec<(TagKey, TagNonce)>);

impl TagNonces {
    /// Returns the nonce of a tag; `None` if the backend has none, or it was not asked for.
    #[must_use]
    pub fn get(&self, tag: TagKey) -> Option<TagNonce> {
        self.0.iter().find_map(|(of, nonce)| (*of == tag).then_some(*nonce))
    }

    /// Adds the nonce of a tag.
    pub fn add(&mut self, tag: TagKey, nonce: TagNonce) {
        self.0.push((tag, nonce));
    }
}

impl FromIterator<(TagKey, TagNonce)> for TagNonces {
    fn from_iter<T: IntoIterator<Item = (TagKey, TagNonce)>>(nonces: T) -> Self {
        Self(nonces.into_iter().collect())
    }
}

impl IntoIterator for TagNonces {
    type Item = (TagKey, TagNonce);
    type IntoIter = std::vec::IntoIter<(TagKey, TagNonce)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// What [`get_or_lease_tagged`](super::Backend::get_or_lease_tagged) returns: the entry, the permission to replace it, and the
/// nonces of tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaggedLookup {
    /// The entry and the permission.
    pub lookup: Lookup,
    /// The nonces of the tags that were asked for, and of those that the entry notes. They were read, or created, during the
    /// lookup.
    pub nonces: TagNonces,
}

impl TaggedLookup {
    /// Creates the outcome of a lookup.
    #[must_use]
    pub fn new(lookup: Lookup, nonces: TagNonces) -> Self {
        Self { lookup, nonces }
    }
}

/// Returns the tags of which a lookup needs the nonces: those it was asked for, and those that the entry notes.
#[must_use]
pub fn tags_to_read(asked: &[TagKey], found: Option<&Stored>) -> Vec<TagKey> {
    let mut all = asked.to_vec();
    if let Some(found) = found {
        all.extend(tags_in(&found.value));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Returns the nonce that an entry holds.
pub(super) fn nonce_of(found: Option<&Stored>) -> Option<TagNonce> {
    TagNonce::of(&found?.value)
}

/// Defines how the methods of a trait of backends read, create and remove nonces by default: as entries. The trait and the
/// types of its methods are in scope.
macro_rules! nonces_by_entries {
    ($Backend:ident, $read:ident, $look:ident, $invalidate:ident, [$($fn:tt)*] $($await:tt)*) => {
        /// Reads nonces as entries; see `tag_nonces`.
        $($fn)* $read<B: $Backend + ?Sized>(
            backend: &B,
            tags: &[TagKey],
            life: Option<Duration>,
        ) -> Result<TagNonces, BackendError> {
            let keys: Vec<_> = tags.iter().map(|tag| tag.bytes()).collect();
            let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
            let found = backend.get_many(TAGS, &keys)$($await)*?;
            let mut nonces = TagNonces::default();
            for ((&tag, key), found) in tags.iter().zip(keys).zip(found) {
                if let Some(nonce) = $crate::backend::tag_nonces::nonce_of(found.as_ref()) {
                    nonces.add(tag, nonce);
                    continue;
                }
                let Some(life) = life else { continue };
                let fresh = TagNonce::fresh();
                let added = match found {
                    None => backend.add(TAGS, key, fresh.bytes(), life)$($await)*,
                    // No nonce: it is replaced.
                    Some(_) => Err(BackendError::with_kind(ErrorKind::Unsupported, "")),
                };
                match added {
                    Ok(true) => nonces.add(tag, fresh),
                    Ok(false) => {
                        let other = backend.get(TAGS, key)$($await)*?;
                        if let Some(nonce) = $crate::backend::tag_nonces::nonce_of(other.as_ref()) {
                            nonces.add(tag, nonce);
                        }
                    }
                    // A nonce that another process has created meanwhile is lost: what it stores is a miss.
                    Err(error) if error.kind() == ErrorKind::Unsupported => {
                        backend.set(TAGS, key, fresh.bytes(), Some(life))$($await)*?;
                        nonces.add(tag, fresh);
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(nonces)
        }

        /// Looks up an entry, then the nonces; see `get_or_lease_tagged`.
        $($fn)* $look<B: $Backend + ?Sized>(
            backend: &B,
            (namespace, key): (&str, &[u8]),
            options: LookupOptions,
            tags: &[TagKey],
            life: Duration,
        ) -> Result<TaggedLookup, BackendError> {
            let lookup = backend.get_or_lease(namespace, key, options)$($await)*?;
            let tags = $crate::backend::tag_nonces::tags_to_read(tags, lookup.found.as_ref());
            let nonces = backend.tag_nonces(&tags, Some(life))$($await)*?;
            Ok(TaggedLookup::new(lookup, nonces))
        }

        /// Removes nonces as entries; see `invalidate_tags`.
        $($fn)* $invalidate<B: $Backend + ?Sized>(backend: &B, tags: &[TagKey]) -> Result<(), BackendError> {
            for tag in tags {
                backend.delete(TAGS, &tag.bytes())$($await)*?;
            }
            Ok(())
        }
    };
}

pub(super) use nonces_by_entries;
