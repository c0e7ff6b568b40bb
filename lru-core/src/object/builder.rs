//! The builder of a cache object.

mod self_sizing;

use core::fmt;
use core::sync::atomic::AtomicBool;
use core::time::Duration;
use std::boxed::Box;

use crate::expiry::{Clock, ExpirySettings, SystemClock, Timestamp};
use crate::heap_size::HeapSize;
use crate::object::Cache;
use crate::object::settings::{ObjectTypes, Settings};
use crate::store::policy::{Rr, Sampled};
use crate::store::{Candidates, Lru, Policy, RemovalCause, entry_bytes};

/// A builder of a [`Cache`]: capacity, expiry, weigher, eviction listener.
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
///     .on_evict(|path, _, cause| println!("{path} removed: {cause:?}"))
///     .build();
/// texts.insert("a.txt".to_string(), "Hello".to_string());
/// assert_eq!(texts.info().currsize, 10);
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct CacheBuilder<K, V, P = Lru, C: Clock = SystemClock> {
    maxsize: Option<usize>,
    settings: Settings<K, V, C>,
    policy: P,
}

impl<K, V, P: Policy> Cache<K, V, P> {
    /// Returns a builder of an unbounded cache whose entries never expire, with the system clock.
    pub fn builder() -> CacheBuilder<K, V, P> {
        Cache::builder_with(SystemClock)
    }
}

impl<K, V, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Returns a builder of a cache whose entries expire by `clock`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use std::time::Duration;
    ///
    /// use functools::{LfuCache, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let pages = LfuCache::builder_with(clock.clone()).ttl(Duration::from_secs(5)).build();
    /// pages.insert("/", "welcome");
    /// clock.advance(Duration::from_secs(5));
    /// assert_eq!(pages.get("/"), None);
    /// ```
    #[doc(alias = "clock")]
    pub fn builder_with(clock: C) -> CacheBuilder<K, V, P, C> {
        let settings = Settings::new(clock, ExpirySettings::NONE, false);
        CacheBuilder { maxsize: None, settings, policy: P::NEW }
    }
}

impl<K, V, P: Policy, C: Clock> CacheBuilder<K, V, P, C> {
    /// Sets the capacity: the number of entries or, with a [weigher](Self::weigher), their total weight.
    ///
    /// With zero, nothing is stored. With `None`, and by default, the cache is unbounded.
    pub fn maxsize(mut self, maxsize: impl Into<Option<usize>>) -> Self {
        self.maxsize = maxsize.into();
        self
    }

    /// Sets the time to live: an entry expires `ttl` after it was last stored. A hit does not extend it. With
    /// the [system clock](SystemClock), `ttl` is a `Duration`.
    pub fn ttl(mut self, ttl: <C::Time as Timestamp>::Span) -> Self {
        self.settings.expiry = self.settings.expiry.ttl(ttl);
        self
    }

    /// Sets the time to idle: an entry expires `tti` after its last use, which is a hit or an insert.
    pub fn tti(mut self, tti: <C::Time as Timestamp>::Span) -> Self {
        self.settings.expiry = self.settings.expiry.tti(tti);
        self
    }

    /// Sets a function that returns the deadline of each entry, from its key, its value and the current time.
    /// It replaces `ttl`.
    ///
    /// The time is of the type that the clock shows, and the sums of an `Instant` or an integer panic if they are too
    /// large. Where a duration comes from outside, write `now.checked_add(..)`; an instant centuries ahead is never
    /// reached.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use std::time::Duration;
    ///
    /// use functools::{LruCache, ManualClock};
    ///
    /// const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    ///
    /// let clock = ManualClock::new();
    /// let rooms = LruCache::builder_with(clock.clone())
    ///     .maxsize(100)
    ///     .ttu(|_room: &u32, days: &u32, now| now + *days * DAY)
    ///     .build();
    /// (rooms.insert(101, 1), rooms.insert(102, 7));
    /// clock.advance(DAY);
    /// assert!(!rooms.contains(&101) && rooms.contains(&102));
    /// assert_eq!(rooms.expire(), [(101, 1)]);
    ///
    /// let pages = LruCache::builder()
    ///     .ttu(|_url: &&str, max_age: &u64, now| {
    ///         now.checked_add(Duration::from_secs(*max_age)).unwrap_or(now + 100 * 365 * DAY)
    ///     })
    ///     .build();
    /// pages.insert("/logo", u64::MAX);
    /// assert!(pages.contains(&"/logo"));
    /// ```
    pub fn ttu(mut self, ttu: impl Fn(&K, &V, C::Time) -> C::Time + Send + Sync + 'static) -> Self {
        self.settings.ttu = Some(Box::new(ttu));
        self
    }

