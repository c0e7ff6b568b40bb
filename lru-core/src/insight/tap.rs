//! What a sampler passes all calls to, in order to record them.

use core::fmt;

/// Takes the hashes of the keys of all calls of a cache, under its lock: it must return soon.
pub trait Tap: fmt::Debug + Send + Sync {
    /// Takes the hash of a call.
    fn record(&self, hash: u64);
}
