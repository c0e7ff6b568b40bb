//! The types in an entry, and the options that name them.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::Expr;

use crate::model::krate::Krate;

/// The types in an entry, and the arguments in its key, for functions in options.
pub(crate) struct EntryTypes {
    /// The type of the key.
    pub(crate) key: TokenStream,
    /// The type of the arguments in it.
    pub(crate) arguments: TokenStream,
    /// The arguments in a `__key`.
    pub(crate) place: TokenStream,
    /// The type of the stored result.
    pub(crate) stored: TokenStream,
    /// Where an argument that is the whole key is underlined, and where the result is.
    pub(crate) spans: (Option<Span>, Span),
}

impl EntryTypes {
    /// The eviction listener, as a method of the options.
    pub(super) fn listener_option(&self, listener: &Expr) -> TokenStream {
        // A closure gets the types of its parameters from the method; the arguments of a function are
        // coerced.
        let listener = if matches!(listener, Expr::Closure(_)) {
            quote! { #listener }
        } else {
            quote! { |__key, __value, __cause| #listener(__key, __value, __cause) }
        };
        self.on_evict(&listener)
    }

    /// The method of the options that sets the eviction listener.
    pub(super) fn on_evict(&self, listener: &TokenStream) -> TokenStream {
        let Self { key, arguments, place, stored, .. } = self;
        quote! { .on_evict::<#key, #arguments, #stored, _>(|__key| #place, #listener) }
    }

    /// The method of the options that makes the size in bytes of an entry its weight.
    pub(super) fn weigh_bytes(&self, word: &Ident, krate: &Krate) -> TokenStream {
        let Self { key, stored, spans: (of_key, of_stored), .. } = self;
        let (at, krate) = (word.span(), krate.at(word.span()));
        let key = at_span(key, of_key.unwrap_or(at));
        let stored = at_span(stored, *of_stored);
        quote_spanned! { at=>
            .weigh_bytes(#krate::__private::bytes_owned_by::<#key, #stored>)
        }
    }
}

/// A type whose size is missing is underlined at this span.
fn at_span(ty: &TokenStream, span: Span) -> TokenStream {
    let at_span = |mut token: TokenTree| {
        token.set_span(span);
        token
    };
    ty.clone().into_iter().map(at_span).collect()
}
