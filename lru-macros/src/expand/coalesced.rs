//! The function itself, where calls share what is computed, or results may be stale.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::{backend, cache, call};
use crate::model::{Flavor, Flight, Model, Refresh, is_reference};
use crate::type_tokens;

/// Looks; else computes and keeps, or waits for who does. `call` calls the body.
pub(super) fn looks(model: &Model, flight: &Flight, home: &TokenStream, call: &TokenStream) -> TokenStream {
    let krate = &model.krate;
    let boarded = boarded(model, flight, home);
    let (copies, keep) = (copies(model), keep(call::own_terms(model)));
    let (sharing, variant) = (model.outcome.sharing(krate), quote! { #krate::__private::CoalescedLookup });
    let outside = backend::outside(model, home);
    let way = Way::of(model);
    let Way { fly, refresh, there, there_in_background } = &way;
    match (model.flavor, flight.refresh()) {
        (Flavor::Sync, executor) => {
            let refresh = executor.map(|_| {
                let Carried { copies, call, keep } = carried(model, home);
                quote! {
                    if let ::core::option::Option::Some(__claim) = __claim {
                        #outside
                        #copies
                        __claim.in_background(move |__claim| __claim.#refresh(#sharing, #there_in_background || #call, #keep));
                    }
                }
            });
            quote! {
                let __boarded = #boarded;
                match __boarded {
                    #variant::Hit(__hit) => __hit,
                    #variant::Stale(__hit, __claim) => { #refresh __hit }
                    #variant::Miss(__boarding) => { #outside #copies __boarding.#fly(#sharing, #there || #call, #keep) }
                }
            }
        }
        // No place for a result while something is awaited: an error in it may not be `Send`.
        (Flavor::Async(_), None) => quote! {
            let __boarding = match #boarded {
                #variant::Hit(__hit) | #variant::Stale(__hit, _) => return __hit,
                #variant::Miss(__boarding) => __boarding,
            };
            #outside
            #copies
            __boarding.#fly(#sharing, #there #call, #keep).await
        },
        (Flavor::Async(_), Some(executor)) => {
            let spawned = spawned(model, executor, home, &sharing, outside.as_ref(), &way);
            // Where nothing runs the refresh, this call does, and looks once more: in one place, since a
            // closure among the options is of another type in each.
            quote! {
                let mut __again = false;
                let __boarding = loop {
                    let __task = match #boarded {
                        #variant::Hit(__hit) | #variant::Stale(__hit, ::core::option::Option::None) => return __hit,
                        #variant::Stale(__hit, ::core::option::Option::Some(__claim)) => match #spawned {
                            ::core::option::Option::None => return __hit,
                            ::core::option::Option::Some(__task) => __task,
                        },
                        #variant::Miss(__boarding) => break __boarding,
                    };
                    __task.await;
                    __again = true;
                };
                #outside
                #copies
                __boarding.#fly(#sharing, #there #call, #keep).await
            }
        }
    }
}

