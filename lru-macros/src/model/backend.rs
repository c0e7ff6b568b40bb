//! The store outside the process, where there is one.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Expr, LitStr, parse_quote};

use super::accessors::Accessors;
use super::body_hash;
use super::key::Checks;
use super::krate::Krate;
use crate::args;
use crate::signature::Func;
use crate::type_tokens;

/// The store outside the process.
pub(crate) struct Backend {
    /// Its options. The expression that opens it is among them.
    pub(crate) options: args::Backend,
    /// Whether calls of all processes are coalesced.
    pub(crate) is_global: bool,
    /// Whether there is a `Self` that tells instances apart.
    pub(crate) has_self: bool,
    /// The version of the function.
    pub(crate) version: Option<Expr>,
}

impl Backend {
    pub(super) fn new(
        options: args::Backend,
        is_global: bool,
        accessors: &Accessors,
        func: &Func,
    ) -> Option<Self> {
        let has_self = matches!(accessors, Accessors::Siblings(_)) || func.is_method();
        options.is_some().then(|| {
            let version = options.version.get().map(|version| version_of(version, func));
            Self { options, is_global, has_self, version }
        })
    }
}

/// The version that was written; `body` is a hash of the function.
fn version_of(version: &Expr, func: &Func) -> Expr {
    match version {
        Expr::Path(path) if path.path.is_ident("body") => {
            let hash = format!("{:016x}", body_hash::of(func));
            let hash = LitStr::new(&hash, type_tokens::first_span(path));
            parse_quote!(#hash)
        }
        other => other.clone(),
    }
}

/// What is passed to the backend: a selection by type. `by` is the trait that reports a type that cannot be passed.
pub(crate) fn passed_to_backend(
    by: &str,
    selection: &TokenStream,
    checks: Checks,
    krate: &Krate,
    span: Span,
) -> TokenStream {
    let (krate, by) = (krate.at(span), Ident::new(by, span));
    match checks {
        Checks::Reported => quote_spanned! { span=> #krate::__private::#by::__allow(#selection.__passed()) },
        Checks::Assumed => quote_spanned! { span=> #selection.__assumed_passed() },
    }
}
