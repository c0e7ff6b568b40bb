//! The cache as a plain object, keyed by whatever is `Hash + Eq`, and what it is told when it is
//! built.

mod function_settings;
pub(crate) mod type_check;

use core::borrow::Borrow;
use core::fmt;
use core::hash::Hash;
use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::time::Duration;
use std::boxed::Box;
use std::vec::Vec;

use crate::engine::Engine;
use crate::engine::insert::InsertKind;
use crate::engine::lifecycle::{Keys, Lifecycle, Times};
use crate::engine::notify::told;
use crate::expiry::clock::{Clock, SystemClock};
use crate::expiry::entry_info::{EntryInfo, Freshness, StaleWindow};
use crate::function::call::CacheHandle;
use crate::function::options::Between;
use crate::function::result_policy::Plain;
use crate::key::{Argument, KeyHash};
use crate::object::function_settings::Own;
use crate::observe::info::CacheInfo;
use crate::store::entry::Entry;
use crate::store::maxsize::MaxSize;
use crate::store::policy::{Fifo, Lfu, Lru, Policy, Rr};
use crate::store::removed::RemovalCause;
use crate::store::types::{CacheTypes, Types};

/// The terms of an entry in an object. What is stale, functions say that keep their results in it.
pub(crate) type ObjectLease<T> = EntryInfo<T, Option<Box<StaleWindow<T>>>>;

/// The engine of a cache in an object.
pub(crate) type InObject<'m, K, V, P, C> = &'m Engine<InObjectTypes<K, V, P, C>>;

/// The types of a cache in an object.
pub(crate) type InObjectTypes<K, V, P, C> = Types<K, V, P, ObjectLease<<C as Clock>::Time>>;

/// A thread-safe cache, shared by `&`: the engine behind `#[lru_cache]`, as a plain object.
///
/// `P` chooses who leaves when there is no room; `C` is the clock by which entries expire, where
/// they do. The [builder](Cache::builder) has all settings; [`LruCache`], [`LfuCache`],
/// [`FifoCache`], [`RrCache`], [`TtlCache`] and [`TlruCache`] are this type under other names. With
/// other [policies](crate::store::policy) it is written out: `Cache<u64, String, policy::Sieve>`.
///
/// All operations take O(1) or amortised O(log n) time, except [`Cache::retain`] and
/// [`Cache::iter`], which take O(n). User code never runs while the lock is held, except `Eq` and
/// `Clone` of keys and values, the test of `retain`, the clock and the [choice](Builder::choice) of who
/// leaves; these may call the cache again, but must not wait for a lock that another thread may hold
/// while it calls the cache.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::LruCache;
///
/// let capitals = LruCache::new(Some(2));
/// capitals.insert("France".to_string(), "Paris");
/// capitals.insert("Italy".to_string(), "Rome");
/// assert_eq!(capitals.get("France"), Some("Paris"));
/// capitals.insert("Spain".to_string(), "Madrid");
/// assert_eq!(capitals.get("Italy"), None); // was the least recently used
/// ```
pub struct Cache<K, V, P: Policy = Lru, C: Clock = SystemClock> {
    engine: Engine<InObjectTypes<K, V, P, C>>,
    settings: Settings<K, V, C>,
}

/// A cache whose least recently used entry makes room.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::LruCache;
///
/// static SQUARES: LruCache<u64, u64> = LruCache::new(Some(100));
///
/// assert_eq!(SQUARES.get_or_insert_with(12, || 12 * 12), 144);
/// assert_eq!(SQUARES.get(&12), Some(144));
/// assert_eq!(SQUARES.info().to_string(), "CacheInfo(hits=1, misses=1, maxsize=100, currsize=1)");
/// ```
pub type LruCache<K, V, C = SystemClock> = Cache<K, V, Lru, C>;

/// A cache whose oldest entry makes room, however often it was used.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::FifoCache;
///
/// let cache = FifoCache::new(Some(2));
/// (cache.insert(1, "one"), cache.insert(2, "two"));
/// cache.get(&1);
/// cache.insert(3, "three");
/// assert!(!cache.contains(&1) && cache.contains(&2));
/// ```
pub type FifoCache<K, V, C = SystemClock> = Cache<K, V, Fifo, C>;

