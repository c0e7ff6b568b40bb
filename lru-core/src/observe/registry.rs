//! Registry of all memoized functions of the program, including those that were never called (feature
//! `registry`).
//!
//! The registry lists each function whose cache is in a `static`, once for all instantiations of a generic
//! function. It does not list functions with `cache = …`, which may have any number of caches, nor those with
//! `scope = thread`, whose caches other threads cannot read. The list is made before `main` by [`inventory`] and adds
//! no cost to calls.
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
use std::ffi::OsStr;
use std::string::String;
use std::sync::Arc;
use std::vec::{self, Vec};

use super::info::{CacheInfo, CacheParameters};
use super::location::FunctionLocation;
use super::overrides;
use super::stats::CacheStats;
use crate::insight::{Insight, Tap};

pub use super::counts::Counts;
pub use super::histogram::{TimeBucket, TimeHistogram};
#[cfg(feature = "metrics")]
pub use super::metrics::publish_metrics;
pub use super::overrides::{OverrideError, OverrideErrorReason};

/// A memoized function in the registry.
///
/// Its methods do what the accessors of the function do, with one exception. The registry cannot name the type
/// and the parameters of an `impl`, and so cannot evaluate the `timer` and `on_evict` of a method (or of a function
/// with `accessors = none`) if they may depend on these: if they mention `Self`, or a path that begins with a
/// capital letter. With such a `timer`, [`info`](Self::info) counts expired entries until the next call of the
/// function. Such an eviction listener is called for expired and [cleared](Self::clear) entries by the next call.
pub struct Function {
    location: &'static FunctionLocation,
    with_cache: WithCache,
    typed: bool,
}

/// Calls a closure with the cache of a function.
type WithCache = fn(&mut dyn FnMut(&dyn RegisteredCache));

inventory::collect!(Function);

impl Function {
    #[doc(hidden)]
    pub const fn __new(location: &'static FunctionLocation, with_cache: WithCache, typed: bool) -> Self {
        Self { location, with_cache, typed }
    }

