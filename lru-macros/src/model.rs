//! What was decided: everything the expansion needs, and no defaults left.

use proc_macro2::{Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Generics, Index, Pat, PatType, Path, Safety, Type, Visibility, parse_quote};

use crate::args::{Args, MaxSize};
use crate::attrs::Attrs;
use crate::func::Func;
use crate::types::{self, bare};

/// What `maxsize` is when nobody says: as in Python.
const DEFAULT_MAXSIZE: i128 = 128;

pub(crate) struct Model {
    pub(crate) attrs: Attrs,
    pub(crate) vis: Visibility,
    /// The same for the companion: a function that begins with a token of the user's would be
    /// taken by lints for one of the user's.
    pub(crate) companion_vis: TokenStream,
    pub(crate) safety: Option<syn::Token![unsafe]>,
    pub(crate) abi: Option<syn::Abi>,
    /// The user's own `fn`, by which lints tell that the function is one of the user's.
    pub(crate) fn_token: syn::Token![fn],
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) params: Vec<Param>,
    pub(crate) result: Type,
    pub(crate) outcome: Outcome,
    pub(crate) body: Group,
    /// The name of the companion type.
    pub(crate) handle: Ident,
    /// The path of `functools`.
    pub(crate) krate: Krate,
    pub(crate) maxsize: MaxSize,
    pub(crate) typed: bool,
}

pub(crate) struct Param {
    /// As the body sees it.
    pub(crate) written: PatType,
    /// The name under which it is passed on.
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) key: Key,
}

/// How an argument becomes part of the key.
pub(crate) enum Key {
    /// Its type is spelled from primitives: it is an `Argument`.
    Plain(Type),
    /// Its type is a name: what it is, the compiler knows.
    ByType(Type),
    /// A tuple that is written out: each element by itself.
    Tuple(Vec<Key>),
    /// A reference: what it refers to.
    Reference(Box<Key>),
}

/// What of the result is kept.
pub(crate) enum Outcome {
    /// All of it: its type is spelled from primitives.
    Plain,
    /// Its type is a name: what it is, the compiler knows.
    ByType,
}

impl Model {
    pub(crate) fn new(args: Args, func: Func) -> Self {
        let names = names(&func);
        let params = func.params().zip(names).map(|(written, name)| Param::new(written, name)).collect();
        let result = func.result().cloned().unwrap_or_else(|| parse_quote!(()));
        let krate = Krate::new(&args);
        let Func { attrs, vis, sig, body } = func;
        let handle = args.handle.unwrap_or_else(|| sig.ident.clone());
        Self {
            attrs: Attrs::new(&attrs),
            companion_vis: companion_vis(&vis),
            vis,
            safety: match sig.safety {
                Safety::Unsafe(token) => Some(token),
                _ => None,
            },
            abi: sig.abi,
            fn_token: sig.fn_token,
            name: sig.ident,
            generics: sig.generics,
            params,
            outcome: if is_plain_value(&result) { Outcome::Plain } else { Outcome::ByType },
            result,
            body,
            handle: at_call_site(&handle),
            krate,
            maxsize: args.maxsize.unwrap_or(MaxSize::Literal(DEFAULT_MAXSIZE)),
            typed: args.typed.unwrap_or(false),
        }
    }

    /// Whether a lifetime may have been left out in a type that the cache's own type mentions.
    pub(crate) fn may_leave_lifetimes_out(&self) -> bool {
        let params = self.params.iter().filter(|param| param.key.is_by_type()).map(|param| &param.ty);
        let result = matches!(self.outcome, Outcome::ByType).then_some(&self.result);
        params.chain(result).any(types::may_leave_lifetimes_out)
    }

    /// The cache, as the companion hands it out.
    pub(crate) fn memo(&self, companion: &TokenStream) -> TokenStream {
        let lifetime = self.may_leave_lifetimes_out().then(|| quote! { &() });
        quote! { #companion::__memo(#lifetime) }
    }
}

/// The path of `functools` in the user's crate.
pub(crate) enum Krate {
    Itself,
    Given(Path),
}

impl Krate {
    fn new(args: &Args) -> Self {
        args.krate.clone().map_or(Self::Itself, Self::Given)
    }

    /// The path, underlined elsewhere. A given one still means what it means where it was written:
    /// a macro may have given it as `$crate::functools`.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        match self {
            Self::Itself => quote_spanned! { span=> ::functools },
            Self::Given(path) => {
                let tokens = path.to_token_stream().into_iter().map(|mut token| {
                    token.set_span(token.span().located_at(span));
                    token
                });
                tokens.collect()
            }
        }
    }
}

impl ToTokens for Krate {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Itself => tokens.extend(quote! { ::functools }),
            Self::Given(path) => path.to_tokens(tokens),
        }
    }
}

/// A visibility that begins with a token of ours.
fn companion_vis(vis: &Visibility) -> TokenStream {
    let mut tokens = vis.to_token_stream().into_iter();
    let first = tokens.next().map(|mut token| {
        token.set_span(Span::call_site());
        token
    });
    first.into_iter().chain(tokens).collect()
}

/// The same name, seen where the attribute stands and not subject to lints.
fn at_call_site(ident: &Ident) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(Span::call_site());
    ident
}

