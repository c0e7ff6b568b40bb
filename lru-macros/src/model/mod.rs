//! What was decided: everything the expansion needs, and no defaults left.

mod backend;
mod flight;
mod key;
mod outcome;
mod terms;

use core::slice;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{
    Expr, ExprLit, GenericParam, Generics, Lit, Pat, PatType, Path, Receiver, ReceiverKind, Safety, Type,
    Visibility, parse_quote,
};

use crate::args::{self, Args, MaxSize};
use crate::attributes::Attrs;
use crate::signature::{Func, KeyOption};
use crate::type_tokens;

pub(crate) use backend::Backend;
pub(crate) use flight::{Flight, Refresh};
pub(crate) use key::{Identity, Key, KeyPlan, Part, Scope};
pub(crate) use outcome::{Outcome, Rules};
pub(crate) use terms::{Terms, Told, is_reference};

/// What `maxsize` is when nobody says: as in Python.
pub(crate) const DEFAULT_MAXSIZE: i128 = 128;

pub(crate) struct Model {
    pub(crate) attrs: Attrs,
    pub(crate) vis: Visibility,
    /// The same for the accessors: a function that begins with a token of the user's would be
    /// taken by lints for one of the user's.
    pub(crate) accessor_vis: TokenStream,
    pub(crate) flavor: Flavor,
    pub(crate) safety: Option<syn::Token![unsafe]>,
    pub(crate) abi: Option<syn::Abi>,
    /// The user's own `fn`, by which lints tell that the function is one of the user's.
    pub(crate) fn_token: syn::Token![fn],
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) receiver: Option<Receiver>,
    pub(crate) params: Vec<Param>,
    pub(crate) result: Type,
    pub(crate) body: Group,
    pub(crate) accessors: Accessors,
    pub(crate) place: Place,
    pub(crate) key: KeyPlan,
    pub(crate) outcome: Outcome,
    pub(crate) terms: Terms,
    pub(crate) flight: Option<Flight>,
    pub(crate) backend: Option<Backend>,
    /// The path of `functools`.
    pub(crate) krate: Krate,
    pub(crate) typed: bool,
    /// The types of the arguments in the key and of what is kept of the result, where they can be named.
    pub(crate) named: Option<Named>,
}

/// What is remembered, by the names of its types.
pub(crate) struct Named {
    pub(crate) arguments: Vec<Key>,
    pub(crate) outcome: Outcome,
}

/// Whether the body is awaited.
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

/// Where the accessors stand.
pub(crate) enum Accessors {
    /// On a type of this name.
    Companion(Ident),
    /// Beside the method, with its name in front.
    Siblings,
    /// Nowhere.
    None,
}

/// Where the cache is.
pub(crate) enum Place {
    /// In a `static`.
    Static(Room),
    /// Where this expression says.
    Object(Expr),
}

/// A cache of the function's own.
pub(crate) struct Room {
    pub(crate) maxsize: MaxSize,
    pub(crate) parts: Parts,
}

/// Whether it is spelled as the number 1.
fn is_one(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if number.base10_digits() == "1")
}

/// How many there are of it.
pub(crate) enum Parts {
    One,
    /// One whose entries never leave by themselves: threads can read it at the same time.
    Open,
    /// So many, by the hash of the key.
    Shards(Expr),
    PerThread,
}

