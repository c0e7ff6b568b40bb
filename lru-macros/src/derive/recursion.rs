//! The stored form of a type that borrows others of its kind, such as the nodes of a tree.
//!
//! ```text
//! In:   #[derive(Argument)] enum Expr<'a> { Num(f64), Add(&'a Expr<'a>, &'a Expr<'a>) }
//!
//! Out:  const _: () = {                                                   (paths shortened)
//!           pub enum Stored { Variant0(f64), Variant1(Box<..>, Box<..>) }
//!           impl<'a> Argument for Expr<'a> { type Stored = Stored; .. }
//!       };
//! ```
//!
//! An enum with a name may contain itself, as a tuple or a `Result` may not. A field whose type may lead back to the
//! type is in a box, so that the enum has a size.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{DeriveInput, GenericArgument, Generics, Path, PathArguments, Type};

use super::variants::{Variant, variants};
use crate::signature::{generic_argument, type_params};
use crate::{lifetimes, type_tokens};

/// A type that may contain itself.
pub(super) struct Recursion<'a> {
    input: &'a DeriveInput,
}

impl<'a> Recursion<'a> {
    /// Returns the recursion if the type contains itself by name, or other types with lifetimes, which may contain
    /// it. With type parameters only by name: what is recursive needs `'static` of them.
    pub(super) fn new(input: &'a DeriveInput) -> Option<Self> {
        let this = Self { input };
        let has_params = type_params(&input.generics).next().is_some();
        let variants = variants(input).ok()?;
        let mut types = variants.iter().flat_map(Variant::types);
        types.any(|ty| this.is_by_name(ty) || (!has_params && leads_elsewhere(ty))).then_some(this)
    }

    /// Whether the type is named in a field's type.
    fn is_by_name(&self, ty: &Type) -> bool {
        let names = [self.input.ident.clone(), Ident::new("Self", Span::call_site())];
        type_tokens::mentions(ty.to_token_stream(), &names)
    }

    /// Whether a field is stored in a box.
    fn is_boxed(&self, ty: &Type) -> bool {
        self.is_by_name(ty) || leads_elsewhere(ty)
    }

