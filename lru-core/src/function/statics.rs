//! The cache of a memoized function, in a `static` or in a thread-local.

use core::marker::PhantomData;
use std::thread::LocalKey;

use crate::engine::lifecycle::NoLifecycle;
use crate::engine::lock::{LockOf, PlainLock};
use crate::engine::placement::fronted::Fronted;
#[cfg(feature = "backend")]
use crate::engine::placement::invalidate::{Copies, ErrorCount, HoldsCopies, InProcessCache, contains_hash};
use crate::engine::placement::lock_free::LockFree;
use crate::engine::placement::per_thread::{OfThread, ThreadEngine};
use crate::engine::placement::replicated::Replicated;
use crate::engine::placement::sharded::Shards;
use crate::engine::state::State;
use crate::engine::{Engine, Lifecycle, Placement, StoredKey, StoredValue};
use crate::function::call::CacheHandle;
#[cfg(feature = "backend")]
use crate::key::KeyHash;
use crate::store::lock_free::MAX_MIRRORED;
use crate::store::lock_free::words::Words;
use crate::store::maxsize::{InitialSize, UNBOUNDED};
use crate::store::types::Types;
use crate::store::{CacheTypes, Lru, MaxSize};

/// The engines in a `static` that the current thread uses.
#[cfg(not(feature = "testing"))]
pub(crate) type InStatic<'m, E> = &'m E;
#[cfg(feature = "testing")]
pub(crate) type InStatic<'m, E> = crate::engine::placement::isolation::Isolated<'m, E>;

/// Engines in a `static`; in tests, a thread may have engines of its own.
#[cfg(not(feature = "testing"))]
pub trait Shared {}
#[cfg(not(feature = "testing"))]
impl<E> Shared for E {}
#[cfg(feature = "testing")]
pub trait Shared: crate::engine::placement::isolation::NewLike {}
#[cfg(feature = "testing")]
impl<E: crate::engine::placement::isolation::NewLike> Shared for E {}

/// Returns the engines that the current thread uses.
#[cfg(not(feature = "testing"))]
#[inline]
pub(crate) fn in_static<E>(engines: &E) -> InStatic<'_, E> {
    engines
}
#[cfg(feature = "testing")]
pub(crate) fn in_static<E: crate::engine::placement::isolation::NewLike + 'static>(
    engines: &E,
) -> InStatic<'_, E> {
    crate::engine::placement::isolation::own_or_shared(engines)
}

/// The cache of one function, in a `static`.
///
/// Invariant: `MAXSIZE` is the bound of `X`, as [`MaxSize::from_const`] reads it. It is part of the type, so
/// that a call need not check whether the cache stores anything.
pub struct StaticCache<X, const MAXSIZE: i128>(X);

/// A cache with one engine. `K` is the owned form of the arguments, `V` is the stored result, and
/// `CALLBACK_FREE` is true if no user code runs while the lock is held, which
/// [`callback_free!`](crate::function::no_callbacks) decides.
pub type Memo<K, V, const MAXSIZE: i128, P = Lru, T = (), const CALLBACK_FREE: bool = false> =
    StaticCache<EngineBy<Types<K, V, P, T>, CALLBACK_FREE>, MAXSIZE>;

type EngineBy<C, const CALLBACK_FREE: bool> = Engine<C, LockOf<CALLBACK_FREE, State<C>>>;

/// Like [`Memo`], but LRU without deadlines and weights, in the placement that [`placement!`](crate::placement) selects.
pub type LruMemo<K, V, const MAXSIZE: i128, const PLACEMENT: u8, T = ()> =
    StaticCache<<SelectPlacement<PLACEMENT> as LruPlacement>::Placement<Types<K, V, Lru, T>>, MAXSIZE>;

/// Like [`Memo`], but with `SHARDS` shards that divide `MAXSIZE` among them.
pub type ShardedMemo<
    K,
    V,
    const MAXSIZE: i128,
    const SHARDS: usize,
    P = Lru,
    T = (),
    const CALLBACK_FREE: bool = false,
