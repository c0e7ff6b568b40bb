//! The store outside the process, where there is one.

use syn::Expr;

use super::Accessors;
use crate::args::{Args, Format, SingleFlight};
use crate::signature::Func;

/// The store outside the process.
pub(crate) struct Backend {
    /// What opens it.
    pub(crate) open: Expr,
    pub(crate) ttl: Option<Expr>,
    pub(crate) error_ttl: Option<Expr>,
    pub(crate) front_ttl: Option<Expr>,
    pub(crate) version: Option<Expr>,
    pub(crate) format: Format,
    /// Whether a call fails with it.
    pub(crate) is_strict: bool,
    pub(crate) on_error: Option<Expr>,
    /// Whether of all processes one computes.
    pub(crate) is_global: bool,
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
            format: format.unwrap_or(Format::Compact),
            is_strict: strict == Some(true),
            on_error: on_backend_error,
            is_global: args.single_flight == Some(SingleFlight::Global),
            has_self: matches!(accessors, Accessors::Siblings) || func.is_method(),
        })
    }
}