/// A cache whose entries are live for some time. Beside that, the least recently used one makes room.
///
/// The time is given to the [builder](Cache::builder); in one that [`new`](Cache::new) makes, nothing
/// expires.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use std::time::Duration;
///
/// use functools::{ManualClock, TtlCache};
///
/// let clock = ManualClock::new();
/// let pages = TtlCache::builder().maxsize(128).ttl(Duration::from_secs(5)).clock(clock.clone()).build();
/// pages.insert("/", "welcome");
/// clock.advance(Duration::from_secs(4));
/// assert_eq!(pages.get("/"), Some("welcome"));
/// clock.advance(Duration::from_secs(1));
/// assert_eq!(pages.get("/"), None);
/// ```
pub type TtlCache<K, V, C = SystemClock> = Cache<K, V, Lru, C>;

/// A cache whose entries have each a time of their own: see [`CacheBuilder::ttu`]. Beside that, the least
/// recently used one makes room.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use std::time::Duration;
///
/// use functools::{ManualClock, TlruCache};
///
/// let clock = ManualClock::new();
/// let rooms = TlruCache::builder()
///     .maxsize(100)
///     .clock(clock.clone())
///     .ttu(|_room: &u32, days: &u32, now| now + *days * Duration::from_secs(24 * 60 * 60))
///     .build();
/// (rooms.insert(101, 1), rooms.insert(102, 7));
/// clock.advance(Duration::from_secs(24 * 60 * 60));
/// assert!(!rooms.contains(&101) && rooms.contains(&102));
/// assert_eq!(rooms.expire(), [(101, 1)]);
/// ```
pub type TlruCache<K, V, C = SystemClock> = Cache<K, V, Lru, C>;

/// A cache whose least often used entry makes room; of those used equally often, the least recently
/// used one.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::LfuCache;
///
/// let cache = LfuCache::new(Some(2));
/// (cache.insert(1, "one"), cache.insert(2, "two"));
/// (cache.get(&1), cache.get(&1), cache.get(&2));
/// assert_eq!(cache.pop_victim(), Some((2, "two")));
/// ```
pub type LfuCache<K, V, C = SystemClock> = Cache<K, V, Lfu, C>;

/// A cache in which a random entry makes room, or one that is [chosen](Builder::choice).
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::{Keys, RrCache};
///
/// // The smallest key makes room.
/// let smallest = |keys: &Keys<'_, u32>| {
///     (0..keys.len()).min_by_key(|&number| keys.get(number)).unwrap_or_default()
/// };
/// let best = RrCache::builder().maxsize(2).choice(smallest).build();
/// (best.insert(300, "Ada"), best.insert(100, "Bob"), best.insert(200, "Eve"));
/// assert!(best.contains(&300) && best.contains(&200) && !best.contains(&100));
/// ```
pub type RrCache<K, V, C = SystemClock> = Cache<K, V, Rr, C>;

