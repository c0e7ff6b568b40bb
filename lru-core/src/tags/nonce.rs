//! [`TagNonce`]: what a backend has for a tag.

use core::fmt;
use std::hash::{BuildHasher, RandomState};
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a backend has for a tag until the tag is invalidated: 16 bytes that are never used twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TagNonce([u8; 16]);

impl TagNonce {
    /// Creates a nonce that no process has used.
    ///
    /// It is a number of the process, chosen at random, and a count that begins at random. The number of a process that
    /// was forked off another is changed by the process id.
    #[must_use]
    pub fn fresh() -> Self {
        static PROCESS: LazyLock<u64> = LazyLock::new(random);
        static COUNT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(random()));
        let process = *PROCESS ^ u64::from(process::id()) << 32;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&process.to_le_bytes());
        bytes[8..].copy_from_slice(&COUNT.fetch_add(1, Relaxed).to_le_bytes());
        Self(bytes)
    }

    /// Returns the nonce of these bytes; `None` if they are none.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for TagNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TagNonce({:032x})", u128::from_be_bytes(self.0))
    }
}

/// Returns a random number, from the seed of a hash map.
fn random() -> u64 {
    RandomState::new().hash_one(process::id())
}
