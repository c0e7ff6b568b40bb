//! Remembers the results of functions: Python's `functools.lru_cache` for Rust.
//!
//! ```
//! use functools::lru_cache;
//!
//! #[lru_cache(maxsize = None)]
//! fn fibonacci(n: u64) -> u64 {
//!     if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
//! }
//!
//! assert_eq!(fibonacci(90), 2_880_067_194_370_816_120);
//! assert_eq!(
//!     fibonacci::cache_info().to_string(),
//!     "CacheInfo(hits=88, misses=91, maxsize=None, currsize=91)",
//! );
//! fibonacci::cache_clear();
//! ```
//!
//! * [`macro@lru_cache`] and [`macro@cache`] are the attributes, for functions and methods, generic
//!   and `async` ones too. Their pages list the options and what a memoized function can be asked.
//! * [`macro@ttl_cache`], [`macro@fifo_cache`], [`macro@lfu_cache`] and [`macro@rr_cache`] are the
//!   same with another default, named as in Python's `cachetools`; [`macro@async_lru_cache`] is, too.
//! * What is `fib.cache_info()` in Python is `fib::cache_info()` here, and so for all the others.
//! * [`Cache`] is the same engine as a plain object, in which a function can keep its results:
//!   [`LruCache`], [`LfuCache`], [`FifoCache`], [`RrCache`], [`TtlCache`], [`TlruCache`].
//! * [`policy`] tells who leaves when there is no room, and [`Clock`] by what time entries expire.
//! * [`Argument`](trait@Argument) tells what can be an argument beside everything that is
//!   `Hash + Eq + Clone`; [`derive(Argument)`](derive@Argument) makes one of a type of your own.
//!
//! # What is promised
//!
//! * **Exact.** There are never more than `maxsize` entries, and the one that makes room is always
//!   the least recently used, or the one that another [`policy`] tells: with `shards`, of its shard. A hit
//!   and a store both make an entry the most recent.
//! * **What has expired is never served**, nor counted in `currsize`, and it leaves before anything
//!   is evicted. Where nothing expires, no clock is read.
//! * **A hit allocates nothing and clones no argument.** Arguments are hashed and compared where
//!   they lie; the owned key is made on a miss.
//! * **The lock is never held while the function runs**, nor across an `.await`. Recursion is free.
//!   Two threads that miss the same key both compute, and each gets what it computed, unless they
//!   [share](macro@lru_cache#calls-that-share-what-is-computed) it, as tasks do.
//! * **One function, one cache, right answers.** With `scope = thread`, one for each thread. All instances of a generic function or method share
//!   its bound and its counters, and no result that may depend on the type.
//! * **An `Err` is returned and not remembered**, whatever the result's type is called. A panic
//!   stores nothing either. Both count one miss.
//! * **After a [clear](macro@lru_cache#what-a-memoized-function-can-be-asked), nobody is served what
//!   was computed before it**, not even by a computation that was under way.
//! * **User code may call back.** The `Hash`, `Eq`, `Clone` and `Drop` of arguments and results may
//!   call the function and its accessors again, on the same thread. `Eq` and `Clone` run under the
//!   lock, so they must not wait for a lock that another thread may hold while it calls the
//!   function; what they compute or put is right, is counted, and may go unstored.
//!
//! # Features
//!
//! None is on by default, and none changes what a call returns.
//!
//! | feature | what it adds |
//! |---|---|
//! | `testing` | `isolated`: fresh caches for the thread of a test |
//! | `tokio` | stale results of async functions are refreshed on the caller's runtime |
//! | `registry` | the module `registry`: a list of all memoized functions of the program |
//! | `metrics` | `registry::publish_metrics`: what they count, through the [`metrics`](https://docs.rs/metrics) facade |
//! | `tracing` | events through the [`tracing`](https://docs.rs/tracing) facade, as told below |
//! | `backend`, `json` | [results outside the process](macro@lru_cache#a-backend), as few bytes or as JSON; `json` brings `backend` |
//! | `redis`, `memcached`, `disk` | the module [`backend`] has what keeps them there; each brings `backend` |
//! | `redis-cluster`, `redis-sentinel`, `redis-tls` | what else the client of Redis can do; each brings `redis` |
//! | `axum` | the module `debug_page`: a page on all memoized functions, for services on [axum](https://docs.rs/axum) |
//!
//! With `tracing`, functions tell what their calls do where these may share results or have stale ones: async
//! functions, and those with `single_flight`, `swr` or `stale_if_error`. A plain hit tells nothing. Each event has
//! the target `functools` and the path of the `function`, as the registry has it; `took` is how long it ran.
//!
//! | level | event |
//! |---|---|
//! | debug | `computed`, with `is_error`; `refreshed`; `single-flight leader dropped; follower promoted` |
//! | warn | `refresh failed`; `refresh panicked or was dropped`; `computation failed; served stale result`; ``single-flight leader exceeded `flight_timeout`; follower promoted`` |
//!
//! # Panics
//!
//! Nothing here panics on its own account. What the function, or the `Hash`, `Eq`, `Clone` or
//! `Drop` of an argument or a result panics with goes on to the caller, and leaves the cache whole.

#![forbid(unsafe_code)]

/// Stores outside the process, behind the cache in it: what `backend = …` takes.
///
/// Any [`Backend`](backend::Backend) will do, or [`AsyncBackend`](backend::AsyncBackend) for async functions.
/// With the features of the same names there are `redis`, `memcached` and `disk`, which are both.
pub mod backend {
    #[cfg(feature = "backend")]
    pub use lru_backends::*;
    pub use lru_core::backend::{AsyncBackend, Backend, BackendError, ErrorKind, InvalidationSink, Stored};
}
/// # Examples
///
/// ```
/// use functools::{isolated, lru_cache};
///
/// #[lru_cache]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// square(3);
/// isolated(|| {
///     assert_eq!(square::cache_info().currsize, 0);
///     square(3);
///     square(3);
///     assert_eq!((square::cache_info().hits, square::cache_info().misses), (1, 1));
/// });
/// assert_eq!(square::cache_info().misses, 1);
/// ```
#[cfg(feature = "testing")]
pub use lru_core::isolated;
pub use lru_core::policy;
pub use lru_core::refresh;
#[cfg(feature = "registry")]
pub use lru_core::registry;
#[cfg(feature = "testing")]
pub use lru_core::testing;
pub use lru_core::{
    Argument, Cache, CacheBuilder, CacheInfo, CacheIter, CacheParameters, CacheStats, Clock, FifoCache, Keys,
    LfuCache, LruCache, ManualClock, RemovalCause, RrCache, SystemClock, Timer, TlruCache, TtlCache,
};
#[cfg(feature = "axum")]
pub use lru_page as debug_page;

/// # Examples
///
/// ```
/// use functools::{LruCache, Tagged, lru_cache};
///
/// static NUMBERS: LruCache<Tagged<u64>, u64> = LruCache::new(Some(100));
///
/// #[lru_cache(cache = NUMBERS)]
/// fn double(n: u64) -> u64 {
///     2 * n
/// }
///
/// #[lru_cache(cache = NUMBERS)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// assert_eq!((double(5), square(5)), (10, 25));
/// ```
pub use lru_core::Tagged;

