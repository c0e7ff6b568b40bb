//! All memoized functions of the program, also those that were never called. Only with the feature
//! `registry`.
//!
//! A function is listed if its results lie in a `static`: those with `cache = …` are not, as there may be any
//! number of objects, nor those with `scope = thread`, of which each thread knows its own part only. Each function stands here once, however many types it is called with. The list is made
//! before `main`, by [`inventory`]: a call costs nothing more for it.
//!
//! # Examples
//!
//! ```
//! # mod functools { pub use lru_core::registry; }
//! use functools::registry;
//!
//! for function in registry::functions() {
//!     println!("{}: {}", function.path(), function.info());
//! }
//! registry::clear_all();
//! ```

use core::fmt;
use std::vec::{self, Vec};

use crate::engine::lifecycle::Lifecycle;
use crate::engine::placement::Placement;
use crate::function::call::CacheHandle;
use crate::observe::info::{CacheInfo, CacheParameters};
use crate::observe::location::FunctionLocation;
use crate::observe::stats::CacheStats;

#[cfg(feature = "metrics")]
#[cfg(feature = "metrics")]
pub use crate::observe::metrics::publish_metrics;

/// A memoized function, as the registry lists it.
///
/// What it tells and does is what the accessors of the function do, with one difference. What is asked here does not
/// know the type of an `impl` and its parameters, so it can't name what a method, or a function with
/// `accessors = none`, has for `timer` and `on_evict`, if that may depend on these: where it mentions `Self`, or a
/// path that begins with a capital letter. Then what has expired by such a `timer` counts in [`info`](Self::info)
/// until the next call; and such a listener is told by the next call of what left by [`clear`](Self::clear), or
/// expired.
pub struct Function {
    site: &'static FunctionLocation,
    ask: Ask,
    typed: bool,
}

/// Has its cache asked.
type Ask = fn(&mut dyn FnMut(&dyn Asked));

inventory::collect!(Function);

impl Function {
    #[doc(hidden)]
    pub const fn __new(site: &'static FunctionLocation, ask: Ask, typed: bool) -> Self {
        Self { site, ask, typed }
    }

    /// Its path: `shop::price`, or for a method `shop::Shop::price`.
    ///
    /// It is made of what the compiler calls things, which may change with its version where generics or
    /// traits come in: `<shop::Shop as shop::Prices>::price`.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.site.path()
    }

    /// The file in which it stands, as the compiler was told of it.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.site.file()
    }

    /// The line in which its attribute begins.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.site.line()
    }

    /// Hits, misses, bound and number of entries, read together: `cache_info()`.
    #[must_use]
    pub fn info(&self) -> CacheInfo {
        self.asked(|cache| cache.info())
    }

    /// What happened beside hits and misses: `cache_stats()`.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.asked(|cache| cache.stats())
    }

    /// The options it was memoized with: `cache_parameters()`.
    #[must_use]
    pub fn parameters(&self) -> CacheParameters {
        self.asked(|cache| CacheParameters { maxsize: cache.maxsize(), typed: self.typed })
    }

    /// Empties its cache and sets its counters to zero: `cache_clear()`. A backend keeps what it has: to empty
    /// that may take a while and fail, and is for `cache_clear()` to tell.
    pub fn clear(&self) {
        self.asked(|cache| cache.clear());
    }

    fn asked<R: Default>(&self, question: impl Fn(&dyn Asked) -> R) -> R {
        let mut answer = R::default();
        (self.ask)(&mut |cache| answer = question(cache));
        answer
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, file, line) = (self.path(), self.file(), self.line());
        let mut shown = f.debug_struct("Function");
        shown.field("path", &path).field("file", &file).field("line", &line).finish_non_exhaustive()
    }
}

/// Lists all memoized functions of the program that keep their results in a `static`, by their paths.
///
/// Functions of a crate that the program is linked with without ever naming it may be missing, as the linker
/// leaves it out.
pub fn functions() -> Functions {
    let mut all: Vec<_> = inventory::iter::<Function>.into_iter().collect();
    all.sort_unstable_by_key(|function| (function.path(), function.file(), function.line()));
    Functions(all.into_iter())
}

/// The memoized functions of the program: [`functions`].
#[derive(Clone, Debug)]
pub struct Functions(vec::IntoIter<&'static Function>);

impl Iterator for Functions {
    type Item = &'static Function;

    fn next(&mut self) -> Option<&'static Function> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Functions {}

/// Empties the caches of all of them, one after the other, and sets their counters to zero. Backends keep what they
/// have, as with [`Function::clear`].
pub fn clear_all() {
    functions().for_each(Function::clear);
}

/// The cache of a function, whatever is in it: for generated code.
pub trait Asked {
    /// Hits, misses, bound and size, read together.
    fn info(&self) -> CacheInfo;

    /// What happened beside hits and misses.
    fn stats(&self) -> CacheStats;

    /// The bound as it is now.
    fn maxsize(&self) -> Option<usize>;

    /// Forgets everything and sets the counters to zero.
    fn clear(&self);
}

impl<E: Placement, S: Lifecycle<E::Types>> Asked for CacheHandle<E, S> {
    fn info(&self) -> CacheInfo {
        self.engines.info(&self.plan)
    }

    fn stats(&self) -> CacheStats {
        self.counted()
    }

    fn maxsize(&self) -> Option<usize> {
        self.engines.maxsize()
    }

    fn clear(&self) {
        self.clear_all();
    }
}