    /// Shortens the `ttl` of each entry by a random fraction of up to `jitter`, so that entries that were
    /// stored together do not expire together.
    ///
    /// 0.1 is a tenth of the `ttl`. A number outside 0 to 1 is clamped to that range.
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.settings.expiry = self.settings.expiry.jitter(jitter);
        self
    }

    /// Keeps entries for `span` after their `ttl`, to be returned in place of an error (stale-if-error).
    ///
    /// This concerns [`get_or_try_insert_with`](Cache::get_or_try_insert_with), [`try_wrap`](Cache::try_wrap) and their
    /// async forms: if a computation fails whose key has such an entry, they return its value. For all other methods
    /// the entry has expired, but it takes room. It has no effect on entries with a deadline by [`ttu`](Self::ttu), or
    /// without a `ttl`. A function with `cache = …` has an option of this name of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use std::time::Duration;
    ///
    /// use functools::{LruCache, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let rates = LruCache::builder_with(clock.clone())
    ///     .ttl(Duration::from_secs(60))
    ///     .stale_if_error(Duration::from_secs(600))
    ///     .build();
    /// assert_eq!(rates.get_or_try_insert_with("EUR", || Ok::<_, &str>(108)), Ok(108));
    /// clock.advance(Duration::from_secs(100));
    /// assert_eq!(rates.get("EUR"), None);
    /// assert_eq!(rates.get_or_try_insert_with("EUR", || Err("offline")), Ok(108));
    /// assert_eq!(rates.get_or_try_insert_with("USD", || Err("offline")), Err("offline"));
    /// ```
    pub fn stale_if_error(mut self, span: <C::Time as Timestamp>::Span) -> Self {
        self.settings.expiry = self.settings.expiry.stale_if_error(span);
        self
    }

    /// Serves entries for `span` after their `ttl` while they are recomputed (stale-while-revalidate, RFC 5861).
    ///
    /// This concerns [`get_or_insert_with`](Cache::get_or_insert_with), [`wrap`](Cache::wrap) and the like, their forms
    /// that may fail, and the async ones. The first call that finds an entry past its `ttl` computes the value in its own
    /// time and stores it; all others are served the old value at once, as hits. If the computation fails, this call
    /// is served the old value too, and the next attempt is made a second later, or more after several failures. (A
    /// function with `cache = …` and `swr` computes in the background instead: an object only borrows what computes.)
    ///
    /// For all other methods the entry has expired, but it takes room. The calls for one key are coalesced, as
    /// with [`single_flight`](Self::single_flight). It has no effect on entries with a deadline by [`ttu`](Self::ttu), or
    /// without a `ttl`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use std::time::Duration;
    ///
    /// use functools::{LruCache, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let rates = LruCache::builder_with(clock.clone())
    ///     .ttl(Duration::from_secs(60))
    ///     .swr(Duration::from_secs(600))
    ///     .build();
    /// assert_eq!(rates.get_or_insert_with("EUR", || 108), 108);
    /// clock.advance(Duration::from_secs(100));
    /// let rate = rates.get_or_insert_with("EUR", || {
    ///     // Meanwhile, other calls are served the old value.
    ///     assert_eq!(rates.get_or_insert_with("EUR", || unreachable!()), 108);
    ///     109
    /// });
    /// assert_eq!(rate, 109);
    /// ```
    pub fn swr(mut self, span: <C::Time as Timestamp>::Span) -> Self
    where
        K: Clone,
    {
        self.settings.expiry = self.settings.expiry.swr(span);
        self.settings.flight_key = Some(K::clone);
        self
    }

    /// Coalesces concurrent calls of [`get_or_insert_with`](Cache::get_or_insert_with),
    /// [`get_or_try_insert_with`](Cache::get_or_try_insert_with), [`wrap`](Cache::wrap) and
    /// [`try_wrap`](Cache::try_wrap) for one key (single-flight), as those of the async forms always are.
    ///
    /// One call computes, and the others block until they receive its value, which counts as a hit; async calls of
    /// the key take part. If the computation fails or panics, the calls that wait compute. A computation that needs
    /// its own value, directly or through other threads, computes it instead of waiting for ever. A miss clones the
    /// key.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use std::thread;
    ///
    /// use functools::LruCache;
    ///
    /// let (squares, runs) = (LruCache::builder().single_flight().build(), AtomicU32::new(0));
    /// let square = |n: u64| {
    ///     squares.get_or_insert_with(n, || {
    ///         runs.fetch_add(1, Ordering::Relaxed);
    ///         n * n
    ///     })
    /// };
    /// thread::scope(|scope| {
    ///     for _ in 0..4 {
    ///         scope.spawn(|| assert_eq!(square(12), 144));
    ///     }
    /// });
    /// assert_eq!(runs.into_inner(), 1);
    /// ```
    pub fn single_flight(mut self) -> Self
    where
        K: Clone,
    {
        self.settings.flight_key = Some(K::clone);
        self
    }

    /// Sets how long a call waits for the computation of another before it computes as well. By default that is 30
    /// seconds.
    pub fn flight_timeout(mut self, timeout: Duration) -> Self {
        self.settings.flight = self.settings.flight.timeout(timeout);
        self
    }

    /// Sets the function that returns the weight of an entry; `maxsize` then bounds the sum of the weights,
    /// and `currsize` is that sum. An entry that weighs more than `maxsize` is not stored.
    pub fn weigher(mut self, weigher: impl Fn(&K, &V) -> usize + Send + Sync + 'static) -> Self {
        self.settings.weigher = Some(Box::new(weigher));
        self.settings.weighs_bytes = false;
        self
    }

    /// Makes the weight of an entry its size in bytes, by [`HeapSize`]: `maxsize` then bounds the memory of the cache.
    ///
    /// It counts the key and the value with all that they own, and what the entry needs in the tables of the cache. The
    /// value is measured when it is stored, without a lock; what changes inside it afterwards is not noticed. It replaces
    /// a [weigher](Self::weigher).
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::{LruCache, MIB};
    ///
    /// let pages = LruCache::builder().maxsize(64 * MIB).weigh_bytes().build();
    /// pages.insert("index.html".to_string(), vec![0_u8; 10_000]);
    /// assert!((10_000..10_300).contains(&pages.info().currsize));
    /// pages.insert("film.mp4".to_string(), vec![0_u8; 65 * MIB]);
    /// assert_eq!(pages.len(), 1); // the film is larger than `maxsize`
    /// ```
    pub fn weigh_bytes(mut self) -> Self
    where
        K: HeapSize,
        V: HeapSize,
        P: Policy,
    {
        self.settings.weigher = Some(Box::new(|key, value| {
            let owned = key.heap_size().saturating_add(value.heap_size());
            owned.saturating_add(entry_bytes::<ObjectTypes<K, V, P>>())
        }));
        self.settings.weighs_bytes = true;
        self
    }

    /// Sets the least weight of an entry: a weigher's smaller results count as this. By default it is 1.
    ///
    /// With `min_weight(0)`, entries may weigh nothing, as in Python's cachetools. Such entries are never evicted for
    /// lack of room, and their number is not bounded.
    pub fn min_weight(mut self, min_weight: usize) -> Self {
        self.settings.expiry = self.settings.expiry.min_weight(min_weight);
        self
    }

    /// Sets the eviction listener, which is called with the key, the value and the cause of each removed
    /// entry.
    ///
    /// It is called after the lock is released, on the thread whose call removed the entries, for the oldest
    /// first. If it panics, it is still called for the other entries, and the panic is resumed afterwards.
    pub fn on_evict(mut self, listener: impl Fn(&K, &V, RemovalCause) + Send + Sync + 'static) -> Self {
        self.settings.listener = Some(Box::new(listener));
        self
    }

    /// Samples the keys of calls, so that [`Cache::insight`] can tell the hit ratio with other capacities. The type of the cache
    /// is then `Cache<K, V, Sampled<P>, C>`.
    ///
    /// [`Sampled`] has the cost.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let pages = LruCache::builder().maxsize(100).insight().build();
    /// for n in (0..3000).map(|n| n % 150) {
    ///     pages.get_or_insert_with(n, || format!("page {n}"));
    /// }
    /// assert_eq!(pages.info().hits, 0);
    /// assert_eq!(pages.insight().smallest_within(0.0), 150);
    /// ```
    pub fn insight(self) -> CacheBuilder<K, V, Sampled<P>, C> {
        let Self { maxsize, settings, policy } = self;
        CacheBuilder { maxsize, settings, policy: Sampled::new(policy) }
    }

    /// Creates the cache.
    #[must_use]
    pub fn build(self) -> Cache<K, V, P, C> {
        let Self { maxsize, mut settings, policy } = self;
        settings.is_timed = AtomicBool::new(settings.expiry.is_timed() || settings.ttu.is_some());
        let mut cache = Cache::with_settings(maxsize, settings);
        cache.engine.set_policy(policy);
        cache
    }
}

impl<K, V, C: Clock> CacheBuilder<K, V, Rr, C> {
    /// Sets the seed of the random generator: with the same seed, the same calls evict the same entries.
    pub fn seed(mut self, seed: u64) -> Self {
        self.policy = Rr::seeded(seed);
        self
    }

    /// Sets the victim chooser: a function that returns the index of the key whose entry is evicted, like
    /// Python's `random.choice` on a list. It runs while the lock is held. If the index is out of range, a
    /// random entry is evicted.
    pub fn choice(mut self, choice: impl Fn(&Candidates<'_, K>) -> usize + Send + Sync + 'static) -> Self {
        self.settings.choice = Some(Box::new(choice));
        self
    }
}

impl<K, V, P, C: Clock> fmt::Debug for CacheBuilder<K, V, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder").field("maxsize", &self.maxsize).finish_non_exhaustive()
    }
}
