//! A canonical and self-describing encoding of serde's data model: the bytes of keys, and digests of results.
//!
//! Each value begins with a [tag](output::tag) of its type. Structs, variants and fields are written with their names, and what has
//! parts ends with an end mark. So no two values that serde describes differently have the same encoding, whatever
//! `skip_serializing_if`, `untagged`, `tag` and `flatten` leave out. A key is only compared, so nothing here
//! decodes. `docs/format.md` specifies the encoding.
//!
//! Invariant: the encoding of a key does not depend on the process, the machine or the compiler.

pub(super) mod output;
mod serializer;

use std::vec::Vec;

use serde::Serialize;

use self::output::{Digest, Refused};
use self::serializer::Encoder;

/// The room for a key from the start. Most take less.
const FEW_BYTES: usize = 64;

/// Returns the encoding of a key.
///
/// # Errors
///
/// If the value refuses to be serialized.
pub(super) fn encoded<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::with_capacity(FEW_BYTES);
    value.serialize(Encoder(&mut bytes))?;
    Ok(bytes)
}

/// Returns a digest of what a value serializes, for comparison within this process.
///
/// The order of elements makes no difference, because a hash map has another one after it was decoded.
///
/// # Errors
///
/// If the value refuses to be serialized.
pub(super) fn digest<T: Serialize + ?Sized>(value: &T, is_human_readable: bool) -> Result<u64, Refused> {
    let mut digest = Digest::new(is_human_readable);
    value.serialize(Encoder(&mut digest))?;
    Ok(digest.finish())
}

#[cfg(test)]
mod tests;
