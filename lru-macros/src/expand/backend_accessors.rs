//! The accessors of a function with a backend, which act there too.

use proc_macro2::TokenStream;
use quote::quote;

use super::backend::{backend_handle, entry, found, strictness};
use super::{cache, call};
use crate::model::{Checks, Flavor, Model};

/// The return type and the body of an accessor that uses the backend too.
pub(super) fn accessor(model: &Model, name: &str) -> Option<(TokenStream, TokenStream)> {
    let home = quote!(Self);
    let (backend, entry) = (backend_handle(model, &home, None)?, entry(model, &home, Checks::Assumed)?);
    let Model { krate, result, .. } = model;
    let (handle, key, result_policy) = (
        cache::handle(model, &home),
        cache::key(model, &home, Checks::Assumed),
        call::result_policy(model, Checks::Assumed),
    );
    let wait = |future: TokenStream| wait(model, &future);
    let failing = |ty: TokenStream| quote! { ::core::result::Result<#ty, #krate::backend::BackendError> };
    let peeked = wait(quote! { __entry.peek(#result_policy) });
    let peeked_type = model.peeked();
    let peeked = quote! { let __found: #krate::__private::Peeked<#peeked_type> = #peeked; };
    let copied = quote! { .copied_to(#key) };
    Some(match name {
        "cache_clear" => {
            let cleared = wait(quote! { #backend.clear() });
            // Cleared again: another call may have fetched a result before the backend was cleared.
            let body = quote! {
                #handle.clear();
                let __cleared = #cleared;
                #handle.clear();
                __cleared
            };
            (failing(quote!(())), body)
        }
        "cache_contains" => (
            quote! { ::core::primitive::bool },
            quote! {
                if #handle.contains(#key) {
                    return true;
                }
                #entry
                #peeked
                __found.is_ok_and(|__found| __found.is_some())
            },
        ),
        "cache_peek" => (
            quote! { ::core::option::Option<#peeked_type> },
            quote! {
                if let ::core::option::Option::Some(__hit) = #handle.peek(#key, #result_policy) {
                    return ::core::option::Option::Some(__hit);
                }
                #entry
                #peeked
                __found.ok().flatten()
            },
        ),
        "cache_put" => {
            let value = call::put_value(model);
            let options = model.lifecycle.entry_options_of_put(krate, &model.references_of_put());
            let options = call::options_function(model, options);
            let kept = quote! { #handle.kept_outside(__options.as_ref()) };
            if model.lifecycle.is_tagged() {
                return Some((failing(quote!(())), put_tagged(model, &entry, &copied, &options)));
            }
            let stored = wait(quote! { __entry.to_put(&#value, #result_policy, #kept).store() });
            let put = quote! { #handle.put_copy(#key, #value, #result_policy, __max_age, __options); };
            let body = quote! {
                #entry
                let __entry = __entry #copied;
                let __options = #handle.judge(&#value, #result_policy, #options);
                let (__max_age, __stored) = #stored;
                #put
                __entry.copied();
                __stored
            };
            (failing(quote!(())), body)
        }
        "cache_invalidate" => {
            // Invalidated again, as in `cache_clear`.
            let deleted = wait(quote! { __entry.delete() });
            let body = quote! {
                let __was_local = #handle.invalidate(#key);
                #entry
                let __deleted = #deleted;
                #handle.invalidate(#key);
                __deleted.map(|__was_remote| __was_local || __was_remote)
            };
            (failing(quote! { ::core::primitive::bool }), body)
        }
        "cache_invalidate_tag" => {
            let tag = model.added_parameter("tag");
            let done = wait(quote! { #backend.invalidate_tag(#tag) });
            // Once more, as in `cache_clear`.
            let body = quote! {
                #handle.invalidate_tag(#tag);
                let __done = #done;
                #handle.invalidate_tag(#tag);
                __done
            };
            (failing(quote!(())), body)
        }
        "cache_refresh" => (quote! { #result }, refresh(model, &entry, &copied)),
        _ => return None,
    })
}

/// The body of `cache_put` of a function whose results have tags. The cache that has judged the result stores it.
fn put_tagged(
    model: &Model,
    entry: &TokenStream,
    copied: &TokenStream,
    options: &TokenStream,
) -> TokenStream {
    let home = quote!(Self);
    let (handle, key, result_policy) = (
        cache::handle(model, &home),
        cache::key(model, &home, Checks::Assumed),
        call::result_policy(model, Checks::Assumed),
    );
    let value = call::put_value(model);
    let kept = quote! { __handle.kept_outside(__options.as_ref()) };
    let stored = quote! { __entry.to_put(&#value, #result_policy, #kept).with_tags(&__handle).store() };
    let stored = wait(model, &stored);
    quote! {
        #entry
        let __entry = __entry #copied;
        let __handle = #handle;
        let __options = __handle.judge(&#value, #result_policy, #options);
        let (__max_age, __stored) = #stored;
        __handle.put_copy_in(&__entry, #key, #value, #result_policy, __max_age, __options);
        __entry.copied();
        __stored
    }
}

/// The body of `cache_refresh`: it computes, and stores what it has computed in both places.
fn refresh(model: &Model, entry: &TokenStream, copied: &TokenStream) -> TokenStream {
    let home = quote!(Self);
    let krate = &model.krate;
    let (handle, key, result_policy) = (
        cache::handle(model, &home),
        cache::key(model, &home, Checks::Assumed),
        call::result_policy(model, Checks::Assumed),
    );
    let flight = model.flight.as_ref().map(|flight| flight.value(&model.plain_name(), krate));
    let (strictness, call) = (strictness(model, Checks::Assumed), call::call(model, &home));
    let claim = quote! { __entry.claim(__errors) };
    let kept = quote! { __miss.kept_outside(__options.as_ref()) };
    let is_tagged = model.lifecycle.is_tagged();
    let computed_by = is_tagged.then(|| quote! { .computed_by(&__miss) });
    let replaced = quote! { __entry.to_put(&__result, #result_policy, #kept) #computed_by .replace(__claim) };
    let (claim, replaced) = (wait(model, &claim), wait(model, &replaced));
    // The claim stays valid while the body runs.
    let run = match model.flavor {
        Flavor::Sync => quote! {
            { let __renewal = #krate::__private::renewal(&__claim); #call }
        },
        Flavor::Async(_) => quote! { #krate::__private::renewing(&__claim, #call).await },
    };
    let options = call::entry_options(model);
    let arguments = options.as_ref().map(|_| call::copies_for_options(model));
    let options = call::options_function(model, options);
    let (found, expected) = (found(model), call::expected(model, "__miss"));
    let judged = if is_tagged {
        quote! { __miss.judge_in(&__entry, &__result, #options) }
    } else {
        quote! { __miss.judge(&__result, #options) }
    };
    quote! {
        #entry
        #found
        let __entry = __entry #copied;
        let __errors = __entry.errors(&#handle, #flight);
        let __claim = #claim;
        let __miss = #handle.refresh(#key, #result_policy);
        #arguments
        #expected
        let __result = #run;
        let __options = #judged;
        let __replaced = #replaced;
        let __miss = __miss.replaced(&__replaced);
        let __result = __miss.insert_judged(__result, __options);
        __entry.copied();
        match __replaced.error() {
            ::core::option::Option::None => __result,
            ::core::option::Option::Some(__error) => {
                __entry.failed(&#handle, #flight, __error, #strictness).unwrap_or(__result)
            }
        }
    }
}

/// Binds the backend's entry, and what reports the errors of requests for which no call waits.
pub(super) fn entry_with_errors(model: &Model) -> Option<TokenStream> {
    let home = quote!(Self);
    let (handle, entry) = (cache::handle(model, &home), entry(model, &home, Checks::Assumed)?);
    let flight = model.flight.as_ref().map(|flight| flight.value(&model.plain_name(), &model.krate));
    Some(quote! {
        #entry
        let __errors = __entry.errors(&#handle, #flight);
    })
}

/// Awaits a future of the backend, or blocks the thread on it.
fn wait(model: &Model, future: &TokenStream) -> TokenStream {
    let krate = &model.krate;
    match model.flavor {
        Flavor::Sync => quote! { #krate::__private::block_on(#future) },
        Flavor::Async(_) => quote! { #future.await },
    }
}
