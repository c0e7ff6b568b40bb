//! Functions that return a map from elements to results.
//!
//! What is stored of an element is an `Option`: `None` if the body left the element out of its map.

use std::vec::Vec;

use hashbrown::HashTable;

use crate::engine::{Lifecycle, Placement, StoredValue};
use crate::expiry::EntryOptions;
use crate::function::batch::argument::{Batch, Place};
use crate::function::batch::miss::BatchMiss;
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};

/// Returns the hash of a part of a key, which finds the element that a key of a map is.
#[expect(clippy::needless_pass_by_value, reason = "a part is a reference, or a tuple of them")]
pub fn part_hash(part: impl Part) -> KeyHash {
    KeyHash::of_part(&part)
}

/// The missing elements, by their parts in the keys of the cache.
pub struct AskedElements<X>(Vec<(KeyHash, X)>);

/// Returns the map of a batch whose elements were all found.
pub fn map_of_hits<B: Batch, K: From<B::Element>, V, M: FromIterator<(K, V)>>(
    batch: B,
    hits: Vec<Option<V>>,
) -> M {
    let (_, elements) = batch.split(|_| Place::Kept);
    let found = |(element, value): (B::Element, Option<V>)| Some((K::from(element), value?));
    elements.into_iter().zip(hits).filter_map(found).collect()
}

impl<E: Placement, S: Lifecycle<E::Types>, O, V: Clone> BatchMiss<E, S, O, Option<V>> {
    /// Returns the missing elements, by which the keys of the body's map are recognized. `part` makes the part of an element.
    pub fn asked<'b, B: Batch, Q: Part>(
        &self,
        batch: &'b B,
        part: impl Fn(&'b B::Element) -> Q,
    ) -> AskedElements<Q::Stored> {
        let asked = |position| {
            let part = part(batch.element(position));
            (KeyHash::of_part(&part), part.to_stored())
        };
        AskedElements(self.missing.iter().map(|missing| asked(missing.position)).collect())
    }

    /// Stores what the body returned for the missing elements, and returns a map of the results of all. `elements` are those that
    /// were found; `hash` and `same` compare the keys of the body's map with the missing elements.
    ///
    /// Keys that were not asked for are dropped.
    pub fn insert_map<M, K, X, T>(
        mut self,
        (elements, asked): (Vec<T>, AskedElements<X>),
        answers: M,
        (hash, same): (impl Fn(&K) -> KeyHash, impl Fn(&K, &X) -> bool),
        options: impl Fn(usize, &S, &O::Value) -> EntryOptions,
    ) -> M
    where
        M: IntoIterator<Item = (K, V)> + FromIterator<(K, V)>,
        K: From<T>,
        O: ResultPolicy<Option<V>, Stored = StoredValue<E>>,
    {
        let AskedElements(asked) = asked;
        let mut numbers = HashTable::with_capacity(asked.len());
        for number in 0..asked.len() {
            numbers.insert_unique(asked[number].0.get(), number, |&number| asked[number].0.get());
        }
        let mut keys: Vec<Option<K>> = asked.iter().map(|_| None).collect();
        let mut values: Vec<Option<V>> = asked.iter().map(|_| None).collect();
        for (key, value) in answers {
            let key_hash = hash(&key);
            let is_asked = |&number: &usize| asked[number].0 == key_hash && same(&key, &asked[number].1);
            if let Some(&number) = numbers.find(key_hash.get(), is_asked) {
                (keys[number], values[number]) = (Some(key), Some(value));
            }
        }
        self.store(values.iter(), options);
        // In the caller's order, for maps that keep it.
        let count = elements.len() + self.missing.len() + self.twins.len();
        let mut computed = keys.into_iter().zip(values).map(|(key, value)| Some((key?, value?)));
        let mut hits = elements.into_iter().zip(self.hits);
        let mut missing = self.missing.iter().peekable();
        let mut twins = self.twins.iter().peekable();
        let result = |position| {
            if missing.next_if(|missing| missing.position == position).is_some() {
                computed.next()?
            } else if twins.next_if(|twin| twin.position == position).is_some() {
                None
            } else {
                let (element, value) = hits.next()?;
                Some((K::from(element), value?))
            }
        };
        (0..count).filter_map(result).collect()
    }
}
