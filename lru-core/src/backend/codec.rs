//! Keys and results as bytes.
//!
//! A result lies in an envelope: two bytes that tell whose it is and in which format, and until when it is
//! good by the wall clock, so that no backend need be trusted with that. Bytes that are anything else are
//! no result.

use core::time::Duration;
use std::time::SystemTime;
use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Whose it is, and in which format.
const TAG: [u8; 2] = [0xF7, 1];

/// As bytes; `None` where it refuses to be.
pub(super) fn encoded<T: Serialize + ?Sized>(value: &T) -> Option<Vec<u8>> {
    postcard::to_allocvec(value).ok()
}

/// In an envelope, good for `ttl` from `now` on.
pub(super) fn sealed<T: Serialize>(value: &T, ttl: Option<Duration>, now: SystemTime) -> Option<Vec<u8>> {
    let expires = ttl.and_then(|ttl| Some(milliseconds(now)?.checked_add(whole_milliseconds(ttl)?)?));
    let mut bytes = Vec::from(TAG);
    // Zero is for ever.
    bytes.extend(expires.unwrap_or(0).to_le_bytes());
    postcard::to_extend(value, bytes).ok()
}

/// What is in an envelope, and how long it is good yet.
pub(super) fn opened<T: DeserializeOwned>(bytes: &[u8], now: SystemTime) -> Option<(T, Option<Duration>)> {
    let (expires, value) = bytes.strip_prefix(&TAG)?.split_first_chunk()?;
    let expires = u64::from_le_bytes(*expires);
    let left = if expires == 0 {
        None
    } else {
        let left = expires.checked_sub(milliseconds(now)?).filter(|left| *left > 0)?;
        Some(Duration::from_millis(left))
    };
    let (value, rest) = postcard::take_from_bytes(value).ok()?;
    rest.is_empty().then_some((value, left))
}

/// Since 1970.
fn milliseconds(time: SystemTime) -> Option<u64> {
    whole_milliseconds(time.duration_since(SystemTime::UNIX_EPOCH).ok()?)
}

/// Rounded up: what is good for a moment is not good for ever.
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
        let bytes = sealed(&"text", Some(Duration::from_secs(5)), at(100)).unwrap();
        let open = |now| opened::<String>(&bytes, now);
        assert_eq!(open(at(100)), Some(("text".to_string(), Some(Duration::from_secs(5)))));
        assert_eq!(open(at(104)), Some(("text".to_string(), Some(Duration::from_secs(1)))));
        assert_eq!(open(at(105)), None);
    }

    #[test]
    fn what_has_no_time_is_good_for_ever() {
        let bytes = sealed(&7_u32, None, at(100)).unwrap();
        assert_eq!(opened::<u32>(&bytes, at(1 << 33)), Some((7, None)));
    }

    #[test]
    fn less_than_a_millisecond_is_one() {
        let bytes = sealed(&7_u32, Some(Duration::from_nanos(1)), at(100)).unwrap();
        assert_eq!(opened::<u32>(&bytes, at(100)), Some((7, Some(Duration::from_millis(1)))));
    }

    #[test]
    fn anything_else_is_nothing() {
        let bytes = sealed(&("text", 300_u32), None, at(100)).unwrap();
        for length in 0..bytes.len() {
            assert_eq!(opened::<(String, u32)>(&bytes[..length], at(100)), None, "{length} bytes of it");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(opened::<(String, u32)>(&longer, at(100)), None);
        for foreign in [&b"text"[..], b"", b"\xF7\x02........text", &[0xFF; 64]] {
            assert_eq!(opened::<String>(foreign, at(100)), None);
        }
    }
}