/// Makes an [`Argument`](trait@Argument) of a type of your own: one that holds floats, or that is to
/// stand behind a nested reference.
///
/// Two values are the same if they are the same variant and all their fields are the same arguments:
/// floats by their bits, with one NaN; everything else as it would be compared if it were an argument
/// by itself. Fields need to be `Argument`s, or `Hash + Eq + Clone`.
///
/// The type must be `Clone`, as it is kept as it is. A type with a lifetime needs no `Clone`: it
/// is kept in an owned form, and all its fields must be `Argument`s. Where this crate was renamed,
/// `#[argument(crate = path)]` says how.
///
/// ```
/// use functools::{Argument, lru_cache};
///
/// #[derive(Clone, Argument)]
/// struct Point {
///     x: f64,
///     y: f64,
/// }
///
/// #[derive(Argument)]
/// enum Query<'a> {
///     Named(&'a str),
///     Near { point: &'a Point, within: f64 },
/// }
///
/// #[lru_cache]
/// fn count(query: Query<'_>) -> usize {
///     match query {
///         Query::Named(name) => name.len(),
///         Query::Near { point, within } => (point.x * point.y * within) as usize,
///     }
/// }
///
/// let point = Point { x: 2.0, y: 3.0 };
/// assert_eq!(count(Query::Near { point: &point, within: 4.0 }), 24);
/// assert_eq!(count(Query::Near { point: &point.clone(), within: 4.0 }), 24);
/// assert_eq!(count(Query::Named("two")), 3);
/// assert_eq!(count::cache_info().hits, 1);
/// ```
pub use lru_macros::Argument;

/// Remembers all results of a function: Python's `functools.cache`.
///
/// The same as `#[lru_cache(maxsize = None)]`, and takes the same [options](macro@lru_cache#options)
/// except `maxsize`, `policy`, `choice`, `seed`, `weight` and `cache`. Unless results [expire](macro@lru_cache#expiry) it
/// never forgets: feed it input that has an end.
///
/// ```
/// use functools::cache;
///
/// #[cache]
/// fn factorial(n: u64) -> u64 {
///     if n < 2 { 1 } else { n * factorial(n - 1) }
/// }
///
/// assert_eq!(factorial(10), 3_628_800);
/// assert_eq!(factorial(12), 479_001_600); // two more multiplications
/// assert_eq!(factorial::cache_info().misses, 12);
/// ```
pub use lru_macros::cache;

