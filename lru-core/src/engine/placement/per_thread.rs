//! The cache of a memoized function with `scope = thread`: one for each thread that calls it, without a lock.

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::LocalKey;

use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::Unlocked;
use crate::engine::placement::{Change, EngineOf, Placement, Question};
use crate::engine::{LocalEngine, State};
use crate::key::KeyHash;
use crate::observe::info::CacheInfo;
use crate::store::maxsize::MaxSize;
use crate::store::types::CacheTypes;

/// What a thread has of a function: for a thread-local.
pub struct ThreadEngine<C: CacheTypes, const MAXSIZE: i128>(LocalEngine<C>);

impl<C: CacheTypes, const MAXSIZE: i128> ThreadEngine<C, MAXSIZE> {
    /// An empty cache. Takes no memory yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a thread-local is made by a constant")]
    pub const fn new() -> Self {
        Self(LocalEngine::local(MaxSize::from_const(MAXSIZE)))
    }
}

impl<C: CacheTypes, const MAXSIZE: i128> fmt::Debug for ThreadEngine<C, MAXSIZE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThreadEngine").field(&self.0).finish()
    }
}

/// The thread-local of a function.
pub(crate) type Key<C, const MAXSIZE: i128> = &'static LocalKey<ThreadEngine<C, MAXSIZE>>;

/// The engine of the thread that a call first asked.
///
/// A future may be polled on by another thread, whose cache knows nothing of what happened in this one
/// since. There, and in a thread whose cache is gone already as it ends, a call finds and stores nothing.
pub struct OfThread<F, C: CacheTypes + 'static, const MAXSIZE: i128> {
    key: Key<C, MAXSIZE>,
    /// Of a call that may go on in another thread, where it began, as soon as it did.
    begun: Option<Cell<Option<Place>>>,
    function: PhantomData<fn() -> F>,
}

impl<F, C: CacheTypes, const MAXSIZE: i128> OfThread<F, C, MAXSIZE> {
    /// Those that lie there. With `moves`, a call may go on in another thread: one of an async function.
    #[inline]
    pub(crate) fn new(key: Key<C, MAXSIZE>, moves: bool) -> Self {
        Self { key, begun: moves.then(|| Cell::new(None)), function: PhantomData }
    }
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

impl<F, C: CacheTypes, const MAXSIZE: i128> OfThread<F, C, MAXSIZE> {
    /// Asks the engine of the current thread; `None` where that has none any more.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn with<R>(&self, ask: impl FnOnce(&LocalEngine<C>) -> R) -> Option<R> {
        let with = |memo: &ThreadEngine<C, MAXSIZE>| {
            #[cfg(feature = "testing")]
            if let Some(own) = crate::engine::placement::isolation::own_local(&memo.0) {
                return ask(&own);
            }
            ask(&memo.0)
        };
        self.key.try_with(with).ok()
    }
}

impl<F, C: CacheTypes, const MAXSIZE: i128> Placement for OfThread<F, C, MAXSIZE> {
    type Types = C;
    type Lock = Unlocked<State<C>>;

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

    fn info(&self, plan: &impl Lifecycle<C>) -> CacheInfo {
        let info = self.first(|engine| engine.info(plan));
        CacheInfo { maxsize: self.maxsize(), ..info }
    }

    fn maxsize(&self) -> Option<usize> {
        MaxSize::from_const(MAXSIZE).to_option()
    }

    fn is_held(&self) -> bool {
        false
    }
}

impl<F, C: CacheTypes, const MAXSIZE: i128> Clone for OfThread<F, C, MAXSIZE> {
    fn clone(&self) -> Self {
        Self { key: self.key, begun: self.begun.clone(), function: PhantomData }
    }
}

impl<F, C: CacheTypes, const MAXSIZE: i128> fmt::Debug for OfThread<F, C, MAXSIZE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfThread").finish_non_exhaustive()
    }
}
