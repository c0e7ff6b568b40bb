//! The decisions: everything that the expansion needs, with all defaults filled in.

mod accessors;
mod backend;
mod batch;
mod body_hash;
mod flight;
mod holder;
mod key;
mod krate;
mod lifecycle;
mod names;
mod need;
mod option_functions;
mod params;
mod result_policy;
mod sums;
mod validity;

use std::slice;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{Expr, ExprLit, Generics, Lit, LitStr, Receiver, Safety, Type, Visibility, parse_quote};

use crate::args::{Args, Placement, SingleFlight};
use crate::attributes::Attrs;
use crate::future_type::FutureType;
use crate::previous::Previous;
use crate::signature::{Func, generic_argument, receiver_type, type_params};
use crate::type_tokens;

use key::Part;
use params::Arguments;

pub(crate) use accessors::Accessors;
pub(crate) use backend::{Backend, passed_to_backend};
pub(crate) use batch::{Batch, MapKeys};
pub(crate) use flight::Flight;
pub(crate) use key::{Checks, Identity, Key, KeyShape, Scope, nested};
pub(crate) use krate::Krate;
pub(crate) use lifecycle::{EntryTypes, Lifecycle, OwnTtl};
pub(crate) use need::Need;
pub(crate) use option_functions::{applied, by_reference, is_reference};
pub(crate) use params::{Param, written};
pub(crate) use result_policy::{ResultPolicy, Rules};

pub(crate) struct Model {
    pub(crate) attrs: Attrs,
    pub(crate) vis: Visibility,
    /// The visibility of the accessors, which begins with a token of ours: lints take a function that begins
    /// with a user's token for the user's.
    pub(crate) accessor_vis: TokenStream,
    pub(crate) flavor: Flavor,
    pub(crate) safety: Option<syn::Token![unsafe]>,
    pub(crate) abi: Option<syn::Abi>,
    /// The user's own `fn`, by which lints take the function for the user's.
    pub(crate) fn_token: syn::Token![fn],
    pub(crate) name: Ident,
    /// The parameters of the function as written.
    pub(crate) own_generics: Generics,
    /// The parameters of each accessor that runs the body.
    pub(crate) generics: Generics,
    /// Whether the function is in the `impl` of a trait, and its accessors in another one.
    pub(crate) is_in_trait_impl: bool,
    pub(crate) receiver: Option<Receiver>,
    pub(crate) params: Vec<Param>,
    /// The parameter that the body takes besides.
    pub(crate) previous: Option<Previous>,
    /// What needs each argument, `self` included.
    needs: Vec<Need>,
    pub(crate) result: Type,
    /// The future that the function returns as written, where it is not an `async fn`.
    pub(crate) future: Option<FutureType>,
    pub(crate) body: Group,
    pub(crate) accessors: Accessors,
    pub(crate) place: Place,
    /// The variable that holds the cache object.
    holder: Option<Ident>,
    /// The user's expressions that can name parameters.
    seeing: TokenStream,
    pub(crate) key: KeyShape,
    pub(crate) result_policy: ResultPolicy,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) flight: Option<Flight>,
    pub(crate) backend: Option<Backend>,
    /// The function of the arguments that tells whether a call computes anew.
    pub(crate) force: Option<Expr>,
    /// The name of the function in the backend and in the registry, if it is not its path.
    pub(crate) namespace: Option<LitStr>,
    /// The path of `functools`.
    pub(crate) krate: Krate,
    pub(crate) typed: bool,
    /// The function as written, where it is one of many elements. All else is that of a function of one element.
    pub(crate) batch: Option<Batch>,
    /// The types in an entry; of an object, where an item beside the function can name them.
    pub(crate) named: Option<Named>,
}

/// The name of the hidden accessor that `#[invalidates(…)]` calls. Where there is none, rustc names it in its message: so
/// it says what the function lacks.
pub(crate) const INVALIDATION: &str = "__is_not_memoized_with_accessors";

