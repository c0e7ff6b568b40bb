//! Where the engine of a call is: the only one of a cache, one of several by the key, or that of a thread.

#[cfg(feature = "testing")]
pub(crate) mod isolation;
pub(crate) mod nested;
pub(crate) mod per_thread;
pub(crate) mod replicated;
pub(crate) mod sharded;

use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::Lock;
use crate::engine::{Engine, Lender, State};
use crate::key::KeyHash;
use crate::observe::info::CacheInfo;
use crate::store::types::CacheTypes;

/// The engines behind a function.
///
/// What is asked of one runs within `at`, `change`, `first` or `each`: outside, nobody knows where it is.
pub trait Placement {
    /// What the cache is made of.
    type Types: CacheTypes;
    /// The lock of an engine.
    type Lock: Lock<State<Self::Types>>;

    /// Asks the engine that has the keys of this hash.
    fn ask<Q: Question<EngineOf<Self>>>(&self, hash: KeyHash, question: Q) -> Q::Answer;

    /// The same.
    #[inline]
    fn at<R>(&self, hash: KeyHash, ask: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        self.ask(hash, By(ask))
    }

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

/// What an engine is asked. A closure, unless it must be inlined whatever the compiler thinks of it: it can't say
/// so of itself.
pub trait Question<E: Lender> {
    /// What comes of it.
    type Answer;

    /// Whether what an engine lends may answer it.
    const READS: bool = false;

    /// Reads the answer in what an engine has lent. Where it is not there, the engine must be asked.
    #[inline]
    fn read_in(&self, table: &E::Table) -> Option<Self::Answer> {
        let _ = table;
        None
    }

    /// Puts it to an engine.
    fn put_to(self, engine: &E) -> Self::Answer;

    /// What comes of it where there is none, unlike one with nothing in it, which may be made.
    #[inline]
    fn put_to_nobody(self, empty: impl FnOnce() -> E) -> Self::Answer
    where
        Self: Sized,
    {
        self.put_to(&empty())
    }
}

/// Asked by a closure.
struct By<F>(F);

impl<E: Lender, R, F: FnOnce(&E) -> R> Question<E> for By<F> {
    type Answer = R;

    #[inline]
    fn put_to(self, engine: &E) -> R {
        self.0(engine)
    }
}

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
    fn ask<Q: Question<Self>>(&self, _: KeyHash, question: Q) -> Q::Answer {
        question.put_to(self)
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
            fn ask<Q: Question<EngineOf<E>>>(&self, hash: KeyHash, question: Q) -> Q::Answer {
                (**self).ask(hash, question)
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
