//! Memoization for Rust: cache the results of functions with one attribute, as Python's `functools.lru_cache` does.
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
//! * [`macro@lru_cache`] and [`macro@cache`] are the attributes, for functions and methods, generic and `async` ones
//!   included. Their pages list the options and the accessors.
//! * [`macro@ttl_cache`], [`macro@fifo_cache`], [`macro@lfu_cache`] and [`macro@rr_cache`] are `lru_cache` with other
//!   defaults, named as in Python's `cachetools`; so is [`macro@async_lru_cache`].
//! * [`macro@cached_property`] computes the value of a method once for each object, in a field of the object.
//! * Python's `fib.cache_info()` is `fib::cache_info()` here; the other accessors likewise.
//! * [`Cache`] is the same cache as a thread-safe object, shared by `&`, in which a function can store its
//!   results: [`LruCache`], [`LfuCache`], [`FifoCache`], [`RrCache`], [`TtlCache`].
//! * [`guide`] explains how to use all this, by subject.
//! * [`HeapSize`](trait@HeapSize) tells the size of values in bytes, for `weight = bytes`; [`budget`] sets one memory budget for all functions
//!   with it.
//! * [`policy`] contains the eviction policies; a [`Clock`] is the time source by which entries expire.
//! * [`Argument`](trait@Argument) is the trait of arguments: every `Hash + Eq + Clone` type, floats, and references to
//!   such. [`derive(Argument)`](derive@Argument) implements it for a type of your own.
//!
//! # Guarantees
//!
//! * **Exact bounds and order.** A cache never holds more than `maxsize` entries. It evicts the least recently used entry, or
//!   the one that another [eviction policy](policy) chooses: with `shards`, the one of that shard. A hit and an insert both
//!   make an entry the most recently used.
//! * **Expired entries are never served**, nor counted in `currsize`, and they are removed before any entry is evicted.
//!   Without an expiry option, no clock is read.
//! * **A hit allocates nothing and clones no argument.** A lookup hashes and compares the borrowed arguments; the owned key
//!   is created on a miss.
//! * **The lock is not held while the function runs**, nor across an `.await`, so a function may call itself.
//!   On a miss (the write path), the lock is released before the function runs, and taken again to insert the
//!   result.
//! * **Concurrent misses of one key each compute**, and each call returns its own result, unless the calls
//!   are [coalesced](macro@lru_cache#request-coalescing) (single-flight), which is the default of an
//!   `async fn`.
//! * **One function, one cache.** With `scope = thread`, one cache per thread. All instances of a generic function or method
//!   share its bound and its counters, and never a result that may depend on the type.
//! * **An `Err` is returned and not cached**, also if the result type is an alias of `Result`. Nothing is
//!   cached if the function panics. Both count one miss.
//! * **A [clear](macro@lru_cache#accessors) is final.** A result whose computation began before a clear is not served after
//!   it, even if the computation was still running.
//! * **User code may call back.** The `Hash`, `Eq`, `Clone` and `Drop` of arguments and results may call the function and
//!   its accessors again, on the same thread. `Eq` and `Clone` run while the lock is held, so they must not wait for a lock
//!   that another thread may hold while it calls the function. A result that is computed or put from inside them is
//!   correct and counted, but may not be stored.
//!
//! # Features
//!
//! No feature is enabled by default, and no feature changes what a call returns.
//!
//! | feature | adds |
//! |---|---|
//! | `testing` | `isolated`: fresh caches for the thread of a test |
//! | `serde` | `Serialize` and `Deserialize` for the contents of a [`Cache`] |
//! | `bytes`, `chrono`, `jiff`, `ordered-float`, `rust_decimal`, `serde_json`, `uuid` | [`Argument`](trait@Argument) for types of these crates: in collections, behind nested references, next to floats |
//! | `tokio` | background refresh (`swr`) of `async fn` by `tokio::spawn`; [cached properties](macro@cached_property) in `tokio::sync::OnceCell` |
//! | `registry` | the module `registry`: a list of all memoized functions of the program |
//! | `metrics` | `registry::publish_metrics`: counters (hits, misses, evictions …) and histograms of times for the [`metrics`](https://docs.rs/metrics) facade (Prometheus etc.) |
//! | `tracing` | events for the [`tracing`](https://docs.rs/tracing) facade, listed below |
//! | `backend` | [`backend = …`](macro@lru_cache#backends): a second-level store (L2) of your own; keys and values through `serde` |
//! | `json` | `format = json`: store backend entries as JSON; enables `backend`. Turns on `serde_json/float_roundtrip`, so that the whole program reads floats of JSON exactly, and more slowly: otherwise a result could come back as a neighbouring float |
//! | `redis`, `memcached`, `disk` | the backends of these names in the module [`backend`]; each enables `backend` |
//! | `compression`, `encryption` | `backend::Compressed` (LZ4) and `backend::Encrypted` (XChaCha20-Poly1305) around any backend; each enables `backend` |
//! | `redis-cluster`, `redis-sentinel`, `redis-tls` | Redis Cluster, Sentinel, TLS; each enables `redis` |
//! | `memcached-tls` | Memcached with TLS; enables `memcached` |
//! | `axum` | the module `debug_page`: a web page about all memoized functions, for services on [axum](https://docs.rs/axum) |
//!
//! With `tracing`, functions whose calls may be coalesced or served stale emit events: `async` functions, and those with
//! `single_flight`, `swr`, `stale_if_error` or `stale_if_slow`. A plain hit emits none. The target is `functools`, the field `function` is the
//! path of the function as in the registry, and `took` is how long the function ran.
//!
//! | level | event |
//! |---|---|
//! | debug | `computed`, with `is_error`; `refreshed`; `single-flight leader dropped; follower promoted`; `invalidated`, without `function`: of `invalidate` and `cache_invalidate_tag`, with the name of the `tag`, how many `tags` had it, and whether it was `in_one_function` |
//! | warn | `refresh failed`; `refresh panicked or was dropped`; `computation failed; served stale result`; ``single-flight leader exceeded `flight_timeout`; follower promoted``; ``single-flight follower exceeded `flight_timeout`; computes for itself`` |
//!
//! # Panics
//!
//! The library itself does not panic. A panic of the function, or of the `Hash`, `Eq`, `Clone` or `Drop` of an argument or a
//! result, reaches the caller and leaves the cache intact.

#![forbid(unsafe_code)]
// docs.rs marks each item with the feature that it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(doc, not(doctest)))]
pub mod guide;
mod renamed;

/// Backends: stores outside the process, for `backend = …`.
///
/// Any [`Backend`](backend::Backend) can be used, and any [`AsyncBackend`](backend::AsyncBackend) for an `async fn`.
/// With the features of the same names there are `redis`, `memcached` and `disk`, which implement both;
/// `from_url` chooses one by a URL, and `Off`, or an `Option` that is `None`, is none of them.
pub mod backend {
    #[cfg(feature = "backend")]
    pub use lru_backends::*;
    // Named besides, so that docs.rs marks them with features of their own.
    #[cfg(feature = "compression")]
    pub use lru_backends::Compressed;
    #[cfg(feature = "encryption")]
    pub use lru_backends::Encrypted;
    #[cfg(feature = "redis")]
    pub use lru_backends::redis_client;
    #[cfg(feature = "disk")]
    pub use lru_backends::{Disk, disk};
    #[cfg(feature = "memcached")]
    pub use lru_backends::{Memcached, memcached};
    #[cfg(feature = "redis")]
    pub use lru_backends::{Redis, redis};
    pub use lru_core::backend::{
        AsyncBackend, Backend, BackendError, BoxedBackend, CircuitState, ErrorKind, InvalidationSink, Item,
        Lease, LeasedItem, Leases, Lookup, LookupOptions, MayLease, Off, Permission, Stored, TAGS, TagKey,
        TagNonce, TagNonces, TaggedLookup, WithLeases, tags_in, tags_to_read,
    };

    #[doc(hidden)]
    pub use crate::renamed::backend::*;
}

#[cfg(feature = "backend")]
pub use lru_backends::shutdown;
/// # Examples
///
/// ```
/// use functools::{MIB, budget, budget_report, lru_cache};
///
/// #[lru_cache(maxsize = None, weight = bytes)]
/// fn thumbnail(image: u32) -> Vec<u8> {
///     vec![0; 10_000 + image as usize]
/// }
///
/// #[lru_cache(maxsize = 64 * MIB, weight = bytes)] // never more than 64 MiB
/// fn page(name: &str) -> String {
///     format!("<h1>{name}</h1>")
/// }
///
/// budget(512 * MIB);
/// (thumbnail(1), page("home"));
///
/// let report = budget_report();
/// assert_eq!(report.total(), Some(512 * MIB));
/// assert!(page::cache_info().maxsize <= Some(64 * MIB));
/// assert_eq!(thumbnail::cache_info().maxsize, Some(report.functions()[0].share())); // the rest
/// println!("{report}");
/// ```
pub use lru_core::budget;
pub use lru_core::budget_report;
/// # Examples
///
/// ```
/// use functools::{bypassed, cache};
///
/// #[cache]
/// fn price(id: u32) -> u64 {
///     u64::from(id) * 100
/// }
///
/// // What does the source say now?
/// assert_eq!(bypassed(|| price(7)), 700);
/// assert_eq!(price::cache_info().misses, 0);
/// ```
///
/// In async code, await what it returns for an async block: `bypassed(async { price(7).await }).await`.
pub use lru_core::bypassed;
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
///
/// In an async test, await what `isolated` returns for an async block or an async closure:
///
/// ```
/// use functools::{isolated, lru_cache};
///
/// #[lru_cache]
/// async fn fetch(n: u64) -> u64 {
///     n * n
/// }
///
/// # mod tokio {
/// #     pub use core::prelude::v1::test;
/// # }
/// #[tokio::test]
/// # async fn not_run() {}
/// async fn fetches_once() {
///     isolated(async {
///         (fetch(3).await, fetch(3).await);
///         assert_eq!((fetch::cache_info().hits, fetch::cache_info().misses), (1, 1));
///     })
///     .await;
/// }
/// # let mut test = std::pin::pin!(fetches_once());
/// # let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
/// # while test.as_mut().poll(context).is_pending() {}
/// ```
///
/// A boxed future does not compile where it is returned by a closure:
///
/// ```compile_fail
/// use std::pin::Pin;
///
/// fn boxed() -> Pin<Box<dyn Future<Output = u64>>> {
///     Box::pin(async { 1 })
/// }
///
/// let future = functools::isolated(|| boxed()); // write `isolated(boxed())`
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
    Argument, BudgetReport, BudgetShare, Cache, CacheBuilder, CacheEntry, CacheInfo, CacheIter,
    CacheParameters, CacheStats, Cached, Clock, Compute, CurvePoint, FifoCache, Insight, LeadingPolicy,
    LfuCache, LruCache, ManualClock, RemovalCause, RrCache, ShareReason, Source, SystemClock, Timer,
    Timestamp, TtlCache, WrongLength,
};
pub use lru_core::{GIB, HeapSize, KIB, MIB};
pub use lru_core::{Invalidated, Tag, depends_on, invalidate, set_tag_capacity, tag};
#[cfg(feature = "registry")]
pub use lru_core::{RecordOptions, Recorded, Recording, record};
#[cfg(feature = "axum")]
pub use lru_page as debug_page;
#[doc(hidden)]
#[expect(deprecated, reason = "they are deprecated for users")]
pub use renamed::{Builder, Cause, Iter, Task};

/// The key type of a cache object in which each memoized function has its own entries.
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

