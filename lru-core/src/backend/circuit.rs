//! The event of a circuit breaker that closes, for the backends of this workspace.

use core::fmt::Display;

use crate::observe::events::Events;

/// Emits that the circuit breaker of a backend closed: it serves all functions that use the backend, so no call
/// of one of them reports it.
pub fn circuit_closed(backend: &dyn Display) {
    Events::NONE.circuit_closed(backend);
}
