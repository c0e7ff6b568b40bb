//! The function itself: looks the arguments up, else calls the body and stores its result.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::quote;

use super::{cache, call, coalesced};
use crate::model::{Accessors, Flavor, Model};
use crate::type_tokens;

/// The function. `cache_item` is the item of its cache where that has no other place than the body.
pub(super) fn function(model: &Model, cache_item: Option<&TokenStream>) -> TokenStream {
    let Model { attrs, vis, flavor, safety, abi, fn_token, name, generics, result, .. } = model;
    let where_clause = &generics.where_clause;
    let inputs = model.inputs();
    let home = model.home();
    let calls = cache::calls(model, &home);
    let (choices, key, outcome) = (call::choices(model), cache::key(model, &home), call::outcome(model));
    let call = match model.accessors {
        Accessors::None => call_here(model),
        _ => call::call(model, &home),
    };
    let keep = call::keep(model, &call::awaited(model, &call));
    let looks = match (&model.flight, model.flavor) {
        (Some(flight), _) => coalesced::looks(model, flight, &home, &call),
        (None, Flavor::Sync) => quote! {
            let __looked = #calls.look(#key, #outcome);
            match __looked {
                ::core::result::Result::Ok(__hit) => __hit,
                ::core::result::Result::Err(__miss) => #keep,
            }
        },
        // No place for a result while the body is awaited: an error in it may not be `Send`.
        (None, Flavor::Async(_)) => quote! {
            let __miss = match #calls.look(#key, #outcome) {
                ::core::result::Result::Ok(__hit) => return __hit,
                ::core::result::Result::Err(__miss) => __miss,
            };
            #keep
        },
    };
    let mut body = Group::new(
        Delimiter::Brace,
        quote! {
            #choices
            #cache_item
            #looks
        },
    );
    // From its `fn` to its last brace it is the user's, or lints would not tell that it is unused.
    body.set_span(model.body.span());
    // With nowhere else for the body to stand, what decorates it decorates the function.
    let is_here = matches!(model.accessors, Accessors::None);
    let decorators = is_here.then_some(&attrs.decorators).into_iter().flatten();
    quote! {
        #attrs
        #(#decorators)*
        #vis #flavor #safety #abi #fn_token #name #generics (#(#inputs),*) -> #result #where_clause #body
    }
}

/// Calls the body where it is: what it returns early is its result, and not yet the function's.
fn call_here(model: &Model) -> TokenStream {
    let Model { result, body, .. } = model;
    let bindings = model.params.iter().map(|param| {
        let (written, name) = (param.written(), &param.name);
        let (pat, ty) = (&written.pat, &written.ty);
        let ty = type_tokens::impl_trait(ty).is_none().then(|| quote!(: (#ty,)));
        // As one of a tuple: a lint minds a `let _n = ..` that does nothing.
        quote! { let (#pat,) #ty = (#name,); }
    });
    let body = body.stream();
    let body = if model.safety.is_some() {
        quote! { unsafe { #body } }
    } else {
        body
    };
    match model.flavor {
        Flavor::Sync => quote! { (move || -> #result { #(#bindings)* #body })() },
        // The type of what it returns early has no other place.
        Flavor::Async(_) => quote! {
            async move {
                if let ::core::option::Option::Some(__result) = ::core::option::Option::None::<#result> {
                    return __result;
                }
                #(#bindings)*
                #body
            }
        },
    }
}
