//! The cache, and the key under which a call looks in it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;

use crate::args::MaxSize;
use crate::model::{Accessors, Identity, Key, Krate, Model, Parts, Place, Told, nested};
use crate::type_tokens;

/// The cache, to be called: `home` is where the accessors stand.
pub(super) fn calls(model: &Model, home: &TokenStream) -> TokenStream {
    match &model.place {
        Place::Object(object) => match model.terms.in_object() {
            None => calls_of(object, &model.krate),
            Some(terms) => {
                let cache = cache_of(object, &model.krate);
                quote! { #cache.__own() #terms .calls() }
            }
        },
        Place::Static(parts) => {
            let calls = plan(model).map_or_else(|| quote! { calls() }, |plan| quote! { planned(#plan) });
            if matches!(model.accessors, Accessors::None) {
                let memo = Memo::new(model, parts).found(&model.krate);
                return quote! { #memo.#calls };
            }
            let memo = of_function(model, home);
            quote! { #memo.#calls }
        }
    }
}

/// The cache in a `static`, to be referred to.
pub(super) fn in_static(model: &Model, home: &TokenStream) -> Option<TokenStream> {
    match (&model.place, &model.accessors) {
        (Place::Object(_) | Place::Static(Parts::PerThread), _) => None,
        (Place::Static(_), Accessors::None) => Some(quote! { &__MEMO }),
        (Place::Static(_), _) => Some(of_function(model, home)),
    }
}

/// The same, where a function has it.
fn of_function(model: &Model, home: &TokenStream) -> TokenStream {
    let memo = name(model);
    let lifetime = model.may_leave_lifetimes_out().then(|| quote! { &() });
    quote! { #home::#memo(#lifetime) }
}

/// What the cache is told at each call, where that is anything.
fn plan(model: &Model) -> Option<TokenStream> {
    model.terms.plan(&model.krate, &told(model))
}

/// How the user's functions come by the arguments in a key.
pub(super) fn told(model: &Model) -> Told {
    Told {
        key: key_type(model),
        arguments: arguments_type(&part_keys(model), &model.krate),
        place: arguments_in_key(model),
        kept: model.outcome.kept(&model.krate),
    }
}

/// The cache in an object, to be called.
pub(super) fn calls_of(object: &Expr, krate: &Krate) -> TokenStream {
    let (span, cache) = (type_tokens::first_span(object), cache_of(object, krate));
    quote_spanned! { span=> #cache.__calls() }
}

/// The cache in an object.
fn cache_of(object: &Expr, krate: &Krate) -> TokenStream {
    let span = type_tokens::first_span(object);
    let krate = krate.at(span);
    quote_spanned! { span=> #krate::__private::cache(&#object) }
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

/// The arguments as a tuple that borrows them, after what tells instances apart. The key of an object is
/// a single argument itself.
pub(super) fn key(model: &Model, home: &TokenStream) -> TokenStream {
    let krate = &model.krate;
    let parts: Vec<_> = model.key.parts.iter().map(|part| part.key.borrow(&part.place, krate)).collect();
    match &model.place {
        Place::Object(object) => {
            let (part, function) = (one_or_all(&parts), function_in_object(model));
            let span = type_tokens::first_span(object);
            let (calls, krate) = (calls_of(object, krate), krate.at(span));
            quote_spanned! { span=> #krate::__private::keyed(|| #calls, #function, #part).__fit() }
        }
        Place::Static(_) => {
            let function = model.accessor("__identity");
            match model.key.identity.ask(&quote!(#home::#function), krate) {
                None => nested(&parts),
                Some(identity) => {
                    let arguments = one_or_all(&parts);
                    quote! { (#identity, #arguments) }
                }
            }
        }
    }
}

/// One part as it is, several as a tuple.
fn one_or_all(parts: &[TokenStream]) -> TokenStream {
    if let [part] = parts { part.clone() } else { nested(parts) }
}

/// What tells functions apart in an object that does.
pub(super) fn function_in_object(model: &Model) -> TokenStream {
    let function = format!("::{}:", model.name);
    quote! {
        ::core::concat!(::core::module_path!(), #function, ::core::line!(), ":", ::core::column!())
    }
}

/// The cache in a `static`.
pub(super) struct Memo<'a> {
    parts: &'a Parts,
    /// Its type.
    name: Ident,
    /// What that takes.
    arguments: TokenStream,
}

impl<'a> Memo<'a> {
    pub(super) fn new(model: &'a Model, parts: &'a Parts) -> Self {
        let krate = &model.krate;
        let (key, kept) = (key_type(model), model.outcome.kept(krate));
        let (maxsize, terms) = (bound(model.terms.maxsize(), krate), model.terms.types(krate));
        let policy = model.terms.policy(krate);
        let (name, rest) = match (parts, quiet(model, parts, &kept)) {
            (Parts::One | Parts::Open, None) => ("Memo", quote! { , #maxsize #terms }),
            (Parts::Open, Some(quiet)) => ("OpenMemo", quote! { , #policy, { #quiet } }),
            (Parts::One, Some(quiet)) => ("Memo", quote! { , #maxsize, #policy, (), { #quiet } }),
            (Parts::Shards(shards), _) => {
                let number = number(shards, krate);
                ("ShardedMemo", quote! { , #maxsize, { #krate::__private::shards(#number) } #terms })
            }
            (Parts::PerThread, _) => ("ThreadMemo", quote! { , #maxsize #terms }),
        };
        let name = Ident::new(name, Span::call_site());
        Self { parts, name, arguments: quote! { #key, #kept #rest } }
    }

    /// The item.
    pub(super) fn item(&self, krate: &Krate) -> TokenStream {
        let Self { parts, name, arguments, .. } = self;
        let memo = quote! { #krate::__private::#name };
        match parts {
            Parts::PerThread => quote! {
                #krate::__private::thread_local! {
                    static __MEMO: #memo<#arguments> = const { #memo::new() };
                }
            },
            Parts::One | Parts::Open | Parts::Shards(_) => {
                quote! { static __MEMO: #memo<#arguments> = #krate::__private::StaticCache::new(); }
            }
        }
    }

    /// What it is called by.
    fn found(&self, krate: &Krate) -> TokenStream {
        match self.parts {
            Parts::One | Parts::Open | Parts::Shards(_) => quote! { __MEMO },
            Parts::PerThread => quote! { #krate::__private::PerThread::new(&__MEMO, || ()) },
        }
    }

    /// The same, for a function that returns it.
    pub(super) fn found_by_reference(&self, krate: &Krate) -> TokenStream {
        let found = self.found(krate);
        if matches!(self.parts, Parts::PerThread) {
            found
        } else {
            quote! { &#found }
        }
    }

    /// What such a function returns.
    pub(super) fn found_type(&self, krate: &Krate) -> TokenStream {
        let Self { parts, name, arguments, .. } = self;
        match parts {
            Parts::One | Parts::Open | Parts::Shards(_) => {
                quote! { &'static #krate::__private::#name<#arguments> }
            }
            Parts::PerThread => {
                quote! { #krate::__private::PerThread<impl ::core::marker::Copy, #arguments> }
            }
        }
    }
}

/// Whether no code of a user's runs under the lock, where that can be so.
fn quiet(model: &Model, parts: &Parts, kept: &TokenStream) -> Option<TokenStream> {
    let is_candidate = matches!(parts, Parts::One | Parts::Open) && !model.terms.are_any();
    if !is_candidate || !matches!(model.key.identity, Identity::None) {
        return None;
    }
    let krate = &model.krate;
    let spelled: Option<Vec<_>> = part_keys(model).iter().map(|key| key.spelled()).collect();
    let arguments = spelled?.concat();
    Some(quote! { #krate::__private::callback_free!(#kept #(, #arguments)*) })
}

/// Whether nothing but the arguments is in the key, and all of it.
pub(super) fn arguments_are_key(model: &Model) -> bool {
    matches!(model.key.identity, Identity::None) && model.key.parts.len() != 1
}

/// The arguments, or the only one, of a `__key`.
pub(super) fn arguments_in_key(model: &Model) -> TokenStream {
    match model.key.identity {
        Identity::None if model.key.parts.len() == 1 => quote! { &__key.0 },
        Identity::None => quote! { __key },
        Identity::Of { .. } | Identity::Body => quote! { &__key.1 },
    }
}

/// The type of the key.
fn key_type(model: &Model) -> TokenStream {
    let keys = part_keys(model);
    match model.key.identity {
        Identity::None => nested(&keys.iter().map(|key| key.stored(&model.krate)).collect::<Vec<_>>()),
        Identity::Of { .. } | Identity::Body => {
            let arguments = arguments_type(&keys, &model.krate);
            quote! { (::core::any::TypeId, #arguments) }
        }
    }
}

/// The type of the arguments in a key.
pub(super) fn arguments_type(keys: &[&Key], krate: &Krate) -> TokenStream {
    one_or_all(&keys.iter().map(|key| key.stored(krate)).collect::<Vec<_>>())
}

fn part_keys(model: &Model) -> Vec<&Key> {
    model.key.parts.iter().map(|part| &part.key).collect()
}

/// The bound, as an argument of a type.
fn bound(maxsize: Option<&MaxSize>, krate: &Krate) -> TokenStream {
    let literal = |number: i128| proc_macro2::Literal::i128_unsuffixed(number.max(0)).into_token_stream();
    match maxsize {
        None => literal(MaxSize::DEFAULT),
        Some(MaxSize::None) => quote! { { #krate::__private::UNBOUNDED } },
        Some(MaxSize::Literal(number)) => literal(*number),
        Some(MaxSize::Expression(expr)) => {
            let number = number(expr, krate);
            quote! { { #number } }
        }
    }
}

/// The number that a constant of an integer type is.
fn number(expr: &Expr, krate: &Krate) -> TokenStream {
    let span = type_tokens::first_span(expr);
    let krate = krate.at(span);
    let integer = quote_spanned! { span=> #krate::__private::integer(#expr) };
    quote! {
        #krate::__private::bound(
            #integer as ::core::primitive::i128,
            #integer as ::core::primitive::f64,
        )
    }
}
