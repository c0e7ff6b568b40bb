//! What goes wrong outside, in words that hold no credentials.

use std::error::Error;
use std::fmt;

use lru_core::backend::BackendError;

#[cfg(any(feature = "disk", feature = "memcached", feature = "redis"))]
pub(crate) type RemovalCause = Box<dyn Error + Send + Sync>;

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It failed before, and is left alone for a while.
    LeftAlone { place: String },
    /// It was asked.
    #[cfg(any(feature = "disk", feature = "memcached", feature = "redis"))]
    Asked { place: String, cause: RemovalCause },
    /// Others were faster, each time.
    Contended { tries: u32 },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftAlone { place } => write!(f, "{place} failed before and is left alone for a while"),
            #[cfg(any(feature = "disk", feature = "memcached", feature = "redis"))]
            Self::Asked { place, cause } => write!(f, "{place}: {cause}"),
            Self::Contended { tries } => write!(f, "others changed the value first, {tries} times in a row"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            #[cfg(any(feature = "disk", feature = "memcached", feature = "redis"))]
            Self::Asked { cause, .. } => Some(&**cause),
            _ => None,
        }
    }
}

impl From<Failure> for BackendError {
    fn from(failure: Failure) -> Self {
        Self::new(failure)
    }
}

/// What a client met.
#[cfg(any(feature = "memcached", feature = "redis"))]
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) cause: RemovalCause,
    /// Whether the server is not to be reached, rather than unwilling to do this.
    pub(crate) is_down: bool,
}

#[cfg(any(feature = "memcached", feature = "redis"))]
impl Trouble {
    pub(crate) fn down(cause: impl Into<RemovalCause>) -> Self {
        Self { cause: cause.into(), is_down: true }
    }

    pub(crate) fn unwilling(cause: impl Into<RemovalCause>) -> Self {
        Self { cause: cause.into(), is_down: false }
    }
}
