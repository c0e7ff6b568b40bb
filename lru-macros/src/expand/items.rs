//! The items that the accessors need: the cache and the identity of instances.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use super::cache::Memo;
use super::{backend, bound, cache, function_ttl};
use crate::model::{Accessors, Model, Parts, Place};
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
    let (member, registered) = (member(model), registered(model));
    let identity = model.key.identity.function(&model.accessor("__identity"), krate);
    let identity = identity.map(|identity| quote! { #(#cfg)* #identity });
    let listener = model.accessor(cache::LISTENER);
    let listener = model.lifecycle.listener_item(&listener, krate, &cache::entry_types(model));
    let listener = listener.map(|listener| quote! { #(#cfg)* #listener });
    let ttl = function_ttl::item(model);
    quote! {
        #listener
        #(#cfg)*
        #[doc(hidden)]
        fn #function(#lifetime) -> #ty {
            #member
            #item
            #registered
            #found
        }
        #identity
        #ttl
        #opened
    }
}

/// Returns the items of a function without accessors, which are in its body.
pub(super) fn in_body(model: &Model) -> Option<TokenStream> {
    let opened = backend::item(model);
    let Place::Static(parts) = &model.place else { return opened };
    let item = Memo::new(model, parts).item(&model.krate);
    let (member, registered) = (member(model), registered(model));
    let ttl = function_ttl::item(model);
    Some(quote! {
        #opened
        #ttl
        #member
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
    let handle = options_of_item(model)
        .map_or_else(|| quote! { handle() }, |options| quote! { handle_with(#options) });
    let location = location(model);
    Some(quote! {
        #krate::__private::register! { (&__MEMO).#handle, #typed, #location }
    })
}

/// Returns the membership of a cache that shares the memory budget of the program.
fn member(model: &Model) -> Option<TokenStream> {
    if !model.lifecycle.is_in_budget() {
        return None;
    }
    let krate = &model.krate;
    let (location, options) = (location(model), options_of_item(model));
    let floor = model.lifecycle.floor().map(|floor| bound::number(floor, krate));
    let floor = floor.map(|floor| quote! { .floor(|| #floor) });
    Some(quote! {
        static __MEMBER: #krate::__private::Member =
            #krate::__private::member! { (&__MEMO).shared_handle_with(#options), #location } #floor;
    })
}

/// Returns the options of a call, for an item beside the cache.
fn options_of_item(model: &Model) -> Option<TokenStream> {
    let is_item = matches!(model.accessors, Accessors::Companion(_));
    model
        .lifecycle
        .options_of_item(&model.krate, &cache::entry_types(model), |expr| is_item || model.is_of_items(expr))
}

/// Returns the name of the function, its path below its parent, and its namespace if it has one.
fn location(model: &Model) -> TokenStream {
    let within = match &model.accessors {
        Accessors::Companion(handle) => format!("{}::{}", handle.unraw(), cache::name(model)),
        Accessors::Siblings(_) => cache::name(model).to_string(),
        Accessors::None => model.plain_name(),
    };
    let plain_name = model.plain_name();
    let namespace = model.namespace.as_ref().map(|namespace| quote! { , #namespace });
    quote! { #plain_name, #within #namespace }
}
