//! The error of a backend operation, and what kind of failure it reports.

use core::error::Error;
use core::fmt;
use std::boxed::Box;
use std::io;
use std::string::String;

/// The kind of failure that a [`BackendError`] reports.
///
/// Kinds may be added in any release, so a `match` needs a `_` arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Connecting, or waiting for an answer, took longer than the timeout.
    Timeout,
    /// The backend cannot be reached: the connection was refused or lost, the server is down or restarting, or the
    /// file cannot be opened.
    Unavailable,
    /// A circuit breaker skipped the operation, because earlier operations failed.
    CircuitOpen,
    /// The backend was reached and refused the operation: missing permissions, a value that is too large, no
    /// memory left.
    Rejected,
    /// The backend sent an answer, or holds data, that this client cannot read.
    Protocol,
    /// The arguments or the result cannot be serialized in the chosen format.
    Serialization,
    /// Other writers changed the value each time it was about to be swapped.
    Contention,
    /// The backend does not implement the operation.
    Unsupported,
    /// The backend cannot work as it is set up: an invalid URL, a missing feature, no async runtime.
    Configuration,
    /// Any other failure, and every error that was created without a kind.
    Other,
}

/// The error of a backend operation, with its cause and its [kind](BackendError::kind).
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::backend::{BackendError, ErrorKind};
///
/// let error = BackendError::with_kind(ErrorKind::Timeout, "no answer within 250 ms");
/// assert_eq!((error.kind(), error.to_string()), (ErrorKind::Timeout, "no answer within 250 ms".to_string()));
///
/// // The kind of an `io::Error` is converted; a message alone has the kind `Other`.
/// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// assert_eq!(BackendError::from(refused).kind(), ErrorKind::Unavailable);
/// assert_eq!(BackendError::from("poisoned").kind(), ErrorKind::Other);
/// ```
pub struct BackendError {
    kind: ErrorKind,
    outage: Outage,
    /// Whether the backend gives no leases, so that a result is stored all the same.
    is_without_lease: bool,
    cause: Box<dyn Error + Send + Sync>,
}

/// What an error tells of an outage of its backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outage {
    /// Nothing: the failure may be a single one.
    Unknown,
    /// It is the failure at which a circuit breaker opened, or stayed open after a probe.
    Open,
    /// An earlier failure has told it.
    Told,
}

