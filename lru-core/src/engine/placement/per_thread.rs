//! The cache of a memoized function with `scope = thread`: one for each thread that calls it, without a lock.

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::LocalKey;

use crate::engine::lifecycle::{Lifecycle, NoLifecycle};
use crate::engine::lock::Unlocked;
use crate::engine::placement::{Change, EngineOf, Placement, Question};
use crate::engine::{LocalEngine, State};
use crate::expiry::lease::EntryMeta;
use crate::function::call::CacheHandle;
use crate::function::statics::{mode, stores};
use crate::key::KeyHash;
use crate::observe::info::CacheInfo;
use crate::store::maxsize::MaxSize;
use crate::store::policy::{Lru, Policy};

/// What a thread has of a function: for a thread-local.
pub struct ThreadMemo<K, V, const MAXSIZE: i128, P: Policy = Lru, T: EntryMeta = ()>(LocalEngine<K, V, P, T>);

impl<K, V, const MAXSIZE: i128, P: Policy, T: EntryMeta> ThreadMemo<K, V, MAXSIZE, P, T> {
    /// An empty cache. Takes no memory yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a thread-local is made by a constant")]
    pub const fn new() -> Self {
        Self(LocalEngine::local(mode(MAXSIZE)))
    }
}

impl<K, V, const MAXSIZE: i128, P: Policy, T: EntryMeta> fmt::Debug for ThreadMemo<K, V, MAXSIZE, P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThreadMemo").field(&self.0).finish()
    }
}

/// The thread-local of a function.
type Key<K, V, const MAXSIZE: i128, P, T> = &'static LocalKey<ThreadMemo<K, V, MAXSIZE, P, T>>;

/// The caches of one function, of which each thread has its own.
///
/// `F` is a type that this function alone has: then its calls share no code with those of others, and the
/// compiler can bring it to where they are.
pub struct PerThread<
    F,
    K: 'static,
    V: 'static,
    const MAXSIZE: i128,
    P: Policy + 'static = Lru,
    T: EntryMeta + 'static = (),
> {
    key: Key<K, V, MAXSIZE, P, T>,
    moves: bool,
    function: PhantomData<fn() -> F>,
}

impl<F, K, V, const MAXSIZE: i128, P: Policy + 'static, T: EntryMeta + 'static>
    PerThread<F, K, V, MAXSIZE, P, T>
{
    /// Those that lie there.
    #[inline]
    #[must_use]
    pub fn new(key: Key<K, V, MAXSIZE, P, T>, _: F) -> Self {
        Self { key, moves: false, function: PhantomData }
    }

    /// The same, for calls that may go on in another thread: those of an async function.
    #[inline]
    #[must_use]
    pub fn moving(key: Key<K, V, MAXSIZE, P, T>, _: F) -> Self {
        Self { key, moves: true, function: PhantomData }
    }

    /// The cache of the current thread, to be called.
    #[inline]
    pub fn planned<S: Lifecycle<K, V, T>>(self, plan: S) -> CacheHandle<OfThread<F, K, V, MAXSIZE, P, T>, S> {
        let begun = self.moves.then(|| Cell::new(None));
        let engines = OfThread { key: self.key, begun, function: PhantomData };
        CacheHandle::new(engines, stores::<T>(mode(MAXSIZE)), plan)
    }
}

impl<F, K, V, const MAXSIZE: i128, P: Policy + 'static> PerThread<F, K, V, MAXSIZE, P, ()> {
    /// The same, where there is nothing to plan.
    #[inline]
    #[must_use]
    pub fn calls(self) -> CacheHandle<OfThread<F, K, V, MAXSIZE, P, ()>, NoLifecycle> {
        self.planned(NoLifecycle)
    }
}

impl<F, K, V, const MAXSIZE: i128, P: Policy, T: EntryMeta> fmt::Debug for PerThread<F, K, V, MAXSIZE, P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerThread").finish_non_exhaustive()
    }
}

