//! The list of accessors: what each takes, returns and does.

use std::slice;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Type, parse_quote};

use super::{accessor_bodies, backend_accessors, batch, batch_backend, cache, call, elements};
use crate::args::MaxSize;
use crate::model::{self, Accessors, Batch, Checks, Flavor, Model, Need, Place};
use crate::{lifetimes, type_tokens};

/// What an accessor takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Nothing, or the object that holds the cache.
    Nothing,
    /// What the function takes.
    Arguments,
    /// What the key is made of.
    KeyArguments,
    /// Like `KeyArguments`, and `self` also where it is left out of the key.
    KeyArgumentsAndSelf,
    /// What the key, weight and expiry are made of, and a result.
    KeyArgumentsAndResult,
    /// What the keys are made of, with many elements.
    ManyElements,
    /// What the keys, weight and expiry are made of, with many elements and their results.
    ManyResults,
}

/// The type of a parameter before the arguments.
enum First {
    /// A type parameter with this bound.
    Bound(TokenStream),
    Type(TokenStream),
}

/// A function that reads or changes the cache.
pub(super) struct Accessor {
    pub(super) name: &'static str,
    /// Empty if it is hidden.
    doc: &'static str,
    takes: Takes,
    /// A parameter before the arguments.
    first: Option<(&'static str, First)>,
    returns: Option<TokenStream>,
    body: TokenStream,
    /// Whether it runs the body, and so is `unsafe` as the function is.
    runs: bool,
    /// Whether it may wait, and so is `async` as the function is.
    waits: bool,
}

pub(super) fn accessor_list(model: &Model) -> Vec<Accessor> {
    let Model { krate, typed, .. } = model;
    let home = quote!(Self);
    let (handle, key) = (cache::handle(model, &home), cache::key(model, &home, Checks::Assumed));
    let result_policy = call::result_policy(model, Checks::Assumed);
    let running = if model.batch.is_some() { Vec::new() } else { running(model).into() };
    let (put, peeked) = (call::put(model), model.peeked());
    let ask = |name, doc, takes, returns, body| {
        let plain = Accessor { name, doc, takes, first: None, returns, body, runs: false, waits: false };
        plain.with_backend(model)
    };
    let truth = Some(quote! { ::core::primitive::bool });
    let mut list = vec![
        ask(
            "cache_info",
            " Returns the cache statistics: hits, misses, `maxsize` and the number of entries.",
            Takes::Nothing,
            Some(quote! { #krate::CacheInfo }),
            quote! { #handle.info() },
        ),
        ask(
            "cache_stats",
            " Returns further statistics, such as evictions, expiries and stale hits.",
            Takes::Nothing,
            Some(quote! { #krate::CacheStats }),
            quote! { #handle.stats() },
        ),
        ask(
            "cache_clear",
            " Removes all entries and sets the statistics to zero.",
            Takes::Nothing,
            None,
            quote! { #handle.clear(); },
        ),
        ask(
            "cache_parameters",
            " Returns the parameters of the cache: `maxsize` and `typed`.",
            Takes::Nothing,
            Some(quote! { #krate::CacheParameters }),
            quote! { #handle.parameters(#typed) },
        ),
        ask(
            "cache_contains",
            " Returns whether a result is cached for these arguments; this is neither a hit nor a miss.",
            Takes::KeyArguments,
            truth.clone(),
            quote! { #handle.contains(#key) },
        ),
        ask(
            "cache_peek",
            " Returns the cached result for these arguments; this is neither a hit nor a miss.",
            Takes::KeyArguments,
            Some(quote! { ::core::option::Option<#peeked> }),
            quote! { #handle.peek(#key, #result_policy) },
        ),
        ask(
            "cache_put",
            " Stores a result for these arguments, as if the function had returned it.",
            Takes::KeyArgumentsAndResult,
            None,
            put,
        ),
        ask(
            "cache_invalidate",
            " Removes the cached result for these arguments, and returns whether there was one.",
            Takes::KeyArguments,
            truth,
            quote! { #handle.invalidate(#key) },
        ),
    ];
    list.extend(running);
    list.extend(model.batch.as_ref().map(|batch| of_many(model, batch)).into_iter().flatten());
    list.push(get_within(model, &handle, &key, &result_policy));
    list.extend(model.lifecycle.is_sampled().then(|| {
        ask(
            "cache_insight",
            " Returns the hit ratio that is expected with other capacities.",
            Takes::Nothing,
            Some(quote! { #krate::Insight }),
            quote! { #handle.insight() },
        )
    }));
    list.extend(invalidate_tag(model, &handle).into_iter().chain(resize(model, &handle)));
    list
}

/// Returns the accessors that take many elements.
fn of_many(model: &Model, batch: &Batch) -> [Accessor; 2] {
    let (krate, home, peeked) = (&model.krate, quote!(Self), model.peeked());
    let (name, value, put) = (elements::argument(model, batch), call::put_value(model), call::put(model));
    // With a backend, they act there too.
    let waits = model.backend.is_some();
    let plain = |name, doc, takes, returns, body| Accessor {
        name,
        doc,
        takes,
        first: None,
        returns,
        body,
        runs: false,
        waits,
    };
    let (put_returns, put_all) = match batch_backend::put(model, batch) {
        Some((returns, body)) => (Some(returns), body),
        None => (None, quote! { for (#name, #value) in #name { #put } }),
    };
    [
        plain(
            "cache_peek_many",
            " Returns the cached results of all elements, in their order; this is neither a hit nor a miss.",
            Takes::ManyElements,
            Some(quote! { #krate::__private::Vec<::core::option::Option<#peeked>> }),
            batch::peek(model, batch, &home),
        ),
        plain(
            "cache_put_many",
            " Stores results of elements, as if the function had returned them.",
            Takes::ManyResults,
            put_returns,
            put_all,
        ),
    ]
}

/// Returns the accessors that run the body.
fn running(model: &Model) -> [Accessor; 2] {
    let Model { result, krate, .. } = model;
    let home = quote!(Self);
    let (handle, key) = (cache::handle(model, &home), cache::key(model, &home, Checks::Assumed));
    let (result_policy, compute) = (call::result_policy(model, Checks::Assumed), call::run(model, &home));
    let insert = call::insert(model, &compute);
    [
        Accessor {
            name: "cache_refresh",
            doc: " Calls the function, replaces the cached result, and returns the new one; this is a miss.",
            takes: Takes::Arguments,
            first: None,
            returns: Some(quote! { #result }),
            body: quote! {
                let __miss = #handle.refresh(#key, #result_policy);
                #insert
            },
            runs: true,
            waits: true,
        }
        .with_backend(model),
        Accessor {
            name: "cache_call",
            doc: " Calls the function, and returns where the result comes from as well, and its age.",
            takes: Takes::Arguments,
            first: None,
            returns: Some(quote! { #krate::Cached<#result> }),
            body: accessor_bodies::observed(model, &insert),
            runs: true,
            waits: true,
        },
    ]
}

/// Returns the accessor that finds young results only.
fn get_within(model: &Model, handle: &TokenStream, key: &TokenStream, policy: &TokenStream) -> Accessor {
    let (krate, age, peeked) = (&model.krate, model.added_parameter("age"), model.peeked());
    let accessor = Accessor {
        name: "cache_get_within",
        doc: " Returns the cached result if it was stored less than `age` ago, which is a hit; runs nothing.",
        takes: Takes::KeyArguments,
        first: Some(("age", First::Bound(quote! { #krate::__private::IntoSpan<::core::time::Duration> }))),
        returns: Some(quote! { ::core::option::Option<#peeked> }),
        body: quote! { #handle.get_within(#key, #policy, #age) },
        runs: false,
        waits: false,
    };
    accessor.with_backend(model)
}

/// Returns the accessor that invalidates by a tag, where results have tags.
fn invalidate_tag(model: &Model, handle: &TokenStream) -> Option<Accessor> {
    let (krate, tag) = (&model.krate, model.added_parameter("tag"));
    model.lifecycle.is_tagged().then(|| {
        let accessor = Accessor {
            name: "cache_invalidate_tag",
            doc: " Invalidates the results of this function that have a tag, and what was computed from them.",
            takes: Takes::Nothing,
            first: Some(("tag", First::Type(quote! { #krate::Tag }))),
            returns: None,
            body: quote! { #handle.invalidate_tag(#tag); },
            runs: false,
            waits: false,
        };
        accessor.with_backend(model)
    })
}

/// Returns the accessor that changes the capacity, where there is one.
fn resize(model: &Model, handle: &TokenStream) -> Option<Accessor> {
    let maxsize = model.added_parameter("maxsize");
    let is_bounded = matches!(model.place, Place::Object(_))
        || !matches!(model.lifecycle.maxsize(), Some(MaxSize::None | MaxSize::Literal(0)));
    is_bounded.then(|| Accessor {
        name: "cache_resize",
        doc: " Changes the capacity, and evicts the entries that exceed it; `None` is unbounded, `0` stores nothing.",
        takes: Takes::Nothing,
        first: Some((
            "maxsize",
            First::Bound(quote! {
                ::core::convert::Into<::core::option::Option<::core::primitive::usize>>
            }),
        )),
        returns: None,
        body: quote! { #handle.resize(#maxsize); },
        runs: false,
        waits: false,
    })
}

/// Returns the accessor that `#[invalidates(…)]` calls.
pub(super) fn invalidation(model: &Model) -> Option<Accessor> {
    if matches!(model.accessors, Accessors::None) {
        return None;
    }
    let (returns, body) = accessor_bodies::invalidated_later(model);
    Some(Accessor {
        name: model::INVALIDATION,
        doc: "",
        takes: Takes::KeyArgumentsAndSelf,
        first: None,
        returns: Some(returns),
        body,
        runs: false,
        waits: false,
    })
}

impl Takes {
    /// The type of the argument with the elements, where it is not that of one.
    fn argument(self, model: &Model) -> Option<Type> {
        let batch = model.batch.as_ref()?;
        let (element, result, krate) = (&batch.element, &model.result, &model.krate);
        match self {
            Self::ManyElements => Some(batch.argument.clone()),
            Self::ManyResults => Some(parse_quote! { #krate::__private::Vec<(#element, #result)> }),
            _ => None,
        }
    }

    /// The needs whose arguments are taken, if any are.
    fn needs(self) -> Option<Need> {
        match self {
            Self::Nothing => None,
            Self::KeyArguments | Self::KeyArgumentsAndSelf | Self::ManyElements => Some(Need::Key),
            Self::KeyArgumentsAndResult | Self::ManyResults => Some(Need::EntryOptions),
            Self::Arguments => Some(Need::Body),
        }
    }
}

impl Accessor {
    /// Whether the type of the result is in its signature.
    pub(super) fn is_of_values(&self) -> bool {
        let returns_one = matches!(self.name, "cache_peek" | "cache_peek_many" | "cache_get_within");
        let takes_one = matches!(self.takes, Takes::KeyArgumentsAndResult | Takes::ManyResults);
        self.runs || takes_one || returns_one
    }

    /// Replaces what depends on the backend, where there is one.
    fn with_backend(self, model: &Model) -> Self {
        match backend_accessors::accessor(model, self.name) {
            Some((returns, body)) => Self { returns: Some(returns), body, waits: true, ..self },
            None => self,
        }
    }

    pub(super) fn tokens(&self, model: &Model) -> TokenStream {
        let choices = self.takes.needs().map_or_else(
            || model.taken_apart(None).into_iter().collect(),
            |needs| call::choices(model, needs),
        );
        let body = &self.body;
        self.with_body(model, &quote! { #choices #body })
    }

    pub(super) fn with_body(&self, model: &Model, body: &TokenStream) -> TokenStream {
        let Model { attrs, accessor_vis: vis, generics, params, result, .. } = model;
        let Self { doc, takes, first, returns, runs, waits, .. } = self;
        let name: Ident = model.defined_accessor(self.name);
        let returns = returns.as_ref().map(|returns| quote! { -> #returns });
        let (inputs, generics) = match takes.needs() {
            None => (model.object().into_iter().collect(), model.object_generics()),
            Some(needs) => {
                let mut inputs = model.inputs_up_to_of(needs, self.takes.argument(model).as_ref());
                if *takes == Takes::KeyArgumentsAndSelf {
                    inputs.splice(0..0, model.receiver_beyond(needs));
                }
                if *takes == Takes::KeyArgumentsAndResult {
                    let value = call::put_value(model);
                    inputs.push(quote! { #value: #result });
                }
                let generics = if model.takes_all(needs) {
                    generics.clone()
                } else {
                    lifetimes::without_unused(generics, &quote! { #(#inputs)* #returns })
                };
                (inputs, Some(generics))
            }
        };
        let (mut inputs, mut generics) = (inputs, generics);
        if let Some((name, first)) = first {
            let ty = model.added_type_parameter(if *name == "age" { "Age" } else { "Size" });
            let name = model.added_parameter(name);
            // After `self`, which a method may not need for the key.
            let this = Ident::new("self", Span::call_site());
            let is_receiver =
                |input: &TokenStream| type_tokens::mentions(input.clone(), slice::from_ref(&this));
            let place = usize::from(inputs.first().is_some_and(is_receiver));
            match first {
                First::Type(ty) => inputs.insert(place, quote! { #name: #ty }),
                First::Bound(bound) => {
                    inputs.insert(place, quote! { #name: #ty });
                    generics.get_or_insert_default().params.push(parse_quote! { #ty: #bound });
                }
            }
        }
        let where_clause = generics.as_ref().and_then(|generics| generics.where_clause.as_ref());
        let lints = (*takes != Takes::Nothing).then_some(&attrs.lints).into_iter().flatten();
        let both = runs.then_some(&attrs.both).into_iter().flatten();
        // A parameter more than the user wrote.
        let has_one_more = *takes == Takes::KeyArgumentsAndResult || first.is_some();
        let one_more =
            (has_one_more && params.len() >= 7).then(|| quote! { #[allow(clippy::too_many_arguments)] });
        let flavor = if *waits { model.flavor } else { Flavor::Sync };
        let safety = model.safety.filter(|_| *runs);
        let doc = if doc.is_empty() {
            quote! { #[doc(hidden)] }
        } else {
            quote! { #[doc = #doc] }
        };
        let cfg = model.cfg_of_siblings();
        quote! {
            #(#cfg)*
            #doc
            #(#both)* #(#lints)* #one_more
            #vis #flavor #safety fn #name #generics (#(#inputs),*) #returns #where_clause { #body }
        }
    }
}
