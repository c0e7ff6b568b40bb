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
//! * [`macro@lru_cache`] and [`macro@cache`] are the attributes; their pages list the options and
//!   what a memoized function can be asked.
//! * What is `fib.cache_info()` in Python is `fib::cache_info()` here, and so for all the others.
//! * [`LruCache`] is the same engine as a plain object.
//! * [`Argument`] tells what can be an argument beside everything that is `Hash + Eq + Clone`.
//!
//! # What is promised
//!
//! * **Exact.** There are never more than `maxsize` entries, and the one that makes room is always
//!   the least recently used. A hit and a store both make an entry the most recent.
//! * **A hit allocates nothing and clones no argument.** Arguments are hashed and compared where
//!   they lie; the owned key is made on a miss.
//! * **The lock is never held while the function runs.** Recursion is free. Two threads that miss
//!   the same key both compute, and each gets what it computed.
//! * **An `Err` is returned and not remembered**, whatever the result's type is called. A panic
//!   stores nothing either. Both count one miss.
//! * **After a [clear](macro@lru_cache#what-a-memoized-function-can-be-asked), nobody is served what
//!   was computed before it**, not even by a computation that was under way.
//! * **User code may call back.** The `Hash`, `Eq`, `Clone` and `Drop` of arguments and results may
//!   call the function and its accessors again, on the same thread. `Eq` and `Clone` run under the
//!   lock, so they must not wait for a lock that another thread may hold while it calls the
//!   function; what they compute or put is right, is counted, and may go unstored.
//!
//! # Panics
//!
//! Nothing here panics on its own account. What the function, or the `Hash`, `Eq`, `Clone` or
//! `Drop` of an argument or a result panics with goes on to the caller, and leaves the cache whole.

#![forbid(unsafe_code)]

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
pub use lru_core::{
    Argument, Builder, Cache, CacheInfo, CacheParameters, Cause, Clock, FifoCache, Iter, LruCache,
    ManualClock, SystemClock, Timer, TlruCache, TtlCache,
};

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
/// except `maxsize`. It never forgets: feed it input that has an end.
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
/// Goes on any plain function: at module level or inside a body, of any visibility, `unsafe` or
/// not, with lifetimes, patterns, and any number of parameters. The result must be
/// `Clone + Send + Sync + 'static` (of a `Result`, only its `Ok` value), the arguments
/// `Hash + Eq + Clone + Send + Sync + 'static`, or an [`Argument`], or references to such.
/// Generic functions, methods and `async fn` are refused for now. In an `impl`, a function that
/// mentions neither `self` nor `Self` looks like a free one; there the compiler says that an `enum`
/// is not supported. Move it out of the `impl`.
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `maxsize = 64`, or just `64` | how many results are remembered: a constant expression of any integer type; zero or less stores nothing; `None` remembers everything | `128` |
/// | `typed = true` | told by `cache_parameters()`; the types of a plain function are fixed, so it changes nothing there | `false` |
/// | `handle = name` | the name of the companion type; needed where a module, a type or a primitive type has the function's name, and the compiler says that "the name is defined multiple times" | the function's name |
/// | `crate = path` | where this crate is, if it was renamed or re-exported | `::functools` |
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
///
/// mod area {} // the name is taken
///
/// #[lru_cache(handle = area_cache)]
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
/// | `f::cache_clear()` | empties the cache and sets the counters to zero |
/// | `f::cache_parameters()` | [`CacheParameters`]: maxsize and typed |
/// | `f::wrapped(n)` | runs the function itself, past the cache: Python's `f.__wrapped__(n)` |
/// | `f::cache_contains(n)` | is a result remembered? |
/// | `f::cache_peek(n)` | the remembered result, as an `Option` |
/// | `f::cache_put(n, value)` | stores a result as if it had been computed |
/// | `f::cache_invalidate(n)` | forgets one result, and says whether there was one |
/// | `f::cache_refresh(n)` | computes anew, stores, returns; counts one miss |
///
/// `cache_contains` and `cache_peek` count nothing and move nothing. What is put or refreshed
/// replaces what was there and is the most recent; no computation that began earlier replaces it.
/// An `Err` that is put or refreshed changes nothing. `wrapped` and `cache_refresh` are `unsafe`
/// where the function is.
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
/// ```
///
/// # Other attributes of the function
///
/// Doc comments, `#[must_use]`, `#[cfg]`, `#[deprecated]`, lint levels and the like stay on the
/// function. Attributes below this one that are macros, `#[tracing::instrument]` for example, stay
/// on the body, so they run on misses only, as decorators under `@lru_cache` do in Python; they see
/// the body under the function's own name. An attribute macro above this one is expanded first: what
/// it adds to the body is cached with the body, so it runs on misses only too. To do something
/// at every call, write a function that calls the cached one.
///
/// In documentation, a link to a memoized function says which of the two it means: ``[`f()`]`` for the
/// function, ``[`f`](enum@f)`` for its companion.
///
/// `#[expect(lint)]` is taken as `#[allow(lint)]`: the signature stands in several places, and a
/// lint that is met in one of them is missing in the others.
pub use lru_macros::lru_cache;

/// What generated code names. Not for use by hand: it may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use lru_core::key::made::*;
    pub use lru_core::key::{Erase, Erased, Local, Of, Part, Shared, identity};
    pub use lru_core::outcome::{Plain, Returns, Unnamed, WithoutName};
    pub use lru_core::{Memo, UNBOUNDED, bound, integer, kept, stored};
    pub use std::string::String;
    pub use std::vec::Vec;

    /// The traits that choose how arguments and results are kept, to be imported nameless.
    pub mod choices {
        pub use lru_core::key::choices::*;
        pub use lru_core::outcome::choices::*;
    }
}

/// The README's code, compiled and run where all that it shows is there.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;
