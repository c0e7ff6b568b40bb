//! Leases on the keys of an open file: versions in memory, and claims of the keys that are being computed.
//!
//! Invariant: a version is raised under the lock of the pending writes, in the same critical section as the
//! change of the entry. A lookup reads the version first and the entry afterwards, so it never pairs an entry
//! with a version that is newer.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};
use std::time::{Duration, Instant};

use lru_core::backend::Lease;

use super::key::FileKey;

/// The number of versions of keys. Two keys that share one cost a stored result now and then.
const KEYS: usize = 65_536;
/// The number of versions of namespaces.
const NAMESPACES: usize = 1024;
/// How many claims are noted at most. Further ones are granted and forgotten.
const MAX_CLAIMS: usize = 65_536;
/// The smallest number of claims at which the expired ones are removed.
const FIRST_SWEEP: usize = 1024;
/// How long after a sweep that left many claims there is none.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// The versions of all keys and namespaces of one opening of a file.
pub(super) struct Versions {
    /// A number of this opening, so that tokens of earlier ones are void.
    opening: u64,
    hasher: RandomState,
    /// Allocated at the first lease or write.
    table: OnceLock<Box<[AtomicU64]>>,
}

/// The version of a key and of its namespace, in one opening of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    opening: u64,
    key: u64,
    namespace: u64,
}

impl Token {
    pub(super) fn lease(self) -> Lease {
        Lease::new([self.opening, self.key, self.namespace].map(u64::to_le_bytes).concat())
    }

    /// Returns the token that holds after a change of another key that may have the same version: the change was made while
    /// `before` held for that key, and `now` holds since.
    pub(super) fn raised(self, before: Self, now: Self) -> Self {
        if self.key == before.key { Self { key: now.key, ..self } } else { self }
    }

    /// Reads the token of a lease; `None` if another kind of backend gave it.
    pub(super) fn of(lease: &Lease) -> Option<Self> {
        let (opening, rest) = lease.token().split_first_chunk()?;
        let (key, rest) = rest.split_first_chunk()?;
        let namespace = rest.try_into().ok()?;
        let [opening, key, namespace] = [*opening, *key, namespace].map(u64::from_le_bytes);
        Some(Self { opening, key, namespace })
    }
}

impl Versions {
    pub(super) fn new() -> Self {
        let hasher = RandomState::new();
        Self { opening: hasher.hash_one("opening"), hasher, table: OnceLock::new() }
    }

    pub(super) fn at(&self, key: &FileKey) -> Token {
        Token {
            opening: self.opening,
            key: self.of_key(key.bytes()).load(Acquire),
            namespace: self.of_namespace(key.prefix()).load(Acquire),
        }
    }

    /// Returns the number of the version that a key has, perhaps together with others.
    pub(super) fn number_of(&self, key: &FileKey) -> usize {
        self.slot(key.bytes(), KEYS)
    }

    /// Ends all leases on a key.
    pub(super) fn raise(&self, key: &[u8]) {
        self.of_key(key).fetch_add(1, Release);
    }

    /// Ends all leases in a namespace.
    pub(super) fn raise_namespace(&self, prefix: &[u8]) {
        self.of_namespace(prefix).fetch_add(1, Release);
    }

    fn of_key(&self, key: &[u8]) -> &AtomicU64 {
        &self.table()[self.slot(key, KEYS)]
    }

    fn of_namespace(&self, prefix: &[u8]) -> &AtomicU64 {
        &self.table()[KEYS + self.slot(prefix, NAMESPACES)]
    }

    fn table(&self) -> &[AtomicU64] {
        self.table.get_or_init(|| (0..KEYS + NAMESPACES).map(|_| AtomicU64::new(0)).collect())
    }

    fn slot(&self, bytes: &[u8], slots: usize) -> usize {
        usize::try_from(self.hasher.hash_one(bytes) % slots as u64).unwrap_or(0)
    }
}

/// The keys that are being computed, each with the deadline of its claim.
pub(super) struct Claims {
    deadlines: HashMap<Box<[u8]>, Instant>,
    /// How many claims there are, and when, before the expired ones are removed again.
    sweep_at: (usize, Instant),
}

impl Claims {
    pub(super) fn new() -> Self {
        Self { deadlines: HashMap::new(), sweep_at: (FIRST_SWEEP, Instant::now()) }
    }

    /// Claims a key for the time `ttl`, and returns whether no other claim holds.
    ///
    /// A claim that has expired ends: the versions of such keys are raised.
    pub(super) fn claim(&mut self, key: &[u8], ttl: Duration, versions: &Versions) -> bool {
        let now = Instant::now();
        match self.deadlines.get(key) {
            Some(deadline) if *deadline > now => return false,
            Some(_) => versions.raise(key),
            None if self.deadlines.len() >= self.sweep_at.0 && now >= self.sweep_at.1 => {
                self.sweep(now, versions);
            }
            None => {}
        }
        if self.deadlines.len() < MAX_CLAIMS {
            self.deadlines.insert(key.into(), later(now, ttl));
        }
        true
    }

    /// Extends the claim of a key, if there is one.
    pub(super) fn renew(&mut self, key: &[u8], ttl: Duration) {
        if let Some(deadline) = self.deadlines.get_mut(key) {
            *deadline = later(Instant::now(), ttl);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.deadlines.len()
    }

    pub(super) fn end(&mut self, key: &[u8]) {
        self.deadlines.remove(key);
    }

    pub(super) fn end_all(&mut self, prefix: &[u8]) {
        self.deadlines.retain(|key, _| !key.starts_with(prefix));
    }

    fn sweep(&mut self, now: Instant, versions: &Versions) {
        self.deadlines.retain(|key, deadline| {
            let holds = *deadline > now;
            if !holds {
                versions.raise(key);
            }
            holds
        });
        let claims = self.deadlines.len();
        let pause = if claims < MAX_CLAIMS / 2 { Duration::ZERO } else { SWEEP_PAUSE };
        self.sweep_at = ((2 * claims).clamp(FIRST_SWEEP, MAX_CLAIMS), now + pause);
    }
}

/// A claim for longer than the clock can tell is one for a year.
fn later(now: Instant, ttl: Duration) -> Instant {
    now.checked_add(ttl).unwrap_or(now + Duration::from_secs(365 * 24 * 3600))
}
