//! Where the accessors of a function are.

use proc_macro2::{Ident, Span};

use crate::args;
use crate::signature::Func;
use crate::type_tokens;

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
            // A name with the span of the attribute, where lints do not apply.
            _ => {
                let name = items.handle.get().unwrap_or(&func.sig.ident);
                Self::Companion(type_tokens::respanned(name, Span::call_site()))
            }
        }
    }
}
