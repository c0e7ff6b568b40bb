//! `#[derive(Argument)]`: a user's own type as an argument, field by field.
//!
//! ```text
//! In:   #[derive(Clone, Argument)] struct Point { x: f64, y: f64 }
//!
//! Out:  impl Argument for Point {                                         (paths shortened)
//!           type Stored = Self;
//!           fn hash_argument(&self, state) { match self { Self { x, y } => { hash x; hash y } } }
//!           fn eq_argument(&self, other) -> bool { x == x && y == y, as arguments }
//!           fn eq_stored, fn to_stored, fn stored_eq
//!       }
//! ```
//!
//! A type with lifetimes is not stored itself: the stored form is a tuple of the stored forms of its fields,
//! and of an enum, nested `Result`s with such a tuple for each variant. Of a type that may contain itself it is an
//! enum with a name ([`recursion`]).

pub(crate) mod heap_size;
mod recursion;
mod variants;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{DeriveInput, GenericParam, Path, Type, parse_quote};

use crate::type_tokens;
use recursion::Recursion;
use variants::{Variant, variants};

/// Returns the `impl` of `Argument`.
pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let krate = krate(input)?;
    let variants = variants(input)?;
    let borrows = input.generics.lifetimes().next().is_some();
    let recursion = Recursion::new(input).filter(|_| borrows);
    let form = match &recursion {
        Some(recursion) => recursion.form(&variants, &krate),
        None if borrows => stored_by_fields(&variants, &krate),
        None => stored_as_itself(&krate),
    };
    let (hash, eq) = (hash(&variants, &krate), eq(&variants, &krate));
    let name = &input.ident;
    let mut generics = input.generics.clone();
    for param in &input.generics.params {
        if let GenericParam::Type(param) = param {
            let param = &param.ident;
            generics.make_where_clause().predicates.push(parse_quote!(#param: #krate::Argument));
        }
    }
    if !borrows {
        let clause = generics.make_where_clause();
        clause.predicates.push(parse_quote!(Self: ::core::clone::Clone));
        for param in input.generics.type_params() {
            let param = &param.ident;
            clause
                .predicates
                .push(parse_quote!(#param: ::core::marker::Send + ::core::marker::Sync + 'static));
        }
    }
    if recursion.is_some() {
        let clause = generics.make_where_clause();
        for param in input.generics.type_params() {
            let param = &param.ident;
            clause.predicates.push(parse_quote!(#param: 'static));
        }
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let implementation = quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Argument for #name #type_generics #where_clause {
            #hash
            #eq
            #form
        }
    };
    Ok(match recursion {
        None => implementation,
        Some(recursion) => {
            let item = recursion.item(&variants, &generics, &krate);
            quote! { const _: () = { #item #implementation }; }
        }
    })
}

/// The path of `functools`, which `#[argument(crate = path)]` can set.
fn krate(input: &DeriveInput) -> syn::Result<Path> {
    let mut krate = parse_quote!(::functools);
    for attr in input.attrs.iter().filter(|attr| attr.path().is_ident("argument")) {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                krate = meta.value()?.call(Path::parse_mod_style)?;
                Ok(())
            } else {
                Err(meta.error("unknown option; expected `crate = path`"))
            }
        })?;
    }
    Ok(krate)
}

/// Returns a field as a part of a key; its type selects how.
fn part(name: &Ident, ty: &Type, krate: &Path) -> TokenStream {
    let span = type_tokens::first_span(ty);
    let krate = type_tokens::located_at(krate.to_token_stream(), span);
    quote_spanned! { span=>
        #krate::__private::Argument::__allow((&&&&&&#krate::__private::SelectKey::shared(#name)).__key())
    }
}

fn hash(variants: &[Variant<'_>], krate: &Path) -> TokenStream {
    let arms = variants.iter().enumerate().map(|(number, variant)| {
        let names = variant.names("field");
        let pattern = variant.pattern(&names);
        // The number of the variant, where there are several.
        let number =
            (variants.len() > 1).then(|| quote! { ::core::hash::Hasher::write_usize(__state, #number); });
        let parts = names.iter().zip(variant.types()).map(|(name, ty)| part(name, ty, krate));
        quote! { #pattern => { #number #( #krate::__private::Part::hash_part(&#parts, __state); )* } }
    });
    quote! {
        #[inline]
        fn hash_argument<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
            use #krate::__private::choices::*;
            match self { #(#arms)* }
        }
    }
}

fn eq(variants: &[Variant<'_>], krate: &Path) -> TokenStream {
    let arms = variants.iter().map(|variant| {
        let (ones, others) = (variant.names("one"), variant.names("other"));
        let (one, other) = (variant.pattern(&ones), variant.pattern(&others));
        let pairs = ones.iter().zip(&others).zip(variant.types()).map(|((one, other), ty)| {
            let (one, other) = (part(one, ty, krate), part(other, ty, krate));
            quote! { #krate::__private::Part::eq_part(&#one, &#other) }
        });
        quote! { (#one, #other) => true #(&& #pairs)*, }
    });
    let otherwise = (variants.len() != 1).then(|| quote! { _ => false, });
    quote! {
        #[inline]
        fn eq_argument(&self, __other: &Self) -> ::core::primitive::bool {
            use #krate::__private::choices::*;
            match (self, __other) { #(#arms)* #otherwise }
        }
    }
}

/// The stored form of a type without lifetimes: the type itself.
fn stored_as_itself(krate: &Path) -> TokenStream {
    quote! {
        type Stored = Self;

        #[inline]
        fn eq_stored(&self, __stored: &Self) -> ::core::primitive::bool {
            #krate::Argument::eq_argument(self, __stored)
        }

        #[inline]
        fn to_stored(&self) -> Self {
            ::core::clone::Clone::clone(self)
        }

        #[inline]
        fn stored_eq(__one: &Self, __other: &Self) -> ::core::primitive::bool {
            #krate::Argument::eq_argument(__one, __other)
        }
    }
}

/// The stored form of a type with lifetimes: the stored forms of its fields.
fn stored_by_fields(variants: &[Variant<'_>], krate: &Path) -> TokenStream {
    let tuples = variants.iter().map(|variant| {
        let types = variant.types();
        quote! { (#(<#types as #krate::Argument>::Stored,)*) }
    });
    let stored = tuples.rev().reduce(|others, tuple| quote! { ::core::result::Result<#tuple, #others> });
    let stored = stored.unwrap_or_else(|| quote!(()));
    let to_stored = variants.iter().enumerate().map(|(number, variant)| {
        let names = variant.names("field");
        let pattern = variant.pattern(&names);
        let tuple = within(number, variants.len(), &quote! { (#(#krate::Argument::to_stored(#names),)*) });
        quote! { #pattern => #tuple, }
    });
    let eq_stored = variants.iter().enumerate().map(|(number, variant)| {
        let (names, stored) = (variant.names("field"), variant.names("stored"));
        let (pattern, types) = (variant.pattern(&names), variant.types());
        let tuple = within(number, variants.len(), &quote! { (#(#stored,)*) });
        quote! { (#pattern, #tuple) => true #(&& <#types as #krate::Argument>::eq_stored(#names, #stored))*, }
    });
    let stored_eq = variants.iter().enumerate().map(|(number, variant)| {
        let (ones, others, types) = (variant.names("one"), variant.names("other"), variant.types());
        let one = within(number, variants.len(), &quote! { (#(#ones,)*) });
        let other = within(number, variants.len(), &quote! { (#(#others,)*) });
        quote! { (#one, #other) => true #(&& <#types as #krate::Argument>::stored_eq(#ones, #others))*, }
    });
    let otherwise = (variants.len() != 1).then(|| quote! { _ => false, });
    quote! {
        type Stored = #stored;

        #[inline]
        fn eq_stored(&self, __stored: &Self::Stored) -> ::core::primitive::bool {
            match (self, __stored) { #(#eq_stored)* #otherwise }
        }

        #[inline]
        fn to_stored(&self) -> Self::Stored {
            match self { #(#to_stored)* }
        }

        #[inline]
        fn stored_eq(__one: &Self::Stored, __other: &Self::Stored) -> ::core::primitive::bool {
            match (__one, __other) { #(#stored_eq)* #otherwise }
        }
    }
}

/// Wraps the tuple of variant `number` in the nested `Result`s.
fn within(number: usize, variants: usize, tuple: &TokenStream) -> TokenStream {
    let is_last = number + 1 == variants;
    let innermost = if is_last {
        tuple.clone()
    } else {
        quote! { ::core::result::Result::Ok(#tuple) }
    };
    (0..number).fold(innermost, |inner, _| quote! { ::core::result::Result::Err(#inner) })
}