/// Invalidates results after a function that makes a change.
///
/// It takes calls of memoized functions, by the arguments of the entry that is invalidated, and tags. All of it is
/// evaluated before the body, which may consume the arguments, and carried out after it:
///
/// * if the function returns an `Ok`, or no `Result`, before it returns;
/// * if it panics, or its future is dropped: the change may have been made;
/// * not if it returns an `Err`.
///
/// ```
/// use functools::{invalidates, lru_cache, tag};
///
/// #[lru_cache(tags = |_, name| [tag("name", name)])]
/// fn user(id: u32) -> String {
///     format!("user {id}")
/// }
///
/// #[invalidates(user(id), tag("name", &name))]
/// fn rename(id: u32, name: String) -> Result<(), String> {
///     if name.is_empty() { Err("no name".to_owned()) } else { Ok(()) }
/// }
///
/// user(1);
/// rename(1, String::new()).unwrap_err();
/// assert!(user::cache_contains(1));
/// rename(1, "Ada".to_owned()).unwrap();
/// assert!(!user::cache_contains(1));
/// ```
///
/// Of methods, write `self.price(id)`, `Self::price(id)` or `Shop::price(id)`: a segment before the last that begins with a
/// capital letter is a type. The call has the arguments that `cache_invalidate` takes. If this crate was renamed, write
/// `crate = path` first.
///
/// The memoized functions have accessors, and a cache that is still there after the change: one of their own, or an object in a
/// `static`. Results in an object in `self` or another argument need [`tags` or `depends`](macro@lru_cache#tags-and-dependencies): they
/// are invalidated by a tag. Values that the object's own methods have computed have none.
///
/// * With `scope = thread`, the result of the thread that makes the change is invalidated.
/// * With a backend, the result is removed there as well, and the function waits for that. An error is counted and reported to
///   `on_backend_error`; the change has been made, and its function returns what its body has returned.
/// * An async backend is awaited, so `#[invalidates(…)]` is written on an `async fn`. If its body panics, or its future is dropped,
///   nothing can be awaited: the results in the process are invalidated, and an error reports that of the backend.
///
/// If the caller commits the change afterwards, as with a transaction that is handed in, invalidate after the commit
/// instead. A body that reads through the cache after its change, and before its end, may be served what was cached.
pub use lru_macros::invalidates;

/// Implements [`Argument`](trait@Argument) for a type of your own: one that contains floats, or that is
/// borrowed inside another type (`Option<&Point>`).
///
/// Two values are equal if they are the same variant and their fields are equal as arguments: floats by their
/// bits, with all NaNs equal; other fields as if each were an argument by itself. A field must be an
/// `Argument`, or `Hash + Eq + Clone`.
///
/// The type must be `Clone`, because the key contains a clone. A type with a lifetime need not be `Clone`:
/// the key contains an owned form of it, and all its fields must be `Argument`s. If this crate was renamed,
/// write `#[argument(crate = path)]`.
///
/// A type may borrow others of its kind, such as `enum Expr<'a> { Add(&'a Expr<'a>, &'a Expr<'a>), Num(f64) }`. A miss
/// copies the whole tree, so a recursive function of it stores each subtree once per level above it; if nodes have an
/// id, `#[key(expr.id)]` avoids that. The type parameters of such a type must be `'static`.
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

/// Implements [`HeapSize`](trait@HeapSize) for a type of your own: its values own what their fields own.
///
/// A field of a type that is not `HeapSize`, as of another crate, takes a function that returns the bytes that it owns:
/// `#[heap_size(with = |image| image.as_bytes().len())]`. If this crate was renamed, write `#[heap_size(crate = path)]`
/// on the type.
///
/// ```
/// use functools::{HeapSize, MIB, lru_cache};
///
/// mod other_crate {
///     #[derive(Clone)]
///     pub struct Image(pub Vec<u8>);
/// }
///
/// #[derive(Clone, HeapSize)]
/// struct Profile {
///     name: String,
///     friends: Vec<u64>,
///     #[heap_size(with = |image| image.0.capacity())]
///     picture: other_crate::Image,
/// }
///
/// #[lru_cache(maxsize = 64 * MIB, weight = bytes)]
/// fn profile(id: u64) -> Profile {
///     // …
/// #   Profile { name: "Ann".into(), friends: vec![id; 10], picture: other_crate::Image(vec![0; 5000]) }
/// }
///
/// profile(1);
/// assert!((5083..5400).contains(&profile::cache_info().currsize));
/// ```
pub use lru_macros::HeapSize;

/// Caches all results of a function: Python's `functools.cache`.
///
/// Equivalent to `#[lru_cache(maxsize = None)]`. It takes the [options](macro@lru_cache#options) of `lru_cache` except `maxsize`,
/// `policy`, `choice`, `seed`, `weight` and `cache`. Unless results [expire](macro@lru_cache#expiry), memory grows with each
/// new argument: use it where the input is bounded.
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

