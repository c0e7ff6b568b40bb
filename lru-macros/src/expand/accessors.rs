//! The accessors of the cache: on a type of the function's name, or next to the method.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse_quote;

use super::{backend, cache, call, coalesced, entries, items};
use crate::attributes::Attrs;
use crate::model::{Accessors, Checks, Flavor, Model, Need};
use crate::{lifetimes, pattern, signature, type_tokens};

/// The documentation of `wrapped`.
const WRAPPED: &str = " Calls the function itself, without the cache.";

/// Returns all accessors, and the functions that they call.
pub(super) fn accessors(model: &Model) -> TokenStream {
    let (beside, wrapped, asked) = (items::beside_accessors(model), wrapped(model), shown(model));
    at_home(model, &quote! { #beside #wrapped #(#asked)* })
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
    let list = accessor_list(model);
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

/// What an accessor takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Nothing, or the object that holds the cache.
    Nothing,
    /// What the function takes.
    Arguments,
    /// What the key is made of.
    KeyArguments,
    /// What the key, weight and expiry are made of, and a result.
    KeyArgumentsAndResult,
}

/// A function that reads or changes the cache.
struct Accessor {
    name: &'static str,
    doc: &'static str,
    takes: Takes,
    /// A parameter before the arguments, and the bound of its type.
    first: Option<(&'static str, TokenStream)>,
    returns: Option<TokenStream>,
    body: TokenStream,
    /// Whether it runs the body, and so is `unsafe` as the function is.
    runs: bool,
    /// Whether it may wait, and so is `async` as the function is.
    waits: bool,
}

fn accessor_list(model: &Model) -> Vec<Accessor> {
    let Model { result, krate, typed, .. } = model;
    let home = quote!(Self);
    let (handle, key) = (cache::handle(model, &home), cache::key(model, &home, Checks::Assumed));
    let (result_policy, compute) = (call::result_policy(model, Checks::Assumed), call::run(model, &home));
    let insert = call::insert(model, &compute);
    let (put, peeked) = (call::put(model), model.peeked());
    let ask = |name, doc, takes, returns, body| {
        let plain = Accessor { name, doc, takes, first: None, returns, body, runs: false, waits: false };
        plain.with_backend(model)
    };
    let truth = Some(quote! { ::core::primitive::bool });
    vec![
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
            body: observed(model, &insert),
            runs: true,
            waits: true,
        },
        Accessor {
            first: Some(("age", quote! { #krate::__private::IntoSpan<::core::time::Duration> })),
            ..ask(
                "cache_get_within",
                " Returns the cached result if it was stored less than `age` ago, which is a hit; runs nothing.",
                Takes::KeyArguments,
                Some(quote! { ::core::option::Option<#peeked> }),
                {
                    let age = model.added_parameter("age");
                    quote! { #handle.get_within(#key, #result_policy, #age) }
                },
            )
        },
    ]
}

/// Returns the body of `cache_call`. `insert` computes after a miss.
fn observed(model: &Model, insert: &TokenStream) -> TokenStream {
    let home = quote!(Self);
    let used = used(model);
    if let Some(flight) = &model.flight {
        let call = coalesced::observed_call(model, flight, &home, &call::call(model, &home));
        return quote! { #used #call };
    }
    let (handle, key) = (cache::handle(model, &home), cache::key(model, &home, Checks::Assumed));
    let (result_policy, krate) = (call::result_policy(model, Checks::Assumed), &model.krate);
    quote! {
        #used
        let __miss = match #handle.lookup_observed(#key, #result_policy) {
            ::core::result::Result::Ok(__hit) => return __hit,
            ::core::result::Result::Err(__miss) => __miss,
        };
        #krate::__private::computed(#insert)
    }
}

/// Returns a statement by which the function counts as used where `cache_call` is.
fn used(model: &Model) -> Option<TokenStream> {
    let has_unnamed = model.params.iter().any(|param| type_tokens::impl_trait(&param.ty).is_some());
    let function = match &model.accessors {
        _ if has_unnamed => return None,
        Accessors::None => return None,
        Accessors::Companion(_) => model.name.to_token_stream(),
        Accessors::Siblings(_) if model.is_in_trait_impl => return None,
        Accessors::Siblings(_) => {
            let name = &model.name;
            quote! { Self::#name }
        }
    };
    let turbofish = model.turbofish();
    Some(quote! { #[allow(deprecated)] let _ = #function #turbofish; })
}

impl Takes {
    /// The needs whose arguments are taken, if any are.
    fn needs(self) -> Option<Need> {
        match self {
            Self::Nothing => None,
            Self::KeyArguments => Some(Need::Key),
            Self::KeyArgumentsAndResult => Some(Need::EntryOptions),
            Self::Arguments => Some(Need::Body),
        }
    }
}

impl Accessor {
    /// Whether the type of the result is in its signature.
    fn is_of_values(&self) -> bool {
        let returns_one = matches!(self.name, "cache_peek" | "cache_get_within");
        self.runs || self.takes == Takes::KeyArgumentsAndResult || returns_one
    }

    /// Replaces what depends on the backend, where there is one.
    fn with_backend(self, model: &Model) -> Self {
        match backend::accessor(model, self.name) {
            Some((returns, body)) => Self { returns: Some(returns), body, waits: true, ..self },
            None => self,
        }
    }

    fn tokens(&self, model: &Model) -> TokenStream {
        let choices = self.takes.needs().map_or_else(
            || model.taken_apart(None).into_iter().collect(),
            |needs| call::choices(model, needs),
        );
        let body = &self.body;
        self.with_body(model, &quote! { #choices #body })
    }

    fn with_body(&self, model: &Model, body: &TokenStream) -> TokenStream {
        let Model { attrs, accessor_vis: vis, generics, params, result, .. } = model;
        let Self { doc, takes, first, returns, runs, waits, .. } = self;
        let name: Ident = model.defined_accessor(self.name);
        let returns = returns.as_ref().map(|returns| quote! { -> #returns });
        let (inputs, generics) = match takes.needs() {
            None => (model.object().into_iter().collect(), model.object_generics()),
            Some(needs) => {
                let mut inputs = model.inputs_up_to(needs);
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
        if let Some((name, bound)) = first {
            let (name, ty) = (model.added_parameter(name), model.added_type_parameter("Age"));
            inputs.insert(usize::from(model.receiver.is_some()), quote! { #name: #ty });
            generics.get_or_insert_default().params.push(parse_quote! { #ty: #bound });
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
        let cfg = model.cfg_of_siblings();
        quote! {
            #(#cfg)*
            #[doc = #doc]
            #(#both)* #(#lints)* #one_more
            #vis #flavor #safety fn #name #generics (#(#inputs),*) #returns #where_clause { #body }
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
    let is_taken = matches!(model.accessors, Accessors::Siblings(_))
        || plain_name == "wrapped"
        || accessor_list(model).iter().any(|accessor| plain_name == accessor.name);
    if decorators.is_empty() || is_taken {
        return wrapped_here(model, &body);
    }
    let (inputs, written) = (model.inputs(), written_inputs(model));
    let wrapped = model.defined_accessor("wrapped");
    let call = call::call_named(model, &quote!(Self::#name), &model.arguments());
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
    receiver.chain(params).collect()
}

/// Returns the body. The parameter that holds the cache counts as used: the call uses it.
fn body_with_holder(model: &Model) -> Group {
    let Model { body, params, .. } = model;
    let holder = params.iter().find(|param| model.holds_the_cache(param));
    let names = holder.map(|param| pattern::bindings(&param.written.pat)).unwrap_or_default();
    if names.is_empty() {
        return body.clone();
    }
    let (_, rest) = signature::inner_attributes(body.stream());
    let inner =
        body.stream().into_iter().take(body.stream().into_iter().count() - rest.clone().into_iter().count());
    let inner: TokenStream = inner.collect();
    let mut used = Group::new(Delimiter::Brace, quote! { #inner #( let _ = &#names; )* #rest });
    used.set_span(body.span());
    used
}
