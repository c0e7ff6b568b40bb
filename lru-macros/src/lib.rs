//! The attributes of `functools`, which documents them: [`macro@lru_cache`], [`macro@cache`] and
//! [`macro@cached_property`].
//!
//! Each stage is a module, which imports earlier stages only: `args` (the options) and `signature` (the
//! function) parse, `check` reports mistakes, `model` decides, `expand` generates. Generated code calls
//! `lru-core` and contains no logic of its own.

#![forbid(unsafe_code)]
// A panic of a macro would report neither the mistake nor its position.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable
    )
)]

mod args;
mod attributes;
mod check;
mod derive;
mod errors;
mod expand;
mod future_type;
mod lifetimes;
mod model;
mod pattern;
mod property;
mod signature;
mod type_tokens;

use proc_macro2::TokenStream;

use args::{Args, Attribute};
use errors::Errors;
use model::Model;
use signature::Func;

/// Defines the attributes. `functools` documents them where it re-exports them.
macro_rules! attributes {
    ($($(#[$about:meta])* $name:ident = $attribute:ident;)+) => {$(
        $(#[$about])*
        #[proc_macro_attribute]
        pub fn $name(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
            memoize(Attribute::$attribute, args.into(), &item.into()).into()
        }
    )+};
}

attributes! {
    /// Memoizes a function with a least-recently-used cache of 128 results, or of `maxsize`.
    ///
    /// In short:
    ///
    /// ```text
    /// #[lru_cache(maxsize = 1000, ttl = 60)]
    /// fn price(symbol: &str) -> u64 { … }
    ///
    /// price::cache_info()               hits, misses, maxsize, currsize
    /// price::cache_clear()
    /// price::cache_invalidate("abc")
    /// ```
    ///
    /// | option | meaning |
    /// |---|---|
    /// | `maxsize = 1000`, `maxsize = None` | the bound; unbounded |
    /// | `policy = lru` | the eviction policy: `lru`, `lfu`, `fifo`, `rr`, `sieve`, `s3_fifo` or `w_tinylfu` |
    /// | `ttl = 60`, `tti = 60` | time to live, time to idle, in seconds |
    /// | `key = \|user, _\| user.id` | what distinguishes calls; `#[key(skip)]` on a parameter leaves it out |
    /// | `cache_errors = true` | an `Err` is cached too |
    /// | `single_flight = true` | concurrent calls with one key compute once; the default of an `async fn` |
    /// | `swr = true`, `stale_if_error = 300` | stale results, during refreshes or errors |
    /// | `cache = self.field` | the results are stored in a cache object |
    /// | `scope = thread` | one cache per thread |
    /// | `backend = redis(…)` | a second-level store |
    ///
    /// The documentation of `functools` lists all options and accessors.
    lru_cache = LruCache;
    /// Memoizes a function with an unbounded cache.
    cache = Cache;
    /// Memoizes a function with a first-in-first-out cache.
    fifo_cache = FifoCache;
    /// Memoizes a function with a least-frequently-used cache.
    lfu_cache = LfuCache;
    /// Memoizes a function with a random-replacement cache.
    rr_cache = RrCache;
    /// Memoizes a function with a cache whose results expire after ten minutes, or after `ttl`.
    ttl_cache = TtlCache;
    /// Memoizes an `async fn` with a cache of 256 results that expire after a minute, or after `ttl`.
    async_lru_cache = AsyncLruCache;
}

/// Keeps the value of a method in a field of the object: it is computed once.
#[proc_macro_attribute]
pub fn cached_property(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    property::property(args.into(), &item.into()).into()
}

/// Implements `Argument` for a type, so that it can be an argument of a memoized function.
#[proc_macro_derive(Argument, attributes(argument))]
pub fn argument(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let derived = syn::parse(item).and_then(|input| derive::derive(&input));
    derived.unwrap_or_else(syn::Error::into_compile_error).into()
}

fn memoize(attribute: Attribute, args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(attribute, args, &mut errors);
    let func = match Func::parse(attribute.name(), item.clone()) {
        Ok(func) => func,
        Err(error) => {
            errors.add(error);
            return errors.with(item);
        }
    };
    let mistakes_in_options = errors.count();
    check::check(&args, &func, &mut errors);
    if errors.count() > mistakes_in_options {
        // The function stays as it is, so that its callers compile. The types are still checked, so that all
        // mistakes are reported at once.
        return errors.with(&expand::unchanged(args, func));
    }
    let option = args.backend.name().filter(|_| args.backend.is_some());
    let plain = option.map(|option| {
        let at = option.span();
        (at, args.backend.missing_feature(), func.without_options())
    });
    let model = Model::new(args, func);
    let expanded = expand::expand(&model);
    errors.with(&match plain {
        None => expanded,
        Some((at, missing, plain)) => {
            expand::where_there_are_backends(&model, at, &missing, &plain, &expanded)
        }
    })
}

#[cfg(test)]
mod tests;