/// Caches the results of a function, up to a number of them: Python's `functools.lru_cache`.
///
/// The attribute can be used on functions and methods, including generic and `async` ones: at module level,
/// inside a body, in an `impl` or a trait, of any visibility, `unsafe` or not, with lifetimes, patterns and
/// any number of parameters. It cannot be used on a `const fn`, or on a function that takes a `&mut` in its key or
/// returns a borrow, except from a [cache object](#cache-objects).
///
/// * **Result:** `Clone + Send + Sync + 'static` (of a `Result`, only the `Ok` value). Wrap large results in `Arc`.
/// * **Arguments:** `Hash + Eq + Clone + Send + Sync + 'static`, or an [`Argument`](trait@Argument), or references to such.
///
/// With [`scope = thread`](#scope) neither need be `Send` or `Sync`.
///
/// # Options
///
/// They are written `name = value`, except for [`#[key(…)]`](#cache-key) on a parameter, and `maxsize`, whose name may be left out
/// where it is the first: `#[lru_cache(64)]`.
///
#[doc = include_str!("../docs/options.md")]
///
/// ## `maxsize`
///
/// The capacity: an expression of any integer type. Zero or less disables caching and counts misses. `None` is
/// unbounded, like [`macro@cache`].
///
/// An expression with a call, with a field, such as `CONFIG.cache_size`, or with a `*` that follows a reference, is evaluated at run
/// time, once, at the first call of the function or of an accessor, also for `scope = thread`. It may also be an `Option` of an
/// integer. It names items, not arguments. If it panics, the panic is passed on, and the next call evaluates it again; a call of the
/// function itself in it panics. Other first calls wait meanwhile, and a call costs one load more. All other expressions are
/// constants; `const { size() }` makes one of a call.
///
/// With `maxsize = auto(64..=10_000)`, the cache sets its own capacity within these bounds, which are expressions of an integer type,
/// evaluated once as above. It begins with the upper bound. After at least 1000 calls and four for each entry, when a result is
/// stored, it compares the hit ratios that it expects with other capacities, and takes the smallest one that is at most about a point
/// below that of the upper bound, with a tenth to spare. It shrinks by half at most, where two comparisons in a row agree, and grows up to
/// four times at once. `cache_info()` shows the present capacity. With [`weight`](#weight), the bounds are weights.
///
/// The option implies [`insight`](#insight), whose cost it has, and `policy = lru`, which the estimates are for; a comparison takes
/// about a hundred microseconds. With `scope = thread`, each thread has a capacity of its own; `shards` are refused. A capacity that
/// `cache_resize` or the environment sets stays from then on. The cache does not share a memory budget. Bounds that turn out to be in the wrong order count as the upper one.
///
/// The accessor `f::cache_resize(maxsize)` changes the capacity, and evicts the entries that exceed it, as the policy and the
/// shards have it; the eviction listener is called. `None` is unbounded, and with `0` nothing is stored. There is none where `maxsize`
/// is `None` or `0` in the source; where it is a constant of value 0, `cache_resize` does nothing. A smaller cache keeps its memory for
/// entries to come. With the feature `registry`, `registry::override_from_env()` sets capacities by
/// variables of the environment.
///
/// Hits of an unbounded cache run in parallel if arguments and results are types of the standard library, so
/// that no user-defined `Eq` or `Clone` runs, and if none of the expiry options, `weight`, `on_evict`,
/// `shards` and `cache` is set. Parallel reads are enabled once several threads have called the function;
/// each miss suspends them for a few calls.
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
/// assert!(!cube::cache_contains(2)); // the least recently used entry was evicted
/// assert!(cube::cache_contains(1));
///
/// #[lru_cache(maxsize = 0)]
/// fn counted(n: u64) -> u64 {
///     n
/// }
/// (counted(1), counted(1));
/// assert_eq!(counted::cache_info().misses, 2);
///
/// fn configured() -> usize {
///     std::env::var("CACHE_SIZE").ok().and_then(|size| size.parse().ok()).unwrap_or(3)
/// }
///
/// #[lru_cache(maxsize = configured())]
/// fn double(n: u64) -> u64 {
///     2 * n
/// }
/// (double(1), double(2), double(3));
/// double::cache_resize(2);
/// assert_eq!((double::cache_info().maxsize, double::cache_info().currsize), (Some(2), 2));
/// ```
///
/// A cache that finds its own capacity:
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache(maxsize = auto(10..=10_000))]
/// fn page(id: u64) -> String {
///     format!("page {id}")
/// }
///
/// for n in 0..200_000 {
///     page(if n % 20 == 0 { n } else { n % 500 }); // of the others, 500 come often
/// }
/// assert!(page::cache_info().maxsize < Some(2000));
/// assert!(page::cache_info().hit_ratio() > 0.9);
/// ```
///
/// ## `policy`
///
/// The eviction policy: it chooses which entry a full cache evicts. Each policy has a page in [`policy`](mod@policy) that
/// says which workloads it suits, and what it costs in time and memory.
///
/// | policy | evicts |
/// |---|---|
/// | [`lru`](policy::Lru) | the least recently used entry |
/// | [`lfu`](policy::Lfu) | the least frequently used entry; among equals, the least recently used |
/// | [`fifo`](policy::Fifo) | the oldest entry |
/// | [`rr`](policy::Rr) | a random entry (random replacement) |
/// | [`sieve`](policy::Sieve) | the oldest entry without a hit since the policy last passed it |
/// | [`s3_fifo`](policy::S3Fifo) | new entries without an early second hit, then the oldest |
/// | [`w_tinylfu`](policy::WTinyLfu) | the new entry or an old one, whichever is used less frequently |
/// | [`gdsf`](policy::Gdsf) (experimental) | the entry with the least computing time to lose, by its uses and its weight |
/// | [`auto`](policy::Auto) | what `s3_fifo`, `w_tinylfu` or `lru` would evict, whichever has the most hits of late; `cache_stats()` tells which |
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
/// With `policy = rr`, `choice` picks the victim: a closure, or the path of a function, that takes the
/// [`Candidates`](policy::Candidates) and returns the index of one. A key is the argument in its owned form,
/// or the tuple of several, so its types must be [nameable](#accessors). `choice` runs while the lock is
/// held; if the index is out of range, the victim is random. `seed` is a constant of type `u64`: two
/// functions with the same seed evict the same entries for the same calls.
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
/// ## `insight`
///
/// `insight = true` samples the keys of the calls, so that `cache_insight()` tells the hit ratio that is expected with other
/// capacities: see [`Insight`], and the guide: [Choosing maxsize and policy](crate::guide::choosing_maxsize_and_policy).
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache(maxsize = 100, insight = true)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// for n in (0..10_000).map(|n| n % 150) {
///     square(n);
/// }
/// let insight = square::cache_insight();
/// assert_eq!(insight.hit_ratio(100), 0.0);
/// assert_eq!(insight.smallest_within(0.01), 150);
/// println!("{insight}");
/// ```
///
/// The curve is that of `policy = lru`, whatever the policy is; with [`weight`](#weight) the capacities are weights. It speaks of the
/// calls since the last `cache_clear()`, old ones counting less. Entries that expire or are invalidated are misses at any capacity.
/// A function with `shards` has a sampler for each, and one with `scope = thread` for each thread, of which `cache_insight()` speaks.
///
/// Each call takes the lock, so there are no [lock-free hits](#lock_free); the first calls take a hundred instructions more, and later
/// ones about four. A sampler takes up to 1 MiB. A function without the option pays nothing for it. A cache object is sampled if it
/// was made by a [builder with `insight()`](CacheBuilder::insight).
///
/// ## Expiry
///
/// * `ttl`, time to live: with `ttl = 60` an entry expires exactly 60 seconds after it was stored.
/// * `tti`, time to idle: with `tti = 60` an entry expires 60 seconds after its last use. A hit and an insert are uses;
///   `cache_peek` is none.
///
/// With both, the earlier deadline applies. An expired entry is never served. It is removed by a later insert
/// or `cache_info()`, before any entry is evicted. A hit of a function with an expiry option also reads the
/// clock: with `ttl` or `ttu` on Linux the coarse clock of the system, which costs less, and the exact one only where less than a
/// tenth of a second is left.
///
/// A duration is a number of seconds, an integer or a float, or a [`Duration`](std::time::Duration): any
/// expression of these types. `jitter = 0.1` shortens the `ttl` of each entry by a random fraction of up to a
/// tenth, so that entries stored together do not expire together. It never prolongs a `ttl`.
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
/// A `ttl` with a call, with a field, such as `CONFIG.ttl`, or with a `*` that follows a reference, is evaluated once, like such a
/// [`maxsize`](#maxsize), with the same panics: by the first call of the function or of an accessor that needs it. Each call evaluates it
/// where its value may differ between calls: with `cache`; with both a `timer` and a backend; and in a method or with `accessors = none`
/// if it names an argument, or a path that begins with a capital letter other than `Duration`, such as `Self::ttl()`, which may depend on a
/// parameter of the `impl`. Each call evaluates the expressions of the other durations.
///
/// With the feature `registry`, `registry::override_from_env()` sets the `ttl`, be it a constant or an expression, by a variable of the
/// environment, such as `FUNCTOOLS_TTL__SHOP__PRICE=30`: for results that are stored after that, in the process and in a backend.
///
/// ## Per-entry expiry
///
/// `ttl` may be a function: a closure, or the path of a function in lower case (a constant is in upper case). It is given references to
/// all arguments and to the result (of a `Result`, the `Ok` value), and returns a number of seconds, a `Duration`, or an `Option`
/// of these, of which `None` is for ever. Zero and less is not stored, and too long a time is for ever. It runs once for each
/// result that is to be stored, outside the lock, and combines with `jitter`, `swr`, `stale_if_error` and a backend.
///
/// `ttu` (time to use) returns the instant at which a result expires. It is a closure, or the path of a function, that is given
/// references to all arguments and to the result (of a `Result`, the `Ok` value), and the present time. It runs once for each
/// stored result, outside the lock. A result whose instant is not in the future is not stored.
///
/// In a closure, the sums `now + …` saturate: where one is too large for its type, the result never expires. That is so if the
/// closure does nothing else with `now` (not `let x = now;`), and does not write its type; otherwise, and in a function, `now` is what the [`timer`](#timer) returns, an
/// [`Instant`](std::time::Instant) by default, whose sums panic if they are too large: write `now.checked_add(…)`.
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
///
/// page::cache_put("/logo", Page { max_age: u64::MAX });
/// assert!(page::cache_contains("/logo")); // for ever
/// ```
///
/// ## `timer`
///
/// The clock: a function that returns the current time, in place of the system clock. It is used in tests, or
/// to expire entries by a count of something other than seconds. It returns a [`Timestamp`]: a `Duration`
/// since any start, an `Instant`, a `SystemTime`, or a number in any unit.
///
/// If the timer returns a number, `ttl` and `tti` are numbers in the same unit, and `jitter` cannot be used.
/// With the other types they are seconds or a `Duration`, as without `timer`. A deadline that is too late for
/// the type is never reached. The timer is called at each hit, and several times at each miss. A cache object
/// takes a [`Timer`] in [`Cache::builder_with`].
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
/// To use a [`ManualClock`], read it in a closure:
///
/// ```
/// use std::sync::LazyLock;
/// use std::time::Duration;
///
/// use functools::{Clock, ManualClock, lru_cache};
///
/// static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);
///
/// #[lru_cache(ttl = 5, timer = || CLOCK.now())]
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
/// The weight (cost) of an entry. `maxsize` then bounds the total weight of all entries, and `currsize` is that total. `weight` is
/// a closure, or the path of a function, that is given references to all arguments and to the result (of a `Result`, the `Ok`
/// value), and returns a `usize`. Entries are evicted one after the other until the new entry fits. A result heavier than
/// `maxsize` is returned and not stored. An argument that is not in the key is given too; then `cache_put` takes it, unless the
/// closure names it `_`.
///
/// An entry weighs at least 1, also where `weight` returns 0: `maxsize` bounds the number of entries too. `min_weight`, an
/// expression of type `usize`, sets another least weight. With `min_weight = 0` entries may be free, as in Python's `cachetools`;
/// free entries are never evicted to make room, so their number is not bounded.
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
/// assert_eq!(repeat::cache_info().currsize, 900); // the first was evicted
/// repeat("d", 1001);
/// assert!(!repeat::cache_contains("d", 1001));
///
/// repeat("", 5);
/// assert_eq!(repeat::cache_info().currsize, 901); // no text, but an entry
/// ```
///
/// With `weight = bytes`, an entry weighs its size in bytes: that of the key as it is stored and of the result, with all that
/// they own, and what the entry takes in the tables of the cache. [`KIB`], [`MIB`] and [`GIB`] are there for `maxsize`. The types are
/// [`HeapSize`](trait@HeapSize), by [`derive(HeapSize)`](derive@HeapSize) your own; key and result must have types that an item beside the
/// function can name: in a generic function use a cache object with [`weigh_bytes`](CacheBuilder::weigh_bytes). The sum differs
/// from the memory that a full cache has allocated by an eighth at most, and by up to 64 KiB for small tables; see the guide,
/// [Eviction and sizing](crate::guide::eviction_and_sizing). A function with the name `bytes` is written with a path: `self::bytes`.
///
/// ```
/// use functools::{MIB, lru_cache};
///
/// #[lru_cache(maxsize = 64 * MIB, weight = bytes)]
/// fn repeat(word: &str, times: usize) -> String {
///     word.repeat(times)
/// }
///
/// repeat("a", 1000);
/// assert!((1001..1400).contains(&repeat::cache_info().currsize));
/// repeat("b", 65 * MIB); // returned, and not stored
/// assert!(!repeat::cache_contains("b", 65 * MIB));
/// ```
///
/// All functions with `weight = bytes` share one memory [`budget`], if the program sets one: `maxsize` is then their own bound, which
/// `maxsize = None` leaves to the budget, and `floor` the bytes that a function keeps whatever others gain. Without a budget, `maxsize = None`
/// is no bound at all. The caches of threads and cache objects do not take part.
///
/// ```
/// use functools::{MIB, budget, lru_cache};
///
/// #[lru_cache(maxsize = None, weight = bytes, floor = 8 * MIB)]
/// fn page(id: u32) -> String {
///     format!("page {id}")
/// }
///
/// budget(512 * MIB);
/// page(7);
/// assert!(page::cache_info().maxsize <= Some(512 * MIB)); // its share
/// ```
///
/// ## `on_evict`
///
/// The eviction listener: it is called for each entry that is removed, with the [`RemovalCause`]. It is the
/// path of a function, or a closure `|key, value, cause| …`, and takes references: the key is the argument in
/// its owned form, or the tuple of several; the value is the cached result, for a `Result` the `Ok` value.
/// The listener runs after the lock is released, on the thread whose call removed the entry, and may call the
/// function. If it panics, it is still called for the other entries that the call removed; then the panic is
/// resumed.
///
/// The types of key and value must be [nameable](#accessors). They are not nameable if `key` makes the key,
/// or if the key contains `self`: then use a cache object, whose [builder](CacheBuilder::on_evict) takes a
/// listener.
///
/// ```
/// use std::sync::Mutex;
///
/// use functools::{RemovalCause, lru_cache};
///
/// static REMOVED: Mutex<Vec<(String, RemovalCause)>> = Mutex::new(Vec::new());
///
/// fn log(name: &str, _length: &usize, cause: RemovalCause) {
///     REMOVED.lock().unwrap().push((name.to_string(), cause));
/// }
///
/// #[lru_cache(maxsize = 1, on_evict = log)]
/// fn length(name: &str) -> usize {
///     name.len()
/// }
///
/// (length("Ada"), length("Grace"));
/// length::cache_clear();
/// assert_eq!(*REMOVED.lock().unwrap(), [("Ada".into(), RemovalCause::Evicted), ("Grace".into(), RemovalCause::Cleared)]);
/// ```
///
/// ## `typed`
///
/// A generic function has one cache for all its instances, and must choose whether equal arguments of different types share an
/// entry. So must a function that takes an `impl Trait`.
///
/// * `typed = true` keeps a separate entry per type: `f(3_u8)`, `f(3_i64)` and `f(3.0)` are three entries.
/// * `typed = false` lets equal values of different types share one entry, as Python does by default. Numbers are compared by
///   value: `3_u8`, `3_i64` and `3.0` are one entry, and so are `1` and `true`; `-0.0` equals no integer. Text is compared by
///   content: `&str`, `String`, `Cow<str>`, `Box<str>` and `Arc<str>`. Values of any other type equal only values of that type. Only
///   whole arguments are compared across types: `Some(3_u8)` and `Some(3_i64)` never share.
///
/// With `typed = false` a call may be answered by a result computed for another type. Use it where equal arguments mean equal
/// results.
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
/// On a function without type parameters, `typed` is reported by `cache_parameters()` and changes nothing: its types are fixed.
/// With `cache`, a generic function needs no `typed`: the cache object has its types. See [Generic functions](#generic-functions).
///
/// ## Cache key
///
/// By default the key consists of all arguments.
///
/// * `#[key(skip)]` on a parameter leaves it out of the key. The parameter then needs no trait, and calls that differ only in it
///   share one result: with `#[key(skip)] &self` there is one result for all objects, so that a `Client` returns what another
///   one has received. For results of each object use [`cache = self.field`](#cache-objects).
///   [Accessors](#accessors) do not take the parameter: `find::cache_invalidate(1)`. It may be a `&mut`, which a hit does not change.
/// * `#[key(expr)]` on a parameter replaces it by an expression, which may name all parameters. Both go on `self` too. In a parameter
///   that is a pattern, the names stand for references: `#[key(id)] Path(id): Path<u32>`.
/// * `key = …`, also spelt `key_fn`, makes the whole key. It is a closure, or the path of a function, that is given references to
///   all arguments, at most twelve: `self` first, and without the parameter that holds the [`cache`](#cache-objects). An argument
///   that is a reference is given as it is. The key may borrow from the arguments; it is made at each call, so a borrowed key keeps
///   hits free of allocations.
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
/// let db = Db(vec!["Ada", "Grace"]);
/// assert_eq!(find(&db, 1), find(&db, 1));
/// assert_eq!(find::cache_info().hits, 1);
/// assert!(find::cache_invalidate(1)); // takes what is in the key
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
/// ## Cached results
///
/// Every result is cached except an `Err`. A type alias of `Result` is a `Result`. With `cache_errors = true`
/// an `Err` is cached too; then the error must be `Clone + Send + Sync + 'static`. With `cache_none = false`,
/// `None` and `Ok(None)` are not cached. `keep` is a closure, or the path of a function, that is given references to all
/// arguments and to the result (of a `Result`, the `Ok` value), and returns whether the result is cached.
/// `force`, a function of the arguments alone, returns whether a call computes anew, as [`cache_refresh`](#accessors) does.
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
///
/// #[lru_cache(keep = |_status, text| !text.is_empty())]
/// fn text(status: u16) -> String {
///     if status == 204 { String::new() } else { format!("status {status}") }
/// }
/// (text(200), text(200), text(204), text(204));
/// assert_eq!((text::cache_info().hits, text::cache_info().misses), (1, 3));
/// ```
///
/// ## Batches
///
/// With `each = ids`, the elements of the parameter `ids` have entries of their own. The body is called once with those that
/// are missing, each once and in the caller's order, and not at all if none is. The function returns what it would without
/// the cache.
///
/// * The parameter is a slice, or a collection such as `Vec`, `HashSet` or `BTreeSet`, also behind a reference. The other parameters
///   are part of each key.
/// * The function returns a map from elements to results, a `Vec` in the order of the elements, or a `Result` of one of
///   them. An element that is not in the body's map is remembered as absent, unless `cache_none = false`; a key that was not asked for is
///   dropped. A `Vec` of another length is a [`WrongLength`].
/// * Calls of an `async fn`, or with `single_flight = true`, share the computation of each element, whatever their overlap. The body may
///   run more than once in a call then, if another call has not computed what it was to; other arguments are cloned for it.
/// * With `gather = seconds`, calls of an `async fn` that lack elements wait for each other that long, and become one call of the
///   body (as a `DataLoader` does), or when `gather_max` elements wait (100 if it is not given). The first call's future drives it; no runtime is
///   needed. An `Err` goes to all of them.
/// * With `swr`, stale elements are served, and refreshed in the background by one call of the body, with copies of elements and arguments;
///   with `stale_if_error`, they stand in for an `Err` of the body if there is one for each element that it was called with.
/// * Counters, `maxsize`, policy, `weight`, `ttl`, `keep`, `tags` hold for each element. With `depends = true`, each depends on all that its
///   call of the body reads. `tags`, `depends` and `force` cannot be used yet with `each` and a backend. The lock is taken once for each 64 elements.
/// * With a [backend](#backends), what the process lacks is looked up in one request, and what was computed is stored in one; keys, values and
///   leases are those of one element.
/// * `force` is asked for each element. Those for which it returns `true` are computed by this call, and replace what is stored.
/// * Accessors take one element: `users::cache_invalidate(7)`. `cache_peek_many(&[7, 8])` and
///   `cache_put_many(vec![(7, Some(user))])` take many. There are no `cache_refresh` and `cache_call`.
///
/// ```
/// use std::collections::HashMap;
///
/// use functools::lru_cache;
///
/// #[lru_cache(each = ids, maxsize = 10_000)]
/// fn names(ids: &[u32]) -> HashMap<u32, String> {
///     ids.iter().map(|&id| (id, format!("user {id}"))).collect()
/// }
///
/// names(&[1, 2, 3]);
/// assert_eq!(names(&[3, 4]).len(), 2); // asks for 4 alone
/// assert_eq!((names::cache_info().hits, names::cache_info().misses), (1, 4));
/// assert_eq!(names::cache_peek(4), Some(Some("user 4".to_string())));
/// ```
///
/// The guide has more on [batches](crate::guide::batches).
///
/// ## Tags and dependencies
///
/// `tags` gives each result tags, by which results of any functions are invalidated together: a closure that is given references
/// to all arguments, or to all arguments and the result (of a `Result`, the `Ok` value), and returns one [`tag`], or an array, a
/// `Vec` or an `Option` of tags. After [`invalidate`]`(tag("team", 7))` has returned, no call that begins is answered by a result with this tag,
/// in any function of the program; nor is a result stored whose computation began before. It does not take longer if there are
/// more entries.
///
/// With `depends = true`, a result is invalidated with what it was computed from, transitively: with the results of functions
/// with `tags` or `depends` that its body calls, whether these hit or miss, and with tags that it adds by [`depends_on`]. Such a
/// result is invalidated by its tags, and by `cache_invalidate`, `cache_put`, `cache_refresh`, `cache_retain` and `cache_clear` of its function.
///
/// ```
/// use functools::{invalidate, lru_cache, tag};
///
/// # #[derive(Clone)] struct User { team: u32 }
/// #[lru_cache(tags = |id, user| [tag("user", id), tag("team", user.team)])]
/// fn user(id: u32) -> User {
///     User { team: id % 2 }
/// }
///
/// #[lru_cache(depends = true)]
/// fn page(id: u32) -> String {
///     format!("user {id} of team {}", user(id).team)
/// }
///
/// (page(1), page(2));
/// invalidate(tag("team", 0));
/// assert!(!user::cache_contains(2) && !page::cache_contains(2));
/// assert!(user::cache_contains(1) && page::cache_contains(1));
/// user::cache_invalidate(1);
/// assert!(!page::cache_contains(1));
/// ```
///
/// * Without a `ttl` or `ttu` of its own, a function with `depends` takes over the first deadline of the results that it reads, unless a
///   `timer` measures that: what it computes expires then. If a result that it reads is stale, or has a `ttl` of zero, its own is not kept.
/// * An eviction, or a refresh in the background, of what was read invalidates nothing.
/// * A *hit* of a function without `tags` and `depends` records nothing: give them to each function between a source and a page.
/// * Threads and tasks that a body starts are not recorded; `depends_on` says what they read.
/// * If the tags of what was read are unknown, as of a panic, or of an `Err` where `tags` takes the result, the dependent result is valid
///   only until anything is invalidated.
/// * `cache_refresh` invalidates the old result before it computes: if it fails, the old result is gone.
/// * An invalid entry counts in `currsize` until it is removed: when its result is stored anew, or by a later insert, each of which looks at two
///   entries. It leaves with [`RemovalCause::Invalidated`], and counts in `cache_stats()`.
///
/// In a [cache object](#cache-objects), `cache_invalidate_tag` is for the results of all functions that share the object. The object's own
/// methods serve no invalid result, and what they change invalidates its dependents: `insert`, `remove`, `compute`, `retain`, `clear`. A value that
/// they store has no tags, but for that of its key if a function with `tags` or `depends` has used the object before and the value was not computed
/// by `get_or_insert_with` or the like; what is computed from a value without any is valid only until anything is invalidated. If the object
/// is dropped, what was computed from its results stays.
///
/// [`macro@invalidates`] invalidates after a function that makes a change.
///
/// ## `scope`
///
/// With `scope = thread`, each thread has its own cache, and there is no lock. This is the fastest choice for
/// a recursive function of numbers that one thread calls; if many threads call with the same arguments, each
/// of them computes. `maxsize` bounds the cache of one thread. The [accessors](#accessors) act on the calling
/// thread: `cache_info()` counts its calls, and `cache_clear()` empties only its cache. The cache of a thread
/// is dropped when the thread ends; calls from destructors after that compute, and are neither stored nor
/// counted.
///
/// Arguments and results need only be `'static`, so an `Rc` can be used. With a `backend`, threads behave
/// towards each other like processes: after one thread clears or invalidates an entry, other threads may
/// serve their copies until the backend has reported the change, or `front_ttl` has passed, and may store results in
/// the backend that they were computing.
///
/// `scope = thread` cannot be combined with `shards`, `lock_free`, `cache`, `single_flight` or `swr`, which need a cache that threads share, or used
/// on an `async fn`, whose future may move to another thread. The module `registry` does not list such functions, because it could
/// report the calling thread only.
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
/// Sharding: with `shards = 16`, the cache is split into 16 independently locked shards by the hash of the
/// key, so threads that use different keys rarely contend. The value is a constant expression: a power of two
/// up to 65536, and at most `maxsize`, which is divided among the shards. A shard takes a few hundred bytes.
///
/// * All shards together never hold more than `maxsize` entries. Keys are not distributed evenly, so a shard may be full while
///   others are not: of 64 keys with `maxsize = 64, shards = 16`, about 50 stay. Leave some headroom.
/// * A capacity that `cache_resize` sets, or that is known at run time only, is divided in the same way. If it is less than the number of shards,
///   some shards store nothing.
/// * Eviction is per shard, so the victim need not be the least recently used entry of the whole cache. With one lock per cache,
///   `shards = 1` (the default), the order is exact. With `weight`, each shard bounds its own total weight, and a result heavier
///   than `maxsize` divided by `shards` is not stored.
/// * `cache_info()` takes all locks and adds up one consistent state. `cache_clear()` clears one shard after
///   the other; when it returns, no earlier entry is served.
/// * A nested call, from the `Eq` or `Clone` of an argument or a result, runs while the lock of a shard is
///   held, and does not block on another shard. If another thread holds the shard that it needs, a nested
///   call of the function computes, `cache_peek` returns `None`, and `cache_info()` omits the shard. A nested
///   clear, invalidation or put takes effect at once: the old entries of that shard are no longer served.
///   They are dropped, and reported to the eviction listener, by the next call that uses the shard.
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
/// ## `lock_free`
///
/// Hits take no lock, and threads that hit one cache do not slow each other down, if
///
/// * the policy is LRU and `maxsize` is from 1 to 1024, or the cache is unbounded; and there are neither `shards` nor expiry
///   options, `weight`, `on_evict`, `scope = thread` or `cache`;
/// * the key and the cached result are plain data of at most four words each: integers, floats, `bool`, `char`, `Duration`,
///   `NonZero` integers, and `Option`s, tuples and arrays of these. An `Option` takes one word more than its content.
///
/// With `tags` or `depends`, these take the lock: the first hit of each entry after anything at all was invalidated; hits in the body of a
/// function with `depends`; and hits of results that expire with what they were computed from.
///
/// Nothing else changes: a single thread sees exactly the order of use that Python's `lru_cache` has; a hit comes before
/// everything that begins after it has returned; a result that was evicted, replaced, invalidated or cleared is not
/// returned by a call that begins later; and hits and misses add up to the calls. Only the order of hits of different
/// threads, with no other operation between them, is not determined, and an eviction that runs at the same time as a hit
/// may not know of it yet.
///
/// When an eighth of `maxsize` is stored, or after 256 hits, the cache makes a copy of its entries in atomic words, with memory for all
/// of them: some 80 bytes each, 11 kB for 128 numbers. Each thread that calls it takes eight bytes for each entry (64 threads at
/// a time; further ones take the lock). An unbounded cache has copies of the first 512 results that are hit after the first 256 hits,
/// some 16 kB; hits of others take a lock, and whatever replaces or removes a result empties the copies. `lock_free = false` saves
/// this memory, and a few nanoseconds of a miss. Where `maxsize` is known at run time only, up to 1024 entries are copied. When `cache_resize` raises
/// the capacity beyond that for which the copy was made, there is no copy any more, and hits take the lock.
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache(maxsize = 128)] // hits take no lock
/// fn distance(x: i32, y: i32) -> f64 {
///     f64::from(x).hypot(f64::from(y))
/// }
/// #[lru_cache(maxsize = 128, lock_free = false)] // every call takes the lock
/// fn angle(x: i32, y: i32) -> f64 {
///     f64::from(y).atan2(f64::from(x))
/// }
/// assert_eq!((distance(3, 4), distance(3, 4)), (5.0, 5.0));
/// assert_eq!((angle(1, 0), angle(1, 0)), (0.0, 0.0));
/// assert_eq!(distance::cache_info(), angle::cache_info());
/// ```
///
/// ## Cache objects
///
/// By default a function stores its results in a hidden `static`. `cache = …` uses a cache object instead: an
/// expression of type [`Cache`] (an [`LruCache`], for example), such as `self.prices`, `memo`, or the name of
/// a `static`. The object has its own bound, policy, weigher and listener, so these options cannot be
/// combined with `cache`. The results live as long as the object.
///
/// In an `LruCache<K, V>`, `K` is the argument in its owned form, or the tuple of several: `String` for
/// `&str`, `(u32, String)` for `(u32, &str)`, `()` without arguments; with `key`, the type of that key. `V`
/// is the return type; for a `Result` it is the `Ok` type, unless `cache_errors` is set. The parameter that
/// the expression begins with (`self` or another) is not part of the key. Results need only be `Clone`: not
/// `Send`, not `'static`. Arguments need not be `Send`. A result that borrows has the object's lifetime: with a field
/// `LruCache<usize, Option<&'a str>>`, write `-> Option<&'a str>`.
///
/// What holds the object can be taken by value if it is `Clone`, such as `self: Arc<Self>` or `State(app): State<App>`:
/// on a miss, the body gets a clone of it.
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
/// let memo = LruCache::new(None); // dropped after this solve
/// assert_eq!(paths(16, 16, &memo), 601_080_390);
/// assert_eq!(paths::cache_info(&memo).misses, 288);
/// ```
///
/// `ttl`, `ttu`, `tti` and `jitter` can be combined with `cache`. They apply to the entries that this
/// function stores, and override the settings of the object; a setting that the function does not have is
/// that of the object. Either of `ttl` and `ttu` overrides both the `ttl` and the `ttu` of the object. A hit
/// postpones the idle deadline by the `tti` of the function that was called, or by that of the object if the
/// function has none. All times are those of the object's clock: a `ttl` is a duration of that clock, and
/// `timer` cannot be used.
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
/// let pages = TtlCache::with_clock(clock.clone(), Some(100), Duration::from_secs(60));
/// (page("/", &pages), ticker("/now", &pages));
/// clock.advance(Duration::from_secs(5));
/// assert!(pages.contains("/") && !pages.contains("/now"));
/// ```
///
/// Functions that use one cache object share its entries: if two of them take the same arguments, one returns
/// the result of the other. To separate them, use one object per function, a different `key` in each
/// function, or an object with [`Tagged`] keys.
///
/// ## Request coalescing
///
/// Request coalescing, or single-flight, prevents a cache stampede. With `single_flight = true`, one of
/// several concurrent calls that miss a key becomes the leader and computes; the others are followers, and
/// receive its result as hits. Calls with other arguments do not wait. It is on by default for an `async fn`,
/// and off for a plain function, as in Python, where threads compute concurrently.
///
/// * If the future of the leader is dropped, one of the followers takes over; with [`detach = true`](#detached-computations) the
///   computation goes on instead. A follower takes over too when the leader takes longer than
///   `flight_timeout`, 30 seconds by default.
/// * `flight_timeout` bounds the whole wait of a call, however many leaders it waits for: after that time it computes for itself.
/// * An `Err` goes to all followers if it is `Clone + Send + Sync + 'static`. After a failure that cannot be shared, another `Err`
///   or a panic, all calls that wait compute for themselves at once.
/// * A call that would wait for itself computes instead: a call from inside the leader's own body, and a call that would close a
///   cycle of calls waiting for each other. [Two kinds of such calls](#calls-that-wait-for-themselves) are not recognized.
/// * A call never joins a computation that began before the cache was cleared, or before the key was invalidated or put.
/// * A follower of a plain function blocks its thread. If a plain function shares a [cache object](#cache-objects) with an `async fn`,
///   it must not wait for a future that its own thread would have to poll.
///
/// ```
/// use std::sync::Barrier;
/// use std::thread;
///
/// use functools::lru_cache;
///
/// #[lru_cache(single_flight = true)]
/// fn report(year: u32) -> String {
///     format!("a report that takes minutes to compute: {year}")
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
/// ### Calls that wait for themselves
///
/// A call is known to come from inside a leader's body if it is made by the thread that runs or polls the body. Two kinds of calls
/// wait for a leader that cannot go on before they return, and are not recognized:
///
/// * Recursion with the same arguments through another thread or task: `tokio::spawn(f(n)).await` in the body of `f(n)`. Await `f(n)`
///   in the body itself, or spawn `f::wrapped(n)`.
/// * A call that keeps the leader from being polled: `while let Some(page) = pages.next().await { f(n).await; }`, where the stream
///   `pages` holds another call of `f(n)` that has begun, as with `buffer_unordered`, and is not polled while the loop's body
///   runs. Collect the stream before the loop, spawn the calls in it as tasks, or call `f::wrapped(n)` in the loop.
///
/// Such a call waits for `flight_timeout`, then computes, and returns the right result. With the feature `tracing` it emits a warning
/// with the path of the function: ``single-flight leader exceeded `flight_timeout`; follower promoted``, or, where another follower
/// was promoted, ``single-flight follower exceeded `flight_timeout`; computes for itself``. Where such calls cannot be avoided,
/// set a short `flight_timeout`, or `single_flight = false`.
///
/// ## Detached computations
///
/// A computation of an `async fn` ends when its caller is dropped, such as by a timeout: if each caller waits for a shorter time than
/// the body takes, the body begins again and again and never ends. With `detach = true`, a call that misses runs body, insert and
/// [backend](#backends) as a task on the executor of `spawn`, which is the caller's tokio runtime with the feature `tokio`, and awaits
/// the result. If the caller is dropped, the task goes on, and later calls follow it or have its result.
///
/// * The body runs with clones of the arguments, as for [`swr`](#stale-results): every parameter, including `self` and those left out
///   of the key, must be `Clone + Send + 'static`, or a reference to a type with such an owned form. The future of the body and the
///   result, error included, must be `Send`.
/// * The caller has the result as it is: an `Err` that is not `Clone`, and a panic, which is resumed in the caller.
/// * Where no executor takes the task, or does not begin with it within 100 milliseconds, the call runs the computation itself; if
///   that call is dropped, the executor has it again. A computation that the executor drops after it began is begun again by the call.
/// * A call that computes beside a leader, as inside the body of its own key, is not detached.
/// * With [`cache = …`](#cache-objects), the cache must be a `static`, because a computation outlives the call.
///
/// ```
/// use functools::lru_cache;
/// # mod smol {
/// #     // Stands for the crate, which tests use: this example compiles no other crate.
/// #     use std::task::{Context, Poll, Waker};
/// #     use std::{pin::pin, thread};
/// #     pub struct Task;
/// #     impl Task {
/// #         pub fn detach(self) {}
/// #     }
/// #     pub fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Task {
/// #         thread::spawn(|| block_on(task));
/// #         Task
/// #     }
/// #     pub fn block_on<T>(future: impl Future<Output = T>) -> T {
/// #         let mut future = pin!(future);
/// #         loop {
/// #             match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
/// #                 Poll::Ready(value) => return value,
/// #                 Poll::Pending => thread::yield_now(),
/// #             }
/// #         }
/// #     }
/// #     pub mod future {
/// #         pub async fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
/// #             let mut future = std::pin::pin!(future);
/// #             std::future::poll_fn(|context| match future.as_mut().poll(context) {
/// #                 std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
/// #                 std::task::Poll::Pending => std::task::Poll::Ready(None),
/// #             })
/// #             .await
/// #         }
/// #     }
/// # }
///
/// #[lru_cache(detach = true, spawn = |task| smol::spawn(task).detach())]
/// async fn report(year: u32) -> String {
///     format!("a report that takes seconds to compute: {year}")
/// }
///
/// smol::block_on(async {
///     // A caller without patience.
///     drop(smol::future::poll_once(report(2026)).await);
///     // The report is computed once.
///     assert_eq!(report(2026).await.len(), 44);
///     assert_eq!(report::cache_info().misses, 1);
/// });
/// ```
///
/// ## Stale results
///
/// A result older than its `ttl` is stale.
///
/// **Stale-while-revalidate.** With `swr = true` a stale result is served at once and refreshed once, in the background. `swr = 30`
/// does so for at most 30 seconds past the `ttl`; after that a call computes. A stale hit counts as a hit; a refresh counts as
/// neither a hit nor a miss. A failed refresh leaves the stale result in place and is retried after one second, then two, four
/// and so on, up to a minute but at most a `ttl`; with a [`timer`](#timer), whose unit is not known, after a `ttl`. A refresh never
/// overwrites an entry that was cleared, invalidated or put meanwhile.
///
/// A refresh runs the body with clones of the arguments, made at the stale hit. So every parameter, including `self` and those left
/// out of the key, must be `Clone + Send + 'static`, or a reference to a type with such an owned form (`&str`, `&[u8]`, `&Shop`).
/// A borrow inside another type, such as `Option<&str>`, has no such form.
///
/// * With [`cache = …`](#cache-objects), the cache must be a `static`, because a refresh outlives the call.
/// * A plain function is refreshed on threads of its cache, at most 4 at a time, which run while there are results to refresh. The
///   other refreshes wait for their turn; if a thousand wait, the result stays stale until a later call.
/// * An `async fn` is refreshed on an executor: the caller's tokio runtime, with the feature `tokio`, or `spawn = …`: a
///   [`Spawn`](refresh::Spawn), or a function that takes a [`Task`](refresh::Task). Without a running executor, the call that found the
///   stale result awaits the refresh and returns the fresh result. At most 64 refreshes run at a time; the others wait for their
///   turn. If the runtime polls a refresh and then idles, another call takes the refresh over after `flight_timeout` only: a task
///   that is not polled cannot be told from one that waits.
/// * `refresh_threads = 8`, an expression of type `usize` above 0, sets how many results of the function are refreshed at a time, on
///   threads or as tasks. A refresh that takes longer than [`flight_timeout`](#request-coalescing) no longer counts.
///
/// **Stale-if-error.** With `stale_if_error = 300`, a call that would return an `Err` returns the stale result instead, for up to 300
/// seconds past the `ttl`. Such a call has run the body, and counts as a miss.
///
/// **Stale-if-slow.** With `stale_if_slow = 0.1`, a call that has to compute, and finds a stale result, waits for the computation for a
/// tenth of a second. Then it returns the stale result; the computation continues, and its result is stored. Stale results are kept
/// for as long as `stale_if_error` says, or without it for another `ttl`, after the window of `swr` if there is one. Within that
/// window a stale result is returned at once, as ever.
///
/// * Only a call with a stale result to return computes in the background: on the threads or as the tasks of `swr`, with clones of the
///   arguments, at most one at a time for each key, and limited by `refresh_threads`. The result, error included, must be
///   `Send + 'static`. Any other call computes itself, and waits to the end.
/// * What ends in time is the call's: a result, an `Err` (for which `stale_if_error` may step in), a panic. What ends later
///   is stored as the result of any call; an `Err` is dropped, and the stale result stays.
/// * The call that computes counts as a miss, one that waits for it as a hit, and both in `stale_hits`.
/// * Whether the stale result may be returned is decided when the time is over: one that was invalidated meanwhile is not.
/// * An `async fn` without a running executor awaits its computation to the end: dropped with the call, it would not
///   continue.
///
/// ```
/// use std::sync::Barrier;
/// use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
///
/// use functools::lru_cache;
///
/// static NOW: AtomicU64 = AtomicU64::new(0);
/// static SOURCE: Barrier = Barrier::new(2);
///
/// #[lru_cache(ttl = 60, stale_if_slow = 0.001, timer = || NOW.load(SeqCst))]
/// fn price(symbol: &str) -> u64 {
///     if NOW.load(SeqCst) > 0 {
///         SOURCE.wait(); // The source hangs.
///     }
///     100 + NOW.load(SeqCst)
/// }
///
/// assert_eq!(price("ABC"), 100);
/// NOW.store(60, SeqCst);
/// assert_eq!(price("ABC"), 100); // stale
/// SOURCE.wait(); // It answers.
/// # let begun = std::time::Instant::now();
/// # while !price::cache_contains("ABC") {
/// #     assert!(begun.elapsed().as_secs() < 60);
/// #     std::thread::yield_now();
/// # }
/// assert_eq!(price("ABC"), 160);
/// ```
///
/// All three options need a `ttl`. A stale result counts in `currsize` as long as it may be served; `cache_peek` returns what a call
/// would return, `cache_contains` finds fresh results only.
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
/// ## The previous value
///
/// A parameter `#[previous] old: Option<&T>` is given by the cache: the value that it still holds for the key when the body begins. That
/// is the value which the new result replaces, whether it has expired, is stale or was invalidated by a tag; with `cache_refresh`, the
/// present one. The body decides what it is good for: for a conditional request with its `ETag`, or as the base of a
/// cheap update.
///
/// The callers do not pass it, and it is no part of the key; the accessors do not take it either, except `wrapped`. `T` is what is
/// kept of a result: of a `Result` the `Ok`, or all of it with `cache_errors = true`. It is a clone, made after a miss; a hit
/// costs nothing more.
///
/// There is no promise that the value is there: it may have been evicted, or removed by `cache_invalidate`, and an expired result
/// may be removed at any time. A stale window, such as that of `stale_if_error`, keeps it for as long. With a
/// [backend](#backends), it is the stale value that the backend has, or else the copy in this process.
///
/// ```
/// use functools::{invalidate, lru_cache, tag};
///
/// #[derive(Clone)]
/// struct Page {
///     etag: String,
///     text: String,
/// }
///
/// enum Response {
///     NotModified,
///     Ok(Page),
/// }
///
/// # fn get(_url: &str, if_none_match: Option<&str>) -> Result<Response, String> {
/// #     let page = Page { etag: "33a64df5".to_owned(), text: "hello".to_owned() };
/// #     Ok(if if_none_match == Some("33a64df5") { Response::NotModified } else { Response::Ok(page) })
/// # }
/// #[lru_cache(ttl = 60, stale_if_error = 3600, tags = |url| [tag("page", url)])]
/// fn page(url: &str, #[previous] old: Option<&Page>) -> Result<Page, String> {
///     match (get(url, old.map(|old| &*old.etag))?, old) {
///         (Response::Ok(page), _) => Ok(page),
///         (Response::NotModified, Some(old)) => Ok(old.clone()),
///         (Response::NotModified, None) => Err("304 without a question".to_owned()),
///     }
/// }
///
/// assert_eq!(page("/").unwrap().text, "hello"); // transferred
/// invalidate(tag("page", "/"));
/// assert_eq!(page("/").unwrap().text, "hello"); // 304 Not Modified
/// ```
///
/// ## Backends
///
/// Needs the feature `backend`. A backend is a second-level store (L2) outside the process, behind the in-process cache (L1): it
/// shares results between processes and keeps them across restarts. `backend` is an expression that returns a
/// [`Backend`](backend::Backend), for an `async fn` an [`AsyncBackend`](backend::AsyncBackend). It is evaluated once, at the first call
/// that needs it. A call looks up the in-process cache, then the backend, and then computes, and stores the result in both.
///
/// * **Types.** Arguments must be `Serialize`, results `Serialize` and `DeserializeOwned` (`serde`). Parameters left out of the key need not. A field of
///   an argument with `#[serde(skip)]` is not part of the key, which the library cannot see: two arguments that differ in it share an
///   entry. A result that serde attributes would make another one when it is read back is not stored, and is an error.
/// * **Expiry.** `ttl` applies in both places. A copy of a backend entry expires in the process no later than in the backend.
///   `front_ttl` shortens the time to live of the in-process copy, and so bounds how long this process may serve a result that
///   another process has invalidated. It counts from when the request was sent that found or stored the result. `maxsize = 0` keeps no copies. `docs/processes.md` in this crate calculates and measures the load
///   of a hundred processes on one server.
///   `jitter` shortens what is stored outside as well. Stale windows (`swr`, `stale_if_error`) reach the backend: it keeps a result for its
///   `ttl` and the longer window, with `swr = true` for twice its `ttl`. So a process that was restarted serves stale results too: each of
///   them once from the backend. The next call refreshes it, or computes it if there is no copy in the process. `stale_if_slow`
///   returns the copy in the process, if there is one.
/// * **Invalidation.** A backend may [report changes](backend::Backend::watch), as Redis 6 and later does: then a copy is dropped as soon
///   as another process changes or invalidates the entry. The eviction listener is called for it at the next call. A cache object
///   (`cache = …`), and a cache of a thread, drops it at the next call of a function that stores results there and has a backend: until then, `get` and the like
///   of the object return it. While changes cannot be
///   received, as in an outage, the copies live on, for `front_ttl` or else their `ttl`; with `on_lost = drop` they are dropped. `front_ttl` is the
///   bound with Memcached, a file, a Redis cluster whose client does not speak RESP3, an older server, or `tracking(false)`.
/// * **Namespace.** The path of the function is its namespace, so functions do not share entries. A function within another function or
///   block has its line and column as well, since its path is not unique. `namespace = "shop.price"` gives a name that stays the same when the
///   function is moved or renamed; [`registry`](crate#features) and metrics use it too. `version`, any value with `Display`, is part of the namespace:
///   bump it when the meaning of a result changes. `version = body` is a hash of the function's own code, without comments and formatting; it does
///   not see the functions that it calls. A result whose type has changed is a miss. If two functions of a process share a namespace, the second
///   one has no backend, and each use of it is an error of kind `Configuration`.
/// * **Counting.** A call answered by the backend is a hit, and counts in `backend_hits` of [`CacheStats`].
/// * **Errors.** If the backend fails, the call computes; `backend_errors` counts it, and `on_backend_error` is called with the
///   [`&BackendError`](backend::BackendError), whose [`kind`](backend::BackendError::kind) tells a timeout from a rejected value. An
///   outage is reported when a circuit breaker opens, and by each probe that fails; of the failures before, and of single ones, the first one
///   in a second is reported, and all others are only counted. A value that is rejected or cannot be encoded is reported each time.
///   `backend_state` of [`CacheStats`] is the present state of the circuit breaker. An error of renewing a lease or giving it back is
///   counted and reported too, by any thread, and fails no call.
///   With `strict = true` the call returns the error instead; the function's error type must be `From<BackendError>`. An entry that
///   is damaged or cannot be read counts as a miss as well.
/// * **Changes during a computation.** A result is stored only if its entry was neither changed nor invalidated since the call looked it
///   up: the lookup takes a [lease](backend::Lease), in the same round trip. Otherwise the call returns its result, which counts in
///   `superseded` of [`CacheStats`], and no other call gets it. This holds for Redis 6.2 or later, Memcached and a file, and for a backend of your
///   own that implements [`get_or_lease`](backend::Backend::get_or_lease) and [`set_leased`](backend::Backend::set_leased). After a
///   lookup that failed, the result is kept in the process only. A change that returned an error may still be carried out.
/// * **Across processes.** With `single_flight = global`, one process computes a missing key: the one whose lookup left the lease. The
///   others look for its result after 5 milliseconds, then less and less often, up to every 100; if the computation fails, they go on at
///   once. So it is with the refresh of a stale result. The lease is valid for two seconds, and renewed while the body runs. So if a process dies, one of the others
///   takes over after two seconds; a future that is dropped gives its lease up at once, on tokio with the feature `tokio`. A
///   process that waits longer than `flight_timeout` computes. A backend that does not implement [`Leases`](backend::Leases) is a compile error.
/// * **Format.** By default, entries are compact binary ([postcard](https://postcard.jamesmunns.com/wire-format)). `format = json`, with
///   the feature `json`, stores JSON that other programs can read. JSON writes `null` for a float that is not finite and for
///   `Some(None)`: such a key or result is kept in the process only, and counts as a backend error.
/// * **Warm restarts.** `snapshot = "prices.bin"` is a backend of its own: the process holds the encoded results in memory too, and
///   writes them to this file a minute after a change and in `functools::shutdown()`. The next run of the program finds them there, with
///   their time to live. A damaged file is ignored, and counts as a backend error. `functools::backend::snapshot` has the size limit and the interval.
/// * **Accessors.** `cache_clear`, `cache_invalidate` and `cache_put` act in both places and return a `Result`. They, `cache_contains`
///   and `cache_peek` are `async` if the function is; the latter two treat a backend that fails as empty. `cache_retain` acts in the
///   process only. `cache_refresh` stores its result as a call does.
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
/// // `Folder` is a `Backend` of your own, as in the example `own_backend`.
/// #[lru_cache(maxsize = 0, ttl = 3600, backend = Folder::open("cache"))]
/// fn report(year: u32) -> String {
///     format!("a report that takes minutes to compute: {year}")
/// }
///
/// assert_eq!(report(2026), report(2026));
/// assert_eq!((report::cache_info().hits, report::cache_stats().backend_hits), (1, 1));
/// report::cache_clear()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ## Placement of accessors
///
/// The accessors are associated functions of a type next to the function (`companion`), or functions next to
/// the method, prefixed with its name (`siblings`). The option is needed only if signature and body do not
/// show whether the function is a method:
///
/// * An associated function that mentions neither `self` nor `Self` looks like a free function: write
///   `accessors = siblings`. Without it the compiler reports that an `enum` is not supported there.
/// * In `impl Trait for Type` write [`#[memoize]`](macro@memoize) above the `impl`, which then has a place for the
///   accessors, or `accessors = none`: a trait impl cannot hold extra functions. Without accessors results are
///   still cached. Likewise in a trait that must stay dyn-compatible, and in an [`#[async_trait]`](#async-functions).
///   A generic function with `accessors = none` must be `typed = true`, and cannot have `swr`, which needs the body
///   as a function of its own.
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
/// `handle` sets the name of the accessor type. It is needed if a module or a type already has the function's
/// name, and the compiler reports "the name is defined multiple times", or if the function has the name of a
/// primitive type. `crate` is needed if this crate has another name.
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
/// # Accessors
///
/// The attribute generates a type with the name of the function, so one `use` imports both. The type has no
/// values, only these associated functions, which take the same arguments as the function, without those that
/// are [not in the key](#cache-key):
///
/// | call | result |
/// |---|---|
/// | `f::cache_info()` | [`CacheInfo`]: hits, misses, maxsize, currsize, read together |
/// | `f::cache_stats()` | [`CacheStats`]: evictions, expiries, invalidated entries, errors, coalesced calls, stale hits, refreshes |
/// | `f::cache_insight()` | with [`insight = true`](#insight): an [`Insight`], the hit ratio expected with other capacities |
/// | `f::cache_clear()` | empties the cache and resets the counters |
/// | `f::cache_parameters()` | [`CacheParameters`]: maxsize and typed |
/// | `f::cache_resize(maxsize)` | changes the [capacity](#maxsize) of a bounded cache, and evicts the entries that exceed it |
/// | `f::wrapped(n)` | runs the function without the cache: Python's `f.__wrapped__(n)` |
/// | `f::cache_contains(n)` | whether a fresh result is cached |
/// | `f::cache_peek(n)` | the cached result, as an `Option` |
/// | `f::cache_put(n, value)` | stores a result as if it had been computed |
/// | `f::cache_invalidate(n)` | removes one result, and returns whether there was one |
/// | `f::cache_invalidate_tag(tag)` | with [`tags` or `depends`](#tags-and-dependencies): invalidates the results of this function that have a tag |
/// | `f::cache_retain(\|n, value\| …)` | removes all results for which the closure returns `false` |
/// | `f::cache_entries()` | copies of all entries, each a [`CacheEntry`]: arguments, result, age |
/// | `f::cache_refresh(n)` | computes, stores and returns; counts one miss |
/// | `f::cache_call(n)` | calls the function, and returns a [`Cached`]: the result, where it comes from, and its age |
/// | `f::cache_get_within(age, n)` | the cached result if it was stored less than `age` ago; needs an expiry option, without which no time is recorded |
///
/// Parameters with `#[key(skip)]`, `self` included, are parameters of `wrapped` and `cache_refresh` only, which run the function.
/// `cache_put` takes one too if the function of [`weight`](#weight), [`keep`](#cached-results), [`ttl` or `ttu`](#per-entry-expiry) uses it: a closure does not use
/// an argument that it names `_`. A skipped parameter is taken by all of them if it holds the [`cache`](#cache-objects), if the
/// `#[key(…)]` of another parameter names it, or if its type is an `impl Trait`, which tells results apart.
///
/// `cache_contains` and `cache_peek` change neither counters nor order. A result that is put or refreshed replaces the present one and is
/// the most recently used; a computation that began earlier does not replace it. If the result is one that is not cached, such as an
/// `Err`, putting or refreshing changes nothing. `wrapped` and `cache_refresh` are `unsafe` or `async` if the function is; the others
/// are not.
///
/// `cache_retain` passes references to the closure: to the argument in its owned form, or the tuple of
/// several, and to the cached result, for a `Result` the `Ok` value. As with `cache_clear`, a result whose
/// computation was running meanwhile is not stored. It takes O(n) time.
///
/// `cache_entries` returns copies of the same two, with the time since the result was stored, from least to most recently used. It
/// includes stale results that are still served, and no expired ones. In a function with a backend, it returns the
/// in-process copies. The types must be `Clone`.
///
/// Both cover the results of all instances of a function or method whose types in an entry the cache can name. Where it stores
/// types erased, they cover what has the types that are asked for, and other entries stay as they are:
///
/// * With `self` in the key, `Self` is one of the arguments: `Shop::price_cache_retain(|(shop, id), price| …)`.
/// * A generic function has its own parameters, and the instance with these types is covered:
///   `half::cache_retain(|n: &f64, _| *n < 1.0)`, `half::cache_entries::<f64>()`.
/// * The type of a key made by `key = …` or `#[key(…)]`, of a borrowed argument with a type parameter, and of a result with one (or, in
///   a method, of a type that could be a parameter of the `impl`) is a parameter of the accessor: annotate it,
///   `page::cache_retain(|key: &(u32, String), _| …)`, `page::cache_entries::<(u32, String)>()`. It is the owned form: `String` for
///   `&str`, and for a `Result` the type of the `Ok` value.
/// * A function with an `impl Trait` argument has neither, as its types have no name.
///
/// In a cache object with [`Tagged`] keys `cache_retain` covers the results of this function; where a type is generic, call
/// [`Cache::retain`]. An object has [`Cache::entries`] in place of `cache_entries`.
///
/// | where | call |
/// |---|---|
/// | a method | `Shop::price_cache_info()`, `Shop::price_wrapped(&shop, id)`, or `shop.price_cache_peek(id)` |
/// | a method with `#[key(skip)] &self` | without `self`: `Shop::price_cache_peek(id)`; but `Shop::price_wrapped(&shop, id)` |
/// | in a generic `impl<T>` | with any `T` that the `impl` allows: `Shop::<()>::price_cache_info()` |
/// | a cache object in a field | `shop.price_cache_info()`; it covers the whole object, and `cache_clear` empties it |
/// | a cache object in a parameter | `f::cache_info(&memo)`; with arguments: `f::cache_peek(n, &memo)` |
/// | a generic function | `f::cache_info()` covers all types; `f::cache_peek::<u64>(n)` one. The type of a skipped argument is written: `f::cache_peek::<Postgres>(id)` |
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache]
/// fn parse(text: &str) -> Result<u32, String> {
///     text.parse().map_err(|_| format!("{text} is no number"))
/// }
///
/// assert!(parse("seven").is_err());
/// assert!(!parse::cache_contains("seven")); // an `Err` is not cached
///
/// assert_eq!(parse("7"), Ok(7));
/// assert_eq!(parse::cache_peek("7"), Some(Ok(7)));
/// parse::cache_put("seven", Ok(7));
/// assert_eq!(parse("seven"), Ok(7));
/// assert!(parse::cache_invalidate("7"));
/// assert_eq!(parse::cache_info().currsize, 1);
/// let entries = parse::cache_entries();
/// assert_eq!((entries[0].arguments().as_str(), *entries[0].result()), ("seven", 7));
/// parse::cache_retain(|text, number| text.len() < 5 && *number < 5);
/// assert_eq!(parse::cache_info().currsize, 0);
/// ```
///
/// # Generic functions
///
/// A generic function has one cache: `maxsize` bounds all its instances together, and `cache_info()` counts them together.
/// [`typed`](#typed) decides which of them share entries. Results that may depend on the type are never shared, whatever `typed`
/// says:
///
/// * instances that differ in a parameter of the return type,
/// * instances that differ in a parameter that is not the whole type of an argument in the key, references aside,
/// * instances that differ in a const parameter.
///
/// A type parameter of an argument needs the bound [`Argument`](trait@Argument), or `Hash + Eq + Clone + Send + Sync + 'static`. A type
/// parameter of the return type needs `'static`.
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
/// `self` is part of the key, like any other argument: compared by its `Eq`, cloned on a miss, and kept as long as the entry.
/// [`cache = self.prices`](#cache-objects) stores results in a field instead: one cache per object, dropped with it, and `self` is not in
/// the key. `#[key(self.id)]` on `self` puts a part of it into the key; with `#[key(skip)]` there is one result for all objects.
/// `self`, `&self`, `self: Arc<Self>` and the like can be cached; `&mut self` cannot.
///
/// Different `Self` types, different parameters of the `impl` and different implementors of a trait never share a result, even if
/// `self` is not in the key. They share the bound and the counters. The parameters of an `impl` need no `typed`.
///
/// [`#[memoize]`](macro@memoize) on the `impl` gives the methods of a trait their accessors, and options `Self`, as in
/// `maxsize = Self::LIMIT`.
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
/// The cache stores the result, not the future. Any runtime can be used. The lock is not held across an `.await`. A future that is
/// dropped before it completes has counted its miss, and has no other effect. Concurrent calls that miss the same key are
/// [coalesced](#request-coalescing): one computes, the others receive its result; with `single_flight = false` each computes. A
/// recursive `async fn` can await itself; only with `single_flight = false` it needs `Box::pin`, as without the attribute.
///
/// ```
/// use functools::lru_cache;
///
/// #[lru_cache(maxsize = None)]
/// async fn fibonacci(n: u64) -> u64 {
///     if n < 2 { n } else { fibonacci(n - 1).await + fibonacci(n - 2).await }
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
/// // `block_on` is that of your runtime.
/// assert_eq!(block_on(fibonacci(90)), 2_880_067_194_370_816_120);
/// assert_eq!(fibonacci::cache_info().misses, 91);
/// assert_eq!(fibonacci::cache_peek(10), Some(55));
/// assert_eq!(block_on(fibonacci::wrapped(10)), 55);
/// ```
///
/// A function that returns a future is treated as an `async fn`: its output is cached. This holds for return types
/// spelled `Pin<Box<dyn Future<Output = T>>>`, `BoxFuture<T>`, `LocalBoxFuture<T>` or `impl Future<Output = T>`; another
/// alias of a boxed future is not recognised. Nothing is looked up, and no part of the body runs, before the future is
/// polled. The future contains all arguments, so a boxed one that is `'static` cannot have borrowed arguments.
///
/// In an `impl` with `#[async_trait]` write [`#[memoize]`](macro@memoize#async-traits), or `accessors = none` as on a default
/// method of such a trait:
///
/// ```
/// # use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
/// use async_trait::async_trait;
/// use functools::lru_cache;
///
/// #[async_trait]
/// trait Users {
///     async fn name(&self, id: u32) -> String;
/// }
///
/// struct Table;
/// # static QUERIES: AtomicU32 = AtomicU32::new(0);
///
/// #[async_trait]
/// impl Users for Table {
///     #[lru_cache(accessors = none)]
///     async fn name(#[key(skip)] &self, id: u32) -> String {
/// #       QUERIES.fetch_add(1, SeqCst);
///         format!("user {id}")
///     }
/// }
///
/// # fn main() {
/// # let mut example = std::pin::pin!(async {
/// let users: Box<dyn Users> = Box::new(Table);
/// assert_eq!((users.name(7).await, users.name(7).await), ("user 7".into(), "user 7".into()));
/// # assert_eq!(QUERIES.load(SeqCst), 1);
/// # });
/// # let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
/// # while example.as_mut().poll(context).is_pending() {}
/// # }
/// ```
///
/// # Other attributes of the function
///
/// Doc comments, `#[must_use]`, `#[cfg]`, `#[deprecated]`, lint levels and the like stay on the function.
/// Attribute macros below this one, such as `#[tracing::instrument]`, are applied to the body, so their code
/// runs on misses only, like that of decorators below `@lru_cache` in Python. They see the body as a function
/// of the same name, or, for a method, as its sibling `price_wrapped`. With `accessors = none` they are
/// applied to the function, and their code runs at each call. An attribute macro above this one is expanded
/// first: code that it adds to the body is cached with the body, so it too runs on misses only. To run code
/// at every call, write a function that calls the cached one.
///
/// In documentation, link to the function as ``[`f()`]`` and to its accessor type as ``[`f`](enum@f)``.
///
/// `#[expect(lint)]` is treated as `#[allow(lint)]`: the signature is repeated in several places, and a lint that fires in one of
/// them does not fire in the others.
pub use lru_macros::lru_cache;

