//! Events, for who follows a program by the `tracing` facade. Only with the feature `tracing`: without it,
//! nothing here does anything.
//!
//! They tell of what calls do that share their results or have stale ones, each with the function's path. Who
//! listens is user code: nothing here is called under a lock, nor for a plain hit.

use core::time::Duration;

use crate::observe::location::FunctionLocation;

/// Of which function events tell, where that is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Events {
    #[cfg(feature = "tracing")]
    site: Option<&'static FunctionLocation>,
}

#[cfg(feature = "tracing")]
macro_rules! event {
    ($self:ident, $level:ident, $($what:tt)*) => {
        tracing::event!(
            target: "functools",
            tracing::Level::$level,
            function = $self.site.map(FunctionLocation::path),
            $($what)*
        )
    };
}

#[cfg(not(feature = "tracing"))]
macro_rules! event {
    ($($nothing:tt)*) => {};
}

#[cfg_attr(not(feature = "tracing"), expect(unused_variables, clippy::unused_self, reason = "see above"))]
impl Events {
    pub(crate) const NONE: Self = Self::of(None);

    pub(crate) const fn of(site: Option<&'static FunctionLocation>) -> Self {
        Self {
            #[cfg(feature = "tracing")]
            site,
        }
    }

    /// A call has computed.
    pub(crate) fn computed(self, took: Duration, is_error: bool) {
        event!(self, DEBUG, ?took, is_error, "computed");
    }

    /// A call came to an error, and was answered by a stale result.
    pub(crate) fn spared(self) {
        event!(self, WARN, "failed, and the stale result was served");
    }

    /// A stale result was refreshed.
    pub(crate) fn refreshed(self, took: Duration) {
        event!(self, DEBUG, ?took, "refreshed");
    }

    /// A refresh came to an error.
    pub(crate) fn refresh_failed(self, took: Duration) {
        event!(self, WARN, ?took, "refresh failed");
    }

    /// A refresh panicked or was dropped.
    pub(crate) fn refresh_abandoned(self) {
        event!(self, WARN, "refresh was abandoned");
    }

    /// A backend could not do what it was asked to.
    #[cfg(feature = "backend")]
    pub(crate) fn backend_failed(self, error: &crate::backend::BackendError) {
        event!(self, WARN, %error, "backend failed");
    }

    /// A call computes in place of one that took too long, or of one that panicked, was dropped, or had nothing to
    /// share.
    pub(crate) fn took_over(self, from_one_given_up: bool) {
        if from_one_given_up {
            event!(self, WARN, "leader was given up after `flight_timeout`");
        } else {
            event!(self, DEBUG, "leader is gone, another takes over");
        }
    }
}

/// Tells that a refresh was abandoned, unless it was [done](Unfinished::done).
#[derive(Debug)]
pub(crate) struct Unfinished(Option<Events>);

impl Unfinished {
    pub(crate) fn new(events: Events) -> Self {
        Self(Some(events))
    }

    pub(crate) fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(events) = self.0 {
            events.refresh_abandoned();
        }
    }
}