> = StaticCache<Shards<Types<K, V, P, T>, SHARDS, CALLBACK_FREE>, MAXSIZE>;

/// Like [`Memo`], but unbounded, without deadlines and weights, in the placement that [`placement!`](crate::placement) selects.
pub type UnboundedMemo<K, V, P, const PLACEMENT: u8, T = ()> =
    StaticCache<<SelectPlacement<PLACEMENT> as UnboundedPlacement>::Placement<Types<K, V, P, T>>, UNBOUNDED>;

/// Like [`Memo`], but for a thread-local.
pub type ThreadMemo<K, V, const MAXSIZE: i128, P = Lru, T = ()> = ThreadEngine<Types<K, V, P, T>, MAXSIZE>;

/// The placement of an unbounded cache without deadlines and weights.
pub trait UnboundedPlacement {
    /// The placement of the engine.
    type Placement<C: CacheTypes>;
}

impl UnboundedPlacement for SelectPlacement<0> {
    type Placement<C: CacheTypes> = Engine<C>;
}

impl UnboundedPlacement for SelectPlacement<1> {
    type Placement<C: CacheTypes> = Replicated<C>;
}

impl UnboundedPlacement for SelectPlacement<2> {
    type Placement<C: CacheTypes> = Fronted<C>;
}

/// The largest capacity of a cache with lock-free hits.
const MAX_LOCK_FREE: i128 = MAX_MIRRORED as i128;

/// The largest number of words of a key, and of a value, of a cache with lock-free hits.
const MAX_WORDS: usize = 4;

/// Selects the placement of a cache without deadlines and weights that is unbounded or LRU: with a reentrant lock (0), with a plain
/// lock (1), or with lock-free hits (2).
pub struct SelectPlacement<const PLACEMENT: u8>;

impl SelectPlacement<0> {
    /// Returns the number of the placement for this capacity, for types that are callback-free or not, and for keys and
    /// values of so many words, if they are plain data.
    pub const fn number(
        maxsize: i128,
        is_callback_free: bool,
        key_words: Option<usize>,
        value_words: Option<usize>,
    ) -> u8 {
        match (key_words, value_words) {
            (Some(key), Some(value))
                if (maxsize == UNBOUNDED || (maxsize > 0 && maxsize <= MAX_LOCK_FREE))
                    && key <= MAX_WORDS
                    && value <= MAX_WORDS =>
            {
                2
            }
            _ if is_callback_free => 1,
            _ => 0,
        }
    }
}

/// The placement of an LRU cache without deadlines and weights.
pub trait LruPlacement {
    /// The placement of the engine.
    type Placement<C: CacheTypes>;
}

impl LruPlacement for SelectPlacement<0> {
    type Placement<C: CacheTypes> = EngineBy<C, false>;
}

impl LruPlacement for SelectPlacement<1> {
    type Placement<C: CacheTypes> = EngineBy<C, true>;
}

impl LruPlacement for SelectPlacement<2> {
    type Placement<C: CacheTypes> = LockFree<C>;
}

/// Empty engines as a constant, for every type of lock: a trait cannot have a `const fn`.
pub trait Empty<const MAXSIZE: i128> {
    /// An empty engine. No memory is allocated yet.
    const EMPTY: Self;
}

impl<C: CacheTypes, const MAXSIZE: i128> Empty<MAXSIZE> for Engine<C> {
    const EMPTY: Self = Self::new(MaxSize::from_const(MAXSIZE));
}

impl<C: CacheTypes<Key: Clone, Value: Clone>, const MAXSIZE: i128> Empty<MAXSIZE>
    for Engine<C, PlainLock<State<C>>>
{
    const EMPTY: Self = {
        let maxsize = MaxSize::from_const(MAXSIZE);
        Self::callback_free(maxsize, PlainLock::new(State::new(maxsize)))
    };
}