/// The engine of the thread that a call first asked.
///
/// A future may be polled on by another thread, whose cache knows nothing of what happened in this one
/// since. There, and in a thread whose cache is gone already as it ends, a call finds and stores nothing.
pub struct OfThread<
    F,
    K: 'static,
    V: 'static,
    const MAXSIZE: i128,
    P: Policy + 'static,
    T: EntryMeta + 'static,
> {
    key: Key<K, V, MAXSIZE, P, T>,
    /// Of a call that may go on in another thread, where it began, as soon as it did.
    begun: Option<Cell<Option<Place>>>,
    function: PhantomData<fn() -> F>,
}

/// Which engine: where it lies, and in which thread, as another one may lie there later.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    address: usize,
    thread: u64,
}

impl Place {
    fn of<E>(engine: &E) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        thread_local! {
            static THREAD: Cell<u64> = const { Cell::new(0) };
        }
        if THREAD.get() == 0 {
            THREAD.set(NEXT.fetch_add(1, Relaxed));
        }
        Self { address: core::ptr::from_ref(engine).addr(), thread: THREAD.get() }
    }
}

impl<F, K, V, const MAXSIZE: i128, P: Policy, T: EntryMeta> OfThread<F, K, V, MAXSIZE, P, T> {
    /// Asks the engine of the current thread; `None` where that has none any more.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn with<R>(&self, ask: impl FnOnce(&LocalEngine<K, V, P, T>) -> R) -> Option<R> {
        let with = |memo: &ThreadMemo<K, V, MAXSIZE, P, T>| {
            #[cfg(feature = "testing")]
            if let Some(own) = crate::engine::placement::isolation::own_local(&memo.0) {
                return ask(&own);
            }
            ask(&memo.0)
        };
        self.key.try_with(with).ok()
    }
}

impl<F, K, V, const MAXSIZE: i128, P: Policy, T: EntryMeta> Placement for OfThread<F, K, V, MAXSIZE, P, T> {
    type Key = K;
    type Value = V;
    type Policy = P;
    type EntryMeta = T;
    type Lock = Unlocked<State<K, V, P, T>>;

    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn ask<Q: Question<EngineOf<Self>>>(&self, _: KeyHash, question: Q) -> Q::Answer {
        let mut question = Some(question);
        let answer = self.with(|engine| {
            if let Some(begun) = &self.begun {
                let here = Place::of(engine);
                if begun.get().is_some_and(|begun| begun != here) {
                    return None;
                }
                begun.set(Some(here));
            }
            question.take().map(|question| question.put_to(engine))
        });
        match answer {
            Some(Some(answer)) => answer,
            _ => question
                .expect("who was asked has answered")
                .put_to_nobody(|| LocalEngine::local(MaxSize::Disabled)),
        }
    }

    fn first<R>(&self, ask: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        self.at(KeyHash::of(&()), ask)
    }

    fn each(&self, _: Change, ask: impl FnMut(&EngineOf<Self>)) {
        self.first(ask);
    }

    fn info(&self, plan: &impl Lifecycle<K, V, T>) -> CacheInfo {
        let info = self.first(|engine| engine.info(plan));
        CacheInfo { maxsize: self.maxsize(), ..info }
    }

    fn maxsize(&self) -> Option<usize> {
        mode(MAXSIZE).to_option()
    }

    fn is_held(&self) -> bool {
        false
    }
}

impl<F, K, V, const MAXSIZE: i128, P: Policy, T: EntryMeta> Clone for OfThread<F, K, V, MAXSIZE, P, T> {
    fn clone(&self) -> Self {
        Self { key: self.key, begun: self.begun.clone(), function: PhantomData }
    }
}

impl<F, K, V, const MAXSIZE: i128, P: Policy, T: EntryMeta> fmt::Debug for OfThread<F, K, V, MAXSIZE, P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfThread").finish_non_exhaustive()
    }
}
