//! Stale results that are refreshed.

use core::future::Future;
use std::boxed::Box;
use std::sync::Arc;

use crate::engine::placement::Placement;
use crate::flight::executor::{Spawn, Task};
use crate::function::call::coalesced::RefreshClaim;

impl<E: Placement, S, O> RefreshClaim<E, S, O> {
    /// Runs `refresh` on the thread of this cache.
    pub fn in_background(self, refresh: impl FnOnce(Self) + Send + 'static)
    where
        Self: Send + 'static,
    {
        let background = self.boarding.calls.engines.first(|engine| Arc::clone(engine.background()));
        background.run(Box::new(move || refresh(self)));
    }

    /// Has `executor` run what `refresh` makes. What it does not take is handed back, to be awaited here.
    pub fn spawned<F>(self, executor: &impl Spawn, refresh: impl FnOnce(Self) -> F) -> Option<Task>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        executor.spawn(Box::pin(refresh(self))).err()
    }
}
