//! On what terms an entry is kept: until when, and at what weight.
//!
//! An entry without terms carries none, and its store asks for none: [`EntryMeta`] is implemented for
//! `()`, and all of it folds away. Everything else is a [`EntryInfo`].

use core::cell::{Cell, RefCell};
use core::convert::Infallible;
use core::fmt;
use std::boxed::Box;

use crate::expiry::queue::Deadlines;
use crate::store::read_stripes::{Lent, ToReaders};

/// What is known of an entry beside its key and its value.
pub trait EntryMeta: Sized {
    /// What its clock tells.
    type Time;
    /// Where a store notes who expires when.
    #[doc(hidden)]
    type Queue: Queue<Self>;

    /// How a store lends its table to readers.
    #[doc(hidden)]
    type Lent<X>: Lent<X>;

    /// Whether there is nothing to be known.
    const IS_BARE: bool;

    /// What it counts for against `maxsize`.
    fn weight(&self) -> usize;
}

/// Who expires when.
#[doc(hidden)]
pub trait Queue<T: EntryMeta>: fmt::Debug {
    /// Nobody yet.
    const EMPTY: Self;

    /// Notes the entry in `slot`.
    fn add(&mut self, slot: usize, term: &mut T);

    /// The first slot that has expired by `now`. `term` tells of what is in a slot.
    fn next<'t>(&mut self, now: &T::Time, term: impl Fn(usize) -> Option<&'t T>) -> Option<usize>
    where
        T: 't;

    /// Forgets what it notes of entries that are gone, where they are more than those that are there.
    fn tidy<'t>(&mut self, len: usize, term: impl Fn(usize) -> Option<&'t T>)
    where
        T: 't;
}

impl EntryMeta for () {
    type Time = ();
    type Queue = ();
    type Lent<X> = ToReaders<X>;

    const IS_BARE: bool = true;

    #[inline]
    fn weight(&self) -> usize {
        1
    }
}

impl Queue<()> for () {
    const EMPTY: Self = ();

    #[inline]
    fn add(&mut self, _: usize, (): &mut ()) {}

    #[inline]
    fn next<'t>(&mut self, (): &(), _: impl Fn(usize) -> Option<&'t ()>) -> Option<usize> {
        None
    }

    #[inline]
    fn tidy<'t>(&mut self, _: usize, _: impl Fn(usize) -> Option<&'t ()>) {}
}

/// The terms of an entry that may expire, and may weigh more than one.
///
/// With a [`StaleWindow`] it is not forgotten at once: what is stale may still be served.
#[derive(Debug)]
pub struct EntryInfo<T, G = ()> {
    /// Tells it from others that lay in the same slot before.
    pub(crate) serial: u64,
    weight: usize,
    /// Live strictly before this time.
    expires: Option<T>,
    /// And before this one, which moves with each use; `None` in it is never.
    idle: Option<RefCell<Option<T>>>,
    /// How it is between fresh and expired.
    pub(crate) grace: G,
}

/// Since when an entry is stale, and how long it may be served all the same.
#[derive(Debug)]
pub struct StaleWindow<T> {
    /// Fresh strictly before this time.
    fresh: Option<T>,
    /// Served to anybody strictly before this one; until the lease ends it is good only where nothing
    /// better can be had.
    served: Option<T>,
    /// The next time at which it may be refreshed, where a refresh failed.
    retry: RefCell<Option<T>>,
    failures: Cell<u32>,
}

/// What may be done with an entry that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It is served.
    Fresh,
    /// It is served, and should be refreshed: `due`, unless a refresh failed a short time ago.
    Stale {
        /// Whether a refresh may begin.
        due: bool,
    },
    /// It is served only where the function fails.
    ErrorOnly,
}

impl<T> StaleWindow<T> {
    /// Fresh before the one time, served before the other.
    pub const fn new(fresh: Option<T>, served: Option<T>) -> Self {
        Self { fresh, served, retry: RefCell::new(None), failures: Cell::new(0) }
    }

    /// What may be done with it, as `is_ahead` tells of a time.
    pub fn freshness(&self, is_ahead: impl Fn(&T) -> bool) -> Freshness {
        if self.fresh.as_ref().is_none_or(&is_ahead) {
            return Freshness::Fresh;
        }
        if !self.served.as_ref().is_none_or(&is_ahead) {
            return Freshness::ErrorOnly;
        }
        let waits = self.retry.try_borrow().is_ok_and(|retry| retry.as_ref().is_some_and(is_ahead));
        Freshness::Stale { due: !waits }
    }

