//! Where the accessors of a function are.

use proc_macro2::{Ident, Span};

use crate::args;
use crate::signature::Func;

/// Where the accessors of a function are.
pub(crate) enum Accessors {
    /// On a type of this name.
    Companion(Ident),
    /// Beside the method, with its name as a prefix.
    Siblings,
    /// Nowhere.
    None,
}

impl Accessors {
    pub(super) fn new(items: &args::Items, func: &Func) -> Self {
        match items.accessors.get() {
            Some(args::Accessors::None) => Self::None,
            Some(args::Accessors::Siblings) => Self::Siblings,
            None if func.is_method() => Self::Siblings,
            _ => Self::Companion(at_call_site(items.handle.get().unwrap_or(&func.sig.ident))),
        }
    }
}

/// Returns the name with the span of the attribute, where lints do not apply.
fn at_call_site(ident: &Ident) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(Span::call_site());
    ident
}
