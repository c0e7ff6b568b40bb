//! The engine as a map with small keys, by the operations that its users make of it.

use crate::engine::{Engine, Origin};
use crate::entry::Entry;
use crate::history::Moment;
use crate::info::CacheInfo;
use crate::key::KeyHash;
use crate::maxsize::MaxSize;
use crate::plan::{Plan, told};
use crate::policy::{Lru, Policy};
use crate::term::Term;
use crate::{Cause, NoPlan};

/// An engine, and the plan it is used by.
#[derive(Debug)]
pub(super) struct Tested<V, P = Lru, T: Term = (), S = NoPlan> {
    engine: Engine<u8, V, P, T>,
    plan: S,
}

impl<V: Clone> Tested<V> {
    pub(super) fn new(maxsize: Option<usize>) -> Self {
        Self { engine: Engine::new(MaxSize::from_option(maxsize)), plan: NoPlan }
    }
}

impl<V: Clone, P: Policy, T: Term, S: Plan<u8, V, T>> Tested<V, P, T, S> {
    /// A call's lookup: a hit, or what begins, if anything is stored at all.
    pub(super) fn look(&self, key: u8) -> Result<V, Option<Moment>> {
        if self.engine.is_disabled() {
            self.engine.miss_uncached();
            return Err(None);
        }
        let looked = self.engine.look(KeyHash::of(&key), |stored| *stored == key, V::clone, &self.plan);
        looked.map_err(Some)
    }

    pub(super) fn refresh(&self) -> Option<Moment> {
        if self.engine.is_disabled() {
            self.engine.miss_uncached();
            return None;
        }
        Some(self.engine.begin())
    }

    pub(super) fn keep(&self, key: u8, value: V, origin: Origin) -> Option<V> {
        let term = self.plan.term(&key, &value);
        let entry = Entry { hash: KeyHash::of(&key), key, value, term };
        let leavers = told(self.engine.keep(entry, origin, u8::eq, &self.plan), &self.plan);
        leavers.only(Cause::Replaced).next().map(|(_, value)| value)
    }

    pub(super) fn get(&self, key: u8) -> Option<V> {
        self.look(key).ok()
    }

    pub(super) fn get_or_insert_with(&self, key: u8, compute: impl FnOnce() -> V) -> V {
        self.look(key).unwrap_or_else(|began| {
            let value = compute();
            if let Some(began) = began {
                self.keep(key, value.clone(), Origin::Computed(began));
            }
            value
        })
    }

    pub(super) fn insert(&self, key: u8, value: V) -> Option<V> {
        self.keep(key, value, Origin::Put)
    }

    pub(super) fn remove(&self, key: u8) -> Option<V> {
        let matches = |stored: &u8| *stored == key;
        self.engine.forget_with(KeyHash::of(&key), matches, |value| value, V::clone, &self.plan)
    }

    pub(super) fn forget(&self, key: u8) -> bool {
        self.engine.forget(KeyHash::of(&key), |stored| *stored == key, &self.plan)
    }

    pub(super) fn contains(&self, key: u8) -> bool {
        self.engine.peek_with(KeyHash::of(&key), |stored| *stored == key, |_| (), &self.plan).is_some()
    }

    pub(super) fn peek(&self, key: u8) -> Option<V> {
        self.engine.peek_with(KeyHash::of(&key), |stored| *stored == key, V::clone, &self.plan)
    }

    pub(super) fn clear(&self) {
        self.engine.clear(&self.plan);
    }

    pub(super) fn info(&self) -> CacheInfo {
        self.engine.info(&self.plan)
    }

    pub(super) fn entries(&self) -> Vec<(u8, V)> {
        self.engine.snapshot(&self.plan)
    }

    pub(super) fn validate(&self) {
        self.engine.validate();
    }
}
