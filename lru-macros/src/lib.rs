//! The attributes of `functools`, which documents them: [`macro@lru_cache`], [`macro@cache`], [`macro@memoize`] and
//! [`macro@cached_property`].
//!
//! Each stage is a module, which imports earlier stages only: `args` (the options), `signature` (the
//! function) and `impl_block` parse, `check` reports mistakes, `model` decides, `expand` generates. Generated code calls
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
mod batch_type;
mod body;
mod check;
mod derive;
mod errors;
mod expand;
mod future_type;
mod impl_block;
mod invalidates;
mod lifetimes;
mod model;
mod pattern;
mod previous;
mod property;
mod reader;
mod signature;
mod surroundings;
mod type_tokens;

use proc_macro2::TokenStream;

use std::rc::Rc;

use args::{Args, Attribute, BlockArgs};
use errors::Errors;
use expand::Expanded;
use impl_block::{ImplBlock, Item};
use reader::Reader;
use signature::Func;
use surroundings::Surroundings;

/// Defines the attributes. `functools` documents them where it re-exports them.
macro_rules! attributes {
    ($($(#[$about:meta])* $name:ident = $attribute:ident;)+) => {$(
        $(#[$about])*
        #[proc_macro_attribute]
        pub fn $name(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
            memoize_function(Attribute::$attribute, args.into(), &item.into(), Reader::current()).into()
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
    #[doc = include_str!("options.md")]
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

/// Invalidates results after a function that makes a change: `#[invalidates(user(id), tag("team", team))]`.
#[proc_macro_attribute]
pub fn invalidates(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    invalidates::invalidates(args.into(), &item.into()).into()
}

/// Implements `Argument` for a type, so that it can be an argument of a memoized function.
#[proc_macro_derive(Argument, attributes(argument))]
pub fn argument(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let derived = syn::parse(item).and_then(|input| derive::derive(&input));
    derived.unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Implements `HeapSize` for a type, so that `weight = bytes` can count what its values own.
#[proc_macro_derive(HeapSize, attributes(heap_size))]
pub fn heap_size(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let derived = syn::parse(item).and_then(|input| derive::heap_size::derive(&input));
    derived.unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Gives the methods of an `impl` of a trait their accessors, and options of methods `Self`.
///
/// In short:
///
/// ```text
/// #[memoize]
/// impl Prices for Shop {
///     #[lru_cache(maxsize = Self::LIMIT)]
///     fn price(&self, id: u32) -> u64 { … }
/// }
///
/// Shop::price_cache_info()
/// ```
///
/// | option | meaning |
/// |---|---|
/// | `pub`, `pub(super)` | the visibility of the accessors: by default `pub(crate)` for a trait's methods |
/// | `accessors = Name` | a trait for the accessors, for types of other crates: `<Vec<u8> as Name>::price_cache_info()` |
#[proc_macro_attribute]
pub fn memoize(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    memoize_impl(args.into(), &item.into(), Reader::current()).into()
}

fn memoize_function(
    attribute: Attribute,
    args: TokenStream,
    item: &TokenStream,
    reader: Reader,
) -> TokenStream {
    if args.to_string() == args::SEEN {
        return TokenStream::new();
    }
    let mut errors = Errors::default();
    match expanded(attribute, args, item.clone(), None, reader, &mut errors) {
        Some(expanded) => errors.with(&expanded.in_place()),
        None => errors.with(item),
    }
}

/// Expands a function, and adds its mistakes to `errors`. `None` is what is not a function.
fn expanded(
    attribute: Attribute,
    args: TokenStream,
    item: TokenStream,
    surroundings: Option<Rc<Surroundings>>,
    reader: Reader,
    errors: &mut Errors,
) -> Option<Expanded> {
    let args = Args::parse(attribute, args, errors);
    let func = match Func::parse(attribute.name(), item) {
        Ok(func) => func.within(surroundings),
        Err(error) => {
            errors.add(error);
            return None;
        }
    };
    let mistakes_in_options = errors.count();
    check::check(&args, &func, errors);
    // A mistaken function stays as it is, so that its callers compile. The types are still checked, so that all
    // mistakes are reported at once.
    let is_mistaken = errors.count() > mistakes_in_options;
    Some(if is_mistaken { expand::unchanged(args, func) } else { expand::expand(args, func, reader) })
}

fn memoize_impl(args: TokenStream, item: &TokenStream, reader: Reader) -> TokenStream {
    let mut errors = Errors::default();
    let args = BlockArgs::parse(args, &mut errors);
    let block = match ImplBlock::parse(args, item.clone()) {
        Ok(block) => block,
        Err(error) => {
            errors.add(error);
            return errors.with(item);
        }
    };
    check::check_block(&block, &mut errors);
    let is_mistaken = errors.count() > 0;
    let (mut functions, mut accessors, mut plain) =
        (TokenStream::new(), TokenStream::new(), TokenStream::new());
    let mut needs = None::<expand::Features>;
    for item in &block.items {
        let (attribute, args, function) = match item {
            Item::Memoized { attribute, args, function, .. } => (*attribute, args.clone(), function),
            Item::Conditional { item, .. } | Item::Other(item) => {
                functions.extend(item.clone());
                plain.extend(item.clone());
                continue;
            }
        };
        let surroundings = Some(Rc::clone(&block.surroundings));
        let expanded = expanded(attribute, args, function.clone(), surroundings, reader, &mut errors);
        let Some(expanded) = expanded else {
            functions.extend(function.clone());
            plain.extend(function.clone());
            continue;
        };
        functions.extend(expanded.function);
        // Those of an inherent `impl` are beside the function.
        if block.surroundings.trait_path.is_some() { &mut accessors } else { &mut functions }
            .extend(expanded.accessors);
        plain.extend(expanded.plain);
        needs = match needs {
            None => expanded.needs,
            Some(needs) => Some(needs.and(expanded.needs)),
        };
    }
    let plain = expand::plain_impl_block(&block, &plain);
    if is_mistaken {
        return errors.with(&plain);
    }
    match expand::impl_block(&block, &functions, accessors) {
        Ok(expanded) => errors
            .with(&needs.map_or_else(|| expanded.clone(), |features| features.choose(&plain, &expanded))),
        Err(error) => {
            errors.add(error);
            errors.with(&plain)
        }
    }
}

#[cfg(test)]
mod tests;
