//! The function itself: looks the result up, or calls the body and stores its result.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::quote;

use super::{cache, call, coalesced, gathered};
use crate::model::{self, Accessors, Checks, Flavor, Model, Need, Param};
use crate::{body, type_tokens};

/// Returns the function. `cache_item` is the item of a cache that is in the function's body.
pub(super) fn function(model: &Model, cache_item: Option<&TokenStream>) -> TokenStream {
    let krate = &model.krate;
    let Model { attrs, vis, safety, abi, fn_token, name, own_generics: generics, .. } = model;
    let (flavor, result) = model.written();
    let where_clause = &generics.where_clause;
    let inputs = model.inputs();
    let home = model.home();
    let handle = cache::handle(model, &home);
    let (choices, key, result_policy) = (
        call::choices(model, Need::Body),
        cache::key(model, &home, Checks::Reported),
        call::result_policy(model, Checks::Reported),
    );
    let call = match model.accessors {
        Accessors::None => call::with_previous(model, &home, call::recorded(model, call_here(model))),
        _ => call::call(model, &home),
    };
    let insert = call::insert(model, &call::awaited(model, &call));
    let cached_call = match (&model.flight, model.flavor) {
        _ if model.batch.is_some() => {
            model.batch.iter().map(|batch| gathered::call(model, batch, &home)).collect()
        }
        (Some(flight), _) => coalesced::coalesced_call(model, flight, &home, &call),
        // Out of line, so that hits do not save the registers that a miss with tags needs.
        (None, Flavor::Sync) if model.lifecycle.is_tagged() => quote! {
            let __looked = #handle.lookup(#key, #result_policy);
            match __looked {
                ::core::result::Result::Ok(__hit) => __hit,
                ::core::result::Result::Err(__miss) => #krate::__private::out_of_line(move || #insert),
            }
        },
        (None, Flavor::Sync) => quote! {
            let __looked = #handle.lookup(#key, #result_policy);
            match __looked {
                ::core::result::Result::Ok(__hit) => __hit,
                ::core::result::Result::Err(__miss) => #insert,
            }
        },
        // No variable may contain a result while the body is awaited: an error in it may not be `Send`.
        (None, Flavor::Async(_)) => quote! {
            let __miss = match #handle.lookup(#key, #result_policy) {
                ::core::result::Result::Ok(__hit) => return __hit,
                ::core::result::Result::Err(__miss) => __miss,
            };
            #insert
        },
    };
    let (forced, identity) = (forced(model, &home), cache::bound_identity(model));
    let cached_call = quote! {
        #forced
        #identity
        #choices
        #cache_item
        #cached_call
    };
    let mut body = Group::new(Delimiter::Brace, as_future(model, cached_call));
    // The function has the user's spans from `fn` to the last brace: otherwise `dead_code` would skip it.
    body.set_span(model.body.span());
    // Without a function of its own for the body, its decorators are on the function.
    let is_here = matches!(model.accessors, Accessors::None);
    let decorators = is_here.then_some(&attrs.decorators).into_iter().flatten();
    let inner = is_here.then(|| body::inner_attributes(model.body.stream()).0);
    quote! {
        #attrs
        #inner
        #(#decorators)*
        #vis #flavor #safety #abi #fn_token #name #generics (#(#inputs),*) -> #result #where_clause #body
    }
}

/// Refreshes the result where the option `force` says so.
fn forced(model: &Model, home: &TokenStream) -> Option<TokenStream> {
    // Of many elements, each is asked about when they are looked up.
    let force = model.force.as_ref().filter(|_| model.batch.is_none())?;
    let given: Vec<_> = model.given().iter().map(|(name, ty)| model::by_reference(name, ty)).collect();
    let is_forced = model::applied(force, &model.krate, &given);
    let refresh = model.accessor("cache_refresh");
    let refreshed = call::call_named(model, &quote!(#home::#refresh), &model.arguments());
    let refreshed = call::awaited(model, &refreshed);
    Some(quote! {
        if #is_forced {
            return #refreshed;
        }
    })
}

/// Returns the body of a function that is no `async fn` and returns a future: nothing happens before it is polled.
fn as_future(model: &Model, cached_call: TokenStream) -> TokenStream {
    let Some(future) = &model.future else { return cached_call };
    let early = call::early_return(&model.result);
    let block = quote! { async move { #early #cached_call } };
    if future.is_boxed {
        quote! { ::std::boxed::Box::pin(#block) }
    } else {
        // A lint would take the block alone for an `async fn`.
        quote! { ::core::convert::identity(#block) }
    }
}

/// Calls the body in place, as a closure: an early return is the body's, not the function's.
fn call_here(model: &Model) -> TokenStream {
    let Model { body, .. } = model;
    let moved = model.moved_holder();
    let is_moved = |param: &Param| moved.as_ref().is_some_and(|(holder, _)| param.name == holder.to_string());
    let bindings = model.params.iter().map(|param| {
        let (written, name) = (param.written(), &param.name);
        let name = if is_moved(param) {
            quote! { __holder }
        } else {
            quote! { #name }
        };
        let (pat, ty) = (&written.pat, &written.ty);
        let ty = type_tokens::impl_trait(ty).is_none().then(|| quote!(: (#ty,)));
        // In a tuple: a lint reports a `let _n = ..` without effect.
        quote! { let (#pat,) #ty = (#name,); }
    });
    let previous = model.previous.as_ref().map(|previous| {
        let (written, passed) = (model::written(&previous.written), previous.passed());
        let (pat, ty) = (&written.pat, &written.ty);
        quote! { let (#pat,): (#ty,) = (#passed,); }
    });
    let bindings = bindings.chain(previous);
    let (_, body) = body::inner_attributes(body.stream());
    let body = if model.safety.is_some() {
        quote! { unsafe { #body } }
    } else {
        body
    };
    let (flavor, result) = model.written();
    let call = match flavor {
        Flavor::Sync => {
            let returns = type_tokens::impl_trait(result).is_none().then(|| quote! { -> #result });
            let body = quote! { { #(#bindings)* #body } };
            let closure = quote! { move || #returns #body };
            let mut arguments = model.typed_arguments().into_iter();
            if arguments.any(|(ty, _)| type_tokens::mut_reference(&ty).is_some()) {
                // A closure that can be called twice cannot return a part of what it changes.
                let krate = &model.krate;
                quote! { #krate::__private::call_once(#closure) }
            } else {
                quote! { (#closure)() }
            }
        }
        Flavor::Async(_) => {
            let early = call::early_return(result);
            quote! { async move { #early #(#bindings)* #body } }
        }
    };
    match moved {
        None => call,
        Some((_, another)) => quote! { { let __holder = #another; #call } },
    }
}