    /// The type with `'static` for its lifetimes.
    fn itself(&self) -> TokenStream {
        let (name, generics) = (&self.input.ident, &self.input.generics);
        let arguments = generics.params.iter().map(|param| match param {
            syn::GenericParam::Lifetime(_) => quote! { 'static },
            param => generic_argument(param),
        });
        quote! { #name<#(#arguments),*> }
    }

    /// The type of a field as the enum names it.
    fn field(&self, ty: &Type) -> TokenStream {
        let ty = lifetimes::with_static(ty);
        with_self(ty.to_token_stream(), &self.itself())
    }

    /// The arguments of the stored form's type.
    fn arguments(&self) -> Option<TokenStream> {
        let names: Vec<_> = type_params(&self.input.generics)
            .filter_map(|param| match param {
                syn::GenericParam::Type(param) => Some(&param.ident),
                syn::GenericParam::Const(param) => Some(&param.ident),
                syn::GenericParam::Lifetime(_) => None,
            })
            .collect();
        (!names.is_empty()).then(|| quote! { <#(#names),*> })
    }

    /// The stored form; `generics` are those of the `impl`.
    pub(super) fn item(&self, variants: &[Variant<'_>], generics: &Generics, krate: &Path) -> TokenStream {
        let params = type_params(generics).map(|param| {
            let mut param = param.clone();
            match &mut param {
                syn::GenericParam::Type(param) => param.default = None,
                syn::GenericParam::Const(param) => param.default = None,
                syn::GenericParam::Lifetime(_) => {}
            }
            all_static(param.into_token_stream())
        });
        let predicates = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
        let predicates = predicates.map(|predicate| all_static(predicate.to_token_stream()));
        let variants = variants.iter().enumerate().map(|(number, variant)| {
            let name = name_of(number);
            let types = variant.types().map(|ty| {
                let field = self.field(ty);
                let stored = quote! { <#field as #krate::Argument>::Stored };
                if self.is_boxed(ty) {
                    quote! { ::std::boxed::Box<#stored> }
                } else {
                    stored
                }
            });
            quote! { #name(#(#types),*) }
        });
        // Public, as the associated type of a public trait must be; no path leads to it.
        quote! {
            #[doc(hidden)]
            pub enum Stored<#(#params),*> where #(#predicates),* { #(#variants),* }
        }
    }

    /// The items of the `impl`.
    pub(super) fn form(&self, variants: &[Variant<'_>], krate: &Path) -> TokenStream {
        let arguments = self.arguments();
        let behind = |name: &Ident, ty: &Type| {
            if self.is_boxed(ty) {
                quote! { &**#name }
            } else {
                name.to_token_stream()
            }
        };
        let to_stored = variants.iter().enumerate().map(|(number, variant)| {
            let (names, stored) = (variant.names("field"), name_of(number));
            let pattern = variant.pattern(&names);
            let fields = names.iter().zip(variant.types()).map(|(name, ty)| {
                let field = quote! { #krate::Argument::to_stored(#name) };
                if self.is_boxed(ty) {
                    quote! { ::std::boxed::Box::new(#field) }
                } else {
                    field
                }
            });
            quote! { #pattern => Stored::#stored(#(#fields),*), }
        });
        let eq_stored = variants.iter().enumerate().map(|(number, variant)| {
            let (names, others, stored) = (variant.names("field"), variant.names("stored"), name_of(number));
            let pattern = variant.pattern(&names);
            let fields = names.iter().zip(&others).zip(variant.types()).map(|((name, other), ty)| {
                let other = behind(other, ty);
                quote! { <#ty as #krate::Argument>::eq_stored(#name, #other) }
            });
            quote! { (#pattern, Stored::#stored(#(#others),*)) => true #(&& #fields)*, }
        });
        let stored_eq = variants.iter().enumerate().map(|(number, variant)| {
            let (ones, others, stored) = (variant.names("one"), variant.names("other"), name_of(number));
            let fields = ones.iter().zip(&others).zip(variant.types()).map(|((one, other), ty)| {
                let (one, other, field) = (behind(one, ty), behind(other, ty), self.field(ty));
                quote! { <#field as #krate::Argument>::stored_eq(#one, #other) }
            });
            quote! { (Stored::#stored(#(#ones),*), Stored::#stored(#(#others),*)) => true #(&& #fields)*, }
        });
        let otherwise = (variants.len() != 1).then(|| quote! { _ => false, });
        quote! {
            type Stored = Stored #arguments;

            fn eq_stored(&self, __stored: &Self::Stored) -> ::core::primitive::bool {
                match (self, __stored) { #(#eq_stored)* #otherwise }
            }

            fn to_stored(&self) -> Self::Stored {
                match self { #(#to_stored)* }
            }

            fn stored_eq(__one: &Self::Stored, __other: &Self::Stored) -> ::core::primitive::bool {
                match (__one, __other) { #(#stored_eq)* #otherwise }
            }
        }
    }
}

/// The name of a variant of the stored form.
fn name_of(number: usize) -> Ident {
    format_ident!("Variant{number}", span = Span::call_site())
}

/// Whether a type names another one with lifetimes, which may contain the first. A `Cow` of text does not.
fn leads_elsewhere(ty: &Type) -> bool {
    let with_lifetimes = type_tokens::find(ty, &mut |ty| {
        let Type::Path(path) = ty else { return false };
        path.path.segments.last().is_some_and(|last| {
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
            let has_lifetime =
                arguments.args.iter().any(|argument| matches!(argument, GenericArgument::Lifetime(_)));
            has_lifetime && last.ident != "Cow"
        })
    });
    with_lifetimes.is_some()
}

/// The tokens with another type for `Self`.
fn with_self(tokens: TokenStream, itself: &TokenStream) -> TokenStream {
    let mut replaced = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == "Self" => itself.to_tokens(&mut replaced),
            TokenTree::Group(group) => {
                let mut new = proc_macro2::Group::new(group.delimiter(), with_self(group.stream(), itself));
                new.set_span(group.span());
                new.to_tokens(&mut replaced);
            }
            token => token.to_tokens(&mut replaced),
        }
    }
    replaced
}

/// The tokens with `'static` for every lifetime.
fn all_static(tokens: TokenStream) -> TokenStream {
    let mut is_lifetime = false;
    type_tokens::each(tokens, &mut |token| {
        let is_name = core::mem::replace(
            &mut is_lifetime,
            matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\''),
        );
        match token {
            TokenTree::Ident(ident) if is_name => TokenTree::Ident(Ident::new("static", ident.span())),
            TokenTree::Group(group) => {
                let mut new = proc_macro2::Group::new(group.delimiter(), all_static(group.stream()));
                new.set_span(group.span());
                TokenTree::Group(new)
            }
            token => token,
        }
    })
}
