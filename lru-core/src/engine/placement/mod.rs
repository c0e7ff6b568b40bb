//! Where the engine of a call is: the only one of a cache, one of several by the key, or that of a thread.

#[cfg(feature = "backend")]
pub(crate) mod invalidate;
#[cfg(feature = "testing")]
pub(crate) mod isolation;
pub(crate) mod nested;
pub(crate) mod per_thread;
pub(crate) mod replicated;
pub(crate) mod sharded;

use crate::engine::Engine;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::Lock;
use crate::engine::state::State;
use crate::expiry::entry_info::Freshness;
use crate::key::KeyHash;
use crate::observe::info::CacheInfo;
use crate::store::change_log::Epoch;
use crate::store::entry::Entry;
use crate::store::types::CacheTypes;

/// The engines behind a function.
///
/// What is asked of one runs within `at`, `change`, `first` or `each`: outside, nobody knows where it is.
pub trait Placement {
    /// What the cache is made of.
    type Types: CacheTypes;
    /// The lock of an engine.
    type Lock: Lock<State<Self::Types>>;

    /// Looks a key up for a caller, as [`Engine::lookup`] does.
    ///
    /// This and the next two are methods of their own, and not closures for [`at`](Self::at), as `inline(always)`
    /// cannot be put on a closure.
    ///
    /// # Errors
    ///
    /// A miss: the point in time at which it was counted.
    fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&StoredKey<Self>) -> bool,
        read: impl Fn(&StoredValue<Self>) -> R,
        lifecycle: &impl Lifecycle<Self::Types>,
    ) -> Result<R, Epoch>;

    /// Looks a key up without counting a miss, as [`Engine::lookup_uncounted`] does.
    fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&StoredKey<Self>) -> bool,
        read: impl Fn(&StoredValue<Self>) -> R,
        lifecycle: &impl Lifecycle<Self::Types>,
    ) -> Option<(R, Freshness)>;

    /// Inserts the result of a computation that began at `began`, as [`Engine::insert_computed`] does.
    fn insert_computed(
        &self,
        entry: Entry<Self::Types>,
        began: Epoch,
        same: impl Fn(&StoredKey<Self>, &StoredKey<Self>) -> bool,
        lifecycle: &impl Lifecycle<Self::Types>,
    );

    /// Asks the engine that has the keys of this hash.
    fn at<R>(&self, hash: KeyHash, ask: impl FnOnce(&EngineOf<Self>) -> R) -> R;

    /// The same, to change what is under a key: that must not get lost.
    #[inline]
    fn change<R>(&self, hash: KeyHash, ask: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        self.at(hash, ask)
    }

    /// Asks one that speaks for all, where the key does not matter.
    fn first<R>(&self, ask: impl FnOnce(&EngineOf<Self>) -> R) -> R;

    /// Asks each of them.
    fn each(&self, change: Change, ask: impl FnMut(&EngineOf<Self>));

    /// Carries out what could not be done at once where the keys of this hash are: before a call.
    #[inline]
    fn catch_up(&self, hash: KeyHash, plan: &impl Lifecycle<Self::Types>) {
        let _ = (hash, plan);
    }

    /// The same, wherever keys are: before all are asked.
    fn catch_up_all(&self, plan: &impl Lifecycle<Self::Types>) {
        let _ = plan;
    }

    /// Hits, misses, bound and size of all, read together.
    fn info(&self, plan: &impl Lifecycle<Self::Types>) -> CacheInfo;

    /// The bound of all as it is now.
    fn maxsize(&self) -> Option<usize>;

    /// Whether the current thread holds the lock of any: then it had better wait for nobody.
    fn is_held(&self) -> bool;
}

/// One of them.
pub type EngineOf<E> = Engine<<E as Placement>::Types, <E as Placement>::Lock>;

/// The stored form of their keys.
pub(crate) type StoredKey<E> = <<E as Placement>::Types as CacheTypes>::Key;

/// Their values.
pub(crate) type StoredValue<E> = <<E as Placement>::Types as CacheTypes>::Value;

/// What is to happen to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: they are read.
    None,
    /// Some entries are to go.
    Retain,
    /// All are to go, and the counters start anew.
    Clear,
}

