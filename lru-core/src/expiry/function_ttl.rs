//! The `ttl` of a function, where it is evaluated once, and where the environment overrides it.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::expiry::duration::{IntoSpan, Span};
use crate::once::EvaluatedOnce;

/// What is known at run time only of the `ttl` of a function.
pub struct FunctionTtl {
    /// What the expression in the source gives, if it is evaluated once.
    value: EvaluatedOnce<u64>,
    /// The bits of the number in place of that in the source; zero if there is none.
    in_place: AtomicU64,
}

impl FunctionTtl {
    /// Creates the time to live of the function `name`.
    pub const fn new(name: &'static str) -> Self {
        Self { value: EvaluatedOnce::new("ttl", name), in_place: AtomicU64::new(0) }
    }

    /// Replaces the time to live of results that are stored from now on: by a number of seconds, or of the unit of the
    /// function's timer. It is above zero.
    pub fn set(&self, ttl: f64) {
        self.in_place.store(ttl.to_bits(), Relaxed);
    }

    /// Returns the time to live by the expression in the source, which the first call evaluates.
    ///
    /// # Panics
    ///
    /// If the expression panics, or uses the function itself. The next call evaluates it again.
    #[inline]
    pub(crate) fn once<S: Span, V: IntoSpan<S>>(&self, expression: impl FnOnce() -> V) -> S {
        S::from_bits(self.value.get(|| expression().into_span().into_bits()))
    }

    /// Returns the time to live in place of that in the source, if one was set.
    pub(crate) fn in_place<S: Span>(&self) -> Option<S> {
        match self.in_place.load(Relaxed) {
            0 => None,
            bits => Some(S::of_number(f64::from_bits(bits))),
        }
    }
}

impl fmt::Debug for FunctionTtl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionTtl").field("value", &self.value).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn values_of_all_clocks_are_kept() {
        fn kept<S: Span>(span: S) -> S {
            FunctionTtl::new("f").once(|| span)
        }
        let durations = [Duration::ZERO, Duration::from_nanos(1_500_000_001), Duration::MAX];
        assert_eq!(durations.map(kept), durations);
        assert_eq!([0, 7, u64::MAX].map(kept), [0, 7, u64::MAX]);
        assert_eq!(
            [0.5, f64::INFINITY].map(|span| kept(span).to_bits()),
            [0.5, f64::INFINITY].map(f64::to_bits)
        );
    }

    #[test]
    fn a_number_becomes_a_span_of_each_clock() {
        let ttl = FunctionTtl::new("f");
        assert_eq!(ttl.in_place::<u64>(), None);
        ttl.set(0.25);
        assert_eq!(ttl.in_place(), Some(Duration::from_millis(250)));
        assert_eq!(ttl.in_place(), Some(1_u64), "a part of a unit is no less than one");
        assert_eq!(ttl.in_place(), Some(0.25));
        ttl.set(1e30);
        assert_eq!((ttl.in_place(), ttl.in_place()), (Some(Duration::MAX), Some(u64::MAX)));
    }
}
