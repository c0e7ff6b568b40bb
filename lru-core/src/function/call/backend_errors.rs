//! How the errors of a backend are counted and reported.

use std::sync::Arc;

use crate::backend::BackendError;
use crate::observe::Counters;
use crate::observe::events::Events;

/// Counts and reports the errors of a function's backend, also apart from a call: when a lease is renewed or given up.
///
/// Such an error fails no call.
#[derive(Clone)]
pub struct ErrorReporter {
    pub(in crate::function) counters: Arc<Counters>,
    pub(in crate::function) events: Events,
    pub(in crate::function) callback: Option<fn(&BackendError)>,
}

impl ErrorReporter {
    /// Counts and reports an error.
    pub(in crate::function) fn failed(&self, error: &BackendError) {
        self.counters.backend_errors.add(1);
        report(error, self.events, self.callback);
    }

    /// Counts and reports an error by which an invalidation was lost: also one of an outage that was reported.
    pub(crate) fn lost(&self, error: &BackendError) {
        self.counters.backend_errors.add(1);
        self.events.backend_failed(error);
        if let Some(callback) = self.callback {
            callback(error);
        }
    }
}

/// Reports an error by an event and the callback, unless it belongs to an outage that was reported.
pub(in crate::function) fn report(error: &BackendError, events: Events, callback: Option<fn(&BackendError)>) {
    if error.is_repeated() {
        return;
    }
    events.backend_failed(error);
    if let Some(callback) = callback {
        callback(error);
    }
}