/// Caches the results of a function for ten minutes: `ttl_cache` of Python's `cachetools`.
///
/// Equivalent to `#[lru_cache(maxsize = 128, ttl = 600)]`. It takes the [options](macro@lru_cache#options) of `lru_cache` except `cache`.
/// A result expires exactly `ttl` after it was stored, however often it is used; a full cache evicts the least recently used entry.
/// `ttu` replaces the ten minutes.
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

/// Caches the results of a function and evicts the oldest: `fifo_cache` of Python's `cachetools`.
///
/// Equivalent to `#[lru_cache(policy = fifo)]`. It takes the [options](macro@lru_cache#options) of `lru_cache` except `policy` and
/// `cache`. Hits do not change the order of eviction.
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

/// Caches the results of a function and evicts the least frequently used: `lfu_cache` of Python's `cachetools`.
///
/// Equivalent to `#[lru_cache(policy = lfu)]`. It takes the [options](macro@lru_cache#options) of `lru_cache` except `policy` and
/// `cache`. Among results that were used equally often, it evicts the least recently used.
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

/// Caches the results of a function and evicts a random one: `rr_cache` of Python's `cachetools`.
///
/// Equivalent to `#[lru_cache(policy = rr)]`. It takes the [options](macro@lru_cache#options) of `lru_cache` except `policy` and
/// `cache`. `choice` and `seed` control [which entry is evicted](macro@lru_cache#policy).
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
/// assert!(square::cache_contains(3)); // a new entry is always stored
/// assert_eq!(square::cache_info().currsize, 2);
/// ```
pub use lru_macros::rr_cache;