pub(crate) struct Param {
    /// As the body sees it.
    pub(crate) written: PatType,
    /// The name under which it is passed on.
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

impl Model {
    pub(crate) fn new(args: Args, func: Func) -> Self {
        let accessors = accessors(&args, &func);
        let scope = scope(&args, &func);
        let result = result(&func);
        let rules = rules(&args);
        let params = params(&args, &func);
        let typed = args.typed.as_ref().is_some_and(|typed| typed.value);
        let arguments = Arguments::new(&args, &func, &params);
        let krate = Krate::new(&args);
        let key = KeyPlan {
            identity: arguments.identity(typed, &accessors, &func, &result),
            parts: arguments.parts(args.key.as_ref(), &scope, &krate),
        };
        let terms = Terms::new(&args);
        let flight = Flight::new(&args, &func);
        let backend = Backend::new(&args, &func, &accessors);
        let named = named(&args, &func, &arguments, &krate);
        let is_per_thread = args.is_per_thread();
        let is_open = matches!(args.maxsize, Some(MaxSize::None)) && !terms.are_any();
        let place = match args.cache {
            Some(object) => Place::Object(object),
            None => Place::Static(Room {
                parts: match args.shards.filter(|shards| !is_one(shards)) {
                    _ if is_per_thread => Parts::PerThread,
                    Some(shards) => Parts::Shards(shards),
                    None if is_open => Parts::Open,
                    None => Parts::One,
                },
                maxsize: args.maxsize.unwrap_or(MaxSize::Literal(DEFAULT_MAXSIZE)),
            }),
        };
        let receiver = func.receiver().cloned();
        let Func { attrs, vis, sig, body } = func;
        Self {
            attrs: Attrs::new(&attrs),
            accessor_vis: accessor_vis(&vis),
            vis,
            flavor: sig.asyncness.map_or(Flavor::Sync, Flavor::Async),
            safety: match sig.safety {
                Safety::Unsafe(token) => Some(token),
                _ => None,
            },
            abi: sig.abi,
            fn_token: sig.fn_token,
            name: sig.ident,
            generics: sig.generics,
            receiver,
            params,
            outcome: Outcome::new(&result, rules, &scope),
            terms,
            flight,
            backend,
            result,
            body,
            accessors,
            place,
            key,
            krate,
            typed,
            named,
        }
    }

    /// The name of the function, without an `r#`.
    pub(crate) fn plain_name(&self) -> String {
        self.name.unraw().to_string()
    }

    /// Whether a lifetime may have been left out in a type that the cache's own type mentions.
    pub(crate) fn may_leave_lifetimes_out(&self) -> bool {
        self.key.parts.iter().any(|part| part.key.may_leave_lifetimes_out())
            || self.outcome.may_leave_lifetimes_out()
    }

    /// Whether the compiler chooses how something is kept.
    pub(crate) fn has_choices(&self) -> bool {
        self.outcome.is_chosen() || self.key.parts.iter().any(|part| part.key.is_chosen())
    }

    /// All that the function takes, `self` among it, as everything but the body takes it.
    pub(crate) fn inputs(&self) -> Vec<TokenStream> {
        let receiver = self.receiver.iter().map(plain_receiver);
        receiver.chain(self.params.iter().map(Param::input)).collect()
    }

    /// What the function takes, to be passed on.
    pub(crate) fn arguments(&self) -> Vec<TokenStream> {
        let receiver = self.receiver.iter().map(|receiver| receiver.self_token.to_token_stream());
        receiver.chain(self.params.iter().map(|param| param.name.to_token_stream())).collect()
    }

    /// What the user's functions are given: all arguments but the one that holds the cache, each with its
    /// type.
    pub(crate) fn given(&self) -> Vec<(TokenStream, Type)> {
        let holder = match &self.place {
            Place::Object(expr) => root(expr),
            Place::Static(_) => None,
        };
        let types =
            self.receiver.iter().map(receiver_type).chain(self.params.iter().map(|param| param.ty.clone()));
        let is_given =
            |place: &TokenStream| holder.as_ref().is_none_or(|holder| *holder != place.to_string());
        self.arguments().into_iter().zip(types).filter(|(place, _)| is_given(place)).collect()
    }

    /// What the function takes, and of what types.
    pub(crate) fn typed_arguments(&self) -> Vec<(Type, TokenStream)> {
        let types =
            self.receiver.iter().map(receiver_type).chain(self.params.iter().map(|param| param.ty.clone()));
        types.zip(self.arguments()).collect()
    }

