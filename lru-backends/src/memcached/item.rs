//! Items in Memcached: their keys, and how an entry is packed into the value.
//!
//! Keys in Memcached are short and contain no spaces, so an entry is stored under a hash of its namespace and its key.
//! The item contains both, and a lookup compares them: of two keys with the same hash, one overwrites the other but is
//! never mistaken for it. The item also contains the generation of its namespace. Clearing a namespace changes its
//! generation, which invalidates all older items.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

/// From this number of seconds on, the server takes a time to live for a date.
const MONTH: u64 = 60 * 60 * 24 * 30;

/// The first bytes of every item of this crate.
const TAG: [u8; 2] = [0xF7, 0x4D];

/// The generation of a namespace: random, and changed by each clear.
pub(super) type Generation = [u8; 16];

/// Creates a generation. It is random rather than counted, as the server may lose the last one.
pub(super) fn new_generation() -> Generation {
    let word =
        |at: usize| RandomState::new().hash_one((SystemTime::now(), std::process::id(), at)).to_le_bytes();
    let mut generation = Generation::default();
    generation[..8].copy_from_slice(&word(0));
    generation[8..].copy_from_slice(&word(1));
    generation
}

/// Returns the key of the generation of a namespace.
pub(super) fn generation_key(namespace: &str) -> String {
    format!("lru:g:{:032x}", fnv(&[namespace.as_bytes()]))
}

/// Returns the key of an entry.
pub(super) fn entry_key(namespace: &str, key: &[u8]) -> String {
    format!("lru:e:{:032x}", fnv(&[&length(namespace.len()), namespace.as_bytes(), key]))
}

/// FNV-1a with 128 bits: stable across machines and versions. A collision causes a miss.
fn fnv(parts: &[&[u8]]) -> u128 {
    let step = |hash: u128, byte: &u8| (hash ^ u128::from(*byte)).wrapping_mul((1 << 88) + 0x13B);
    parts.iter().copied().flatten().fold(0x6C62_272E_07BB_0142_62B8_2175_6295_C58D, step)
}

fn length(length: usize) -> [u8; 8] {
    (length as u64).to_le_bytes()
}

/// Packs an entry into the bytes of an item.
pub(super) fn packed(
    generation: Generation,
    namespace: &str,
    key: &[u8],
    value: &[u8],
    ttl: Option<Duration>,
    now: SystemTime,
) -> Vec<u8> {
    let expires = ttl.map_or(0, |ttl| milliseconds(now).saturating_add(whole_milliseconds(ttl)));
    let mut item = Vec::with_capacity(42 + namespace.len() + key.len() + value.len());
    item.extend(TAG);
    item.extend(generation);
    item.extend(expires.to_le_bytes());
    for part in [namespace.as_bytes(), key] {
        item.extend(length(part.len()));
        item.extend(part);
    }
    item.extend(value);
    item
}

/// Returns the value in an item and its remaining time to live, if the item belongs to this key and generation.
pub(super) fn unpacked(
    item: &[u8],
    generation: Generation,
    namespace: &str,
    key: &[u8],
    now: SystemTime,
) -> Option<(Vec<u8>, Option<Duration>)> {
    let (expires, mut rest) = item.strip_prefix(&TAG)?.strip_prefix(&generation)?.split_first_chunk()?;
    for part in [namespace.as_bytes(), key] {
        rest = rest.strip_prefix(&length(part.len()))?.strip_prefix(part)?;
    }
    let left = match u64::from_le_bytes(*expires) {
        0 => None,
        expires => {
            let left = expires.checked_sub(milliseconds(now)).filter(|left| *left > 0)?;
            Some(Duration::from_millis(left))
        }
    };
    Some((rest.to_vec(), left))
}

/// Returns the time to live for the server: whole seconds, rounded up, plus one, because the server's clock
/// ticks once a second.
///
/// A month or more becomes a date; a date beyond the range of the protocol becomes zero, no expiry. The item itself
/// contains its deadline in milliseconds.
pub(super) fn server_ttl(ttl: Option<Duration>, now: SystemTime) -> i32 {
    let Some(ttl) = ttl else { return 0 };
    let seconds = whole_milliseconds(ttl).div_ceil(1000).saturating_add(1);
    if seconds < MONTH {
        return i32::try_from(seconds).unwrap_or(0);
    }
    i32::try_from(milliseconds(now).div_ceil(1000).saturating_add(seconds)).unwrap_or(0)
}

/// Returns the time in milliseconds since 1970.
fn milliseconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, whole_milliseconds)
}

/// Returns the duration rounded up: a time to live of less than a millisecond must not become zero, which
/// means no expiry.
fn whole_milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_books() {
        assert_eq!(fnv(&[b""]), 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D);
        assert_eq!(fnv(&[b"foobar"]), 0x343E_1662_793C_64BF_6F0D_3597_BA44_6F18);
    }

    #[test]
    fn times_are_rounded_up() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let of = |ttl| server_ttl(Some(ttl), now);
        assert_eq!(server_ttl(None, now), 0);
        assert_eq!([Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(999)].map(of), [1, 2, 2]);
        assert_eq!(of(Duration::from_millis(1001)), 3);
        assert_eq!(of(Duration::from_secs(MONTH - 2)), 2_591_999);
        assert_eq!(of(Duration::from_secs(MONTH - 1)), 1_002_592_000);
        assert_eq!(of(Duration::MAX), 0, "there is no such date");
    }

    #[test]
    fn an_item_answers_for_its_own_key_only() {
        let (now, generation) = (SystemTime::UNIX_EPOCH + Duration::from_secs(1), new_generation());
        let item = packed(generation, "ab", b"c", b"value", Some(Duration::from_millis(5)), now);
        let open = |generation, namespace, key, now| unpacked(&item, generation, namespace, key, now);
        let left = Some(Duration::from_millis(5));
        assert_eq!(open(generation, "ab", b"c", now), Some((b"value".to_vec(), left)));
        assert_eq!(open(generation, "a", b"bc", now), None);
        assert_eq!(open(generation, "ab", b"", now), None);
        assert_eq!(open(new_generation(), "ab", b"c", now), None);
        assert_eq!(open(generation, "ab", b"c", now + Duration::from_millis(5)), None);
        for length in 0..item.len() - 5 {
            assert_eq!(unpacked(&item[..length], generation, "ab", b"c", now), None);
        }
        assert_ne!(entry_key("ab", b"c"), entry_key("a", b"bc"));
        assert_ne!(new_generation(), generation);
    }
}
