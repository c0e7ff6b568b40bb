//! Fragments of a call: its result policy, the body, and what stores the result.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Index, Type};

use super::cache;
use crate::model::{self, Checks, Flavor, Model, Need, Place};
use crate::previous::PREVIOUS;
use crate::type_tokens;

/// Computes after a miss, and stores the result. Where weight or expiry are made of the arguments, these are
/// copied before the body takes them.
pub(super) fn insert(model: &Model, compute: &TokenStream) -> TokenStream {
    let Some(options) = entry_options(model) else {
        return quote! { __miss.insert(#compute) };
    };
    let (copies, options) = (copies_for_options(model), as_closure(&options));
    let expected = expected(model, "__miss");
    quote! {
        {
            #copies
            #expected
            let __result = #compute;
            __miss.insert_with(__result, #options)
        }
    }
}

/// Returns a closure of the options of an entry.
fn as_closure(options: &TokenStream) -> TokenStream {
    quote! { |__lifecycle, __value| #options }
}

/// Returns the function that returns the options of an entry, where there may be none.
pub(super) fn options_function(model: &Model, options: Option<TokenStream>) -> TokenStream {
    let krate = &model.krate;
    options.map_or_else(|| quote! { #krate::__private::no_options }, |options| as_closure(&options))
}

/// Returns the options of an entry, which are made of copies of the arguments.
pub(super) fn entry_options(model: &Model) -> Option<TokenStream> {
    entry_options_at(model, |_| None)
}

/// Like [`entry_options`], with other places for some of the arguments, by their numbers.
pub(super) fn entry_options_at(
    model: &Model,
    other: impl Fn(usize) -> Option<TokenStream>,
) -> Option<TokenStream> {
    model.lifecycle.entry_options(&model.krate, &references_to_copies(model, other))
}

/// Notes what is known, from copies of the arguments, of the result of the call `of` before its body runs.
pub(super) fn expected(model: &Model, of: &str) -> Option<TokenStream> {
    let of = Ident::new(of, Span::call_site());
    model.lifecycle.expected(&model.krate, &references_to_copies(model, |_| None), &of)
}

/// Like [`expected`], of the results of many elements, where some of the arguments have other places.
pub(super) fn expected_of_each(
    model: &Model,
    of: &str,
    other: impl Fn(usize) -> Option<TokenStream>,
) -> Option<TokenStream> {
    let of = Ident::new(of, Span::call_site());
    model.lifecycle.expected_of_each(&model.krate, &references_to_copies(model, other), &of)
}

/// References to copies of the arguments, or to the other places of some of them.
fn references_to_copies(model: &Model, other: impl Fn(usize) -> Option<TokenStream>) -> Vec<TokenStream> {
    model.references(|number, _| {
        other(number).unwrap_or_else(|| {
            let number = Index::from(number);
            quote! { __arguments.#number }
        })
    })
}

/// Copies the arguments for weight and expiry, as far as these look at them.
pub(super) fn copies_for_options(model: &Model) -> TokenStream {
    copies_for_options_but(model, None)
}

/// Like [`copies_for_options`], without one of the arguments.
pub(super) fn copies_for_options_but(model: &Model, but: Option<usize>) -> TokenStream {
    let copies = model.given().into_iter().enumerate().map(|(place, (argument, _))| {
        if but != Some(place) && model.entry_options_take(place) {
            quote! { ::core::clone::Clone::clone(&#argument) }
        } else {
            // A lint reports a `_` for a `()`.
            quote! { ::core::marker::PhantomData::<()> }
        }
    });
    let reads = model.lifecycle.validity.reads(&model.krate);
    quote! { #reads let __arguments = (#(#copies,)*); }
}

/// Imports the traits of autoref selection, where a type selects how an argument or result is stored, and takes
/// apart the parameters that the user's expressions see as patterns. `needs` are those of the item.
pub(super) fn choices(model: &Model, needs: Need) -> TokenStream {
    let krate = &model.krate;
    let fits = matches!(model.place, Place::Object(_));
    // How followers get a result that is not stored is selected, too.
    let import = (fits || model.has_choices()).then(|| quote! { use #krate::__private::choices::*; });
    let apart = model.taken_apart(Some(needs));
    quote! { #import #(#apart)* }
}

/// The result policy.
pub(super) fn result_policy(model: &Model, checks: Checks) -> TokenStream {
    let result_policy = model.result_policy.value(checks, &model.krate);
    let result_policy = match &model.backend {
        None => result_policy,
        Some(_) => in_backend(model, &result_policy, checks),
    };
    match &model.place {
        Place::Static(_) => result_policy,
        Place::Object(object) => {
            let (span, result) = (type_tokens::first_span(&model.result), &model.result);
            let (krate, handle) = (model.krate.at(span), cache::handle_of(object, &model.krate));
            let fit = cache::fit(checks, span);
            quote_spanned! { span=>
                #krate::__private::valued::<#result, _, _, _>(|| #handle, #result_policy).#fit()
            }
        }
    }
}

/// The result policy of a function whose results a backend stores.
fn in_backend(model: &Model, policy: &TokenStream, checks: Checks) -> TokenStream {
    let Model { result, krate, .. } = model;
    let span = type_tokens::first_span(result);
    let krate_there = krate.at(span);
    let passed = quote_spanned! { span=> (&&#krate_there::__private::remote_result::<#result, _>(#policy)) };
    model::passed_to_backend("ResultInBackend", &passed, checks, krate, span)
}

/// Calls the function that has the body, and awaits it.
pub(super) fn run(model: &Model, home: &TokenStream) -> TokenStream {
    awaited(model, &call(model, home))
}

/// Calls the function that has the body.
pub(super) fn call(model: &Model, home: &TokenStream) -> TokenStream {
    with_previous(model, home, call_with(model, home, model.passed()))
}

/// Calls the function that has the body with these arguments, and with the variable that [`previous`] binds.
pub(super) fn call_with(model: &Model, home: &TokenStream, mut arguments: Vec<TokenStream>) -> TokenStream {
    if let Some(previous) = &model.previous {
        previous.put(&mut arguments, previous.passed());
    }
    let wrapped = model.accessor("wrapped");
    recorded(model, call_named(model, &quote!(#home::#wrapped), &arguments))
}

/// Binds the kept value that the result replaces, where the body takes it.
pub(super) fn previous(model: &Model, home: &TokenStream) -> Option<TokenStream> {
    model.previous.as_ref()?;
    let result = &model.result;
    let (handle, key, result_policy) = (
        cache::handle(model, home),
        cache::key(model, home, Checks::Assumed),
        result_policy(model, Checks::Assumed),
    );
    let variable = Ident::new(PREVIOUS, Span::call_site());
    Some(quote! { let #variable = #handle.previous::<#result, _, _>(#key, #result_policy); })
}

/// Calls the body after [`previous`] is bound. The future of an async one is not awaited yet.
pub(super) fn with_previous(model: &Model, home: &TokenStream, call: TokenStream) -> TokenStream {
    let Some(previous) = previous(model, home) else { return call };
    let call = with_found(model, call);
    match model.flavor {
        Flavor::Sync => quote! { { #previous #call } },
        Flavor::Async(_) => quote! { async { #previous #call.await } },
    }
}

/// Calls the body, which takes the stale value that the backend has, rather than that of this process.
pub(super) fn with_found(model: &Model, call: TokenStream) -> TokenStream {
    if model.previous.is_none() || model.backend.is_none() {
        return call;
    }
    let variable = Ident::new(PREVIOUS, Span::call_site());
    let found = quote! { let #variable = __found.take().or(#variable); };
    match model.flavor {
        Flavor::Sync => quote! { { #found #call } },
        Flavor::Async(_) => quote! { async { #found #call.await } },
    }
}

/// Records what a call of the body reads, where results have tags or depend on others.
pub(super) fn recorded(model: &Model, call: TokenStream) -> TokenStream {
    model.lifecycle.validity.body(&model.krate, matches!(model.flavor, Flavor::Async(_)), call)
}

/// Calls a function that has the user's signature with these arguments.
pub(super) fn call_named(model: &Model, function: &TokenStream, arguments: &[TokenStream]) -> TokenStream {
    let turbofish = model.turbofish();
    let call = quote! { #function #turbofish (#(#arguments),*) };
    if model.safety.is_some() {
        quote! { unsafe { #call } }
    } else {
        call
    }
}

/// Awaits a call where the function is `async`.
pub(super) fn awaited(model: &Model, call: &TokenStream) -> TokenStream {
    match model.flavor {
        Flavor::Sync => call.clone(),
        Flavor::Async(_) => quote! { #call.await },
    }
}

/// Gives early returns in an `async` block their type: the block has no return type.
pub(super) fn early_return(result: &Type) -> TokenStream {
    quote! {
        if let ::core::option::Option::Some(__result) = ::core::option::Option::None::<#result> {
            return __result;
        }
    }
}

/// The name of the parameter of `cache_put` with the result.
pub(super) fn put_value(model: &Model) -> Ident {
    model.added_parameter("new_result")
}

/// Stores the result of `cache_put` in the cache.
pub(super) fn put(model: &Model) -> TokenStream {
    let home = quote!(Self);
    let (handle, key, result_policy) = (
        cache::handle(model, &home),
        cache::key(model, &home, Checks::Assumed),
        result_policy(model, Checks::Assumed),
    );
    let value = put_value(model);
    model.lifecycle.entry_options_of_put(&model.krate, &model.references_of_put()).map_or_else(
        || quote! { #handle.put(#key, #value, #result_policy); },
        |options| {
            let options = as_closure(&options);
            quote! { #handle.put_with(#key, #value, #result_policy, #options); }
        },
    )
}