/// Remembers the results of a function, up to a number of them: Python's `functools.lru_cache`.
///
/// Goes on functions and methods, generic and `async` ones too: at module level, inside a body, in
/// an `impl` or a trait, of any visibility, `unsafe` or not, with lifetimes, patterns, and any
/// number of parameters. Not on a `const fn`, nor on what takes a `&mut` or returns a borrow.
///
/// The result must be `Clone + Send + Sync + 'static` (of a `Result`, only its `Ok` value), the
/// arguments `Hash + Eq + Clone + Send + Sync + 'static`, or an [`Argument`](trait@Argument), or
/// references to such. With [`scope = thread`](#scope) neither need be `Send` or `Sync`.
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | [`maxsize = 64`](#maxsize), or just `64` | how many results are remembered; `None`: all | `128` |
/// | [`policy = sieve`](#policy) | who makes room: `lru`, `lfu`, `fifo`, `rr`, `sieve`, `s3_fifo` or `w_tinylfu` | `lru` |
/// | [`choice = \|keys\| …`](#policy) | with `policy = rr`, chooses who makes room | chance |
/// | [`seed = 42`](#policy) | with `policy = rr`, makes chance another one | `0` |
/// | [`ttl = 60`](#expiry) | for how long a result is live, since it was stored | for ever |
/// | [`tti = 60`](#expiry) | for how long it is, since it was used last | for ever |
/// | [`jitter = 0.1`](#expiry) | up to which part of it each `ttl` is shortened, at random | `0` |
/// | [`ttu = \|id, user, now\| …`](#a-time-for-each-result) | makes the time until which a result is live, in place of `ttl` | |
/// | [`error_ttl = 5`](#what-is-remembered) | for how long an `Err` is, where it is remembered | `ttl` |
/// | [`swr = true`](#stale-results), or `swr = 30` | whether, or for how long past its `ttl`, a result is served while it is refreshed | `false` |
/// | [`stale_if_error = 300`](#stale-results) | for how long past its `ttl` a result is served where the function fails | not at all |
/// | [`timer = requests`](#timer) | the function that tells the time | [`SystemClock`] |
/// | [`weight = \|path, text\| …`](#weight) | makes what a result counts against `maxsize` | `1` |
/// | [`on_evict = log`](#on_evict) | is told of each result that leaves, and why | |
/// | [`typed = true`](#typed) | whether arguments of different types are remembered apart | must be given for a generic function, `false` for others |
/// | [`key = make_key`](#what-the-key-is), or `key_fn` | a closure or a function that makes the key of the arguments | the arguments |
/// | [`#[key(skip)]`](#what-the-key-is) on a parameter | leaves it out of the key | |
/// | [`#[key(user.id)]`](#what-the-key-is) on a parameter | puts an expression in its place | |
/// | [`cache_errors = true`](#what-is-remembered) | whether an `Err` is remembered | `false` |
/// | [`cache_none = false`](#what-is-remembered) | whether `None` and `Ok(None)` are remembered | `true` |
/// | [`scope = thread`](#scope) | who has the results: `process`, all threads together, or `thread`, each its own | `process` |
/// | [`shards = 16`](#shards) | in how many parts they lie, each with a lock of its own | `1` |
/// | [`cache = self.prices`](#where-the-results-lie) | the object in which the results lie | a `static` of the function's own |
/// | [`single_flight = true`](#calls-that-share-what-is-computed), or [`global`](#a-backend) | whether of calls that miss at one time only one computes, or of all processes | `true` for an `async fn`, else `false` |
/// | [`flight_timeout = 5`](#calls-that-share-what-is-computed) | when the others give up on it | 30 seconds |
/// | [`spawn = executor`](#stale-results) | what runs the refreshes of an `async fn` | tokio, with the feature `tokio` |
/// | [`backend = store()`](#a-backend) | a store outside the process, for what it has no room for and others have computed | none |
/// | [`front_ttl = 5`](#a-backend) | for how long this process keeps its copy of what lies in the backend | `ttl` |
/// | [`version = 2`](#a-backend) | keeps what other versions of the function left in the backend apart | |
/// | [`format = json`](#a-backend) | how arguments and results become bytes there: `compact` or `json` | `compact` |
/// | [`strict = true`](#a-backend) | whether a call fails with its backend | `false` |
/// | [`on_backend_error = log`](#a-backend) | is told what the backend could not do | |
/// | [`accessors = siblings`](#where-the-accessors-stand) | where `cache_info()` and the rest stand: `companion`, `siblings` or `none` | `siblings` for methods, `companion` for others |
/// | [`handle = name`](#names) | the name of the companion type | the function's name |
/// | [`crate = path`](#names) | where this crate is, if it was renamed or re-exported | `::functools` |
///
/// ## `maxsize`
///
/// A constant expression of any integer type. Zero or less stores nothing and counts misses; `None`
/// remembers everything, which [`macro@cache`] does too. Then threads that find what they ask for do not wait for
/// each other, if arguments and results are made of the standard library's types, so that nobody's `Eq` or `Clone` is
/// called, and nothing more is asked of the cache: neither times, `weight` and `on_evict`, nor `shards` or `cache`. That
/// begins when several threads have been seen to call; a miss ends it for some calls.
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
/// assert_eq!(square::cache_parameters().maxsize, Some(128));
///
/// const LIMIT: usize = 2;
///
/// #[lru_cache(maxsize = LIMIT)]
/// fn cube(n: u64) -> u64 {
///     n * n * n
/// }
/// (cube(1), cube(2), cube(1), cube(3));
/// assert!(!cube::cache_contains(2)); // the least recently used made room
/// assert!(cube::cache_contains(1));
///
/// #[lru_cache(maxsize = 0)]
/// fn counted(n: u64) -> u64 {
///     n
/// }
/// (counted(1), counted(1));
/// assert_eq!(counted::cache_info().misses, 2);
/// ```
///
/// ## `policy`
///
/// Who makes room for a newcomer when there are `maxsize` results. [`policy`] has a page for each,
/// with what it is good for and what it costs.
///
/// | policy | who leaves |
/// |---|---|
/// | [`lru`](policy::Lru) | the least recently used |
/// | [`lfu`](policy::Lfu) | the least often used; among equals, the one not used for longest |
/// | [`fifo`](policy::Fifo) | the oldest |
/// | [`rr`](policy::Rr) | any, by chance |
/// | [`sieve`](policy::Sieve) | the oldest that was not used since it was last passed over |
/// | [`s3_fifo`](policy::S3Fifo) | newcomers that are not used again soon, then the oldest |
/// | [`w_tinylfu`](policy::WTinyLfu) | the newcomer or an old one, whichever comes up less often |
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache(maxsize = 2, policy = lfu)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// (square(1), square(1), square(2), square(3));
/// assert!(square::cache_contains(1)); // used twice
/// assert!(!square::cache_contains(2));
/// ```
///
/// With `policy = rr`, `choice` says whom to evict: a closure, or the path of a function, that is shown the
/// [`Keys`] and returns the number of one. A key is the one argument in its owned form, or the tuple of them,
/// so both must be [nameable](#what-a-memoized-function-can-be-asked). It runs while the cache is read; a number
/// that is none leaves it to chance. `seed` is a constant of type `u64`: of two functions with the same seed, the
/// same calls evict the same results.
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache(maxsize = 2, policy = rr, choice = |keys| keys.iter().position(|name| name != "Ada").unwrap_or(0))]
/// fn length(name: &str) -> usize {
///     name.len()
/// }
///
/// (length("Ada"), length("Bob"), length("Eve"));
/// assert!(length::cache_contains("Ada") && !length::cache_contains("Bob"));
/// ```
///
/// ## Expiry
///
/// A result is live strictly before its time: with `ttl = 60` it is served while less than a minute
/// has passed since it was stored, and with `tti = 60` while less than that has passed since its
/// last use. A hit is a use, and so is a store; `cache_peek` is none. With both, the
/// earlier time counts. What is no longer live is never served; it leaves the cache when next
/// something is stored or counted, before anything is evicted.
///
/// A time is a number of seconds, whole or not, or a [`Duration`](std::time::Duration): any expression
/// of these. `jitter = 0.1` shortens the `ttl` of each result by up to a tenth, at random, so that what
/// was stored together does not expire together. It never prolongs.
///
/// ```
/// use std::time::Duration;
///
/// use functools::lru_cache;
///
/// #[lru_cache(ttl = 60, jitter = 0.1)]
/// fn price(id: u32) -> u32 {
///     id * 100
/// }
///
/// #[lru_cache(maxsize = None, ttl = Duration::from_secs(3600), tti = 0.5 * 60.0)]
/// fn name(id: u32) -> String {
///     format!("article {id}")
/// }
///
/// assert_eq!((price(7), price(7)), (700, 700));
/// assert_eq!((name(7), name(7)), ("article 7".to_string(), "article 7".to_string()));
/// assert_eq!((price::cache_info().hits, name::cache_info().hits), (1, 1));
/// ```
///
/// ## A time for each result
///
/// `ttu` makes the time until which a result is live. It is a closure, or the path of a function, that
/// is given references to all arguments and to the result (of a `Result`, the `Ok` value), and
/// the time it is now. It runs once for each result that is stored, outside the lock. A time that is not
/// ahead keeps the result out of the cache.
///
/// ```
/// use std::time::Duration;
///
/// use functools::lru_cache;
///
/// #[derive(Clone)]
/// struct Page {
///     max_age: u64,
/// }
///
/// #[lru_cache(ttu = |_, page, now| now + Duration::from_secs(page.max_age))]
/// fn page(url: &str) -> Page {
///     Page { max_age: if url.ends_with("/news") { 0 } else { 3600 } }
/// }
///
/// (page("/"), page("/"), page("/news"), page("/news"));
/// assert_eq!((page::cache_info().hits, page::cache_info().currsize), (1, 1));
/// ```
///
/// ## `timer`
///
/// A function that tells the time, in place of the system's clock: in tests one that is set by hand, or
/// one that counts something else than seconds. What it returns must be
/// `Clone + PartialOrd + Send + Sync + 'static`. `ttl` and `tti` are then whatever can be added to
/// that, and there is no `jitter`. A sum of integers, or of times of the standard library, that is more
/// than the type can tell never comes; a type of your own adds as it does. The function is read at each
/// call, and several times at a miss. Objects have [`Cache::builder_with`] for such a clock: a [`Timer`].
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// use functools::lru_cache;
///
/// static REQUESTS: AtomicU64 = AtomicU64::new(0);
///
/// fn requests() -> u64 {
///     REQUESTS.load(Relaxed)
/// }
///
/// #[lru_cache(ttl = 100, timer = requests)] // for a hundred requests
/// fn greeting(name: &str) -> String {
///     format!("Hello, {name}!")
/// }
///
/// greeting("Ada");
/// REQUESTS.store(99, Relaxed);
/// assert!(greeting::cache_contains("Ada"));
/// REQUESTS.store(100, Relaxed);
/// assert!(!greeting::cache_contains("Ada"));
/// ```
///
/// Where a [`ManualClock`] is to tell the time, a closure reads it:
///
/// ```
/// use std::sync::LazyLock;
/// use std::time::Duration;
///
/// use functools::{Clock, ManualClock, lru_cache};
///
/// static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);
///
/// #[lru_cache(ttl = Duration::from_secs(5), timer = || CLOCK.now())]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// square(3);
/// CLOCK.advance(Duration::from_secs(5));
/// assert!(!square::cache_contains(3));
/// ```
///
/// ## `weight`
///
/// `maxsize` then bounds the sum of what all results weigh, and `currsize` is that sum. The weight is
/// made by a closure, or by the path of a function, of references to all arguments and to the result
/// (of a `Result`, the `Ok` value), and is a `usize`. Results leave, one after the other, until there is
/// room. One that weighs more than `maxsize` by itself is returned and not stored.
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache(maxsize = 1000, weight = |_, _, text| text.len())] // a thousand bytes
/// fn repeat(word: &str, times: usize) -> String {
///     word.repeat(times)
/// }
///
/// (repeat("a", 400), repeat("b", 600));
/// assert_eq!(repeat::cache_info().currsize, 1000);
/// repeat("c", 300);
/// assert_eq!(repeat::cache_info().currsize, 900); // the first made room
/// repeat("d", 1001);
/// assert!(!repeat::cache_contains("d", 1001));
/// ```
///
/// ## `on_evict`
///
/// Is told of each result that leaves the cache, and of the [`RemovalCause`]: the path of a function, or a
/// closure `|key, value, cause| …`. It is given references to the key and to what was kept of the result: the one
/// argument in its owned form, or the tuple of them; of a `Result`, the `Ok` value. It runs when the lock is
/// free, on the thread whose call made the result leave, and may call the function. Should it panic, it
/// is told of the others that left in the same call before the panic goes on.
///
/// Not where the types of these [can't be named](#what-a-memoized-function-can-be-asked), as of a key that is made, or
/// that has `self` in it: there keep the results in an object, whose [builder](Builder::on_evict) takes a listener.
///
/// ```
/// use std::sync::Mutex;
///
/// use functools::{RemovalCause, lru_cache};
///
/// static LEFT: Mutex<Vec<(String, RemovalCause)>> = Mutex::new(Vec::new());
///
/// fn log(name: &str, _length: &usize, cause: RemovalCause) {
///     LEFT.lock().unwrap().push((name.to_string(), cause));
/// }
///
/// #[lru_cache(maxsize = 1, on_evict = log)]
/// fn length(name: &str) -> usize {
///     name.len()
/// }
///
/// (length("Ada"), length("StaleWindow"));
/// length::cache_clear();
/// assert_eq!(*LEFT.lock().unwrap(), [("Ada".into(), RemovalCause::Evicted), ("StaleWindow".into(), RemovalCause::Cleared)]);
/// ```
///
/// ## `typed`
///
/// A generic function has one cache for all its types, and must say how arguments of different
/// types meet there. So must one that takes an `impl Trait`.
///
/// * `typed = true` keeps them apart: `f(3_u8)`, `f(3_i64)` and `f(3.0)` are three calls.
/// * `typed = false` lets equal arguments share, as Python does by default. Numbers are compared by
///   value: `3_u8`, `3_i64` and `3.0` are one call, and so are `1` and `true`; `-0.0` meets no
///   integer. Text is compared by content, be it `&str`, `String`, `Cow<str>`, `Box<str>` or
///   `Arc<str>`. Other types meet only themselves. Only whole arguments are compared in this way:
///   `Some(3_u8)` and `Some(3_i64)` never meet.
///
/// With `typed = false` a call may be answered by what was computed for another type. It is for
/// functions where equal arguments mean equal answers.
///
/// ```
/// use functools::{Argument, lru_cache};
///
/// #[lru_cache(typed = false)]
/// fn half<T: Into<f64> + Argument>(x: T) -> f64 {
///     x.into() / 2.0
/// }
/// assert_eq!((half(3_u8), half(3_i32), half(3.0)), (1.5, 1.5, 1.5));
/// assert_eq!(half::cache_info().misses, 1);
///
/// #[lru_cache(typed = true)]
/// fn name<T: Argument>(_: T) -> &'static str {
///     std::any::type_name::<T>()
/// }
/// assert_eq!((name(3_u8), name(3_i32), name(3_u8)), ("u8", "i32", "u8"));
/// assert_eq!(name::cache_info().misses, 2);
/// ```
///
/// On a function without type parameters, `typed` is told by `cache_parameters()` and changes
/// nothing: its types are fixed. With `cache`, generic functions need no `typed`: the object has
/// its types. [Generic functions](#generic-functions) has the rest.
///
/// ## What the key is
///
/// `#[key(skip)]` leaves a parameter out of the key. It then needs no trait at all, and calls that
/// differ only in it share a result. `#[key(expr)]` puts an expression in its place, in which all
/// parameters can be named. Both go on `self` too.
///
/// `key = ..`, which can also be spelt `key_fn`, makes the whole key. It is a closure, or the path
/// of a function. It is given references to all arguments, at most twelve, `self` first, and
/// without the one that holds the [`cache`](#where-the-results-lie); an argument that is a
/// reference is given as it is. What it returns may borrow from them. It runs at each call, so a
/// key that borrows keeps hits free of allocations.
///
/// ```
/// use functools::lru_cache;
///
/// struct Db(Vec<&'static str>); // neither `Hash` nor `Eq`
/// struct User {
///     id: usize,
/// }
///
/// #[lru_cache]
/// fn find(#[key(skip)] db: &Db, id: usize) -> Option<String> {
///     db.0.get(id).map(ToString::to_string)
/// }
/// let db = Db(vec!["Ada", "StaleWindow"]);
/// assert_eq!(find(&db, 1), find(&db, 1));
/// assert_eq!(find::cache_info().hits, 1);
///
/// #[lru_cache]
/// fn greeting(#[key(user.id)] user: &User, language: &str) -> String {
///     format!("{language}: hello, {}", user.id)
/// }
/// assert_eq!(greeting(&User { id: 1 }, "en"), greeting(&User { id: 1 }, "en"));
/// assert_eq!(greeting::cache_info().hits, 1);
///
/// #[lru_cache(key = |user, language| (user.id, language))]
/// fn farewell(user: &User, language: &str) -> String {
///     format!("{language}: goodbye, {}", user.id)
/// }
/// assert_eq!(farewell(&User { id: 1 }, "en"), farewell(&User { id: 1 }, "en"));
/// assert_eq!(farewell::cache_info().hits, 1);
///
/// #[lru_cache(key_fn = str::trim)]
/// fn words(text: &str) -> usize {
///     text.split_whitespace().count()
/// }
/// assert_eq!((words("to be"), words("  to be\n")), (2, 2));
/// assert_eq!(words::cache_info().hits, 1);
/// ```
///
/// ## What is remembered
///
/// Whatever the function returns, except an `Err`. What a `Result` is, the type decides, not its
/// name. With `cache_errors = true` an `Err` is remembered too; then the error must be
/// `Clone + Send + Sync + 'static` as well. With `cache_none = false`, `None` and `Ok(None)` are not.
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache(cache_errors = true)]
/// fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
/// assert!(parse("seven").is_err() && parse("seven").is_err());
/// assert_eq!(parse::cache_info().hits, 1);
///
/// #[lru_cache(cache_none = false)]
/// fn half(n: u32) -> Option<u32> {
///     (n % 2 == 0).then_some(n / 2)
/// }
/// assert_eq!((half(3), half(3), half(4), half(4)), (None, None, Some(2), Some(2)));
/// assert_eq!((half::cache_info().hits, half::cache_info().misses), (1, 3));
/// ```
///
/// ## `scope`
///
/// With `scope = thread`, each thread has a cache of its own, and there is no lock. It is the fastest there is for a
/// recursive function of numbers that one thread asks; where many ask for the same, each of them computes it.
/// `maxsize` bounds what one thread has. All that [can be asked](#what-a-memoized-function-can-be-asked) speaks for the
/// calling thread: `cache_info()` counts its calls, `cache_clear()` empties its cache and no other. What a thread
/// remembers is dropped as it ends; calls that its destructors still make are computed, and neither stored nor counted.
///
/// Arguments and results need be `'static` only, so an `Rc` will do. An `async fn` remembers for the thread that
/// polls it: a future that goes on in another one than it began in returns its result and stores nothing. With a
/// `backend`, threads are to each other what processes are: what one clears or invalidates, others have in front of it until
/// `front_ttl` is over, and what they were computing then may be stored there afterwards.
///
/// Not with `shards`, `cache`, `single_flight` or `swr`, for which there must be somebody to share with. An `async fn` has no
/// single flight then. The module `registry` does not list such functions, as it could speak for the calling thread only.
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache(maxsize = None, scope = thread)]
/// fn fibonacci(n: u64) -> u64 {
///     if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
/// }
/// assert_eq!(fibonacci(90), 2_880_067_194_370_816_120);
/// assert_eq!(fibonacci::cache_info().currsize, 91);
/// std::thread::spawn(|| assert_eq!(fibonacci::cache_info().currsize, 0)).join().unwrap();
/// ```
///
/// ## `shards`
///
/// With `shards = 16`, the results lie in sixteen parts, by the hash of the key. Each has a lock of its own, so threads
/// that ask for different keys rarely wait for each other. It takes a constant expression: a power of two up to 65536,
/// and no more than `maxsize`, which the parts share out among them. A part costs a few hundred bytes of the program.
///
/// Together they never have more than `maxsize`. Keys don't spread evenly, so one part is full before the others are:
/// of 64 keys with `maxsize = 64, shards = 16`, some 50 stay. Leave room to spare. `cache_info()` adds the parts up as
/// of one moment, for which it takes all locks. Who makes room is chosen within a part, so it need not be the least
/// recently used of all; with `shards = 1`, the default, it is. With `weight`, each part bounds what lies in it, and a
/// result that is heavier than `maxsize` divided by `shards` is not stored. A `cache_clear()` goes from part to part;
/// when it returns, nobody is served what was there before it.
///
/// A call from inside an `Eq` or a `Clone`, which holds the lock of a part, waits for no other part. Where another
/// thread holds that one, such a call computes, finds nothing to peek at, and `cache_info()` leaves the part out. What
/// it clears, invalidates or puts there is gone at once all the same. What it removes from another part is
/// dropped, and told of, by the next call there.
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache(maxsize = 100, shards = 8)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| (0..1000).for_each(|n| assert_eq!(square(n), n * n)));
///     }
/// });
/// let info = square::cache_info();
/// assert_eq!((info.hits + info.misses, info.currsize), (4000, 100));
/// ```
///
/// ## Where the results lie
///
/// In a `static` of the function's own, or where `cache` says: an expression that leads to a
/// [`Cache`], an [`LruCache`] or any other, such as `self.prices`, `memo`, or the name of a `static`.
/// The object has its own bound, policy, weights and listener, so none of these options is given here. The
/// results live as long as the object.
///
/// In an `LruCache<K, V>`, `K` is the one argument in its owned form, or the tuple of them:
/// `String` for `&str`, `(u32, String)` for `(u32, &str)`, `()` where there are none; with `key`,
/// what that makes. `V` is the return type; of a `Result` it is the `Ok` type, unless
/// `cache_errors` is on. The parameter that the expression begins with, `self` or another, is not
/// in the key. Results need only be `Clone` there: not `Send`, not `'static`. Arguments need not be
/// `Send` either.
///
/// ```
/// use functools::{LruCache, lru_cache};
///
/// struct Shop {
///     factor: u32,
///     prices: LruCache<(u32, String), u32>,
/// }
///
/// impl Shop {
///     #[lru_cache(cache = self.prices)]
///     fn price(&self, id: u32, currency: &str) -> u32 {
///         self.factor * id + u32::try_from(currency.len()).unwrap()
///     }
/// }
///
/// let shop = Shop { factor: 2, prices: LruCache::new(Some(100)) };
/// assert_eq!((shop.price(4, "EUR"), shop.price(4, "EUR")), (11, 11));
/// assert_eq!(shop.price_cache_info().hits, 1); // of this shop
/// assert_eq!(shop.prices.len(), 1);
///
/// #[lru_cache(cache = memo)]
/// fn paths(x: u64, y: u64, memo: &LruCache<(u64, u64), u64>) -> u64 {
///     if x == 0 || y == 0 { 1 } else { paths(x - 1, y, memo) + paths(x, y - 1, memo) }
/// }
///
/// let memo = LruCache::new(None); // gone when this solve is done
/// assert_eq!(paths(16, 16, &memo), 601_080_390);
/// assert_eq!(paths::cache_info(&memo).misses, 288);
/// ```
///
/// How long what this function stores there is live, the function may say by `ttl`, `ttu`, `tti` and `jitter`;
/// what it says nothing of is as the object has it. Each of `ttl` and `ttu` takes the place of both of the object's. A
/// use prolongs by the `tti` of who asks: the function's or, for all others, the object's. It all goes by the
/// object's clock, so a `ttl` is what that adds to its time. `timer` reads another in its place, which must tell
/// the same type of time; `ttl` and `tti` are then whatever can be added to that.
///
/// ```
/// use std::time::Duration;
///
/// use functools::{LruCache, ManualClock, TtlCache, lru_cache};
///
/// #[lru_cache(cache = pages)]
/// fn page(url: &str, pages: &LruCache<String, String, ManualClock>) -> String {
///     format!("page {url}")
/// }
///
/// #[lru_cache(cache = pages, ttl = 5)]
/// fn ticker(url: &str, pages: &LruCache<String, String, ManualClock>) -> String {
///     format!("ticker {url}")
/// }
///
/// let clock = ManualClock::new();
/// let pages = TtlCache::builder().maxsize(100).ttl(Duration::from_secs(60)).clock(clock.clone()).build();
/// (page("/", &pages), ticker("/now", &pages));
/// clock.advance(Duration::from_secs(5));
/// assert!(pages.contains("/") && !pages.contains("/now"));
/// ```
///
/// Functions that use one cache share its entries: if two of them take the same arguments, one is
/// answered with what the other has computed. Give each a cache of its own, a `key` that tells
/// them apart, or the cache a key that does: [`Tagged`].
///
/// ## Calls that share what is computed
///
/// With `single_flight = true`, one of the calls that miss a key at one time leads and computes; the others
/// follow and receive what it came to, as hits. Calls with other arguments never wait for it. An `async fn`
/// has it unless it says `single_flight = false`; a plain one has not unless it says so, as Python lets threads
/// compute twice.
///
/// * A leader that panics, or whose future is dropped, is followed by one of those that wait. So is one that takes
///   longer than `flight_timeout`: thirty seconds, or what is said.
/// * An `Err` goes to all who wait, if it is `Clone + Send + Sync + 'static`; else these try in turn.
/// * A call from inside the leader's own body, which it would wait for, computes for itself; so does one that would
///   close a circle of calls that wait for each other.
/// * Nobody joins a computation that began before the cache was cleared, or the key invalidated or put.
/// * A plain function blocks its thread while it follows. Where it shares a [cache](#where-the-results-lie) with an
///   `async fn`, it must not wait for one that this very thread would have to poll.
///
/// ```
/// use std::sync::Barrier;
/// use std::thread;
///
/// use functools::lru_cache;
///
/// #[lru_cache(single_flight = true)]
/// fn report(year: u32) -> String {
///     format!("what took minutes to compute of {year}")
/// }
///
/// let ready = Barrier::new(8);
/// thread::scope(|scope| {
///     for _ in 0..8 {
///         scope.spawn(|| (ready.wait(), report(2026)));
///     }
/// });
/// assert_eq!((report::cache_info().misses, report::cache_info().hits), (1, 7));
/// ```
///
/// ## Stale results
///
/// A result older than its `ttl` is stale. With `swr = true` (stale while revalidate) it is served at once, and refreshed
/// once, in the background; with `swr = 30` for at most thirty seconds past its `ttl`, after which a call computes. A
/// stale hit is a hit; a refresh is neither a hit nor a miss. One that fails leaves the stale result as it is, and is
/// tried again after a second, then after two, four and so on up to a minute, but never later than after a `ttl`; with a
/// [`timer`](#timer), whose times may be anything, after a `ttl`. What was cleared, invalidated or put meanwhile is not
/// overwritten.
///
/// A refresh runs the body with copies of the arguments, taken at the stale hit. So every parameter, those left out of the
/// key and `self` among them, must be `Clone + Send + 'static`, or a reference to what has such an owned form (`&str`,
/// `&[u8]`, `&Shop`). Of a borrow inside another type, as in `Option<&str>`, there is no such copy.
///
/// * Beside [`cache = …`](#where-the-results-lie) a refresh outlives the call, so the cache must be one for the whole program: a `static`.
/// * A plain function is refreshed on a thread of its cache, which is there while there is something to refresh.
/// * An `async fn` is refreshed on an executor: that of the caller's tokio runtime, with the feature `tokio`, or what `spawn = …`
///   says: a [`refresh::Spawn`], or a function that takes a [`refresh::Task`]. Where there is none, or it is not running, the call that found the
///   stale result awaits the refresh, and returns the fresh one.
///
/// `stale_if_error = 300` serves a result for three hundred seconds past its `ttl` to calls that would otherwise return an
/// `Err`. These have run the body: each counts as a miss. Both options need a `ttl`. What is stale counts in `currsize`
/// as long as it may be served; `cache_peek` finds what a call would be answered, `cache_contains` what is fresh.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
///
/// use functools::lru_cache;
///
/// static NOW: AtomicU64 = AtomicU64::new(0);
/// static IS_UP: AtomicU64 = AtomicU64::new(1);
///
/// #[lru_cache(ttl = 60, stale_if_error = 300, timer = || NOW.load(SeqCst))]
/// fn price(symbol: &str) -> Result<usize, String> {
///     if IS_UP.load(SeqCst) == 1 { Ok(symbol.len()) } else { Err("the exchange is down".to_string()) }
/// }
///
/// assert_eq!(price("ABC"), Ok(3));
/// IS_UP.store(0, SeqCst);
/// NOW.store(60, SeqCst);
/// assert_eq!(price("ABC"), Ok(3)); // stale
/// NOW.store(360, SeqCst);
/// assert!(price("ABC").is_err());
/// ```
///
/// ## A backend
///
/// Needs the feature `backend`. What the cache in the process has no room for, or has lost with the last process, is looked for
/// in a store outside it: `backend` is an expression that makes a [`Backend`](backend::Backend), for an `async fn` an
/// [`AsyncBackend`](backend::AsyncBackend). It is evaluated once, at the first call that needs it. A call asks the cache
/// in the process, then the backend, and then computes, and hands the result to both.
///
/// * Arguments and results must be `Serialize` and `DeserializeOwned`, as `serde` has it. What was left out of the key need not.
/// * `ttl` holds for the result wherever it lies. What comes from the backend stays in the process no longer than it is good
///   there. `maxsize = 0` keeps nothing in the process.
///   `front_ttl` shortens the copy in the process, and so bounds how late it sees what other processes have invalidated.
///   What it, `maxsize` and `single_flight` do to a server that a hundred processes share is reckoned and measured in `docs/processes.md`,
///   which comes with this crate.
/// * A backend may [hear of changes](backend::Backend::watch), as Redis does from version 6 on: then the copy is dropped as soon as another
///   process changes or invalidates the result, and all copies are while nothing is heard. `on_evict` is told by the next call. Where that
///   can't be had, `front_ttl` is the bound: with Memcached, a file and a Redis cluster, with results in an object (`cache = …`), and where
///   the server does not offer it.
/// * The path of the function is its namespace: functions that share a backend share nothing in it. A `version`, anything that can
///   be displayed, is a part of it: raise it when results mean something else, or arguments or results are of another type:
///   bytes do not tell types.
/// * A call that the backend answers is a hit, also counted as `backend_hits` of [`CacheStats`].
/// * A backend that fails fails no call: the function is computed, `backend_errors` counted, and `on_backend_error` told, a function
///   that takes a [`&BackendError`](backend::BackendError). With `strict = true` the call returns the error, for which that of the
///   function must be `From<BackendError>`. Bytes that are not the result of this function are as good as none.
/// * With `single_flight = global`, of all processes that miss a key one computes: it claims to, in the backend, and the others look
///   for its result, after 5 milliseconds and then less and less often, up to every 100. Who waits longer than `flight_timeout`
///   computes; the claim of one that died, or of a future that was dropped half-way, ends after that time, too. A backend that has no
///   [`add`](backend::Backend::add) is done without: that is counted as an error, and no `strict` call can do.
/// * `format = json`, with the feature `json`, makes JSON of arguments and results, for other programs to read; without it, and with
///   `compact`, they are as few bytes as can be ([postcard](https://postcard.jamesmunns.com/wire-format)). What JSON would write as `null` and
///   is not, a float that is not finite or `Some(None)`, can't be told from others there: such a key or result is kept in the process only, and
///   counts as an error.
/// * `cache_clear`, `cache_invalidate` and `cache_put` act in both places, and return a `Result`: what is lost must not look
///   done. Those, `cache_contains` and `cache_peek` are `async` where the function is; for the latter two, a backend that
///   can't be asked has nothing. `cache_retain` knows the process only. What another process was computing meanwhile may be stored after them.
///
/// ```
/// # #[cfg(feature = "backend")] {
/// use functools::lru_cache;
/// # use std::{collections::HashMap, sync::Mutex, time::Duration};
/// # use functools::backend::{Backend, BackendError, Stored};
/// # #[derive(Default)]
/// # struct Folder(Mutex<HashMap<(String, Vec<u8>), Vec<u8>>>);
/// # impl Folder { fn open(_: &str) -> Self { Self::default() } }
/// # impl Backend for Folder {
/// #     fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
/// #         let entries = self.0.lock().map_err(|_| "poisoned")?;
/// #         let value = entries.get(&(namespace.to_string(), key.to_vec()));
/// #         Ok(value.map(|value| Stored::new(value.as_slice())))
/// #     }
/// #     fn set(&self, namespace: &str, key: &[u8], value: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
/// #         let mut entries = self.0.lock().map_err(|_| "poisoned")?;
/// #         entries.insert((namespace.to_string(), key.to_vec()), value.to_vec());
/// #         Ok(())
/// #     }
/// #     fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
/// #         Ok(self.0.lock().map_err(|_| "poisoned")?.remove(&(namespace.to_string(), key.to_vec())).is_some())
/// #     }
/// #     fn clear(&self, namespace: &str) -> Result<(), BackendError> {
/// #         Ok(self.0.lock().map_err(|_| "poisoned")?.retain(|(of, _), _| of != namespace))
/// #     }
/// # }
///
/// // `Folder` is a `Backend` of your own, as that of the example `own_backend`.
/// #[lru_cache(maxsize = 0, ttl = 3600, backend = Folder::open("cache"))]
/// fn report(year: u32) -> String {
///     format!("what took minutes to compute of {year}")
/// }
///
/// assert_eq!(report(2026), report(2026));
/// assert_eq!((report::cache_info().hits, report::cache_stats().backend_hits), (1, 1));
/// report::cache_clear()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ## Where the accessors stand
///
/// On a type beside the function (`companion`), or beside the method with its name in front
/// (`siblings`). Only where signature and body can't tell which it is, the option is needed:
///
/// * An associated function that mentions neither `self` nor `Self` looks like a free one, and
///   needs `accessors = siblings`. Without it the compiler says that an `enum` is not supported
///   there.
/// * The `impl` of a trait has no room for more functions. `accessors = none` caches all the same,
///   and there is nothing to ask. The same goes for a trait that is to stay dyn-compatible. A
///   generic function with `accessors = none` must be `typed = true`, and none can have `swr`, for which
///   the body must stand apart from the call.
///
/// ```
/// use functools::lru_cache;
/// use std::time::Instant;
///
/// struct Circle;
///
/// impl Circle {
///     #[lru_cache(accessors = siblings)]
///     fn area(radius: u64) -> u64 {
///         3 * radius * radius
///     }
/// }
/// assert_eq!((Circle::area(2), Circle::area(2)), (12, 12));
/// assert_eq!(Circle::area_cache_info().hits, 1);
///
/// trait Guests {
///     fn first_seen(&self, name: &str) -> Instant;
/// }
///
/// impl Guests for Circle {
///     #[lru_cache(maxsize = None, accessors = none)]
///     fn first_seen(#[key(skip)] &self, _name: &str) -> Instant {
///         Instant::now()
///     }
/// }
/// assert_eq!(Circle.first_seen("Ada"), Circle.first_seen("Ada"));
/// ```
///
/// ## Names
///
/// `handle` is needed where a module or a type has the function's name, and the compiler says that
/// "the name is defined multiple times"; also for a function that is named like a primitive type.
/// `crate` is needed where this crate has another name.
///
/// ```
/// use functools as memo;
/// use memo::lru_cache;
///
/// mod area {} // the name is taken
///
/// #[lru_cache(handle = area_cache, crate = memo)]
/// fn area(width: u32, height: u32) -> u32 {
///     width * height
/// }
/// assert_eq!(area(3, 4), 12);
/// assert_eq!(area_cache::cache_info().currsize, 1);
/// ```
///
/// # What a memoized function can be asked
///
/// Beside the function stands a type of the same name, so that one `use` imports both. Nobody can
/// make a value of it; it has these functions, which take the arguments just as the function does:
///
/// | call | result |
/// |---|---|
/// | `f::cache_info()` | [`CacheInfo`]: hits, misses, maxsize, currsize, read together |
/// | `f::cache_stats()` | [`CacheStats`]: evictions, expiries, errors, and what calls that share results count |
/// | `f::cache_clear()` | empties the cache and sets the counters to zero |
/// | `f::cache_parameters()` | [`CacheParameters`]: maxsize and typed |
/// | `f::wrapped(n)` | runs the function itself, past the cache: Python's `f.__wrapped__(n)` |
/// | `f::cache_contains(n)` | is a result remembered? |
/// | `f::cache_peek(n)` | the remembered result, as an `Option` |
/// | `f::cache_put(n, value)` | stores a result as if it had been computed |
/// | `f::cache_invalidate(n)` | forgets one result, and says whether there was one |
/// | `f::cache_retain(\|n, value\| …)` | forgets all results for which this is false |
/// | `f::cache_refresh(n)` | computes anew, stores, returns; counts one miss |
///
/// What was being computed during a `cache_retain` is not stored, as after a `cache_clear`. Its test is given a
/// reference to the one argument in its owned form, or to the tuple of them, and one to what was kept of the result:
/// of a `Result`, the `Ok` value. Of a generic function, or a method of a generic type, it goes through what was kept of all types together; of functions whose results lie in an object and are
/// [`Tagged`], through its own. It is there where all these types can be named: not where one depends on a
/// generic parameter, nor with a key that is made or has `self` in it. In a method only types can be named of which
/// it is plain that they are no parameter of the `impl`: primitives, those of the prelude, those that are
/// written with the path of their module, as `crate::Price` is, and what is made of these. For results in an object
/// that has it, there is [`Cache::retain`].
///
/// `cache_contains` and `cache_peek` count nothing and move nothing. What is put or refreshed
/// replaces what was there and is the most recent; no computation that began earlier replaces it. A
/// result that is not remembered changes nothing when it is put or refreshed. `wrapped` and
/// `cache_refresh` are `unsafe` or `async` where the function is; the others never are.
///
/// | where | call |
/// |---|---|
/// | a method | `Shop::price_cache_info()`, `Shop::price_wrapped(&shop, id)`, or `shop.price_cache_peek(id)` |
/// | in a generic `impl<T>` | the same, with any `T` that the `impl` allows: `Shop::<()>::price_cache_info()` |
/// | a cache in the object | `shop.price_cache_info()`; it speaks of the whole object, and `cache_clear` empties it |
/// | a cache in a parameter | `f::cache_info(&memo)`; with arguments as ever: `f::cache_peek(n, &memo)` |
/// | a generic function | `f::cache_info()` speaks of all types together; `f::cache_peek::<u64>(n)` of one |
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache]
/// fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// assert!(parse("seven").is_err());
/// assert!(!parse::cache_contains("seven")); // an `Err` is not remembered
///
/// assert_eq!(parse("7"), Ok(7));
/// assert_eq!(parse::cache_peek("7"), Some(Ok(7)));
/// parse::cache_put("seven", Ok(7));
/// assert_eq!(parse("seven"), Ok(7));
/// assert!(parse::cache_invalidate("7"));
/// assert_eq!(parse::cache_info().currsize, 1);
/// parse::cache_retain(|text, number| text.len() < 5 && *number < 5);
/// assert_eq!(parse::cache_info().currsize, 0);
/// ```
///
/// # Generic functions
///
/// One function, one cache: `maxsize` bounds all instances together, and `cache_info()` counts them
/// together. [`typed`](#typed) says which of them share. Where the answer may depend on the type,
/// they never do, whatever `typed` says:
///
/// * with another type for a parameter that stands in the return type,
/// * with another type for a parameter that is not the whole type of an argument in the key,
///   references aside,
/// * with another value of a const parameter.
///
/// A type parameter in an argument needs [`Argument`](trait@Argument), or
/// `Hash + Eq + Clone + Send + Sync + 'static`. One in the return type needs `'static`.
///
/// ```
/// use functools::lru_cache;
/// use std::str::FromStr;
///
/// #[lru_cache(typed = false)]
/// fn parse<T: FromStr + Clone + Send + Sync + 'static>(text: &str) -> Result<T, T::Err> {
///     text.parse()
/// }
///
/// assert_eq!(parse::<u8>("7"), Ok(7));
/// assert_eq!(parse::<i64>("7"), Ok(7)); // another return type, another call
/// assert_eq!(parse::<u8>("7"), Ok(7));
/// assert_eq!((parse::cache_info().hits, parse::cache_info().misses), (1, 2));
/// ```
///
/// # Methods
///
/// `self` is an argument as the others: part of the key, compared by its `Eq`, cloned on a miss and
/// kept as long as the entry. `#[key(skip)]` or `#[key(self.id)]` on it has it otherwise, and with
/// [`cache = self.prices`](#where-the-results-lie) the results lie in the object and go with it.
/// `self`, `&self`, `self: Arc<Self>` and the like can be cached; `&mut self` can't.
///
/// Another `Self`, other parameters of the `impl` and other implementors of a trait never share a
/// result, also where `self` is not in the key. They share the bound and the counters. The
/// parameters of an `impl` need no `typed`.
///
/// ```
/// use functools::lru_cache;
///
/// #[derive(Clone, PartialEq, Eq, Hash)]
/// struct Shop {
///     id: u32,
///     stock: Vec<u32>,
/// }
///
/// impl Shop {
///     #[lru_cache]
///     fn total(&self) -> u32 {
///         self.stock.iter().sum()
///     }
///
///     #[lru_cache]
///     fn street(#[key(self.id)] &self) -> String {
///         format!("{} Main Street", self.id)
///     }
/// }
///
/// let mut shop = Shop { id: 7, stock: vec![1, 2] };
/// assert_eq!((shop.total(), shop.total()), (3, 3));
/// shop.stock.push(3);
/// assert_eq!(shop.total(), 6); // another value of `self`, another call
/// assert_eq!((Shop::total_cache_info().hits, Shop::total_cache_info().misses), (1, 2));
///
/// assert_eq!(shop.street(), "7 Main Street");
/// shop.stock.clear();
/// assert_eq!(shop.street(), Shop::street_wrapped(&shop));
/// assert_eq!(Shop::street_cache_info().hits, 1);
/// ```
///
/// # Async functions
///
/// What is remembered is the result, not the future. Any runtime will do. The lock is never held across
/// an `.await`. A future that is dropped before it is done has counted its miss, and leaves nothing else. Of
/// tasks that miss the same key [one computes](#calls-that-share-what-is-computed), and the others receive what it came to;
/// with `single_flight = false` each computes. An `async fn` that calls itself needs `Box::pin`, as without the attribute.
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache(maxsize = None)]
/// async fn fibonacci(n: u64) -> u64 {
///     if n < 2 { n } else { Box::pin(fibonacci(n - 1)).await + Box::pin(fibonacci(n - 2)).await }
/// }
///
/// # fn block_on<F: Future>(future: F) -> F::Output {
/// #     let mut future = std::pin::pin!(future);
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     loop {
/// #         if let std::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
/// #             return result;
/// #         }
/// #     }
/// # }
/// // `block_on` stands for that of your runtime.
/// assert_eq!(block_on(fibonacci(90)), 2_880_067_194_370_816_120);
/// assert_eq!(fibonacci::cache_info().misses, 91);
/// assert_eq!(fibonacci::cache_peek(10), Some(55));
/// assert_eq!(block_on(fibonacci::wrapped(10)), 55);
/// ```
///
/// # Other attributes of the function
///
/// Doc comments, `#[must_use]`, `#[cfg]`, `#[deprecated]`, lint levels and the like stay on the
/// function. Attributes below this one that are macros, `#[tracing::instrument]` for example, stay
/// on the body, so they run on misses only, as decorators under `@lru_cache` do in Python. They see
/// the body under the function's own name, and that of a method under the name of its sibling,
/// `price_wrapped`. With `accessors = none` they stay on the function and run at each call. An
/// attribute macro above this one is expanded first: what it adds to the body is cached with the
/// body, so it runs on misses only too. To do something at every call, write a function that calls
/// the cached one.
///
/// In documentation, a link to a memoized function says which of the two it means: ``[`f()`]`` for
/// the function, ``[`f`](enum@f)`` for its companion.
///
/// `#[expect(lint)]` is taken as `#[allow(lint)]`: the signature stands in several places, and a
/// lint that is met in one of them is missing in the others.
pub use lru_macros::lru_cache;

/// Remembers the results of a function for ten minutes: `ttl_cache` of Python's `cachetools`.
///
/// The same as `#[lru_cache(maxsize = 128, ttl = 600)]`, and takes the same
/// [options](macro@lru_cache#options) except `cache`. A result is live strictly before it is `ttl` old, however
/// often it is used; beside that, the least recently used one makes room. A `ttu` takes the place of the ten
/// minutes.
///
/// ```
/// use std::cell::Cell;
///
/// use functools::ttl_cache;
///
/// #[ttl_cache] // ten minutes
/// fn temperature(city: &str) -> usize {
///     city.len()
/// }
///
/// thread_local! {
///     static SECONDS: Cell<u64> = const { Cell::new(0) };
/// }
///
/// fn now() -> u64 {
///     SECONDS.get()
/// }
///
/// #[ttl_cache(maxsize = 1000, ttl = 5, timer = now)]
/// fn wind(city: &str) -> usize {
///     city.len()
/// }
///
/// (temperature("Oslo"), wind("Oslo"));
/// SECONDS.set(5);
/// (temperature("Oslo"), wind("Oslo"));
/// assert_eq!((temperature::cache_info().misses, wind::cache_info().misses), (1, 2));
/// ```
pub use lru_macros::ttl_cache;

/// Remembers the results of a function, and the oldest makes room: `fifo_cache` of Python's
/// `cachetools`.
///
/// The same as `#[lru_cache(policy = fifo)]`, and takes the same [options](macro@lru_cache#options)
/// except `policy` and `cache`. How often a result is used makes no difference.
///
/// ```
/// use functools::fifo_cache;
///
/// #[fifo_cache(maxsize = 2)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// (square(1), square(2), square(1), square(3));
/// assert!(!square::cache_contains(1)); // the oldest, though just used
/// assert!(square::cache_contains(2));
/// ```
pub use lru_macros::fifo_cache;

/// Remembers the results of a function, and the least often used makes room: `lfu_cache` of Python's
/// `cachetools`.
///
/// The same as `#[lru_cache(policy = lfu)]`, and takes the same [options](macro@lru_cache#options)
/// except `policy` and `cache`. Of results that were used equally often, the one leaves that was not used
/// for longest.
///
/// ```
/// use functools::lfu_cache;
///
/// #[lfu_cache(maxsize = 2)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// (square(1), square(1), square(2), square(3));
/// assert!(square::cache_contains(1)); // used twice
/// assert!(!square::cache_contains(2));
/// ```
pub use lru_macros::lfu_cache;

/// Remembers the results of a function, and a random one makes room: `rr_cache` of Python's
/// `cachetools`.
///
/// The same as `#[lru_cache(policy = rr)]`, and takes the same [options](macro@lru_cache#options)
/// except `policy` and `cache`. `choice` and `seed` say [whom to choose](macro@lru_cache#policy).
///
/// ```
/// use functools::rr_cache;
///
/// #[rr_cache(maxsize = 2)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// (square(1), square(2), square(3));
/// assert!(square::cache_contains(3)); // a newcomer is always stored
/// assert_eq!(square::cache_info().currsize, 2);
/// ```
pub use lru_macros::rr_cache;

/// Remembers the results of an async function for a minute: Python's `async_lru_cache`.
///
/// The same as `#[lru_cache(maxsize = 256, ttl = 60)]`, and takes the same [options](macro@lru_cache#options)
/// except `cache`. Of calls that ask for the same at one time [one computes](macro@lru_cache#calls-that-share-what-is-computed),
/// with `swr = true` [stale results](macro@lru_cache#stale-results) are served while they are refreshed, and `None` is
/// remembered; an `Err` is not, unless `cache_errors = true`.
///
/// ```
/// use functools::async_lru_cache;
///
/// #[async_lru_cache(ttl = 10, swr = true)]
/// async fn price(symbol: &str) -> Result<usize, std::io::Error> {
///     // ask the exchange, `.await` its answer
///     Ok(symbol.len())
/// }
///
/// let _ = price("ABC"); // a future, as ever
/// assert_eq!(price::cache_parameters().maxsize, Some(256));
/// ```
pub use lru_macros::async_lru_cache;

/// What generated code names. Not for use by hand: it may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use lru_core::__private::*;
    pub use std::string::String;
    pub use std::thread_local;
    pub use std::time::Instant;
    pub use std::vec::Vec;

    #[cfg(feature = "backend")]
    pub use crate::__backend as backend;
    pub use crate::{
        __register as register, __site as site, __where_there_are_backends as where_there_are_backends,
        in_an_impl_write_accessors_siblings,
    };
}

