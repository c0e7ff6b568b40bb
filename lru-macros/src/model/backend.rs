//! The store outside the process, where there is one.

use syn::Expr;

use super::Accessors;
use crate::args::{Args, Format};
use crate::func::Func;

/// The store outside the process.
pub(crate) struct Backend {
    /// What opens it.
    pub(crate) open: Expr,
    pub(crate) ttl: Option<Expr>,
    pub(crate) error_ttl: Option<Expr>,
    pub(crate) front_ttl: Option<Expr>,
    pub(crate) version: Option<Expr>,
    pub(crate) is_json: bool,
    /// Whether a call fails with it.
    pub(crate) is_strict: bool,
    pub(crate) on_error: Option<Expr>,
    /// Whether there is a `Self` that tells instances apart.
    pub(crate) has_self: bool,
}

impl Backend {
    pub(crate) fn new(args: &Args, func: &Func, accessors: &Accessors) -> Option<Self> {
        let Args { backend, ttl, error_ttl, front_ttl, version, format, strict, on_backend_error, .. } =
            args.clone();
        Some(Self {
            open: backend?,
            ttl,
            error_ttl,
            front_ttl,
            version,
            is_json: format == Some(Format::Json),
            is_strict: strict == Some(true),
            on_error: on_backend_error,
            has_self: matches!(accessors, Accessors::Siblings) || func.is_method(),
        })
    }
}