impl<C: CacheTypes<Key: Clone, Value: Clone>> Empty<UNBOUNDED> for Replicated<C> {
    const EMPTY: Self = Self::new();
}

impl<C: CacheTypes<Key: Words, Value: Words>> Empty<UNBOUNDED> for Fronted<C> {
    const EMPTY: Self = Self::new();
}

impl<C: CacheTypes<Key: Words, Value: Words>, const MAXSIZE: i128> Empty<MAXSIZE> for LockFree<C> {
    const EMPTY: Self = Self::new(MaxSize::from_const(MAXSIZE));
}

impl<C: CacheTypes, const N: usize, const MAXSIZE: i128> Empty<MAXSIZE> for Shards<C, N> {
    const EMPTY: Self = Self::new(MaxSize::from_const(MAXSIZE));
}

impl<C: CacheTypes<Key: Clone, Value: Clone>, const N: usize, const MAXSIZE: i128> Empty<MAXSIZE>
    for Shards<C, N, true>
{
    const EMPTY: Self = Self::callback_free(MaxSize::from_const(MAXSIZE));
}

impl<X: Empty<MAXSIZE>, const MAXSIZE: i128> StaticCache<X, MAXSIZE> {
    /// Creates an empty cache. No memory is allocated yet.
    #[expect(clippy::new_without_default, reason = "a `static` is made by a constant")]
    pub const fn new() -> Self {
        Self(X::EMPTY)
    }
}

impl<X: Placement, const MAXSIZE: i128> StaticCache<X, MAXSIZE> {
    /// Sets the capacity of the shared cache, before its first use. A thread that is isolated creates its own like it.
    pub(super) fn set_size(&self, size: InitialSize) {
        match size {
            InitialSize::Fixed(maxsize) => self.0.resize(maxsize, |engine, part| engine.set_capacity(part())),
            // A cache that sets its own capacity has one engine.
            InitialSize::Within(_) => self.0.first(|engine| engine.set_size(size)),
        }
    }
}

impl<X, const MAXSIZE: i128> StaticCache<X, MAXSIZE>
where
    X: Placement + Shared + 'static,
    StoredKey<X>: Send + Sync + 'static,
    StoredValue<X>: Send + Sync + 'static,
{
    /// Returns the number of computations in flight and the number of calls that wait for one: for tests.
    #[cfg(feature = "testing")]
    pub fn in_flight(&self) -> (usize, usize) {
        let mut sum = (0, 0);
        in_static(&self.0).each(crate::engine::placement::Change::None, |engine| {
            let (led, followed) = engine.flights().count();
            sum = (sum.0 + led, sum.1 + followed);
        });
        sum
    }

    /// Returns the handle of the cache that the current thread uses, with the lifecycle `lifecycle`.
    #[inline]
    pub fn handle_with<S: Lifecycle<X::Types>>(&self, lifecycle: S) -> CacheHandle<InStatic<'_, X>, S> {
        let handle = CacheHandle::of_function(in_static(&self.0), stores::<X::Types>(MAXSIZE), lifecycle);
        // The cache of an isolated thread is not reached by the backend.
        #[cfg(all(feature = "backend", feature = "testing"))]
        let handle = handle.current();
        handle
    }

    /// Returns the handle of the cache that all threads share, even if the current one has another.
    pub fn shared_handle_with<S: Lifecycle<X::Types>>(&self, lifecycle: S) -> CacheHandle<&X, S> {
        CacheHandle::of_function(&self.0, stores::<X::Types>(MAXSIZE), lifecycle)
    }

    /// Like [`Self::handle_with`], but for a cache without lifecycle options.
    #[inline]
    pub fn handle(&self) -> CacheHandle<InStatic<'_, X>, NoLifecycle>
    where
        X::Types: CacheTypes<Meta = ()>,
    {
        self.handle_with(NoLifecycle)
    }
}

/// Returns whether a cache with this bound stores anything.
const fn stores<C: CacheTypes>(maxsize: i128) -> bool {
    MaxSize::from_const(maxsize).stores::<C::Meta>()
}

