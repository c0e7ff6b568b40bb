//! Accessors of many elements of a function with a backend.

use std::vec::Vec;

use serde::de::DeserializeOwned;

use crate::backend::BackendError;
use crate::backend::codec::Opened;
use crate::function::batch::argument::Batch;
use crate::function::batch::backend::keys::KeyEncoder;
use crate::function::call::backend_handle::BackendHandle;
use crate::function::call::held_lease::Held;
use crate::function::result_policy::ResultPolicy;

/// The elements of a batch in the backend of a function.
#[must_use = "they are looked up by `peek`"]
pub struct BackendElements<B> {
    handle: BackendHandle<B>,
    /// The keys of the elements; an error if the arguments cannot be serialized.
    keys: Vec<Result<Vec<u8>, BackendError>>,
}

impl<B: Held + Clone> BackendHandle<B> {
    /// Returns the elements of a batch. `key` makes the key of an element.
    pub fn elements<'b, Elements: Batch>(
        self,
        batch: &'b Elements,
        key: impl Fn(&'b Elements::Element, KeyEncoder) -> Result<Vec<u8>, BackendError>,
    ) -> BackendElements<B> {
        let encoder = KeyEncoder::new(&self);
        let keys = batch.elements().map(|element| key(element, encoder)).collect();
        BackendElements { handle: self, keys }
    }
}

impl<B: Held + Clone> BackendElements<B> {
    /// Fills in the results that are missing, as far as the backend has them, in one request. A failure of the backend is no
    /// error: the results are missing.
    pub async fn peek<R, O>(self, mut found: Vec<Option<R>>, policy: O) -> Vec<Option<R>>
    where
        O: ResultPolicy<R, Value: DeserializeOwned>,
    {
        let Self { handle, keys } = self;
        if handle.refusal.is_some() {
            return found;
        }
        let is_missing =
            |place: &usize| found.get(*place).is_some_and(Option::is_none) && keys[*place].is_ok();
        let places: Vec<usize> = (0..keys.len()).filter(is_missing).collect();
        if places.is_empty() {
            return found;
        }
        let keys: Vec<&[u8]> =
            places.iter().map(|place| keys[*place].as_deref().unwrap_or_default()).collect();
        let stored = handle.backend.get_many(&handle.namespace, &keys).await.unwrap_or_default();
        for ((place, key), stored) in places.into_iter().zip(&keys).zip(stored) {
            if let Some(Opened::Found(result, _)) = stored.map(|stored| handle.decode(key, &stored, policy)) {
                found[place] = Some(result);
            }
        }
        found
    }
}
