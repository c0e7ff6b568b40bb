//! Errors of clients: their kind, their cause, and where they happened, in words that hold no credentials.

use std::error::Error;
use std::fmt;

use lru_core::backend::{BackendError, ErrorKind};

/// A cause, as any library reports it.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// An error of a client, before its place is named.
#[derive(Debug)]
pub(crate) struct ClientError {
    kind: ErrorKind,
    cause: Cause,
    /// Whether the server could not be reached, so that the circuit breaker counts a failure. `false` if it
    /// answered at all.
    pub(crate) is_down: bool,
}

impl ClientError {
    /// Creates the error of a server that could not be reached, or of a connection that cannot be used any
    /// more.
    pub(crate) fn down(kind: ErrorKind, cause: impl Into<Cause>) -> Self {
        Self { kind, cause: cause.into(), is_down: true }
    }

    /// Creates the error of a server that answered, or of a request that was not sent.
    pub(crate) fn answered(kind: ErrorKind, cause: impl Into<Cause>) -> Self {
        Self { kind, cause: cause.into(), is_down: false }
    }

    /// Returns the I/O error that is the cause.
    #[cfg(feature = "memcached")]
    pub(crate) fn io(&self) -> Option<&std::io::Error> {
        self.cause.downcast_ref()
    }

    /// Creates another error of this kind and with these words.
    #[cfg(feature = "disk")]
    pub(crate) fn again(&self) -> Self {
        Self { kind: self.kind, cause: self.cause.to_string().into(), is_down: self.is_down }
    }

    /// Returns whether the cause is of type `E`.
    #[cfg(feature = "disk")]
    pub(crate) fn is_caused_by<E: Error + 'static>(&self) -> bool {
        self.cause.is::<E>()
    }

    /// Adds the name of the server or the file.
    pub(crate) fn at(self, place: &str) -> BackendError {
        let Self { kind, cause, .. } = self;
        BackendError::with_kind(kind, Located { place: place.to_owned(), cause })
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl From<std::io::Error> for ClientError {
    fn from(error: std::io::Error) -> Self {
        Self::down(error.kind().into(), error)
    }
}

/// A cause and where it happened.
#[derive(Debug)]
struct Located {
    place: String,
    cause: Cause,
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, cause } = self;
        write!(f, "{place}: {cause}")
    }
}

impl Error for Located {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}
