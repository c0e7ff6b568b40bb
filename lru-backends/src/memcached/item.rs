//! Items in Memcached: their keys, and how an entry is packed into the value.
//!
//! Keys in Memcached are short and contain no spaces, so an entry is stored under a hash of its namespace and its key.
//! The client's [`KeyPrefix`] precedes the hash. The item contains namespace and key, and a lookup compares them: of two keys with the same hash, one overwrites the other but is
//! never mistaken for it. The item also contains the generation of its namespace. Clearing a namespace changes its
//! generation, which invalidates all older items.
//!
//! The item contains its deadline by the clock of the writer, in milliseconds. The server counts whole seconds, by its
//! own clock. Where the two disagree by more than the rounding, the clocks of the writer and the reader differ, and the
//! time of the server counts.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use crate::key_prefix::KeyPrefix;
use crate::milliseconds::{since_1970, whole_milliseconds};

/// From this number of seconds on, the server takes a time to live for a date.
const MONTH: u64 = 60 * 60 * 24 * 30;

/// By how many milliseconds the times of an entry differ from those of the server at most, beyond whole seconds.
const LATE_TICK: i128 = 50;

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
pub(super) fn generation_key(key_prefix: &KeyPrefix, namespace: &str) -> String {
    format!("{key_prefix}lru:g:{:032x}", fnv(&[namespace.as_bytes()]))
}

/// Returns the key of an entry.
pub(super) fn entry_key(key_prefix: &KeyPrefix, namespace: &str, key: &[u8]) -> String {
    let hash = fnv(&[&length(namespace.len()), namespace.as_bytes(), key]);
    format!("{key_prefix}lru:e:{hash:032x}")
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
    let expires = ttl.map_or(0, |ttl| since_1970(now).saturating_add(whole_milliseconds(ttl)));
    let mut item = Vec::with_capacity(44 + namespace.len() + key.len() + value.len());
    item.extend(TAG);
    item.extend(generation);
    item.extend(expires.to_le_bytes());
    item.extend(ttl.map_or(0, rounding).to_le_bytes());
    for part in [namespace.as_bytes(), key] {
        item.extend(length(part.len()));
        item.extend(part);
    }
    item.extend(value);
    item
}

/// Returns the value in an item and its remaining time to live, if the item belongs to this key and generation.
///
/// `seconds` is the remaining time to live by the server, if it has one.
pub(super) fn unpacked(
    item: &[u8],
    generation: Generation,
    namespace: &str,
    key: &[u8],
    seconds: Option<u64>,
    now: SystemTime,
) -> Option<(Vec<u8>, Option<Duration>)> {
    let (expires, rest) = item.strip_prefix(&TAG)?.strip_prefix(&generation)?.split_first_chunk()?;
    let (rounding, mut rest) = rest.split_first_chunk()?;
    for part in [namespace.as_bytes(), key] {
        rest = rest.strip_prefix(&length(part.len()))?.strip_prefix(part)?;
    }
    let left = match u64::from_le_bytes(*expires) {
        0 => None,
        expires => {
            let left = i128::from(expires) - i128::from(since_1970(now));
            let left = agreed(left, seconds, u16::from_le_bytes(*rounding));
            Some(Duration::from_millis(u64::try_from(left).ok().filter(|left| *left > 0)?))
        }
    };
    Some((rest.to_vec(), left))
}

/// Returns the remaining time to live, in milliseconds: `left` by the clocks of the writer and the reader, `seconds` by the
/// server, which was told the time to live plus `rounding` plus one second.
///
/// The server reduces its number once a second, so at the store and at the lookup it may be up to a second behind. Without
/// the rounding the true time is thus less than `seconds`, and more than `seconds - 2`. If `left` is not between
/// these, the middle counts, and the entry is served as long as it can be at most a second late.
fn agreed(left: i128, seconds: Option<u64>, rounding: u16) -> i128 {
    let Some(seconds) = seconds else { return left };
    let most = i128::from(seconds) * 1000 - i128::from(rounding);
    if (most - 2000 - LATE_TICK..=most + LATE_TICK).contains(&left) {
        return left;
    }
    if most < 1000 { 0 } else { (most - 1000).max(1) }
}

/// Returns how much the time to live grows when it is rounded up to seconds, in milliseconds.
fn rounding(ttl: Duration) -> u16 {
    u16::try_from((1000 - whole_milliseconds(ttl) % 1000) % 1000).unwrap_or(0)
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
    i32::try_from(since_1970(now).div_ceil(1000).saturating_add(seconds)).unwrap_or(0)
}

