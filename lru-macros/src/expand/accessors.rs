//! The accessors of the cache: on a type of the function's name, or next to the method.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;

use super::accessor_list::{Accessor, accessor_list, invalidation};
use super::{cache, call, entries, items};
use crate::attributes::Attrs;
use crate::body;
use crate::model::{self, Accessors, Model};
use crate::{pattern, signature};

/// The documentation of `wrapped`.
const WRAPPED: &str = " Calls the function itself, without the cache.";

/// Returns all accessors, and the functions that they call.
pub(super) fn accessors(model: &Model) -> TokenStream {
    let (beside, wrapped, asked) = (items::beside_accessors(model), wrapped(model), shown(model));
    let invalidation = invalidation(model).map(|invalidation| invalidation.tokens(model));
    at_home(model, &quote! { #beside #wrapped #(#asked)* #invalidation })
}

/// Returns what an editor needs to know of the accessors: their signatures.
pub(super) fn signatures(model: &Model) -> TokenStream {
    let wrapped = wrapped_here(model, &Group::new(Delimiter::Brace, TokenStream::new()));
    let all = shown(model).into_iter().chain([wrapped]).map(without_body);
    at_home(model, &all.collect())
}

/// Returns a function with a body that every signature allows.
fn without_body(function: TokenStream) -> TokenStream {
    let mut tokens: Vec<_> = function.into_iter().collect();
    tokens.pop();
    let signature: TokenStream = tokens.into_iter().collect();
    quote! { #signature { loop {} } }
}

/// Returns the accessors that the documentation names, but for `wrapped`.
fn shown(model: &Model) -> Vec<TokenStream> {
    if matches!(model.accessors, Accessors::None) {
        return Vec::new();
    }
    let mut asked: Vec<_> = accessor_list(model).iter().map(|accessor| accessor.tokens(model)).collect();
    asked.extend(entries::retain(model));
    asked.extend(entries::entries(model));
    asked
}

/// Returns functions where callers find them: on the companion, or beside the method.
fn at_home(model: &Model, functions: &TokenStream) -> TokenStream {
    let Model { attrs, accessor_vis: vis, name, krate, .. } = model;
    let Attrs { cfg, hidden, .. } = attrs;
    match &model.accessors {
        Accessors::None => TokenStream::new(),
        Accessors::Companion(handle) => {
            let doc = format!(" Accessors of the cache of the function `{name}`.");
            let mut handle = handle.clone();
            handle.set_span(Span::call_site().located_at(name.span()));
            // In an `impl` or trait, rustc rejects the type, and names the macro in its message.
            quote! {
                #krate::__private::in_an_impl_write_accessors_siblings_and_where_the_name_is_taken_handle! {
                    [#(#cfg)*]
                    #[doc = #doc]
                    #(#hidden)*
                    #vis #handle { #functions }
                }
            }
        }
        Accessors::Siblings(_) => functions.clone(),
    }
}

/// Returns the accessors of a function that cannot be cached, so that code that calls them compiles. The body
/// of `cache_contains` has `questions` about the types of the arguments.
pub(super) fn stubs(model: &Model, has_value: bool, questions: &TokenStream) -> TokenStream {
    let Model { attrs, accessor_vis: vis, flavor, safety, generics, result, .. } = model;
    let (cfg, where_clause) = (&attrs.cfg, &generics.where_clause);
    let (inputs, wrapped) = (model.inputs(), model.accessor("wrapped"));
    let wrapped = has_value.then(|| {
        quote! { #(#cfg)* #vis #flavor #safety fn #wrapped #generics (#(#inputs),*) -> #result #where_clause { loop {} } }
    });
    let mut list = accessor_list(model);
    list.extend(invalidation(model));
    let asked = list.iter().filter(|accessor| has_value || !accessor.is_of_values());
    let body = |accessor: &Accessor| {
        let questions = (accessor.name == "cache_contains").then_some(questions);
        quote! { #questions loop {} }
    };
    let asked: Vec<_> = asked.map(|accessor| accessor.with_body(model, &body(accessor))).collect();
    match &model.accessors {
        Accessors::None => TokenStream::new(),
        Accessors::Companion(handle) => quote! {
            #(#cfg)* #[doc(hidden)] #vis enum #handle {}
            #(#cfg)* #[doc(hidden)] impl #handle { #wrapped #(#asked)* }
        },
        Accessors::Siblings(_) => {
            let memo = cache::name(model);
            quote! { #(#cfg)* #[doc(hidden)] fn #memo() {} #wrapped #(#asked)* }
        }
    }
}

/// Returns `wrapped`, the function that has the body. Decorators see the body under the function's own name,
/// where that is free: beside a method it is taken.
fn wrapped(model: &Model) -> TokenStream {
    let Model { attrs, accessor_vis: vis, safety, name, generics, .. } = model;
    let (flavor, result) = model.written();
    let where_clause = &generics.where_clause;
    let Attrs { lints, body_lints, both, decorators, .. } = attrs;
    let body = body_with_holder(model);
    let plain_name = name.unraw();
    let is_taken = || {
        matches!(model.accessors, Accessors::Siblings(_))
            || plain_name == "wrapped"
            || accessor_list(model).iter().any(|accessor| plain_name == accessor.name)
    };
    if decorators.is_empty() || is_taken() {
        return wrapped_here(model, &body);
    }
    let (mut inputs, written, mut arguments) = (model.inputs(), written_inputs(model), model.arguments());
    if let Some(previous) = &model.previous {
        let (variable, ty) = (model.added_parameter("previous"), &previous.written.ty);
        previous.put(&mut inputs, quote! { #variable: #ty });
        previous.put(&mut arguments, variable.into_token_stream());
    }
    let wrapped = model.defined_accessor("wrapped");
    let call = call::call_named(model, &quote!(Self::#name), &arguments);
    let call = if model.future.is_some() { call } else { call::awaited(model, &call) };
    quote! {
        #[doc = #WRAPPED]
        #(#both)* #(#lints)*
        #vis #flavor #safety fn #wrapped #generics (#(#inputs),*) -> #result #where_clause { #call }
        #(#both)* #(#lints)* #(#body_lints)* #(#decorators)*
        #flavor #safety fn #name #generics (#(#written),*) -> #result #where_clause #body
    }
}

/// Returns `wrapped` with the body and the decorators in it.
fn wrapped_here(model: &Model, body: &Group) -> TokenStream {
    let Model { attrs, accessor_vis: vis, safety, generics, .. } = model;
    let (flavor, result) = model.written();
    let where_clause = &generics.where_clause;
    let Attrs { lints, body_lints, both, decorators, .. } = attrs;
    let (cfg, written) = (model.cfg_of_siblings(), written_inputs(model));
    let wrapped = model.defined_accessor("wrapped");
    quote! {
        #(#cfg)*
        #[doc = #WRAPPED]
        #(#both)* #(#lints)* #(#body_lints)* #(#decorators)*
        #vis #flavor #safety fn #wrapped #generics (#(#written),*) -> #result #where_clause #body
    }
}

/// Returns the parameters as the user wrote them, `self` among them.
fn written_inputs(model: &Model) -> Vec<TokenStream> {
    let receiver = model.receiver.iter().map(|receiver| {
        let mut receiver = receiver.clone();
        receiver.attrs.retain(|attr| !signature::is_key(attr));
        quote! { #receiver }
    });
    let params = model.params.iter().map(|param| param.written().into_token_stream());
    let mut inputs = receiver.chain(params).collect();
    if let Some(previous) = &model.previous {
        previous.put(&mut inputs, model::written(&previous.written).into_token_stream());
    }
    inputs
}

/// Returns the body. The parameter that holds the cache counts as used: the call uses it.
fn body_with_holder(model: &Model) -> Group {
    let Model { body, params, .. } = model;
    let holder = params.iter().find(|param| model.holds_the_cache(param));
    let names = holder.map(|param| pattern::bindings(&param.written.pat)).unwrap_or_default();
    if names.is_empty() {
        return body.clone();
    }
    let (_, rest) = body::inner_attributes(body.stream());
    let inner =
        body.stream().into_iter().take(body.stream().into_iter().count() - rest.clone().into_iter().count());
    let inner: TokenStream = inner.collect();
    let mut used = Group::new(Delimiter::Brace, quote! { #inner #( let _ = &#names; )* #rest });
    used.set_span(body.span());
    used
}
