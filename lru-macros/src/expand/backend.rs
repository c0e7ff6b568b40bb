//! The store outside the process: where it is opened, what it has under a key, and what the accessors ask of
//! it.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::GenericParam;

use super::{cache, call};
use crate::args::Format;
use crate::model::{self, Accessors, Backend, Flavor, Model};
use crate::{signature, type_tokens};

/// The function that opens it, where there is one.
pub(super) fn item(model: &Model) -> Option<TokenStream> {
    let open = model.backend.as_ref()?.options.backend.get()?;
    let (krate, plain_name, name) = (&model.krate, model.plain_name(), name(model));
    let within = match &model.accessors {
        Accessors::Companion(handle) => format!("{handle}::{name}"),
        Accessors::Siblings => name.to_string(),
        Accessors::None => plain_name.clone(),
    };
    // What is no backend is underlined.
    let at = type_tokens::first_span(open);
    let asked = Ident::new(
        match model.flavor {
            Flavor::Sync => "Backend",
            Flavor::Async(_) => "AsyncBackend",
        },
        at,
    );
    let krate_there = krate.at(at);
    let backend = quote_spanned! { at=>
        impl #krate_there::backend::#asked + ::core::marker::Send + ::core::marker::Sync + 'static
    };
    let hidden = matches!(model.accessors, Accessors::Siblings).then(|| quote! { #[doc(hidden)] });
    let cfg = model.cfg_of_siblings();
    Some(quote! {
        #(#cfg)*
        #hidden
        fn #name() -> (
            &'static (#backend),
            &'static #krate::__private::FunctionLocation,
            &'static #krate::__private::Invalidation,
        ) {
            #krate::__private::backend! { #open, #plain_name, #within }
        }
    })
}

fn name(model: &Model) -> Ident {
    model.accessor("__backend")
}

/// What the function has in its backend.
fn place(model: &Model, home: &TokenStream) -> Option<TokenStream> {
    let Backend { options, is_global, .. } = model.backend.as_ref()?;
    let expiry = &model.terms.expiry;
    let (krate, name) = (&model.krate, name(model));
    let opened = if matches!(model.accessors, Accessors::None) {
        quote! { #name() }
    } else {
        quote! { #home::#name() }
    };
    let settings = [
        ("ttl", &expiry.ttl),
        ("error_ttl", &expiry.error_ttl),
        ("front_ttl", &options.front_ttl),
        ("version", &options.version),
        ("on_error", &options.on_backend_error),
    ];
    let settings = settings.into_iter().filter_map(|(name, value)| {
        let value = value.get()?;
        let name = Ident::new(name, type_tokens::first_span(value));
        Some(quote! { .#name(#value) })
    });
    let json = (options.format.get() == Some(&Format::Json)).then(|| quote! { .json() });
    let flight = model.flight.as_ref().filter(|_| *is_global);
    let global = flight.map(|flight| flight.value(&model.plain_name(), krate));
    let global = global.map(|flight| quote! { .global(#flight) });
    let awaited = match model.flavor {
        Flavor::Sync => quote! { direct },
        Flavor::Async(_) => quote! { awaited },
    };
    let listens = model.terms.listens();
    let watched = cache::in_static(model, home).map(|memo| quote! { .watched(#memo, #listens) });
    Some(quote! { #krate::__private::BackendHandle::#awaited(#opened) #(#settings)* #json #global #watched })
}

/// Binds what the function has in its backend under these arguments.
pub(super) fn outside(model: &Model, home: &TokenStream) -> Option<TokenStream> {
    let place = place(model, home)?;
    let krate = &model.krate;
    let this = model.backend.as_ref().filter(|backend| backend.has_self);
    let this = this.map(|_| quote! { ::core::any::type_name::<Self>() });
    // Another type or constant is another call: they are named, as identities hold in one process only.
    let params = signature::type_params(&model.generics).filter_map(|param| match param {
        GenericParam::Type(param) => {
            let name = &param.ident;
            Some(quote! { ::core::any::type_name::<#name>() })
        }
        GenericParam::Const(param) => Some(param.ident.to_token_stream()),
        GenericParam::Lifetime(_) => None,
    });
    let unnamed = model.params.iter().filter(|param| type_tokens::impl_trait(&param.ty).is_some());
    let unnamed = unnamed.map(|param| {
        let name = &param.name;
        quote! { #krate::__private::type_name_of(&#name) }
    });
    let parts = model.key.parts.iter().map(|part| {
        let place = &part.place;
        quote! { &#place }
    });
    let parts: Vec<_> = this.into_iter().chain(params).chain(unnamed).chain(parts).collect();
    let key = model::nested(&parts);
    Some(quote! { let __outside = #place.under(&#key); })
}

/// What a call does about what the backend could not do.
pub(super) fn strictness(model: &Model) -> Option<TokenStream> {
    let krate = &model.krate;
    let is_strict = model.backend.as_ref()?.options.strict.get() == Some(&true);
    let name = if is_strict { quote!(Strict) } else { quote!(Lenient) };
    Some(quote! { #krate::__private::#name })
}

/// What an accessor returns and does, where it asks the backend too.
pub(super) fn accessor(model: &Model, name: &str) -> Option<(TokenStream, TokenStream)> {
    let home = quote!(Self);
    let (place, outside) = (place(model, &home)?, outside(model, &home)?);
    let Model { krate, result, .. } = model;
    let (calls, key, outcome) = (cache::calls(model, &home), cache::key(model, &home), call::outcome(model));
    let waited = |future: TokenStream| match model.flavor {
        Flavor::Sync => quote! { #krate::__private::done(#future) },
        Flavor::Async(_) => quote! { #future.await },
    };
    let failing = |ty: TokenStream| quote! { ::core::result::Result<#ty, #krate::backend::BackendError> };
    let peeked = waited(quote! { __outside.peek(#outcome) });
    let peeked = quote! { let __found: #krate::__private::Peeked<#result> = #peeked; };
    let stored = waited(quote! { __put.store() });
    let copied = cache::in_static(model, &home).map(|_| quote! { .copied_to(#key) });
    Some(match name {
        "cache_clear" => {
            let cleared = waited(quote! { #place.clear() });
            // Once more: another call may have fetched meanwhile what was there yet.
            let body = quote! {
                #calls.clear();
                let __cleared = #cleared;
                #calls.clear();
                __cleared
            };
            (failing(quote!(())), body)
        }
        "cache_contains" => (
            quote! { ::core::primitive::bool },
            quote! {
                if #calls.contains(#key) {
                    return true;
                }
                #outside
                #peeked
                __found.is_ok_and(|__found| __found.is_some())
            },
        ),
        "cache_peek" => (
            quote! { ::core::option::Option<#result> },
            quote! {
                if let ::core::option::Option::Some(__hit) = #calls.peek(#key, #outcome) {
                    return ::core::option::Option::Some(__hit);
                }
                #outside
                #peeked
                __found.ok().flatten()
            },
        ),
        "cache_put" => {
            let put = call::put(model);
            let body = quote! {
                #outside
                let __outside = __outside #copied;
                let __put = __outside.put(&__value, #outcome);
                #put
                #stored
            };
            (failing(quote!(())), body)
        }
        "cache_invalidate" => {
            // Once more, as with `cache_clear`.
            let deleted = waited(quote! { __outside.delete() });
            let body = quote! {
                let __was_here = #calls.invalidate(#key);
                #outside
                let __deleted = #deleted;
                #calls.invalidate(#key);
                __deleted.map(|__was_there| __was_here || __was_there)
            };
            (failing(quote! { ::core::primitive::bool }), body)
        }
        "cache_refresh" => {
            let keep = call::keep(model, &call::run(model, &home));
            let flight = model.flight.as_ref().map(|flight| flight.value(&model.plain_name(), krate));
            let strictness = strictness(model);
            let body = quote! {
                #outside
                let __outside = __outside #copied;
                let __miss = #calls.refresh(#key, #outcome);
                let __result = #keep;
                let __put = __outside.put(&__result, #outcome);
                match #stored {
                    ::core::result::Result::Ok(()) => __result,
                    ::core::result::Result::Err(__error) => {
                        __outside.failed(&#calls, #flight, __error, #strictness).unwrap_or(__result)
                    }
                }
            };
            (quote! { #result }, body)
        }
        _ => return None,
    })
}
