//! Calls of a memoized function, as they reach its cache: with arguments where they lie.
//!
//! Wherever the cache is, in a `static` or in an object, calls go through [`Calls`]. It knows how
//! to make keys and what of a result is kept; how a call goes on inside, the cache knows.

use core::fmt;

use crate::cache::{Cache, Origin};
use crate::info::{CacheInfo, CacheParameters};
use crate::key::{KeyHash, Part};
use crate::outcome::Outcome;

/// The cache of a function, as the current thread sees it.
#[cfg(not(feature = "testing"))]
pub(crate) type CacheRef<'m, K, V> = &'m Cache<K, V>;
#[cfg(feature = "testing")]
pub(crate) use crate::isolation::CacheRef;

/// The cache of a function, to be called: `K` is the owned form of its arguments, `V` what of its
/// result is kept.
///
/// The arguments come as one tuple that borrows them; they are hashed and compared where they lie,
/// and owned on a miss only.
pub struct Calls<'m, K, V> {
    cache: CacheRef<'m, K, V>,
    stores: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
impl<'m, K, V> Calls<'m, K, V> {
    /// Calls that a cache in an object is to answer.
    #[must_use]
    pub fn of(cache: &'m Cache<K, V>) -> Self {
        #[cfg(feature = "testing")]
        let (cache, stores) = (CacheRef::Shared(cache), !cache.is_disabled());
        #[cfg(not(feature = "testing"))]
        let stores = !cache.is_disabled();
        Self { cache, stores }
    }

    #[inline]
    pub(crate) fn new(cache: CacheRef<'m, K, V>, stores: bool) -> Self {
        Self { cache, stores }
    }

    /// A call: returns what is remembered and counts a hit, or counts a miss and returns what
    /// is needed to remember the result.
    ///
    /// # Errors
    ///
    /// A [`Miss`] says that the result must be computed.
    // Each memoized function calls this in one place, so a copy there costs nothing. Not in debug
    // builds, where a copy costs stack.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see above"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn look<P, R, O>(self, key: P, outcome: O) -> Result<R, Miss<'m, K, V, O>>
    where
        P: Part<Stored = K>,
        O: Outcome<R, Kept = V>,
    {
        if !self.stores {
            return Err(self.uncached(outcome));
        }
        let hash = KeyHash::of_part(&key);
        match self.cache.look(hash, |stored| key.eq_stored(stored), |kept| outcome.answer(kept)) {
            Ok(result) => Ok(result),
            Err(began) => Err(Miss::new(self.cache, hash, &key, Origin::Computed(began), outcome)),
        }
    }

    /// A computation that is to replace what is remembered: counts a miss.
    pub fn refresh<P: Part<Stored = K>, O>(self, key: P, outcome: O) -> Miss<'m, K, V, O> {
        if !self.stores {
            return self.uncached(outcome);
        }
        let hash = KeyHash::of_part(&key);
        let origin = Origin::Refreshed(self.cache.begin());
        Miss::new(self.cache, hash, &key, origin, outcome)
    }

    /// A miss in a cache that stores nothing.
    #[inline]
    fn uncached<O>(self, outcome: O) -> Miss<'m, K, V, O> {
        self.cache.miss_uncached();
        Miss { cache: self.cache, pending: None, outcome }
    }

    /// Whether a result is remembered. Counts nothing, moves nothing.
    pub fn contains<P: Part<Stored = K>>(self, key: P) -> bool {
        let hash = KeyHash::of_part(&key);
        self.cache.peek_with(hash, |stored| key.eq_stored(stored), |_| ()).is_some()
    }

    /// What is remembered, as the function would return it. Counts nothing, moves nothing.
    pub fn peek<P, R, O>(self, key: P, outcome: O) -> Option<R>
    where
        P: Part<Stored = K>,
        O: Outcome<R, Kept = V>,
    {
        let hash = KeyHash::of_part(&key);
        self.cache.peek_with(hash, |stored| key.eq_stored(stored), |kept| outcome.answer(kept))
    }

    /// Remembers `result` as if it had been computed. Counts nothing.
    pub fn put<P, R, O>(self, key: P, result: R, outcome: O)
    where
        P: Part<Stored = K>,
        O: Outcome<R, Kept = V>,
    {
        if let Some(kept) = outcome.into_kept(result) {
            let hash = KeyHash::of_part(&key);
            self.cache.keep(hash, key.to_stored(), kept, Origin::Put, P::stored_eq);
        }
    }

    /// Removes one result, and says whether there was one. Counts nothing.
    pub fn invalidate<P: Part<Stored = K>>(self, key: P) -> bool {
        let hash = KeyHash::of_part(&key);
        self.cache.forget(hash, |stored| key.eq_stored(stored))
    }

    /// Forgets everything and sets the counters to zero.
    pub fn clear(self) {
        self.cache.clear();
    }

    /// Hits, misses, bound and number of entries, read together.
    #[must_use]
    pub fn info(self) -> CacheInfo {
        self.cache.info()
    }

    /// The options the function was memoized with.
    #[must_use]
    pub fn parameters(self, typed: bool) -> CacheParameters {
        CacheParameters { maxsize: self.cache.maxsize(), typed }
    }
}

impl<K, V> fmt::Debug for Calls<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("info", &self.cache.info()).finish_non_exhaustive()
    }
}

/// A call that was not answered from the cache. Owns the key, and borrows no argument.
#[must_use = "the result is remembered by `keep`"]
pub struct Miss<'m, K, V, O> {
    cache: CacheRef<'m, K, V>,
    /// `None` where nothing is stored anyway.
    pending: Option<Pending<K>>,
    outcome: O,
}

struct Pending<K> {
    hash: KeyHash,
    key: K,
    origin: Origin,
    same: fn(&K, &K) -> bool,
}

impl<'m, K, V, O> Miss<'m, K, V, O> {
    #[inline]
    fn new<P: Part<Stored = K>>(
        cache: CacheRef<'m, K, V>,
        hash: KeyHash,
        key: &P,
        origin: Origin,
        outcome: O,
    ) -> Self {
        let pending = Pending { hash, key: key.to_stored(), origin, same: P::stored_eq };
        Self { cache, pending: Some(pending), outcome }
    }

    /// Remembers `result`, where it is one to be remembered, and returns it.
    #[inline]
    pub fn keep<R>(self, result: R) -> R
    where
        O: Outcome<R, Kept = V>,
    {
        if let Some(Pending { hash, key, origin, same }) = self.pending {
            // Cloned before the lock is taken.
            if let Some(kept) = self.outcome.kept(&result) {
                self.cache.keep(hash, key, kept, origin, same);
            }
        }
        result
    }
}

impl<K, V, O> fmt::Debug for Miss<'_, K, V, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Miss").field("info", &self.cache.info()).finish_non_exhaustive()
    }
}