/// The types in an entry: of the arguments in the key, and of the stored result.
pub(crate) struct Named {
    pub(crate) arguments: Vec<Key>,
    pub(crate) result_policy: ResultPolicy,
}

impl Named {
    fn new(parts: Vec<Part>, result: &Type, rules: Rules, scope: &Scope) -> Self {
        let arguments = parts.into_iter().map(|part| part.key).collect();
        Self { arguments, result_policy: ResultPolicy::new(result, rules, scope) }
    }

    /// Whether the function's own cache can name all types.
    fn is_whole(&self) -> bool {
        !self.result_policy.is_unnamed() && !self.arguments.iter().any(Key::is_erased)
    }

    /// In an object, the stored form keeps the lifetimes of the result.
    fn in_object(self, result: &Type, rules: Rules) -> Option<Self> {
        let result_policy = ResultPolicy::new(result, rules, &Scope::Object);
        self.is_whole().then_some(Self { result_policy, ..self })
    }
}

/// Whether the function is `async`.
#[derive(Clone, Copy)]
pub(crate) enum Flavor {
    Sync,
    Async(syn::Token![async]),
}

impl ToTokens for Flavor {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Sync => {}
            Self::Async(token) => token.to_tokens(tokens),
        }
    }
}

/// Where the cache is.
pub(crate) enum Place {
    /// In a `static`.
    Static(Parts),
    /// In the object that this expression names.
    Object(Expr),
}

/// How a function's own cache is divided.
pub(crate) enum Parts {
    One,
    /// Into one part, LRU: hits of plain data need no lock.
    LockFree,
    /// Into one part, unbounded and without expiry: threads can read it at the same time, and with `true` hits of plain
    /// data need no lock.
    Replicated(bool),
    /// Into this number of parts, by the hash of the key.
    Shards(Expr),
    PerThread,
}

impl Place {
    fn new(placement: Placement, lifecycle: &Lifecycle) -> Self {
        let is_replicated = lifecycle.is_unordered();
        let may_be_lock_free = placement.lock_free.get() != Some(&false) && !lifecycle.is_sampled();
        let (is_lru, is_per_thread) = (lifecycle.is_lru(), placement.is_per_thread());
        if let Some(object) = placement.cache.into_value() {
            return Self::Object(object);
        }
        Self::Static(match placement.shards.into_value().filter(|shards| !is_one(shards)) {
            _ if is_per_thread => Parts::PerThread,
            Some(shards) => Parts::Shards(shards),
            None if is_replicated => Parts::Replicated(may_be_lock_free),
            None if may_be_lock_free && is_lru => Parts::LockFree,
            None => Parts::One,
        })
    }
}

/// Whether an expression is spelled as the number 1.
fn is_one(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if number.base10_digits() == "1")
}

