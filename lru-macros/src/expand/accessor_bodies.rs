//! The bodies of accessors that are more than one call.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Expr;

use super::{backend_accessors, cache, call, coalesced};
use crate::model::{Accessors, Checks, Flavor, Model, Parts, Place};
use crate::type_tokens;

/// From where a cache can be reached without a call.
enum Reach {
    /// From any thread: a `static`.
    Anywhere,
    /// From its thread.
    Thread,
    /// From a call alone.
    Call,
}

/// From where the cache can be reached.
fn reach(model: &Model) -> Reach {
    match &model.place {
        Place::Static(Parts::PerThread) => Reach::Thread,
        Place::Static(_) => Reach::Anywhere,
        Place::Object(Expr::Path(_)) if model.object().is_none() => Reach::Anywhere,
        Place::Object(_) => Reach::Call,
    }
}

/// Returns what the accessor returns, by the place of the cache, and its body.
pub(super) fn invalidated_later(model: &Model) -> (TokenStream, TokenStream) {
    let (home, krate) = (quote!(Self), &model.krate);
    let (handle, key) = (cache::handle(model, &home), cache::key(model, &home, Checks::Assumed));
    let is_awaited = model.backend.is_some() && matches!(model.flavor, Flavor::Async(_));
    if matches!(reach(model), Reach::Call) && model.lifecycle.is_tagged() {
        return by_own_tag(model, &handle, &key, is_awaited);
    }
    let (ty, later) = match reach(model) {
        Reach::Anywhere => ("Later", "later"),
        Reach::Thread if !is_awaited => ("LaterHere", "later_here"),
        Reach::Thread | Reach::Call => {
            let out_of_reach = quote! { #krate::__private::OutOfReach };
            // All parameters count as used.
            let body = quote! { let _ = || #handle.contains(#key); #out_of_reach };
            return (out_of_reach, body);
        }
    };
    let [ty, later] = [ty, later].map(|name| Ident::new(name, Span::call_site()));
    let invalidate = quote! { #handle.invalidate_owned(&__key) };
    let Some(reported) = backend_accessors::entry_with_errors(model) else {
        return (quote! { #krate::__private::#ty }, quote! { #handle.#later(#key, |__key| #invalidate) });
    };
    if is_awaited {
        let body = quote! {
            #reported
            let __key = #handle.owned(#key);
            __entry.removal(__errors, move || #invalidate)
        };
        return (quote! { #krate::__private::LaterInBackend }, body);
    }
    let body = quote! {
        #reported
        #handle.#later(#key, move |__key| __entry.remove(__errors, || #invalidate))
    };
    (quote! { #krate::__private::#ty }, body)
}

/// Like [`invalidated_later`], of an entry with a tag of its own: its cache need not be reached after the change.
fn by_own_tag(
    model: &Model,
    handle: &TokenStream,
    key: &TokenStream,
    is_awaited: bool,
) -> (TokenStream, TokenStream) {
    let krate = &model.krate;
    let tag = quote! { #handle.own_tag(#key) };
    let Some(reported) = backend_accessors::entry_with_errors(model) else {
        return (quote! { #krate::__private::OwnTag }, tag);
    };
    if is_awaited {
        let removal = quote! { let __tag = #tag; __entry.removal(__errors, move || __tag.invalidate()) };
        return (quote! { #krate::__private::LaterInBackend }, quote! { #reported #removal });
    }
    let removal = quote! { #tag.later(move |__tag| __entry.remove(__errors, || __tag.invalidate())) };
    (quote! { #krate::__private::Later }, quote! { #reported #removal })
}

/// Returns the body of `cache_call`. `insert` computes after a miss.
pub(super) fn observed(model: &Model, insert: &TokenStream) -> TokenStream {
    let home = quote!(Self);
    let used = used(model);
    if let Some(flight) = &model.flight {
        let call = coalesced::observed_call(model, flight, &home, &call::call(model, &home));
        return quote! { #used #call };
    }
    let (handle, key) = (cache::handle(model, &home), cache::key(model, &home, Checks::Assumed));
    let (result_policy, krate) = (call::result_policy(model, Checks::Assumed), &model.krate);
    quote! {
        #used
        let __miss = match #handle.lookup_observed(#key, #result_policy) {
            ::core::result::Result::Ok(__hit) => return __hit,
            ::core::result::Result::Err(__miss) => __miss,
        };
        #krate::__private::computed(#insert)
    }
}

/// Returns a statement by which the function counts as used where `cache_call` is.
pub(super) fn used(model: &Model) -> Option<TokenStream> {
    let has_unnamed = model.params.iter().any(|param| type_tokens::impl_trait(&param.ty).is_some());
    // A const parameter of the same name is what the name means there.
    let is_hidden = model.generics.const_params().any(|param| param.ident == model.name);
    let function = match &model.accessors {
        _ if has_unnamed => return None,
        Accessors::Companion(_) if is_hidden => return None,
        Accessors::None => return None,
        Accessors::Companion(_) => model.name.to_token_stream(),
        Accessors::Siblings(_) if model.is_in_trait_impl => return None,
        Accessors::Siblings(_) => {
            let name = &model.name;
            quote! { Self::#name }
        }
    };
    let turbofish = model.turbofish();
    Some(quote! { #[allow(deprecated)] let _ = #function #turbofish; })
}
