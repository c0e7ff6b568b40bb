//! The backend (L2) of a function: where it is opened, its entry for a call, and the accessors that use it.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{GenericParam, Index, Type};

use super::{cache, function_ttl};
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
    // An `AsyncBackend` is `Sync` anyway.
    let is_shared =
        matches!(model.flavor, Flavor::Sync).then(|| quote_spanned! { at=> + ::core::marker::Sync });
    let backend = quote_spanned! { at=>
        impl #krate_there::backend::#asked #leases + ::core::marker::Send #is_shared + 'static
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
pub(super) fn backend_handle(
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
        ("error_ttl", expiry.error_ttl.get()),
        ("jitter", expiry.jitter.get()),
        ("swr", swr),
        ("stale_if_error", expiry.stale_if_error.get()),
        ("local_ttl", options.front_ttl.get()),
        ("version", version.as_ref()),
        ("on_error", options.on_backend_error.get()),
    ];
    let ttl = model.lifecycle.ttl_setting(function_ttl::own(model, home).as_ref());
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
            #ttl #(#settings)* #swr_always #slow #timer #json #global #known .watched(#copies, #listens, #drops)
    })
}

/// Binds the backend's entry for these arguments.
pub(super) fn entry(model: &Model, home: &TokenStream, checks: Checks) -> Option<TokenStream> {
    // An accessor may not have all of them.
    let arguments = matches!(checks, Checks::Reported).then(|| model.references(|_, name| name.clone()));
    let backend = backend_handle(model, home, arguments.as_deref())?;
    let RemoteKey { types, of_types, key } = key(model, checks, TokenStream::clone);
    Some(quote! { #types let __entry = #backend #of_types.under(&#key); })
}

/// The key of an entry in a backend.
pub(super) struct RemoteKey {
    /// Binds the types that are parts of it.
    pub(super) types: Option<TokenStream>,
    /// Names these types to the backend.
    pub(super) of_types: Option<TokenStream>,
    /// The key, as a tuple that is serialized.
    pub(super) key: TokenStream,
}

/// The key of an entry. `place_of` is where an argument is.
pub(super) fn key(
    model: &Model,
    checks: Checks,
    mut place_of: impl FnMut(&TokenStream) -> TokenStream,
) -> RemoteKey {
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
        let (place, span) = (part.key.behind(&place_of(&part.place)), part.key.span());
        let krate_there = krate.at(span);
        let passed = quote_spanned! { span=> (&&#krate_there::__private::RemoteKey(&#place)) };
        model::passed_to_backend("ArgumentInBackend", &passed, checks, krate, span)
    });
    let parts: Vec<_> = names.chain(constants).chain(parts).collect();
    let has_types = !types.is_empty();
    RemoteKey {
        types: has_types.then(|| quote! { let __types = [#(#types),*]; }),
        of_types: has_types.then(|| quote! { .of_types(&__types) }),
        key: model::nested(&parts),
    }
}

/// Binds what a lookup in the backend finds stale, for a body that takes it.
pub(super) fn found(model: &Model) -> Option<TokenStream> {
    let krate = &model.krate;
    let is_taken = model.previous.is_some() && model.backend.is_some();
    is_taken.then(|| quote! { let __found = #krate::__private::FoundStale::new(); })
}

/// What a call does when its backend fails.
pub(super) fn strictness(model: &Model, checks: Checks) -> Option<TokenStream> {
    let krate = &model.krate;
    Some(if is_strict(model)? {
        strictness_of(model, &model.result, checks)
    } else {
        quote! { #krate::__private::Lenient }
    })
}

/// Whether a call returns the errors of its backend.
pub(super) fn is_strict(model: &Model) -> Option<bool> {
    Some(model.backend.as_ref()?.options.strict.get() == Some(&true))
}

/// The strictness of a function that returns the errors of its backend in a `result`.
pub(super) fn strictness_of(model: &Model, result: &Type, checks: Checks) -> TokenStream {
    let span = type_tokens::first_span(result);
    let krate = model.krate.at(span);
    let passed = quote_spanned! { span=> (&&#krate::__private::StrictResult::<#result>::NEW) };
    model::passed_to_backend("BackendErrorInResult", &passed, checks, &model.krate, span)
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