impl Model {
    pub(crate) fn new(mut args: Args, mut func: Func) -> Self {
        let batch = Batch::take(&args, &mut func);
        if let Some(surroundings) = &func.surroundings {
            args.change_constants(|expr| surroundings.in_items(expr));
        }
        let scope = if args.placement.cache.is_some() { Scope::Object } else { Scope::own(&args, &func) };
        let result = func.result().cloned().unwrap_or_else(|| parse_quote!(()));
        let mut params = params::params(&args, &func);
        if let Some(batch) = &batch {
            if let Some(param) = params.get_mut(batch.param) {
                param.whole = Some(batch.argument.clone());
            }
        }
        let needs = Need::of_arguments(&args, &func, &params);
        let (holder, seeing) = (params::holder(&args, &params), params::expressions(&args, &func));
        let arguments = Arguments::new(&args, &func, &params);
        let own_scope = Scope::own(&args, &func);
        let Args { eviction, expiry, placement, flight, backend, key, results, validity, items } = args;
        let accessors = Accessors::new(&items, &func);
        let krate = Krate::new(items.krate.into_value());
        let rules = Rules::new(&results);
        let named =
            Named::new(arguments.parts(key.key.get(), &own_scope, &krate), &result, rules, &own_scope);
        let named = match scope {
            Scope::Object => named.in_object(&result, rules),
            Scope::Own { .. } => Some(named),
        };
        let typed = key.typed.get() == Some(&true);
        let key = KeyShape {
            identity: arguments.identity(typed, &accessors, &func, &result),
            parts: arguments.parts(key.key.get(), &scope, &krate),
        };
        let is_global = flight.single_flight.get() == Some(&SingleFlight::Global);
        let flight = Flight::new(&flight, &expiry, &backend, &func);
        let lifecycle = Lifecycle::new(eviction, expiry, results.keep, validity, (&backend, &placement));
        let force = results.force.into_value();
        let namespace = backend.namespace.get().cloned();
        let backend = Backend::new(backend, is_global, &accessors, &func);
        let receiver = func.receiver().cloned();
        let accessor_vis = Accessors::vis(&func);
        let Func { attrs, vis, sig, future, body, surroundings, previous } = func;
        let place = Place::new(placement, &lifecycle);
        Self {
            attrs: Attrs::new(&attrs),
            accessor_vis,
            vis,
            generics: surroundings
                .as_ref()
                .map_or_else(|| sig.generics.clone(), |around| around.with_those_of(&sig.generics)),
            is_in_trait_impl: surroundings.is_some_and(|around| around.trait_path.is_some()),
            flavor: sig.asyncness.map_or(Flavor::Sync, Flavor::Async),
            safety: match sig.safety {
                Safety::Unsafe(token) => Some(token),
                _ => None,
            },
            abi: sig.abi,
            fn_token: sig.fn_token,
            name: sig.ident,
            own_generics: sig.generics,
            receiver,
            params,
            previous,
            needs,
            result_policy: ResultPolicy::new(&result, rules, &scope),
            lifecycle,
            force,
            flight,
            backend,
            namespace,
            result,
            future,
            body,
            accessors,
            place,
            holder,
            seeing,
            key,
            krate,
            typed,
            batch,
            named,
        }
    }

    /// Whether the function itself, and the one that has its body, are `async`, and what they return.
    pub(crate) fn written(&self) -> (Flavor, &Type) {
        if let Some(batch) = &self.batch {
            return (self.flavor, &batch.returned);
        }
        self.future.as_ref().map_or((self.flavor, &self.result), |future| (Flavor::Sync, &future.written))
    }

    /// Whether the type of the cache may have an omitted lifetime.
    pub(crate) fn may_leave_lifetimes_out(&self) -> bool {
        self.key.parts.iter().any(|part| part.key.may_leave_lifetimes_out())
            || self.result_policy.may_leave_lifetimes_out()
    }

    /// Whether autoref selection chooses how a part of the key or the result is stored.
    pub(crate) fn has_choices(&self) -> bool {
        self.backend.is_some()
            || self.result_policy.is_chosen()
            || self.key.parts.iter().any(|part| part.key.is_chosen())
    }

    /// The parameters, `self` included, of every item but the one with the body.
    pub(crate) fn inputs(&self) -> Vec<TokenStream> {
        let receiver = self.receiver.iter().map(params::plain_receiver);
        receiver.chain(self.params.iter().map(Param::whole_input)).collect()
    }

    /// The name of a parameter that an accessor adds to the user's. It is hygienic, as theirs are.
    pub(crate) fn added_parameter(&self, name: &str) -> Ident {
        let is_taken = self.params.iter().any(|param| param.name == name);
        let name = if is_taken { format!("__{name}") } else { name.to_owned() };
        Ident::new(&name, Span::mixed_site())
    }

    /// The name of a type parameter that an accessor has beside the function's.
    pub(crate) fn added_type_parameter(&self, name: &str) -> Ident {
        let name = Ident::new(name, Span::call_site());
        let is_taken = type_tokens::mentions(self.signature_names(), slice::from_ref(&name));
        if is_taken { format_ident!("__{name}") } else { name }
    }