    /// References to what the user's functions are given. `place` makes a place of the number of an
    /// argument among them and its name.
    pub(crate) fn references(&self, place: impl Fn(usize, &TokenStream) -> TokenStream) -> Vec<TokenStream> {
        let given = self.given().into_iter().enumerate();
        let references = given.map(|(number, (name, ty))| {
            let place = place(number, &name);
            if terms::is_reference(&ty) {
                place
            } else {
                quote! { &#place }
            }
        });
        references.collect()
    }

    /// Type and const parameters, as a call names them.
    pub(crate) fn turbofish(&self) -> Option<TokenStream> {
        let names: Vec<_> = type_params(&self.generics)
            .map(|param| match param {
                GenericParam::Type(param) => param.ident.to_token_stream(),
                GenericParam::Const(param) => param.ident.to_token_stream(),
                GenericParam::Lifetime(param) => param.lifetime.to_token_stream(),
            })
            .collect();
        (!names.is_empty()).then(|| quote! { ::<#(#names),*> })
    }

    /// The name of an accessor, or of what it needs.
    pub(crate) fn accessor(&self, name: &str) -> Ident {
        match self.accessors {
            Accessors::Siblings => match name.strip_prefix("__") {
                Some(name) => format_ident!("__{}_{name}", self.name, span = Span::call_site()),
                None => format_ident!("{}_{name}", self.name, span = Span::call_site()),
            },
            _ => Ident::new(name, Span::call_site()),
        }
    }

    /// The type on which the accessors stand, as the function sees it.
    pub(crate) fn home(&self) -> TokenStream {
        match &self.accessors {
            Accessors::Companion(handle) => quote!(#handle),
            Accessors::Siblings | Accessors::None => quote!(Self),
        }
    }

    /// The input that holds the cache, where one does: what those accessors take that take no
    /// arguments.
    pub(crate) fn object(&self) -> Option<TokenStream> {
        let Place::Object(expr) = &self.place else { return None };
        let root = root(expr)?;
        if let Some(receiver) = self.receiver.as_ref().filter(|_| root == "self") {
            let this = &receiver.self_token;
            return Some(quote! { &#this });
        }
        self.params.iter().find(|param| self.holds_the_cache(param)).map(Param::input)
    }

    /// Those of its parameters that the type of what holds the cache mentions.
    pub(crate) fn object_generics(&self) -> Option<Generics> {
        let holder = self.params.iter().find(|param| self.holds_the_cache(param))?;
        let is_mentioned = |param: &GenericParam| {
            let name = match param {
                GenericParam::Type(param) => &param.ident,
                GenericParam::Const(param) => &param.ident,
                GenericParam::Lifetime(param) => &param.lifetime.ident,
            };
            type_tokens::mentions(holder.ty.to_token_stream(), slice::from_ref(name))
        };
        let params = self.generics.params.iter().filter(|param| is_mentioned(param)).cloned().collect();
        Some(Generics { params, where_clause: None, ..self.generics.clone() })
    }

    /// Whether an expression names items and variables of its own alone, as far as its spelling tells: no
    /// path in it begins with what may be a type or a constant of the `impl` around it, and nothing is a
    /// parameter of the function.
    pub(crate) fn is_of_items(&self, expr: &Expr) -> bool {
        self.are_of_items(expr.to_token_stream())
    }

    fn are_of_items(&self, tokens: TokenStream) -> bool {
        // Elsewhere there are no arguments.
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
                // A lifetime, or a text that may name what it shows.
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

    /// Conditions, which siblings carry one by one.
    pub(crate) fn cfg_of_siblings(&self) -> &[syn::Attribute] {
        if matches!(self.accessors, Accessors::Siblings) { &self.attrs.cfg } else { &[] }
    }

    /// Whether the cache is found by this parameter.
    pub(crate) fn holds_the_cache(&self, param: &Param) -> bool {
        matches!(&self.place, Place::Object(expr) if root(expr).is_some_and(|root| param.name == root))
    }
}

/// Where the accessors of a function stand.
fn accessors(args: &Args, func: &Func) -> Accessors {
    let chosen = args.accessors.as_ref().map(|accessors| accessors.value);
    match chosen {
        Some(args::Accessors::None) => Accessors::None,
        Some(args::Accessors::Siblings) => Accessors::Siblings,
        None if func.is_method() => Accessors::Siblings,
        _ => Accessors::Companion(at_call_site(args.handle.as_ref().unwrap_or(&func.sig.ident))),
    }
}

/// What the function returns.
fn result(func: &Func) -> Type {
    func.result().cloned().unwrap_or_else(|| parse_quote!(()))
}

/// What of it is remembered.
fn rules(args: &Args) -> Rules {
    Rules { errors: args.cache_errors.unwrap_or(false), none: args.cache_none.unwrap_or(true) }
}

/// Whether the user's functions can be told the arguments that are in the key.
pub(crate) fn names_arguments(args: &Args, func: &Func) -> bool {
    let arguments = Arguments::new(args, func, &params(args, func));
    named(args, func, &arguments, &Krate::new(args)).is_some()
}

fn named(args: &Args, func: &Func, arguments: &Arguments, krate: &Krate) -> Option<Named> {
    let scope = scope_of_function(args, func);
    let parts = arguments.parts(args.key.as_ref(), &scope, krate);
    let arguments: Vec<_> = parts.into_iter().map(|part| part.key).collect();
    let outcome = Outcome::new(&result(func), rules(args), &scope);
    (!outcome.is_unnamed() && !arguments.iter().any(Key::is_erased)).then_some(Named { arguments, outcome })
}

/// Where the cache lies.
fn scope(args: &Args, func: &Func) -> Scope {
    if args.cache.is_some() { Scope::Object } else { scope_of_function(args, func) }
}

/// Where a cache of the function's own lies.
fn scope_of_function(args: &Args, func: &Func) -> Scope {
    let names = type_params(&func.sig.generics).filter_map(|param| match param {
        GenericParam::Type(param) => Some(param.ident.clone()),
        GenericParam::Const(param) => Some(param.ident.clone()),
        GenericParam::Lifetime(_) => None,
    });
    let is_method =
        func.is_method() || args.accessors.as_ref().is_some_and(|at| at.value != args::Accessors::Companion);
    Scope::Own { params: names.collect(), is_method, is_per_thread: args.is_per_thread() }
}

/// Type and const parameters.
pub(crate) fn type_params(generics: &Generics) -> impl Iterator<Item = &GenericParam> {
    generics.params.iter().filter(|param| !matches!(param, GenericParam::Lifetime(_)))
}

/// The name that an expression begins with: `self` of `self.shop.prices()`.
pub(crate) fn root(expr: &Expr) -> Option<Ident> {
    match expr {
        Expr::Path(path) => path.path.get_ident().cloned(),
        Expr::Field(field) => root(&field.base),
        Expr::MethodCall(call) => root(&call.receiver),
        Expr::Index(index) => root(&index.expr),
        Expr::Reference(reference) => root(&reference.expr),
        Expr::Unary(unary) => root(&unary.expr),
        Expr::Paren(paren) => root(&paren.expr),
        Expr::Group(group) => root(&group.expr),
        _ => None,
    }
}

/// One of the arguments, `self` among them, and what it is to the key.
struct Argument {
    place: TokenStream,
    ty: Type,
    option: KeyOption,
}

/// The arguments that a key is made of: all but the one that holds the cache.
struct Arguments {
    all: Vec<Argument>,
    /// Whether a function makes the key of them.
    make_key: bool,
}

impl Arguments {
    fn new(args: &Args, func: &Func, params: &[Param]) -> Self {
        let holder = args.cache.as_ref().and_then(root);
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
        Self { all: all.filter(is_key).collect(), make_key: args.key.is_some() }
    }

    /// What the key is made of. A key function makes it of all arguments.
    fn parts(&self, key: Option<&Expr>, scope: &Scope, krate: &Krate) -> Vec<Part> {
        if let Some(key) = key {
            let borrowed = self.all.iter().map(|Argument { place, ty, .. }| {
                let is_borrowed = matches!(type_tokens::bare(ty), Type::Reference(_));
                if is_borrowed {
                    place.clone()
                } else {
                    quote! { &#place }
                }
            });
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

    /// What beside the arguments tells calls apart.
    fn identity(&self, typed: bool, accessors: &Accessors, func: &Func, result: &Type) -> Identity {
        let generics = &func.sig.generics;
        let in_key: Vec<_> = self.in_key().collect();
        let shared = if typed { Vec::new() } else { key::shared(generics, &in_key, result) };
        let params: Vec<_> = type_params(generics)
            .filter(|param| !matches!(param, GenericParam::Type(param) if shared.contains(&param.ident)))
            .cloned()
            .collect();
        // A parameter without a name is told by the type of the argument it stands in.
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
            // Whether it stands in an `impl` that has parameters, it doesn't tell.
            Accessors::None => Identity::Body,
            _ => Identity::Of { params, arguments },
        }
    }

    /// Whether it is a part of the key as it is.
    fn is_part(&self, argument: &Argument) -> bool {
        !self.make_key && matches!(argument.option, KeyOption::Itself)
    }

    /// The types of those that are parts of the key as they are.
    fn in_key(&self) -> impl Iterator<Item = &Type> {
        self.all.iter().filter(|argument| self.is_part(argument)).map(|argument| &argument.ty)
    }
}

/// The type of `self`.
fn receiver_type(receiver: &Receiver) -> Type {
    let this = Ident::new("Self", receiver.self_token.span);
    match &receiver.kind {
        ReceiverKind::Reference(..) => parse_quote!(&#this),
        ReceiverKind::Typed(_, ty) => (**ty).clone(),
        _ => parse_quote!(#this),
    }
}

/// `self` as everything but the body takes it.
fn plain_receiver(receiver: &Receiver) -> TokenStream {
    let mut receiver = receiver.clone();
    receiver.attrs.clear();
    receiver.mutability = None;
    receiver.into_token_stream()
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
fn accessor_vis(vis: &Visibility) -> TokenStream {
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

/// The parameters, each with a name of its own.
///
/// It has its own name where it has one that is nobody else's. Names of ours can't be seen by the
/// user's code, nor the other way round, except where the user's code is to see them: in an
/// expression that makes the key or finds the cache.
fn params(args: &Args, func: &Func) -> Vec<Param> {
    let seeing = expressions(args, func);
    let mut params: Vec<Param> = Vec::new();
    for (place, written) in func.params().enumerate() {
        let own = match &*written.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
                let mut name = pat.ident.clone();
                if !type_tokens::mentions(seeing.clone(), slice::from_ref(&name)) {
                    name.set_span(Span::mixed_site());
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

/// The user's expressions in which parameters are named.
fn expressions(args: &Args, func: &Func) -> TokenStream {
    let mut tokens = args.cache.to_token_stream();
    for attrs in func.sig.inputs.iter().map(Func::attrs_of) {
        if let Ok(KeyOption::Expression(expr)) = KeyOption::parse(attrs) {
            expr.to_tokens(&mut tokens);
        }
    }
    tokens
}

impl Param {
    fn new(written: &PatType, name: Ident) -> Self {
        Self { written: written.clone(), name, ty: (*written.ty).clone() }
    }

    /// The parameter as everything but the body takes it.
    pub(crate) fn input(&self) -> TokenStream {
        let Self { name, ty, .. } = self;
        quote! { #name: #ty }
    }

    /// The parameter as the body takes it. A `_` is not subject to lints: clippy passes over that of a
    /// free function's parameter, and minds that of an associated function's.
    pub(crate) fn written(&self) -> PatType {
        let mut written = self.written.clone();
        if let Pat::Wild(wild) = &mut *written.pat {
            wild.underscore_token.span = Span::call_site();
        }
        written.attrs.retain(|attr| !crate::signature::is_key(attr));
        written
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
