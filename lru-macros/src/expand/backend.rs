//! The backend (L2) of a function: where it is opened, its entry for a call, and the accessors that use it.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{GenericParam, Index};

use super::{cache, call};
use crate::args::{Format, OnLost, Swr};
use crate::model::{self, Accessors, Backend, Checks, Flavor, Model};
use crate::{signature, type_tokens};

/// The function that opens the backend.
pub(super) fn item(model: &Model) -> Option<TokenStream> {
    let options = &model.backend.as_ref()?.options;
    let open = options.backend.get().or(options.snapshot.get())?;
    let (krate, plain_name, name) = (&model.krate, model.plain_name(), name(model));
    let within = match &model.accessors {
        Accessors::Companion(handle) => format!("{}::{name}", handle.unraw()),
        Accessors::Siblings(_) => name.to_string(),
        Accessors::None => plain_name.clone(),
    };
    // The expression is underlined if it is not a backend.
    let at = type_tokens::first_span(open);
    let asked = Ident::new(
        match model.flavor {
            Flavor::Sync => "Backend",
            Flavor::Async(_) => "AsyncBackend",
        },
        at,
    );
    let krate_there = krate.at(at);
    let is_global = model.backend.as_ref().is_some_and(|backend| backend.is_global);
    let leases = is_global.then(|| quote_spanned! { at=> + #krate_there::backend::Leases });
    let backend = quote_spanned! { at=>
        impl #krate_there::backend::#asked #leases + ::core::marker::Send + ::core::marker::Sync + 'static
    };
    let cfg = model.cfg_of_siblings();
    let open = if options.snapshot.is_some() {
        quote_spanned! { at=> #krate_there::backend::snapshot(#open) }
    } else {
        open.to_token_stream()
    };
    let namespace = model.namespace.as_ref().map(|namespace| quote! { , #namespace });
    Some(quote! {
        #(#cfg)*
        #[doc(hidden)]
        fn #name() -> (
            &'static (#backend),
            &'static #krate::__private::FunctionLocation,
            &'static #krate::__private::BackendState,
        ) {
            #krate::__private::backend! { #open, #plain_name, #within #namespace }
        }
    })
}

fn name(model: &Model) -> Ident {
    model.accessor("__backend")
}

/// The backend with its options. Where all `arguments` are there, so are the tags that are made of them.
fn backend_handle(
    model: &Model,
    home: &TokenStream,
    arguments: Option<&[TokenStream]>,
) -> Option<TokenStream> {
    let Backend { options, is_global, version, .. } = model.backend.as_ref()?;
    let expiry = &model.lifecycle.expiry;
    let (krate, name) = (&model.krate, name(model));
    let opened = if matches!(model.accessors, Accessors::None) {
        quote! { #name() }
    } else {
        quote! { #home::#name() }
    };
    let (swr, swr_always) = match expiry.swr.get() {
        Some(Swr::For(span)) => (Some(span), None),
        Some(Swr::Always) => (None, Some(quote! { .swr_always() })),
        Some(Swr::Never) | None => (None, None),
    };
    let slow = expiry.stale_if_slow.is_some().then(|| quote! { .stale_if_slow() });
    let timer = expiry.timer.is_some().then(|| quote! { .with_timer() });
    let settings = [
        ("ttl", model.lifecycle.ttl()),
        ("error_ttl", expiry.error_ttl.get()),
        ("jitter", expiry.jitter.get()),
        ("swr", swr),
        ("stale_if_error", expiry.stale_if_error.get()),
        ("local_ttl", options.front_ttl.get()),
        ("version", version.as_ref()),
        ("on_error", options.on_backend_error.get()),
    ];
    let settings = settings.into_iter().filter_map(|(name, value)| {
        let value = value?;
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
    let listens = model.lifecycle.listens();
    let drops = options.on_lost.get() == Some(&OnLost::Drop);
    let copies = cache::in_static(model, home).unwrap_or_else(|| cache::handle(model, home));
    let known = model.lifecycle.validity.known(krate, arguments);
    Some(quote! {
        #krate::__private::BackendHandle::#awaited(#opened)
            #(#settings)* #swr_always #slow #timer #json #global #known .watched(#copies, #listens, #drops)
    })
}

/// Binds the backend's entry for these arguments.
pub(super) fn entry(model: &Model, home: &TokenStream, checks: Checks) -> Option<TokenStream> {
    // An accessor may not have all of them.
    let arguments = matches!(checks, Checks::Reported).then(|| model.references(|_, name| name.clone()));
    let backend = backend_handle(model, home, arguments.as_deref())?;
    let krate = &model.krate;
    let this = model.backend.as_ref().filter(|backend| backend.has_self);
    let this = this.map(|_| quote! { #krate::__private::named::<Self>() });
    // Types and constants are part of the key by name: type ids differ between builds.
    let (types, constants): (Vec<_>, Vec<_>) = signature::type_params(&model.generics)
        .map(|param| match param {
            GenericParam::Type(param) => {
                let name = &param.ident;
                (Some(quote! { #krate::__private::named::<#name>() }), None)
            }
            GenericParam::Const(param) => (None, Some(param.ident.to_token_stream())),
            GenericParam::Lifetime(_) => (None, None),
        })
        .unzip();
    let unnamed = model.params.iter().filter(|param| type_tokens::impl_trait(&param.ty).is_some());
    let unnamed = unnamed.map(|param| {
        let name = &param.name;
        quote! { #krate::__private::named_of(&#name) }
    });
    let types: Vec<_> = this.into_iter().chain(types.into_iter().flatten()).chain(unnamed).collect();
    let names = (0..types.len()).map(Index::from).map(|place| quote! { __types[#place].0 });
    let constants = constants.into_iter().flatten();
    let parts = model.key.parts.iter().map(|part| {
        let (place, span) = (part.key.behind(&part.place), part.key.span());
        let krate_there = krate.at(span);
        let passed = quote_spanned! { span=> (&&#krate_there::__private::RemoteKey(&#place)) };
        model::passed_to_backend("ArgumentInBackend", &passed, checks, krate, span)
    });
    let parts: Vec<_> = names.chain(constants).chain(parts).collect();
    let key = model::nested(&parts);
    if types.is_empty() {
        return Some(quote! { let __entry = #backend.under(&#key); });
    }
    Some(quote! {
        let __types = [#(#types),*];
        let __entry = #backend.of_types(&__types).under(&#key);
    })
}

/// Binds what a lookup in the backend finds stale, for a body that takes it.
pub(super) fn found(model: &Model) -> Option<TokenStream> {
    let krate = &model.krate;
    let is_taken = model.previous.is_some() && model.backend.is_some();
    is_taken.then(|| quote! { let __found = #krate::__private::FoundStale::new(); })
}

/// What a call does when its backend fails.
fn strictness(model: &Model, checks: Checks) -> Option<TokenStream> {
    let Model { krate, result, .. } = model;
    if model.backend.as_ref()?.options.strict.get() != Some(&true) {
        return Some(quote! { #krate::__private::Lenient });
    }
    let span = type_tokens::first_span(result);
    let krate = krate.at(span);
    let passed = quote_spanned! { span=> (&&#krate::__private::StrictResult::<#result>::NEW) };
    Some(model::passed_to_backend("BackendErrorInResult", &passed, checks, &model.krate, span))
}

/// The backend as a call uses it.
pub(super) fn remote(model: &Model) -> TokenStream {
    let krate = &model.krate;
    strictness(model, Checks::Reported).map_or_else(
        || quote! { &#krate::__private::NoRemote },
        |strictness| {
            let noted = noted(model);
            quote! { &__entry.call(#strictness) #noted }
        },
    )
}

/// Keeps what the lookup finds stale for the body.
fn noted(model: &Model) -> Option<TokenStream> {
    model.previous.as_ref().map(|_| quote! { .noting(&__found) })
}

/// The backend as a refresh uses it: if it fails, the refresh continues without it.
pub(super) fn lenient(model: &Model) -> TokenStream {
    let krate = &model.krate;
    model.backend.as_ref().map_or_else(
        || quote! { &#krate::__private::NoRemote },
        |_| {
            let noted = noted(model);
            quote! { &__entry.call(#krate::__private::Lenient) #noted }
        },
    )
}

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
    let kept = quote! { #handle.kept_outside(__options.as_ref()) };
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
    let found = found(model);
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
