//! The per-thread placement (`scope = thread`): one cache for each thread that calls the function, without a
//! lock.

use core::marker::PhantomData;
use std::thread::LocalKey;

use crate::engine::LocalEngine;
use crate::engine::insert::Comparison;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::Unlocked;
use crate::engine::placement::{EngineOf, Placement};
use crate::engine::state::State;
use crate::expiry::Freshness;
use crate::key::KeyHash;
use crate::observe::CacheInfo;
use crate::store::maxsize::InitialSize;
use crate::store::{CacheTypes, Entry, EntryOf, Epoch, MaxSize};

/// The cache of a function in one thread, stored in a thread-local.
pub struct ThreadEngine<C: CacheTypes, const MAXSIZE: i128>(LocalEngine<C>);

impl<C: CacheTypes, const MAXSIZE: i128> ThreadEngine<C, MAXSIZE> {
    /// Creates an empty cache, without allocating memory.
    #[expect(clippy::new_without_default, reason = "a thread-local is made by a constant")]
    pub const fn new() -> Self {
        Self(LocalEngine::local(MaxSize::from_const(MAXSIZE)))
    }
}

impl<C: CacheTypes, const MAXSIZE: i128> ThreadEngine<C, MAXSIZE> {
    /// Creates an empty cache of this capacity.
    pub fn sized(size: InitialSize) -> Self {
        let engine = Self::new();
        engine.0.set_size(size);
        engine
    }
}

/// The key of the thread-local of a function.
pub(crate) type Key<C, const MAXSIZE: i128> = &'static LocalKey<ThreadEngine<C, MAXSIZE>>;

/// The placement that uses the engine of the current thread.
///
/// A call in a thread whose cache has been dropped already, as the thread ends, finds and stores nothing.
pub struct OfThread<F, C: CacheTypes + 'static, const MAXSIZE: i128> {
    key: Key<C, MAXSIZE>,
    function: PhantomData<fn() -> F>,
}

impl<F, C: CacheTypes, const MAXSIZE: i128> OfThread<F, C, MAXSIZE> {
    /// Creates the placement from its thread-local.
    #[inline]
    pub(crate) fn new(key: Key<C, MAXSIZE>) -> Self {
        Self { key, function: PhantomData }
    }
}

impl<F, C: CacheTypes, const MAXSIZE: i128> OfThread<F, C, MAXSIZE> {
    /// Runs `f` on the engine of the current thread; `None` if it has been dropped.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn with<R>(&self, f: impl FnOnce(&LocalEngine<C>) -> R) -> Option<R> {
        let with = |memo: &ThreadEngine<C, MAXSIZE>| {
            #[cfg(feature = "testing")]
            if let Some(own) = crate::engine::placement::isolation::own_local(&memo.0) {
                return f(&own);
            }
            f(&memo.0)
        };
        self.key.try_with(with).ok()
    }
}

impl<F, C: CacheTypes, const MAXSIZE: i128> Placement for OfThread<F, C, MAXSIZE> {
    type Types = C;
    type Lock = Unlocked<State<C>>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<R, Epoch> {
        self.with(|engine| engine.lookup(hash, matches, read, lifecycle)).unwrap_or(Err(Epoch::FIRST))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<(R, Freshness), Epoch> {
        self.with(|engine| engine.lookup_uncounted(hash, matches, read, lifecycle))
            .unwrap_or(Err(Epoch::UNKNOWN))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn insert_computed(
        &self,
        entry: Entry<C>,
        began: Epoch,
        compare: impl Comparison<C>,
        lifecycle: &impl Lifecycle<C>,
    ) {
        let EntryOf { hash, key, value, meta } = entry;
        self.with(|engine| engine.insert_computed(hash, key, value, meta, began, compare, lifecycle));
    }

    #[inline]
    fn at<R>(&self, _: KeyHash, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        let mut f = Some(f);
        match self.with(|engine| f.take().map(|f| f(engine))) {
            Some(Some(result)) => result,
            _ => f.take().expect("`f` was not called")(&LocalEngine::local(MaxSize::Disabled)),
        }
    }

    fn info(&self, lifecycle: &impl Lifecycle<C>) -> CacheInfo {
        let info = self.first(|engine| engine.info(lifecycle));
        CacheInfo { maxsize: self.maxsize(), ..info }
    }

    fn maxsize(&self) -> Option<usize> {
        self.with(LocalEngine::maxsize).unwrap_or_else(|| MaxSize::from_const(MAXSIZE).to_option())
    }
}

impl<F, C: CacheTypes, const MAXSIZE: i128> Clone for OfThread<F, C, MAXSIZE> {
    fn clone(&self) -> Self {
        Self { key: self.key, function: PhantomData }
    }
}
