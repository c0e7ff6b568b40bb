//! The envelope of a stored result: a header of 24 bytes before the serialized value.
//!
//! | at | bytes | content |
//! |--:|--:|---|
//! | 0 | 1 | `0xF7`, the tag of this library |
//! | 1 | 1 | 3, the version of this layout |
//! | 2 | 1 | the format of the value |
//! | 3 | 1 | flags: 1 if there is a stale window, else 0 |
//! | 4 | 4 | a CRC-32 of all other bytes, and of the namespace and key that they belong to |
//! | 8 | 8 | the fingerprint of the result's shape; 0 if it is not stated |
//! | 16 | 8 | the deadline, in milliseconds since 1970; 0 for none |
//! | 24 | 8 | with flag 1 only: the stale window, which ends at the deadline, in milliseconds |
//!
//! Numbers are little-endian. `docs/format.md` specifies the envelope for other programs.
//!
//! Until its stale window begins, a result is fresh; in the window it may be served stale. A length of time and not a second
//! deadline: so where the backend tells the remaining time to live, no clock is read.
//!
//! A later version may add fields after the header, and say so by a flag. An envelope with a flag or version that this version does not know is a miss, and no error: in
//! a rolling deploy both write into one backend.

use core::time::Duration;
use std::vec::Vec;

use crate::time::SystemTime;

const TAG: u8 = 0xF7;
const VERSION: u8 = 3;
/// The flag of an envelope with a stale window.
const STALE_WINDOW: u8 = 1;

/// The namespace and key of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) namespace: &'a str,
    pub(super) key: &'a [u8],
}

/// What the header says of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) format: u8,
    pub(super) fingerprint: u64,
    /// In milliseconds since 1970; zero means no expiry.
    pub(super) deadline: u64,
    /// The length of the stale window before the deadline, in milliseconds; zero if there is none.
    pub(super) window: u64,
}

/// The bytes of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Envelope<'a> {
    /// An envelope of this version.
    Valid(Header, &'a [u8]),
    /// No envelope, or one of another version.
    Foreign,
    /// An envelope of this version that was damaged, or belongs to another key.
    Damaged,
}

impl Header {
    const LENGTH: usize = 24;

    /// The length of what precedes the checksum.
    const PREFIX: usize = 4;

    /// Returns a header with room for the checksum, to which the value is appended.
    pub(super) fn begin(self) -> Vec<u8> {
        let Self { format, fingerprint, deadline, window } = self;
        let mut bytes = Vec::with_capacity(2 * Self::LENGTH);
        let flags = if window == 0 { 0 } else { STALE_WINDOW };
        bytes.extend([TAG, VERSION, format, flags, 0, 0, 0, 0]);
        bytes.extend(fingerprint.to_le_bytes());
        bytes.extend(deadline.to_le_bytes());
        if window != 0 {
            bytes.extend(window.to_le_bytes());
        }
        bytes
    }

    /// Returns the length of the header in bytes.
    pub(super) fn length(self) -> usize {
        Self::LENGTH + if self.window == 0 { 0 } else { 8 }
    }
}

/// Writes the checksum into an envelope.
pub(super) fn seal(mut envelope: Vec<u8>, place: Place<'_>) -> Vec<u8> {
    if let Some((prefix, rest)) = envelope.split_first_chunk_mut::<{ Header::PREFIX }>() {
        if let Some((checksum, rest)) = rest.split_first_chunk_mut() {
            *checksum = place.checksum(prefix, rest).to_le_bytes();
        }
    }
    envelope
}

/// Reads an envelope.
pub(super) fn open<'a>(bytes: &'a [u8], place: Place<'_>) -> Envelope<'a> {
    if !bytes.starts_with(&[TAG, VERSION]) {
        return Envelope::Foreign;
    }
    parse(bytes, place).unwrap_or(Envelope::Damaged)
}

fn parse<'a>(bytes: &'a [u8], place: Place<'_>) -> Option<Envelope<'a>> {
    let (prefix, rest) = bytes.split_first_chunk::<{ Header::PREFIX }>()?;
    let (checksum, rest) = rest.split_first_chunk()?;
    if place.checksum(prefix, rest) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let [_, _, format, flags] = *prefix;
    let (fingerprint, rest) = rest.split_first_chunk()?;
    let (deadline, value) = rest.split_first_chunk()?;
    let (window, value) = match flags {
        0 => (0, value),
        STALE_WINDOW => {
            let (window, value) = value.split_first_chunk()?;
            (u64::from_le_bytes(*window), value)
        }
        _ => return Some(Envelope::Foreign),
    };
    let (fingerprint, deadline) = (u64::from_le_bytes(*fingerprint), u64::from_le_bytes(*deadline));
    Some(Envelope::Valid(Header { format, fingerprint, deadline, window }, value))
}

impl Place<'_> {
    /// Returns the checksum of an envelope. It covers the place, so that an entry that was moved is a miss.
    fn checksum(self, prefix: &[u8], rest: &[u8]) -> u32 {
        let Self { namespace, key } = self;
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&(namespace.len() as u64).to_le_bytes());
        checksum.update(namespace.as_bytes());
        checksum.update(&(key.len() as u64).to_le_bytes());
        checksum.update(key);
        checksum.update(prefix);
        checksum.update(rest);
        checksum.finalize()
    }
}

/// Returns the deadline of a result that is stored now.
pub(super) fn deadline(ttl: Option<Duration>, now: SystemTime) -> u64 {
    let deadline = ttl.and_then(|ttl| milliseconds(now)?.checked_add(whole_milliseconds(ttl)?));
    deadline.unwrap_or(0)
}

/// Returns the length of a stale window.
pub(super) fn window(window: Option<Duration>) -> u64 {
    window.and_then(whole_milliseconds).unwrap_or(0)
}

/// Returns the time to a deadline; `None` if it is over.
pub(super) fn remaining(deadline: u64, now: SystemTime) -> Option<Duration> {
    let left = deadline.checked_sub(milliseconds(now)?)?;
    (left > 0).then(|| Duration::from_millis(left))
}

/// Returns the time in milliseconds since 1970.
fn milliseconds(time: SystemTime) -> Option<u64> {
    whole_milliseconds(time.duration_since(SystemTime::UNIX_EPOCH).ok()?)
}

/// Returns the duration rounded up: a time to live of less than a millisecond must not become zero, which
/// means no expiry.
fn whole_milliseconds(span: Duration) -> Option<u64> {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).ok()
}
