//! What is known at run time only of the `ttl` of a function with a cache of its own.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Expr, GenericParam};

use crate::args::is_no_constant;
use crate::model::{Accessors, Model, OwnTtl, Place};
use crate::type_tokens;

fn name(model: &Model) -> Ident {
    model.accessor("__ttl")
}

/// The `ttl` of a function with a cache of its own.
fn ttl(model: &Model) -> Option<&Expr> {
    model.lifecycle.ttl().filter(|_| matches!(model.place, Place::Static(_)))
}

/// The function that returns what is known at run time only; `None` without a `ttl` of all results.
pub(super) fn item(model: &Model) -> Option<TokenStream> {
    ttl(model)?;
    let (krate, plain_name, name) = (&model.krate, model.plain_name(), name(model));
    let within = match &model.accessors {
        Accessors::Companion(handle) => format!("{}::{name}", handle.unraw()),
        Accessors::Siblings(_) => name.to_string(),
        // Within the function.
        Accessors::None => plain_name.clone(),
    };
    let cfg = model.cfg_of_siblings();
    let namespace = model.namespace.as_ref().map(|namespace| quote! { , #namespace });
    Some(quote! {
        #(#cfg)*
        #[doc(hidden)]
        fn #name() -> &'static #krate::__private::FunctionTtl {
            #krate::__private::ttl! { #plain_name, #within #namespace }
        }
    })
}

/// What [`item`] returns, for a call; `home` is the type that has the accessors.
pub(super) fn own(model: &Model, home: &TokenStream) -> Option<OwnTtl> {
    let (ttl, name) = (ttl(model)?, name(model));
    let place = if matches!(model.accessors, Accessors::None) {
        quote! { #name() }
    } else {
        quote! { #home::#name() }
    };
    // A number of a timer's unit is one of seconds for a backend.
    let has_two_units = model.backend.is_some() && model.lifecycle.expiry.timer.is_some();
    let is_evaluated_once =
        is_no_constant(ttl.to_token_stream()) && !has_two_units && is_same_for_all(model, ttl);
    Some(OwnTtl { place, is_evaluated_once })
}

/// Whether an expression has one value for all calls: it names neither arguments nor what may be a parameter of the function, or of
/// an `impl` around it.
fn is_same_for_all(model: &Model, ttl: &Expr) -> bool {
    let named = |name: &str| Ident::new(name, Span::call_site());
    if matches!(model.accessors, Accessors::Companion(_)) {
        let parameters = model.own_generics.params.iter().filter_map(|param| match param {
            GenericParam::Type(param) => Some(param.ident.clone()),
            GenericParam::Const(param) => Some(param.ident.clone()),
            GenericParam::Lifetime(_) => None,
        });
        return !type_tokens::mentions(ttl.to_token_stream(), &parameters.collect::<Vec<_>>());
    }
    let tokens = ttl.to_token_stream();
    !type_tokens::mentions(tokens.clone(), &[named("self")]) && model.are_of_items(without_durations(tokens))
}

/// The tokens with another name in place of `Duration`, which is no parameter.
fn without_durations(tokens: TokenStream) -> TokenStream {
    type_tokens::each(tokens, &mut |token| match token {
        TokenTree::Ident(ident) if ident == "Duration" => Ident::new("duration", ident.span()).into(),
        TokenTree::Group(group) => Group::new(group.delimiter(), without_durations(group.stream())).into(),
        token => token,
    })
}
