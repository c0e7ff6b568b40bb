//! Events for the `tracing` facade (feature `tracing`; without it, all methods are empty).
//!
//! Coalesced calls, refreshes and backends emit events, each with the path of the function. A subscriber is user
//! code: no event is emitted while a lock is held, and none for a plain hit.

#[cfg(feature = "backend")]
use core::fmt::Display;
use core::time::Duration;

use crate::observe::location::FunctionLocation;

/// Emits the events of one function. Its location is unknown for a cache object that is used directly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Events {
    #[cfg(feature = "tracing")]
    location: Option<&'static FunctionLocation>,
}

#[cfg(feature = "tracing")]
macro_rules! event {
    ($self:ident, $level:ident, $($what:tt)*) => {
        tracing::event!(
            target: "functools",
            tracing::Level::$level,
            function = $self.location.map(FunctionLocation::path),
            $($what)*
        )
    };
}

#[cfg(not(feature = "tracing"))]
macro_rules! event {
    ($($nothing:tt)*) => {};
}

#[cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, clippy::unused_self, reason = "without the feature, events are empty")
)]
impl Events {
    pub(crate) const NONE: Self = Self::of(None);

    pub(crate) const fn of(location: Option<&'static FunctionLocation>) -> Self {
        Self {
            #[cfg(feature = "tracing")]
            location,
        }
    }

    /// Emits that a call ran the function.
    pub(crate) fn computed(self, took: Duration, is_error: bool) {
        event!(self, DEBUG, ?took, is_error, "computed");
    }

    /// Emits that the function returned an error, and a stale result was served instead.
    pub(crate) fn served_stale(self) {
        event!(self, WARN, "computation failed; served stale result");
    }

    /// Emits that the function is slow, and a stale result was served meanwhile.
    pub(crate) fn served_stale_while_slow(self) {
        event!(self, DEBUG, "computation is slow; served stale result");
    }

    /// Emits that a stale result was refreshed.
    pub(crate) fn refreshed(self, took: Duration) {
        event!(self, DEBUG, ?took, "refreshed");
    }

    /// Emits that the function returned an error in a refresh.
    pub(crate) fn refresh_failed(self, took: Duration) {
        event!(self, WARN, ?took, "refresh failed");
    }

    /// Emits that a refresh panicked, or that its future was dropped.
    pub(crate) fn refresh_abandoned(self) {
        event!(self, WARN, "refresh panicked or was dropped");
    }

    /// Emits that an operation of a backend returned an error.
    #[cfg(feature = "backend")]
    pub(crate) fn backend_failed(self, error: &dyn Display) {
        event!(self, WARN, %error, "backend failed");
    }

    /// Emits that the circuit breaker of a backend closed.
    #[cfg(feature = "backend")]
    pub(crate) fn circuit_closed(self, backend: &dyn Display) {
        event!(self, INFO, %backend, "circuit breaker closed");
    }

    /// Emits that tags with this name were invalidated: in all functions, or `in_one` of them.
    pub(crate) fn invalidated(tag: &'static str, tags: usize, in_one: bool) {
        #[cfg(feature = "tracing")]
        tracing::debug!(target: "functools", tag, tags, in_one_function = in_one, "invalidated");
    }

    /// Emits that a follower has waited for `flight_timeout`, and runs the function itself. The leader is
    /// slow, or waits for the follower in a way that is not detected: in another task, for example.
    pub(crate) fn timed_out(self) {
        event!(self, WARN, "single-flight follower exceeded `flight_timeout`; computes for itself");
    }

    /// Emits that a follower became the leader of a flight, because the leader timed out or was dropped.
    pub(crate) fn took_over(self, is_timeout: bool) {
        if is_timeout {
            event!(self, WARN, "single-flight leader exceeded `flight_timeout`; follower promoted");
        } else {
            event!(self, DEBUG, "single-flight leader dropped; follower promoted");
        }
    }
}
