//! Where a backend reports that an entry changed.

use core::fmt;

/// A handle by which a backend reports changed entries, so that the in-process copies of one function are
/// dropped.
///
/// A backend that can detect changes receives one in [`Backend::watch`](super::Backend::watch). It may call
/// the sink from any thread at any time, and should do so as soon as another process has changed an entry.
#[derive(Clone)]
pub struct InvalidationSink(&'static dyn LocalCopies);

/// What an [`InvalidationSink`] does, implemented by the in-process cache of a function.
pub trait LocalCopies: Sync {
    /// See [`InvalidationSink::invalidate`].
    fn invalidate(&self, key: &[u8]);

    /// See [`InvalidationSink::may_be_own_write`].
    fn may_be_own_write(&self, key: &[u8]) -> bool;

    /// See [`InvalidationSink::invalidate_unless_equal`] and [`InvalidationSink::invalidate_unless_leased`].
    fn invalidate_unless_equal(&self, key: &[u8], current: Option<&[u8]>);

    /// See [`InvalidationSink::invalidate_all`].
    fn invalidate_all(&self);

    /// See [`InvalidationSink::may_have_missed_changes`].
    fn may_have_missed_changes(&self) {
        self.invalidate_all();
    }
}

/// Returns the sink that reports to these copies.
#[must_use]
pub fn sink_of(copies: &'static dyn LocalCopies) -> InvalidationSink {
    InvalidationSink(copies)
}

impl InvalidationSink {
    /// Drops the copies of `key`, because its entry was set or removed, or may have been.
    pub fn invalidate(&self, key: &[u8]) {
        self.0.invalidate(key);
    }

    /// Returns whether the change of `key` may be a write by this process, in which case its copy is current.
    ///
    /// The backend may then read the entry and report it with
    /// [`invalidate_unless_equal`](Self::invalidate_unless_equal) instead of [`invalidate`](Self::invalidate), so that
    /// a process keeps the copies of what it writes.
    #[must_use]
    pub fn may_be_own_write(&self, key: &[u8]) -> bool {
        self.0.may_be_own_write(key)
    }

    /// Drops the copies of `key`, unless they are copies of `current`: the value that the backend held after
    /// the change.
    pub fn invalidate_unless_equal(&self, key: &[u8], current: Option<&[u8]>) {
        self.0.invalidate_unless_equal(key, current);
    }

    /// Drops the copies of `key`, unless they are copies of the entry over which a [lease](super::Lease) has this
    /// token: the entry that the backend held after the change.
    ///
    /// A backend whose lookups give leases reads no more of the entry than makes the token.
    pub fn invalidate_unless_leased(&self, key: &[u8], token: Option<&[u8]>) {
        self.0.invalidate_unless_equal(key, token);
    }

    /// Drops all copies, because the namespace was cleared, or any entry may have been changed.
    pub fn invalidate_all(&self) {
        self.0.invalidate_all();
    }

    /// Reports that the backend does not receive changes any more, or receives them again: some may have been missed.
    ///
    /// The copies live on until `front_ttl`, or else their `ttl`, has passed. With `on_lost = drop` they are dropped.
    pub fn may_have_missed_changes(&self) {
        self.0.may_have_missed_changes();
    }
}

impl fmt::Debug for InvalidationSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvalidationSink").finish_non_exhaustive()
    }
}
