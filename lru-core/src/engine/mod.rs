//! The protocol of a call: look, release, compute, keep.
//!
//! Invariant: no computation runs under the lock. A call looks its key up, lets go, computes, and
//! takes the lock again to keep the result.
//!
//! Invariant: under the lock user code runs (`Eq` and `Clone`) only while the store is borrowed
//! for reading. It may call back: nested calls read what the outer one reads. What they would
//! change has to wait ([`Deferred`]) or goes unstored.
//!
//! Invariant: what is evicted, replaced, invalidated or cleared is dropped after the lock is
//! released: functions that take entries out hold them until they have let go, and between no user
//! code runs that could panic. What a nested call may not keep waits for the outermost one.

pub(crate) mod deferred;
pub(crate) mod lifecycle;
pub(crate) mod lock;
pub(crate) mod placement;

use core::cell::{Ref, RefCell, RefMut};
use core::fmt;
use core::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::boxed::Box;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::{Arc, OnceLock};
use std::vec::Vec;

use crate::engine::deferred::{Deferred, DeferredChange, Work};
use crate::engine::lifecycle::{Lifecycle, told, told_with};
use crate::engine::lock::{Lock, RLock, Settle, Unlocked, release};
#[cfg(feature = "testing")]
use crate::engine::placement::isolation::Another;
use crate::engine::placement::replicated::{Lending, OpenLock};
use crate::expiry::lease::{EntryMeta, Freshness};
use crate::flight::table::FlightTable;
use crate::flight::worker::Worker;
use crate::key::KeyHash;
use crate::observe::info::{CacheInfo, LockedCounters};
use crate::observe::stats::{CacheStats, Counters};
use crate::store::change_log::{ChangeLog, Epoch};
use crate::store::entry::Entry;
use crate::store::maxsize::MaxSize;
use crate::store::read_stripes::ReadStripes;
use crate::store::removed::{RemovalCause, Removed};
use crate::store::types::CacheTypes;
use crate::store::{Brought, Place, Store, Table};

/// The protocol, over a store of entries on terms `T` in which `P` chooses who leaves.
pub struct Engine<C: CacheTypes, L = RLock<State<C>>> {
    maxsize: MaxSize,
    /// Misses of the disabled mode, which takes no lock.
    uncached: AtomicU64,
    state: L,
    /// Made when the first call wants to share what it computes, or share in it.
    flights: OnceLock<Arc<FlightTable<C::Key, C::Value>>>,
    /// Made when there is first something to count.
    tallies: OnceLock<Box<Counters>>,
    /// Made when something is first refreshed on a thread of its own.
    background: OnceLock<Arc<Worker>>,
    /// How to copy an entry, where a user's code must not run under the lock.
    copy: Option<Copied<C>>,
}

/// How to copy a key and a value.
type Copied<C> = (fn(&KeyIn<C>) -> KeyIn<C>, fn(&ValueIn<C>) -> ValueIn<C>);

type KeyIn<C> = <C as CacheTypes>::Key;
type ValueIn<C> = <C as CacheTypes>::Value;

/// What a call reads and changes under the lock.
pub struct State<C: CacheTypes> {
    counters: LockedCounters,
    history: ChangeLog,
    deferred: Deferred<Entry<C>>,
    store: RefCell<Store<C>>,
}

/// How a value comes into the cache.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InsertKind {
    /// By a call that missed, and began at this moment.
    Computed(Epoch),
    /// By a computation that was asked to replace what is there.
    Refreshed(Epoch),
    /// By a computation that is to replace what is not fresh, and nothing else: in the background, or by
    /// one that took too long, for whom another computes by now.
    Revalidated(Epoch),
    /// By the caller's hand, in place of what a function would compute.
    Put,
    /// By the caller's hand, into a map: what is too heavy for it changes nothing.
    Inserted,
}

impl<C: CacheTypes> Settle for State<C> {
    type Leftover = Removed<C>;

    #[inline]
    fn is_settled(&self) -> bool {
        self.deferred.is_empty()
    }

    #[cold]
    fn settle(&self) -> Option<Removed<C>> {
        let mut leavers = Removed::none();
        self.write(&mut leavers);
        self.count(&leavers);
        Some(leavers)
    }
}

impl<C: CacheTypes> State<C> {
    pub(crate) const fn new(maxsize: MaxSize) -> Self {
        Self {
            counters: LockedCounters::new(),
            history: ChangeLog::new(),
            deferred: Deferred::new(),
            store: RefCell::new(Store::new(maxsize.to_option())),
        }
    }

    /// Hides what is under a hash, for who lets go of the lock to take out. Whose keys have it in common, all
    /// leave.
    fn hide_all_of(&self, hash: KeyHash) {
        for number in 0.. {
            let mut others = 0..number;
            let found = self.store.borrow().find(hash, |_| others.next().is_none()).map(|(place, _)| place);
            match found {
                Some(place) if self.deferred.hides(place) => {}
                Some(place) => self.hide(place, RemovalCause::Invalidated),
                None => break,
            }
        }
    }

    /// Counts what left of itself.
    #[inline]
    fn count(&self, leavers: &Removed<C>) {
        if !leavers.is_empty() {
            self.counters.left(leavers.count(RemovalCause::Evicted), leavers.count(RemovalCause::Expired));
        }
    }

    /// Where the entry lies that has this hash and `matches`, unless it is gone by now.
    fn find(&self, hash: KeyHash, matches: impl FnMut(&C::Key) -> bool) -> Option<Place> {
        let (place, _) = self.store.try_borrow().ok()?.find(hash, matches)?;
        (!self.deferred.hides(place)).then_some(place)
    }

