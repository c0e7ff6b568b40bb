//! An entry of a backend, and its remaining time to live.

use core::time::Duration;
use std::vec::Vec;

/// An entry that a backend returns: the value and its remaining time to live.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use std::time::Duration;
///
/// use functools::backend::Stored;
///
/// let for_ever = Stored::new(b"144");
/// assert_eq!((for_ever.value, for_ever.ttl), (b"144".to_vec(), None));
///
/// let for_a_minute = Stored::new(b"144").ttl(Duration::from_secs(60));
/// assert_eq!(for_a_minute.ttl, Some(Duration::from_secs(60)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// The bytes that were set.
    pub value: Vec<u8>,
    /// The remaining time to live; `None` if the entry does not expire, or if the backend does not report it.
    pub ttl: Option<Duration>,
    /// Whether the backend's own clock says that the entry has not expired, so that without a `ttl` no other clock is asked.
    pub is_unexpired: bool,
}

impl Stored {
    /// Creates an entry that does not expire.
    #[must_use]
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self { value: value.into(), ttl: None, is_unexpired: false }
    }

    /// Sets the remaining time to live; `None` if the entry does not expire.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.ttl = ttl.into();
        self
    }

    /// Sets that the entry has not expired by the backend's own clock: the backend removes expired entries, and was not asked
    /// for the remaining time to live. A result without either expires by the clock of the machine that reads it.
    #[must_use]
    pub fn unexpired(mut self) -> Self {
        self.is_unexpired = true;
        self
    }
}
