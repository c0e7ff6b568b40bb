//! The function itself with coalesced calls: `single_flight`, `swr`, `stale_if_error` or a backend.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::{backend, cache, call};
use crate::model::{Flavor, Flight, Model, Refresh, is_reference};
use crate::type_tokens;

/// Looks up the result; on a miss computes it, or waits for the call that does. `call` calls the body.
pub(super) fn coalesced_call(
    model: &Model,
    flight: &Flight,
    home: &TokenStream,
    call: &TokenStream,
) -> TokenStream {
    let krate = &model.krate;
    let lookup = lookup(model, flight, home);
    let (copies, insert) = (copies(model), insert(call::entry_options(model)));
    let (sharing, variant) =
        (model.result_policy.sharing(krate), quote! { #krate::__private::CoalescedLookup });
    let (entry, remote) = (backend::entry(model, home), backend::remote(model));
    match (model.flavor, flight.refresh()) {
        (Flavor::Sync, executor) => {
            let refresh = executor.map(|_| {
                let Refreshed { copies, call, insert } = refreshed(model, home);
                let remote = backend::lenient(model);
                quote! {
                    if let ::core::option::Option::Some(__claim) = __claim {
                        #entry
                        #copies
                        __claim.in_background(move |__claim| __claim.refresh(#sharing, #remote, || #call, #insert));
                    }
                }
            });
            quote! {
                let __lookup = #lookup;
                match __lookup {
                    #variant::Hit(__hit) => __hit,
                    #variant::Stale(__hit, __claim) => { #refresh __hit }
                    #variant::Miss(__pending) => { #entry #copies __pending.run(#sharing, #remote, || #call, #insert) }
                }
            }
        }
        // No result is held across an await: an error in it need not be `Send`.
        (Flavor::Async(_), None) => quote! {
            let __pending = match #lookup {
                #variant::Hit(__hit) | #variant::Stale(__hit, _) => return __hit,
                #variant::Miss(__pending) => __pending,
            };
            #entry
            #copies
            __pending.run_async(#sharing, #remote, #call, #insert).await
        },
        (Flavor::Async(_), Some(executor)) => {
            let spawned = spawned(model, executor, home, &sharing, entry.as_ref());
            // Where no executor takes the refresh, this call awaits it and looks up the result again: in one
            // place, since a closure among the options has another type in each.
            quote! {
                let mut __is_repeated = false;
                let __pending = loop {
                    let __task = match #lookup {
                        #variant::Hit(__hit) | #variant::Stale(__hit, ::core::option::Option::None) => return __hit,
                        #variant::Stale(__hit, ::core::option::Option::Some(__claim)) => match #spawned {
                            ::core::option::Option::None => return __hit,
                            ::core::option::Option::Some(__task) => __task,
                        },
                        #variant::Miss(__pending) => break __pending,
                    };
                    __task.await;
                    __is_repeated = true;
                };
                #entry
                #copies
                __pending.run_async(#sharing, #remote, #call, #insert).await
            }
        }
    }
}

fn lookup(model: &Model, flight: &Flight, home: &TokenStream) -> TokenStream {
    let (handle, key, result_policy) =
        (cache::handle(model, home), cache::key(model, home), call::result_policy(model));
    // Only a call that may await a refresh looks up its result again.
    let may_repeat = matches!((model.flavor, flight.refresh()), (Flavor::Async(_), Some(_)));
    let flight = flight.value(&model.plain_name(), &model.krate);
    if may_repeat {
        quote! { #handle.begin_again(#key, #result_policy, #flight, __is_repeated) }
    } else {
        quote! { #handle.begin(#key, #result_policy, #flight) }
    }
}

/// Spawns a refresh on the executor; evaluates to the task that the executor does not take.
fn spawned(
    model: &Model,
    executor: &Refresh,
    home: &TokenStream,
    sharing: &TokenStream,
    entry: Option<&TokenStream>,
) -> TokenStream {
    let (executor, remote) = (executor.executor(&model.krate), backend::lenient(model));
    let Refreshed { copies, call, insert } = refreshed(model, home);
    quote! {
        {
            #entry
            #copies
            __claim.spawned(#executor, move |__claim| async move {
                __claim.refresh_async(#sharing, #remote, #call, #insert).await
            })
        }
    }
}

/// What a refresh takes from the call that found the stale result.
struct Refreshed {
    /// Copies of the arguments.
    copies: TokenStream,
    /// The call of the body with these copies.
    call: TokenStream,
    insert: TokenStream,
}

fn refreshed(model: &Model, home: &TokenStream) -> Refreshed {
    let krate = &model.krate;
    let copy = |number: usize| format_ident!("__argument{number}");
    let as_borrowed = |number: usize, ty: &Type| {
        let (copy, inner) = (copy(number), behind(ty));
        quote! { #krate::__private::as_borrowed #inner (&#copy) }
    };
    let has_options = model.lifecycle.depend_on_arguments();
    let arguments = model.typed_arguments();
    let copies = arguments.iter().enumerate().map(|(number, (ty, argument))| {
        let is_self = argument.to_string() == "self";
        let (copy, at) = (copy(number), if is_self { argument.span() } else { type_tokens::first_span(ty) });
        let krate = krate.at(at);
        // A method call: so the compiler reports an argument that cannot be copied at its type.
        if is_reference(ty) {
            return quote_spanned! { at=>
                let #copy = #krate::__private::Original(#argument).to_owned_for_refresh();
            };
        }
        // The body takes one copy; expiry or weight are computed from the other.
        let for_options = has_options.then(|| {
            let copy = format_ident!("__copy{number}");
            quote! { let #copy = ::core::clone::Clone::clone(&#argument); }
        });
        quote_spanned! { at=>
            let #copy = #krate::__private::Original(&#argument).clone_for_refresh();
            #for_options
        }
    });
    let passed: Vec<_> = arguments
        .iter()
        .enumerate()
        .map(
            |(number, (ty, _))| {
                if is_reference(ty) { as_borrowed(number, ty) } else { quote_ident(copy(number)) }
            },
        )
        .collect();
    let references = model.references(|number, _| match arguments.get(number) {
        Some((ty, _)) if is_reference(ty) => as_borrowed(number, ty),
        _ => quote_ident(format_ident!("__copy{number}")),
    });
    let options = model.lifecycle.entry_options(krate, &references);
    let call = call::call_with(model, home, &passed);
    Refreshed { copies: quote! { #(#copies)* }, call, insert: insert(options) }
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

/// Inserts a result, with expiry and weight of its own where the options say so.
fn insert(options: Option<TokenStream>) -> TokenStream {
    options.map_or_else(
        || quote! { |__miss, __result| __miss.insert(__result) },
        |options| quote! { |__miss, __result| __miss.insert_with(__result, #options) },
    )
}

/// Copies of the arguments, where expiry or weight are computed from them.
fn copies(model: &Model) -> Option<TokenStream> {
    model.lifecycle.depend_on_arguments().then(|| call::copies_for_options(model))
}
