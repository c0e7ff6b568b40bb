//! [`Item`]: an entry to be set.

use core::time::Duration;

use crate::backend::lease::Lease;

/// An entry that [`Backend::set_many`](super::Backend::set_many) sets.
///
/// ```
/// # use lru_core as functools;
/// use std::time::Duration;
///
/// use functools::backend::Item;
///
/// let item = Item::new(b"12", b"144").ttl(Duration::from_secs(60));
/// assert_eq!((item.key, item.value), (&b"12"[..], &b"144"[..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item<'a> {
    /// The key, within the namespace.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// The time to live; `None` if the entry does not expire.
    pub ttl: Option<Duration>,
}

impl<'a> Item<'a> {
    /// Creates an item that does not expire.
    #[must_use]
    pub fn new(key: &'a [u8], value: &'a [u8]) -> Self {
        Self { key, value, ttl: None }
    }

    /// Sets the time to live.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.ttl = ttl.into();
        self
    }
}

/// An entry that [`Backend::set_leased_many`](super::Backend::set_leased_many) sets if its lease is still valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeasedItem<'a> {
    /// The entry.
    pub item: Item<'a>,
    /// The lease that the lookup of its key gave.
    pub lease: &'a Lease,
}

impl<'a> LeasedItem<'a> {
    /// Creates an item that is set over this lease.
    #[must_use]
    pub fn new(item: Item<'a>, lease: &'a Lease) -> Self {
        Self { item, lease }
    }
}