    /// The store, to be changed: up to date, and without user code until the borrow ends. `None`
    /// in a call that is nested in somebody's reading.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "as what it does is little"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn write(&self, leavers: &mut Removed<C>) -> Option<RefMut<'_, Store<C>>> {
        let mut store = self.store.try_borrow_mut().ok()?;
        if store.is_lent() {
            self.take_back(&mut store);
        }
        if !self.deferred.is_empty() {
            self.carry_out(&mut store, leavers);
        }
        Some(store)
    }

    /// Takes from other threads what they read without the lock, and counts what they counted.
    #[cold]
    #[inline(never)]
    fn take_back(&self, store: &mut Store<C>) {
        self.counters.add_hits(store.take_back());
    }

    /// The same, where it is lent: what is hidden is not to be read elsewhere.
    fn recall(&self) {
        if let Ok(mut store) = self.store.try_borrow_mut() {
            if store.is_lent() {
                self.take_back(&mut store);
            }
        }
    }

    /// Hides an entry, which is to leave later.
    #[cold]
    #[inline(never)]
    fn hide(&self, place: Place, cause: RemovalCause) {
        self.recall();
        self.deferred.remove(place, cause);
    }

    /// Hides all of them.
    fn hide_all(&self) {
        self.recall();
        self.deferred.clear();
    }

    /// Hides everything, and counts anew.
    fn begin_anew(&self) {
        self.hide_all();
        self.counters.reset();
        self.history.cleared();
    }

    /// Reads the user's clock. It may call back: what nested calls change waits, so that nobody is told of
    /// it under the lock.
    #[inline]
    fn while_read<R>(&self, read: impl FnOnce() -> R) -> R {
        let _reading = (!C::Meta::IS_BARE).then(|| self.store.try_borrow());
        read()
    }

    /// Does what nested calls had to leave.
    #[cold]
    fn carry_out(&self, store: &mut Store<C>, leavers: &mut Removed<C>) {
        let Work { clear, removed, left } = self.deferred.take();
        for (entry, cause) in left {
            match cause {
                Some(cause) => leavers.push(entry, cause),
                None => leavers.refuse(entry),
            }
        }
        for (place, cause) in removed {
            leavers.push(store.remove(place), cause);
        }
        if clear {
            leavers.clear(store.take());
        }
    }

    /// Takes out what has expired by now.
    fn expire(&self, plan: &impl Lifecycle<C>, leavers: &mut Removed<C>) {
        if C::Meta::IS_BARE {
            return;
        }
        let Some(now) = self.while_read(|| plan.now()) else { return };
        let mut expired = Removed::none();
        let store = if plan.leaves_telling() {
            // What waits to be told of stays where it waits. Nothing more expires while places are noted there.
            self.store.try_borrow_mut().ok().filter(|_| !self.deferred.hides_any())
        } else {
            self.write(leavers)
        };
        if let Some(mut store) = store {
            store.expire(&now, &mut expired);
        }
        // What comes next may be user code, and panic.
        expired.hand_over(|entry, cause| self.deferred.leave(entry, cause));
    }

    /// Lets the user choose the next victim.
    fn choose(&self, plan: &impl Lifecycle<C>) {
        let chosen = self.store.try_borrow().ok().and_then(|store| store.chosen(|keys| plan.choose(keys)));
        if let (Some(place), Ok(mut store)) = (chosen, self.store.try_borrow_mut()) {
            store.choose(place);
        }
    }

    /// Evicts, one by one, whom the user chooses, until there is room for `entry` in place of what lies
    /// at `found`; which may have to leave, or be removed meanwhile.
    #[cold]
    fn make_room_by_choice(
        &self,
        entry: &Entry<C>,
        mut found: Option<Place>,
        plan: &impl Lifecycle<C>,
        leavers: &mut Removed<C>,
    ) {
        let lacks_room = |found| {
            let store = self.store.borrow();
            store.has_room_for(&entry.term) && store.lacks_room(&entry.term, found)
        };
        while lacks_room(found) {
            self.choose(plan);
            // The user's choice may have called back.
            found = found.filter(|&found| !self.deferred.hides(found));
            let mut left = Removed::none();
            let Some(mut store) = self.write(&mut left) else { return };
            let lacks_room = store.has_room_for(&entry.term) && store.lacks_room(&entry.term, found);
            let victim = if lacks_room { store.pop_victim() } else { None };
            drop(store);
            if left.are_all() {
                return leavers.append(left);
            }
            // The next choice may panic.
            left.hand_over(|entry, cause| self.deferred.leave(entry, cause));
            let Some((place, victim)) = victim else { return };
            found = found.filter(|&found| found != place);
            self.deferred.leave(victim, Some(RemovalCause::Evicted));
        }
    }

    /// Whether the key of what comes from `origin` is known to be missing: it was when the
    /// computation began, and nothing came in since. What has terms may have been there, but not
    /// live, so that says nothing of it.
    fn is_still_missing(&self, origin: InsertKind) -> bool {
        match origin {
            InsertKind::Computed(began) => C::Meta::IS_BARE && self.history.is_still(began),
            InsertKind::Revalidated(_)
            | InsertKind::Refreshed(_)
            | InsertKind::Put
            | InsertKind::Inserted => false,
        }
    }

    /// Brings in the result of a computation, if no caller changed anything since it began, and its key is
    /// still missing; hands out the entry it evicts. Gives it back where there is more to be asked or to be
    /// done.
    #[cfg_attr(
        not(debug_assertions),
        expect(clippy::inline_always, reason = "see `Engine::insert_computed`")
    )]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn bring_in(&self, entry: Entry<C>, began: Epoch, same: impl Fn(&C::Key, &C::Key) -> bool) -> Brought<C> {
        if !C::Meta::IS_BARE || !self.is_settled() {
            return Err(entry);
        }
        if !self.history.is_still(began) && !self.lacks(&entry, began, same) {
            return Err(entry);
        }
        let Ok(mut store) = self.store.try_borrow_mut() else { return Err(entry) };
        let evicted = store.bring_in(entry)?;
        self.history.arrived();
        if evicted.is_some() {
            self.counters.eviction();
        }
        Ok(evicted)
    }

    /// Whether no caller changed anything since `began`, and other results alone have come in.
    #[inline(never)]
    fn lacks(&self, entry: &Entry<C>, began: Epoch, same: impl Fn(&C::Key, &C::Key) -> bool) -> bool {
        self.history.is_unchanged(began)
            && self.find(entry.hash, |stored| same(stored, &entry.key)).is_none()
            // `same` may have called back.
            && self.history.is_unchanged(began)
            && self.is_settled()
    }

    /// Brings an entry in. `found` is where its key lies already.
    // Called in one place.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see above"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn admit(
        &self,
        entry: Entry<C>,
        origin: InsertKind,
        found: Option<Place>,
        last_result_stays: bool,
        leavers: &mut Removed<C>,
    ) {
        let replaces = match origin {
            InsertKind::Computed(_) | InsertKind::Revalidated(_) => last_result_stays,
            InsertKind::Refreshed(began) => {
                self.history.refreshed(entry.hash, began);
                true
            }
            InsertKind::Put | InsertKind::Inserted => {
                self.history.changed(entry.hash);
                true
            }
        };
        match (self.write(leavers), found) {
            (Some(mut store), found) if !store.has_room_for(&entry.term) => {
                // What was refreshed or put does not stay as it was.
                let goes = match origin {
                    InsertKind::Refreshed(_) | InsertKind::Put => true,
                    InsertKind::Revalidated(_) => replaces,
                    InsertKind::Computed(_) | InsertKind::Inserted => false,
                };
                if let Some(place) = found.filter(|_| goes) {
                    leavers.replace(store.remove(place));
                }
                leavers.refuse(entry);
            }
            (Some(mut store), None) => {
                self.history.arrived();
                store.insert(entry, leavers);
            }
            (Some(mut store), Some(place)) if replaces => store.replace(place, entry, leavers),
            (Some(_), Some(_)) => leavers.refuse(entry),
            (None, found) => {
                // Nested: the new value can't be stored, and the old one must not stay.
                if let (Some(place), InsertKind::Refreshed(_) | InsertKind::Put | InsertKind::Inserted) =
                    (found, origin)
                {
                    self.hide(place, RemovalCause::Replaced);
                }
                self.deferred.leave(entry, None);
            }
        }
    }

    /// Keeps an entry out, and under the lock no longer than that takes.
    fn refuse(&self, entry: Entry<C>, leavers: &mut Removed<C>) {
        if self.store.try_borrow_mut().is_ok() {
            leavers.refuse(entry);
        } else {
            // Nested: the lock is not free when this call is over.
            self.deferred.leave(entry, None);
        }
    }

    /// Takes an entry out. In a nested call it leaves later, and is gone from now on.
    fn take(&self, place: Place, cause: RemovalCause, leavers: &mut Removed<C>) -> Option<Entry<C>> {
        if let Some(mut store) = self.write(leavers) {
            return Some(store.remove(place));
        }
        self.hide(place, cause);
        None
    }

    /// While this is there, what leaves waits for a call that comes later.
    pub(crate) fn reading(&self) -> Option<Ref<'_, Store<C>>> {
        self.store.try_borrow().ok()
    }

    /// Whether what lies there is not fresh any more, by what a clock showed.
    fn is_stale<S: Lifecycle<C>>(&self, place: Place, plan: &S, reading: &S::Reading) -> bool {
        plan.freshness(&self.store.borrow().get(place).term, reading) != Freshness::Fresh
    }

    fn currsize(&self) -> usize {
        let store = self.store.borrow();
        self.deferred.remaining(store.weight(), |place| store.get(place).term.weight())
    }

    /// Whether what comes from `origin` is out of date.
    fn is_overtaken(&self, origin: InsertKind, hash: KeyHash) -> bool {
        match origin {
            InsertKind::Computed(began) | InsertKind::Revalidated(began) | InsertKind::Refreshed(began) => {
                self.history.overtook(began, hash)
            }
            InsertKind::Put | InsertKind::Inserted => false,
        }
    }
}