/// The type on which the accessors of a function stand, and its `impl`.
///
/// Inside an `impl` neither can stand, and the compiler says so. It adds in which macro they
/// originate: so the name of this one says what to do about it.
#[doc(hidden)]
#[macro_export]
macro_rules! in_an_impl_write_accessors_siblings {
    ([$(#[$cfg:meta])*] $(#[$attribute:meta])* $vis:vis $name:ident $accessors:tt) => {
        $(#[$cfg])*
        $(#[$attribute])*
        $vis enum $name {}
        $(#[$cfg])*
        impl $name $accessors
    };
}

/// Lists a function in the registry: how its cache is called, `typed`, its name, and what of its path lies
/// below its parent. Nothing without the feature.
#[cfg(feature = "registry")]
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($calls:expr, $typed:literal, $name:literal, $within:literal) => {
        $crate::__private::inventory::submit! {
            $crate::registry::Function::__new(
                $crate::__site_of!($name, $within),
                |__asks| __asks(&$calls),
                $typed,
            )
        }
    };
}

#[cfg(not(feature = "registry"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($($ignored:tt)*) => {};
}

/// Where the function stands that this is written in, for events; `None` without the feature.
#[cfg(feature = "tracing")]
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($name:literal) => {
        ::core::option::Option::Some($crate::__site_of!($name, $name))
    };
}

#[cfg(not(feature = "tracing"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($($ignored:tt)*) => {
        ::core::option::Option::None
    };
}