/// Caches the results of an async function for a minute: Python's `async_lru_cache`.
///
/// Equivalent to `#[lru_cache(maxsize = 256, ttl = 60)]`. It takes the [options](macro@lru_cache#options) of `lru_cache` except `cache`.
/// Concurrent calls with the same arguments are [coalesced](macro@lru_cache#request-coalescing); with `swr = true`
/// [stale results](macro@lru_cache#stale-results) are served while they are refreshed. `None` is cached; an `Err` is not, unless
/// `cache_errors = true`.
///
/// ```
/// use functools::async_lru_cache;
///
/// #[async_lru_cache(ttl = 10, swr = true)]
/// async fn price(symbol: &str) -> Result<usize, std::io::Error> {
///     // send a request to the exchange and `.await` the response
///     Ok(symbol.len())
/// }
///
/// let _ = price("ABC"); // a future, as without the attribute
/// assert_eq!(price::cache_parameters().maxsize, Some(256));
/// ```
pub use lru_macros::async_lru_cache;

/// Computes the value of a method once for each object: Python's `functools.cached_property`.
///
/// A field of the object keeps the value: a [`OnceLock`](std::sync::OnceLock), or a [`OnceCell`](std::cell::OnceCell)
/// in an object that stays on one thread; also in a `Box`, an `Rc` or an `Arc`. The first call runs the method and
/// keeps the value, the others return it. A call that finds the value allocates nothing and takes no lock.
///
/// ```
/// use std::sync::OnceLock;
///
/// use functools::cached_property;
///
/// struct Text {
///     words: Vec<String>,
///     longest: OnceLock<String>,
///     mean: OnceLock<f64>,
/// }
///
/// impl Text {
///     #[cached_property(self.longest)]
///     fn longest(&self) -> &str {
///         self.words.iter().max_by_key(|word| word.len()).cloned().unwrap_or_default()
///     }
///
///     #[cached_property(self.mean)]
///     fn mean(&self) -> f64 {
///         self.words.iter().map(String::len).sum::<usize>() as f64 / self.words.len() as f64
///     }
///
///     fn push(&mut self, word: &str) {
///         self.words.push(word.to_owned());
///         self.longest.take(); // computed anew by the next call
///         self.mean.take();
///     }
/// }
///
/// let words = vec!["one".to_owned(), "three".to_owned()];
/// let mut text = Text { words, longest: OnceLock::new(), mean: OnceLock::new() };
/// assert_eq!((text.longest(), text.mean()), ("three", 4.0));
/// text.push("thirteen");
/// assert_eq!(text.longest(), "thirteen");
/// assert_eq!(text.mean.get(), None); // not computed yet
/// ```
///
/// # What is kept
///
/// The body computes what the field keeps; the return type tells what a call returns of it:
///
/// | return type | field | a call returns |
/// |---|---|---|
/// | `&f64` | `OnceLock<f64>` | a reference to the value |
/// | `&str`, `&[u32]` | `OnceLock<String>`, `OnceLock<Vec<u32>>` | a reference to the content |
/// | `f64` | `OnceLock<f64>` | a clone |
/// | `Option<&str>` | `OnceLock<Option<String>>` | a reference to the content, if any; a `None` is kept |
/// | `Result<&Config, Error>`, `Result<u32, Error>` | `OnceLock<Config>`, `OnceLock<u32>` | a reference, or a clone; an `Err` is returned and not kept |
/// | `&Result<Config, Error>` | `OnceLock<Result<Config, Error>>` | a reference to the result; an `Err` is kept |
///
/// A `Result` is recognised by its name, as in `io::Result<&Config>`. In a body with a result, `?` and `return` work as usual.
///
/// # Invalidation
///
/// The field is an ordinary field: `self.area.take()` removes the value and returns it, and the next call computes it anew.
/// It needs `&mut self`, because a reference to the value may be in use elsewhere. `self.area.get()` returns the value if there is one,
/// and `OnceLock::from(value)` is a field that has one. A clone of the object has a clone of the value. For values that expire,
/// or that depend on an argument, there is [`cache = self.field`](macro@lru_cache#cache-objects).
///
/// # Concurrent calls
///
/// The body runs without a lock. Calls that find no value each compute one; the value of the first to finish is kept and all of them
/// return it, as in Python 3.12. The body may call other properties of the object. Nothing is kept if it panics.
///
/// # Async functions
///
/// An `async fn` has its value in a `OnceLock` or a `OnceCell`, as above, or in a `tokio::sync::OnceCell`, with the feature `tokio`: of
/// concurrent calls one computes, the others wait. If it fails or is dropped, the next one computes.
///
/// ```
/// use std::sync::OnceLock;
///
/// use functools::cached_property;
///
/// struct Client {
///     url: String,
///     token: OnceLock<String>,
/// }
///
/// impl Client {
///     #[cached_property(self.token)]
///     async fn token(&self) -> Result<&str, std::io::Error> {
///         // send a request and `.await` the response
///         Ok(format!("a token for {}", self.url))
///     }
/// }
///
/// # let mut client = Client { url: String::from("x"), token: OnceLock::new() };
/// # let mut future = Box::pin(client.token());
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(matches!(future.as_mut().poll(&mut context), std::task::Poll::Ready(Ok("a token for x"))));
/// # drop(future);
/// # assert!(client.token.take().is_some());
/// ```
///
/// The attribute takes `crate = path` if this crate was [renamed](macro@lru_cache#names). Other attributes of the method stay on it,
/// so a decorator runs at each call. There are no accessors, so the method may be in the `impl` of a trait.
pub use lru_macros::cached_property;

