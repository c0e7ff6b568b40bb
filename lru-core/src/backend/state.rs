//! What a function with a backend keeps for as long as the process runs.

use crate::backend::invalidation::Invalidation;
use crate::backend::namespaces::Ownership;
use crate::backend::served_stale::ServedStale;
use crate::backend::shape::ShapeCache;

/// The state of a function with a backend; in a `static`.
pub struct BackendState {
    /// The invalidation of its in-process copies.
    pub(crate) invalidation: Invalidation,
    /// The shape of its results.
    pub(crate) shapes: ShapeCache,
    /// Whether it owns its namespace.
    pub(crate) ownership: Ownership,
    /// Which stale results were served.
    pub(crate) served_stale: ServedStale,
}

impl BackendState {
    /// Creates the state of a function that was not called yet.
    #[expect(clippy::new_without_default, reason = "a `static` is made by a constant")]
    pub const fn new() -> Self {
        Self {
            invalidation: Invalidation::new(),
            shapes: ShapeCache::new(),
            ownership: Ownership::new(),
            served_stale: ServedStale::new(),
        }
    }
}
