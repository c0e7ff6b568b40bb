//! The keys of elements in a backend.

use std::vec::Vec;

use serde::Serialize;

use crate::backend::BackendError;
use crate::backend::codec::{self, Format};
use crate::function::call::backend_handle::BackendHandle;

/// Encodes the keys of elements, as a call of one element does.
#[derive(Clone, Copy)]
pub struct KeyEncoder(Format);

impl KeyEncoder {
    pub(super) fn new<B>(handle: &BackendHandle<B>) -> Self {
        Self(handle.format)
    }

    /// Returns the key that these arguments are in the backend.
    ///
    /// # Errors
    ///
    /// If the arguments cannot be serialized.
    pub fn key<Q: Serialize + ?Sized>(self, key: &Q) -> Result<Vec<u8>, BackendError> {
        codec::key(key, self.0)
    }
}