#[cfg(feature = "backend")]
impl<X, const MAXSIZE: i128> HoldsCopies for &'static StaticCache<X, MAXSIZE>
where
    X: InProcessCache + Placement + Shared,
{
    fn copies(&self) -> Option<Copies> {
        if matches!(MaxSize::from_const(MAXSIZE), MaxSize::Disabled) {
            return None;
        }
        #[cfg(feature = "testing")]
        if let crate::engine::placement::isolation::Isolated::Own(engines) = in_static(&self.0) {
            return crate::engine::placement::invalidate::copies_apart(&engines);
        }
        Some(Copies::Shared(&self.0))
    }

    fn contains_hash(&self, hash: KeyHash) -> bool {
        contains_hash(&in_static(&self.0), hash)
    }

    fn errors(&self) -> ErrorCount {
        ErrorCount::of(&in_static(&self.0))
    }
}

/// The per-thread caches of one function.
///
/// `F` is a type that is unique to the function: its calls then share no code with those of other functions,
/// so that the compiler can inline them.
pub struct ThreadCaches<F, C: CacheTypes + 'static, const MAXSIZE: i128> {
    key: &'static LocalKey<ThreadEngine<C, MAXSIZE>>,
    function: PhantomData<fn() -> F>,
}

/// The caches of a function in a thread-local [`ThreadMemo`].
pub type PerThread<F, K, V, const MAXSIZE: i128, P = Lru, T = ()> =
    ThreadCaches<F, Types<K, V, P, T>, MAXSIZE>;

impl<F, C: CacheTypes, const MAXSIZE: i128> ThreadCaches<F, C, MAXSIZE> {
    /// Creates a reference to the caches in a thread-local.
    #[inline]
    pub fn new(key: &'static LocalKey<ThreadEngine<C, MAXSIZE>>, _: F) -> Self {
        Self { key, function: PhantomData }
    }

    /// Returns the handle of the current thread's cache, with the lifecycle `lifecycle`.
    #[inline]
    pub fn handle_with<S: Lifecycle<C>>(self, lifecycle: S) -> CacheHandle<OfThread<F, C, MAXSIZE>, S> {
        CacheHandle::of_function(OfThread::new(self.key), stores::<C>(MAXSIZE), lifecycle)
    }

    /// Like [`Self::handle_with`], but for a cache without lifecycle options.
    #[inline]
    pub fn handle(self) -> CacheHandle<OfThread<F, C, MAXSIZE>, NoLifecycle>
    where
        C: CacheTypes<Meta = ()>,
    {
        self.handle_with(NoLifecycle)
    }
}

#[cfg(feature = "registry")]
impl<E: Placement, S: Lifecycle<E::Types>> crate::observe::registry::RegisteredCache for CacheHandle<E, S> {
    fn info(&self) -> crate::observe::info::CacheInfo {
        self.engines.info(&self.lifecycle)
    }

    fn stats(&self) -> crate::observe::stats::CacheStats {
        self.counted()
    }

    fn maxsize(&self) -> Option<usize> {
        self.engines.maxsize()
    }

    fn counts(&self) -> crate::observe::counts::Counts {
        self.engines.counts()
    }

    fn insight(&self) -> Option<crate::insight::Insight> {
        self.sampled()
    }

    fn set_tap(&self, tap: Option<&std::sync::Arc<dyn crate::insight::Tap>>) {
        self.engines.each(crate::engine::placement::Change::None, |engine| engine.set_tap(tap));
    }

    fn budget_share(&self) -> Option<usize> {
        crate::budget::program::PROGRAM.share_of(self.attention()?)
    }

    fn clear(&self) {
        self.clear_all();
    }

    fn clear_entries(&self) {
        self.remove_all();
    }

    fn reset_counters(&self) {
        self.reset_all_counters();
    }

    fn resize(&self, maxsize: Option<usize>) -> bool {
        self.resize_to(maxsize)
    }
}
