//! The time to live of all results.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;

use super::Lifecycle;
use crate::type_tokens;

/// What is known at run time only of the `ttl` of a function.
pub(crate) struct OwnTtl {
    /// Names it.
    pub(crate) place: TokenStream,
    /// Whether the expression is evaluated once, and not by each call.
    pub(crate) is_evaluated_once: bool,
}

impl Lifecycle {
    /// The time to live of all results: `ttu` has precedence over that of the attribute.
    pub(crate) fn ttl(&self) -> Option<&Expr> {
        self.expiry.ttl_of_all().filter(|_| !self.expiry.ttu.is_some())
    }

    /// The time to live as a setting of expiry, or of a backend.
    pub(crate) fn ttl_setting(&self, own: Option<&OwnTtl>) -> Option<TokenStream> {
        let ttl = self.ttl()?;
        let span = type_tokens::first_span(ttl);
        let setting = |name: &str| Ident::new(name, span);
        Some(match own {
            Some(OwnTtl { place, is_evaluated_once: true }) => {
                let once = setting("ttl_once");
                let expression = quote! { || #ttl };
                quote_spanned! { span=> .#once(#place, #expression) }
            }
            Some(OwnTtl { place, is_evaluated_once: false }) => {
                let written = setting("ttl");
                let written = quote_spanned! { span=> .#written(#ttl) };
                quote! { #written.of_function(#place) }
            }
            None => {
                let written = setting("ttl");
                quote_spanned! { span=> .#written(#ttl) }
            }
        })
    }
}
