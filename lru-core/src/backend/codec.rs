//! Serialization of keys and results.
//!
//! A result is stored in an envelope: a tag of two bytes (this library, and the format), and the deadline by the wall
//! clock, so that expiry does not depend on the backend. Bytes without a valid envelope count as a miss.

use core::time::Duration;

use crate::time::SystemTime;
use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The first byte of every envelope.
const TAG: u8 = 0xF7;

/// The serialization format of arguments and results.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Format {
    /// Compact binary: postcard.
    Compact,
    /// JSON, readable for people and other programs.
    #[cfg(feature = "json")]
    Json,
}

impl Format {
    fn tag(self) -> [u8; 2] {
        match self {
            Self::Compact => [TAG, 1],
            #[cfg(feature = "json")]
            Self::Json => [TAG, 2],
        }
    }

    /// Appends a value to `bytes`; `None` if it cannot be serialized.
    fn append<T: Serialize + ?Sized>(self, bytes: Vec<u8>, value: &T) -> Option<Vec<u8>> {
        match self {
            Self::Compact => postcard::to_extend(value, bytes).ok(),
            #[cfg(feature = "json")]
            Self::Json => {
                let mut bytes = bytes;
                super::json::is_unambiguous(value).then_some(())?;
                serde_json::to_writer(&mut bytes, value).ok()?;
                Some(bytes)
            }
        }
    }

    /// Reads a value that takes up all of `bytes`.
    fn read<T: DeserializeOwned>(self, bytes: &[u8]) -> Option<T> {
        match self {
            Self::Compact => {
                let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
                rest.is_empty().then_some(value)
            }
            #[cfg(feature = "json")]
            Self::Json => serde_json::from_slice(bytes).ok(),
        }
    }
}

/// Serializes a value; `None` if it cannot be serialized.
pub(crate) fn encoded<T: Serialize + ?Sized>(value: &T, format: Format) -> Option<Vec<u8>> {
    format.append(Vec::new(), value)
}

/// Puts a value in an envelope that expires `ttl` after `now`.
pub(crate) fn sealed<T: Serialize>(
    value: &T,
    format: Format,
    ttl: Option<Duration>,
    now: SystemTime,
) -> Option<Vec<u8>> {
    let expires = ttl.and_then(|ttl| milliseconds(now)?.checked_add(whole_milliseconds(ttl)?));
    let mut bytes = Vec::from(format.tag());
    // Zero means no expiry.
    bytes.extend(expires.unwrap_or(0).to_le_bytes());
    format.append(bytes, value)
}

/// Takes the value out of an envelope, and its remaining time to live; `None` if it has expired.
pub(crate) fn opened<T: DeserializeOwned>(
    bytes: &[u8],
    format: Format,
    now: SystemTime,
) -> Option<(T, Option<Duration>)> {
    let (expires, value) = bytes.strip_prefix(&format.tag())?.split_first_chunk()?;
    let expires = u64::from_le_bytes(*expires);
    let left = if expires == 0 {
        None
    } else {
        let left = expires.checked_sub(milliseconds(now)?).filter(|left| *left > 0)?;
        Some(Duration::from_millis(left))
    };
    Some((format.read(value)?, left))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_sealed_is_good_until_its_time() {
        let bytes = sealed(&"text", Format::Compact, Some(Duration::from_secs(5)), at(100)).unwrap();
        let open = |now| opened::<String>(&bytes, Format::Compact, now);
        assert_eq!(open(at(100)), Some(("text".to_string(), Some(Duration::from_secs(5)))));
        assert_eq!(open(at(104)), Some(("text".to_string(), Some(Duration::from_secs(1)))));
        assert_eq!(open(at(105)), None);
    }

    #[test]
    fn what_has_no_time_is_good_for_ever() {
        let bytes = sealed(&7_u32, Format::Compact, None, at(100)).unwrap();
        assert_eq!(opened::<u32>(&bytes, Format::Compact, at(1 << 33)), Some((7, None)));
    }

    #[test]
    fn less_than_a_millisecond_is_one() {
        let bytes = sealed(&7_u32, Format::Compact, Some(Duration::from_nanos(1)), at(100)).unwrap();
        assert_eq!(
            opened::<u32>(&bytes, Format::Compact, at(100)),
            Some((7, Some(Duration::from_millis(1))))
        );
    }

    #[test]
    fn anything_else_is_nothing() {
        let bytes = sealed(&("text", 300_u32), Format::Compact, None, at(100)).unwrap();
        let open = |bytes: &[u8]| opened::<(String, u32)>(bytes, Format::Compact, at(100));
        for length in 0..bytes.len() {
            assert_eq!(open(&bytes[..length]), None, "{length} bytes of it");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        for foreign in [&longer[..], b"text", b"", b"\xF7\x02........text", &[0xFF; 64]] {
            assert_eq!(open(foreign), None);
        }
    }

    #[cfg(feature = "json")]
    #[test]
    fn what_is_in_one_format_is_nothing_in_another() {
        let bytes = sealed(&7_u32, Format::Json, None, at(100)).unwrap();
        assert!(bytes.ends_with(b"7"));
        assert_eq!(opened::<u32>(&bytes, Format::Json, at(100)), Some((7, None)));
        assert_eq!(opened::<u32>(&bytes, Format::Compact, at(100)), None);
        assert_eq!(encoded(&("a", 1), Format::Json).unwrap(), b"[\"a\",1]");
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_gives_back_what_it_was_given_or_nothing() {
        let back = |x: f64| {
            let bytes = sealed(&x, Format::Json, None, at(100))?;
            opened::<f64>(&bytes, Format::Json, at(100)).map(|(x, _)| x.to_bits())
        };
        for n in 0..10_000_u64 {
            let x = f64::from_bits(n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            assert_eq!(back(x), x.is_finite().then_some(x.to_bits()));
        }
        assert_eq!(back(-0.0), Some((-0.0_f64).to_bits()));
        assert!(sealed(&Some(None::<u8>), Format::Json, None, at(100)).is_none());
        assert_ne!(encoded(&None::<u8>, Format::Json), encoded(&Some(None::<u8>), Format::Json));
    }
}