fn boarded(model: &Model, flight: &Flight, home: &TokenStream) -> TokenStream {
    let (calls, key, outcome) = (cache::calls(model, home), cache::key(model, home), call::outcome(model));
    // Only a call that may wait for a refresh looks again.
    let may_look_again = matches!((model.flavor, flight.refresh()), (Flavor::Async(_), Some(_)));
    let flight = flight.value(&model.plain_name(), &model.krate);
    if may_look_again {
        quote! { #calls.board_again(#key, #outcome, #flight, __again) }
    } else {
        quote! { #calls.board(#key, #outcome, #flight) }
    }
}

/// Hands a refresh to the executor; what it does not take is what this comes to.
fn spawned(
    model: &Model,
    executor: &Refresh,
    home: &TokenStream,
    sharing: &TokenStream,
    outside: Option<&TokenStream>,
    Way { refresh, there_in_background, .. }: &Way,
) -> TokenStream {
    let executor = executor.executor(&model.krate);
    let Carried { copies, call, keep } = carried(model, home);
    quote! {
        {
            #outside
            #copies
            __claim.spawned(#executor, move |__claim| async move {
                __claim.#refresh(#sharing, #there_in_background #call, #keep).await
            })
        }
    }
}

/// How a call and a refresh go on: with a backend, or without.
struct Way {
    fly: Ident,
    refresh: Ident,
    /// What a call is given of the backend, and what a refresh is.
    there: Option<TokenStream>,
    there_in_background: Option<TokenStream>,
}

impl Way {
    fn of(model: &Model) -> Self {
        let outside = if model.backend.is_some() { "_outside" } else { "" };
        let asynchronous = if matches!(model.flavor, Flavor::Async(_)) { "_async" } else { "" };
        Self {
            fly: format_ident!("fly{outside}{asynchronous}"),
            refresh: format_ident!("refresh{outside}{asynchronous}"),
            there: backend::strictness(model).map(|strictness| quote! { &__outside, #strictness, }),
            there_in_background: model.backend.as_ref().map(|_| quote! { &__outside, }),
        }
    }
}

/// What a refresh has of the call that it stands for.
struct Carried {
    copies: TokenStream,
    call: TokenStream,
    keep: TokenStream,
}

fn carried(model: &Model, home: &TokenStream) -> Carried {
    let krate = &model.krate;
    let copy = |number: usize| format_ident!("__argument{number}");
    let lent = |number: usize, ty: &Type| {
        let (copy, inner) = (copy(number), behind(ty));
        quote! { #krate::__private::lent #inner (&#copy) }
    };
    let has_terms = model.terms.are_own();
    let arguments = model.typed_arguments();
    let copies = arguments.iter().enumerate().map(|(number, (ty, argument))| {
        let is_self = argument.to_string() == "self";
        let (copy, at) = (copy(number), if is_self { argument.span() } else { type_tokens::first_span(ty) });
        let krate = krate.at(at);
        // A method: the compiler says what is wrong with an argument where its name stands, at the type.
        if is_reference(ty) {
            return quote_spanned! { at=> let #copy = #krate::__private::Original(#argument).carried_behind(); };
        }
        // The body takes the one, terms are made of the other.
        let for_terms = has_terms.then(|| {
            let copy = format_ident!("__copy{number}");
            quote! { let #copy = ::core::clone::Clone::clone(&#argument); }
        });
        quote_spanned! { at=> let #copy = #krate::__private::Original(&#argument).carried(); #for_terms }
    });
    let passed: Vec<_> = arguments
        .iter()
        .enumerate()
        .map(|(number, (ty, _))| if is_reference(ty) { lent(number, ty) } else { quote_ident(copy(number)) })
        .collect();
    let references = model.references(|number, _| match arguments.get(number) {
        Some((ty, _)) if is_reference(ty) => lent(number, ty),
        _ => quote_ident(format_ident!("__copy{number}")),
    });
    let terms = model.terms.own(krate, &references);
    Carried { copies: quote! { #(#copies)* }, call: call::call_with(model, home, &passed), keep: keep(terms) }
}

fn quote_ident(ident: Ident) -> TokenStream {
    ident.into_token_stream()
}

/// The type behind a reference, as an argument of a type where it can be named.
fn behind(ty: &Type) -> Option<TokenStream> {
    let Type::Reference(reference) = type_tokens::bare(ty) else { return None };
    let inner = &reference.elem;
    type_tokens::impl_trait(inner).is_none().then(|| quote! { ::<#inner> })
}

/// Brings a result in, on terms that may be its own.
fn keep(terms: Option<TokenStream>) -> TokenStream {
    terms.map_or_else(
        || quote! { |__miss, __result| __miss.keep(__result) },
        |terms| quote! { |__miss, __result| __miss.keep_on(__result, #terms) },
    )
}

/// Copies of the arguments, where terms are made of them.
fn copies(model: &Model) -> Option<TokenStream> {
    model.terms.are_own().then(|| call::copies_for_terms(model))
}
