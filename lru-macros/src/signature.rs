//! The function as the user wrote it. Its body stays raw tokens: rustc reports what is wrong in it.

use std::rc::Rc;
use std::vec;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{
    Expr, FnArg, GenericParam, Generics, PatType, Receiver, ReceiverKind, ReturnType, Signature, Token, Type,
    TypeParamBound, Visibility, WherePredicate, parse_quote,
};

use crate::args::{Accessors, Args, Attribute, ungrouped};
use crate::body;
use crate::future_type::FutureType;
use crate::previous::{Previous, is_previous};
use crate::surroundings::Surroundings;
use crate::type_tokens;

pub(crate) struct Func {
    pub(crate) attrs: Vec<syn::Attribute>,
    pub(crate) vis: Visibility,
    /// The signature; of a function that returns a future, as an `async fn` has it.
    pub(crate) sig: Signature,
    /// The future that is the return type as written, where there is one.
    pub(crate) future: Option<FutureType>,
    pub(crate) body: Group,
    /// The `impl` around it, where that has `#[memoize]`.
    pub(crate) surroundings: Option<Rc<Surroundings>>,
    /// The parameter that callers do not give, which is not in the signature here.
    pub(crate) previous: Option<Previous>,
}

impl Func {
    /// Parses the function that the attribute of this name is on.
    pub(crate) fn parse(attribute: &str, item: TokenStream) -> syn::Result<Self> {
        let parser = |input: ParseStream| {
            let attrs = input.call(syn::Attribute::parse_outer)?;
            let vis = input.parse()?;
            if !is_function(input) {
                let instead = instead_of_item(attribute, input);
                return Err(input.error(format!("`#[{attribute}]` can only be used on a function{instead}")));
            }
            let mut sig = input.parse()?;
            if input.peek(Token![;]) {
                let message =
                    "a function without a body cannot be cached; put the attribute on the implementation";
                return Err(input.error(message));
            }
            let future = into_async(&mut sig);
            Ok(Self { attrs, vis, sig, future, body: body::body(input)?, surroundings: None, previous: None })
        };
        parser.parse2(item)
    }

    /// The function as its callers see it, in an `impl` that may have `#[memoize]`.
    pub(crate) fn within(mut self, surroundings: Option<Rc<Surroundings>>) -> Self {
        if let Some(surroundings) = &surroundings {
            surroundings.resolve(&mut self.sig);
        }
        let previous = Previous::take(&mut self.sig);
        Self { surroundings, previous, ..self }
    }