impl<C: CacheTypes> Engine<C> {
    /// An empty cache in the mode that `maxsize` chooses.
    #[must_use]
    pub(crate) const fn new(maxsize: MaxSize) -> Self {
        Self::of(maxsize, RLock::new(State::new(maxsize)))
    }
}

/// The engine of a cache that one thread has for itself.
pub(crate) type LocalEngine<C> = Engine<C, Unlocked<State<C>>>;

impl<C: CacheTypes> LocalEngine<C> {
    /// An empty cache of the current thread, in the mode that `maxsize` chooses.
    #[must_use]
    pub(crate) const fn local(maxsize: MaxSize) -> Self {
        Self::of(maxsize, Unlocked::new(State::new(maxsize)))
    }
}

/// Of the same bound.
#[cfg(feature = "testing")]
impl<C: CacheTypes> Another for Engine<C> {
    fn another(&self) -> Self {
        Self::another_of(self, RLock::new(State::new(self.maxsize)))
    }
}

/// Of the same bound.
#[cfg(feature = "testing")]
impl<C: CacheTypes> Another for Engine<C, crate::engine::lock::PlainLock<State<C>>> {
    fn another(&self) -> Self {
        Self::another_of(self, crate::engine::lock::PlainLock::new(State::new(self.maxsize)))
    }
}

/// Of the same bound.
#[cfg(feature = "testing")]
impl<C: CacheTypes> Another for LocalEngine<C> {
    fn another(&self) -> Self {
        Self::local(self.maxsize)
    }
}

/// The engine of a cache that lends what is read in it.
pub(crate) type OpenEngine<C> = Engine<C, OpenLock<State<C>>>;

/// Who reads what it lends.
pub(crate) type ReadersOf<C> = ReadStripes<Table<C>>;

impl<C: CacheTypes<Meta = ()>> Lending for State<C> {
    type ReadStripes = ReadersOf<C>;
}

impl<C: CacheTypes<Meta = ()>> OpenEngine<C> {
    /// An empty cache without a bound.
    pub(crate) const fn open() -> Self
    where
        C::Key: Clone,
        C::Value: Clone,
    {
        Self::quiet(MaxSize::Unbounded, OpenLock::new(State::new(MaxSize::Unbounded)))
    }

    /// Who reads what is lent, from when several threads have called.
    #[inline]
    pub(crate) fn readers(&self) -> Option<&ReadersOf<C>> {
        self.state.readers()
    }

    /// From now on the table is lent.
    #[cfg(test)]
    pub(crate) fn prepare(&self) {
        self.state.prepare();
    }

    /// Lends the table to the current thread, to be read by way of `readers` from now on; where it can.
    #[cold]
    pub(crate) fn lend(&self, readers: &ReadersOf<C>) {
        let state = self.hold();
        if state.is_settled() {
            state.store.borrow_mut().lend(readers);
        }
    }
}

impl<C: CacheTypes, L> Engine<C, L> {
    pub(crate) const fn of(maxsize: MaxSize, state: L) -> Self {
        Self::copying(maxsize, state, None)
    }

    /// The same, under whose lock a user's code must not run.
    pub(crate) const fn quiet(maxsize: MaxSize, state: L) -> Self
    where
        C::Key: Clone,
        C::Value: Clone,
    {
        Self::copying(maxsize, state, Some((C::Key::clone, C::Value::clone)))
    }

    /// The same as another one, in which there is nothing.
    #[cfg(feature = "testing")]
    fn another_of(other: &Self, state: L) -> Self {
        Self::copying(other.maxsize, state, other.copy)
    }