/// Chooses who is to be evicted, by its number among all keys.
type Choice<K> = Box<dyn Fn(&Keys<'_, K>) -> usize + Send + Sync>;
/// Makes something of a key and a value.
type OfEntry<K, V, R> = Box<dyn Fn(&K, &V) -> R + Send + Sync>;
/// The time until which an entry is live, from its key, its value and the time it is now.
type Until<K, V, T> = Box<dyn Fn(&K, &V, T) -> T + Send + Sync>;
/// Is told what left, and why.
type Listener<K, V> = Box<dyn Fn(&K, &V, RemovalCause) + Send + Sync>;

/// What a cache is told when it is built.
pub(crate) struct Settings<K, V, C: Clock> {
    pub(crate) times: Times<C>,
    /// Whether an entry may expire: by these settings, or by those of a function that stored it.
    pub(crate) timed: AtomicBool,
    ttu: Option<Until<K, V, C::Time>>,
    weigher: Option<OfEntry<K, V, usize>>,
    listener: Option<Listener<K, V>>,
    choice: Option<Choice<K>>,
}

impl<K, V, C: Clock> Settings<K, V, C> {
    const fn new(clock: C) -> Self {
        Self {
            times: Times::new(clock),
            timed: AtomicBool::new(false),
            ttu: None,
            weigher: None,
            listener: None,
            choice: None,
        }
    }

    pub(crate) fn weight(&self, key: &K, value: &V) -> usize {
        self.weigher.as_ref().map_or(1, |weigher| weigher(key, value))
    }

    /// The time until which an entry is live that comes in now, were it never used.
    pub(crate) fn expires(&self, key: &K, value: &V) -> Option<C::Time> {
        let until = self.ttu.as_ref().map(|ttu| ttu(key, value, self.times.clock.now()));
        until.or_else(|| self.times.expires())
    }
}

impl<K, V, C, X> Lifecycle<X> for &Settings<K, V, C>
where
    X: CacheTypes<Key = K, Value = V, Meta = ObjectLease<C::Time>>,
    C: Clock,
{
    fn now(&self) -> Option<C::Time> {
        Lifecycle::<X>::read(self)
    }

    fn term(&self, key: &K, value: &V) -> ObjectLease<C::Time> {
        // Weighed first: the time runs from when the value is there.
        let weight = self.weight(key, value);
        EntryInfo::with_grace(weight, self.expires(key, value), self.times.idle(), None)
    }

    fn shortened(&self, term: ObjectLease<C::Time>, left: Option<Duration>) -> ObjectLease<C::Time> {
        let Some(end) = self.times.end(left) else { return term };
        self.timed.store(true, Relaxed);
        Between::<C>::end(term, end)
    }

    #[inline]
    fn is_live(&self, term: &ObjectLease<C::Time>) -> bool {
        self.times.is_live(term) && self.times.freshness(term) != Freshness::ErrorOnly
    }

    type Reading = Option<C::Time>;

    #[inline]
    fn read(&self) -> Option<C::Time> {
        self.timed.load(Relaxed).then(|| self.times.clock.now())
    }

    #[inline]
    fn is_live_and_used(&self, term: &ObjectLease<C::Time>, reading: &Option<C::Time>) -> bool {
        let is_live = reading.as_ref().is_none_or(|now| {
            let is_ahead = |time: &C::Time| now < time;
            term.is_live(is_ahead) && Between::<C>::freshness(&term.grace, is_ahead) != Freshness::ErrorOnly
        });
        if is_live {
            self.times.used(term);
        }
        is_live
    }

    fn chooses(&self) -> bool {
        self.choice.is_some()
    }

    fn choose(&self, keys: &Keys<'_, K>) -> Option<usize> {
        self.choice.as_ref().map(|choice| choice(keys))
    }

    fn listens(&self) -> bool {
        self.listener.is_some()
    }

    fn left(&self, key: &K, value: &V, cause: RemovalCause) {
        if let Some(listener) = &self.listener {
            listener(key, value, cause);
        }
    }
}

/// The cache itself, whatever leads to it: for generated code.
#[must_use]
pub fn cache<K, V, P: Policy, C: Clock>(cache: &Cache<K, V, P, C>) -> &Cache<K, V, P, C> {
    cache
}

impl<K, V, P: Policy> Cache<K, V, P> {
    /// Creates an empty cache: unbounded with `None`, storing nothing with `Some(0)`, of at most
    /// `n` entries with `Some(n)`. Takes no memory yet, and can initialise a `static`.
    #[must_use]
    pub const fn new(maxsize: Option<usize>) -> Self {
        Self { engine: Engine::new(MaxSize::from_option(maxsize)), settings: Settings::new(SystemClock) }
    }

    /// Settings for a cache: no bound, no time limit, the clock of the system, until they are given.
    #[must_use]
    pub fn builder() -> CacheBuilder<K, V, P> {
        CacheBuilder {
            maxsize: None,
            settings: Settings::new(SystemClock),
            policy: P::NEW,
            expiry: PhantomData,
        }
    }
}

impl<K, V, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Settings for a cache whose entries expire by this clock: one that has lengths of time of its
    /// own, as a [`Timer`](crate::Timer) has.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    ///
    /// use functools::{Timer, TtlCache};
    ///
    /// static REQUESTS: AtomicU64 = AtomicU64::new(0);
    ///
    /// let pages = TtlCache::builder_with(Timer::new(|| REQUESTS.load(Relaxed))).ttl(100).build();
    /// pages.insert("/", "welcome");
    /// REQUESTS.store(99, Relaxed);
    /// assert_eq!(pages.get("/"), Some("welcome"));
    /// REQUESTS.store(100, Relaxed);
    /// assert_eq!(pages.get("/"), None);
    /// ```
    #[must_use]
    pub fn builder_with(clock: C) -> CacheBuilder<K, V, P, C> {
        CacheBuilder { maxsize: None, settings: Settings::new(clock), policy: P::NEW, expiry: PhantomData }
    }
}