    /// All names in the signature, and of the object that holds the cache.
    pub(crate) fn signature_names(&self) -> TokenStream {
        let Self { generics, result, .. } = self;
        let (types, where_clause) = (self.params.iter().map(|param| &param.ty), &generics.where_clause);
        quote! { #generics #where_clause #(#types)* #result }
    }

    /// The arguments, `self` included, to be passed on.
    pub(crate) fn arguments(&self) -> Vec<TokenStream> {
        let receiver = self.receiver.iter().map(|receiver| receiver.self_token.to_token_stream());
        receiver.chain(self.params.iter().map(|param| param.name.to_token_stream())).collect()
    }

    /// The arguments that functions in options take: all but the one that holds the cache, each with its
    /// type.
    pub(crate) fn given(&self) -> Vec<(TokenStream, Type)> {
        let types =
            self.receiver.iter().map(receiver_type).chain(self.params.iter().map(|param| param.ty.clone()));
        let is_given =
            |place: &TokenStream| self.holder.as_ref().is_none_or(|holder| *holder != place.to_string());
        self.arguments().into_iter().zip(types).filter(|(place, _)| is_given(place)).collect()
    }

    /// The arguments, `self` included, with their types.
    pub(crate) fn typed_arguments(&self) -> Vec<(Type, TokenStream)> {
        let types =
            self.receiver.iter().map(receiver_type).chain(self.params.iter().map(|param| param.ty.clone()));
        types.zip(self.arguments()).collect()
    }

    /// References to the arguments that functions in options take. `place` returns the place of an argument,
    /// by its number and its name.
    pub(crate) fn references(&self, place: impl Fn(usize, &TokenStream) -> TokenStream) -> Vec<TokenStream> {
        let given = self.given().into_iter().enumerate();
        let references = given.map(|(number, (name, ty))| {
            let place = place(number, &name);
            if is_reference(&ty) && self.entry_options_take(number) {
                place
            } else {
                quote! { &#place }
            }
        });
        references.collect()
    }

    /// Type and const parameters, as in a call.
    pub(crate) fn turbofish(&self) -> Option<TokenStream> {
        let names: Vec<_> = type_params(&self.generics).map(generic_argument).collect();
        (!names.is_empty()).then(|| quote! { ::<#(#names),*> })
    }

    /// Whether an expression visibly names nothing but items and its own variables: no path in it begins with
    /// a possible type or constant of the surrounding `impl`, and nothing is a parameter of the function.
    pub(crate) fn is_of_items(&self, expr: &Expr) -> bool {
        self.are_of_items(expr.to_token_stream())
    }

    pub(crate) fn are_of_items(&self, tokens: TokenStream) -> bool {
        // Only an item in the body has the parameters in scope.
        let is_in_body = matches!(self.accessors, Accessors::None);
        let mut colons = 0;
        tokens.into_iter().all(|token| {
            let is_of_items = match &token {
                TokenTree::Ident(name) => {
                    let (name, is_first) = (name.to_string(), colons < 2);
                    let is_lower = name.starts_with(|first: char| first.is_lowercase() || first == '_');
                    let is_parameter = is_in_body && self.params.iter().any(|param| param.name == name);
                    !is_first || (is_lower && !is_parameter)
                }
                TokenTree::Group(group) => self.are_of_items(group.stream()),
                // A lifetime, or a text that may have captured variables.
                TokenTree::Punct(punct) => punct.as_char() != '\'',
                TokenTree::Literal(literal) => !literal.to_string().contains('{'),
            };
            colons = match &token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons + 1,
                _ => 0,
            };
            is_of_items
        })
    }

    /// Whether this parameter holds the cache.
    pub(crate) fn holds_the_cache(&self, param: &Param) -> bool {
        self.holder.as_ref().is_some_and(|holder| param.name == *holder)
    }
}
