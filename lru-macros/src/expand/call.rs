//! The function itself: look, else compute and keep.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Index;

use super::{cache, coalesced};
use crate::model::{Accessors, Flavor, Model, Place};
use crate::type_tokens;

pub(super) fn function(model: &Model) -> TokenStream {
    let Model { attrs, vis, flavor, safety, abi, fn_token, name, generics, result, .. } = model;
    let where_clause = &generics.where_clause;
    let inputs = model.inputs();
    let home = model.home();
    let calls = cache::calls(model, &home);
    let (choices, key, outcome) = (choices(model), cache::key(model, &home), outcome(model));
    let (memo, call) = match model.accessors {
        Accessors::None => (cache::in_body(model), call_here(model)),
        _ => (None, call(model, &home)),
    };
    let keep = keep(model, &awaited(model, &call));
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
            #memo
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
fn call(model: &Model, home: &TokenStream) -> TokenStream {
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
fn awaited(model: &Model, call: &TokenStream) -> TokenStream {
    match model.flavor {
        Flavor::Sync => call.clone(),
        Flavor::Async(_) => quote! { #call.await },
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

impl ToTokens for Flavor {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Sync => {}
            Self::Async(token) => token.to_tokens(tokens),
        }
    }
}
