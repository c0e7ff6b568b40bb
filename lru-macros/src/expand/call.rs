//! The function itself: look, else compute and keep.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::quote;

use crate::model::{Model, Param, nested};

pub(super) fn function(model: &Model) -> TokenStream {
    let Model { attrs, vis, safety, abi, fn_token, name, generics, params, result, handle, .. } = model;
    let where_clause = &generics.where_clause;
    let inputs = params.iter().map(Param::input);
    let key = key(model);
    let memo = model.memo(&quote!(#handle));
    let compute = run(model, &quote!(#handle::wrapped));
    let mut calls = Group::new(
        Delimiter::Brace,
        quote! {
            let __looked = #memo.look(#key);
            match __looked {
                ::core::result::Result::Ok(__hit) => __hit,
                ::core::result::Result::Err(__miss) => __miss.keep(#compute),
            }
        },
    );
    // From its `fn` to its last brace it is the user's, or lints would not tell that it is unused.
    calls.set_span(model.body.span());
    quote! {
        #attrs
        #vis #safety #abi #fn_token #name #generics (#(#inputs),*) -> #result #where_clause #calls
    }
}

/// The arguments as a tuple that borrows them.
pub(super) fn key(model: &Model) -> TokenStream {
    let Model { params, krate, .. } = model;
    let parts = params.iter().map(|param| {
        let name = &param.name;
        param.key.borrow(&quote!(#name), krate)
    });
    // The traits choose how an argument becomes a part of the key.
    let tuple = nested(&parts.collect::<Vec<_>>());
    if params.iter().any(|param| param.key.is_by_type()) {
        quote! {{ use #krate::__private::choices::*; #tuple }}
    } else {
        tuple
    }
}

/// Calls a function that takes the arguments as the user's function does.
pub(super) fn run(model: &Model, function: &TokenStream) -> TokenStream {
    let names = model.params.iter().map(|param| &param.name);
    let call = quote! { #function(#(#names),*) };
    if model.safety.is_some() {
        quote! { unsafe { #call } }
    } else {
        call
    }
}
