//! What stands behind a memoized function: a cache that is looked up by arguments where they lie.

use core::fmt;

use crate::cache::{Cache, Origin};
use crate::info::{CacheInfo, CacheParameters};
use crate::key::{Argument, KeyHash};
use crate::maxsize::MaxSize;
use crate::outcome::{Outcome, Outcomes};

/// The cache of a memo, as the current thread sees it.
#[cfg(not(feature = "testing"))]
type CacheRef<'m, K, V> = &'m Cache<K, V>;
#[cfg(feature = "testing")]
use crate::isolation::CacheRef;

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

impl<K, O, const MAXSIZE: i128> Memo<K, O, MAXSIZE>
where
    K: Send + Sync + 'static,
    O: Outcome<Kept: Send + Sync + 'static>,
{
    const MODE: MaxSize = if MAXSIZE == UNBOUNDED { MaxSize::Unbounded } else { MaxSize::of(MAXSIZE) };
    const STORES: bool = !matches!(Self::MODE, MaxSize::Disabled);

    /// An empty cache. Takes no memory yet.
    #[must_use]
    pub const fn new(typed: bool) -> Self {
        Self { cache: Cache::with_maxsize(Self::MODE), typed }
    }

    /// The cache that the current thread is to use.
    #[inline]
    fn cache(&self) -> CacheRef<'_, K, O::Kept> {
        #[cfg(feature = "testing")]
        return CacheRef::of(&self.cache);
        #[cfg(not(feature = "testing"))]
        &self.cache
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
        let cache = self.cache();
        if !Self::STORES {
            cache.miss_uncached();
            return Err(Miss { cache, pending: None });
        }
        let hash = KeyHash::of_argument(&arguments);
        match cache.look(hash, |stored| arguments.eq_stored(stored)) {
            Ok(kept) => Ok(O::answer(kept)),
            Err(began) => Err(Miss::new(cache, hash, &arguments, Origin::Computed(began))),
        }
    }

    /// A computation that is to replace what is remembered: counts a miss.
    pub fn refresh<A: Argument<Stored = K>>(&self, arguments: A) -> Miss<'_, K, O> {
        let cache = self.cache();
        if !Self::STORES {
            cache.miss_uncached();
            return Miss { cache, pending: None };
        }
        let hash = KeyHash::of_argument(&arguments);
        let origin = Origin::Refreshed(cache.begin());
        Miss::new(cache, hash, &arguments, origin)
    }

    /// Whether a result is remembered. Counts nothing, moves nothing.
    pub fn contains<A: Argument<Stored = K>>(&self, arguments: A) -> bool {
        let hash = KeyHash::of_argument(&arguments);
        self.cache().peek_with(hash, |stored| arguments.eq_stored(stored), |_| ()).is_some()
    }

    /// What is remembered, as the function would return it. Counts nothing, moves nothing.
    pub fn peek<A: Argument<Stored = K>, R>(&self, arguments: A) -> Option<R>
    where
        O: Outcomes<R>,
    {
        let hash = KeyHash::of_argument(&arguments);
        self.cache().peek_with(hash, |stored| arguments.eq_stored(stored), O::Kept::clone).map(O::answer)
    }

    /// Remembers `result` as if it had been computed. Counts nothing.
    pub fn put<A: Argument<Stored = K>, R>(&self, arguments: A, result: R)
    where
        O: Outcomes<R>,
    {
        if let Some(kept) = O::into_kept(result) {
            let hash = KeyHash::of_argument(&arguments);
            self.cache().keep(hash, arguments.to_stored(), kept, Origin::Put, A::stored_eq);
        }
    }

    /// Removes one result, and says whether there was one. Counts nothing.
    pub fn invalidate<A: Argument<Stored = K>>(&self, arguments: A) -> bool {
        let hash = KeyHash::of_argument(&arguments);
        self.cache().forget(hash, |stored| arguments.eq_stored(stored))
    }

    /// Forgets everything and sets the counters to zero.
    pub fn clear(&self) {
        self.cache().clear();
    }

    /// Hits, misses, bound and number of entries, read together.
    #[must_use]
    pub fn info(&self) -> CacheInfo {
        self.cache().info()
    }

    /// The options the function was memoized with.
    #[must_use]
    pub fn parameters(&self) -> CacheParameters {
        CacheParameters { maxsize: Self::MODE.to_option(), typed: self.typed }
    }
}

impl<K, O, const MAXSIZE: i128> fmt::Debug for Memo<K, O, MAXSIZE>
where
    K: Send + Sync + 'static,
    O: Outcome<Kept: Send + Sync + 'static>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").field("info", &self.info()).field("typed", &self.typed).finish_non_exhaustive()
    }
}

/// A call that was not answered from the cache. Owns the key, and borrows no argument.
#[must_use = "the result is remembered by `keep`"]
pub struct Miss<'m, K, O: Outcome> {
    cache: CacheRef<'m, K, O::Kept>,
    /// `None` where nothing is stored anyway.
    pending: Option<Pending<K>>,
}

struct Pending<K> {
    hash: KeyHash,
    key: K,
    origin: Origin,
    same: fn(&K, &K) -> bool,
}

impl<'m, K, O: Outcome> Miss<'m, K, O> {
    #[inline]
    fn new<A: Argument<Stored = K>>(
        cache: CacheRef<'m, K, O::Kept>,
        hash: KeyHash,
        arguments: &A,
        origin: Origin,
    ) -> Self {
        let pending = Pending { hash, key: arguments.to_stored(), origin, same: A::stored_eq };
        Self { cache, pending: Some(pending) }
    }

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
        f.debug_struct("Miss").field("info", &self.cache.info()).finish_non_exhaustive()
    }
}
