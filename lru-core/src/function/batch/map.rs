//! Functions that return a map from elements to results.
//!
//! What is stored of an element is an `Option`: `None` if the body left the element out of its map.

use core::iter::repeat_with;
use std::vec::Vec;

use hashbrown::HashTable;

use crate::engine::{Lifecycle, Placement, StoredValue};
use crate::expiry::EntryOptions;
use crate::function::batch::argument::{Batch, Elements};
use crate::function::batch::miss::BatchMiss;
use crate::function::batch::shared::SharedBatch;
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::key::{KeyHash, Part};

/// Returns the hash of a part of a key, which finds the element that a key of a map is.
#[expect(clippy::needless_pass_by_value, reason = "a part is a reference, or a tuple of them")]
pub fn part_hash(part: impl Part) -> KeyHash {
    KeyHash::of_part(&part)
}

/// The missing elements, by their parts in the keys of the cache.
pub struct AskedElements<X>(pub(super) Vec<(KeyHash, X)>);

/// Returns the map of a batch whose elements were all found.
pub fn map_of_hits<B: Batch, K: From<B::Element>, V, M: FromIterator<(K, V)>>(
    batch: B,
    hits: Vec<Option<V>>,
) -> M {
    let elements = batch.into_elements();
    let found = |(element, value): (B::Element, Option<V>)| Some((K::from(element), value?));
    if hits.iter().all(Option::is_some) {
        // An iterator whose length is known: the map allocates once.
        let pairs = elements.map(K::from).zip(hits.into_iter().map(Option::unwrap));
        return pairs.collect();
    }
    let count = hits.len();
    collected(elements.zip(hits).filter_map(found), count)
}

/// Returns a map of up to `count` pairs. It is made of an iterator whose length is known, so that the map allocates once.
fn collected<K, V, M: FromIterator<(K, V)>>(pairs: impl Iterator<Item = (K, V)>, count: usize) -> M {
    let mut all = Vec::with_capacity(count);
    all.extend(pairs);
    all.into_iter().collect()
}

/// The keys that bodies have returned in their maps, by the numbers of the missing elements.
pub struct MapKeys<K>(Vec<Option<K>>);

impl<K> Default for MapKeys<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K> MapKeys<K> {
    /// Returns the values in a map that a body has returned for the elements of these numbers, and keeps the keys.
    pub(super) fn answered<M: IntoIterator<Item = (K, V)>, V, X>(
        &mut self,
        answers: M,
        (elements, numbers): (&AskedElements<X>, &[usize]),
        (hash, same): (impl Fn(&K) -> KeyHash, impl Fn(&K, &X) -> bool),
    ) -> Vec<Option<V>> {
        let AskedElements(elements) = elements;
        let hash_at = |place: usize| elements[numbers[place]].0;
        let mut places = HashTable::with_capacity(numbers.len());
        for place in 0..numbers.len() {
            places.insert_unique(hash_at(place).get(), place, |&place| hash_at(place).get());
        }
        self.0.resize_with(elements.len(), || None);
        let mut values: Vec<Option<V>> = numbers.iter().map(|_| None).collect();
        for (key, value) in answers {
            let of_key = hash(&key);
            let is_asked =
                |&place: &usize| hash_at(place) == of_key && same(&key, &elements[numbers[place]].1);
            if let Some(&place) = places.find(of_key.get(), is_asked) {
                self.0[numbers[place]] = Some(key);
                values[place] = Some(value);
            }
        }
        values
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O, V: Clone> SharedBatch<E, S, O, Option<V>>
where
    O: ResultPolicy<Option<V>, Stored = StoredValue<E>>,
{
    /// Returns the missing elements, by which the keys of the bodies' maps are recognized.
    pub fn known<'b, B: Batch, Q: Part>(
        &self,
        batch: &'b B,
        part: impl Fn(&'b B::Element) -> Q,
    ) -> AskedElements<Q::Stored> {
        self.miss().asked(batch, part)
    }

    /// Stores and publishes what the body returned for the elements that it was asked for.
    pub fn land_map<M, K, X>(
        &mut self,
        (keys, known): (&mut MapKeys<K>, &AskedElements<X>),
        answers: M,
        by: (impl Fn(&K) -> KeyHash, impl Fn(&K, &X) -> bool),
        sharing: impl Sharing<Option<V>>,
        options: impl Fn(usize, &S, &O::Value) -> EntryOptions,
    ) where
        M: IntoIterator<Item = (K, V)> + FromIterator<(K, V)>,
    {
        // The keys of the map are hashed, compared and dropped here.
        let scope = self.flights.scope();
        let values = keys.answered(answers, (known, &self.asked), by);
        drop(scope);
        self.land(values, sharing, options);
    }

    /// Returns a map of the results of all elements: `elements` are those that were missing, and `found` the others.
    pub fn into_map<B: Batch, K, M>(
        self,
        found: Vec<B::Element>,
        mut elements: Elements<B>,
        keys: MapKeys<K>,
    ) -> M
    where
        M: FromIterator<(K, V)>,
        K: From<B::Element>,
    {
        let (miss, results) = self.counted();
        let count = found.len() + miss.missing.len() + miss.twins.len();
        let mut hits = found.into_iter().zip(miss.hits);
        let mut missing = miss.missing.iter().peekable();
        let mut twins = miss.twins.iter().peekable();
        let MapKeys(keys) = keys;
        let mut computed = keys.into_iter().chain(repeat_with(|| None)).zip(results).enumerate();
        let result = |position| {
            if missing.next_if(|missing| missing.position == position).is_some() {
                let (number, (key, value)) = computed.next()?;
                let value = value.flatten()?;
                let key = key.or_else(|| elements.take_one(number).map(K::from))?;
                Some((key, value))
            } else if twins.next_if(|twin| twin.position == position).is_some() {
                None
            } else {
                let (element, value) = hits.next()?;
                Some((K::from(element), value?))
            }
        };
        collected((0..count).filter_map(result), count)
    }
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
        let mut keys = MapKeys::default();
        let numbers: Vec<usize> = (0..self.missing.len()).collect();
        let values = keys.answered(answers, (&asked, &numbers), (hash, same));
        let MapKeys(keys) = keys;
        self.store(values.iter(), options);
        // In the caller's order, for maps that keep it.
        let count = elements.len() + self.missing.len() + self.twins.len();
        let mut computed =
            keys.into_iter().chain(repeat_with(|| None)).zip(values).map(|(key, value)| Some((key?, value?)));
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
        collected((0..count).filter_map(result), count)
    }
}