impl BackendError {
    /// Creates an error of kind [`ErrorKind::Other`] from any error, or from a message.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::with_kind(ErrorKind::Other, cause)
    }

    /// Creates an error of the given kind from any error, or from a message.
    pub fn with_kind(kind: ErrorKind, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let outage = if kind == ErrorKind::CircuitOpen { Outage::Told } else { Outage::Unknown };
        Self { kind, outage, is_without_lease: false, cause: cause.into() }
    }

    /// Marks this failure as the one at which a circuit breaker opened, or stayed open after a probe. A failure that is
    /// marked as [repeated](Self::repeated) remains so.
    #[must_use]
    pub fn opening_circuit(mut self) -> Self {
        if self.outage != Outage::Told {
            self.outage = Outage::Open;
        }
        self
    }

    /// Marks this failure as one of an outage that an earlier error has reported.
    ///
    /// It is counted, but `on_backend_error` is not called, and no event is emitted. Errors of kind
    /// [`CircuitOpen`](ErrorKind::CircuitOpen) are marked from the start.
    #[must_use]
    pub fn repeated(mut self) -> Self {
        self.outage = Outage::Told;
        self
    }

    /// Returns whether a circuit breaker opened at this failure, or stayed open because its probe failed.
    #[must_use]
    pub fn opens_circuit(&self) -> bool {
        self.outage == Outage::Open
    }

    /// Returns whether an earlier error has reported the outage that this failure belongs to.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.outage == Outage::Told
    }

    /// Marks this as the failed lookup of a backend that gives no leases.
    pub(super) fn without_lease(mut self) -> Self {
        self.is_without_lease = true;
        self
    }

    /// Returns whether this is the failed lookup of a backend that gives no leases.
    #[cfg(feature = "backend")]
    pub(crate) fn is_without_lease(&self) -> bool {
        self.is_without_lease
    }

    /// Creates an error of the same kind and with the same words.
    #[cfg(feature = "backend")]
    pub(crate) fn again(&self) -> Self {
        Self::with_kind(self.kind, std::string::ToString::to_string(self))
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// Maps the kind of an I/O error on the way to a backend.
impl From<io::ErrorKind> for ErrorKind {
    fn from(kind: io::ErrorKind) -> Self {
        use io::ErrorKind as Io;
        match kind {
            // A socket with a timeout reports `WouldBlock` on Unix.
            Io::TimedOut | Io::WouldBlock => Self::Timeout,
            Io::InvalidData => Self::Protocol,
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => Self::Rejected,
            Io::Unsupported => Self::Unsupported,
            Io::ConnectionRefused
            | Io::ConnectionReset
            | Io::ConnectionAborted
            | Io::NotConnected
            | Io::BrokenPipe
            | Io::UnexpectedEof
            | Io::WriteZero
            | Io::Interrupted
            | Io::AddrNotAvailable
            | Io::HostUnreachable
            | Io::NetworkUnreachable
            | Io::NetworkDown
            | Io::NotFound
            | Io::PermissionDenied
            | Io::ReadOnlyFilesystem => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

impl From<io::Error> for BackendError {
    fn from(cause: io::Error) -> Self {
        Self::with_kind(cause.kind().into(), cause)
    }
}

macro_rules! of_unknown_kind {
    ($($cause:ty)*) => { $(
        impl From<$cause> for BackendError {
            fn from(cause: $cause) -> Self {
                Self::new(cause)
            }
        }
    )* };
}

of_unknown_kind! { &str String Box<dyn Error + Send + Sync> }

impl Error for BackendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl fmt::Debug for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, cause, .. } = self;
        f.debug_struct("BackendError").field("kind", kind).field("cause", cause).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn an_io_error_brings_its_kind() {
        for (io, kind) in [
            (io::ErrorKind::TimedOut, ErrorKind::Timeout),
            (io::ErrorKind::WouldBlock, ErrorKind::Timeout),
            (io::ErrorKind::ConnectionRefused, ErrorKind::Unavailable),
            (io::ErrorKind::UnexpectedEof, ErrorKind::Unavailable),
            (io::ErrorKind::InvalidData, ErrorKind::Protocol),
            (io::ErrorKind::StorageFull, ErrorKind::Rejected),
            (io::ErrorKind::Other, ErrorKind::Other),
        ] {
            assert_eq!(BackendError::from(io::Error::from(io)).kind(), kind, "{io:?}");
        }
    }

    #[test]
    fn an_outage_is_reported_by_its_first_error() {
        let (first, skipped) =
            (BackendError::from("down"), BackendError::with_kind(ErrorKind::CircuitOpen, ""));
        assert_eq!((first.opens_circuit(), first.is_repeated()), (false, false));
        assert_eq!((skipped.opens_circuit(), skipped.is_repeated()), (false, true));
        let opening = first.opening_circuit();
        assert_eq!((opening.opens_circuit(), opening.is_repeated()), (true, false));
        let repeated = opening.repeated();
        let still = repeated.opening_circuit();
        assert_eq!((still.opens_circuit(), still.is_repeated()), (false, true));
    }

    #[test]
    fn a_cause_keeps_its_words_and_its_source() {
        let error = BackendError::with_kind(ErrorKind::Rejected, io::Error::other(fmt::Error));
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Rejected, fmt::Error.to_string()));
        assert!(error.source().is_none(), "an I/O error shows what it wraps as itself");
        assert_eq!(BackendError::from("no answer").kind(), ErrorKind::Other);
        assert_eq!(
            std::format!("{error:?}"),
            "BackendError { kind: Rejected, cause: Custom { kind: Other, error: Error } }"
        );
    }
}
