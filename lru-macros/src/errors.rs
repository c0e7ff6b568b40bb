//! The list of mistakes, all of which are reported at once.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

#[derive(Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Adds a mistake that is underlined at `tokens`.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Into<String>) {
        self.add(syn::Error::new_spanned(tokens, message.into()));
    }

    pub(crate) fn add(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the mistakes as `compile_error!` items, followed by `item`.
    pub(crate) fn with(self, item: &TokenStream) -> TokenStream {
        let errors = self.0.iter().map(syn::Error::to_compile_error);
        quote! { #(#errors)* #item }
    }
}
