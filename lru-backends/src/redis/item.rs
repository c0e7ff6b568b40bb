//! The items under the keys of entries: what begins them, and the leases over them.
//!
//! An item begins with its kind and an id of 16 bytes that is never used twice. The value of an entry follows. Both
//! together are what a lease compares: an item that was replaced never has them again.
//!
//! No envelope of a result begins with a kind: so a release that stores values without one finds nothing here, and
//! this one finds nothing in values without one.

use std::hash::{BuildHasher, RandomState};
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use lru_core::backend::{Lease, Lookup, Permission, Stored};

/// How long the beginning of an item is: its kind and its id.
pub(super) const HEAD: usize = 17;

/// The first byte of a mark that a lookup left, which has no value.
const LEASE: u8 = b'L';

/// The first byte of an entry.
const VALUE: u8 = b'V';

/// The answer of `PTTL` for a missing key.
const MISSING: i64 = -2;

/// The kind and the id of an item.
pub(super) type Head = [u8; HEAD];

/// Returns the beginning of a new mark.
pub(super) fn new_lease() -> Head {
    head(LEASE)
}

/// Returns a new item with this value, and how it begins.
pub(super) fn new_value(value: &[u8]) -> (Head, Vec<u8>) {
    let head = head(VALUE);
    (head, [&head[..], value].concat())
}

/// Returns the beginning of a new item.
///
/// The id is a number of the process, chosen at random, and a count that begins at random. The number of a process
/// that was forked off another is changed by the process id.
fn head(kind: u8) -> Head {
    static PROCESS: LazyLock<u64> = LazyLock::new(random);
    static COUNT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(random()));
    let process = *PROCESS ^ u64::from(process::id()) << 32;
    let mut head = [kind; HEAD];
    head[1..9].copy_from_slice(&process.to_le_bytes());
    head[9..].copy_from_slice(&COUNT.fetch_add(1, Relaxed).to_le_bytes());
    head
}

/// Returns a random number, from the seed of a hash map.
fn random() -> u64 {
    RandomState::new().hash_one(process::id())
}

/// Returns whether the beginning of an item is that of an entry.
pub(super) fn is_value(head: &[u8]) -> bool {
    head.len() >= HEAD && head[0] == VALUE
}

/// Returns whether an item is a mark, of which this is the beginning or all.
fn is_lease(head: &[u8]) -> bool {
    head.len() >= HEAD && head[0] == LEASE
}

/// Returns the lease over the item that begins like this. The number is that of the server's connections.
pub(super) fn lease_over(head: &[u8], number: u64) -> Lease {
    Lease::new(token(head, number))
}

/// Returns the token of the lease over the item that begins like this.
pub(super) fn token(head: &[u8], number: u64) -> Box<[u8]> {
    let mut token = Vec::with_capacity(head.len() + size_of::<u64>());
    token.extend_from_slice(head);
    token.extend_from_slice(&number.to_le_bytes());
    token.into()
}

/// Returns how the item of a lease begins; `None` if the lease was given over connections with another number, or by
/// another backend.
pub(super) fn head_of(lease: &Lease, number: u64) -> Option<&[u8]> {
    let (head, of) = lease.token().split_last_chunk()?;
    (u64::from_le_bytes(*of) == number).then_some(head)
}

/// Returns how the item of a lease begins, over whichever connections it was given.
pub(super) fn any_head_of(lease: &Lease) -> Option<&[u8]> {
    Some(lease.token().split_last_chunk::<8>()?.0)
}

/// Returns the value of an item, and the version of the entry; neither if the item is no entry.
fn split(mut item: Vec<u8>) -> Option<(Head, Vec<u8>)> {
    let head = *item.first_chunk()?;
    if !is_value(&head) {
        return None;
    }
    item.drain(..HEAD);
    Some((head, item))
}

/// Returns the entry and its version, from the replies to `PTTL` and `GET`.
///
/// An entry that was set between the two commands counts as missing: its time to live is unknown.
pub(super) fn found_versioned((ttl, item): (i64, Option<Vec<u8>>)) -> Option<(Stored, Head)> {
    let (head, value) = split(item?)?;
    if ttl == MISSING {
        return None;
    }
    Some((Stored::new(value).ttl(u64::try_from(ttl).ok().map(Duration::from_millis)), head))
}

