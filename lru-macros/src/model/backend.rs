//! The store outside the process, where there is one.

use super::accessors::Accessors;
use crate::args;
use crate::signature::Func;

/// The store outside the process.
pub(crate) struct Backend {
    /// Its options. The expression that opens it is among them.
    pub(crate) options: args::Backend,
    /// Whether calls of all processes are coalesced.
    pub(crate) is_global: bool,
    /// Whether there is a `Self` that tells instances apart.
    pub(crate) has_self: bool,
}

impl Backend {
    pub(super) fn new(
        options: args::Backend,
        is_global: bool,
        accessors: &Accessors,
        func: &Func,
    ) -> Option<Self> {
        let has_self = matches!(accessors, Accessors::Siblings) || func.is_method();
        options.is_some().then_some(Self { options, is_global, has_self })
    }
}