/// Settings for a [`Cache`].
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use std::time::Duration;
///
/// use functools::{Cache, policy};
///
/// let texts = Cache::<String, String, policy::Sieve>::builder()
///     .maxsize(1000)
///     .weigher(|path: &String, text: &String| path.len() + text.len())
///     .ttl(Duration::from_secs(60))
///     .jitter(0.1)
///     .on_evict(|path, _, cause| println!("{path} left: {cause:?}"))
///     .build();
/// texts.insert("a.txt".to_string(), "Hello".to_string());
/// assert_eq!(texts.info().currsize, 10);
/// ```
pub struct CacheBuilder<K, V, P = Lru, C: Clock = SystemClock, Expiry = FromSpans> {
    maxsize: Option<usize>,
    settings: Settings<K, V, C>,
    policy: P,
    expiry: PhantomData<Expiry>,
}

/// No time of the clock was named yet: only lengths of time, which other clocks may have too.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct FromSpans;

/// Times of the clock were named, so it can't be another one.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct FromTtu;

/// Says whether there can be another clock.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`ttu` names times of the clock that there was; the clock must be given before it",
    label = "this comes before `ttu`"
)]
pub trait TakesClock {}

impl TakesClock for FromSpans {}

impl<K, V, P: Policy, C: Clock, Expiry> CacheBuilder<K, V, P, C, Expiry> {
    /// At most so many entries; where there are weights, at most so much weight in all. Zero stores
    /// nothing. Without it, or with `None`, there is no bound.
    #[must_use]
    pub fn maxsize(mut self, maxsize: impl Into<Option<usize>>) -> Self {
        self.maxsize = maxsize.into();
        self
    }

    /// Entries are live strictly before they are so old, counted from when they were stored last. A use
    /// does not extend it.
    #[must_use]
    pub fn ttl(mut self, ttl: C::Span) -> Self {
        self.settings.times.ttl = Some(ttl);
        self
    }

    /// Entries are live strictly before they have not been used for so long.
    #[must_use]
    pub fn tti(mut self, tti: C::Span) -> Self {
        self.settings.times.tti = Some(tti);
        self
    }

    /// Each entry is live strictly before the time that this makes of its key, its value and the time
    /// it is stored. Takes the place of `ttl`. The clock, whose times these are, is given before.
    #[must_use]
    pub fn ttu(
        self,
        ttu: impl Fn(&K, &V, C::Time) -> C::Time + Send + Sync + 'static,
    ) -> CacheBuilder<K, V, P, C, FromTtu> {
        let settings = Settings { ttu: Some(Box::new(ttu)), ..self.settings };
        CacheBuilder { maxsize: self.maxsize, settings, policy: self.policy, expiry: PhantomData }
    }

