//! Compression of values, by the `lz4_flex` crate.
//!
//! A value is stored after a byte that says whether it is compressed. A compressed one is a block of LZ4, after its
//! length in four bytes, little-endian.

use std::time::Duration;

use lru_core::backend::{
    AsyncBackend, Backend, BackendError, CircuitState, InvalidationSink, Item, Lease, LeasedItem, Lookup,
    LookupOptions, Stored,
};
use lz4_flex::block;

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
use crate::encoded_values::with_encoded_values;

/// The first byte of a value that is stored as it is, and of a compressed one. No valid UTF-8 begins like this.
const PLAIN: u8 = 0xF8;
const LZ4: u8 = 0xF9;

/// The size from which on values are compressed by default.
const MIN_SIZE: usize = 1 << 10;

/// The size up to which values are decompressed by default.
const MAX_SIZE: usize = 64 << 20;

/// At most so many bytes are decompressed from one.
const MAX_RATIO: usize = 255;

/// A backend whose larger values are compressed (LZ4).
///
/// * Values of 1 KiB or more are compressed, if that makes them smaller; [`min_size`](Self::min_size) sets the size.
/// * All processes that share entries must use it, with any settings. An entry that was stored without it is a miss.
/// * No more than 64 MiB are allocated for a compressed value, or [`max_size`](Self::max_size), whatever it claims to
///   contain. A larger value is not compressed. A damaged value is a miss.
/// * To encrypt values as well, encrypt what is compressed, as encrypted values cannot be compressed:
///   `Compressed::new(Encrypted::new(…))`. Around the far backend of a [`Layered`](crate::Layered), it costs less than around the layers.
/// * Leases are those of the backend.
///
/// # Examples
///
/// ```
/// use lru_backends::{Compressed, memory};
/// use lru_core::backend::{Backend, BackendError};
///
/// let store = memory(1 << 20);
/// let compressed = Compressed::new(&store).min_size(256);
///
/// let report = "no change. ".repeat(100);
/// compressed.set("reports", b"2026", report.as_bytes(), None)?;
/// assert_eq!(compressed.get("reports", b"2026")?.map(|found| found.value), Some(report.into()));
/// assert!(store.get("reports", b"2026")?.is_some_and(|found| found.value.len() < 50));
/// # Ok::<(), BackendError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Compressed<B> {
    backend: B,
    min_size: usize,
    max_size: usize,
}

impl<B> Compressed<B> {
    /// Compresses the values of a backend.
    pub fn new(backend: B) -> Self {
        Self { backend, min_size: MIN_SIZE, max_size: MAX_SIZE }
    }

    /// Sets the size in bytes from which on values are compressed: 1 KiB by default.
    #[must_use]
    pub fn min_size(mut self, bytes: usize) -> Self {
        self.min_size = bytes;
        self
    }

    /// Sets the size in bytes up to which values are compressed and decompressed: 64 MiB by default.
    #[must_use]
    pub fn max_size(mut self, bytes: usize) -> Self {
        self.max_size = bytes;
        self
    }

    #[expect(clippy::unnecessary_wraps, reason = "other encodings can fail")]
    fn encode(&self, _: &str, _: &[u8], value: &[u8]) -> Result<Vec<u8>, BackendError> {
        if (self.min_size..=self.max_size).contains(&value.len()) {
            if let Some(compressed) = compressed(value) {
                return Ok(compressed);
            }
        }
        Ok([&[PLAIN], value].concat())
    }

    fn decode(&self, _: &str, _: &[u8], stored: &[u8]) -> Option<Vec<u8>> {
        match stored.split_first()? {
            (&PLAIN, value) => Some(value.to_vec()),
            (&LZ4, rest) => self.decompressed(rest),
            _ => None,
        }
    }

    /// Decompresses a value, unless its length is beyond the limit or more than these bytes can contain.
    fn decompressed(&self, stored: &[u8]) -> Option<Vec<u8>> {
        let (length, block) = stored.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        if length > self.max_size.min(block.len().saturating_mul(MAX_RATIO)) {
            return None;
        }
        let mut value = vec![0; length];
        let written = block::decompress_into(block, &mut value).ok()?;
        (written == length).then_some(value)
    }
}

/// Compresses a value; `None` if that does not make it smaller.
fn compressed(value: &[u8]) -> Option<Vec<u8>> {
    let header = 1 + size_of::<u32>();
    let length = u32::try_from(value.len()).ok()?;
    let mut stored = vec![0; header + block::get_maximum_output_size(value.len())];
    let written = block::compress_into(value, &mut stored[header..]).ok()?;
    stored.truncate(header + written);
    stored.shrink_to_fit();
    stored[0] = LZ4;
    stored[1..header].copy_from_slice(&length.to_le_bytes());
    (stored.len() <= value.len()).then_some(stored)
}

with_encoded_values! { Compressed }

#[cfg(test)]
mod tests;
