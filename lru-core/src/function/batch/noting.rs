//! A lifecycle that notes how each entry may be served that a lookup checks.

use core::cell::Cell;
use core::time::Duration;

use crate::engine::{Expiry, Lifecycle};
use crate::expiry::{EntryOptions, Freshness, Ticks};
use crate::store::CacheTypes;
use crate::tags::validity::Validity;

/// Notes the freshness of the entry that was checked last: an entry is read as soon as it was checked.
pub(super) struct NotingLifecycle<'l, S> {
    lifecycle: &'l S,
    checked: Cell<Freshness>,
}

impl<'l, S> NotingLifecycle<'l, S> {
    pub(super) fn new(lifecycle: &'l S) -> Self {
        Self { lifecycle, checked: Cell::new(Freshness::Fresh) }
    }

    /// Returns the freshness of the entry that is read.
    pub(super) fn checked(&self) -> Freshness {
        self.checked.get()
    }
}

impl<T, S: Expiry<T>> Expiry<T> for NotingLifecycle<'_, S> {
    fn now(&self) -> Ticks {
        self.lifecycle.now()
    }

    fn about_now(&self) -> Ticks {
        self.lifecycle.about_now()
    }

    fn is_surely_fresh(&self, meta: &T, about: Ticks) -> bool {
        let is_surely_fresh = self.lifecycle.is_surely_fresh(meta, about);
        if is_surely_fresh {
            self.checked.set(Freshness::Fresh);
        }
        is_surely_fresh
    }

    fn exact(&self, about: Ticks) -> Ticks {
        self.lifecycle.exact(about)
    }

    fn check(&self, meta: &T, now: Ticks) -> Freshness {
        let freshness = self.lifecycle.check(meta, now);
        self.checked.set(freshness);
        freshness
    }

    fn touch(&self, meta: &T, now: Ticks) {
        self.lifecycle.touch(meta, now);
    }

    fn may_be_stale(&self) -> bool {
        self.lifecycle.may_be_stale()
    }

    fn serves_on_error(&self) -> bool {
        self.lifecycle.serves_on_error()
    }

    fn own_deadline(&self, meta: &T, options: &EntryOptions) -> Option<Ticks> {
        self.lifecycle.own_deadline(meta, options)
    }

    fn deadline_without_entry(&self, options: &EntryOptions) -> Option<Ticks> {
        self.lifecycle.deadline_without_entry(options)
    }

    fn age(&self, meta: &T) -> Option<Duration> {
        self.lifecycle.age(meta)
    }

    fn left(&self, deadline: Ticks) -> Option<Duration> {
        self.lifecycle.left(deadline)
    }

    fn refresh_failed(&self, meta: &T) {
        self.lifecycle.refresh_failed(meta);
    }
}

impl<C: CacheTypes, S: Lifecycle<C>> Lifecycle<C> for NotingLifecycle<'_, S> {
    type Hooks = S::Hooks;

    fn hooks(&self) -> &S::Hooks {
        self.lifecycle.hooks()
    }

    fn meta(&self, key: &C::Key, value: &C::Value, options: EntryOptions) -> C::Meta {
        self.lifecycle.meta(key, value, options)
    }

    fn validity(&self) -> Option<&Validity> {
        self.lifecycle.validity()
    }

    fn number(&self) -> Option<u64> {
        self.lifecycle.number()
    }

    fn number_in_use(&self) -> Option<u64> {
        self.lifecycle.number_in_use()
    }
}