    /// Shortens the `ttl` of each entry by up to this part of it, at random, so that entries stored
    /// together do not expire together. 0.1 is a tenth; what is not between 0 and 1 is taken as the
    /// nearer of these. Only for clocks whose spans can be divided, as those of this crate can.
    #[must_use]
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.settings.times.jitter = if jitter > 0.0 { jitter.min(1.0) } else { 0.0 };
        self
    }

    /// The clock by which entries expire, in place of the system's, where its lengths of time are the
    /// same; for others there is [`Cache::builder_with`]. `ttu`, which names times, comes after:
    ///
    /// ```compile_fail,E0277
    /// # use lru_core as functools;
    /// use functools::{ManualClock, TlruCache};
    ///
    /// let cache = TlruCache::<u32, u32>::builder().ttu(|_, _, now| now).clock(ManualClock::new()).build();
    /// ```
    #[must_use]
    pub fn clock<D: Clock<Span = C::Span>>(self, clock: D) -> CacheBuilder<K, V, P, D>
    where
        Expiry: TakesClock,
    {
        let Settings { times, timed, weigher, listener, choice, ttu: _ } = self.settings;
        let times = Times { clock, ttl: times.ttl, tti: times.tti, jitter: times.jitter };
        let settings = Settings { times, timed, ttu: None, weigher, listener, choice };
        CacheBuilder { maxsize: self.maxsize, settings, policy: self.policy, expiry: PhantomData }
    }

    /// What an entry weighs; `maxsize` then bounds the sum, and `currsize` is the sum. An entry that
    /// weighs more than `maxsize` is not stored.
    #[must_use]
    pub fn weigher(mut self, weigher: impl Fn(&K, &V) -> usize + Send + Sync + 'static) -> Self {
        self.settings.weigher = Some(Box::new(weigher));
        self
    }

    /// Is told of each entry that leaves, and why, the oldest first, when the lock is free. Should it panic,
    /// it is told of the others that left in the same operation before the panic goes on.
    #[must_use]
    pub fn on_evict(mut self, listener: impl Fn(&K, &V, RemovalCause) + Send + Sync + 'static) -> Self {
        self.settings.listener = Some(Box::new(listener));
        self
    }

    /// Makes the cache.
    #[must_use]
    pub fn build(self) -> Cache<K, V, P, C> {
        let mut engine = Engine::new(MaxSize::from_option(self.maxsize));
        engine.set_policy(self.policy);
        let mut settings = self.settings;
        let is_timed = settings.times.ttl.is_some() || settings.times.tti.is_some() || settings.ttu.is_some();
        settings.timed = AtomicBool::new(is_timed);
        Cache { engine, settings }
    }
}

impl<K, V, C: Clock, Expiry> CacheBuilder<K, V, Rr, C, Expiry> {
    /// The seed of the generator that chooses who makes room: of two caches with the same seed, the same
    /// calls evict the same entries.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.policy = Rr::seeded(seed);
        self
    }

    /// Chooses who makes room: returns its number among the keys, as `random.choice` picks one of a list
    /// in Python. Runs while the cache is read. A number that is none leaves it to chance.
    #[must_use]
    pub fn choice(mut self, choice: impl Fn(&Keys<'_, K>) -> usize + Send + Sync + 'static) -> Self {
        self.settings.choice = Some(Box::new(choice));
        self
    }
}

impl<K, V, P, C: Clock, Expiry> fmt::Debug for CacheBuilder<K, V, P, C, Expiry> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder").field("maxsize", &self.maxsize).finish_non_exhaustive()
    }
}

