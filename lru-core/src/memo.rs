//! The cache that stands behind a memoized function, in a `static`.

use core::fmt;

use crate::calls::Calls;
use crate::engine::Engine;
use crate::maxsize::MaxSize;
use crate::plan::{NoPlan, Plan};
use crate::policy::{Lru, Policy};
#[cfg(feature = "backend")]
use crate::store::Table;
use crate::term::Term;

/// The bound of a [`Memo`] that has none.
pub const UNBOUNDED: i128 = -1;

/// The mode that a bound in a type stands for.
pub(crate) const fn mode(maxsize: i128) -> MaxSize {
    if maxsize == UNBOUNDED { MaxSize::Unbounded } else { MaxSize::of(maxsize) }
}

/// Whether anything is stored; what has terms goes to its store all the same, as its bound may change.
pub(crate) const fn stores<T: Term>(mode: MaxSize) -> bool {
    !(T::IS_BARE && matches!(mode, MaxSize::Disabled))
}

/// The engines in a `static`, as the current thread sees them.
#[cfg(not(feature = "testing"))]
pub(crate) type InStatic<'m, E> = &'m E;
#[cfg(feature = "testing")]
pub(crate) type InStatic<'m, E> = crate::isolation::Isolated<'m, E>;

/// Those that the current thread is to use.
#[cfg(not(feature = "testing"))]
#[inline]
pub(crate) fn in_static<E>(engines: &E) -> InStatic<'_, E> {
    engines
}
#[cfg(feature = "testing")]
pub(crate) fn in_static<E: crate::isolation::Another + 'static>(engines: &E) -> InStatic<'_, E> {
    crate::isolation::own_or_shared(engines)
}

/// The cache of one function: `K` is the owned form of its arguments, `V` what of its result is
/// remembered, `MAXSIZE` how many results are: [`UNBOUNDED`], or what [`bound`](crate::bound) makes of a
/// number. The bound is part of the type so that no call has to ask for the mode.
pub struct Memo<K, V, const MAXSIZE: i128, P: Policy = Lru, T: Term = ()>(Engine<K, V, P, T>);

impl<K, V, const MAXSIZE: i128, P, T> Memo<K, V, MAXSIZE, P, T>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    P: Policy + Send + 'static,
    T: Term<Queue: Send> + Send + 'static,
{
    const MODE: MaxSize = mode(MAXSIZE);

    /// An empty cache. Takes no memory yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a `static` is made by a constant")]
    pub const fn new() -> Self {
        Self(Engine::new(Self::MODE))
    }

    /// How many computations there are that others may wait for, and how many calls do: for tests.
    #[cfg(feature = "testing")]
    pub fn in_flight(&self) -> (usize, usize) {
        in_static(&self.0).flights().count()
    }

    /// The cache that the current thread is to use, to be called.
    #[inline]
    pub fn planned<S: Plan<K, V, T>>(&self, plan: S) -> Calls<InStatic<'_, Engine<K, V, P, T>>, S> {
        Calls::new(in_static(&self.0), stores::<T>(Self::MODE), plan)
    }
}

impl<K, V, const MAXSIZE: i128, P> Memo<K, V, MAXSIZE, P>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    P: Policy + Send + 'static,
{
    /// The same, where there is nothing to plan.
    #[inline]
    pub fn calls(&self) -> Calls<InStatic<'_, Engine<K, V, P, ()>>, NoPlan> {
        self.planned(NoPlan)
    }
}

#[cfg(feature = "backend")]
impl<K, V, const MAXSIZE: i128, P, T> crate::backend::Fronting for Memo<K, V, MAXSIZE, P, T>
where
    K: Send + Sync,
    V: Send + Sync,
    P: Policy + Send,
    T: Term<Queue: Send, Lent<Table<K, V, T>>: Send> + Send,
{
    fn front(&'static self) -> Option<&'static dyn crate::backend::Front> {
        (!matches!(mode(MAXSIZE), MaxSize::Disabled)).then_some(&self.0)
    }
}

impl<K, V, const MAXSIZE: i128, P: Policy, T: Term> fmt::Debug for Memo<K, V, MAXSIZE, P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memo").field(&self.0).finish()
    }
}
