//! What needs an argument, by which an accessor takes it or not.

use core::slice;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, ExprClosure, FnArg, Pat, Type};

use super::params::{self, Param, expressions};
use super::{Model, Place, lifecycle, option_functions};
use crate::args::Args;
use crate::signature::{Func, KeyOption};
use crate::{lifetimes, pattern, type_tokens};

/// What needs an argument, apart from the body: an item takes the arguments up to one of these.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// The key, or the cache.
    Key,
    /// A function that decides how a result is stored.
    EntryOptions,
    /// The body alone.
    Body,
}

impl Need {
    /// What needs each argument, `self` included.
    pub(super) fn of_arguments(args: &Args, func: &Func, params: &[Param]) -> Vec<Self> {
        let named = expressions(args, func);
        let holder = params::holder(args, params);
        let mut params = params.iter();
        let mut place = 0;
        let needs = func.sig.inputs.iter().map(|input| {
            let name = match input {
                FnArg::Receiver(receiver) => Some(Ident::from(receiver.self_token)),
                FnArg::Typed(_) => params.next().map(|param| param.name.clone()),
            };
            let mut variables: Vec<_> = name.iter().cloned().collect();
            if let FnArg::Typed(param) = input {
                variables.extend(pattern::bindings(&param.pat));
            }
            let is_named = type_tokens::mentions(named.clone(), &variables);
            let this = place;
            place += usize::from(name != holder);
            if args.key.key.is_some() || is_named || is_in_key(input) {
                return Self::Key;
            }
            let mut options =
                lifecycle::of_arguments(&args.eviction, &args.expiry, &args.results.keep, &args.validity);
            if options.any(|function| takes(function, this)) { Self::EntryOptions } else { Self::Body }
        });
        needs.collect()
    }
}

/// Whether the argument or its type is in the key. The type of an `impl Trait` has no name by which an
/// accessor could be called without the argument.
fn is_in_key(input: &FnArg) -> bool {
    let is_skipped = matches!(KeyOption::parse(Func::attrs_of(input)), Ok(KeyOption::Skip));
    let is_unnamed = matches!(input, FnArg::Typed(param) if type_tokens::impl_trait(&param.ty).is_some());
    !is_skipped || is_unnamed
}

/// Whether the function of an option uses the argument at this place. A closure visibly does not use a `_`, or
/// a `_name` that is not in its body.
fn takes(function: &Expr, place: usize) -> bool {
    let Expr::Closure(ExprClosure { inputs, body, .. }) = function else { return true };
    match inputs.get(place) {
        Some(Pat::Wild(_)) => false,
        Some(Pat::Ident(pat)) if pat.ident.to_string().starts_with('_') => {
            let body: TokenStream = body.to_token_stream();
            body.to_string().contains(&pat.ident.to_string())
        }
        _ => true,
    }
}

impl Model {
    /// The parameters, `self` included, of an item that takes what is needed up to this.
    pub(crate) fn inputs_up_to(&self, most: Need) -> Vec<TokenStream> {
        let receiver = self.receiver.iter().map(params::plain_receiver);
        let inputs = receiver.chain(self.params.iter().map(Param::input)).zip(&self.needs);
        inputs.filter(|(_, need)| **need <= most).map(|(input, _)| input).collect()
    }

    /// `self`, where an item that takes what is needed up to this does not take it.
    pub(crate) fn receiver_beyond(&self, most: Need) -> Option<TokenStream> {
        let receiver = self.receiver.as_ref()?;
        self.needs.first().filter(|need| **need > most).map(|_| params::plain_receiver(receiver))
    }

    /// Like [`inputs_up_to`](Self::inputs_up_to), with another type for the parameter that has the elements.
    pub(crate) fn inputs_up_to_of(&self, most: Need, elements: Option<&Type>) -> Vec<TokenStream> {
        let Some((batch, ty)) = self.batch.as_ref().zip(elements) else { return self.inputs_up_to(most) };
        let receiver = self.receiver.iter().map(params::plain_receiver);
        let params = self.params.iter().enumerate().map(|(number, param)| {
            let name = &param.name;
            if number == batch.param {
                quote! { #name: #ty }
            } else {
                param.input()
            }
        });
        let inputs = receiver.chain(params).zip(&self.needs);
        inputs.filter(|(_, need)| **need <= most).map(|(input, _)| input).collect()
    }

    /// The variables that the user's expressions see of parameters that are patterns: references to what these
    /// bind, where an item takes what is needed up to `most`. Without, of the one that holds the cache.
    pub(crate) fn taken_apart(&self, most: Option<Need>) -> Vec<TokenStream> {
        let needs = self.needs.iter().skip(usize::from(self.receiver.is_some()));
        let params = self.params.iter().zip(needs).filter(|(param, need)| match most {
            Some(most) => **need <= most,
            None => self.holds_the_cache(param),
        });
        let parts = params.filter_map(|(Param { written, name, .. }, _)| {
            let is_seen = |name: &Ident| type_tokens::mentions(self.seeing.clone(), slice::from_ref(name));
            let is_apart =
                !matches!(&*written.pat, Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none());
            if !is_apart || !pattern::bindings(&written.pat).iter().any(is_seen) {
                return None;
            }
            // Lints would report a name that no expression uses.
            let pat = pattern::by_reference(&written.pat, |name| {
                if !is_seen(name) {
                    *name = type_tokens::respanned(name, Span::call_site());
                }
            });
            Some(quote! { let #pat = &#name; })
        });
        parts.collect()
    }

    /// Whether an item that takes what is needed up to this takes all arguments.
    pub(crate) fn takes_all(&self, most: Need) -> bool {
        self.needs.iter().all(|need| *need <= most)
    }

    /// Whether a function that decides how a result is stored visibly looks at the argument at this place. No other
    /// argument needs a copy for them.
    pub(crate) fn entry_options_take(&self, place: usize) -> bool {
        self.lifecycle.of_arguments().any(|function| takes(function, place))
    }

    /// References to the arguments that functions in options take, as `cache_put` has them: in the place of
    /// one that it does not take is another value, which no option uses.
    pub(crate) fn references_of_put(&self) -> Vec<TokenStream> {
        let arguments = self.arguments();
        let is_taken = |name: &TokenStream| {
            let mut needs = arguments.iter().zip(&self.needs);
            needs.any(|(argument, need)| argument.to_string() == name.to_string() && *need < Need::Body)
        };
        let given = self.given().into_iter();
        let references = given.map(|(name, ty)| {
            if is_taken(&name) {
                option_functions::by_reference(&name, &ty)
            } else {
                quote! { &::core::marker::PhantomData::<()> }
            }
        });
        references.collect()
    }

    /// The type of a result as `cache_peek` returns it. A lifetime that the function's result has from an
    /// argument that only the body needs is `'static`: it is part of an error, which is not stored.
    pub(crate) fn peeked(&self) -> Type {
        let is_own = matches!(self.place, Place::Static(_));
        if is_own && !self.takes_all(Need::Key) && lifetimes::omits_lifetime(&self.result) {
            lifetimes::with_static(&self.result)
        } else {
            self.result.clone()
        }
    }
}