impl<K, V, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Calls of a function whose results lie here: for generated code.
    #[doc(hidden)]
    #[must_use]
    #[expect(clippy::type_complexity, reason = "the type of a plan is nobody's business")]
    pub fn __calls(
        &self,
    ) -> CacheHandle<InObject<'_, K, V, P, C>, impl Lifecycle<InObjectTypes<K, V, P, C>>> {
        self.planned(&self.settings)
    }

    /// The same, of a function that has terms of its own for the entries it stores.
    #[doc(hidden)]
    #[must_use]
    pub fn __own(&self) -> Own<'_, K, V, P, C, &C> {
        Own::new(self, &self.settings)
    }

    pub(crate) fn planned<S>(&self, plan: S) -> CacheHandle<InObject<'_, K, V, P, C>, S>
    where
        S: Lifecycle<InObjectTypes<K, V, P, C>>,
    {
        CacheHandle::new(&self.engine, true, plan)
    }

    fn plan(&self) -> &Settings<K, V, C> {
        &self.settings
    }

    fn entry(&self, hash: KeyHash, key: K, value: V) -> Entry<InObjectTypes<K, V, P, C>> {
        let term = Lifecycle::<InObjectTypes<K, V, P, C>>::term(&self.plan(), &key, &value);
        Entry { hash, key, value, term }
    }

    /// Forgets everything and sets the counters to zero. Computations in flight are not stored.
    ///
    /// The memory is given back. Keys and values are dropped after the lock is released.
    pub fn clear(&self) {
        self.engine.clear(&self.plan());
    }

    /// Returns hits, misses, bound and size, read together under the lock. The size is the number of
    /// entries or, where there are weights, their sum; what has expired does not count.
    #[must_use]
    pub fn info(&self) -> CacheInfo {
        self.engine.info(&self.plan())
    }

    /// Returns the number of entries there are now. Takes the lock.
    #[must_use]
    pub fn len(&self) -> usize {
        self.engine.len(&self.plan())
    }

    /// Whether there is no entry now. Takes the lock.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes what has expired, and returns it in the order in which it did. What has expired is
    /// never served; it leaves by itself when something is stored or counted.
    pub fn expire(&self) -> Vec<(K, V)> {
        self.engine.take_expired(&self.plan())
    }

    /// Removes the entry that would make room next, and returns it: Python's `popitem()`.
    pub fn pop_victim(&self) -> Option<(K, V)> {
        self.engine.pop_victim(&self.plan())
    }

    /// Sets another bound, and evicts what is beyond it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let cache = LruCache::new(Some(100));
    /// (cache.insert(1, "one"), cache.insert(2, "two"), cache.insert(3, "three"));
    /// cache.resize(2);
    /// assert!(cache.iter().eq([(2, "two"), (3, "three")]));
    /// cache.resize(None); // no bound
    /// ```
    pub fn resize(&self, maxsize: impl Into<Option<usize>>) {
        self.engine.resize(maxsize.into(), &self.plan());
    }

    /// Removes all entries for which `holds` is false. Counts nothing. O(n), under the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let cache = LruCache::new(None);
    /// (cache.insert(1, "one"), cache.insert(2, "two"));
    /// cache.retain(|&number, _| number > 1);
    /// assert_eq!(cache.len(), 1);
    /// ```
    pub fn retain(&self, holds: impl FnMut(&K, &V) -> bool) {
        self.engine.retain(holds, &self.plan());
    }

    #[cfg(test)]
    pub(crate) fn engine(&self) -> &Engine<InObjectTypes<K, V, P, C>> {
        &self.engine
    }
}

impl<K: Hash + Eq, V: Clone, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Returns a copy of the value under `key` and marks the entry as used. Counts a hit, or a miss.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.engine.lookup(KeyHash::of(key), |stored| stored.borrow() == key, V::clone, &self.plan()).ok()
    }

    /// Returns the value under `key`, computing and storing it where it is missing. Counts a hit,
    /// or a miss.
    ///
    /// The lock is not held while `compute` runs: it may call the cache, and two threads may
    /// compute the same key. Each returns what it computed; a bounded cache keeps the first
    /// result, an unbounded one the last. A panic in `compute` counts a miss and stores nothing.
    pub fn get_or_insert_with(&self, key: K, compute: impl FnOnce() -> V) -> V {
        let hash = KeyHash::of(&key);
        match self.engine.lookup(hash, |stored| *stored == key, V::clone, &self.plan()) {
            Ok(value) => {
                drop(key);
                value
            }
            Err(began) => {
                let value = compute();
                self.keep(self.entry(hash, key, value.clone()), InsertKind::Computed(began));
                value
            }
        }
    }

    /// Stores `value` under `key` as the most recent entry, and returns the value it replaced.
    /// Counts nothing. A cache of `Some(0)` stores nothing, and one with weights nothing that weighs
    /// more than all entries may: then what was there stays.
    ///
    /// No computation that began earlier replaces it. Called from within a key's `Eq` or a value's
    /// `Clone`, while the cache is read, it removes what was there and stores nothing.
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        self.keep(self.entry(KeyHash::of(&key), key, value), InsertKind::Inserted)
    }

    /// Brings an entry in, and returns the value it replaced.
    pub(crate) fn keep(&self, entry: Entry<InObjectTypes<K, V, P, C>>, origin: InsertKind) -> Option<V> {
        let leavers = self.engine.keep(entry, origin, K::eq, &self.plan());
        let (key, value) = told(leavers, &self.plan()).into_replaced()?;
        // The key first: should its destructor panic, the value must not be on its way out.
        drop(key);
        Some(value)
    }

    /// Removes the entry under `key` and returns its value. Counts nothing. What is being computed
    /// for this key is not stored.
    pub fn remove<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let matches = |stored: &K| stored.borrow() == key;
        self.engine.forget_with(KeyHash::of(key), matches, |value| value, V::clone, &self.plan())
    }

    /// Whether there is an entry under `key`. Counts nothing, moves nothing.
    pub fn contains<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        let matches = |stored: &K| stored.borrow() == key;
        self.engine.peek_with(KeyHash::of(key), matches, |_| (), &self.plan()).is_some()
    }

    /// Returns a copy of the value under `key`. Counts nothing, moves nothing.
    pub fn peek<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.engine.peek_with(KeyHash::of(key), |stored| stored.borrow() == key, V::clone, &self.plan())
    }

    /// Copies all entries, from least to most recently used or in the order in which they came, as the
    /// policy keeps it.
    ///
    /// What happens to the cache afterwards does not show in the copy. O(n).
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let cache = LruCache::new(Some(3));
    /// for n in [1, 2, 3] {
    ///     cache.insert(n, n * n);
    /// }
    /// cache.get(&1);
    /// assert!(cache.iter().eq([(2, 4), (3, 9), (1, 1)]));
    /// assert_eq!(cache.iter().next_back(), Some((1, 1))); // the most recent
    /// ```
    pub fn iter(&self) -> CacheIter<K, V>
    where
        K: Clone,
    {
        CacheIter(self.engine.snapshot(&self.plan()).into_iter())
    }
}

