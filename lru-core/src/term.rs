//! On what terms an entry is kept: until when, and at what weight.
//!
//! An entry without terms carries none, and its store asks for none: [`Term`] is implemented for
//! `()`, and all of it folds away. Everything else is a [`Lease`].

use core::cell::{Cell, RefCell};
use core::fmt;

use crate::deadlines::Deadlines;

/// What is known of an entry beside its key and its value.
pub trait Term: Sized {
    /// What its clock tells.
    type Time;
    /// Where a store notes who expires when.
    #[doc(hidden)]
    type Queue: Queue<Self>;

    /// Whether there is nothing to be known.
    const IS_BARE: bool;

    /// What it counts for against `maxsize`.
    fn weight(&self) -> usize;
}

/// Who expires when.
#[doc(hidden)]
pub trait Queue<T: Term>: fmt::Debug {
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

impl Term for () {
    type Time = ();
    type Queue = ();

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
/// With a [`Grace`] it is not forgotten at once: what is stale may still be served.
#[derive(Debug)]
pub struct Lease<T, G = ()> {
    /// Tells it from others that lay in the same slot before.
    pub(crate) serial: u64,
    weight: usize,
    /// Live strictly before this time.
    expires: Option<T>,
    /// And before this one, which moves with each use; `None` in it is never.
    idle: Option<RefCell<Option<T>>>,
}

impl<T> Lease<T> {
    /// For an entry of this weight, to be live strictly before `expires`, and while it is used
    /// before `idle`.
    #[must_use]
    pub fn new(weight: usize, expires: Option<T>, idle: Option<T>) -> Self {
        Self { serial: 0, weight, expires, idle: idle.map(|idle| RefCell::new(Some(idle))) }
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

impl<T: Clone + PartialOrd> Term for Lease<T> {
    type Time = T;
    type Queue = Deadlines<T>;

    const IS_BARE: bool = false;

    fn weight(&self) -> usize {
        self.weight
    }
}
