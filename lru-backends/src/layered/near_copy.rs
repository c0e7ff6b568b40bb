//! A copy of an entry, as the near backend holds it.
//!
//! It is stored as a byte for this format, the remaining time to live of the entry when the copy expires, in
//! milliseconds, the permission to replace the entry in the far backend, and the value.

use std::time::{Duration, Instant};

use lru_core::backend::{Lease, Permission, Stored};

/// The first byte of a copy.
const FORMAT: u8 = 0xFB;

/// The values that functions store for other processes in place of results begin like this. They live for moments, so a
/// copy would only delay what comes next.
const NO_RESULT: &[u8] = b"\xF7\0";

/// The permissions, as they are stored.
const UNCONDITIONAL: u8 = 0;
const LEASED: u8 = 1;
const DENIED: u8 = 2;

/// The time that stands for an entry that does not expire.
const FOR_EVER: u64 = u64::MAX;

/// How long copies are found at most, counted from when the far backend was asked.
#[derive(Clone, Copy)]
pub(super) struct Life {
    pub(super) asked: Instant,
    pub(super) near_ttl: Duration,
}

/// Returns a copy for the near backend, and its time to live there; `None` if it is not to be stored.
pub(super) fn written(
    far: &Permission,
    value: &[u8],
    ttl: Option<Duration>,
    life: Life,
) -> Option<(Vec<u8>, Option<Duration>)> {
    if value.starts_with(NO_RESULT) {
        return None;
    }
    let since = life.asked.elapsed();
    let ttl = match ttl {
        Some(ttl) => Some(ttl.checked_sub(since)?),
        None => None,
    };
    let longest = Some(life.near_ttl).filter(|longest| *longest < Duration::MAX);
    let near_ttl = match (ttl, longest) {
        (Some(ttl), Some(longest)) => Some(ttl.min(longest.checked_sub(since)?)),
        (Some(ttl), None) => Some(ttl),
        (None, Some(longest)) => Some(longest.checked_sub(since)?),
        (None, None) => None,
    };
    if near_ttl.is_some_and(|ttl| ttl.is_zero()) {
        return None;
    }
    let beyond = ttl.map_or(FOR_EVER, |ttl| {
        let beyond = ttl.saturating_sub(near_ttl.unwrap_or_default());
        u64::try_from(beyond.as_millis()).unwrap_or(FOR_EVER)
    });
    let (permission, token): (_, &[u8]) = match far {
        Permission::Unconditional => (UNCONDITIONAL, &[]),
        Permission::Leased(lease) => (LEASED, lease.token()),
        _ => (DENIED, &[]),
    };
    let length = u32::try_from(token.len()).ok()?.to_le_bytes();
    let bytes = [&[FORMAT], &beyond.to_le_bytes()[..], &[permission], &length, token, value].concat();
    Some((bytes, near_ttl))
}

/// Reads a copy: the permission to replace the entry in the far backend, and the entry with its remaining time
/// to live.
pub(super) fn read(copy: &Stored) -> Option<(Permission, Stored)> {
    let (beyond, rest) = copy.value.strip_prefix(&[FORMAT])?.split_first_chunk()?;
    let (&permission, rest) = rest.split_first()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (token, value) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let permission = match permission {
        UNCONDITIONAL => Permission::Unconditional,
        LEASED => Permission::Leased(Lease::new(token)),
        DENIED => Permission::Denied,
        _ => return None,
    };
    let beyond = u64::from_le_bytes(*beyond);
    let left = copy.ttl.filter(|_| beyond != FOR_EVER);
    let ttl = left.map(|left| left.saturating_add(Duration::from_millis(beyond)));
    Some((permission, Stored::new(value).ttl(ttl)))
}
