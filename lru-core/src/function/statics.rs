//! The cache that stands behind a memoized function, in a `static`.

use core::fmt;

use crate::engine::lifecycle::{Lifecycle, NoLifecycle};
use crate::engine::lock::{LockOf, Locking, PlainLock, Quietly};
use crate::engine::{Engine, State};
use crate::expiry::lease::EntryMeta;
use crate::function::call::CacheHandle;
use crate::store::maxsize::MaxSize;
use crate::store::policy::{Lru, Policy};

/// The bound of a [`Memo`] that has none.
pub const UNBOUNDED: i128 = -1;

/// The mode that a bound in a type stands for.
pub(crate) const fn mode(maxsize: i128) -> MaxSize {
    if maxsize == UNBOUNDED { MaxSize::Unbounded } else { MaxSize::of(maxsize) }
}

/// Whether anything is stored; what has terms goes to its store all the same, as its bound may change.
pub(crate) const fn stores<T: EntryMeta>(mode: MaxSize) -> bool {
    !(T::IS_BARE && matches!(mode, MaxSize::Disabled))
}

/// The engines in a `static`, as the current thread sees them.
#[cfg(not(feature = "testing"))]
pub(crate) type InStatic<'m, E> = &'m E;
#[cfg(feature = "testing")]
pub(crate) type InStatic<'m, E> = crate::engine::placement::isolation::Isolated<'m, E>;

/// Engines in a `static`, of which a thread may have its own.
#[cfg(not(feature = "testing"))]
pub trait Shared {}
#[cfg(not(feature = "testing"))]
impl<E> Shared for E {}
#[cfg(feature = "testing")]
pub trait Shared: crate::engine::placement::isolation::Another {}
#[cfg(feature = "testing")]
impl<E: crate::engine::placement::isolation::Another> Shared for E {}

/// Those that the current thread is to use.
#[cfg(not(feature = "testing"))]
#[inline]
pub(crate) fn in_static<E>(engines: &E) -> InStatic<'_, E> {
    engines
}
#[cfg(feature = "testing")]
pub(crate) fn in_static<E: crate::engine::placement::isolation::Another + 'static>(
    engines: &E,
) -> InStatic<'_, E> {
    crate::engine::placement::isolation::own_or_shared(engines)
}

/// The cache of one function: `K` is the owned form of its arguments, `V` what of its result is
/// remembered, `MAXSIZE` how many results are: [`UNBOUNDED`], or what [`bound`](crate::bound) makes of a
/// number. The bound is part of the type so that no call has to ask for the mode. `QUIET` is what
/// [`quiet!`](crate::function::no_callbacks) says of the arguments and of what is remembered.
pub struct Memo<K, V, const MAXSIZE: i128, P: Policy = Lru, T: EntryMeta = (), const QUIET: bool = false>(
    EngineBy<K, V, P, T, QUIET>,
)
where
    Quietly<QUIET>: Locking;

/// The engine, by whether it is quiet.
type EngineBy<K, V, P, T, const QUIET: bool> = Engine<K, V, P, T, LockOf<QUIET, State<K, V, P, T>>>;

/// A cache as it begins. By a constant, as it is to be one of a `static`, whichever lock it has.
pub trait Empty {
    /// Nothing is in it, and it takes no memory yet.
    const EMPTY: Self;
}

impl<K, V, const MAXSIZE: i128, P: Policy, T: EntryMeta> Empty for Memo<K, V, MAXSIZE, P, T> {
    const EMPTY: Self = Self(Engine::new(mode(MAXSIZE)));
}

impl<K: Clone, V: Clone, const MAXSIZE: i128, P: Policy> Empty for Memo<K, V, MAXSIZE, P, (), true> {
    const EMPTY: Self = Self(Engine::quiet(mode(MAXSIZE), PlainLock::new(State::new(mode(MAXSIZE)))));
}

impl<K, V, const MAXSIZE: i128, P, T, const QUIET: bool> Memo<K, V, MAXSIZE, P, T, QUIET>
where
    Quietly<QUIET>: Locking,
    EngineBy<K, V, P, T, QUIET>: Shared,
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    P: Policy + Send + 'static,
    T: EntryMeta<Queue: Send> + Send + 'static,
{
    /// How many computations there are that others may wait for, and how many calls do: for tests.
    #[cfg(feature = "testing")]
    pub fn in_flight(&self) -> (usize, usize) {
        in_static(&self.0).flights().count()
    }

    /// The cache that the current thread is to use, to be called.
    #[inline]
    pub fn planned<S>(&self, plan: S) -> CacheHandle<InStatic<'_, EngineBy<K, V, P, T, QUIET>>, S>
    where
        S: Lifecycle<K, V, T>,
    {
        CacheHandle::new(in_static(&self.0), stores::<T>(mode(MAXSIZE)), plan)
    }
}

impl<K, V, const MAXSIZE: i128, P, const QUIET: bool> Memo<K, V, MAXSIZE, P, (), QUIET>
where
    Quietly<QUIET>: Locking,
    EngineBy<K, V, P, (), QUIET>: Shared,
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    P: Policy + Send + 'static,
{
    /// The same, where there is nothing to plan.
    #[inline]
    pub fn calls(&self) -> CacheHandle<InStatic<'_, EngineBy<K, V, P, (), QUIET>>, NoLifecycle> {
        self.planned(NoLifecycle)
    }
}

#[cfg(feature = "backend")]
impl<K, V, const MAXSIZE: i128, P, T, const QUIET: bool> crate::backend::invalidation::Fronting
    for Memo<K, V, MAXSIZE, P, T, QUIET>
where
    Quietly<QUIET>: Locking,
    EngineBy<K, V, P, T, QUIET>: Sync,
    P: Policy,
    T: EntryMeta,
{
    fn front(&'static self) -> Option<&'static dyn crate::backend::invalidation::Front> {
        (!matches!(mode(MAXSIZE), MaxSize::Disabled)).then_some(&self.0)
    }
}

impl<K, V, const MAXSIZE: i128, P: Policy, T: EntryMeta, const QUIET: bool> fmt::Debug
    for Memo<K, V, MAXSIZE, P, T, QUIET>
where
    Quietly<QUIET>: Locking,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memo").field(&self.0).finish()
    }
}
