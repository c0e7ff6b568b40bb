//! The key: its parts, and the identity of instances of a generic function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, GenericParam, Generics, Index, Type};

use super::krate::Krate;
use crate::args::Args;
use crate::lifetimes;
use crate::signature::{Func, ItemScope, generic_argument};
use crate::type_tokens::{self, bare};

/// Where the cache is, as far as it matters for naming types.
pub(crate) enum Scope {
    /// In an item beside the function.
    Own { items: ItemScope, is_per_thread: bool },
    /// In an object, whose type is named already.
    Object,
}

impl Scope {
    /// The scope of a function's own cache.
    pub(super) fn own(args: &Args, func: &Func) -> Self {
        Self::Own { items: ItemScope::new(args, func), is_per_thread: args.placement.is_per_thread() }
    }

    /// Whether the cache's own type can name this type.
    pub(crate) fn names(&self, ty: &Type) -> bool {
        match self {
            Self::Own { items, .. } => items.names(ty),
            Self::Object => true,
        }
    }

    /// The marker type that selects stored forms for this place.
    pub(crate) fn marker(&self) -> Ident {
        let name = match self {
            Self::Object => "Local",
            Self::Own { is_per_thread: true, .. } => "Thread",
            Self::Own { .. } => "Shared",
        };
        Ident::new(name, Span::call_site())
    }

    /// The marker type for an argument of this type: no clone of one that visibly borrows can be stored.
    fn marker_for(&self, ty: &Type) -> Ident {
        let marker = self.marker();
        if lifetimes::has_lifetimes(ty) && !matches!(self, Self::Object) {
            format_ident!("Lent{marker}", span = marker.span())
        } else {
            marker
        }
    }
}

/// The key of a call.
pub(crate) struct KeyShape {
    pub(crate) identity: Identity,
    pub(crate) parts: Vec<Part>,
}

/// A part of the key: the argument at `place`, and how it becomes a part.
pub(crate) struct Part {
    pub(crate) place: TokenStream,
    pub(crate) key: Key,
}

/// The identity of an instance of a generic function or method.
pub(crate) enum Identity {
    /// There is one instance.
    None,
    /// The type and const parameters named here, the types of these arguments, and the parameters of the
    /// surrounding `impl`.
    Of { params: Vec<GenericParam>, arguments: Vec<TokenStream> },
    /// Everything that is in scope in the body: the type of a closure there.
    Body,
}

