//! Where the accessors of a function are.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::Visibility;

use crate::args;
use crate::signature::Func;
use crate::type_tokens;

/// Where the accessors of a function are.
pub(crate) enum Accessors {
    /// On a type of this name.
    Companion(Ident),
    /// Beside the method, with this name as a prefix: that of the method, or of `handle`.
    Siblings(Ident),
    /// Nowhere.
    None,
}

impl Accessors {
    pub(super) fn new(items: &args::Items, func: &Func) -> Self {
        let handle = items.handle.get().unwrap_or(&func.sig.ident);
        // A handle of siblings is for two `impl`s of one trait.
        let prefix = if func.surroundings.is_some() { handle } else { &func.sig.ident };
        match items.accessors.get() {
            Some(args::Accessors::None) => Self::None,
            Some(args::Accessors::Siblings) => Self::Siblings(prefix.clone()),
            None if func.is_method() => Self::Siblings(prefix.clone()),
            // A name with the span of the attribute, where lints do not apply.
            _ => Self::Companion(type_tokens::respanned(handle, Span::call_site())),
        }
    }

    /// The visibility of the accessors, which begins with a token of ours.
    pub(super) fn vis(func: &Func) -> TokenStream {
        let vis = match &func.surroundings {
            Some(surroundings) => surroundings.accessor_vis.as_ref().unwrap_or(&func.vis),
            None => &func.vis,
        };
        first_of_ours(vis)
    }
}

/// A visibility that begins with a token of ours.
fn first_of_ours(vis: &Visibility) -> TokenStream {
    let mut tokens = vis.to_token_stream().into_iter();
    let first = tokens.next().map(|mut token| {
        token.set_span(Span::call_site());
        token
    });
    first.into_iter().chain(tokens).collect()
}
