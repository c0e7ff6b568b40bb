//! The names of the accessors, and of the type that has them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;

use super::Model;
use super::accessors::Accessors;

impl Model {
    /// The name of the function in the backend and in the registry, below its parent: without an `r#`, and that of
    /// `handle` among siblings.
    pub(crate) fn plain_name(&self) -> String {
        let name = match &self.accessors {
            Accessors::Siblings(prefix) => prefix,
            Accessors::Companion(_) | Accessors::None => &self.name,
        };
        name.unraw().to_string()
    }

    /// The name of an accessor, or of a function that accessors call.
    pub(crate) fn accessor(&self, name: &str) -> Ident {
        match &self.accessors {
            Accessors::Siblings(prefix) => match name.strip_prefix("__") {
                Some(name) => format_ident!("__{}_{name}", prefix, span = Span::call_site()),
                None => format_ident!("{}_{name}", prefix, span = Span::call_site()),
            },
            _ => Ident::new(name, Span::call_site()),
        }
    }

    /// The name of an accessor where it is defined: at the function's name, where an editor leads from a use.
    pub(crate) fn defined_accessor(&self, name: &str) -> Ident {
        let mut accessor = self.accessor(name);
        accessor.set_span(Span::call_site().located_at(self.name.span()));
        accessor
    }

    /// The type that has the accessors, as the function names it.
    pub(crate) fn home(&self) -> TokenStream {
        match &self.accessors {
            Accessors::Companion(handle) => quote!(#handle),
            Accessors::Siblings(_) | Accessors::None => quote!(Self),
        }
    }

    /// The conditions that each sibling has. Those of a companion are on its type and `impl`.
    pub(crate) fn cfg_of_siblings(&self) -> &[syn::Attribute] {
        if matches!(self.accessors, Accessors::Siblings(_)) { &self.attrs.cfg } else { &[] }
    }
}