/// A name for each parameter: its own where it has one that is nobody else's. Names of ours can't
/// be seen by the user's code, nor the other way round.
fn names(func: &Func) -> Vec<Ident> {
    let mut names: Vec<Ident> = Vec::new();
    for (place, param) in func.params().enumerate() {
        let own = match &*param.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
                let mut name = pat.ident.clone();
                name.set_span(Span::mixed_site());
                Some(name).filter(|name| !names.contains(name))
            }
            _ => None,
        };
        names.push(own.unwrap_or_else(|| format_ident!("__arg{place}", span = Span::mixed_site())));
    }
    names
}

impl Param {
    fn new(written: &PatType, name: Ident) -> Self {
        let ty = (*written.ty).clone();
        Self { written: written.clone(), name, key: Key::new(&ty), ty }
    }

    /// The parameter as everything but the body takes it.
    pub(crate) fn input(&self) -> TokenStream {
        let Self { name, ty, .. } = self;
        quote! { #name: #ty }
    }
}

impl Key {
    pub(crate) fn new(ty: &Type) -> Self {
        match bare(ty) {
            Type::Reference(reference) => Self::Reference(Box::new(Self::new(&reference.elem))),
            ty if is_plain(ty) => Self::Plain(ty.clone()),
            Type::Tuple(tuple) => Self::Tuple(tuple.elems.iter().map(Self::new).collect()),
            ty => Self::ByType(ty.clone()),
        }
    }

    /// Whether the compiler has to choose.
    pub(crate) fn is_by_type(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::ByType(_) => true,
            Self::Tuple(keys) => keys.iter().any(Self::is_by_type),
            Self::Reference(key) => key.is_by_type(),
        }
    }

    /// The type of what is stored.
    pub(crate) fn stored(&self, krate: &Krate) -> TokenStream {
        match self {
            Self::Plain(ty) => stored(ty, krate),
            Self::ByType(ty) => {
                let ty = types::with_static(ty);
                quote! { #krate::__private::stored!(#ty) }
            }
            Self::Tuple(keys) => {
                let stored: Vec<_> = keys.iter().map(|key| key.stored(krate)).collect();
                nested(&stored)
            }
            Self::Reference(key) => key.stored(krate),
        }
    }

    /// The expression that borrows the argument at `place`.
    pub(crate) fn borrow(&self, place: &TokenStream, krate: &Krate) -> TokenStream {
        match self {
            Self::Plain(_) => quote! { &#place },
            Self::ByType(ty) => {
                let span = types::first_span(ty);
                let krate = krate.at(span);
                quote_spanned! { span=> (&&&&&#krate::__private::Of(&#place)).__key() }
            }
            Self::Tuple(keys) => {
                let parts = keys.iter().enumerate().map(|(place_in, key)| {
                    let index = Index::from(place_in);
                    key.borrow(&quote!(#place.#index), krate)
                });
                nested(&parts.collect::<Vec<_>>())
            }
            // A reference is borrowed already.
            Self::Reference(key) if matches!(**key, Self::Plain(_)) => place.clone(),
            Self::Reference(key) => key.borrow(&quote!((*#place)), krate),
        }
    }
}

/// Whether a type is an `Argument` by its spelling: primitives, and what is made of them without
/// naming a type.
fn is_plain(ty: &Type) -> bool {
    match bare(ty) {
        Type::Path(_) => types::primitive(ty).is_some(),
        Type::Reference(reference) => reference.mutability.is_none() && is_plain(&reference.elem),
        Type::Slice(slice) => is_plain(&slice.elem),
        Type::Array(array) => is_plain(&array.elem),
        Type::Tuple(tuple) => tuple.elems.len() <= 20 && tuple.elems.iter().all(is_plain),
        _ => false,
    }
}

/// Whether a result is a plain value by its spelling.
fn is_plain_value(ty: &Type) -> bool {
    match bare(ty) {
        Type::Path(_) => types::primitive(ty).is_some_and(|primitive| primitive != "str"),
        Type::Array(array) => is_plain_value(&array.elem),
        Type::Tuple(tuple) => tuple.elems.len() <= 12 && tuple.elems.iter().all(is_plain_value),
        _ => false,
    }
}

/// The owned form of a type that is spelled from primitives.
fn stored(ty: &Type, krate: &Krate) -> TokenStream {
    match bare(ty) {
        Type::Path(_) if types::primitive(ty) == Some("str") => quote! { #krate::__private::String },
        Type::Reference(reference) => stored(&reference.elem, krate),
        Type::Slice(slice) => {
            let elem = stored(&slice.elem, krate);
            quote! { #krate::__private::Vec<#elem> }
        }
        Type::Array(array) => {
            let (elem, len) = (stored(&array.elem, krate), &array.len);
            quote! { [#elem; #len] }
        }
        Type::Tuple(tuple) => {
            let elems = tuple.elems.iter().map(|elem| stored(elem, krate));
            quote! { (#(#elems,)*) }
        }
        ty => ty.to_token_stream(),
    }
}

/// A tuple of any number of parts, in tuples of as many as are arguments.
pub(crate) fn nested(parts: &[TokenStream]) -> TokenStream {
    const MOST: usize = 20;
    if parts.len() <= MOST {
        return quote! { (#(#parts,)*) };
    }
    let tuples: Vec<_> = parts.chunks(MOST).map(|chunk| quote! { (#(#chunk,)*) }).collect();
    nested(&tuples)
}
