//! Expressions of the cache and of the key.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::Expr;

use super::bound::{self, bound, number};
use super::function_ttl;
use crate::args::MaxSize;
use crate::model::{Accessors, Batch, Checks, EntryTypes, Identity, Key, Krate, Model, Parts, Place, nested};
use crate::type_tokens;

/// The cache handle of a call; `home` is the type that has the accessors.
///
/// What a backend has reported of a cache that it cannot reach is removed first.
pub(super) fn handle(model: &Model, home: &TokenStream) -> TokenStream {
    let handle = plain_handle(model, home);
    if model.backend.is_some() && in_static(model, home).is_none() {
        quote! { #handle.current() }
    } else {
        handle
    }
}

fn plain_handle(model: &Model, home: &TokenStream) -> TokenStream {
    match &model.place {
        Place::Object(object) => {
            let cache = cache_of(object, &model.krate);
            match (model.lifecycle.in_object(), model.lifecycle.is_tagged()) {
                (None, false) => handle_of(object, &model.krate),
                (None, true) => quote! { #cache.__handle_tagged() },
                (Some(expiry), false) => quote! { #cache.__handle_with(#expiry) },
                (Some(expiry), true) => quote! { #cache.__handle_tagged_with(#expiry) },
            }
        }
        Place::Static(parts) => {
            let handle = options(model, home)
                .map_or_else(|| quote! { handle() }, |options| quote! { handle_with(#options) });
            if matches!(model.accessors, Accessors::None) {
                let memo = Memo::new(model, parts).found(&model.krate);
                return quote! { #memo.#handle };
            }
            let memo = of_function(model, home);
            quote! { #memo.#handle }
        }
    }
}

/// A reference to the cache in a `static`; `None` for other caches.
pub(super) fn in_static(model: &Model, home: &TokenStream) -> Option<TokenStream> {
    match (&model.place, &model.accessors) {
        (Place::Object(_) | Place::Static(Parts::PerThread), _) => None,
        (Place::Static(_), Accessors::None) => Some(bound::reference(model.lifecycle.maxsize())),
        (Place::Static(_), _) => Some(of_function(model, home)),
    }
}

/// The call of the function that returns the cache.
fn of_function(model: &Model, home: &TokenStream) -> TokenStream {
    let memo = name(model);
    let lifetime = model.may_leave_lifetimes_out().then(|| quote! { &() });
    quote! { #home::#memo(#lifetime) }
}

/// The name of the function that calls the eviction listener.
pub(super) const LISTENER: &str = "__listener";

/// The lifecycle options of each call, where there are any.
fn options(model: &Model, home: &TokenStream) -> Option<TokenStream> {
    let name = model.accessor(LISTENER);
    let is_item = !matches!(model.accessors, Accessors::None);
    let listener = is_item.then(|| quote! { #home::#name });
    let ttl = function_ttl::own(model, home);
    model.lifecycle.options(&model.krate, &entry_types(model), listener.as_ref(), ttl.as_ref())
}

/// The types in an entry, and the arguments in its key.
pub(super) fn entry_types(model: &Model) -> EntryTypes {
    let keys = part_keys(model);
    let of_key = if let [key] = &*keys { Some(key.span()) } else { None };
    EntryTypes {
        spans: (of_key, model.result_policy.span()),
        key: key_type(model),
        arguments: arguments_type(&part_keys(model), &model.krate),
        place: arguments_in_key(model),
        stored: model.result_policy.stored(&model.krate),
    }
}

/// The cache handle of an object.
pub(super) fn handle_of(object: &Expr, krate: &Krate) -> TokenStream {
    let (span, cache) = (type_tokens::first_span(object), cache_of(object, krate));
    quote_spanned! { span=> #cache.__handle() }
}

/// The cache object.
fn cache_of(object: &Expr, krate: &Krate) -> TokenStream {
    let span = type_tokens::first_span(object);
    let krate = krate.at(span);
    quote_spanned! { span=> #krate::__private::cache(&#object) }
}

/// The name of the function that returns the cache. In the `impl` of a trait, and in a trait that is used as
/// `dyn`, rustc rejects siblings, and those of two `impl`s of one trait for one type, and reports this one first: so
/// the name gives the way out.
pub(super) fn name(model: &Model) -> Ident {
    model.accessor(match model.accessors {
        Accessors::Siblings(_) if model.is_in_trait_impl => "__two_of_this_name_here_write_handle_on_one",
        Accessors::Siblings(_) => "__here_write_memoize_above_the_impl_or_accessors_none",
        _ => "__memo",
    })
}

/// The key of a call: a tuple that borrows the arguments, after the identity of the instance where there are
/// several. With one argument, the key in an object is the argument itself.
pub(super) fn key(model: &Model, home: &TokenStream, checks: Checks) -> TokenStream {
    key_by(model, home, checks, TokenStream::clone, None)
}

/// The key of an element of a batch, which is at `element`: what is the same for all elements, and an expression
/// of a closure.
pub(super) fn key_of_element(
    model: &Model,
    home: &TokenStream,
    checks: Checks,
    batch: &Batch,
    element: &TokenStream,
) -> (TokenStream, TokenStream) {
    let name = model.params.get(batch.param).map(|param| param.name.to_string()).unwrap_or_default();
    // The values of expressions live longer than a call of the closure.
    let mut shared = TokenStream::new();
    let places: Vec<_> = model.key.parts.iter().map(|part| &part.place).collect();
    let places: Vec<_> = places
        .into_iter()
        .enumerate()
        .map(|(number, place)| {
            let is_expression = matches!(place.clone().into_iter().next(), Some(TokenTree::Group(_)));
            if is_expression {
                let part = format_ident!("__part{number}");
                shared.extend(quote! { let #part = &#place; });
                quote! { (*#part) }
            } else if place.to_string() == name {
                element.clone()
            } else {
                place.clone()
            }
        })
        .collect();
    let function = model.accessor("__identity");
    let identity = model.key.identity.expression(&quote!(#home::#function), &model.krate);
    let identity = identity.map(|identity| {
        shared.extend(quote! { let __identity = #identity; });
        quote! { __identity }
    });
    let mut places = places.into_iter();
    let key = key_by(model, home, checks, |_| places.next().unwrap_or_default(), identity);
    (shared, key)
}

fn key_by(
    model: &Model,
    home: &TokenStream,
    checks: Checks,
    mut place_of: impl FnMut(&TokenStream) -> TokenStream,
    identity: Option<TokenStream>,
) -> TokenStream {
    let krate = &model.krate;
    let parts = model.key.parts.iter();
    let parts: Vec<_> = parts.map(|part| part.key.borrow(&place_of(&part.place), checks, krate)).collect();
    match &model.place {
        Place::Object(object) => {
            let (part, function) = (one_or_all(&parts), function_in_object(model));
            let span = type_tokens::first_span(object);
            let (handle, krate) = (handle_of(object, krate), krate.at(span));
            let fit = fit(checks, span);
            quote_spanned! { span=> #krate::__private::keyed(|| #handle, #function, #part).#fit() }
        }
        Place::Static(_) => {
            let function = model.accessor("__identity");
            let identity = identity.or_else(|| {
                if is_identity_bound(model) {
                    Some(quote! { &__identity })
                } else {
                    model.key.identity.expression(&quote!(#home::#function), krate)
                }
            });
            match identity {
                None => nested(&parts),
                Some(identity) => {
                    let arguments = one_or_all(&parts);
                    quote! { (#identity, #arguments) }
                }
            }
        }
    }
}

/// Whether the body has two keys of one instance: the type of a closure is another one in each place.
fn is_identity_bound(model: &Model) -> bool {
    model.previous.is_some() && matches!(model.key.identity, Identity::Body)
}

/// Binds the identity of the instance, where the body has two keys of it.
pub(super) fn bound_identity(model: &Model) -> Option<TokenStream> {
    if !is_identity_bound(model) || !matches!(model.place, Place::Static(_)) {
        return None;
    }
    let krate = &model.krate;
    Some(quote! { let __identity = #krate::__private::identity(|| ()); })
}

/// The method that checks whether a type fits an object.
pub(super) fn fit(checks: Checks, span: Span) -> Ident {
    let name = match checks {
        Checks::Reported => "__fit",
        Checks::Assumed => "__assumed_fit",
    };
    Ident::new(name, span)
}

/// One part by itself, several as a tuple.
fn one_or_all(parts: &[TokenStream]) -> TokenStream {
    if let [part] = parts { part.clone() } else { nested(parts) }
}

/// The identity of the function, for objects that separate functions.
pub(super) fn function_in_object(model: &Model) -> TokenStream {
    let function = format!("::{}:", model.name);
    quote! {
        ::core::concat!(::core::module_path!(), #function, ::core::line!(), ":", ::core::column!())
    }
}

/// The cache in a `static`.
pub(super) struct Memo<'a> {
    parts: &'a Parts,
    /// The name of its type.
    name: Ident,
    /// The arguments of its type.
    arguments: TokenStream,
    /// The bound and the name of the function, if the bound is known at run time only.
    at_run_time: Option<(&'a MaxSize, String)>,
    /// Whether the cache shares the memory budget of the program.
    is_in_budget: bool,
}

impl<'a> Memo<'a> {
    pub(super) fn new(model: &'a Model, parts: &'a Parts) -> Self {
        let krate = &model.krate;
        let (key, stored) = (key_type(model), model.result_policy.stored(krate));
        let (maxsize, types) = (bound(model.lifecycle.maxsize(), krate), model.lifecycle.types(krate));
        let (policy, metadata) = (model.lifecycle.policy(krate), model.lifecycle.metadata(krate));
        let last = model.lifecycle.metadata_argument(krate);
        let plain = plain_types(model, parts, &stored);
        let callback_free =
            plain.as_ref().map(|plain| quote! { { #krate::__private::callback_free!(#plain) } });
        // The arguments after the bound, where the types decide on the lock.
        let by_types =
            callback_free.as_ref().map(|callback_free| quote! { , #policy, #metadata, #callback_free });
        let rest = by_types.or(types);
        let (name, rest) = match (parts, &plain) {
            (Parts::Replicated(true), Some(plain)) => {
                let placement = quote! { #krate::__private::unbounded_placement!(#key, #plain) };
                ("UnboundedMemo", quote! { , #policy, { #placement } #last })
            }
            (Parts::Replicated(false), Some(plain)) => {
                let placement = quote! { #krate::__private::callback_free!(#plain) as ::core::primitive::u8 };
                ("UnboundedMemo", quote! { , #policy, { #placement } #last })
            }
            (Parts::LockFree, Some(plain)) if !model.lifecycle.has_info() => {
                let placement = quote! { #krate::__private::placement!(#maxsize, #key, #plain) };
                ("LruMemo", quote! { , #maxsize, { #placement } #last })
            }
            (Parts::One | Parts::LockFree | Parts::Replicated(_), _) => ("Memo", quote! { , #maxsize #rest }),
            (Parts::Shards(shards), _) => {
                let number = number(shards, krate);
                ("ShardedMemo", quote! { , #maxsize, { #krate::__private::shards(#number) } #rest })
            }
            (Parts::PerThread, _) => ("ThreadMemo", quote! { , #maxsize #rest }),
        };
        let name = Ident::new(name, Span::call_site());
        let at_run_time = model.lifecycle.maxsize_at_run_time().map(|maxsize| (maxsize, model.plain_name()));
        let is_in_budget = model.lifecycle.is_in_budget();
        Self { parts, name, arguments: quote! { #key, #stored #rest }, at_run_time, is_in_budget }
    }

    /// The `static`.
    pub(super) fn item(&self, krate: &Krate) -> TokenStream {
        let Self { parts, name, arguments, at_run_time, .. } = self;
        let memo = quote! { #krate::__private::#name };
        if let Some((maxsize, function)) = at_run_time {
            let is_per_thread = matches!(parts, Parts::PerThread);
            return bound::item_at_run_time(maxsize, function, (&memo, arguments), is_per_thread, krate);
        }
        match parts {
            Parts::PerThread => quote! {
                #krate::__private::thread_local! {
                    static __MEMO: #memo<#arguments> = const { #memo::new() };
                }
            },
            Parts::One | Parts::LockFree | Parts::Replicated(_) | Parts::Shards(_) => {
                quote! { static __MEMO: #memo<#arguments> = #krate::__private::StaticCache::new(); }
            }
        }
    }

    /// The expression of the cache.
    fn found(&self, krate: &Krate) -> TokenStream {
        match self.parts {
            _ if self.is_in_budget => {
                let reference = self.found_by_reference(krate);
                quote! { { #reference } }
            }
            Parts::One | Parts::LockFree | Parts::Replicated(_) | Parts::Shards(_) => quote! { __MEMO },
            Parts::PerThread => quote! { #krate::__private::PerThread::new(&__MEMO, || ()) },
        }
    }

    /// The expression that a function returns for the cache.
    pub(super) fn found_by_reference(&self, krate: &Krate) -> TokenStream {
        if self.is_in_budget {
            return quote! {
                #krate::__private::attend(&__MEMBER);
                &__MEMO
            };
        }
        let found = self.found(krate);
        if matches!(self.parts, Parts::PerThread) {
            found
        } else {
            quote! { &#found }
        }
    }

    /// The return type of such a function.
    pub(super) fn found_type(&self, krate: &Krate) -> TokenStream {
        let Self { parts, name, arguments, .. } = self;
        match parts {
            Parts::One | Parts::LockFree | Parts::Replicated(_) | Parts::Shards(_) => {
                quote! { &'static #krate::__private::#name<#arguments> }
            }
            Parts::PerThread => {
                quote! { #krate::__private::PerThread<impl ::core::marker::Copy, #arguments> }
            }
        }
    }
}

/// The types of the stored result and of the arguments, which decide whether the cache needs a reentrant lock; `None` where
/// it has one anyway.
fn plain_types(model: &Model, parts: &Parts, stored: &TokenStream) -> Option<TokenStream> {
    let is_shared = !matches!(parts, Parts::PerThread);
    let is_candidate = is_shared && !model.lifecycle.runs_user_code();
    if !is_candidate || !matches!(model.key.identity, Identity::None) {
        return None;
    }
    let spelled: Option<Vec<_>> = part_keys(model).iter().map(|key| key.spelled()).collect();
    let arguments = spelled?.concat();
    Some(quote! { #stored #(, #arguments)* })
}

/// The arguments in `__key`: several as a tuple, one by itself.
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
