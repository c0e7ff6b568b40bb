//! Functions that return a `Vec`: the results in the order of the elements.

use std::vec::Vec;

use crate::engine::placement::rounds::merged;
use crate::engine::{Lifecycle, Placement, StoredValue};
use crate::expiry::EntryOptions;
use crate::function::batch::miss::BatchMiss;
use crate::function::batch::wrong_length::WrongLength;
use crate::function::result_policy::ResultPolicy;

impl<E: Placement, S: Lifecycle<E::Types>, O, R: Clone> BatchMiss<E, S, O, R>
where
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    /// Stores what the body returned for the missing elements, and returns the results of all. `options` makes the options
    /// of an entry, by the number of the element among the missing ones.
    ///
    /// # Errors
    ///
    /// Another number of results than there are missing elements: what `wrong` makes of that. Nothing is stored.
    pub fn insert_sequence<T>(
        mut self,
        results: Vec<R>,
        options: impl Fn(usize, &S, &O::Value) -> EntryOptions,
        wrong: impl FnOnce(WrongLength) -> T,
    ) -> Result<Vec<R>, T> {
        let (expected, returned) = (self.missing.len(), results.len());
        if expected != returned {
            return Err(self.wrong_length(WrongLength { expected, returned }, wrong));
        }
        self.store(results.iter(), options);
        Ok(merged(self.hits, results, (&self.missing, &self.twins), R::clone))
    }
}
