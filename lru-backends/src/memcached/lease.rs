//! Leases: what a lookup found or left under a key, and how a result is stored over it.
//!
//! A lease is an item without a value, which a lookup creates where there is none. The server counts the versions of all
//! items (`cas`), so the version of an item tells it from every other that was ever under the key, and a result is stored
//! only over the version that the lookup saw.
//!
//! Invariant: a result is stored under the generation of its lookup, never under that of the time when it is stored. So
//! what was computed before a namespace was cleared is never found after it.
//!
//! Invariant: a lease is valid until any connection to the server is lost. A server that was restarted counts
//! versions from one again, and one that was unreachable may hold items that were changed elsewhere.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use lru_core::backend::{Lease, Permission, Stored};

use super::item::Generation;
use super::protocol::{Flags, Reply};
use super::{opened, rejected};
use crate::error::ClientError;

/// How many times a lookup is repeated because other clients replace what it finds.
pub(super) const MAX_LOOKS: usize = 4;

/// Numbers the times between losses of a connection, for all servers: no two servers ever have the same number.
static NEXT_EPOCH: AtomicU64 = AtomicU64::new(1);

/// The time since a connection to a server was last lost.
#[derive(Debug)]
pub(super) struct Epoch(AtomicU64);

impl Epoch {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(NEXT_EPOCH.fetch_add(1, SeqCst)))
    }

    /// Returns the number of the epoch. It is read before a lookup is sent.
    pub(super) fn number(&self) -> u64 {
        self.0.load(SeqCst)
    }

    /// Begins another epoch: a connection was lost.
    pub(super) fn end(&self) {
        self.0.fetch_max(NEXT_EPOCH.fetch_add(1, SeqCst), SeqCst);
    }
}

/// What a lease of Memcached compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) cas: u64,
    pub(super) epoch: u64,
    pub(super) generation: Generation,
}

impl Token {
    pub(super) fn lease(self, is_new: bool) -> Lease {
        let Self { cas, epoch, generation } = self;
        Lease::new([&cas.to_le_bytes()[..], &epoch.to_le_bytes(), &generation].concat()).new_here(is_new)
    }

    /// Reads the token of a lease; `None` if it is no longer valid in this epoch.
    pub(super) fn of(lease: &Lease, now: &Epoch) -> Option<Self> {
        let (cas, rest) = lease.token().split_first_chunk()?;
        let (epoch, generation) = rest.split_first_chunk()?;
        let (cas, epoch) = (u64::from_le_bytes(*cas), u64::from_le_bytes(*epoch));
        (epoch == now.number()).then_some(Self { cas, epoch, generation: generation.try_into().ok()? })
    }

    /// Returns the flags of the item, if it has the version of this token.
    pub(super) fn flags_of(self, entry: Reply) -> Result<Option<Flags>, ClientError> {
        match entry {
            Reply::Done(flags) => Ok(Some(flags).filter(|flags| flags.cas == Some(self.cas))),
            Reply::Missing => Ok(None),
            other => Err(rejected(other)),
        }
    }

    /// Returns the lease over an item that was stored, or replaced, just now.
    pub(super) fn over(self, stored: Flags) -> Option<Lease> {
        let cas = version(stored)?;
        Some(Self { cas, ..self }.lease(false))
    }
}

/// Returns the version of an item; `None` if the server does not count them.
pub(super) fn version(flags: Flags) -> Option<u64> {
    flags.cas.filter(|cas| *cas > 0)
}

/// What a lookup found under the key of an entry.
#[derive(Debug)]
pub(super) enum Seen {
    /// The entry.
    Entry(Stored, Flags),
    /// A lease: an item without a value.
    Lease(Flags),
    /// An item that is no entry: it is of another generation or of another key, or has expired.
    Unusable(Flags),
    /// The server created no item.
    Nothing,
}

impl Seen {
    pub(super) fn read(
        reply: Reply,
        generation: Option<Generation>,
        namespace: &str,
        key: &[u8],
    ) -> Result<Self, ClientError> {
        match reply {
            Reply::Value { value, flags } if value.is_empty() => Ok(Self::Lease(flags)),
            Reply::Value { value, flags } => Ok(match opened(&value, flags, generation, namespace, key) {
                Some(stored) => Self::Entry(stored, flags),
                None => Self::Unusable(flags),
            }),
            Reply::Missing => Ok(Self::Nothing),
            other => Err(rejected(other)),
        }
    }
}

/// Returns the permission to replace the item with these flags.
pub(super) fn permission(flags: Flags, is_new: bool, epoch: u64, generation: Generation) -> Permission {
    version(flags)
        .map_or(Permission::Denied, |cas| Permission::Leased(Token { cas, epoch, generation }.lease(is_new)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memcached::item::new_generation;

    #[test]
    fn a_token_is_read_back_until_a_connection_is_lost() {
        let (epoch, other) = (Epoch::new(), Epoch::new());
        let token = Token { cas: 7, epoch: epoch.number(), generation: new_generation() };
        let lease = token.lease(true);
        assert!(lease.is_new());
        assert_eq!((Token::of(&lease, &epoch), Token::of(&lease, &other)), (Some(token), None));
        let cut = Lease::new(&lease.token()[..30]);
        assert_eq!(Token::of(&cut, &epoch), None);
        let next = token.over(Flags { cas: Some(8), ..Flags::default() }).unwrap();
        assert_eq!(Token::of(&next, &epoch).map(|token| token.cas), Some(8));
        epoch.end();
        assert_eq!(Token::of(&lease, &epoch), None);
    }

    #[test]
    fn a_server_that_counts_no_versions_gives_no_lease() {
        let of = |cas| permission(Flags { cas, ..Flags::default() }, true, 1, new_generation());
        assert_eq!((of(None), of(Some(0))), (Permission::Denied, Permission::Denied));
        assert!(matches!(of(Some(1)), Permission::Leased(lease) if lease.is_new()));
    }
}