/// The backend of the function that this is written in, where that stands, and what of it is watched.
#[cfg(feature = "backend")]
#[doc(hidden)]
#[macro_export]
macro_rules! __backend {
    ($open:expr, $name:literal, $within:literal) => {{
        static __BACKEND: ::std::sync::OnceLock<
            ::std::boxed::Box<dyn ::core::any::Any + ::core::marker::Send + ::core::marker::Sync>,
        > = ::std::sync::OnceLock::new();
        static __WATCH: $crate::__private::Invalidation = $crate::__private::Invalidation::new();
        ($crate::__private::opened(&__BACKEND, || $open), $crate::__site_of!($name, $within), &__WATCH)
    }};
}

/// What is written after the plain function, and needs backends.
#[cfg(feature = "backend")]
#[doc(hidden)]
#[macro_export]
macro_rules! __where_there_are_backends {
    ({ $($plain:tt)* } $($expanded:tt)*) => { $($expanded)* };
}

#[cfg(not(feature = "backend"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __where_there_are_backends {
    ({ $($plain:tt)* } $($expanded:tt)*) => {
        ::core::compile_error!("`backend` needs the feature `backend` of `functools`");
        $($plain)*
    };
}

#[cfg(any(feature = "registry", feature = "tracing", feature = "backend"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __site_of {
    ($name:literal, $within:literal) => {{
        static __SITE: $crate::__private::FunctionLocation = $crate::__private::FunctionLocation::new(
            ::core::module_path!(),
            $name,
            $within,
            $crate::__private::path_of(&|| ()),
            ::core::file!(),
            ::core::line!(),
        );
        &__SITE
    }};
}

/// The README's code, compiled and run where all that it shows is there.
#[cfg(all(
    doctest,
    feature = "axum",
    feature = "disk",
    feature = "memcached",
    feature = "redis",
    feature = "testing"
))]
#[doc = include_str!("../README.md")]
struct Readme;
