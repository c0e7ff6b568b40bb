//! The state of a circuit breaker.

use core::fmt;
#[cfg(feature = "backend")]
use std::boxed::Box;
#[cfg(feature = "backend")]
use std::sync::OnceLock;

/// The state of the circuit breaker of a backend.
///
/// Of the states of several circuit breakers, the greatest is the worst: `Closed < HalfOpen < Open`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CircuitState {
    /// All operations go through.
    Closed,
    /// One operation goes through as a probe.
    HalfOpen,
    /// Operations are skipped.
    Open,
}

impl fmt::Display for CircuitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half-open",
            Self::Open => "open",
        })
    }
}

/// Reads the state of the circuit breaker of a function's backend, which its first request sets.
#[cfg(feature = "backend")]
#[derive(Default)]
pub(crate) struct CircuitReader(OnceLock<Box<dyn Fn() -> Option<CircuitState> + Send + Sync>>);

#[cfg(feature = "backend")]
impl CircuitReader {
    /// Sets how the state is read, unless that is known.
    pub(crate) fn set<F>(&self, read: impl FnOnce() -> F)
    where
        F: Fn() -> Option<CircuitState> + Send + Sync + 'static,
    {
        self.0.get_or_init(|| Box::new(read()));
    }

    pub(super) fn read(&self) -> Option<CircuitState> {
        self.0.get().and_then(|read| read())
    }
}

#[cfg(feature = "backend")]
impl fmt::Debug for CircuitReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn the_greatest_state_is_the_worst() {
        let all = [CircuitState::Closed, CircuitState::HalfOpen, CircuitState::Open];
        assert!(all.is_sorted());
        assert_eq!(all.map(|state| state.to_string()), ["closed", "half-open", "open"]);
        assert!(None < Some(CircuitState::Closed), "a backend without circuit breaker is not worse");
    }
}
