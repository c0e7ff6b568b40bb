//! The candidates for eviction, from which a user's function chooses the victim.

use core::fmt;

/// The keys from which a victim chooser (`choice`) selects the entry to evict.
///
/// The keys are in the order in which they were stored, except that the last key takes the place of a removed
/// one.
#[derive(Clone, Copy)]
pub struct Candidates<'k, K>(pub(crate) &'k dyn KeyList<K>);

/// A list of keys by number.
pub(crate) trait KeyList<K> {
    fn len(&self) -> usize;
    fn get(&self, number: usize) -> Option<&K>;
}

impl<'k, K> Candidates<'k, K> {
    /// Returns the number of keys, which is at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the key at index `number`; `None` if there is none. Takes constant time.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&'k K> {
        self.0.get(number)
    }

    /// Returns an iterator over all keys, by ascending index.
    pub fn iter(&self) -> impl Iterator<Item = &'k K> + use<'k, K> {
        let keys = self.0;
        (0..keys.len()).filter_map(move |number| keys.get(number))
    }

    /// Calls `choose` with candidates that show only a part of each key.
    pub(crate) fn with_part<A, R>(
        &self,
        part: fn(&K) -> &A,
        choose: impl FnOnce(&Candidates<'_, A>) -> R,
    ) -> R {
        choose(&Candidates(&PartOfEach { keys: Candidates(self.0), part }))
    }
}

/// A list of keys of which a part is shown.
struct PartOfEach<'k, K, A> {
    keys: Candidates<'k, K>,
    part: fn(&K) -> &A,
}

impl<K, A> KeyList<A> for PartOfEach<'_, K, A> {
    fn len(&self) -> usize {
        self.keys.len()
    }

    fn get(&self, number: usize) -> Option<&A> {
        self.keys.get(number).map(self.part)
    }
}

impl<K: fmt::Debug> fmt::Debug for Candidates<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
