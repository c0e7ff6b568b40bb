//! The policy that chooses the victims of a cache with `policy = auto`.

use core::fmt;

/// The policy that chooses the victims of a cache with `policy = auto`, by which this policy was the best of late.
///
/// It prints as the option `policy` spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeadingPolicy {
    /// S3-FIFO.
    S3Fifo,
    /// W-TinyLFU.
    WTinyLfu,
    /// LRU.
    Lru,
}

impl fmt::Display for LeadingPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S3Fifo => "s3_fifo",
            Self::WTinyLfu => "w_tinylfu",
            Self::Lru => "lru",
        })
    }
}
