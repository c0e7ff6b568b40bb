//! Caches of functions that share the memory budget of the program.

use core::fmt;
use core::ops::Deref;
use std::vec::Vec;

use crate::budget::cache::{MemberCache, Observation};
use crate::budget::member::Member;
use crate::budget::program::PROGRAM;
use crate::budget::signal::{Attention, Pulse};
use crate::engine::placement::Change;
use crate::engine::{Engine, Lifecycle, Placement};
use crate::function::call::CacheHandle;
use crate::insight::Insight;
use crate::store::first_panic::FirstPanic;

/// A cache in a `static` that shares the budget of the program, if there is one.
///
/// The function joins at its first use. A call that has to carry out an epoch does so before it looks its key up.
pub struct InBudget<M> {
    cache: M,
    member: &'static Member,
}

impl<M> InBudget<M> {
    /// Combines a cache with its membership.
    pub const fn new(cache: M, member: &'static Member) -> Self {
        Self { cache, member }
    }

    /// Returns the cache without joining.
    pub fn cache(&self) -> &M {
        &self.cache
    }
}

impl<M> Deref for InBudget<M> {
    type Target = M;

    #[inline]
    fn deref(&self) -> &M {
        if self.member.needs_attention() {
            PROGRAM.attend(self.member);
        }
        &self.cache
    }
}

impl<M> fmt::Debug for InBudget<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InBudget").field("member", &self.member).finish_non_exhaustive()
    }
}

impl<E: Placement, S: Lifecycle<E::Types>> MemberCache for CacheHandle<E, S> {
    fn maxsize(&self) -> Option<usize> {
        self.engines.maxsize()
    }

    fn is_held(&self) -> bool {
        self.engines.is_held()
    }

    fn set_capacity(&self, capacity: usize) {
        self.engines.resize(Some(capacity), |engine, part| engine.set_capacity(part()));
    }

    fn begin(&self, attention: &'static Attention, pulse: &'static Pulse) {
        self.engines.each(Change::None, |engine| engine.begin_to_measure(attention, pulse));
    }

    fn end(&self) {
        self.engines.each(Change::None, Engine::end_to_measure);
    }

    fn observe(&self) -> Option<Observation> {
        if self.engines.is_held() {
            return None;
        }
        let mut parts = Vec::new();
        self.engines.each(Change::None, |engine| parts.push(engine.measured_if_free()));
        let parts: Vec<_> = parts.into_iter().collect::<Option<_>>()?;
        let used = parts.iter().map(|part| part.used).fold(0, usize::saturating_add);
        let (insights, costs): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|part| (part.insight, part.costs)).unzip();
        let insight = match <[Insight; 1]>::try_from(insights) {
            Ok([insight]) => insight,
            Err(insights) => Insight::merged(&insights, None),
        };
        Some(Observation { insight, costs: costs.concat(), used })
    }

    fn resize(&self, capacity: Option<usize>, waits: bool) -> bool {
        if waits {
            return self.resize_within(capacity);
        }
        if self.engines.is_held() {
            return false;
        }
        let (mut is_done, mut panic) = (true, FirstPanic::none());
        self.engines.resize(capacity, |engine, part| {
            panic.catch(|| is_done &= engine.resize_if_free(part, &self.lifecycle));
        });
        panic.resume();
        is_done
    }
}
