//! How long a server is waited for, and from when on it is left alone.

use std::time::Duration;

use lru_core::backend::BackendError;

use crate::circuit_breaker::Breaker;
use crate::error::{Failure, Trouble};

/// What a connection, or an answer, may take.
const TIMEOUT: Duration = Duration::from_millis(250);

/// What all clients of servers have in common.
#[derive(Debug)]
pub(crate) struct Patience {
    pub(crate) connect: Duration,
    pub(crate) answer: Duration,
    pub(crate) breaker: Breaker,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { connect: TIMEOUT, answer: TIMEOUT, breaker: Breaker::new() }
    }

    pub(crate) fn admits(&self, place: &str) -> Result<(), BackendError> {
        if self.breaker.admits() {
            return Ok(());
        }
        Err(Failure::LeftAlone { place: place.to_owned() }.into())
    }

    /// Notes how it went, and says where.
    pub(crate) fn noted<T>(&self, place: &str, done: Result<T, Trouble>) -> Result<T, BackendError> {
        self.breaker.note(done.as_ref().is_err_and(|trouble| trouble.is_down));
        done.map_err(|Trouble { cause, .. }| Failure::Asked { place: place.to_owned(), cause }.into())
    }
}

/// Methods that set it, of a client with a field `patience`.
macro_rules! patient {
    ($Client:ident) => {
        impl $Client {
            /// What connecting may take: 250 ms by default.
            #[must_use]
            pub fn connect_timeout(mut self, timeout: Duration) -> Self {
                self.patience.connect = timeout.max(Duration::from_millis(1));
                self
            }

            /// What an answer may take once there is a connection: 250 ms by default.
            #[must_use]
            pub fn timeout(mut self, timeout: Duration) -> Self {
                self.patience.answer = timeout.max(Duration::from_millis(1));
                self
            }

            /// After so many failures in a row the server is left alone, for so long: 3 and a second by
            /// default. Then one call tries it again.
            #[must_use]
            pub fn breaker(mut self, failures: u32, pause: Duration) -> Self {
                self.patience.breaker.limit = failures.max(1);
                self.patience.breaker.pause = pause;
                self
            }
        }
    };
}

pub(crate) use patient;
