//! The parameters of a function, and the key that its arguments become.

use core::slice;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Expr, GenericParam, Pat, PatType, Receiver, Type};

use super::accessors::Accessors;
use super::key::{self, Identity, Key, Part, Scope};
use super::krate::Krate;
use super::option_functions::by_reference;
use crate::args::Args;
use crate::signature::{self, Func, KeyOption, receiver_type, type_params};
use crate::{pattern, type_tokens};

pub(crate) struct Param {
    /// The parameter as written.
    pub(crate) written: PatType,
    /// The name by which the argument is passed on.
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    /// The type as written, of a parameter with many elements; `ty` is that of one.
    pub(crate) whole: Option<Type>,
}

impl Param {
    fn new(written: &PatType, name: Ident) -> Self {
        Self { written: written.clone(), name, ty: (*written.ty).clone(), whole: None }
    }

    /// The parameter of every item but the one with the body.
    pub(crate) fn input(&self) -> TokenStream {
        let Self { name, ty, .. } = self;
        quote! { #name: #ty }
    }

    /// The parameter of the function itself.
    pub(crate) fn whole_input(&self) -> TokenStream {
        let Self { name, ty, whole, .. } = self;
        let ty = whole.as_ref().unwrap_or(ty);
        quote! { #name: #ty }
    }

    /// The parameter as the body takes it. A `_` has a span of ours: clippy accepts it on a free function,
    /// and reports it on an associated one.
    pub(crate) fn written(&self) -> PatType {
        let mut written = written(&self.written);
        if let Some(whole) = &self.whole {
            *written.ty = whole.clone();
        }
        written
    }
}

/// A parameter as the body takes it.
pub(crate) fn written(written: &PatType) -> PatType {
    let mut written = written.clone();
    if let Pat::Wild(wild) = &mut *written.pat {
        wild.underscore_token.span = Span::call_site();
    }
    written.attrs.retain(|attr| !signature::is_key(attr));
    written
}

/// The parameters, each with a name of its own.
///
/// A parameter keeps its name if the name is unique. Names are hygienic, so that they are not visible to the
/// user's code, unless an expression of the user's names the parameter: that of a key, or of the cache.
pub(super) fn params(args: &Args, func: &Func) -> Vec<Param> {
    let seeing = expressions(args, func);
    let mut params: Vec<Param> = Vec::new();
    for (place, written) in func.params().enumerate() {
        let own = match &*written.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
                let mut name = pat.ident.clone();
                if !type_tokens::mentions(seeing.clone(), slice::from_ref(&name)) {
                    name = type_tokens::respanned(&name, Span::mixed_site());
                }
                let is_free =
                    !name.to_string().starts_with("__arg") && params.iter().all(|param| param.name != name);
                is_free.then_some(name)
            }
            _ => None,
        };
        let name = own.unwrap_or_else(|| format_ident!("__arg{place}", span = Span::mixed_site()));
        params.push(Param::new(written, name));
    }
    params
}

/// The argument that holds the cache object, by the name by which it is passed on.
pub(super) fn holder(args: &Args, params: &[Param]) -> Option<Ident> {
    let holder = args.placement.holder()?;
    let param = params.iter().find(|param| pattern::bindings(&param.written.pat).contains(&holder));
    Some(param.map_or(holder, |param| param.name.clone()))
}

/// The user's expressions that can name parameters.
pub(super) fn expressions(args: &Args, func: &Func) -> TokenStream {
    let mut tokens = args.placement.cache.get().to_token_stream();
    for attrs in func.sig.inputs.iter().map(Func::attrs_of) {
        if let Ok(KeyOption::Expression(expr)) = KeyOption::parse(attrs) {
            expr.to_tokens(&mut tokens);
        }
    }
    tokens
}

/// An argument, which may be `self`, and its part in the key.
struct Argument {
    place: TokenStream,
    ty: Type,
    option: KeyOption,
}

/// The arguments of which a key is made: all but the one that holds the cache.
pub(super) struct Arguments {
    all: Vec<Argument>,
    /// Whether a key function takes them.
    make_key: bool,
}

