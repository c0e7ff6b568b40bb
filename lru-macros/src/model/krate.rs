//! The path of `functools` in the user's crate.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;

use crate::type_tokens;

/// The path of `functools` in the user's crate.
pub(crate) enum Krate {
    Itself,
    Given(Path),
}

impl Krate {
    pub(crate) fn new(path: Option<Path>) -> Self {
        path.map_or(Self::Itself, Self::Given)
    }

    /// The path, located at `span`. A given path keeps its resolution: a macro may have written
    /// `$crate::functools`.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        match self {
            Self::Itself => quote_spanned! { span=> ::functools },
            Self::Given(path) => type_tokens::located_at(path.to_token_stream(), span),
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
