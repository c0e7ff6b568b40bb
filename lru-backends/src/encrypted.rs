//! Encryption of values, by the `chacha20poly1305` crate.
//!
//! A value is stored as a byte for this format, a random nonce of 24 bytes, and the encrypted value with its tag
//! of 16 bytes (XChaCha20-Poly1305). The associated data are the byte, the length of the namespace in eight bytes,
//! little-endian, the namespace and the key of the entry.

use std::fmt;
use std::time::Duration;

use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use lru_core::backend::{
    AsyncBackend, Backend, BackendError, CircuitState, ErrorKind, InvalidationSink, Item, Lease, LeasedItem,
    Lookup, LookupOptions, Stored,
};

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
use crate::encoded_values::with_encoded_values;

/// The first byte of an encrypted value.
const FORMAT: u8 = 0xFA;

/// A backend whose values are encrypted and authenticated (XChaCha20-Poly1305), so that its server sees none of
/// them and can change none.
///
/// * Keys are 32 random bytes. Values are encrypted by the first key, and decrypted by any of them.
/// * **Rotation.** First add the new key at the end, in all processes; then move it to the front, in all processes; and
///   remove the old one when the entries that it encrypted have expired.
/// * A value that none of the keys decrypts is a miss: it was damaged, forged, stored without encryption or by a key that is
///   gone, or moved from another entry.
/// * Leases are those of the backend. With `single_flight = global`, the mark of a computation that failed is stored as it is. A server that forges one makes the
///   calls that wait for the computation compute themselves.
/// * **Not encrypted** are namespaces and the keys of entries, which contain the arguments of functions, and the sizes and
///   times of values. A server can also return an earlier value of the same entry. Leave secrets out of the
///   arguments, or out of the key by `#[key(skip)]`.
/// * Neither `Debug` output nor errors contain keys. Keys are erased from memory when the backend is dropped.
///
/// # Examples
///
/// ```
/// use lru_backends::{Encrypted, memory};
/// use lru_core::backend::{Backend, BackendError};
///
/// # let (old, new) = ([1; 32], [2; 32]);
/// let store = memory(1 << 20);
/// Encrypted::new(&store, [old]).set("salaries", b"12", b"4200", None)?;
///
/// let rotated = Encrypted::new(&store, [new, old]);
/// assert_eq!(rotated.get("salaries", b"12")?.map(|found| found.value), Some(b"4200".to_vec()));
/// assert_eq!(Encrypted::new(&store, [new]).get("salaries", b"12")?, None);
/// # Ok::<(), BackendError>(())
/// ```
#[derive(Clone)]
pub struct Encrypted<B> {
    backend: B,
    /// The first one encrypts.
    ciphers: Vec<XChaCha20Poly1305>,
}

impl<B> Encrypted<B> {
    /// Encrypts the values of a backend by the first of these keys. All of them decrypt.
    ///
    /// Without any key, storing returns an error of kind [`Configuration`](ErrorKind::Configuration), and
    /// every lookup is a miss.
    pub fn new(backend: B, keys: impl IntoIterator<Item = [u8; 32]>) -> Self {
        let ciphers = keys.into_iter().map(|key| XChaCha20Poly1305::new(&key.into())).collect();
        Self { backend, ciphers }
    }

    fn encode(&self, namespace: &str, key: &[u8], value: &[u8]) -> Result<Vec<u8>, BackendError> {
        let Some(cipher) = self.ciphers.first() else {
            return Err(BackendError::with_kind(ErrorKind::Configuration, "`Encrypted` has no keys"));
        };
        let nonce = XNonce::try_generate()
            .map_err(|error| BackendError::new(format!("no random bytes for encryption: {error}")))?;
        let payload = Payload { msg: value, aad: &associated(namespace, key) };
        let encrypted = cipher.encrypt(&nonce, payload);
        let encrypted = encrypted
            .map_err(|_| BackendError::with_kind(ErrorKind::Rejected, "the value is too large to encrypt"))?;
        Ok([&[FORMAT], nonce.as_slice(), &encrypted].concat())
    }

    fn decode(&self, namespace: &str, key: &[u8], stored: &[u8]) -> Option<Vec<u8>> {
        let (nonce, encrypted) = stored.strip_prefix(&[FORMAT])?.split_first_chunk::<24>()?;
        let (nonce, associated) = (XNonce::from(*nonce), associated(namespace, key));
        let payload = || Payload { msg: encrypted, aad: &associated };
        self.ciphers.iter().find_map(|cipher| cipher.decrypt(&nonce, payload()).ok())
    }
}

/// Returns the associated data of an entry. That of another entry differs.
fn associated(namespace: &str, key: &[u8]) -> Vec<u8> {
    let length = (namespace.len() as u64).to_le_bytes();
    [&[FORMAT], &length[..], namespace.as_bytes(), key].concat()
}

impl<B: fmt::Debug> fmt::Debug for Encrypted<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").field("backend", &self.backend).finish_non_exhaustive()
    }
}

with_encoded_values! { Encrypted }

#[cfg(test)]
mod tests;