/// Returns the time to live of a lease for the server: at least as long as `lease`.
pub(super) fn lease_seconds(lease: Duration) -> i32 {
    let seconds = whole_milliseconds(lease).div_ceil(1000).saturating_add(1);
    i32::try_from(seconds.min(MONTH - 1)).unwrap_or(0)
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
        let open =
            |generation, namespace, key, now| unpacked(&item, generation, namespace, key, Some(2), now);
        let left = Some(Duration::from_millis(5));
        assert_eq!(open(generation, "ab", b"c", now), Some((b"value".to_vec(), left)));
        assert_eq!(open(generation, "a", b"bc", now), None);
        assert_eq!(open(generation, "ab", b"", now), None);
        assert_eq!(open(new_generation(), "ab", b"c", now), None);
        assert_eq!(open(generation, "ab", b"c", now + Duration::from_millis(5)), None);
        for length in 0..item.len() - 5 {
            assert_eq!(unpacked(&item[..length], generation, "ab", b"c", Some(2), now), None);
        }
        let none = KeyPrefix::default();
        assert_ne!(entry_key(&none, "ab", b"c"), entry_key(&none, "a", b"bc"));
        assert_ne!(new_generation(), generation);
    }

    /// The test vectors of `docs/format.md`.
    #[test]
    fn items_are_as_they_are_specified() {
        let (none, app) = (KeyPrefix::default(), KeyPrefix::new("app:".to_owned()));
        let (namespace, key) = ("shop.price", b"[7]");
        assert_eq!(generation_key(&none, namespace), "lru:g:3bbab97a4513da6cf071489efcc9a092");
        assert_eq!(entry_key(&none, namespace, key), "lru:e:a7146b62d804b2d47dc7a24281a2c355");
        assert_eq!(entry_key(&app, namespace, key), "app:lru:e:a7146b62d804b2d47dc7a24281a2c355");

        let mut generation = Generation::default();
        generation.iter_mut().zip(0..).for_each(|(byte, n)| *byte = n);
        let value = [&b"\xF7\x03\x02\0\x84\xBD\x9D\x96"[..], &[0; 16], b"19.5"].concat();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let ttl = Some(Duration::from_millis(1500));
        let mut item = [&b"\xF7\x4D"[..], &generation, b"\xDC\x15\xA5\xD4\xE8\0\0\0\xF4\x01"].concat();
        item.extend(b"\x0A\0\0\0\0\0\0\0shop.price\x03\0\0\0\0\0\0\0[7]");
        item.extend(&value);
        assert_eq!(packed(generation, namespace, key, &value, ttl, now), item);
        assert_eq!(server_ttl(ttl, now), 3);
        assert_eq!(unpacked(&item, generation, namespace, key, Some(3), now), Some((value, ttl)));
    }

    /// Returns the remaining time to live that a reader sees whose clock is ahead by `skew` milliseconds, so many
    /// milliseconds after the item was stored, so many milliseconds after a tick of the server's clock.
    fn seen(ttl: u64, skew: i64, after: u64, tick: u64) -> Option<Duration> {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let (generation, ttl) = (new_generation(), Duration::from_millis(ttl));
        let item = packed(generation, "a", b"b", b"value", Some(ttl), start);
        let told = u64::try_from(server_ttl(Some(ttl), start)).unwrap();
        let seconds = told.checked_sub((tick + after) / 1000).filter(|seconds| *seconds > 0)?;
        let now = start + Duration::from_millis(after);
        let skewed = Duration::from_millis(skew.unsigned_abs());
        let now = if skew < 0 { now - skewed } else { now + skewed };
        unpacked(&item, generation, "a", b"b", Some(seconds), now)?.1
    }

    #[test]
    fn clocks_that_agree_tell_the_time_in_milliseconds() {
        for ttl in [1_u64, 20, 999, 1000, 1001, 2500, 60_000] {
            for tick in [0, 1, 499, 998, 999] {
                for after in (0..=ttl + 100).step_by(usize::try_from(ttl / 20).unwrap().max(1)) {
                    let left = ttl.checked_sub(after).filter(|left| *left > 0).map(Duration::from_millis);
                    assert_eq!(seen(ttl, 0, after, tick), left, "{ttl} {tick} {after}");
                }
            }
        }
    }

    #[test]
    fn clocks_that_differ_neither_hide_an_entry_nor_keep_it() {
        for ttl in [1000, 1500, 2000, 10_000, 60_000] {
            for skew in [-86_400_000, -60_000, -2500, -1500, 1100, 1500, 2500, 60_000, 86_400_000] {
                for tick in [0, 500, 999] {
                    assert!(seen(ttl, skew, 0, tick).is_some(), "{ttl} {skew} {tick}: never a hit");
                    for after in (0..ttl + 5000).step_by(100) {
                        let Some(left) = seen(ttl, skew, after, tick) else { continue };
                        let end = Duration::from_millis(after) + left;
                        let late = end.saturating_sub(Duration::from_millis(ttl));
                        let most = if skew.abs() < 2000 { 1600 } else { 1001 };
                        assert!(
                            late <= Duration::from_millis(most),
                            "{ttl} {skew} {tick} {after}: {late:?} late"
                        );
                    }
                }
            }
        }
    }
}