/// Returns the entry, from the replies to `PTTL` and `GET`.
pub(super) fn found(replies: (i64, Option<Vec<u8>>)) -> Option<Stored> {
    found_versioned(replies).map(|(stored, _)| stored)
}

/// Returns what a lookup has found, from the time left, if it was asked for, and the item that was there, which is not
/// empty. It has left `mine` if there was no item.
pub(super) fn looked_up((ttl, item): (Option<i64>, Option<Vec<u8>>), mine: &Head, number: u64) -> Lookup {
    let Some(item) = item.filter(|item| item != mine) else {
        let lease = lease_over(mine, number).new_here(true);
        return Lookup::new(None).permission(Permission::Leased(lease));
    };
    let head = &item[..item.len().min(HEAD)];
    let (lease, is_foreign) = (lease_over(head, number), !is_value(head) && !is_lease(head));
    let found = match ttl {
        Some(ttl) => found((ttl, Some(item))),
        None => split(item).map(|(_, value)| Stored::new(value).unexpired()),
    };
    let looked = Lookup::new(found).permission(Permission::Leased(lease));
    looked.unreadable(is_foreign)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_id_is_used_twice() {
        let mut seen = HashSet::new();
        for _ in 0..1000 {
            assert!(seen.insert(new_lease()[1..].to_vec()));
            assert!(seen.insert(new_value(b"").0[1..].to_vec()));
        }
    }

    #[test]
    fn an_entry_is_told_from_a_mark_and_from_foreign_bytes() {
        let (head, item) = new_value(b"value");
        assert_eq!(item, [&head[..], b"value"].concat());
        let stored = found((1500, Some(item))).unwrap();
        assert_eq!((stored.value, stored.ttl), (b"value".to_vec(), Some(Duration::from_millis(1500))));
        let of = |ttl, item: &[u8]| found((ttl, Some(item.to_vec()))).map(|stored| stored.ttl);
        assert_eq!(of(-1, &new_value(b"").1), Some(None));
        assert_eq!(of(-2, &new_value(b"").1), None, "it was set between the two commands");
        assert_eq!((of(-1, &new_lease()), of(-1, b"V"), of(-1, b"V123456789abcdef")), (None, None, None));
        assert_eq!(of(-1, b"\xF7\x01an older release"), None);
    }

    #[test]
    fn a_lookup_gives_a_lease_over_whatever_is_there() {
        let (mine, other, (head, item)) = (new_lease(), new_lease(), new_value(b"value"));
        let of = |item: Option<&[u8]>| {
            let looked = looked_up((Some(-1), item.map(<[u8]>::to_vec)), &mine, 7);
            let Lookup { found, permission, is_unreadable, .. } = looked;
            let Permission::Leased(lease) = permission else { panic!("{permission:?}") };
            let is_foreign = item.is_some_and(|item| !matches!(item[0], LEASE | VALUE));
            assert_eq!(is_unreadable, is_foreign, "{item:?}");
            (found.is_some(), lease.is_new(), head_of(&lease, 7).unwrap().to_vec())
        };
        assert_eq!(of(None), (false, true, mine.to_vec()));
        assert_eq!(of(Some(&mine)), (false, true, mine.to_vec()), "the lookup was sent again");
        assert_eq!(of(Some(&other)), (false, false, other.to_vec()));
        assert_eq!(of(Some(&item)), (true, false, head.to_vec()));
        let unasked = looked_up((None, Some(new_value(b"value").1)), &mine, 7).found.unwrap();
        assert_eq!(unasked, Stored::new(b"value").unexpired());
        assert_eq!(of(Some(b"foreign")), (false, false, b"foreign".to_vec()));
        assert_eq!(of(Some(b"twenty foreign bytes")), (false, false, b"twenty foreign by".to_vec()));
    }

    #[test]
    fn a_lease_is_void_with_another_number() {
        let lease = lease_over(&new_lease(), 7);
        assert!(head_of(&lease, 7).is_some() && head_of(&lease, 8).is_none());
        assert_eq!(any_head_of(&lease), head_of(&lease, 7));
        assert!(
            head_of(&Lease::new(*b"short"), 7).is_none() && any_head_of(&Lease::new(*b"short")).is_none()
        );
    }
}