    const fn copying(maxsize: MaxSize, state: L, copy: Option<Copied<C>>) -> Self {
        Self {
            maxsize,
            uncached: AtomicU64::new(0),
            state,
            flights: OnceLock::new(),
            tallies: OnceLock::new(),
            background: OnceLock::new(),
            copy,
        }
    }
}

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Makes `policy` the policy of a cache in which there is nothing yet.
    pub(crate) fn set_policy(&mut self, policy: C::Policy) {
        self.state.get_mut().store.get_mut().set_policy(policy);
    }

    /// Whether nothing is ever stored, and no lock taken. What has terms takes it all the same: its
    /// bound may change.
    #[inline]
    pub(crate) fn is_disabled(&self) -> bool {
        C::Meta::IS_BARE && matches!(self.maxsize, MaxSize::Disabled)
    }

    /// Counts a miss of the disabled mode.
    #[inline]
    pub(crate) fn miss_uncached(&self) {
        L::count(&self.uncached);
    }

    pub(crate) fn hold(&self) -> L::Held<'_> {
        self.state.hold()
    }

    /// The same, where no other thread holds the lock.
    pub(crate) fn try_hold(&self) -> Option<L::Held<'_>> {
        self.state.try_hold()
    }

    /// Lets go of the lock, tells of all that left, and hands it back to be dropped.
    fn let_go(state: L::Held<'_>, leavers: Removed<C>, plan: &impl Lifecycle<C>) -> Removed<C> {
        Self::let_go_of(state, leavers, None, plan)
    }

    /// The same, and tells of an entry that the caller has `taken` out.
    fn let_go_of(
        state: L::Held<'_>,
        mut leavers: Removed<C>,
        taken: Option<(&Entry<C>, RemovalCause)>,
        plan: &impl Lifecycle<C>,
    ) -> Removed<C> {
        state.count(&leavers);
        if taken.is_some_and(|(_, cause)| cause == RemovalCause::Evicted) {
            state.counters.eviction();
        }
        release(state, |leftover| leavers.append(leftover));
        let taken = taken.map(|(entry, cause)| (&entry.key, &entry.value, cause));
        told_with(leavers, taken, plan)
    }

    /// A caller's lookup: a hit, or a miss and the moment it was counted.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&C::Value) -> R,
        plan: &impl Lifecycle<C>,
    ) -> Result<R, Epoch> {
        let missed = |state: &State<C>| {
            state.counters.miss();
            state.history.now()
        };
        self.search(hash, matches, |entry, _| read(&entry.value), missed, plan)
    }

    /// The same, where a call may be answered without a computation of its own: a miss is not counted yet.
    /// Tells how fresh the answer is.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&C::Value) -> R,
        plan: &impl Lifecycle<C>,
    ) -> Option<(R, Freshness)> {
        if self.is_disabled() {
            return None;
        }
        let read = |entry: &Entry<C>, reading: &_| (read(&entry.value), plan.freshness(&entry.term, reading));
        self.search(hash, matches, read, |_| (), plan).ok()
    }

    /// What `read` makes of a live entry, by what the clock shows: that is a hit. Else what `missed` makes of the
    /// state.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn search<R, M, S: Lifecycle<C>>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&Entry<C>, &S::Reading) -> R,
        missed: impl FnOnce(&State<C>) -> M,
        plan: &S,
    ) -> Result<R, M> {
        let reading = plan.read();
        let state = self.hold();
        let is_there = |place: &dyn Fn() -> Option<Place>, term: &C::Meta| {
            !state.deferred.hides_at(place) && plan.is_live_and_used(term, &reading)
        };
        let found = match state.store.try_borrow() {
            Ok(store) => store.read(hash, matches, is_there, |entry| read(entry, &reading)),
            // Never: who borrows it for writing calls nobody.
            Err(_) => None,
        };
        let searched = if let Some(found) = found {
            self.state.have_hit(state.counters.hit());
            Ok(found)
        } else {
            Err(missed(&state))
        };
        release(state, |leavers| drop(told(leavers, plan)));
        searched
    }

    /// Where it stands in the history of the cache.
    pub(crate) fn moment(&self) -> Epoch {
        self.hold().history.unseen()
    }

    /// The same, and counts a miss: a call begins to compute.
    pub(crate) fn begin_call(&self) -> Epoch {
        let state = self.hold();
        state.counters.miss();
        state.history.unseen()
    }

    /// Whether the current thread holds the lock: the call comes from an `Eq` or a `Clone`.
    pub(crate) fn is_held(&self) -> bool {
        self.state.is_held()
    }

    /// Takes back that a hit was counted.
    pub(crate) fn uncount_hit(&self) {
        self.hold().counters.uncount_hit();
    }

    /// Forgets what is not fresh any more: computed anew, there is nothing to be remembered.
    pub(crate) fn forget_stale(
        &self,
        hash: KeyHash,
        mut matches: impl FnMut(&C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) {
        let is_stale =
            |entry: &Entry<C>| (plan.freshness(&entry.term, &plan.read()) != Freshness::Fresh).then_some(());
        if self.find_with(hash, &mut matches, is_stale, plan).is_some() {
            self.forget(hash, matches, plan);
        }
    }

    /// Whether what began then was overtaken by a change to this key.
    pub(crate) fn overtook(&self, began: Epoch, hash: KeyHash) -> bool {
        self.hold().history.overtook(began, hash)
    }

    /// The computations that calls share.
    pub(crate) fn flights(&self) -> &Arc<FlightTable<C::Key, C::Value>> {
        self.flights.get_or_init(|| Arc::new(FlightTable::new()))
    }

    /// Where stale entries are refreshed.
    pub(crate) fn background(&self) -> &Arc<Worker> {
        self.background.get_or_init(Arc::default)
    }

    /// What is counted without the lock.
    pub(crate) fn tallies(&self) -> &Counters {
        self.tallies.get_or_init(Box::default)
    }

    /// What happened beside hits and misses.
    pub(crate) fn stats(&self) -> CacheStats {
        let mut stats = self.tallies.get().map_or_else(CacheStats::default, |tallies| tallies.read());
        (stats.evictions, stats.expiries) = self.hold().counters.leavers();
        stats
    }

    /// Hits of calls that others computed for.
    fn answered_elsewhere(&self) -> u64 {
        let answered =
            |tallies: &Counters| tallies.coalesced.load(Relaxed) + tallies.backend_hits.load(Relaxed);
        self.tallies.get().map_or(0, |tallies| answered(tallies))
    }

    /// What was counted as a miss has been answered by a backend.
    #[cfg(feature = "backend")]
    pub(crate) fn was_hit(&self) {
        if self.is_disabled() {
            // At zero where it was cleared meanwhile.
            _ = self.uncached.fetch_update(Relaxed, Relaxed, |misses| misses.checked_sub(1));
        } else {
            self.hold().counters.no_miss();
        }
        crate::observe::stats::add(&self.tallies().backend_hits, 1);
    }

    /// Counts a miss without looking: a computation that was asked for begins.
    pub(crate) fn begin(&self) -> Epoch {
        let state = self.hold();
        state.counters.miss();
        state.history.next()
    }

    /// What is remembered, untouched and uncounted.
    pub(crate) fn peek_with<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&C::Value) -> R,
        plan: &impl Lifecycle<C>,
    ) -> Option<R> {
        self.find_with(hash, matches, |entry| plan.is_live(&entry.term).then(|| read(&entry.value)), plan)
    }

    /// Whether something fresh is remembered.
    pub(crate) fn contains(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) -> bool {
        let is_fresh = |entry: &Entry<C>| {
            plan.is_live(&entry.term) && plan.freshness(&entry.term, &plan.read()) == Freshness::Fresh
        };
        self.find_with(hash, matches, |entry| is_fresh(entry).then_some(()), plan).is_some()
    }

    /// What is there, as good as it may be, untouched and uncounted.
    pub(crate) fn find_with<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&Entry<C>) -> Option<R>,
        plan: &impl Lifecycle<C>,
    ) -> Option<R> {
        if self.is_disabled() {
            return None;
        }
        let state = self.hold();
        let found = state.store.borrow().find(hash, matches).and_then(|(place, entry)| {
            // `matches` may have called back, and what it found be gone by now.
            if state.deferred.hides(place) { None } else { read(entry) }
        });
        release(state, |leavers| drop(told(leavers, plan)));
        found
    }

    /// Remembers an entry if its `origin` allows, and returns what left, to be told of and dropped.
    ///
    /// A result that was computed stays out where the key was cleared, invalidated or put since
    /// it began. Where another activation was first, the bounded mode keeps the first result and
    /// the unbounded mode the last. What is put or refreshed replaces, and overtakes every
    /// computation in flight that began earlier. What is not live, or weighs more than all
    /// entries may, stays out.
    #[must_use]
    pub(crate) fn keep(
        &self,
        entry: Entry<C>,
        origin: InsertKind,
        same: impl Fn(&C::Key, &C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) -> Removed<C> {
        if self.is_disabled() {
            // A computation in flight must not reach a backend later on.
            if let InsertKind::Put | InsertKind::Inserted = origin {
                self.hold().history.changed(entry.hash);
            }
            let mut leavers = Removed::none();
            leavers.refuse(entry);
            return leavers;
        }
        self.keep_asking(self.hold(), entry, origin, same, plan)
    }

    /// [`Engine::keep`] after a miss: in a full cache, where misses go on forever, the short way.
    /// What leaves is told and dropped.
    // Neither the entry nor the evicted one goes through memory, if registers can hold them. The call
    // itself is not inlined: in the caller, it would take registers from the hit, and stack from
    // functions that call themselves.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "an entry in its parts goes in registers")]
    pub(crate) fn insert_computed(
        &self,
        hash: KeyHash,
        key: C::Key,
        value: C::Value,
        term: C::Meta,
        began: Epoch,
        same: impl Fn(&C::Key, &C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) {
        let entry = Entry { hash, key, value, term };
        let state = self.hold();
        match state.bring_in(entry, began, &same) {
            Ok(evicted) => {
                // Nothing is left to be settled.
                drop(state);
                if let (Some(evicted), true) = (&evicted, plan.listens()) {
                    plan.left(&evicted.key, &evicted.value, RemovalCause::Evicted);
                }
                drop(evicted);
            }
            Err(entry) => {
                drop(told(self.keep_asking(state, entry, InsertKind::Computed(began), same, plan), plan));
            }
        }
    }

    /// [`Engine::keep`], whatever happened meanwhile. Lets go of the lock.
    #[inline(never)]
    fn keep_asking(
        &self,
        state: L::Held<'_>,
        entry: Entry<C>,
        origin: InsertKind,
        same: impl Fn(&C::Key, &C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) -> Removed<C> {
        let mut leavers = Removed::none();
        // Declared last, and so let go first should `same` panic.
        let state = state;
        let hash = entry.hash;
        let is_live = state.while_read(|| plan.is_live(&entry.term));
        let reading = plan.has_grace().then(|| state.while_read(|| plan.read()));
        state.expire(plan, &mut leavers);
        let overtaken = state.is_overtaken(origin, hash);
        let found = if overtaken || state.is_still_missing(origin) {
            None
        } else {
            state.find(hash, |stored| same(stored, &entry.key))
        };
        let is_stale = |found| reading.as_ref().is_some_and(|reading| state.is_stale(found, plan, reading));
        let last_result_stays = (self.last_result_stays() && !matches!(origin, InsertKind::Revalidated(_)))
            || found.is_some_and(is_stale);
        let is_asked_for =
            matches!(origin, InsertKind::Refreshed(_) | InsertKind::Put | InsertKind::Inserted);
        let stays = found.is_some() && !is_asked_for && !last_result_stays;
        let found = if plan.chooses() && is_live && !overtaken && !stays {
            state.make_room_by_choice(&entry, found, plan, &mut leavers);
            state.find(hash, |stored| same(stored, &entry.key))
        } else {
            found
        };
        // `same` may have called back: ask again. From here on no user code runs.
        if state.is_overtaken(origin, hash) {
            state.refuse(entry, &mut leavers);
        } else if is_live {
            state.admit(entry, origin, found, last_result_stays, &mut leavers);
        } else {
            match origin {
                InsertKind::Computed(_) | InsertKind::Revalidated(_) => {}
                InsertKind::Refreshed(began) => state.history.refreshed(hash, began),
                InsertKind::Put | InsertKind::Inserted => state.history.changed(hash),
            }
            let found = found.filter(|_| !stays);
            if let Some(entry) =
                found.and_then(|place| state.take(place, RemovalCause::Replaced, &mut leavers))
            {
                leavers.replace(entry);
            }
            state.refuse(entry, &mut leavers);
        }
        state.count(&leavers);
        release(state, |leftover| leavers.append(leftover));
        leavers
    }

    /// Whether of two results for one key the last one stays: as in Python, where the unbounded
    /// mode assigns to a dictionary, and the bounded mode looks first whether the key came in.
    fn last_result_stays(&self) -> bool {
        matches!(self.maxsize, MaxSize::Unbounded)
    }

    /// Forgets one key: no computation in flight will bring it back. Says whether it was there.
    pub(crate) fn forget(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) -> bool {
        self.forget_with(hash, matches, |_| (), |_| (), plan).is_some()
    }

    /// Forgets one key, and makes something of its value: of the value itself, or in a nested call,
    /// where it has to stay for now, of a look at it.
    pub(crate) fn forget_with<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        taken: impl FnOnce(C::Value) -> R,
        seen: impl FnOnce(&C::Value) -> R,
        plan: &impl Lifecycle<C>,
    ) -> Option<R> {
        if self.is_disabled() {
            // As in `keep`.
            self.hold().history.changed(hash);
            return None;
        }
        let mut leavers = Removed::none();
        let state = self.hold();
        let found = state.find(hash, matches);
        state.history.changed(hash);
        let removed = found.map(|place| {
            // The user's clock may have called back.
            let is_live = plan.is_live(&state.store.borrow().get(place).term);
            if state.deferred.hides(place) {
                return (None, None, RemovalCause::Invalidated);
            }
            let cause = if is_live { RemovalCause::Invalidated } else { RemovalCause::Expired };
            let taken = state.take(place, cause, &mut leavers);
            let seen = (taken.is_none() && is_live).then(|| seen(&state.store.borrow().get(place).value));
            (taken, seen, cause)
        });
        let taken_out = removed.as_ref().and_then(|(entry, _, cause)| Some((entry.as_ref()?, *cause)));
        drop(Self::let_go_of(state, leavers, taken_out, plan));
        let (taken_out, seen, cause) = removed?;
        let Some(Entry { key, value, .. }) = taken_out else { return seen };
        drop(key);
        (cause == RemovalCause::Invalidated).then(|| taken(value))
    }

    /// Forgets what is under this hash: no computation in flight will bring it back. The next call tells of it.
    #[cfg(feature = "backend")]
    pub(crate) fn forget_hash(&self, hash: KeyHash) {
        let state = self.hold();
        state.history.changed(hash);
        if !self.is_disabled() {
            state.hide_all_of(hash);
            Self::let_go_of_hidden(state, true);
        }
    }

    /// Lets go of the lock when something is hidden that is to leave: at once, or as the next call does.
    #[cfg(feature = "backend")]
    fn let_go_of_hidden(state: L::Held<'_>, later: bool) {
        if later {
            drop(state);
        } else {
            release(state, drop);
        }
    }

    /// Forgets all entries for which `holds` is false. Computations in flight are not stored: what they began with
    /// may be what no longer holds.
    pub(crate) fn retain(&self, mut holds: impl FnMut(&C::Key, &C::Value) -> bool, plan: &impl Lifecycle<C>) {
        let mut leavers = Removed::none();
        if self.is_disabled() {
            return;
        }
        if let Some(copy) = self.copy {
            return self.retain_by_copies(copy, holds, plan);
        }
        let state = self.hold();
        state.history.cleared();
        state.expire(plan, &mut leavers);
        let places = state.store.borrow().places();
        for place in places {
            let store = state.store.borrow();
            let entry = store.get(place);
            // `holds` may have called back, and the entry be gone by now, also by this very call.
            if state.deferred.hides(place) || holds(&entry.key, &entry.value) || state.deferred.hides(place) {
                continue;
            }
            state.history.changed(entry.hash);
            state.hide(place, RemovalCause::Invalidated);
        }
        drop(Self::let_go(state, leavers, plan));
    }

    /// The same, and calls `holds` without the lock. What has left meanwhile is not asked for any more; what was put
    /// in its place meanwhile goes with it.
    fn retain_by_copies(
        &self,
        copy: Copied<C>,
        mut holds: impl FnMut(&C::Key, &C::Value) -> bool,
        plan: &impl Lifecycle<C>,
    ) {
        let state = self.hold();
        state.history.cleared();
        let store = state.store.borrow();
        let copied = |entry: &Entry<C>| (entry.hash, copy.0(&entry.key), copy.1(&entry.value));
        let entries: Vec<_> = store.places().into_iter().map(|place| copied(store.get(place))).collect();
        drop(store);
        drop(state);
        for (hash, key, value) in entries {
            if self.holds(hash) && !holds(&key, &value) {
                let state = self.hold();
                state.history.changed(hash);
                state.hide_all_of(hash);
                drop(Self::let_go(state, Removed::none(), plan));
            }
        }
    }

    /// Whether anything lies under this hash.
    pub(crate) fn holds(&self, hash: KeyHash) -> bool {
        self.hold().find(hash, |_| true).is_some()
    }

    /// Forgets everything and sets the counters to zero. Computations in flight are not stored.
    pub(crate) fn clear(&self, plan: &impl Lifecycle<C>) {
        if let Some(leavers) = self.empty(plan) {
            drop(told(leavers, plan));
        }
    }

    /// The same, and returns what left, to be told of and dropped.
    #[must_use]
    pub(crate) fn empty(&self, plan: &impl Lifecycle<C>) -> Option<Removed<C>> {
        self.uncount();
        if self.is_disabled() {
            // For calls that would share what was computed before.
            self.hold().history.cleared();
            return None;
        }
        let mut leavers = Removed::none();
        let state = self.hold();
        state.begin_anew();
        if plan.leaves_telling() {
            return None;
        }
        drop(state.write(&mut leavers));
        Some(leavers)
    }

    /// Sets to zero what is counted beside the lock.
    fn uncount(&self) {
        self.uncached.store(0, Relaxed);
        if let Some(tallies) = self.tallies.get() {
            tallies.reset();
        }
    }

    /// Does what was wanted by calls that could not wait for the lock, which the caller holds. What leaves does
    /// so when that is settled.
    pub(crate) fn make_up(&self, state: &State<C>, wanted: Vec<DeferredChange>) {
        for wanted in wanted {
            match wanted {
                DeferredChange::Forget(hash) => {
                    state.history.changed(hash);
                    state.hide_all_of(hash);
                }
                DeferredChange::Empty => {
                    state.history.cleared();
                    state.hide_all();
                }
                DeferredChange::Clear => {
                    self.uncount();
                    state.begin_anew();
                }
            }
        }
    }

    /// Lets go, and carries out what waits.
    pub(crate) fn settle(state: L::Held<'_>, plan: &impl Lifecycle<C>) {
        if !plan.leaves_telling() {
            drop(Self::let_go(state, Removed::none(), plan));
        }
    }

    /// Misses that were counted, of calls that it stored for and of others.
    pub(crate) fn misses(&self) -> u64 {
        self.uncached.load(Relaxed) + self.hold().counters.misses()
    }

    /// Hits, misses, bound and size, read together under the lock.
    pub(crate) fn info(&self, plan: &impl Lifecycle<C>) -> CacheInfo {
        if self.is_disabled() {
            return self.counted();
        }
        let mut leavers = Removed::none();
        let state = self.hold();
        state.expire(plan, &mut leavers);
        let info = self.read_counters(&state);
        if !plan.leaves_telling() {
            drop(Self::let_go(state, leavers, plan));
        }
        info
    }

    /// The same, with what has expired since anything was last asked.
    pub(crate) fn counted(&self) -> CacheInfo {
        if self.is_disabled() {
            let (misses, maxsize) = (self.uncached.load(Relaxed), self.maxsize.to_option());
            return CacheInfo { hits: self.answered_elsewhere(), misses, maxsize, ..CacheInfo::default() };
        }
        self.read_counters(&self.hold())
    }

    fn read_counters(&self, state: &State<C>) -> CacheInfo {
        let hits = self.answered_elsewhere();
        let store = state.store.borrow();
        state.counters.add_hits(store.take_hits());
        let info = state.counters.read(store.maxsize(), state.currsize());
        CacheInfo { hits: info.hits + hits, ..info }
    }

    /// The bound as it is now.
    pub(crate) fn maxsize(&self) -> Option<usize> {
        if self.is_disabled() { Some(0) } else { self.hold().store.borrow().maxsize() }
    }

    /// How many entries there are.
    pub(crate) fn len(&self, plan: &impl Lifecycle<C>) -> usize {
        let mut leavers = Removed::none();
        let state = self.hold();
        state.expire(plan, &mut leavers);
        let len = state.deferred.remaining(state.store.borrow().len(), |_| 1);
        drop(Self::let_go(state, leavers, plan));
        len
    }

    /// Takes out what has expired, and returns it in that order.
    pub(crate) fn take_expired(&self, plan: &impl Lifecycle<C>) -> Vec<(C::Key, C::Value)> {
        let mut leavers = Removed::none();
        let state = self.hold();
        state.expire(plan, &mut leavers);
        Self::let_go(state, leavers, plan).only(RemovalCause::Expired).collect()
    }

    /// Takes out the next victim.
    pub(crate) fn pop_victim(&self, plan: &impl Lifecycle<C>) -> Option<(C::Key, C::Value)> {
        let mut leavers = Removed::none();
        let state = self.hold();
        state.expire(plan, &mut leavers);
        if plan.chooses() {
            state.choose(plan);
        }
        let victim = state.write(&mut leavers).and_then(|mut store| store.pop_victim());
        let victim = victim.map(|(_, entry)| entry);
        if let Some(entry) = &victim {
            state.history.changed(entry.hash);
        }
        let taken = victim.as_ref().map(|entry| (entry, RemovalCause::Evicted));
        drop(Self::let_go_of(state, leavers, taken, plan));
        victim.map(|Entry { key, value, .. }| (key, value))
    }

    /// Sets another bound, and evicts what is beyond it.
    pub(crate) fn resize(&self, maxsize: Option<usize>, plan: &impl Lifecycle<C>) {
        let mut leavers = Removed::none();
        let state = self.hold();
        state.expire(plan, &mut leavers);
        while plan.chooses() && state.store.borrow().is_beyond(maxsize) {
            if let Err(thrown) = catch_unwind(AssertUnwindSafe(|| state.choose(plan))) {
                // Those before it have left.
                drop(Self::let_go(state, leavers, plan));
                resume_unwind(thrown);
            }
            let Some((_, victim)) = state.write(&mut leavers).and_then(|mut store| store.pop_victim()) else {
                break;
            };
            leavers.push(victim, RemovalCause::Evicted);
        }
        if let Some(mut store) = state.write(&mut leavers) {
            store.resize(maxsize, &mut leavers);
        }
        drop(Self::let_go(state, leavers, plan));
    }

    /// Copies of all entries, from least to most recently used where an order is kept.
    pub(crate) fn snapshot(&self, plan: &impl Lifecycle<C>) -> Vec<(C::Key, C::Value)>
    where
        C::Key: Clone,
        C::Value: Clone,
    {
        // Apart, so that each copy made before a panic is dropped without the lock.
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let state = self.hold();
        let store = state.store.borrow();
        // All places first: a `Clone` that calls the cache may change the order.
        for place in store.places() {
            let entry = store.get(place);
            if !state.deferred.hides(place) && plan.is_live(&entry.term) {
                keys.push(entry.key.clone());
                values.push(entry.value.clone());
            }
        }
        drop(store);
        release(state, |leavers| drop(told(leavers, plan)));
        keys.into_iter().zip(values).collect()
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn validate(&self) {
        let state = self.hold();
        state.store.borrow().validate();
        assert!(state.deferred.is_empty(), "nothing waits once the lock is free");
    }
}

/// Others have changed what entries are copies of. What is being computed may be stored all the same: whether
/// it was overtaken by that is not asked here.
#[cfg(feature = "backend")]
impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Takes out what lies under it. With `later`, the next call tells of what left.
    pub(crate) fn drop_changed(&self, hash: KeyHash, later: bool) {
        let state = self.hold();
        state.hide_all_of(hash);
        Self::let_go_of_hidden(state, later);
    }

    /// Takes out everything, in the same way.
    pub(crate) fn drop_all_changed(&self, later: bool) {
        let state = self.hold();
        state.hide_all();
        Self::let_go_of_hidden(state, later);
    }
}

/// Whole at every point where user code runs, and so after a panic in it.
impl<C: CacheTypes, L> RefUnwindSafe for Engine<C, L> {}
impl<C: CacheTypes, L> UnwindSafe for Engine<C, L> {}

impl<C: CacheTypes> fmt::Debug for State<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl<C: CacheTypes, L> fmt::Debug for Engine<C, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("maxsize", &self.maxsize).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expiry::clock::ManualClock;
    use crate::expiry::lease::EntryInfo;
    use crate::object::LruCache;
    use std::cell::Cell;
    use std::hash::{Hash, Hasher};
    use std::rc::Rc;
    use std::time::Duration;

    /// What a key or a value does when it is compared, cloned or dropped.
    type Hook = Rc<RefCell<Option<Box<dyn Fn(&Probed)>>>>;

    /// A key or value that calls back, when it is told to.
    #[derive(Clone)]
    struct Probe {
        number: u32,
        on_eq: Hook,
    }

    type Probed = LruCache<Probe, Loud>;

    thread_local! {
        static CACHE: Probed = const { LruCache::new(Some(3)) };
        static CALLING_BACK: Cell<bool> = const { Cell::new(false) };
    }

    impl Probe {
        fn new(number: u32) -> Self {
            Self { number, on_eq: Hook::default() }
        }

        fn on_eq(number: u32, call: impl Fn(&Probed) + 'static) -> Self {
            let probe = Self::new(number);
            *probe.on_eq.borrow_mut() = Some(Box::new(call));
            probe
        }
    }

    impl Hash for Probe {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.number.hash(state);
        }
    }

    impl PartialEq for Probe {
        fn eq(&self, other: &Self) -> bool {
            let hooks = [self.on_eq.take(), other.on_eq.take()];
            let before = CALLING_BACK.replace(true);
            CACHE.with(|cache| hooks.iter().flatten().for_each(|hook| hook(cache)));
            CALLING_BACK.set(before);
            self.number == other.number
        }
    }

    impl Eq for Probe {}

    /// A value that makes sure that the cache never drops it under the lock.
    #[derive(Clone, Debug, PartialEq)]
    struct Loud(u32);

    impl Drop for Loud {
        fn drop(&mut self) {
            let free = CACHE.try_with(|cache| cache.engine().state.hold().store.try_borrow_mut().is_ok());
            let dropped_by_test = CALLING_BACK.get() || std::thread::panicking();
            assert!(dropped_by_test || free.unwrap_or(true), "{self:?} is dropped under the lock");
        }
    }

    /// Runs a test on an empty cache with the keys 1, 2, 3, and checks that it is whole afterwards.
    fn with_cache(test: impl FnOnce(&Probed)) {
        CACHE.with(|cache| {
            cache.clear();
            for number in 1..=3 {
                cache.insert(Probe::new(number), Loud(number));
            }
            test(cache);
            cache.engine().validate();
        });
    }

    fn keys(cache: &Probed) -> Vec<u32> {
        cache.iter().map(|(key, _)| key.number).collect()
    }

    #[test]
    fn a_clear_from_within_eq_makes_the_lookup_a_miss() {
        with_cache(|cache| {
            let key = Probe::on_eq(2, |cache| {
                cache.clear();
                assert_eq!((cache.len(), keys(cache).len()), (0, 0));
            });
            assert_eq!(cache.get(&key), None);
            assert_eq!(cache.info(), CacheInfo { misses: 1, maxsize: Some(3), ..CacheInfo::default() });
        });
    }

    #[test]
    fn a_key_removed_from_within_its_eq_is_gone() {
        with_cache(|cache| {
            let key = Probe::on_eq(2, |cache| {
                assert_eq!(cache.remove(&Probe::new(2)), Some(Loud(2)));
                assert_eq!(cache.remove(&Probe::new(2)), None);
                assert!(!cache.contains(&Probe::new(2)));
                assert_eq!(cache.len(), 2);
            });
            assert_eq!(cache.get(&key), None);
            assert_eq!(keys(cache), [1, 3]);
        });
    }

    #[test]
    fn nested_hits_count_and_touch() {
        with_cache(|cache| {
            let key = Probe::on_eq(2, |cache| assert_eq!(cache.get(&Probe::new(1)), Some(Loud(1))));
            assert_eq!(cache.get(&key), Some(Loud(2)));
            assert_eq!(keys(cache), [3, 1, 2]);
            assert_eq!(cache.info().hits, 2);
        });
    }

    #[test]
    fn what_is_put_from_within_eq_goes_unstored_and_removes_the_old() {
        with_cache(|cache| {
            let key = Probe::on_eq(2, |cache| {
                assert_eq!(cache.insert(Probe::new(1), Loud(10)), None);
                assert_eq!(cache.insert(Probe::new(4), Loud(40)), None);
                assert_eq!(cache.get_or_insert_with(Probe::new(5), || Loud(50)), Loud(50));
            });
            assert_eq!(cache.get(&key), Some(Loud(2)));
            assert_eq!(keys(cache), [3, 2]);
        });
    }

    #[test]
    fn a_victim_may_have_been_removed_from_within_eq() {
        with_cache(|cache| {
            let key = Probe::on_eq(2, |cache| drop(cache.remove(&Probe::new(1))));
            // The key is there: `Eq` runs, and removes the least recently used one.
            cache.insert(key, Loud(20));
            assert_eq!(keys(cache), [3, 2]);
            cache.insert(Probe::new(4), Loud(4));
            assert_eq!(keys(cache), [3, 2, 4]);
        });
    }

    #[test]
    fn a_key_removed_from_within_its_eq_is_stored_anew() {
        with_cache(|cache| {
            let key = Probe::on_eq(2, |cache| drop(cache.remove(&Probe::new(2))));
            assert_eq!(cache.get_or_insert_with(key, || Loud(20)), Loud(20));
            assert_eq!(keys(cache), [1, 3, 2]);
            assert_eq!(cache.peek(&Probe::new(2)), Some(Loud(20)));
        });
    }

    #[test]
    fn what_nested_calls_left_behind_a_panic_is_dropped_by_the_next_result_that_comes_in() {
        with_cache(|cache| {
            std::panic::set_hook(Box::new(|_| {}));
            cache.get_or_insert_with(Probe::new(4), || {
                let key = Probe::on_eq(2, |cache| {
                    cache.get_or_insert_with(Probe::new(5), || Loud(5));
                    panic!("on purpose");
                });
                assert!(catch_unwind(AssertUnwindSafe(|| cache.get(&key))).is_err());
                CALLING_BACK.set(false);
                assert!(!cache.engine().state.hold().is_settled());
                Loud(4)
            });
            drop(std::panic::take_hook());
            assert!(cache.engine().state.hold().is_settled());
            assert_eq!(keys(cache), [2, 3, 4]);
        });
    }

    #[test]
    fn of_a_key_that_came_in_meanwhile_there_is_one_entry() {
        let cache = LruCache::new(Some(2));
        cache.insert(7, 7);
        cache.insert(8, 8);
        let outer = cache.get_or_insert_with(1, || {
            cache.get_or_insert_with(1, || 10);
            11
        });
        assert_eq!((outer, cache.len()), (11, 2));
        assert!(cache.iter().eq([(8, 8), (1, 10)]));
        cache.engine().validate();
    }

    #[test]
    fn what_was_not_live_and_is_again_since_the_clock_went_back_has_one_entry() {
        let clock = ManualClock::new();
        let cache = LruCache::builder().maxsize(2).ttl(Duration::from_secs(5)).clock(clock.clone()).build();
        cache.insert("key", 1);
        clock.advance(Duration::from_secs(5));
        let compute = || {
            clock.set(Duration::ZERO);
            2
        };
        assert_eq!((cache.get_or_insert_with("key", compute), cache.len()), (2, 1));
        assert_eq!((cache.remove("key"), cache.peek("key")), (Some(1), None));
        cache.engine().validate();
    }

    #[test]
    fn a_panic_in_eq_leaves_what_nested_calls_did() {
        with_cache(|cache| {
            let key = Probe::on_eq(2, |cache| {
                cache.remove(&Probe::new(3));
                panic!("on purpose");
            });
            std::panic::set_hook(Box::new(|_| {}));
            assert!(catch_unwind(AssertUnwindSafe(|| cache.get(&key))).is_err());
            drop(std::panic::take_hook());
            assert_eq!(keys(cache), [1, 2]);
        });
    }

    #[test]
    fn what_began_before_a_clear_is_not_stored_after_it() {
        with_cache(|cache| {
            let compute = || {
                cache.clear();
                Loud(9)
            };
            assert_eq!(cache.get_or_insert_with(Probe::new(9), compute), Loud(9));
            assert!(cache.is_empty());
        });
    }

    #[test]
    fn what_began_before_its_key_was_put_does_not_replace_it() {
        let cache = LruCache::new(None);
        let result = cache.get_or_insert_with("key", || {
            cache.insert("key", "put");
            "computed"
        });
        assert_eq!(result, "computed");
        assert_eq!(cache.peek("key"), Some("put"));
    }

    #[test]
    fn of_two_refreshes_the_one_that_began_last_stays_whichever_ends_first() {
        for maxsize in [Some(2), None] {
            let cache = LruCache::<&str, u32>::new(maxsize);
            let hash = KeyHash::of("key");
            let refresh = |began, value| {
                let entry =
                    Entry { hash, key: "key", value, term: EntryInfo::with_grace(1, None, None, None) };
                cache.keep(entry, InsertKind::Refreshed(began))
            };
            let (older, newer) = (cache.engine().begin(), cache.engine().begin());
            refresh(older, 1);
            assert_eq!(cache.peek("key"), Some(1));
            refresh(newer, 2);
            assert_eq!(cache.peek("key"), Some(2));
            let (older, newer) = (cache.engine().begin(), cache.engine().begin());
            refresh(newer, 4);
            refresh(older, 3);
            assert_eq!(cache.peek("key"), Some(4));
        }
    }

    #[test]
    fn a_key_removed_while_another_is_computed_hinders_nobody() {
        let cache = LruCache::new(Some(2));
        cache.get_or_insert_with("key", || {
            cache.remove("other");
            1
        });
        assert!(cache.contains("key"));
        cache.engine().validate();
    }

    #[test]
    fn of_two_computations_the_bounded_mode_keeps_the_first_and_the_unbounded_the_last() {
        for (maxsize, kept) in [(Some(8), "inner"), (None, "outer")] {
            let cache = LruCache::new(maxsize);
            let outer = cache.get_or_insert_with(1, || {
                assert_eq!(cache.get_or_insert_with(1, || "inner"), "inner");
                "outer"
            });
            assert_eq!((outer, cache.peek(&1)), ("outer", Some(kept)));
        }
    }
}
