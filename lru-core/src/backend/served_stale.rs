//! Which stale results of a backend were served, so that each is served once before it is computed again.
//!
//! A call that is served a stale result of the backend relies on a copy in the process: the next call finds the copy
//! stale, and refreshes it. If there is no copy then, because it was too heavy, evicted, or kept for a moment only, the
//! next call would be served the same result again, and no call would ever refresh it.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use crate::key::KeyHash;

/// How many hashes a generation has. The older of two generations is forgotten as a whole.
const MOST: usize = 4096;

/// The hashes of the keys whose stale results were served, and not computed since.
pub(crate) struct ServedStale(Mutex<[BTreeSet<KeyHash>; 2]>);

impl ServedStale {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new([BTreeSet::new(), BTreeSet::new()]))
    }

    /// Records that a stale result is served. Returns `false` if one was served before: then this one is not to be.
    pub(crate) fn serve(&self, hash: KeyHash) -> bool {
        let mut generations = self.0.lock();
        let [newer, older] = &mut *generations;
        if newer.contains(&hash) || older.contains(&hash) {
            return false;
        }
        if newer.len() >= MOST {
            *older = std::mem::take(newer);
        }
        newer.insert(hash)
    }

    /// Forgets a key whose result is computed, or was found fresh.
    pub(crate) fn forget(&self, hash: KeyHash) {
        for generation in &mut *self.0.lock() {
            generation.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_served_once_until_it_is_forgotten() {
        let served = ServedStale::new();
        let (one, other) = (KeyHash::of(&1), KeyHash::of(&2));
        assert_eq!([served.serve(one), served.serve(one), served.serve(other)], [true, false, true]);
        served.forget(one);
        assert_eq!([served.serve(one), served.serve(other)], [true, false]);
    }

    #[test]
    fn no_more_than_two_generations_are_kept() {
        let served = ServedStale::new();
        let first = KeyHash::of(&usize::MAX);
        assert!(served.serve(first));
        for number in 0..3 * MOST {
            assert!(served.serve(KeyHash::of(&number)), "{number}");
        }
        assert!(served.serve(first), "it was forgotten");
        assert!(served.0.lock().iter().all(|generation| generation.len() <= MOST));
    }
}
