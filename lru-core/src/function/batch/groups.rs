//! The open groups of a function: calls whose missing elements become one call of the body (`gather`).
//!
//! The first call opens a group, and drives it: it waits until the group is closed, and calls the body. Calls that come
//! meanwhile add their elements, and follow.
//!
//! Invariant: neither user code nor a waker runs under a lock of this module.

use core::any::Any;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::vec::Vec;

use hashbrown::HashTable;
use parking_lot::Mutex;

use crate::flight::timeout::{self, Sleep};
use crate::key::KeyHash;
use crate::time::Instant;

/// The open groups of a function, by the hash of the arguments that their calls have in common.
///
/// The groups of a generic function have different types.
pub struct OpenGroups(Mutex<HashTable<Opened>>);

struct Opened {
    hash: KeyHash,
    group: Arc<dyn Any + Send + Sync>,
}

/// The arguments that the calls of a group have in common.
pub(super) struct Common<A> {
    pub(super) hash: KeyHash,
    pub(super) arguments: Arc<A>,
    pub(super) same: fn(&A, &A) -> bool,
}

/// A group of calls. `G` is what a call adds of an element.
pub(super) struct Group<G, A> {
    /// The address of the cache: an isolated call has a cache of its own.
    cache: usize,
    arguments: Arc<A>,
    /// When the driver closes it at the latest.
    closes: Instant,
    /// The number of elements with which it is full.
    max: usize,
    members: Mutex<Members<G>>,
}

struct Members<G> {
    is_closed: bool,
    /// The number of elements, with those of the driver.
    count: usize,
    guests: Vec<G>,
    driver: Option<Waker>,
}

/// A call finds a group to add its elements to, or opens one.
pub(super) enum Entered<G, A> {
    Found(Arc<Group<G, A>>),
    Opened(Driver<G, A>),
}

/// The call that drives a group. Dropped, it closes the group, and drops what others have added.
#[must_use]
pub(super) struct Driver<G, A> {
    groups: &'static OpenGroups,
    hash: KeyHash,
    group: Arc<Group<G, A>>,
    window: Sleep,
}

impl Default for OpenGroups {
    fn default() -> Self {
        Self::new()
    }
}

impl OpenGroups {
    /// Creates the groups of a function: none is open.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(HashTable::new()))
    }

    /// Returns a group of calls with the same arguments, other than those in `rejected`. If there is none, opens one, with `count`
    /// elements of the driver.
    pub(super) fn enter<G: Send + 'static, A: Send + Sync + 'static>(
        &'static self,
        (cache, common): (usize, &Common<A>),
        (count, max): (usize, usize),
        window: Duration,
        rejected: &mut Vec<Arc<Group<G, A>>>,
    ) -> Entered<G, A> {
        let Common { hash, arguments, same } = common;
        loop {
            let mut table = self.0.lock();
            let of_hash = table.iter_hash(hash.get()).filter(|opened| opened.hash == *hash);
            let groups = of_hash.filter_map(|opened| Arc::clone(&opened.group).downcast().ok());
            let is_candidate = |group: &Arc<Group<G, A>>| {
                group.cache == cache && !rejected.iter().any(|one| Arc::ptr_eq(one, group))
            };
            let candidates: Vec<Arc<Group<G, A>>> = groups.filter(is_candidate).collect();
            if candidates.is_empty() {
                let now = timeout::now();
                let closes = now.checked_add(window).unwrap_or(now);
                let members = Members { is_closed: false, count, guests: Vec::new(), driver: None };
                let arguments = Arc::clone(arguments);
                let group = Arc::new(Group { cache, arguments, closes, max, members: Mutex::new(members) });
                let opened = Opened { hash: *hash, group: Arc::<Group<G, A>>::clone(&group) };
                table.insert_unique(hash.get(), opened, |opened| opened.hash.get());
                drop(table);
                let window = Sleep::until(closes);
                return Entered::Opened(Driver { groups: self, hash: *hash, group, window });
            }
            drop(table);
            for group in candidates {
                if same(&group.arguments, arguments) && !group.rejects(count) {
                    return Entered::Found(group);
                }
                rejected.push(group);
            }
        }
    }

    /// Removes a group: no call enters it from then on.
    fn remove<G, A>(&self, hash: KeyHash, group: &Arc<Group<G, A>>) {
        let is_group = |opened: &Opened| core::ptr::addr_eq(Arc::as_ptr(&opened.group), Arc::as_ptr(group));
        let mut table = self.0.lock();
        let removed = table.find_entry(hash.get(), is_group).ok().map(|found| found.remove().0);
        drop(table);
        drop(removed);
    }
}

impl<G, A> Group<G, A> {
    /// Adds the elements of a call.
    ///
    /// # Errors
    ///
    /// Returns them if the group takes no more.
    pub(super) fn add(&self, guests: Vec<G>) -> Result<(), Vec<G>> {
        let mut members = self.members.lock();
        if members.is_closed || self.is_over() {
            return Err(guests);
        }
        let has_room = members.count + guests.len() <= self.max;
        let result = if has_room {
            members.count += guests.len();
            members.guests.extend(guests);
            Ok(())
        } else {
            Err(guests)
        };
        members.is_closed = !has_room || members.count == self.max;
        let driver = if members.is_closed { members.driver.take() } else { None };
        drop(members);
        if let Some(driver) = driver {
            driver.wake();
        }
        result
    }

    /// Returns whether the group takes no more elements. If it has no room for `count`, it is closed.
    fn rejects(&self, count: usize) -> bool {
        let mut members = self.members.lock();
        if members.is_closed || self.is_over() {
            return true;
        }
        members.is_closed = members.count + count > self.max;
        let is_closed = members.is_closed;
        let driver = if is_closed { members.driver.take() } else { None };
        drop(members);
        if let Some(driver) = driver {
            driver.wake();
        }
        is_closed
    }

    /// Returns whether the driver is about to close the group, or is not polled.
    fn is_over(&self) -> bool {
        self.closes <= timeout::now()
    }
}

impl<G, A> Driver<G, A> {
    /// Polls for the end of the time in which other calls add elements.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        let waker = context.waker().clone();
        let mut members = self.group.members.lock();
        if members.is_closed {
            return Poll::Ready(());
        }
        let former = members.driver.replace(waker);
        drop(members);
        drop(former);
        let polled = self.window.poll(context);
        if polled.is_pending() && !timeout::wakes() { Poll::Ready(()) } else { polled }
    }

    /// Closes the group, and returns what other calls have added.
    pub(super) fn close(self) -> Vec<G> {
        self.take()
    }

    fn take(&self) -> Vec<G> {
        self.groups.remove(self.hash, &self.group);
        let mut members = self.group.members.lock();
        members.is_closed = true;
        let (guests, driver) = (core::mem::take(&mut members.guests), members.driver.take());
        drop(members);
        drop(driver);
        guests
    }
}

impl<G, A> Drop for Driver<G, A> {
    fn drop(&mut self) {
        drop(self.take());
    }
}
