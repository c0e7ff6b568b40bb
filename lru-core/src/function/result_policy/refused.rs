//! The policy of results that cannot be stored.

use super::ResultPolicy;

/// Stands in for the policy of a result that cannot be stored, so that there is one error about it.
#[derive(Clone, Copy, Debug)]
pub struct Refused;

impl<R> ResultPolicy<R> for Refused {
    type Stored = Self;
    type Value = Self;

    fn value(self, _: &R) -> Option<&Self> {
        None
    }

    fn result_of(self, _: Self) -> R {
        unreachable!("a refused result is never stored")
    }

    fn copied_value(self, _: &Self) -> Option<Self> {
        None
    }

    fn restore(self, _: &Self) -> R {
        unreachable!("a refused result is never stored")
    }

    fn stored(self, _: &R) -> Option<Self> {
        None
    }
}
