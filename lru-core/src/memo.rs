//! The cache that stands behind a memoized function, in a `static`.

use core::fmt;

use crate::calls::Calls;
use crate::engine::Engine;
use crate::maxsize::MaxSize;
use crate::plan::{NoPlan, Plan};
use crate::policy::{Lru, Policy};
use crate::term::Term;

/// The bound of a [`Memo`] that has none.
pub const UNBOUNDED: i128 = -1;

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
    const MODE: MaxSize = if MAXSIZE == UNBOUNDED { MaxSize::Unbounded } else { MaxSize::of(MAXSIZE) };

    /// An empty cache. Takes no memory yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a `static` is made by a constant")]
    pub const fn new() -> Self {
        Self(Engine::new(Self::MODE))
    }

    /// How many computations there are that others may wait for, and how many calls do: for tests.
    #[cfg(feature = "testing")]
    pub fn in_flight(&self) -> (usize, usize) {
        crate::isolation::EngineRef::of(&self.0).flights().count()
    }

    /// The cache that the current thread is to use, to be called.
    #[inline]
    pub fn planned<S: Plan<K, V, T>>(&self, plan: S) -> Calls<'_, K, V, P, T, S> {
        #[cfg(feature = "testing")]
        let engine = crate::isolation::EngineRef::of(&self.0);
        #[cfg(not(feature = "testing"))]
        let engine = &self.0;
        Calls::new(engine, !(T::IS_BARE && matches!(Self::MODE, MaxSize::Disabled)), plan)
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
    pub fn calls(&self) -> Calls<'_, K, V, P, (), NoPlan> {
        self.planned(NoPlan)
    }
}

impl<K, V, const MAXSIZE: i128, P: Policy, T: Term> fmt::Debug for Memo<K, V, MAXSIZE, P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memo").field(&self.0).finish()
    }
}