    /// The function as it was, without the attributes of this crate, and without the `const` that was
    /// reported.
    pub(crate) fn without_options(&self) -> TokenStream {
        let Self { attrs, vis, body, .. } = self;
        let mut sig = self.sig.clone();
        sig.constness = None;
        if let Some(FutureType { written, .. }) = &self.future {
            sig.asyncness = None;
            sig.output = parse_quote! { -> #written };
        }
        for input in &mut sig.inputs {
            let attrs = match input {
                FnArg::Typed(param) => &mut param.attrs,
                FnArg::Receiver(receiver) => &mut receiver.attrs,
            };
            attrs.retain(|attr| !is_key(attr) && !is_previous(attr));
        }
        let bound = self.previous.as_ref().map(|previous| previous.bound_in(body));
        let body = bound.as_ref().unwrap_or(body);
        let attrs = attrs.iter().filter(|attr| !Attribute::is_one(attr));
        quote! { #(#attrs)* #vis #sig #body }
    }

    /// The parameters without `self`.
    // A vector: what is done with a closure's iterator would be compiled for each use.
    pub(crate) fn params(&self) -> vec::IntoIter<&PatType> {
        let mut params = Vec::new();
        for input in &self.sig.inputs {
            if let FnArg::Typed(param) = input {
                params.push(param);
            }
        }
        params.into_iter()
    }

    /// The `self` of a method.
    pub(crate) fn receiver(&self) -> Option<&Receiver> {
        self.sig.inputs.iter().find_map(|input| match input {
            FnArg::Receiver(receiver) => Some(receiver),
            FnArg::Typed(_) => None,
        })
    }

    /// The attributes of all parameters, `self` included.
    pub(crate) fn param_attrs(&self) -> impl Iterator<Item = &syn::Attribute> {
        self.sig.inputs.iter().flat_map(Self::attrs_of)
    }

    /// The attributes of a parameter.
    pub(crate) fn attrs_of(input: &FnArg) -> &[syn::Attribute] {
        match input {
            FnArg::Typed(param) => &param.attrs,
            FnArg::Receiver(receiver) => &receiver.attrs,
        }
    }

    /// Whether the function is visibly in an `impl` or a trait: it has or names `self` or `Self`, or `#[memoize]`
    /// is on the `impl`.
    pub(crate) fn is_method(&self) -> bool {
        self.surroundings.is_some() || self.receiver().is_some() || self.self_type().is_some()
    }

    /// The `Self` of an associated function.
    pub(crate) fn self_type(&self) -> Option<Ident> {
        let Signature { inputs, output, .. } = &self.sig;
        type_tokens::self_type_in(quote!(#inputs #output))
            .or_else(|| type_tokens::self_type_in(self.body.stream()))
    }

    /// The return type, where one is written.
    pub(crate) fn result(&self) -> Option<&Type> {
        match &self.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }

    /// The first type parameter, or `impl Trait` in a parameter.
    pub(crate) fn first_type_param(&self) -> Option<TokenStream> {
        let named = self.sig.generics.type_params().next().map(|param| param.ident.to_token_stream());
        named.or_else(|| {
            let anonymous = self.params().find_map(|param| type_tokens::impl_trait(&param.ty));
            anonymous.map(ToTokens::to_token_stream)
        })
    }
}

/// The `#[key(…)]` of a parameter.
pub(crate) enum KeyOption {
    /// None: the argument is a part of the key.
    Itself,
    /// `#[key(skip)]`: the argument is not in the key.
    Skip,
    /// `#[key(expr)]`: the value of the expression is a part of the key.
    Expression(Box<Expr>),
}

impl KeyOption {
    pub(crate) fn parse(attrs: &[syn::Attribute]) -> syn::Result<Self> {
        let mut option = Self::Itself;
        for attr in attrs.iter().filter(|attr| is_key(attr)) {
            if !matches!(option, Self::Itself) {
                return Err(syn::Error::new_spanned(
                    attr,
                    "a parameter takes only one `#[key(…)]`; remove the others",
                ));
            }
            let takes = "`#[key(…)]` takes `skip`, or an expression such as `user.id`";
            let expr: Expr = attr
                .meta
                .require_list()
                .and_then(|list| syn::parse2(ungrouped(list.tokens.clone())))
                .map_err(|_| syn::Error::new_spanned(attr, takes))?;
            let is_skip = matches!(&expr, Expr::Path(path) if path.path.is_ident("skip"));
            option = if is_skip { Self::Skip } else { Self::Expression(Box::new(expr)) };
        }
        Ok(option)
    }
}

pub(crate) fn is_key(attr: &syn::Attribute) -> bool {
    attr.path().is_ident("key")
}

/// Type and const parameters.
pub(crate) fn type_params(generics: &Generics) -> vec::IntoIter<&GenericParam> {
    let mut params = Vec::new();
    for param in &generics.params {
        if !matches!(param, GenericParam::Lifetime(_)) {
            params.push(param);
        }
    }
    params.into_iter()
}

/// A parameter as a generic argument, as in a call.
pub(crate) fn generic_argument(param: &GenericParam) -> TokenStream {
    match param {
        GenericParam::Type(param) => param.ident.to_token_stream(),
        // In braces: by itself, a type of the same name would be meant.
        GenericParam::Const(param) => {
            let name = &param.ident;
            quote! { { #name } }
        }
        GenericParam::Lifetime(param) => param.lifetime.to_token_stream(),
    }
}

/// The type of `self`.
pub(crate) fn receiver_type(receiver: &Receiver) -> Type {
    let this = Ident::new("Self", receiver.self_token.span);
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => parse_quote!(& #mutability #this),
        ReceiverKind::Typed(_, ty) => (**ty).clone(),
        _ => parse_quote!(#this),
    }
}

/// Which types an item beside the function, such as the `static` of its cache, can name.
pub(crate) struct ItemScope {
    /// Names that an item does not see: the type and const parameters of the function, and of an `impl` that is
    /// known, with its `Self`.
    params: Vec<Ident>,
    /// Whether the function may be in an `impl` whose parameters, which an item does not see either, are unknown.
    is_method: bool,
}

impl ItemScope {
    pub(crate) fn new(args: &Args, func: &Func) -> Self {
        let params = type_params(&func.sig.generics).filter_map(|param| match param {
            GenericParam::Type(param) => Some(param.ident.clone()),
            GenericParam::Const(param) => Some(param.ident.clone()),
            GenericParam::Lifetime(_) => None,
        });
        if let Some(surroundings) = &func.surroundings {
            return Self { params: params.chain(surroundings.names()).collect(), is_method: false };
        }
        let accessors = args.items.accessors.get();
        let is_method =
            func.is_method() || accessors.is_some_and(|accessors| *accessors != Accessors::Companion);
        Self { params: params.collect(), is_method }
    }

    /// A scope that can name all types.
    pub(crate) fn all() -> Self {
        Self { params: Vec::new(), is_method: false }
    }

    /// Whether an item can name this type.
    pub(crate) fn names(&self, ty: &Type) -> bool {
        !type_tokens::mentions(ty.to_token_stream(), &self.params)
            && type_tokens::impl_trait(ty).is_none()
            && (!self.is_method || type_tokens::is_closed(ty))
    }
}

/// Whether an item can name the types of all arguments in the key, and of the result.
pub(crate) fn names_arguments(args: &Args, func: &Func) -> bool {
    let scope = ItemScope::new(args, func);
    let is_named = |input: &FnArg| match KeyOption::parse(Func::attrs_of(input)) {
        Ok(KeyOption::Skip) => true,
        Ok(KeyOption::Expression(_)) => false,
        Ok(KeyOption::Itself) | Err(_) => match input {
            FnArg::Typed(param) => scope.names(&param.ty),
            FnArg::Receiver(receiver) => scope.names(&receiver_type(receiver)),
        },
    };
    !args.key.key.is_some()
        && func.sig.inputs.iter().all(is_named)
        && func.result().is_none_or(|result| scope.names(result))
}

/// Turns a signature that returns a future into that of an `async fn`, and returns the future.
fn into_async(sig: &mut Signature) -> Option<FutureType> {
    let ReturnType::Type(_, ty) = &mut sig.output else { return None };
    let future = FutureType::of(ty).filter(|_| sig.asyncness.is_none())?;
    **ty = future.output.clone();
    sig.asyncness = Some(Token![async](Span::call_site()));
    Some(future)
}

/// Whether `fn` comes next, after any qualifiers.
pub(crate) fn is_function(input: ParseStream) -> bool {
    let ahead = input.fork();
    loop {
        if ahead.peek(Token![fn]) {
            return true;
        }
        let qualifier = ahead.peek(Token![const])
            || ahead.peek(Token![async])
            || ahead.peek(Token![unsafe])
            || ahead.peek(Token![extern])
            || ahead.peek(syn::LitStr);
        if !qualifier || ahead.parse::<TokenTree>().is_err() {
            return false;
        }
    }
}

/// Where the attribute belongs instead of on this item.
fn instead_of_item(attribute: &str, input: ParseStream) -> &'static str {
    let is_unsafe = input.peek(Token![unsafe]);
    if input.peek(Token![impl]) || (is_unsafe && input.peek2(Token![impl])) {
        "; put it on the methods of the `impl`"
    } else if input.peek(Token![trait]) || (is_unsafe && input.peek2(Token![trait])) {
        "; put it on the methods of the trait that have a body, or on those of its implementations"
    } else if attribute == "cached_property" {
        "; put it on a method of the type, and a field for its value in the type: `#[cached_property(self.field)]`"
    } else if input.peek(Token![struct]) || input.peek(Token![enum]) {
        "; put it on the methods of the type: with `cache = self.field` they store their results in a field of type `LruCache`"
    } else {
        ""
    }
}

/// Adds bounds to type parameters, and returns the `where` clause with those of other types.
///
/// The latter are checked when the accessor is called: a bound on a type without parameters would have to hold
/// everywhere.
pub(crate) fn with_bounds(
    generics: &mut Generics,
    bounds: impl IntoIterator<Item = (TokenStream, TokenStream)>,
) -> Option<TokenStream> {
    let mut elsewhere = TokenStream::new();
    for (ty, bound) in bounds {
        match bounds_of(generics, ty.to_string().trim_start_matches("r#")) {
            Some(bounds) => {
                let bound: Punctuated<TypeParamBound, Token![+]> = parse_quote!(#bound);
                bounds.extend(bound);
            }
            None => elsewhere.extend(quote! { for<'__lazy> #ty: #bound, }),
        }
    }
    let written = generics.where_clause.as_ref().map(|clause| {
        let predicates = clause.predicates.iter();
        quote! { #(#predicates,)* }
    });
    (written.is_some() || !elsewhere.is_empty()).then(|| quote! { where #written #elsewhere })
}

/// The bounds of a type parameter, where it has some: Clippy reports a parameter with bounds in both places.
fn bounds_of<'g>(
    generics: &'g mut Generics,
    name: &str,
) -> Option<&'g mut Punctuated<TypeParamBound, Token![+]>> {
    let predicates = generics.where_clause.iter_mut().flat_map(|clause| &mut clause.predicates);
    let mut in_clause = predicates.filter_map(|predicate| match predicate {
        WherePredicate::Type(of)
            if of.bounded_ty.to_token_stream().to_string().trim_start_matches("r#") == name =>
        {
            Some(&mut of.bounds)
        }
        _ => None,
    });
    if let Some(bounds) = in_clause.next() {
        return Some(bounds);
    }
    let mut params = generics.params.iter_mut();
    params.find_map(|param| match param {
        GenericParam::Type(param) if param.ident.unraw() == name => {
            param.colon_token.get_or_insert_with(Default::default);
            Some(&mut param.bounds)
        }
        _ => None,
    })
}