impl<K: Argument<Stored = K>, V: Clone, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Memoizes a function or a closure: what is returned calls it on a miss only. Python's
    /// `ttl_cache(ttl=5)(math.sin)` is `cache.wrap(f64::sin)`, with a `cache` that was built so.
    ///
    /// Several arguments come as one tuple, each in its owned form: `String` for `&str`. A type of your own
    /// needs `#[derive(Argument)]`. What the function returns is kept as it is, an `Err` too; where that is
    /// not wanted, `#[lru_cache(cache = …)]` keeps the `Ok` value alone. Functions that are wrapped by one
    /// cache share its entries.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let cache = LruCache::new(Some(100));
    /// let sin = cache.wrap(f64::sin);
    /// assert_eq!(sin(1.0), 1.0_f64.sin());
    /// assert_eq!(sin(1.0), 1.0_f64.sin());
    /// assert_eq!(cache.info().hits, 1);
    /// ```
    pub fn wrap<'c>(&'c self, function: impl Fn(K) -> V + 'c) -> impl Fn(K) -> V + 'c {
        move |argument| match self.__calls().look(&argument, Plain) {
            Ok(value) => value,
            Err(miss) => miss.keep(function(argument)),
        }
    }
}

impl<K: Hash + Eq + Clone, V: Clone, P: Policy, C: Clock> IntoIterator for &Cache<K, V, P, C> {
    type Item = (K, V);
    type IntoIter = CacheIter<K, V>;

    fn into_iter(self) -> CacheIter<K, V> {
        self.iter()
    }
}

/// Whole at every point where user code runs, and so after a panic in it.
impl<K, V, P: Policy, C: Clock> RefUnwindSafe for Cache<K, V, P, C> {}
impl<K, V, P: Policy, C: Clock> UnwindSafe for Cache<K, V, P, C> {}

impl<K, V, P: Policy, C: Clock> fmt::Debug for Cache<K, V, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("info", &self.info()).finish_non_exhaustive()
    }
}

/// Copies of a cache's entries, made by [`Cache::iter`].
#[derive(Clone)]
pub struct CacheIter<K, V>(std::vec::IntoIter<(K, V)>);

impl<K, V> Iterator for CacheIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V> DoubleEndedIterator for CacheIter<K, V> {
    fn next_back(&mut self) -> Option<(K, V)> {
        self.0.next_back()
    }
}

impl<K, V> ExactSizeIterator for CacheIter<K, V> {}
impl<K, V> core::iter::FusedIterator for CacheIter<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for CacheIter<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.as_slice()).finish()
    }
}
