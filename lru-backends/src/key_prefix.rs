//! The text that begins all keys of a client, so that several applications can share a server.

use std::fmt;

use lru_core::backend::{BackendError, ErrorKind};

/// The greatest length in bytes. Memcached takes keys of up to 250 bytes, of which an entry needs 38.
const MAX_LENGTH: usize = 200;

/// The text that begins all keys of a client; none by default.
#[derive(Debug, Default)]
pub(crate) struct KeyPrefix {
    text: String,
    /// Whether no server could take it.
    is_invalid: bool,
}

impl KeyPrefix {
    pub(crate) fn new(text: String) -> Self {
        let is_odd = |char: char| char.is_whitespace() || char.is_control();
        let is_invalid = text.len() > MAX_LENGTH || text.contains(is_odd);
        Self { text, is_invalid }
    }

    /// Returns the length in bytes.
    #[cfg(feature = "redis")]
    pub(crate) fn length(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn is_valid(&self) -> bool {
        !self.is_invalid
    }

    /// Returns the error of each operation, if no server could take the prefix.
    pub(crate) fn check(&self, place: &impl fmt::Display) -> Result<(), BackendError> {
        if self.is_valid() {
            return Ok(());
        }
        let message = format!(
            "{place}: a `key_prefix` has at most {MAX_LENGTH} bytes, and neither spaces nor control characters"
        );
        Err(BackendError::with_kind(ErrorKind::Configuration, message))
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Writes the method that sets the field `key_prefix` of a client.
macro_rules! key_prefix_method {
    ($Client:ident) => {
        impl $Client {
            /// Sets the text that begins all keys of this backend, so that several applications can share a server: none
            /// by default.
            ///
            /// Backends with different prefixes share connections, and nothing else: neither entries nor leases, and
            /// `cache_clear` removes the entries under its own prefix only. No prefix should begin with another one;
            /// end them with a colon, as in `shop:`.
            ///
            /// A prefix has at most 200 bytes, and neither spaces nor control characters. With another one each operation
            /// fails with an error of kind [`Configuration`](lru_core::backend::ErrorKind::Configuration), and calls run
            /// without the backend.
            #[must_use]
            pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
                self.key_prefix = $crate::key_prefix::KeyPrefix::new(prefix.into());
                self
            }
        }
    };
}

pub(crate) use key_prefix_method;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_no_server_could_take_is_an_error_of_each_operation() {
        for text in ["", "shop:", "größe:", &"x".repeat(200)] {
            let prefix = KeyPrefix::new(text.to_owned());
            prefix.check(&"redis").unwrap();
            assert_eq!(prefix.to_string(), text);
        }
        for text in ["my shop:", "shop\n", "\u{7F}", "shop\0", &"x".repeat(201)] {
            let error = KeyPrefix::new(text.to_owned()).check(&"redis").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{text:?}");
        }
    }
}
