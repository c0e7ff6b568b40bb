//! `#[derive(HeapSize)]`: what a value owns is what its fields own.
//!
//! ```text
//! In:   #[derive(HeapSize)] struct User { name: String, id: u64 }
//!
//! Out:  impl HeapSize for User {                                          (paths shortened)
//!           const IS_FLAT: bool = String::IS_FLAT && u64::IS_FLAT;
//!           fn heap_size(&self) -> usize { match self { Self { name, id } => name.heap_size() + id.heap_size() } }
//!       }
//! ```

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Data, DeriveInput, Expr, Field, Path, parse_quote};

use super::variants::{Variant, fields, variants};
use crate::type_tokens;

/// Returns the `impl` of `HeapSize`.
pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let krate = krate(input)?;
    let (is_flat, body) = match &input.data {
        Data::Union(data) => {
            let message = "it is not known which field of a union is valid; implement `HeapSize` by hand";
            return Err(syn::Error::new(data.union_token.span, message));
        }
        Data::Enum(data) if data.variants.is_empty() => (quote! { true }, quote! { match *self {} }),
        Data::Enum(_) | Data::Struct(_) => by_fields(input, &krate)?,
    };
    let mut generics = input.generics.clone();
    for param in input.generics.type_params() {
        let param = &param.ident;
        generics.make_where_clause().predicates.push(parse_quote!(#param: #krate::HeapSize));
    }
    let name = &input.ident;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #krate::HeapSize for #name #type_generics #where_clause {
            const IS_FLAT: ::core::primitive::bool = #is_flat;

            #[inline]
            fn heap_size(&self) -> ::core::primitive::usize { #body }
        }
    })
}

/// Returns whether the type is flat, and the sum of its fields.
fn by_fields(input: &DeriveInput, krate: &Path) -> syn::Result<(TokenStream, TokenStream)> {
    let sizes = fields(input).map(size_function).collect::<syn::Result<Vec<_>>>()?;
    let flat = fields(input).zip(&sizes).map(|(field, function)| match function {
        // Its function must be called.
        Some(_) => quote! { false },
        None => {
            let ty = &field.ty;
            let (span, krate) = at(ty, krate);
            quote_spanned! { span=> <#ty as #krate::HeapSize>::IS_FLAT }
        }
    });
    let is_flat = quote! { true #(&& #flat)* };
    let mut sizes = sizes.iter();
    let arms = variants(input)?.into_iter().map(|variant: Variant<'_>| {
        let names = variant.names("field");
        let pattern = variant.pattern(&names);
        let owned =
            names.iter().zip(variant.types()).zip(sizes.by_ref()).map(
                |((name, ty), function)| match function {
                    Some(function) => {
                        let (span, krate) = at(function, krate);
                        quote_spanned! { span=> #krate::__private::owned_bytes(#name, #function) }
                    }
                    None => {
                        let (span, krate) = at(ty, krate);
                        quote_spanned! { span=> <#ty as #krate::HeapSize>::heap_size(#name) }
                    }
                },
            );
        let owned = owned.collect::<Vec<_>>();
        quote! { #pattern => 0 #(+ #owned)*, }
    });
    let arms = arms.collect::<TokenStream>();
    Ok((is_flat, quote! { match self { #arms } }))
}

/// The path of `functools` where an error in `tokens` is to be.
fn at(tokens: &impl ToTokens, krate: &Path) -> (proc_macro2::Span, TokenStream) {
    let span = type_tokens::first_span(tokens);
    (span, type_tokens::located_at(krate.to_token_stream(), span))
}

/// The options in `#[heap_size(…)]`.
fn options<'a>(attrs: &'a [Attribute]) -> impl Iterator<Item = &'a Attribute> + 'a {
    attrs.iter().filter(|attr| attr.path().is_ident("heap_size"))
}

/// The path of `functools`, which `#[heap_size(crate = path)]` can set.
fn krate(input: &DeriveInput) -> syn::Result<Path> {
    let mut krate = parse_quote!(::functools);
    for attr in options(&input.attrs) {
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

/// The function that returns what a field owns: that of `#[heap_size(with = function)]`.
fn size_function(field: &Field) -> syn::Result<Option<Expr>> {
    let mut function = None;
    for attr in options(&field.attrs) {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("with") {
                function = Some(meta.value()?.parse()?);
                Ok(())
            } else {
                Err(meta.error(
                    "unknown option; expected `with = function`, such as `with = |image| image.bytes()`",
                ))
            }
        })?;
    }
    Ok(function)
}
