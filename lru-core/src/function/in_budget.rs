//! Caches of functions that share the memory budget of the program.

use std::vec::Vec;

use crate::budget::cache::{MemberCache, Observation};
use crate::budget::member::Member;
use crate::budget::program::PROGRAM;
use crate::budget::signal::{Attention, Pulse};
use crate::engine::placement::Change;
use crate::engine::{Engine, Lifecycle, Placement};
use crate::function::call::CacheHandle;
use crate::insight::Insight;
use crate::panics::FirstPanic;

/// Does what a call of a function has to do for the memory budget before it looks its key up: the function joins at its first use,
/// and a call that finds an epoch due carries it out.
#[inline]
pub fn attend(member: &'static Member) {
    if member.needs_attention() {
        PROGRAM.attend(member);
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
