//! What a function with a backend keeps for as long as the process runs.

use core::sync::atomic::AtomicBool;

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
    /// Whether invalidations reach its backend.
    pub(crate) is_reached: AtomicBool,
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
            is_reached: AtomicBool::new(false),
        }
    }
}
