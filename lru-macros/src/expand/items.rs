//! The items beside a function's accessors: its cache, and what tells instances apart.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use super::cache::Memo;
use super::{backend, cache};
use crate::model::{Accessors, Model, Named, Parts, Place};

/// What the accessors need: where the cache is, and what tells instances apart.
pub(super) fn beside_accessors(model: &Model) -> TokenStream {
    let opened = backend::item(model);
    let Place::Static(parts) = &model.place else { return opened.unwrap_or_default() };
    let krate = &model.krate;
    let memo = Memo::new(model, parts);
    let (ty, item, found) = (memo.found_type(krate), memo.item(krate), memo.found_by_reference(krate));
    // A lifetime for those that the user left out, as in `Cow<str>`: a return type has none by itself.
    let (lifetime, lint) = if model.may_leave_lifetimes_out() {
        (quote! { _: &'static () }, quote! { #[allow(unknown_lints, mismatched_lifetime_syntaxes)] })
    } else {
        (TokenStream::new(), TokenStream::new())
    };
    let hidden = matches!(model.accessors, Accessors::Siblings).then(|| quote! { #[doc(hidden)] });
    let cfg = model.cfg_of_siblings();
    let function = cache::name(model);
    let registered = registered(model);
    let identity = model.key.identity.function(&model.accessor("__identity"), krate);
    let identity = identity.map(|identity| quote! { #(#cfg)* #identity });
    quote! {
        #(#cfg)*
        #lint
        #hidden
        fn #function(#lifetime) -> #ty {
            #item
            #registered
            #found
        }
        #identity
        #opened
    }
}

/// The cache of a function that has no accessors.
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

/// Lists the cache in the registry, where there is one: an item, beside the cache. It can't name what the
/// `impl` around it brings along, nor the function's parameters. Those of threads are not listed.
fn registered(model: &Model) -> Option<TokenStream> {
    let Model { krate, typed, .. } = model;
    if matches!(&model.place, Place::Static(Parts::PerThread)) {
        return None;
    }
    let is_item = matches!(model.accessors, Accessors::Companion(_));
    let calls =
        model.terms.plan_of_item(krate, &cache::told(model), |expr| is_item || model.is_of_items(expr));
    let calls = calls.map_or_else(|| quote! { calls() }, |plan| quote! { planned(#plan) });
    let within = match &model.accessors {
        Accessors::Companion(handle) => format!("{}::{}", handle.unraw(), cache::name(model)),
        Accessors::Siblings => cache::name(model).to_string(),
        Accessors::None => model.plain_name(),
    };
    let plain_name = model.plain_name();
    Some(quote! { #krate::__private::register! { __MEMO.#calls, #typed, #plain_name, #within } })
}

/// Removes what no longer holds, where the arguments can be named: one argument as it is, several as a
/// tuple. The type of the test, and what is done with it.
pub(super) fn retain(model: &Model, home: &TokenStream) -> Option<(TokenStream, TokenStream)> {
    let krate = &model.krate;
    let Named { arguments, outcome } = model.named.as_ref()?;
    let arguments = cache::arguments_type(&arguments.iter().collect::<Vec<_>>(), krate);
    let (calls, kept) = (cache::calls(model, home), outcome.kept(krate));
    let holds = quote! { impl ::core::ops::FnMut(&#arguments, &#kept) -> ::core::primitive::bool };
    let body = match &model.place {
        Place::Object(object) => {
            let (plain, function) = (cache::calls_of(object, krate), cache::function_in_object(model));
            quote! {
                use #krate::__private::choices::*;
                #calls.retain_tested(
                    #krate::__private::tested::<#arguments, #kept, _, _, _>(|| #plain, #function, __holds)
                        .__fit(),
                );
            }
        }
        Place::Static(_) if cache::arguments_are_key(model) => quote! { #calls.retain(__holds); },
        Place::Static(_) => {
            let place = cache::arguments_in_key(model);
            quote! { #calls.retain(|__key, __value| __holds(#place, __value)); }
        }
    };
    Some((holds, body))
}

/// Whether the test of what holds is called, and not passed on.
pub(super) fn calls_test(model: &Model) -> bool {
    matches!(model.place, Place::Static(_)) && !cache::arguments_are_key(model)
}
