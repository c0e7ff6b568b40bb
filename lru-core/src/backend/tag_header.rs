//! The header of a stored result with tags: before its [envelope](super::envelope), the tags and the nonces that held when
//! its computation began.
//!
//! | at | bytes | content |
//! |--:|--:|---|
//! | 0 | 1 | `0xF8`, the tag of this header |
//! | 1 | 1 | 1, the version of this layout |
//! | 2 | 2 | the number of tags |
//! | 4 | 4 | a CRC-32 of all other bytes of the header, of the checksum of the envelope, and of the namespace and key that they belong to |
//! | 8 | 24 each | a tag, 8 bytes, and its nonce, 16 bytes |
//!
//! Numbers are little-endian, but for tags, which are as they are in keys. `docs/format.md` specifies it for other programs.

#[cfg(feature = "backend")]
use std::vec::Vec;

use crate::backend::tag_key::TagKey;
#[cfg(feature = "backend")]
use crate::tags::nonce::TagNonce;
#[cfg(feature = "backend")]
use crate::tags::outside::Noted;

const TAG: u8 = 0xF8;
const VERSION: u8 = 1;
/// The length of what precedes the tags.
const LENGTH: usize = 8;
/// The length of a tag and its nonce.
const ITEM: usize = 24;
/// Where the checksum is in an envelope.
#[cfg(feature = "backend")]
const CHECKSUM: core::ops::Range<usize> = 4..8;

/// The most tags that a result in a backend has. A result with more is kept in the process only.
#[cfg(feature = "backend")]
pub(crate) const MOST: usize = 64;

/// Returns the tags with their nonces, and the envelope; `None` if there is no header.
fn split(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let (start, rest) = value.split_first_chunk::<LENGTH>()?;
    let [TAG, VERSION, low, high, ..] = *start else { return None };
    let length = usize::from(u16::from_le_bytes([low, high])) * ITEM;
    (length <= rest.len()).then(|| rest.split_at(length))
}

/// Returns the tags that the header of a stored value notes; none if it has no header.
///
/// For backends that read their nonces together with the value. Whether the header is damaged is checked later.
pub fn tags_in(value: &[u8]) -> impl Iterator<Item = TagKey> + '_ {
    let noted = split(value).map(|(noted, _)| noted).unwrap_or_default();
    noted.chunks_exact(ITEM).filter_map(|item| Some(TagKey::of(*item.first_chunk()?)))
}

#[cfg(feature = "backend")]
fn checksum((namespace, key): (&str, &[u8]), header: &[u8], envelope: &[u8]) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&(namespace.len() as u64).to_le_bytes());
    checksum.update(namespace.as_bytes());
    checksum.update(&(key.len() as u64).to_le_bytes());
    checksum.update(key);
    checksum.update(header.get(..4).unwrap_or_default());
    checksum.update(header.get(LENGTH..).unwrap_or_default());
    checksum.update(envelope.get(CHECKSUM).unwrap_or_default());
    checksum.finalize()
}

/// Puts a header before an envelope; `None` if there are too many tags.
#[cfg(feature = "backend")]
pub(crate) fn with_header(noted: &[Noted], envelope: &[u8], place: (&str, &[u8])) -> Option<Vec<u8>> {
    let count = u16::try_from(noted.len()).ok().filter(|_| noted.len() <= MOST)?;
    let mut bytes = Vec::with_capacity(LENGTH + noted.len() * ITEM + envelope.len());
    bytes.extend([TAG, VERSION]);
    bytes.extend(count.to_le_bytes());
    bytes.extend([0; 4]);
    for Noted { tag, nonce } in noted {
        bytes.extend(TagKey::from(*tag).bytes());
        bytes.extend(nonce.bytes());
    }
    let checksum = checksum(place, &bytes, envelope);
    bytes[4..LENGTH].copy_from_slice(&checksum.to_le_bytes());
    bytes.extend(envelope);
    Some(bytes)
}

/// Takes the header from a value: returns the tags, and the envelope. `None` if there is no header, or it is damaged.
#[cfg(feature = "backend")]
pub(crate) fn without_header<'v>(value: &'v [u8], place: (&str, &[u8])) -> Option<(Vec<Noted>, &'v [u8])> {
    let (items, envelope) = split(value)?;
    let (header, _) = value.split_at(LENGTH + items.len());
    if header.get(4..LENGTH)? != checksum(place, header, envelope).to_le_bytes() {
        return None;
    }
    let noted = items.chunks_exact(ITEM).map(|item| {
        let (tag, nonce) = item.split_first_chunk()?;
        Some(Noted { tag: TagKey::of(*tag).id(), nonce: TagNonce::of(nonce)? })
    });
    Some((noted.collect::<Option<_>>()?, envelope))
}

#[cfg(all(test, feature = "backend"))]
mod tests;