/// Gives the methods of an `impl` what an attribute on a method alone cannot: accessors in the `impl` of a trait, `Self` in
/// options.
///
/// The methods have [`#[lru_cache]`](macro@lru_cache) or another attribute of this crate, as in any `impl`, and their results are cached
/// in the same way. `#[memoize]` is not needed for that; it adds this:
///
/// * **Accessors in the `impl` of a trait.** They are functions of the type, as those of its own methods are:
///   `Shop::price_cache_info()`. The trait stays as it is, and can be used as `dyn`.
/// * **`Self` in `maxsize` and `shards`**, as in `maxsize = Self::LIMIT`, if the `impl` has no type or const parameters.
/// * **Keys without type erasure.** `#[memoize]` sees which names are parameters of the `impl`, so keys and results of other types
///   are stored as they are.
///
/// ```
/// use functools::{lru_cache, memoize};
///
/// trait Prices {
///     const LIMIT: usize = 1000;
///
///     fn price(&self, id: u32) -> u64;
/// }
///
/// struct Shop;
///
/// #[memoize]
/// impl Prices for Shop {
///     #[lru_cache(maxsize = Self::LIMIT)]
///     fn price(#[key(skip)] &self, id: u32) -> u64 {
///         u64::from(id) * 3
///     }
/// }
///
/// assert_eq!((Shop.price(7), Shop.price(7)), (21, 21));
/// assert_eq!((Shop::price_cache_info().hits, Shop::price_cache_parameters().maxsize), (1, Some(1000)));
/// assert_eq!(Shop::price_wrapped(&Shop, 7), 21);
/// ```
///
/// The accessors of a trait's methods are `pub(crate)`; `#[memoize(pub)]` or another visibility changes that. Those of other methods
/// have the visibility of the method, unless one is given.
///
/// # Async traits
///
/// `#[memoize]` can be above or below `#[async_trait]`:
///
/// ```
/// use async_trait::async_trait;
/// use functools::{lru_cache, memoize};
///
/// #[async_trait]
/// trait Users {
///     async fn name(&self, id: u32) -> String;
/// }
///
/// struct Table;
///
/// #[memoize]
/// #[async_trait]
/// impl Users for Table {
///     #[lru_cache]
///     async fn name(#[key(skip)] &self, id: u32) -> String {
///         format!("user {id}")
///     }
/// }
///
/// # fn main() {
/// # let mut example = std::pin::pin!(async {
/// let users: Box<dyn Users> = Box::new(Table);
/// assert_eq!((users.name(7).await, users.name(7).await), ("user 7".into(), "user 7".into()));
/// assert_eq!((Table::name_cache_info().hits, Table::name_cache_peek(7)), (1, Some("user 7".into())));
/// # });
/// # let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
/// # while example.as_mut().poll(context).is_pending() {}
/// # }
/// ```
///
/// # Types of other crates
///
/// A type of another crate, such as `Vec<u8>`, cannot be given functions. Name a trait, which then has the accessors:
///
/// ```
/// use functools::{lru_cache, memoize};
///
/// trait Digest {
///     fn digest(&self) -> u64;
/// }
///
/// #[memoize(accessors = DigestCache)]
/// impl Digest for Vec<u8> {
///     #[lru_cache]
///     fn digest(&self) -> u64 {
///         self.iter().map(|&byte| u64::from(byte)).sum()
///     }
/// }
///
/// assert_eq!((vec![1, 2].digest(), vec![1, 2].digest()), (3, 3));
/// assert_eq!(<Vec<u8> as DigestCache>::digest_cache_info().hits, 1);
/// ```
///
/// If the `impl` has parameters that the type has, the trait has them too: `<Vec<u8> as DigestCache<_>>`.
///
/// # Generic impls
///
/// The cache is one for all types, as [that of a method](macro@lru_cache#methods) is, and no two of them share an entry. Accessors with
/// arguments take the parameters of the `impl` that the type does not have: with `impl<T> Rated<T> for Shop` it is
/// `Shop::rate_cache_contains::<u8>(1)`, and `Shop::rate_cache_info()`.
///
/// If a type implements one trait twice, as `From<u8>` and `From<u16>`, name the accessors of one: `#[lru_cache(handle = from_wide)]`
/// gives `Shop::from_wide_cache_info()`.
///
/// # Limits
///
/// * The attributes on methods are recognised by their names, `lru_cache` or `functools::lru_cache`, and not if they are imported under
///   another name, or inside `cfg_attr`.
/// * The body is moved into a function beside the `impl` of the trait. A type of a supertrait is ambiguous there: write
///   `<Self as Super>::Item` for `Self::Item`.
/// * A default method of a trait takes `#[lru_cache]` by itself, and has its accessors on each type that implements the trait; with
///   `accessors = none` the trait can be used as `dyn`.
pub use lru_macros::memoize;

