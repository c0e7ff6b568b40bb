//! Leases: the right to store a result over what a lookup found, or left, in the backend.
//!
//! A result is computed from what the source of the data says at some time. If the entry is changed or removed
//! between the lookup and the end of the computation, the result may be out of date, and must not be stored. So a lookup
//! that finds nothing leaves a mark, the lease, and the result is stored only if that mark is still there. A change or a
//! removal of the entry ends the lease; so do eviction, expiry, and a restart of the backend. See "Scaling Memcache at
//! Facebook", NSDI 2013, section 3.2.1.

use core::fmt;
use core::time::Duration;
use std::boxed::Box;

use crate::backend::error::{BackendError, ErrorKind};
use crate::backend::stored::Stored;

/// The right to replace an entry, or the absence of one, until it is changed: what
/// [`set_leased`](super::Backend::set_leased) compares.
///
/// Its token is opaque: the backend made it in [`get_or_lease`](super::Backend::get_or_lease), and is the only
/// one to read it.
#[derive(Clone, PartialEq, Eq)]
pub struct Lease {
    token: Box<[u8]>,
    is_new: bool,
}

impl Lease {
    /// Creates a lease with a token of the backend's own.
    ///
    /// A token must never be used twice for a key: of two different states of an entry, each has a token of
    /// its own.
    #[must_use]
    pub fn new(token: impl Into<Box<[u8]>>) -> Self {
        Self { token: token.into(), is_new: false }
    }

    /// Sets whether this lookup left the lease, rather than finding it or an entry there.
    #[must_use]
    pub fn new_here(mut self, is_new: bool) -> Self {
        self.is_new = is_new;
        self
    }

    /// Returns the token.
    #[must_use]
    pub fn token(&self) -> &[u8] {
        &self.token
    }

    /// Returns whether this lookup left the lease. Of all lookups of a key, until it is changed or the lease expires,
    /// that is true for one.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("is_new", &self.is_new).finish_non_exhaustive()
    }
}

/// What [`get_or_lease`](super::Backend::get_or_lease) is asked for, apart from the entry.
///
/// A duration converts into the options of a lookup that needs the remaining time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LookupOptions {
    /// How long the lease is valid that the lookup leaves if there is no entry.
    pub lease: Duration,
    /// Whether the caller uses the remaining time to live of the entry. If not, a backend that would have to ask for it
    /// need not: it then returns an [unexpired](Stored::unexpired) entry without it.
    pub needs_ttl: bool,
    /// Whether a backend without leases is to say so, without a lookup.
    is_probe: bool,
}

impl LookupOptions {
    /// Creates the options of a lookup that leaves a lease for this time, and needs the remaining time to live.
    #[must_use]
    pub fn new(lease: Duration) -> Self {
        Self { lease, needs_ttl: true, is_probe: false }
    }

    /// Sets that the remaining time to live is needed.
    #[must_use]
    pub fn with_ttl(self) -> Self {
        Self { needs_ttl: true, ..self }
    }

    /// Sets that the remaining time to live is not needed.
    #[must_use]
    pub fn without_ttl(self) -> Self {
        Self { needs_ttl: false, ..self }
    }

    /// Asks a backend without leases to say so, without a lookup.
    pub(super) fn probing(self) -> Self {
        Self { is_probe: true, ..self }
    }

    /// Returns the answer of a backend without leases, if it is only asked for that.
    pub(super) fn probed(self) -> Option<Lookup> {
        self.is_probe.then(|| Lookup::new(None))
    }
}

impl From<Duration> for LookupOptions {
    fn from(lease: Duration) -> Self {
        Self::new(lease)
    }
}

/// What [`get_or_lease`](super::Backend::get_or_lease) returns: the entry, and the permission to replace it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lookup {
    /// The entry, if there is one.
    pub found: Option<Stored>,
    /// The permission to replace the entry, or its absence.
    pub permission: Permission,
    /// Whether `found` is `None` because the entry cannot be read, and not because there is none. With
    /// `single_flight = global`, a call then does not wait for a process that computes.
    pub is_unreadable: bool,
}

/// Whether a result that is computed after a lookup may be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Permission {
    /// It may, whatever happened meanwhile: the backend gives no leases.
    #[default]
    Unconditional,
    /// It may while the lease is valid.
    Leased(Lease),
    /// It may not: the backend gives leases, but not for this entry or not now.
    Denied,
}

impl Lookup {
    /// Creates the outcome of a lookup by a backend that gives no leases.
    #[must_use]
    pub fn new(found: impl Into<Option<Stored>>) -> Self {
        Self { found: found.into(), permission: Permission::Unconditional, is_unreadable: false }
    }

    /// Sets the permission to replace what was found.
    #[must_use]
    pub fn permission(mut self, permission: Permission) -> Self {
        self.permission = permission;
        self
    }

    /// Sets whether there is an entry that cannot be read.
    #[must_use]
    pub fn unreadable(mut self, is_unreadable: bool) -> Self {
        self.is_unreadable = is_unreadable;
        self
    }
}

/// A [`Backend`](super::Backend) or an [`AsyncBackend`](super::AsyncBackend) whose lookups give leases.
///
/// `single_flight = global` needs one: the process that holds the lease of a key computes, and the others wait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` gives no leases, which `single_flight = global` needs",
    label = "expected a backend that implements `functools::backend::Leases`",
    note = "with `single_flight = true`, each process computes on its own"
)]
pub trait Leases {}

/// The value that tells waiting processes that a computation has failed. It is no valid result.
#[cfg(feature = "backend")]
pub const FAILED: &[u8] = b"\xF7\0failed";

pub(super) fn cannot_lease() -> BackendError {
    BackendError::with_kind(ErrorKind::Unsupported, "this backend gives no leases")
}
