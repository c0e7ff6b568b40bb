//! The items that the accessors need: the cache, the identity of instances, and `cache_retain`'s test.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use super::cache::Memo;
use super::{backend, cache};
use crate::model::{Accessors, Model, Named, Parts, Place};
use crate::type_tokens;

/// Returns the functions that the accessors call: of the cache, of the identity, of the backend.
pub(super) fn beside_accessors(model: &Model) -> TokenStream {
    let opened = backend::item(model);
    let Place::Static(parts) = &model.place else { return opened.unwrap_or_default() };
    let krate = &model.krate;
    let memo = Memo::new(model, parts);
    let (ty, item, found) = (memo.found_type(krate), memo.item(krate), memo.found_by_reference(krate));
    // A lifetime for those that the user omitted, as in `Cow<str>`: a return type needs one.
    // A lint reports them in a signature.
    let (lifetime, ty) = if model.may_leave_lifetimes_out() {
        (quote! { _: &'static () }, type_tokens::unlinted(ty))
    } else {
        (TokenStream::new(), ty)
    };
    let cfg = model.cfg_of_siblings();
    let function = cache::name(model);
    let registered = registered(model);
    let identity = model.key.identity.function(&model.accessor("__identity"), krate);
    let identity = identity.map(|identity| quote! { #(#cfg)* #identity });
    let listener = model.accessor(cache::LISTENER);
    let listener = model.lifecycle.listener_item(&listener, krate, &cache::entry_types(model));
    let listener = listener.map(|listener| quote! { #(#cfg)* #listener });
    quote! {
        #listener
        #(#cfg)*
        #[doc(hidden)]
        fn #function(#lifetime) -> #ty {
            #item
            #registered
            #found
        }
        #identity
        #opened
    }
}

/// Returns the items of a function without accessors, which are in its body.
pub(super) fn in_body(model: &Model) -> Option<TokenStream> {
    let opened = backend::item(model);
    let Place::Static(parts) = &model.place else { return opened };
    let item = Memo::new(model, parts).item(&model.krate);
    let registered = registered(model);
    Some(quote! {
        #opened
        #item
        #registered
    })
}

/// Returns the registration of the cache, for the feature `registry`. It is an item, and names neither
/// parameters of the surrounding `impl` nor those of the function. Per-thread caches are not registered.
fn registered(model: &Model) -> Option<TokenStream> {
    let Model { krate, typed, .. } = model;
    if matches!(&model.place, Place::Static(Parts::PerThread)) {
        return None;
    }
    let is_item = matches!(model.accessors, Accessors::Companion(_));
    let handle = model
        .lifecycle
        .options_of_item(krate, &cache::entry_types(model), |expr| is_item || model.is_of_items(expr));
    let handle = handle.map_or_else(|| quote! { handle() }, |options| quote! { handle_with(#options) });
    let within = match &model.accessors {
        Accessors::Companion(handle) => format!("{}::{}", handle.unraw(), cache::name(model)),
        Accessors::Siblings(_) => cache::name(model).to_string(),
        Accessors::None => model.plain_name(),
    };
    let plain_name = model.plain_name();
    let namespace = model.namespace.as_ref().map(|namespace| quote! { , #namespace });
    Some(quote! {
        #krate::__private::register! { (&__MEMO).#handle, #typed, #plain_name, #within #namespace }
    })
}

/// Returns the bound of `cache_retain`'s test and the accessor's body, where the types of the arguments can be named.
/// The test takes one argument by itself, and several as a tuple.
pub(super) fn retain(model: &Model, home: &TokenStream) -> Option<(TokenStream, TokenStream)> {
    let krate = &model.krate;
    let Named { arguments, result_policy } = model.named.as_ref()?;
    let arguments = cache::arguments_type(&arguments.iter().collect::<Vec<_>>(), krate);
    let (handle, stored) = (cache::handle(model, home), result_policy.stored(krate));
    let predicate = quote! { ::core::ops::FnMut(&#arguments, &#stored) -> ::core::primitive::bool };
    let body = match &model.place {
        Place::Object(object) => {
            let (plain, function) = (cache::handle_of(object, krate), cache::function_in_object(model));
            let apart = model.taken_apart(None);
            quote! {
                use #krate::__private::choices::*;
                #(#apart)*
                #handle.retain_tested(
                    #krate::__private::tested::<#arguments, #stored, _, _, _>(|| #plain, #function, __predicate)
                        .__fit(),
                );
            }
        }
        Place::Static(_) if cache::arguments_are_key(model) => quote! { #handle.retain(__predicate); },
        Place::Static(_) => {
            let place = cache::arguments_in_key(model);
            quote! { #handle.retain(|__key, __value| __predicate(#place, __value)); }
        }
    };
    Some((predicate, body))
}

/// Returns the return type and the body of `cache_entries`, where the types in an entry can be written as a result.
///
/// A result, unlike a parameter, cannot have lifetimes that are not written; a type of the user may have them. The types in
/// an object are its own.
pub(super) fn entries(model: &Model, home: &TokenStream) -> Option<(TokenStream, TokenStream)> {
    let krate = &model.krate;
    let Named { arguments, result_policy } = model.named.as_ref()?;
    if model.may_leave_lifetimes_out() || !matches!(model.place, Place::Static(_)) {
        return None;
    }
    let arguments = cache::arguments_type(&arguments.iter().collect::<Vec<_>>(), krate);
    let (handle, stored) = (cache::handle(model, home), result_policy.stored(krate));
    let place = cache::arguments_in_key(model);
    let returns = quote! { ::std::vec::Vec<#krate::CacheEntry<#arguments, #stored>> };
    Some((returns, quote! { #handle.entries(|__key| #place) }))
}

/// Whether the body of `cache_retain` calls the test, rather than passing it on.
pub(super) fn calls_test(model: &Model) -> bool {
    matches!(model.place, Place::Static(_)) && !cache::arguments_are_key(model)
}
