//! The attributes of `functools`, which documents them: [`macro@lru_cache`] and [`macro@cache`].
//!
//! Tokens become `args` and `func`, these are checked and become a `model`, and the model becomes
//! tokens. Behaviour lives in `lru-core`; what is generated only names it.

#![forbid(unsafe_code)]
// A macro that panics says nothing about what is wrong, and where.
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
mod model;
mod signature;
mod type_tokens;

use proc_macro2::TokenStream;

use args::{Args, Attribute};
use errors::Errors;
use model::Model;
use signature::Func;

#[expect(missing_docs, reason = "documented where `functools` re-exports it")]
#[proc_macro_attribute]
pub fn lru_cache(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    memoize(Attribute::LruCache, args.into(), &item.into()).into()
}

#[expect(missing_docs, reason = "documented where `functools` re-exports it")]
#[proc_macro_attribute]
pub fn cache(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    memoize(Attribute::Cache, args.into(), &item.into()).into()
}

#[expect(missing_docs, reason = "documented where `functools` re-exports it")]
#[proc_macro_attribute]
pub fn fifo_cache(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    memoize(Attribute::FifoCache, args.into(), &item.into()).into()
}

#[expect(missing_docs, reason = "documented where `functools` re-exports it")]
#[proc_macro_attribute]
pub fn lfu_cache(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    memoize(Attribute::LfuCache, args.into(), &item.into()).into()
}

#[expect(missing_docs, reason = "documented where `functools` re-exports it")]
#[proc_macro_attribute]
pub fn rr_cache(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    memoize(Attribute::RrCache, args.into(), &item.into()).into()
}

#[expect(missing_docs, reason = "documented where `functools` re-exports it")]
#[proc_macro_attribute]
pub fn ttl_cache(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    memoize(Attribute::TtlCache, args.into(), &item.into()).into()
}

#[expect(missing_docs, reason = "documented where `functools` re-exports it")]
#[proc_macro_attribute]
pub fn async_lru_cache(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    memoize(Attribute::AsyncLruCache, args.into(), &item.into()).into()
}

#[expect(missing_docs, reason = "documented where `functools` re-exports it")]
#[proc_macro_derive(Argument, attributes(argument))]
pub fn argument(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let derived = syn::parse(item).and_then(|input| derive::derive(&input));
    derived.unwrap_or_else(syn::Error::into_compile_error).into()
}

fn memoize(attribute: Attribute, args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(attribute, args, &mut errors);
    let func = match Func::parse(attribute, item.clone()) {
        Ok(func) => func,
        Err(error) => {
            errors.add(error);
            return errors.with(item);
        }
    };
    let mistakes_in_options = errors.count();
    check::check(&args, &func, &mut errors);
    if errors.count() > mistakes_in_options {
        // A signature that can't be cached: its function as it is, so that its callers compile,
        // and what the types have to say, so that all mistakes show at once.
        return errors.with(&expand::unchanged(args, func));
    }
    let plain = args.backend.backend.is_some().then(|| func.without_options());
    let model = Model::new(args, func);
    let expanded = expand::expand(&model);
    errors.with(&match plain {
        None => expanded,
        Some(plain) => expand::where_there_are_backends(&model, &plain, &expanded),
    })
}

#[cfg(test)]
mod tests;
