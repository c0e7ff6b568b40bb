//! The cache, and the key under which a call looks in it.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;

use crate::args::MaxSize;
use crate::model::{Accessors, Identity, Krate, Model, Place, nested};
use crate::types;

/// The cache, to be called: `home` is where the accessors stand.
pub(super) fn calls(model: &Model, home: &TokenStream) -> TokenStream {
    match &model.place {
        Place::Object(object) => calls_of(object, &model.krate),
        Place::Static(_) => {
            let calls = plan(model).map_or_else(|| quote! { calls() }, |plan| quote! { planned(#plan) });
            if matches!(model.accessors, Accessors::None) {
                return quote! { __MEMO.#calls };
            }
            let memo = name(model);
            let lifetime = model.may_leave_lifetimes_out().then(|| quote! { &() });
            quote! { #home::#memo(#lifetime).#calls }
        }
    }
}

/// What the cache is told at each call, where that is anything.
fn plan(model: &Model) -> Option<TokenStream> {
    let (key, kept) = (key_type(model), model.outcome.kept(&model.krate));
    model.terms.plan(&model.krate, &key, &kept, model.key.parts.len())
}

/// The cache in an object, to be called.
pub(super) fn calls_of(object: &Expr, krate: &Krate) -> TokenStream {
    let span = types::first_span(object);
    let krate = krate.at(span);
    quote_spanned! { span=> #krate::__private::cache(&#object).__calls() }
}

/// The function that has the cache. Where siblings can't stand, in the `impl` of a trait or in a
/// trait to be had as `dyn`, it is the first that the compiler complains of: so its name says what
/// to do about it.
pub(super) fn name(model: &Model) -> Ident {
    model.accessor(match model.accessors {
        Accessors::Siblings => "__here_write_accessors_none",
        _ => "__memo",
    })
}

/// The arguments as a tuple that borrows them. The key of an object is a single argument itself.
pub(super) fn key(model: &Model, home: &TokenStream) -> TokenStream {
    let krate = &model.krate;
    let mut parts: Vec<_> = model.key.parts.iter().map(|part| part.key.borrow(&part.place, krate)).collect();
    match (&model.place, parts.as_slice()) {
        (Place::Object(object), parts) => {
            let part = if let [part] = parts { part.clone() } else { nested(parts) };
            let span = types::first_span(object);
            let (calls, krate) = (calls_of(object, krate), krate.at(span));
            let function = format!("::{}:", model.name);
            let function = quote! {
                ::core::concat!(::core::module_path!(), #function, ::core::line!(), ":", ::core::column!())
            };
            quote_spanned! { span=> #krate::__private::keyed(|| #calls, #function, #part).__fit() }
        }
        (Place::Static(_), _) => {
            let function = model.accessor("__identity");
            let identity = model.key.identity.ask(&quote!(#home::#function), krate);
            parts.splice(0..0, identity);
            nested(&parts)
        }
    }
}

/// What the accessors need: where the cache is, and what tells instances apart.
pub(super) fn beside_accessors(model: &Model) -> TokenStream {
    let Place::Static(maxsize) = &model.place else { return TokenStream::new() };
    let krate = &model.krate;
    let memo = memo(model, maxsize);
    // A lifetime for those that the user left out, as in `Cow<str>`: a return type has none by itself.
    let (lifetime, lint) = if model.may_leave_lifetimes_out() {
        (quote! { _: &'static () }, quote! { #[allow(unknown_lints, mismatched_lifetime_syntaxes)] })
    } else {
        (TokenStream::new(), TokenStream::new())
    };
    let hidden = matches!(model.accessors, Accessors::Siblings).then(|| quote! { #[doc(hidden)] });
    let cfg = super::accessors::cfg_of_siblings(model);
    let function = name(model);
    let identity = model.key.identity.function(&model.accessor("__identity"), krate);
    let identity = identity.map(|identity| quote! { #(#cfg)* #identity });
    quote! {
        #(#cfg)*
        #lint
        #hidden
        fn #function(#lifetime) -> &'static #memo {
            static __MEMO: #memo = #krate::__private::Memo::new();
            &__MEMO
        }
        #identity
    }
}

/// The cache of a function that has no accessors.
pub(super) fn in_body(model: &Model) -> Option<TokenStream> {
    let Place::Static(maxsize) = &model.place else { return None };
    let krate = &model.krate;
    let memo = memo(model, maxsize);
    Some(quote! { static __MEMO: #memo = #krate::__private::Memo::new(); })
}

/// The type of the cache.
fn memo(model: &Model, maxsize: &MaxSize) -> TokenStream {
    let krate = &model.krate;
    let (key, kept) = (key_type(model), model.outcome.kept(krate));
    let (maxsize, terms) = (bound(model, maxsize), model.terms.types(krate));
    quote! { #krate::__private::Memo<#key, #kept, #maxsize #terms> }
}

/// Removes what no longer holds, where the arguments can be named: one argument as it is, several as a
/// tuple.
pub(super) fn retain(model: &Model, home: &TokenStream) -> Option<(TokenStream, TokenStream)> {
    if !model.has_plain_key() {
        return None;
    }
    let krate = &model.krate;
    let (calls, kept) = (calls(model, home), model.outcome.kept(krate));
    let holds = |key| quote! { impl ::core::ops::FnMut(&#key, &#kept) -> ::core::primitive::bool };
    if let [part] = model.key.parts.as_slice() {
        let body = quote! { #calls.retain(|__key, __value| __holds(&__key.0, __value)); };
        return Some((holds(part.key.stored(krate)), body));
    }
    Some((holds(key_type(model)), quote! { #calls.retain(__holds); }))
}

/// The type of the key.
fn key_type(model: &Model) -> TokenStream {
    let identity = match model.key.identity {
        Identity::None => None,
        Identity::Of { .. } | Identity::Body => Some(quote! { ::core::any::TypeId }),
    };
    let parts = model.key.parts.iter().map(|part| part.key.stored(&model.krate));
    nested(&identity.into_iter().chain(parts).collect::<Vec<_>>())
}

/// The bound, as an argument of a type.
fn bound(model: &Model, maxsize: &MaxSize) -> TokenStream {
    let krate = &model.krate;
    match maxsize {
        MaxSize::None => quote! { { #krate::__private::UNBOUNDED } },
        MaxSize::Literal(number) => {
            proc_macro2::Literal::i128_unsuffixed((*number).max(0)).into_token_stream()
        }
        MaxSize::Expression(expr) => {
            let span = types::first_span(expr);
            let krate = krate.at(span);
            let integer = quote_spanned! { span=> #krate::__private::integer(#expr) };
            quote! {
                { #krate::__private::bound(
                    #integer as ::core::primitive::i128,
                    #integer as ::core::primitive::f64,
                ) }
            }
        }
    }
}
