//! The store outside the process, where there is one.

use syn::Expr;

use super::Accessors;
use crate::args::Args;
use crate::func::Func;

/// The store outside the process.
pub(crate) struct Backend {
    /// What opens it.
    pub(crate) open: Expr,
    pub(crate) ttl: Option<Expr>,
    pub(crate) error_ttl: Option<Expr>,
    /// Whether there is a `Self` that tells instances apart.
    pub(crate) has_self: bool,
}

impl Backend {
    pub(crate) fn new(args: &Args, func: &Func, accessors: &Accessors) -> Option<Self> {
        let Args { backend, ttl, error_ttl, .. } = args;
        Some(Self {
            open: backend.clone()?,
            ttl: ttl.clone(),
            error_ttl: error_ttl.clone(),
            has_self: matches!(accessors, Accessors::Siblings) || func.is_method(),
        })
    }
}