impl Arguments {
    pub(super) fn new(args: &Args, func: &Func, params: &[Param]) -> Self {
        let holder = holder(args, params);
        let option = |attrs: &[syn::Attribute]| KeyOption::parse(attrs).unwrap_or(KeyOption::Itself);
        let receiver = func.receiver().map(|receiver| Argument {
            place: receiver.self_token.to_token_stream(),
            ty: receiver_type(receiver),
            option: option(&receiver.attrs),
        });
        let params = params.iter().map(|param| Argument {
            place: param.name.to_token_stream(),
            ty: param.ty.clone(),
            option: option(&param.written.attrs),
        });
        let all = receiver.into_iter().chain(params);
        let is_key =
            |argument: &Argument| holder.as_ref().is_none_or(|holder| *holder != argument.place.to_string());
        Self { all: all.filter(is_key).collect(), make_key: args.key.key.is_some() }
    }

    /// The parts of the key. With a key function there is one.
    pub(super) fn parts(&self, key: Option<&Expr>, scope: &Scope, krate: &Krate) -> Vec<Part> {
        if let Some(key) = key {
            let borrowed = self.all.iter().map(|Argument { place, ty, .. }| by_reference(place, ty));
            let by = format_ident!("by{}", self.all.len(), span = Span::call_site());
            let place = quote! { #krate::__private::#by(#(#borrowed,)* #key) };
            return vec![Part { place, key: Key::made(key, scope) }];
        }
        let part = |Argument { place, ty, option }: &Argument| match option {
            KeyOption::Itself => Some(Part { place: place.clone(), key: Key::new(ty, scope) }),
            KeyOption::Expression(expr) => {
                Some(Part { place: quote! { (#expr) }, key: Key::made(expr, scope) })
            }
            KeyOption::Skip => None,
        };
        self.all.iter().filter_map(part).collect()
    }

    /// The identity of an instance, where there may be several.
    pub(super) fn identity(
        &self,
        typed: bool,
        accessors: &Accessors,
        func: &Func,
        result: &Type,
    ) -> Identity {
        let generics = &func.sig.generics;
        let in_key: Vec<_> = self.in_key().collect();
        let shared = if typed { Vec::new() } else { key::shared(generics, &in_key, result) };
        let params = type_params(generics)
            .filter(|param| !matches!(param, GenericParam::Type(param) if shared.contains(&param.ident)))
            .cloned();
        // The parameters of an `impl` are never shared.
        let around = func.surroundings.as_deref();
        let of_impl = around.into_iter().flat_map(|around| type_params(&around.of_accessors).cloned());
        let params: Vec<_> = of_impl.chain(params).collect();
        // An `impl Trait` is identified by the type of its argument.
        let tells = |argument: &&Argument| {
            let is_whole =
                matches!(type_tokens::pointee(&argument.ty), Type::ImplTrait(_)) && self.is_part(argument);
            type_tokens::impl_trait(&argument.ty).is_some() && (typed || !is_whole)
        };
        let arguments: Vec<_> =
            self.all.iter().filter(tells).map(|argument| argument.place.clone()).collect();
        let is_one = params.is_empty() && arguments.is_empty();
        match accessors {
            Accessors::Companion(_) if is_one => Identity::None,
            Accessors::Siblings(_) if is_one && around.is_some_and(|around| !around.is_generic()) => {
                Identity::None
            }
            // The function may be in an `impl` with parameters.
            Accessors::None => Identity::Body,
            _ => Identity::Of { params, arguments },
        }
    }

    /// Whether the argument itself is a part of the key.
    fn is_part(&self, argument: &Argument) -> bool {
        !self.make_key && matches!(argument.option, KeyOption::Itself)
    }

    /// The types of the arguments that are parts of the key themselves.
    fn in_key(&self) -> impl Iterator<Item = &Type> {
        self.all.iter().filter(|argument| self.is_part(argument)).map(|argument| &argument.ty)
    }
}

/// The `self` parameter of every item but the one with the body.
pub(super) fn plain_receiver(receiver: &Receiver) -> TokenStream {
    let mut receiver = receiver.clone();
    receiver.attrs.clear();
    receiver.mutability = None;
    receiver.into_token_stream()
}
