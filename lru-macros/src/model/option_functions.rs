//! Calls of the functions of options, with references to the arguments of the memoized function.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, Type};

use super::krate::Krate;
use crate::type_tokens;

/// The value of an option's function for these references: a function of the library gives the parameters of a closure
/// their types, and the arguments of a named function are coerced.
pub(crate) fn applied(function: &Expr, krate: &Krate, given: &[TokenStream]) -> TokenStream {
    match function {
        Expr::Closure(_) if given.is_empty() => quote! { #krate::__private::call_once(#function) },
        Expr::Closure(_) => {
            let by = format_ident!("by{}", given.len(), span = Span::call_site());
            quote! { #krate::__private::#by(#(#given,)* #function) }
        }
        _ => called(function, &quote! { #(#given),* }),
    }
}

/// A reference to an argument of this type: a reference is one already.
pub(crate) fn by_reference(place: &TokenStream, ty: &Type) -> TokenStream {
    if is_reference(ty) {
        place.clone()
    } else {
        quote! { &#place }
    }
}

/// The value of a named function, to whose parameters the arguments are coerced.
pub(super) fn called(function: &Expr, given: &TokenStream) -> TokenStream {
    let at = type_tokens::first_span(function);
    let given = quote_spanned! { at=> (#given) };
    quote! { #function #given }
}

/// Whether a type is a reference.
pub(crate) fn is_reference(ty: &Type) -> bool {
    matches!(type_tokens::bare(ty), Type::Reference(_))
}
