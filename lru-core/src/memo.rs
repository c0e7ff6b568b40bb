//! What stands behind a memoized function: a cache that is looked up by arguments where they lie.

use core::fmt;

use crate::cache::{Cache, Origin};
use crate::info::{CacheInfo, CacheParameters};
use crate::key::{Argument, KeyHash};
use crate::maxsize::MaxSize;
use crate::outcome::{Outcome, Outcomes};

/// The bound of a [`Memo`] that has none.
pub const UNBOUNDED: i128 = -1;

/// The cache of one function: `K` is the owned form of its arguments, `O` says what of its result
/// is remembered, `MAXSIZE` how many results are: [`UNBOUNDED`], or what [`bound`](crate::bound) makes of a
/// number. The bound is part of the type so that no call has to ask for the mode.
///
/// This is what `#[lru_cache]` puts into a `static`. The arguments come as one tuple that borrows
/// them; they are hashed and compared where they lie, and owned on a miss only.
pub struct Memo<K, O: Outcome, const MAXSIZE: i128> {
    cache: Cache<K, O::Kept>,
    typed: bool,
}

impl<K, O: Outcome, const MAXSIZE: i128> Memo<K, O, MAXSIZE> {
    const MODE: MaxSize = if MAXSIZE == UNBOUNDED { MaxSize::Unbounded } else { MaxSize::of(MAXSIZE) };
    const STORES: bool = !matches!(Self::MODE, MaxSize::Disabled);

    /// An empty cache. Takes no memory yet.
    #[must_use]
    pub const fn new(typed: bool) -> Self {
        Self { cache: Cache::with_maxsize(Self::MODE), typed }
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
    pub fn look<A: Argument<Stored = K>, R>(&self, arguments: A) -> Result<R, Miss<'_, K, O>>
    where
        O: Outcomes<R>,
    {
        if !Self::STORES {
            self.cache.miss_uncached();
            return Err(Miss { cache: &self.cache, pending: None });
        }
        let hash = KeyHash::of_argument(&arguments);
        match self.cache.look(hash, |stored| arguments.eq_stored(stored)) {
            Ok(kept) => Ok(O::answer(kept)),
            Err(began) => Err(self.miss(hash, &arguments, Origin::Computed(began))),
        }
    }

    /// A computation that is to replace what is remembered: counts a miss.
    pub fn refresh<A: Argument<Stored = K>>(&self, arguments: A) -> Miss<'_, K, O> {
        if !Self::STORES {
            self.cache.miss_uncached();
            return Miss { cache: &self.cache, pending: None };
        }
        let hash = KeyHash::of_argument(&arguments);
        self.miss(hash, &arguments, Origin::Refreshed(self.cache.begin()))
    }

    #[inline]
    fn miss<A: Argument<Stored = K>>(&self, hash: KeyHash, arguments: &A, origin: Origin) -> Miss<'_, K, O> {
        let pending = Pending { hash, key: arguments.to_stored(), origin, same: A::stored_eq };
        Miss { cache: &self.cache, pending: Some(pending) }
    }

    /// Whether a result is remembered. Counts nothing, moves nothing.
    pub fn contains<A: Argument<Stored = K>>(&self, arguments: A) -> bool {
        let hash = KeyHash::of_argument(&arguments);
        self.cache.peek_with(hash, |stored| arguments.eq_stored(stored), |_| ()).is_some()
    }

    /// What is remembered, as the function would return it. Counts nothing, moves nothing.
    pub fn peek<A: Argument<Stored = K>, R>(&self, arguments: A) -> Option<R>
    where
        O: Outcomes<R>,
    {
        let hash = KeyHash::of_argument(&arguments);
        self.cache.peek_with(hash, |stored| arguments.eq_stored(stored), O::Kept::clone).map(O::answer)
    }

    /// Remembers `result` as if it had been computed. Counts nothing.
    pub fn put<A: Argument<Stored = K>, R>(&self, arguments: A, result: R)
    where
        O: Outcomes<R>,
    {
        if let Some(kept) = O::into_kept(result) {
            let hash = KeyHash::of_argument(&arguments);
            self.cache.keep(hash, arguments.to_stored(), kept, Origin::Put, A::stored_eq);
        }
    }

    /// Removes one result, and says whether there was one. Counts nothing.
    pub fn invalidate<A: Argument<Stored = K>>(&self, arguments: A) -> bool {
        let hash = KeyHash::of_argument(&arguments);
        self.cache.forget(hash, |stored| arguments.eq_stored(stored))
    }

    /// Forgets everything and sets the counters to zero.
    pub fn clear(&self) {
        self.cache.clear();
    }

    /// Hits, misses, bound and number of entries, read together.
    #[must_use]
    pub fn info(&self) -> CacheInfo {
        self.cache.info()
    }

    /// The options the function was memoized with.
    #[must_use]
    pub fn parameters(&self) -> CacheParameters {
        CacheParameters { maxsize: Self::MODE.to_option(), typed: self.typed }
    }
}

impl<K, O: Outcome, const MAXSIZE: i128> fmt::Debug for Memo<K, O, MAXSIZE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").field("info", &self.info()).field("typed", &self.typed).finish_non_exhaustive()
    }
}

/// A call that was not answered from the cache. Owns the key, and borrows no argument.
#[must_use = "the result is remembered by `keep`"]
pub struct Miss<'m, K, O: Outcome> {
    cache: &'m Cache<K, O::Kept>,
    /// `None` where nothing is stored anyway.
    pending: Option<Pending<K>>,
}

struct Pending<K> {
    hash: KeyHash,
    key: K,
    origin: Origin,
    same: fn(&K, &K) -> bool,
}

impl<K, O: Outcome> Miss<'_, K, O> {
    /// Remembers `result`, where it is one to be remembered, and returns it.
    #[inline]
    pub fn keep<R>(self, result: R) -> R
    where
        O: Outcomes<R>,
    {
        if let Some(Pending { hash, key, origin, same }) = self.pending {
            // Cloned before the lock is taken.
            if let Some(kept) = O::kept(&result) {
                self.cache.keep(hash, key, kept, origin, same);
            }
        }
        result
    }
}

impl<K, O: Outcome> fmt::Debug for Miss<'_, K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Miss").field("cache", self.cache).finish_non_exhaustive()
    }
}