/// The names in generated code: an implementation detail, which may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use lru_core::__private::*;
    pub use std::string::String;
    pub use std::thread_local;
    pub use std::vec::Vec;

    #[cfg(feature = "backend")]
    pub use crate::__backend as backend;
    pub use crate::{
        __member as member, __register as register, __site as site, __ttl as ttl,
        __where_there_are_backends as where_there_are_backends, __where_there_is_json as where_there_is_json,
        in_an_impl_write_accessors_siblings_and_where_the_name_is_taken_handle,
    };
}

/// Defines the type of a function's accessors, and its `impl`.
///
/// Neither is allowed inside an `impl`. The compiler's error names the macro that they come from, so the name of this macro
/// says what to write.
#[doc(hidden)]
#[macro_export]
macro_rules! in_an_impl_write_accessors_siblings_and_where_the_name_is_taken_handle {
    ([$(#[$cfg:meta])*] $(#[$attribute:meta])* $vis:vis $name:ident $accessors:tt) => {
        $(#[$cfg])*
        $(#[$attribute])*
        #[non_exhaustive]
        $vis enum $name {}
        $(#[$cfg])*
        impl $name $accessors
    };
}

/// Registers a function: its cache handle, `typed`, its name, and its path below its parent. Empty without the feature.
#[cfg(feature = "registry")]
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($calls:expr, $typed:literal, $name:literal, $within:literal $(, $namespace:literal)?) => {
        $crate::__private::inventory::submit! {
            $crate::registry::Function::__new(
                $crate::__site_of!($name, $within $(, $namespace)?),
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

/// What is known at run time only of the `ttl` of a function: its name, and its path below its parent.
#[doc(hidden)]
#[macro_export]
macro_rules! __ttl {
    ($name:literal, $within:literal $(, $namespace:literal)?) => {{
        static __TTL: $crate::__private::FunctionTtl = $crate::__private::FunctionTtl::new($name);
        $crate::__register_ttl! { $name, $within $(, $namespace)? }
        &__TTL
    }};
}

/// Makes the `ttl` of a function one that the environment overrides. Empty without the feature.
#[cfg(feature = "registry")]
#[doc(hidden)]
#[macro_export]
macro_rules! __register_ttl {
    ($name:literal, $within:literal $(, $namespace:literal)?) => {
        $crate::__private::inventory::submit! {
            $crate::__private::TtlOverride::new(
                $crate::__site_of!($name, $within $(, $namespace)?),
                |__ttl| __TTL.set(__ttl),
            )
        }
    };
}

#[cfg(not(feature = "registry"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __register_ttl {
    ($($ignored:tt)*) => {};
}

/// The membership of a function in the memory budget: its cache handle, its name, and its path below its parent.
#[doc(hidden)]
#[macro_export]
macro_rules! __member {
    ($calls:expr, $name:literal, $within:literal $(, $namespace:literal)?) => {
        $crate::__private::Member::new(
            $crate::__site_of!($name, $within $(, $namespace)?),
            |__asks| __asks(&$calls),
        )
    };
}

/// The location of the enclosing function, for events; `None` without the feature.
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

/// The backend of the enclosing function, its location, and what it keeps for its backend.
#[cfg(feature = "backend")]
#[doc(hidden)]
#[macro_export]
macro_rules! __backend {
    ($open:expr, $name:literal, $within:literal $(, $namespace:literal)?) => {{
        static __BACKEND: ::std::sync::OnceLock<
            ::std::boxed::Box<dyn ::core::any::Any + ::core::marker::Send + ::core::marker::Sync>,
        > = ::std::sync::OnceLock::new();
        static __STATE: $crate::__private::BackendState = $crate::__private::BackendState::new();
        (
            $crate::__private::opened(&__BACKEND, || $open),
            $crate::__site_of!($name, $within $(, $namespace)?),
            &__STATE,
        )
    }};
}

/// Expands to code that needs JSON; an error and the plain function without the feature.
#[cfg(feature = "json")]
#[doc(hidden)]
#[macro_export]
macro_rules! __where_there_is_json {
    ({ $missing:literal $($plain:tt)* } $($expanded:tt)*) => { $($expanded)* };
}

#[cfg(not(feature = "json"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __where_there_is_json {
    ({ $missing:literal $($plain:tt)* } $($expanded:tt)*) => {
        ::core::compile_error!($missing);
        $($plain)*
    };
}

/// Expands to code that needs backends; an error and the plain function without the feature.
#[cfg(feature = "backend")]
#[doc(hidden)]
#[macro_export]
macro_rules! __where_there_are_backends {
    ({ $missing:literal $($plain:tt)* } $($expanded:tt)*) => { $($expanded)* };
}

#[cfg(not(feature = "backend"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __where_there_are_backends {
    ({ $missing:literal $($plain:tt)* } $($expanded:tt)*) => {
        ::core::compile_error!($missing);
        $($plain)*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __site_of {
    ($name:literal, $within:literal $(, $namespace:literal)?) => {{
        static __SITE: $crate::__private::FunctionLocation = $crate::__private::FunctionLocation::new(
            ::core::module_path!(),
            $name,
            $within,
            $crate::__private::path_of(&|| ()),
            ::core::file!(),
            ::core::line!(),
        )
        .column(::core::column!())
        $(.in_namespace($namespace))?;
        &__SITE
    }};
}
