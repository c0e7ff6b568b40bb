//! Fragments of a call: its result policy, the body, and what stores the result.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Index;

use super::cache;
use crate::model::{Flavor, Model, Place};
use crate::type_tokens;

/// Computes after a miss, and keeps what comes of it. Where terms are made of the arguments, these are
/// copied before the body has them.
pub(super) fn keep(model: &Model, compute: &TokenStream) -> TokenStream {
    let Some(terms) = own_terms(model) else {
        return quote! { __miss.keep(#compute) };
    };
    let copies = copies_for_terms(model);
    quote! {
        {
            #copies
            let __result = #compute;
            __miss.keep_on(__result, #terms)
        }
    }
}

/// What makes the terms of a result of copies of the arguments, where any are made of these.
pub(super) fn own_terms(model: &Model) -> Option<TokenStream> {
    let references = model.references(|number, _| {
        let number = Index::from(number);
        quote! { __arguments.#number }
    });
    model.terms.own(&model.krate, &references)
}

/// The copies.
pub(super) fn copies_for_terms(model: &Model) -> TokenStream {
    let arguments = model.given().into_iter().map(|(argument, _)| argument);
    quote! { let __arguments = (#(::core::clone::Clone::clone(&#arguments),)*); }
}

/// The traits that choose how arguments and results are kept, where that is not plain.
pub(super) fn choices(model: &Model) -> Option<TokenStream> {
    let krate = &model.krate;
    let fits = matches!(model.place, Place::Object(_));
    // How those share a result who wait for it is a choice, too.
    (fits || model.has_choices()).then(|| quote! { use #krate::__private::choices::*; })
}

/// What of the result is kept, and how.
pub(super) fn outcome(model: &Model) -> TokenStream {
    let outcome = model.outcome.value(&model.krate);
    match &model.place {
        Place::Static(_) => outcome,
        Place::Object(object) => {
            let (span, result) = (type_tokens::first_span(&model.result), &model.result);
            let (krate, calls) = (model.krate.at(span), cache::calls_of(object, &model.krate));
            quote_spanned! { span=> #krate::__private::valued::<#result, _, _, _>(|| #calls, #outcome).__fit() }
        }
    }
}

/// Runs the body, which stands elsewhere.
pub(super) fn run(model: &Model, home: &TokenStream) -> TokenStream {
    awaited(model, &call(model, home))
}

/// Calls the body, which stands elsewhere.
pub(super) fn call(model: &Model, home: &TokenStream) -> TokenStream {
    call_with(model, home, &model.arguments())
}

/// The same, with these for its arguments.
pub(super) fn call_with(model: &Model, home: &TokenStream, arguments: &[TokenStream]) -> TokenStream {
    let wrapped = model.accessor("wrapped");
    call_named(model, &quote!(#home::#wrapped), arguments)
}

/// Calls a function that takes the arguments as the user's function does.
pub(super) fn run_named(model: &Model, function: &TokenStream) -> TokenStream {
    awaited(model, &call_named(model, function, &model.arguments()))
}

fn call_named(model: &Model, function: &TokenStream, arguments: &[TokenStream]) -> TokenStream {
    let turbofish = model.turbofish();
    let call = quote! { #function #turbofish (#(#arguments),*) };
    if model.safety.is_some() {
        quote! { unsafe { #call } }
    } else {
        call
    }
}

/// What a call comes to.
pub(super) fn awaited(model: &Model, call: &TokenStream) -> TokenStream {
    match model.flavor {
        Flavor::Sync => call.clone(),
        Flavor::Async(_) => quote! { #call.await },
    }
}

/// Stores a `__value` in the cache.
pub(super) fn put(model: &Model) -> TokenStream {
    let home = quote!(Self);
    let (calls, key, outcome) = (cache::calls(model, &home), cache::key(model, &home), outcome(model));
    let references = model.references(|_, name| name.clone());
    model.terms.own(&model.krate, &references).map_or_else(
        || quote! { #calls.put(#key, __value, #outcome); },
        |terms| quote! { #calls.put_on(#key, __value, #outcome, #terms); },
    )
}
