//! Collects mistakes, so that all of them are reported at once.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

#[derive(Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Notes a mistake, to be underlined at `tokens`.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Into<String>) {
        self.add(syn::Error::new_spanned(tokens, message.into()));
    }

    pub(crate) fn add(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The mistakes as tokens that do not compile, before `item`.
    pub(crate) fn with(self, item: &TokenStream) -> TokenStream {
        let errors = self.0.iter().map(syn::Error::to_compile_error);
        quote! { #(#errors)* #item }
    }
}