impl Identity {
    /// The function that returns the identity.
    pub(crate) fn function(&self, name: &Ident, krate: &Krate) -> Option<TokenStream> {
        let Self::Of { params, arguments } = self else { return None };
        let params = params.iter().map(|param| match param {
            GenericParam::Const(param) => {
                let (ident, ty) = (type_tokens::respanned(&param.ident, Span::call_site()), &param.ty);
                quote! { const #ident: #ty }
            }
            GenericParam::Type(param) => {
                let ident = type_tokens::respanned(&param.ident, Span::call_site());
                quote! { #ident: ?::core::marker::Sized }
            }
            GenericParam::Lifetime(_) => TokenStream::new(),
        });
        let types: Vec<_> = (0..arguments.len()).map(|place| format_ident!("__A{place}")).collect();
        Some(quote! {
            #[doc(hidden)]
            fn #name<#(#params,)* #(#types: ?::core::marker::Sized,)*>(#(_: &#types),*) -> ::core::any::TypeId {
                #krate::__private::identity(|| ())
            }
        })
    }

    /// The expression of the identity.
    pub(crate) fn expression(&self, function: &TokenStream, krate: &Krate) -> Option<TokenStream> {
        match self {
            Self::None => None,
            Self::Of { params, arguments } => {
                let named = params.iter().map(generic_argument);
                let types: Vec<_> = named.chain(arguments.iter().map(|_| quote!(_))).collect();
                let turbofish = (!types.is_empty()).then(|| quote! { ::<#(#types),*> });
                Some(quote! { &#function #turbofish (#(&#arguments),*) })
            }
            Self::Body => Some(quote! { &#krate::__private::identity(|| ()) }),
        }
    }
}

/// How an argument becomes part of the key.
pub(crate) enum Key {
    /// The type is spelled from primitives, and so implements `Argument`.
    Plain(Type),
    /// The type is a name, and selects its stored form by its traits.
    ByType(Type, Ident),
    /// The type cannot be named at the cache: type erasure. The type is `None` for the value of an expression.
    Erased(Spot, Ident, Option<Type>),
    /// The value of an expression, in a cache object.
    Made(Span),
    /// A tuple: each element is a part.
    Tuple(Vec<Key>),
    /// A reference: the referent is the part.
    Reference(Box<Key>),
    /// A pinned reference: the referent is the part.
    Pinned(Box<Key>),
}

/// Whether an item reports types that cannot be in the cache.
///
/// The function does. Its accessors assume what the function has checked: in an incremental compilation, rustc
/// reports a mistake once for each item that contains it.
#[derive(Clone, Copy)]
pub(crate) enum Checks {
    Reported,
    Assumed,
}

/// Where an argument that cannot be part of a key is underlined, and which trait of the library says why.
pub(crate) struct Spot {
    span: Span,
    reason: &'static str,
    /// The function of `SelectKey` for the marker type.
    select: String,
}

const ARGUMENT: &str = "Argument";

impl Spot {
    fn of(ty: &Type, marker: &Ident) -> Self {
        let is_any_of = |names: &'static [&'static str]| move |ty: &Type| matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| names.iter().any(|name| last.ident == name)));
        let contains = |names| type_tokens::find(ty, &mut is_any_of(names)).is_some();
        let reason = if is_any_of(&["Self"])(bare(ty)) {
            "SelfArgument"
        } else if contains(&["HashMap", "HashSet"]) {
            "UnorderedArgument"
        } else if lifetimes::has_lifetimes(ty) {
            "BorrowingArgument"
        } else if contains(&["Rc"]) && marker.to_string().ends_with("Shared") {
            "UnsharedArgument"
        } else {
            ARGUMENT
        };
        Self { span: type_tokens::first_span(ty), reason, select: marker.to_string().to_lowercase() }
    }

    /// Of the value of an expression.
    fn made(span: Span, marker: &str) -> Self {
        Self { span, reason: ARGUMENT, select: marker.to_lowercase() }
    }
}

impl Key {
    pub(crate) fn new(ty: &Type, scope: &Scope) -> Self {
        // The keys of an object may borrow.
        let pinned = type_tokens::pinned(ty).filter(|_| !matches!(scope, Scope::Object));
        if let Some(inner) = pinned {
            return Self::Pinned(Box::new(Self::new(inner, scope)));
        }
        match bare(ty) {
            Type::Reference(reference) => Self::Reference(Box::new(Self::new(&reference.elem, scope))),
            ty if is_plain(ty) && scope.names(ty) => Self::Plain(ty.clone()),
            Type::Tuple(tuple) => {
                Self::Tuple(tuple.elems.iter().map(|elem| Self::new(elem, scope)).collect())
            }
            ty if scope.names(ty) => Self::ByType(ty.clone(), scope.marker_for(ty)),
            ty => Self::Erased(Spot::of(ty, &scope.marker_for(ty)), scope.marker(), Some(ty.clone())),
        }
    }

    /// The key of an expression, whose type is not written.
    pub(crate) fn made(expr: &Expr, scope: &Scope) -> Self {
        // Located there, but not the user's: otherwise lints would report our `&`.
        let span = Span::call_site().located_at(type_tokens::first_span(expr));
        if matches!(scope, Scope::Object) {
            Self::Made(span)
        } else {
            Self::Erased(Spot::made(span, &scope.marker().to_string()), scope.marker(), None)
        }
    }

    /// Whether the traits of autoref selection are needed.
    pub(crate) fn is_chosen(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::ByType(..) | Self::Erased(..) | Self::Made(_) => true,
            Self::Tuple(keys) => keys.iter().any(Self::is_chosen),
            Self::Reference(key) | Self::Pinned(key) => key.is_chosen(),
        }
    }

    /// Whether a part is type-erased.
    pub(crate) fn is_erased(&self) -> bool {
        match self {
            Self::Plain(_) | Self::ByType(..) => false,
            Self::Erased(..) | Self::Made(_) => true,
            Self::Tuple(keys) => keys.iter().any(Self::is_erased),
            Self::Reference(key) | Self::Pinned(key) => key.is_erased(),
        }
    }

    /// Whether the type of the cache may have an omitted lifetime from this part.
    pub(crate) fn may_leave_lifetimes_out(&self) -> bool {
        match self {
            Self::ByType(ty, _) => lifetimes::may_leave_lifetimes_out(ty),
            Self::Tuple(keys) => keys.iter().any(Self::may_leave_lifetimes_out),
            Self::Reference(key) | Self::Pinned(key) => key.may_leave_lifetimes_out(),
            Self::Plain(_) | Self::Erased(..) | Self::Made(_) => false,
        }
    }

    /// The type of the stored form.
    pub(crate) fn stored(&self, krate: &Krate) -> TokenStream {
        match self {
            Self::Plain(ty) => stored(ty, krate),
            Self::ByType(ty, marker) => {
                let ty = lifetimes::with_static(ty);
                let scope = (*marker != "Shared").then(|| quote! { , #marker });
                quote! { #krate::__private::stored_argument!(#ty #scope) }
            }
            Self::Erased(_, marker, _) => {
                let scope = (*marker == "Thread").then(|| quote! { <#krate::__private::#marker> });
                quote! { #krate::__private::Erased #scope }
            }
            Self::Made(_) => quote! { #krate::__private::Erased },
            Self::Tuple(keys) => {
                let stored: Vec<_> = keys.iter().map(|key| key.stored(krate)).collect();
                nested(&stored)
            }
            Self::Reference(key) | Self::Pinned(key) => key.stored(krate),
        }
    }

    /// The types as written, where the cache can name them.
    pub(crate) fn spelled(&self) -> Option<Vec<Type>> {
        match self {
            Self::Plain(ty) | Self::ByType(ty, _) => Some(vec![lifetimes::with_static(ty)]),
            Self::Erased(..) | Self::Made(_) => None,
            Self::Tuple(keys) => {
                let spelled: Option<Vec<_>> = keys.iter().map(Self::spelled).collect();
                Some(spelled?.concat())
            }
            Self::Reference(key) | Self::Pinned(key) => key.spelled(),
        }
    }

    /// The argument without the references to it.
    pub(crate) fn behind(&self, place: &TokenStream) -> TokenStream {
        match self {
            Self::Reference(key) | Self::Pinned(key) => key.behind(&quote!((*#place))),
            _ => place.clone(),
        }
    }

    /// Where the argument is underlined.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Plain(ty) | Self::ByType(ty, _) => type_tokens::first_span(ty),
            Self::Erased(spot, ..) => spot.span,
            Self::Made(span) => *span,
            Self::Tuple(keys) => keys.first().map_or_else(Span::call_site, Self::span),
            Self::Reference(key) | Self::Pinned(key) => key.span(),
        }
    }

    /// The expression that borrows the argument at `place`.
    pub(crate) fn borrow(&self, place: &TokenStream, checks: Checks, krate: &Krate) -> TokenStream {
        let chosen = |spot: &Spot| {
            let span = spot.span;
            let (krate, scope, reason) =
                (krate.at(span), Ident::new(&spot.select, span), Ident::new(spot.reason, span));
            let made =
                quote_spanned! { span=> (&&&&&&#krate::__private::SelectKey::#scope(&#place)).__key() };
            match checks {
                Checks::Reported => quote_spanned! { span=> #krate::__private::#reason::__allow(#made) },
                Checks::Assumed => quote_spanned! { span=> #made.__assumed() },
            }
        };
        match self {
            Self::Plain(_) => quote! { &#place },
            Self::ByType(ty, marker) => chosen(&Spot::of(ty, marker)),
            Self::Made(span) => chosen(&Spot::made(*span, "Local")),
            Self::Erased(spot, marker, _) => {
                let part = chosen(spot);
                quote! { #krate::__private::Erase(#part, #krate::__private::#marker) }
            }
            Self::Tuple(keys) => {
                let parts = keys.iter().enumerate().map(|(place_in, key)| {
                    let index = Index::from(place_in);
                    key.borrow(&quote!(#place.#index), checks, krate)
                });
                nested(&parts.collect::<Vec<_>>())
            }
            // The argument is a reference itself.
            Self::Reference(key) if matches!(**key, Self::Plain(_)) => place.clone(),
            Self::Reference(key) | Self::Pinned(key) => key.borrow(&quote!((*#place)), checks, krate),
        }
    }
}

/// The type parameters whose instances can share results: those that are the whole type of an argument in the
/// key, and are not part of the result's type.
pub(crate) fn shared(generics: &Generics, in_key: &[&Type], result: &Type) -> Vec<Ident> {
    let is_whole = |name: &Ident| {
        in_key
            .iter()
            .any(|ty| matches!(type_tokens::pointee(ty), Type::Path(path) if path.path.is_ident(name)))
    };
    let names = generics.type_params().map(|param| &param.ident);
    let in_result =
        |name: &Ident| type_tokens::mentions(result.to_token_stream(), core::slice::from_ref(name));
    names.filter(|name| is_whole(name) && !in_result(name)).cloned().collect()
}

/// Whether a type is spelled from primitives alone, and so implements `Argument`.
fn is_plain(ty: &Type) -> bool {
    match bare(ty) {
        Type::Path(_) => type_tokens::primitive(ty).is_some(),
        Type::Reference(reference) => reference.mutability.is_none() && is_plain(&reference.elem),
        Type::Slice(slice) => is_plain(&slice.elem),
        Type::Array(array) => is_plain(&array.elem),
        Type::Tuple(tuple) => tuple.elems.len() <= 20 && tuple.elems.iter().all(is_plain),
        _ => false,
    }
}

/// The stored form of a type that is spelled from primitives.
fn stored(ty: &Type, krate: &Krate) -> TokenStream {
    match bare(ty) {
        Type::Path(_) if type_tokens::primitive(ty) == Some("str") => quote! { #krate::__private::String },
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

/// A tuple of any number of parts, nested where there are more than implement `Argument`.
pub(crate) fn nested(parts: &[TokenStream]) -> TokenStream {
    const MOST: usize = 20;
    if parts.len() <= MOST {
        return quote! { (#(#parts,)*) };
    }
    let tuples: Vec<_> = parts.chunks(MOST).map(|chunk| quote! { (#(#chunk,)*) }).collect();
    nested(&tuples)
}
