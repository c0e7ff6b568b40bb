//! The variants of a type and their fields.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Field, Fields, Member, Type};

/// A variant of an enum, or a struct.
pub(super) struct Variant<'a> {
    path: TokenStream,
    fields: &'a Fields,
}

pub(super) fn variants(input: &DeriveInput) -> syn::Result<Vec<Variant<'_>>> {
    match &input.data {
        Data::Struct(data) => Ok(vec![Variant { path: quote!(Self), fields: &data.fields }]),
        Data::Enum(data) if data.variants.is_empty() => Err(syn::Error::new(
            input.ident.span(),
            "an enum without variants cannot be an argument: it has no values; add a variant",
        )),
        Data::Enum(data) => Ok(data
            .variants
            .iter()
            .map(|variant| {
                let name = &variant.ident;
                Variant { path: quote!(Self::#name), fields: &variant.fields }
            })
            .collect()),
        Data::Union(data) => {
            let message = "a union cannot be an argument: it is not known which of its fields is valid; use an enum instead";
            Err(syn::Error::new(data.union_token.span, message))
        }
    }
}

/// Returns the fields of all variants.
pub(super) fn fields(input: &DeriveInput) -> impl Iterator<Item = &Field> {
    let of_variants: Vec<&Fields> = match &input.data {
        Data::Struct(data) => vec![&data.fields],
        Data::Enum(data) => data.variants.iter().map(|variant| &variant.fields).collect(),
        Data::Union(_) => Vec::new(),
    };
    of_variants.into_iter().flatten()
}

impl Variant<'_> {
    /// Returns a name for each field.
    pub(super) fn names(&self, prefix: &str) -> Vec<Ident> {
        (0..self.fields.len())
            .map(|place| format_ident!("__{prefix}{place}", span = Span::mixed_site()))
            .collect()
    }

    /// Returns the pattern that binds the fields to these names.
    pub(super) fn pattern(&self, names: &[Ident]) -> TokenStream {
        let Self { path, fields } = self;
        let mut members = TokenStream::new();
        for ((place, field), name) in fields.iter().enumerate().zip(names) {
            let member = match &field.ident {
                Some(name) => Member::Named(name.clone()),
                None => Member::from(place),
            };
            members.extend(quote! { #member: #name, });
        }
        quote! { #path { #members } }
    }

    pub(super) fn types(&self) -> impl Iterator<Item = &Type> {
        self.fields.iter().map(|field| &field.ty)
    }
}