    /// Returns the path of the function: `shop::price`, or `shop::Shop::price` for a method.
    ///
    /// The path is made of the names that the compiler gives to types. With generics or traits, as in
    /// `<shop::Shop as shop::Prices>::price`, it may change with the version of the compiler.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.location.path()
    }

    /// Returns the namespace of the function: the option `namespace`, or its path.
    ///
    /// The path of a function within another function or block is not unique; its namespace then ends with the line
    /// and column of its attribute. A backend stores its entries under this name, and metrics have it as their label.
    #[must_use]
    pub fn namespace(&self) -> &'static str {
        self.location.namespace()
    }

    /// Returns the path of the source file, as it was given to the compiler.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.location.file()
    }

    /// Returns the line in which the attribute begins.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.location.line()
    }

    /// Returns hits, misses, capacity and size, like the accessor `cache_info()`. Takes the lock of the
    /// cache.
    #[must_use]
    pub fn info(&self) -> CacheInfo {
        self.with_cache(|cache| cache.info())
    }

    /// Returns the counters other than hits and misses, like the accessor `cache_stats()`.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.with_cache(|cache| cache.stats())
    }

    /// Returns all that was counted since the start of the program, with the times of computations and of requests
    /// to the backend. Clearing or resetting takes nothing back.
    ///
    /// Unlike [`info`](Self::info), it removes no expired entries, so it reads no clock and calls no eviction listener: it can be
    /// called by any thread, at an interval.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.with_cache(|cache| cache.counts())
    }

    /// Returns the hit ratio that is expected with other capacities, like the accessor `cache_insight()`; `None` for a
    /// function without `insight = true` that does not share a [budget](crate::budget).
    #[must_use]
    pub fn insight(&self) -> Option<Insight> {
        self.with_cache(|cache| cache.insight())
    }

    /// Returns the bytes that the function may have at present of the [budget](crate::budget); `None` if there is no budget, and for a
    /// function that does not share it.
    #[must_use]
    pub fn budget_share(&self) -> Option<usize> {
        self.with_cache(|cache| cache.budget_share())
    }

    /// Returns the options that the function was memoized with, like the accessor `cache_parameters()`.
    #[must_use]
    pub fn parameters(&self) -> CacheParameters {
        self.with_cache(|cache| CacheParameters::new(cache.maxsize(), self.typed))
    }

    /// Changes the capacity, and evicts the entries that exceed it, like the accessor `cache_resize()`: `None` is unbounded, and
    /// with zero nothing is stored. Returns whether the cache has a capacity that can be changed: not if it was created
    /// unbounded or off.
    pub fn resize(&self, maxsize: impl Into<Option<usize>>) -> bool {
        let maxsize = maxsize.into();
        self.with_cache(|cache| cache.resize(maxsize))
    }

    /// Returns the name of the variable by which [`override_from_env`] changes the capacity.
    ///
    /// It is the [namespace](Self::namespace) in capitals, with `__` for `::` and `_` for all other characters but letters
    /// and digits, after `FUNCTOOLS_MAXSIZE__`.
    #[must_use]
    pub fn maxsize_variable(&self) -> String {
        overrides::variable(overrides::MAXSIZE, self.namespace())
    }

    /// Returns the name of the variable by which [`override_from_env`] changes the time to live: like that of
    /// [`maxsize_variable`](Self::maxsize_variable), after `FUNCTOOLS_TTL__`.
    #[must_use]
    pub fn ttl_variable(&self) -> String {
        overrides::variable(overrides::TTL, self.namespace())
    }

    /// Passes the calls of the function to a tap from now on, or to none.
    pub(super) fn set_tap(&self, tap: Option<&Arc<dyn Tap>>) {
        self.with_cache(|cache| cache.set_tap(tap));
    }

    /// Removes all entries and resets the counters, like the accessor `cache_clear()`.
    ///
    /// Entries in a backend stay, because removing them takes time and can fail.
    pub fn clear(&self) {
        self.with_cache(|cache| cache.clear());
    }

    /// Removes all entries, and leaves the counters as they are.
    ///
    /// As with [`clear`](Self::clear), results that are being computed are not stored, and entries in a backend stay.
    pub fn clear_entries(&self) {
        self.with_cache(|cache| cache.clear_entries());
    }

    /// Resets the counters of `cache_info()` and `cache_stats()`, and leaves the entries as they are.
    pub fn reset_counters(&self) {
        self.with_cache(|cache| cache.reset_counters());
    }

    fn with_cache<R: Default>(&self, read: impl Fn(&dyn RegisteredCache) -> R) -> R {
        let mut answer = R::default();
        (self.with_cache)(&mut |cache| answer = read(cache));
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

/// Returns an iterator over all registered functions of the program, sorted by path.
///
/// The functions of a dependency that the program never uses may be missing, because the linker drops them.
pub fn functions() -> Functions {
    let mut all: Vec<_> = inventory::iter::<Function>.into_iter().collect();
    all.sort_unstable_by_key(|function| (function.path(), function.file(), function.line()));
    Functions(all.into_iter())
}

/// An iterator over the memoized functions of the program, returned by [`functions`].
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

/// Clears the caches of all registered functions, one after the other.
///
/// Entries in backends stay, as with [`Function::clear`].
pub fn clear_all() {
    functions().for_each(Function::clear);
}

/// Sets capacities and times to live from the environment of the process, in place of those in the source: operators change them
/// without a new build.
///
/// The variable for the function `shop::price` is `FUNCTOOLS_MAXSIZE__SHOP__PRICE`; [`Function::maxsize_variable`] returns it. Its
/// value is what the accessor `cache_resize` takes: a number of entries (with `weight`, their total weight), or `none`.
///
/// `FUNCTOOLS_TTL__SHOP__PRICE` sets its `ttl`, which [`Function::ttl_variable`] returns the name of: a number of seconds above zero, or of
/// the unit of its `timer` (a part of a unit counts as one where the timer returns an integer). It applies to results that are stored
/// after that, in the process and in a backend; `jitter`, `swr`, `stale_if_error` and `error_ttl` remain as they are in the source. Any
/// `ttl` can be set that is a constant or an expression, also with `scope = thread`; not one that is a function of the result, and
/// none with `cache = …`. Hits take no longer for it.
///
/// The environment is read by this call alone, so call it at the start of the program. Returns the number of
/// variables that have taken effect.
///
/// # Errors
///
/// Returns all variables that begin with `FUNCTOOLS_MAXSIZE` or `FUNCTOOLS_TTL` and have changed no function, sorted by name. The
/// others have taken effect.
///
/// # Panics
///
/// If the environment cannot be read on this platform, or if the expression of the `maxsize` of a function panics.
///
/// # Examples
///
/// ```
/// # mod functools { pub use lru_core::registry; }
/// use functools::registry;
///
/// if let Err(errors) = registry::override_from_env() {
///     for error in errors {
///         eprintln!("{error}");
///     }
/// }
/// ```
pub fn override_from_env() -> Result<usize, Vec<OverrideError>> {
    override_from(std::env::vars_os())
}

/// Like [`override_from_env`], but with variables from elsewhere, such as a file: pairs of a name and a value. Names
/// that begin with neither `FUNCTOOLS_MAXSIZE` nor `FUNCTOOLS_TTL` are skipped. Of two pairs with one name the last one decides.
///
/// # Errors
///
/// As those of [`override_from_env`].
pub fn override_from<N: AsRef<OsStr>, V: AsRef<OsStr>>(
    variables: impl IntoIterator<Item = (N, V)>,
) -> Result<usize, Vec<OverrideError>> {
    let known: Vec<_> = functions().map(|function| (function.maxsize_variable(), function)).collect();
    let (mut count, mut errors) = (0, Vec::new());
    for (name, value) in variables {
        let (Some(variable), value) = (name.as_ref().to_str(), value.as_ref().to_string_lossy()) else {
            continue;
        };
        let set = if variable.starts_with(overrides::MAXSIZE) {
            set_maxsize(&known, variable, &value)
        } else if variable.starts_with(overrides::TTL) {
            set_ttl(variable, &value)
        } else {
            continue;
        };
        match set {
            Ok(()) => count += 1,
            Err(reason) => {
                errors.push(OverrideError::new(variable, &value, reason));
            }
        }
    }
    errors.sort_by(|one, other| one.variable().cmp(other.variable()));
    if errors.is_empty() { Ok(count) } else { Err(errors) }
}

/// Sets the capacity of the function with this variable.
fn set_maxsize(
    known: &[(String, &Function)],
    variable: &str,
    value: &str,
) -> Result<(), OverrideErrorReason> {
    let named = known.iter().filter(|(name, _)| name == variable).map(|(_, function)| function);
    let function = only(named)?.ok_or(OverrideErrorReason::UnknownFunction)?;
    let maxsize = overrides::capacity(value)?;
    if function.resize(maxsize) { Ok(()) } else { Err(OverrideErrorReason::NotBounded) }
}

/// Sets the time to live of the function with this variable.
fn set_ttl(variable: &str, value: &str) -> Result<(), OverrideErrorReason> {
    let named =
        inventory::iter::<overrides::TtlOverride>.into_iter().filter(|ttl| ttl.variable() == variable);
    let Some(function) = only(named)? else {
        let is_known = functions().any(|function| function.ttl_variable() == variable);
        return Err(if is_known { OverrideErrorReason::NoTtl } else { OverrideErrorReason::UnknownFunction });
    };
    function.set(overrides::ttl(value)?);
    Ok(())
}

/// Returns the function that a variable names, if there is one and no other.
fn only<F>(mut named: impl Iterator<Item = F>) -> Result<Option<F>, OverrideErrorReason> {
    let first = named.next();
    if named.next().is_some() { Err(OverrideErrorReason::SeveralFunctions) } else { Ok(first) }
}

/// The cache of a registered function, without its types. Used by generated code.
pub trait RegisteredCache {
    /// Returns hits, misses, capacity and number of entries.
    fn info(&self) -> CacheInfo;

    /// Returns the counters other than hits and misses.
    fn stats(&self) -> CacheStats;

    /// Returns the current capacity.
    fn maxsize(&self) -> Option<usize>;

    /// Returns all that was counted since the start of the program, without removing expired entries.
    fn counts(&self) -> Counts;

    /// Returns the expected hit ratio with other capacities, if the function has `insight = true`.
    fn insight(&self) -> Option<Insight>;

    /// Passes the calls to a tap, or to none, if the function has `insight = true`.
    fn set_tap(&self, tap: Option<&Arc<dyn Tap>>);

    /// Returns the bytes that the function may have of the budget, if it shares one.
    fn budget_share(&self) -> Option<usize>;

    /// Removes all entries and resets the counters.
    fn clear(&self);

    /// Removes all entries.
    fn clear_entries(&self);

    /// Resets the counters.
    fn reset_counters(&self);

    /// Changes the capacity; `false` if there is none.
    fn resize(&self, maxsize: Option<usize>) -> bool;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_others_are_skipped_and_all_errors_are_returned() {
        let variables = [("PATH", "7"), ("FUNCTOOLS_MAXSIZE__NO__SUCH", "7"), ("FUNCTOOLS_MAXSIZE_B", "x")];
        let errors = override_from(variables).unwrap_err();
        assert!(errors.iter().all(|error| error.reason() == OverrideErrorReason::UnknownFunction));
        let names: Vec<_> = errors.iter().map(OverrideError::variable).collect();
        assert_eq!(names, ["FUNCTOOLS_MAXSIZE_B", "FUNCTOOLS_MAXSIZE__NO__SUCH"]);
        assert_eq!(override_from([("PATH", "7")]), Ok(0));
    }
}