impl<C: CacheTypes, L: Lock<State<C>>> Placement for Engine<C, L> {
    type Types = C;
    type Lock = L;

    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<R, Epoch> {
        Engine::lookup(self, hash, matches, read, lifecycle)
    }

    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Option<(R, Freshness)> {
        Engine::lookup_uncounted(self, hash, matches, read, lifecycle)
    }

    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn insert_computed(
        &self,
        entry: Entry<C>,
        began: Epoch,
        same: impl Fn(&C::Key, &C::Key) -> bool,
        lifecycle: &impl Lifecycle<C>,
    ) {
        let Entry { hash, key, value, term } = entry;
        Engine::insert_computed(self, hash, key, value, term, began, same, lifecycle);
    }

    #[inline]
    fn at<R>(&self, _: KeyHash, ask: impl FnOnce(&Self) -> R) -> R {
        ask(self)
    }

    #[inline]
    fn first<R>(&self, ask: impl FnOnce(&Self) -> R) -> R {
        ask(self)
    }

    fn each(&self, _: Change, mut ask: impl FnMut(&Self)) {
        ask(self);
    }

    fn info(&self, plan: &impl Lifecycle<C>) -> CacheInfo {
        Engine::info(self, plan)
    }

    fn maxsize(&self) -> Option<usize> {
        Engine::maxsize(self)
    }

    fn is_held(&self) -> bool {
        Engine::is_held(self)
    }
}

/// By what they are behind.
macro_rules! behind {
    ($($(#[$cfg:meta])? $pointer:ty)*) => { $(
        $(#[$cfg])?
        impl<E: Placement> Placement for $pointer {
            type Types = E::Types;
            type Lock = E::Lock;

            #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
            #[cfg_attr(not(debug_assertions), inline(always))]
            fn lookup<R>(
                &self,
                hash: KeyHash,
                matches: impl Fn(&StoredKey<E>) -> bool,
                read: impl Fn(&StoredValue<E>) -> R,
                lifecycle: &impl Lifecycle<E::Types>,
            ) -> Result<R, Epoch> {
                (**self).lookup(hash, matches, read, lifecycle)
            }

            #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
            #[cfg_attr(not(debug_assertions), inline(always))]
            fn lookup_uncounted<R>(
                &self,
                hash: KeyHash,
                matches: impl Fn(&StoredKey<E>) -> bool,
                read: impl Fn(&StoredValue<E>) -> R,
                lifecycle: &impl Lifecycle<E::Types>,
            ) -> Option<(R, Freshness)> {
                (**self).lookup_uncounted(hash, matches, read, lifecycle)
            }

            #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
            #[cfg_attr(not(debug_assertions), inline(always))]
            fn insert_computed(
                &self,
                entry: Entry<E::Types>,
                began: Epoch,
                same: impl Fn(&StoredKey<E>, &StoredKey<E>) -> bool,
                lifecycle: &impl Lifecycle<E::Types>,
            ) {
                (**self).insert_computed(entry, began, same, lifecycle);
            }

            #[inline]
            fn at<R>(&self, hash: KeyHash, ask: impl FnOnce(&EngineOf<E>) -> R) -> R {
                (**self).at(hash, ask)
            }

            #[inline]
            fn change<R>(&self, hash: KeyHash, ask: impl FnOnce(&EngineOf<E>) -> R) -> R {
                (**self).change(hash, ask)
            }

            #[inline]
            fn first<R>(&self, ask: impl FnOnce(&EngineOf<E>) -> R) -> R {
                (**self).first(ask)
            }

            fn each(&self, change: Change, ask: impl FnMut(&EngineOf<E>)) {
                (**self).each(change, ask);
            }

            #[inline]
            fn catch_up(&self, hash: KeyHash, plan: &impl Lifecycle<E::Types>) {
                (**self).catch_up(hash, plan);
            }

            fn catch_up_all(&self, plan: &impl Lifecycle<E::Types>) {
                (**self).catch_up_all(plan);
            }

            fn info(&self, plan: &impl Lifecycle<E::Types>) -> CacheInfo {
                (**self).info(plan)
            }

            fn maxsize(&self) -> Option<usize> {
                (**self).maxsize()
            }

            fn is_held(&self) -> bool {
                (**self).is_held()
            }
        }
    )* };
}

behind! { &E #[cfg(feature = "testing")] crate::engine::placement::isolation::Isolated<'_, E> }
