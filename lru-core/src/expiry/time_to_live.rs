//! The time to live of one result, as a function of the attribute's `ttl` returns it.

use core::time::Duration;

use crate::expiry::clock::Clock;
use crate::expiry::duration::{IntoSpan, Span};
use crate::expiry::ticks::{Ticks, Timestamp};

/// A value that can be given as the time to live of one result, with spans of type `S`: a number of seconds, a
/// [`Duration`], or an `Option` of these, of which `None` is for ever.
#[diagnostic::on_unimplemented(
    message = "expected a time to live, found `{Self}`",
    label = "`ttl` returns a number of seconds, a `std::time::Duration`, or an `Option` of these"
)]
pub trait IntoTtl<S> {
    /// Returns the time to live; `None` is for ever.
    fn into_ttl(self) -> Option<S>;
}

macro_rules! times_to_live {
    ($($type:ty)*) => { $(
        #[diagnostic::do_not_recommend]
        impl<S> IntoTtl<S> for $type
        where
            $type: IntoSpan<S>,
        {
            #[inline]
            fn into_ttl(self) -> Option<S> {
                Some(self.into_span())
            }
        }
    )* };
}

times_to_live! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 Duration }

#[diagnostic::do_not_recommend]
impl<S, T: IntoTtl<S>> IntoTtl<S> for Option<T> {
    #[inline]
    fn into_ttl(self) -> Option<S> {
        self.and_then(T::into_ttl)
    }
}

/// The clock and the settings of a cache, by which a time to live becomes a deadline.
pub trait Deadlines: Clock {
    /// Returns when a time to live ends that begins now.
    fn fresh_until(&self, ttl: <Self::Time as Timestamp>::Span) -> Ticks;
}

/// Returns when the time to live of a result ends that begins now: [`Ticks::START`] if it is zero, so that the result is
/// not stored.
#[inline]
pub fn fresh_until<L: Deadlines, V: IntoTtl<<L::Time as Timestamp>::Span>>(lifecycle: &L, ttl: V) -> Ticks {
    match ttl.into_ttl() {
        None => Ticks::NEVER,
        Some(ttl) if ttl.is_nothing() => Ticks::START,
        Some(ttl) => lifecycle.fresh_until(ttl),
    }
}

/// For how long a backend stores a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptOutside {
    /// It does not store it, as the computation has failed.
    Failed,
    /// It does not store it.
    No,
    /// As the options of the attribute say.
    BySettings,
    /// As the options say; if they give no time to live, fresh for this long, after which a result expires that it was computed
    /// from.
    TakenOver(Duration),
    /// Fresh for this long, `None` for ever. Then it may be stale, unless it has a deadline.
    For {
        /// For how long it is fresh.
        fresh: Option<Duration>,
        /// Whether it may be served stale after that.
        may_be_stale: bool,
    },
}
