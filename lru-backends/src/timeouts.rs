//! How long a client waits for its server, and when its circuit breaker opens.

use std::time::Duration;

#[cfg(feature = "redis")]
use lru_core::backend::BackendError;

use crate::circuit_breaker::Breaker;
#[cfg(feature = "redis")]
use crate::circuit_breaker::circuit_open;
#[cfg(feature = "redis")]
use crate::error::ClientError;

/// How long connecting, and how long an answer, may take by default.
const TIMEOUT: Duration = Duration::from_millis(250);

/// The timeouts and the circuit breaker of a client.
#[derive(Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) answer: Duration,
    pub(crate) breaker: Breaker,
}

impl Timeouts {
    pub(crate) fn new() -> Self {
        Self { connect: TIMEOUT, answer: TIMEOUT, breaker: Breaker::new() }
    }

    /// Creates timeouts and a closed circuit breaker with the settings of these.
    #[cfg(feature = "redis")]
    pub(crate) fn copied(&self) -> Self {
        Self { connect: self.connect, answer: self.answer, breaker: self.breaker.copied() }
    }

    /// Returns whether all settings are equal.
    #[cfg(feature = "redis")]
    pub(crate) fn has_settings_of(&self, other: &Self) -> bool {
        (self.connect, self.answer) == (other.connect, other.answer)
            && self.breaker.has_settings_of(&other.breaker)
    }

    /// Returns an error if the circuit breaker is open.
    #[cfg(feature = "redis")]
    pub(crate) fn admit(&self, place: &str) -> Result<(), BackendError> {
        if self.breaker.admits() { Ok(()) } else { Err(circuit_open(place)) }
    }

    /// Reports the outcome of an operation to the circuit breaker, and names the place in its error.
    #[cfg(feature = "redis")]
    pub(crate) fn record<T>(&self, place: &str, done: Result<T, ClientError>) -> Result<T, BackendError> {
        let is_down = done.as_ref().is_err_and(|error| error.is_down);
        self.breaker.recorded(place, is_down, done.map_err(|error| error.at(place)))
    }
}

/// Writes the methods that set the timeouts of a client with fields `timeouts` and `shared`, which is looked up after them.
macro_rules! timeout_methods {
    ($Client:ident) => {
        impl $Client {
            /// Sets the timeout for connecting: 250 ms by default.
            #[must_use]
            pub fn connect_timeout(mut self, timeout: Duration) -> Self {
                self.shared.take();
                self.timeouts.connect = timeout.max(Duration::from_millis(1));
                self
            }

            /// Sets the timeout for an answer on an open connection: 250 ms by default.
            #[must_use]
            pub fn timeout(mut self, timeout: Duration) -> Self {
                self.shared.take();
                self.timeouts.answer = timeout.max(Duration::from_millis(1));
                self
            }

            /// Sets the circuit breaker: after `failures` in a row, operations are skipped for `pause`.
            ///
            /// By default, three failures open it for one second. After the pause one operation goes through as a
            /// probe; the circuit breaker closes if it succeeds.
            #[must_use]
            pub fn breaker(mut self, failures: u32, pause: Duration) -> Self {
                self.shared.take();
                self.timeouts.breaker.limit = failures.max(1);
                self.timeouts.breaker.pause = pause;
                self
            }

            /// Sets a callback for changes of the circuit breaker; see
            /// [`CircuitBreaker::on_change`](crate::CircuitBreaker::on_change).
            #[must_use]
            pub fn on_circuit_change(mut self, callback: fn(lru_core::backend::CircuitState)) -> Self {
                self.shared.take();
                self.timeouts.breaker.on_change = Some(callback);
                self
            }
        }
    };
}

pub(crate) use timeout_methods;
