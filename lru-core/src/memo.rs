//! The cache that stands behind a memoized function, in a `static`.

use core::fmt;

use crate::cache::Cache;
use crate::calls::Calls;
use crate::maxsize::MaxSize;

/// The bound of a [`Memo`] that has none.
pub const UNBOUNDED: i128 = -1;

/// The cache of one function: `K` is the owned form of its arguments, `V` what of its result is
/// remembered, `MAXSIZE` how many results are: [`UNBOUNDED`], or what [`bound`](crate::bound) makes of a
/// number. The bound is part of the type so that no call has to ask for the mode.
pub struct Memo<K, V, const MAXSIZE: i128>(Cache<K, V>);

impl<K: Send + Sync + 'static, V: Send + Sync + 'static, const MAXSIZE: i128> Memo<K, V, MAXSIZE> {
    const MODE: MaxSize = if MAXSIZE == UNBOUNDED { MaxSize::Unbounded } else { MaxSize::of(MAXSIZE) };

    /// An empty cache. Takes no memory yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a `static` is made by a constant")]
    pub const fn new() -> Self {
        Self(Cache::with_maxsize(Self::MODE))
    }

    /// The cache that the current thread is to use, to be called.
    #[inline]
    pub fn calls(&self) -> Calls<'_, K, V> {
        #[cfg(feature = "testing")]
        let cache = crate::isolation::CacheRef::of(&self.0);
        #[cfg(not(feature = "testing"))]
        let cache = &self.0;
        Calls::new(cache, !matches!(Self::MODE, MaxSize::Disabled))
    }
}

impl<K, V, const MAXSIZE: i128> fmt::Debug for Memo<K, V, MAXSIZE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memo").field(&self.0).finish()
    }
}