    /// Notes that a refresh failed, and returns how many did in a row.
    pub(crate) fn failed(&self) -> u32 {
        let failures = self.failures.get().saturating_add(1);
        self.failures.set(failures);
        failures
    }

    /// Not to be refreshed before this time.
    pub(crate) fn wait_until(&self, retry: Option<T>) {
        if let Ok(mut current) = self.retry.try_borrow_mut() {
            *current = retry;
        }
    }
}

impl<T> EntryInfo<T> {
    /// For an entry of this weight, to be live strictly before `expires`, and while it is used
    /// before `idle`.
    #[must_use]
    pub fn new(weight: usize, expires: Option<T>, idle: Option<T>) -> Self {
        Self::with_grace(weight, expires, idle, ())
    }
}

impl<T, G> EntryInfo<T, G> {
    /// The same, of which something is to be known before it ends.
    pub(crate) fn with_grace(weight: usize, expires: Option<T>, idle: Option<T>, grace: G) -> Self {
        let idle = idle.map(|idle| RefCell::new(Some(idle)));
        Self { serial: 0, weight, expires, idle, grace }
    }

    /// The same, prolonged by other uses.
    pub(crate) fn used_until(self, idle: Option<T>) -> Self {
        Self { idle: idle.map(|idle| RefCell::new(Some(idle))), ..self }
    }

    /// The same, at an end no later than this.
    pub(crate) fn ending(self, end: T) -> Self
    where
        T: PartialOrd,
    {
        Self { expires: Some(earlier(self.expires, end)), ..self }
    }

    /// Whether it is live, as `is_ahead` tells of a time.
    #[inline]
    pub fn is_live(&self, is_ahead: impl Fn(&T) -> bool) -> bool {
        // Who borrows it for writing calls nobody. A panic that is possible costs a hit.
        let is_used = |idle: &RefCell<Option<T>>| {
            idle.try_borrow().is_ok_and(|idle| idle.as_ref().is_none_or(&is_ahead))
        };
        self.expires.as_ref().is_none_or(&is_ahead) && self.idle.as_ref().is_none_or(is_used)
    }

    /// Whether time matters to it at all.
    pub fn can_expire(&self) -> bool {
        self.expires.is_some() || self.idle.is_some()
    }

    /// It was used: it is live until `idle`, if used no more. `None` where time ends before that.
    pub fn used(&self, idle: Option<T>) {
        if let Some(current) = &self.idle {
            if let Ok(mut current) = current.try_borrow_mut() {
                *current = idle;
            }
        }
    }

    /// The first time at which it is no longer live.
    pub(crate) fn deadline(&self) -> Option<T>
    where
        T: Clone + PartialOrd,
    {
        match (self.expires.clone(), self.idle.as_ref().and_then(|idle| idle.borrow().clone())) {
            (Some(expires), Some(idle)) => Some(if idle < expires { idle } else { expires }),
            (expires, idle) => expires.or(idle),
        }
    }
}

impl<T: PartialOrd> StaleWindow<T> {
    /// Fresh no longer than until then.
    fn shorten(&mut self, end: T) {
        self.fresh = Some(earlier(self.fresh.take(), end));
    }
}

impl<T: PartialOrd> EntryInfo<T, StaleWindow<T>> {
    /// The same, fresh no longer than until then.
    pub(crate) fn fresh_until(mut self, end: T) -> Self {
        self.grace.shorten(end);
        self
    }
}

impl<T> EntryInfo<T, StaleWindow<T>> {
    /// The same, where most entries have no grace.
    pub(crate) fn boxed(self) -> EntryInfo<T, Option<Box<StaleWindow<T>>>> {
        let Self { serial, weight, expires, idle, grace } = self;
        EntryInfo { serial, weight, expires, idle, grace: Some(Box::new(grace)) }
    }
}

impl<T: PartialOrd> EntryInfo<T, Option<Box<StaleWindow<T>>>> {
    /// The same, fresh no longer than until then.
    pub(crate) fn boxed_fresh_until(mut self, end: T) -> Self {
        if let Some(grace) = &mut self.grace {
            grace.shorten(end);
        }
        self
    }
}

/// The first of two times.
fn earlier<T: PartialOrd>(one: Option<T>, other: T) -> T {
    match one {
        Some(one) if one < other => one,
        _ => other,
    }
}

impl<T: Clone + PartialOrd, G> EntryMeta for EntryInfo<T, G> {
    type Time = T;
    type Queue = Deadlines<T>;
    type Lent<X> = Infallible;

    const IS_BARE: bool = false;

    fn weight(&self) -> usize {
        self.weight
    }
}
