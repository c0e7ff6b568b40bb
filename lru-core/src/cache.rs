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

use core::cell::{RefCell, RefMut};
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::deferred::{Deferred, Work};
use crate::entry::Entry;
use crate::history::{History, Moment};
use crate::info::{CacheInfo, Counters};
use crate::key::KeyHash;
use crate::lock::{Held, RLock, Settle};
use crate::maxsize::MaxSize;
use crate::store::{Place, Store};

/// A thread-safe cache, shared by `&`: the engine behind `#[lru_cache]`, and a plain object.
///
/// `maxsize` chooses among three modes: nothing is stored (`Some(0)`), everything is kept
/// (`None`), or the least recently used entry makes room (`Some(n)`). See [`Cache::new`].
///
/// All operations are O(1), except [`Cache::clear`] and [`Cache::iter`], which are O(n). User code
/// never runs while the lock is held, except `Eq` and `Clone` of keys and values; these may call
/// the cache again, but must not wait for a lock that another thread may hold while it calls the
/// cache.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::LruCache;
///
/// let capitals = LruCache::new(Some(2));
/// capitals.insert("France".to_string(), "Paris");
/// capitals.insert("Italy".to_string(), "Rome");
/// assert_eq!(capitals.get("France"), Some("Paris"));
/// capitals.insert("Spain".to_string(), "Madrid");
/// assert_eq!(capitals.get("Italy"), None); // was the least recently used
/// ```
pub struct Cache<K, V> {
    maxsize: MaxSize,
    /// Misses of the disabled mode, which takes no lock.
    uncached: AtomicU64,
    state: RLock<State<K, V>>,
}

struct State<K, V> {
    counters: Counters,
    history: History,
    deferred: Deferred<Entry<K, V>>,
    store: RefCell<Store<K, V>>,
}

/// How a value comes into the cache.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// By a call that missed, and began at this moment.
    Computed(Moment),
    /// By a computation that was asked to replace what is there.
    Refreshed(Moment),
    /// By the caller's hand.
    Put,
}

/// What does not stay in the cache when a value comes in.
enum Out<K, V> {
    /// The victim, or the new entry itself; `None` where all is kept, or is to be dropped later.
    Dropped(Option<Entry<K, V>>),
    /// The new key, and the old value.
    Replaced(Entry<K, V>),
}

/// What nested calls had removed or could not bring in, to be dropped.
#[expect(dead_code, reason = "held for its destructors")]
pub(crate) struct Leftover<K, V> {
    entries: Vec<Entry<K, V>>,
    store: Option<Store<K, V>>,
}

impl<K, V> Settle for State<K, V> {
    type Leftover = Leftover<K, V>;

    #[inline]
    fn is_settled(&self) -> bool {
        self.deferred.is_empty()
    }

    #[cold]
    fn settle(&self) -> Option<Leftover<K, V>> {
        let mut leftover = None;
        self.write(&mut leftover);
        leftover
    }
}

impl<K, V> State<K, V> {
    /// Where the entry lies that has this hash and `matches`, unless it is gone by now.
    fn find(&self, hash: KeyHash, matches: impl FnMut(&K) -> bool) -> Option<Place> {
        let (place, _) = self.store.borrow().find(hash, matches)?;
        (!self.deferred.hides(place)).then_some(place)
    }

    /// The store, to be changed: up to date, and without user code until the borrow ends. `None`
    /// in a call that is nested in somebody's reading.
    fn write(&self, leftover: &mut Option<Leftover<K, V>>) -> Option<RefMut<'_, Store<K, V>>> {
        let mut store = self.store.try_borrow_mut().ok()?;
        if !self.deferred.is_empty() {
            let Work { clear, removed, refused: mut entries } = self.deferred.take();
            let cleared = if clear {
                Some(store.take())
            } else {
                entries.extend(removed.into_iter().map(|place| store.remove(place)));
                None
            };
            *leftover = Some(Leftover { entries, store: cleared });
        }
        Some(store)
    }

    /// Brings an entry in and says what does not stay. `found` is where its key lies already.
    fn admit(
        &self,
        entry: Entry<K, V>,
        origin: Origin,
        found: Option<Place>,
        last_result_stays: bool,
        leftover: &mut Option<Leftover<K, V>>,
    ) -> Out<K, V> {
        let replaces = match origin {
            Origin::Computed(_) => last_result_stays,
            Origin::Refreshed(began) => {
                self.history.refreshed(entry.hash, began);
                true
            }
            Origin::Put => {
                self.history.changed(entry.hash);
                true
            }
        };
        match (self.write(leftover), found) {
            (Some(mut store), None) => Out::Dropped(store.insert(entry)),
            (Some(mut store), Some(place)) if replaces => Out::Replaced(store.replace(place, entry)),
            (Some(_), Some(_)) => Out::Dropped(Some(entry)),
            (None, found) => {
                // Nested: the new value can't be stored, and the old one must not stay.
                if let (Some(place), Origin::Refreshed(_) | Origin::Put) = (found, origin) {
                    self.deferred.remove(place);
                }
                self.refuse(entry)
            }
        }
    }

    /// Keeps an entry out, and under the lock no longer than that takes.
    fn refuse(&self, entry: Entry<K, V>) -> Out<K, V> {
        if self.store.try_borrow_mut().is_ok() {
            return Out::Dropped(Some(entry));
        }
        // Nested: the lock is not free when this call is over.
        self.deferred.refuse(entry);
        Out::Dropped(None)
    }

    /// Takes an entry out. In a nested call it leaves later, and is gone from now on.
    fn take(&self, place: Place, leftover: &mut Option<Leftover<K, V>>) -> Option<Entry<K, V>> {
        if let Some(mut store) = self.write(leftover) {
            return Some(store.remove(place));
        }
        self.deferred.remove(place);
        None
    }

    fn currsize(&self) -> usize {
        self.deferred.remaining(self.store.borrow().len())
    }

    /// Whether what comes from `origin` is out of date.
    fn is_overtaken(&self, origin: Origin, hash: KeyHash) -> bool {
        match origin {
            Origin::Computed(began) | Origin::Refreshed(began) => self.history.overtook(began, hash),
            Origin::Put => false,
        }
    }
}

impl<K, V> Cache<K, V> {
    /// An empty cache in the mode that `maxsize` chooses.
    #[must_use]
    pub(crate) const fn with_maxsize(maxsize: MaxSize) -> Self {
        let state = State {
            counters: Counters::new(),
            history: History::new(),
            deferred: Deferred::new(),
            store: RefCell::new(Store::new(maxsize)),
        };
        Self { maxsize, uncached: AtomicU64::new(0), state: RLock::new(state) }
    }

    /// Another cache of the same bound, with nothing in it.
    #[cfg(feature = "testing")]
    pub(crate) fn another(&self) -> Self {
        Self::with_maxsize(self.maxsize)
    }

    #[inline]
    pub(crate) fn is_disabled(&self) -> bool {
        matches!(self.maxsize, MaxSize::Disabled)
    }

    pub(crate) fn maxsize(&self) -> Option<usize> {
        self.maxsize.to_option()
    }

    /// Counts a miss of the disabled mode.
    #[inline]
    pub(crate) fn miss_uncached(&self) {
        self.uncached.fetch_add(1, Relaxed);
    }

    fn hold(&self) -> Held<'_, State<K, V>> {
        self.state.hold()
    }

    /// A caller's lookup: a hit, or a miss and the moment it was counted.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `Calls::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn look<T>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&K) -> bool,
        read: impl FnOnce(&V) -> T,
    ) -> Result<T, Moment> {
        let state = self.hold();
        let found = match state.store.try_borrow() {
            Ok(store) => store.read(hash, matches, |place| state.deferred.hides(place), read),
            // Never: who borrows it for writing calls nobody.
            Err(_) => None,
        };
        let looked = if let Some(value) = found {
            state.counters.hit();
            Ok(value)
        } else {
            state.counters.miss();
            Err(state.history.now())
        };
        RLock::release(state);
        looked
    }

    /// Counts a miss without looking: a computation that was asked for begins.
    pub(crate) fn begin(&self) -> Moment {
        let state = self.hold();
        state.counters.miss();
        state.history.next()
    }

    /// What is remembered, untouched and uncounted.
    pub(crate) fn peek_with<T>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&K) -> bool,
        read: impl FnOnce(&V) -> T,
    ) -> Option<T> {
        if self.is_disabled() {
            return None;
        }
        let state = self.hold();
        let found = state.store.borrow().find(hash, matches).and_then(|(place, entry)| {
            // `matches` may have called back, and what it found be gone by now.
            (!state.deferred.hides(place)).then(|| read(&entry.value))
        });
        RLock::release(state);
        found
    }

    /// Remembers `value` if its `origin` allows, and returns the value it replaced.
    ///
    /// A result that was computed stays out where the key was cleared, invalidated or put since
    /// it began. Where another activation was first, the bounded mode keeps the first result and
    /// the unbounded mode the last. What is put or refreshed replaces, and overtakes every
    /// computation in flight that began earlier.
    pub(crate) fn keep(
        &self,
        hash: KeyHash,
        key: K,
        value: V,
        origin: Origin,
        same: impl Fn(&K, &K) -> bool,
    ) -> Option<V> {
        if self.is_disabled() {
            return None;
        }
        let entry = Entry { hash, key, value };
        let mut leftover = None;
        let state = self.hold();
        let overtaken = state.is_overtaken(origin, hash);
        let found = if overtaken { None } else { state.find(hash, |stored| same(stored, &entry.key)) };
        // `same` may have called back: ask again. From here on no user code runs.
        let out = if state.is_overtaken(origin, hash) {
            state.refuse(entry)
        } else {
            state.admit(entry, origin, found, self.last_result_stays(), &mut leftover)
        };
        RLock::release(state);
        // Before there is something to return: what is to be returned is lost if a destructor panics.
        drop(leftover);
        match out {
            // The key first: should its destructor panic, the value must not be on its way out.
            Out::Replaced(Entry { key, value, .. }) => {
                drop(key);
                Some(value)
            }
            Out::Dropped(_) => None,
        }
    }

    /// Whether of two results for one key the last one stays: as in Python, where the unbounded
    /// mode assigns to a dictionary, and the bounded mode looks first whether the key came in.
    fn last_result_stays(&self) -> bool {
        matches!(self.maxsize, MaxSize::Unbounded)
    }

    /// Forgets one key: no computation in flight will bring it back. Says whether it was there.
    pub(crate) fn forget(&self, hash: KeyHash, matches: impl FnMut(&K) -> bool) -> bool {
        self.forget_with(hash, matches, |_| (), |_| ()).is_some()
    }

    /// Forgets one key, and makes something of its value: of the value itself, or in a nested call,
    /// where it has to stay for now, of a look at it.
    pub(crate) fn forget_with<T>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&K) -> bool,
        taken: impl FnOnce(V) -> T,
        seen: impl FnOnce(&V) -> T,
    ) -> Option<T> {
        if self.is_disabled() {
            return None;
        }
        let mut leftover = None;
        let state = self.hold();
        let found = state.find(hash, matches);
        state.history.changed(hash);
        let removed = found.map(|place| match state.take(place, &mut leftover) {
            Some(entry) => Ok(entry),
            None => Err(seen(&state.store.borrow().get(place).value)),
        });
        RLock::release(state);
        drop(leftover);
        match removed? {
            Ok(Entry { key, value, .. }) => {
                drop(key);
                Some(taken(value))
            }
            Err(seen) => Some(seen),
        }
    }

    /// Forgets everything and sets the counters to zero. Computations in flight are not stored.
    ///
    /// The memory is given back. Keys and values are dropped after the lock is released.
    pub fn clear(&self) {
        self.uncached.store(0, Relaxed);
        if self.is_disabled() {
            return;
        }
        let mut leftover = None;
        let state = self.hold();
        state.counters.reset();
        state.history.cleared();
        state.deferred.clear();
        drop(state.write(&mut leftover));
        drop(state);
        drop(leftover);
    }

    /// Returns hits, misses, bound and number of entries, read together under the lock.
    #[must_use]
    pub fn info(&self) -> CacheInfo {
        let maxsize = self.maxsize.to_option();
        if self.is_disabled() {
            return CacheInfo { misses: self.uncached.load(Relaxed), maxsize, ..CacheInfo::default() };
        }
        let state = self.hold();
        state.counters.read(maxsize, state.currsize())
    }

    /// Returns the number of entries there are now. Takes the lock.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hold().currsize()
    }

    /// Whether there is no entry now. Takes the lock.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies of all entries, from least to most recently used where an order is kept.
    pub(crate) fn snapshot(&self) -> impl DoubleEndedIterator<Item = (K, V)> + ExactSizeIterator + use<K, V>
    where
        K: Clone,
        V: Clone,
    {
        // Apart, so that each copy made before a panic is dropped without the lock.
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let state = self.hold();
        let store = state.store.borrow();
        // All places first: a `Clone` that calls the cache may change the order.
        for place in store.places() {
            if !state.deferred.hides(place) {
                let entry = store.get(place);
                keys.push(entry.key.clone());
                values.push(entry.value.clone());
            }
        }
        drop(store);
        RLock::release(state);
        keys.into_iter().zip(values)
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn validate(&self) {
        let state = self.hold();
        state.store.borrow().validate();
        assert!(state.deferred.is_empty(), "nothing waits once the lock is free");
    }
}

/// Whole at every point where user code runs, and so after a panic in it.
impl<K, V> RefUnwindSafe for Cache<K, V> {}
impl<K, V> UnwindSafe for Cache<K, V> {}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("info", &self.info()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::LruCache;
    use std::cell::Cell;
    use std::hash::{Hash, Hasher};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::rc::Rc;

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
            let free = CACHE.try_with(|cache| cache.state.hold().store.try_borrow_mut().is_ok());
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
            cache.validate();
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
                cache.keep(hash, "key", value, Origin::Refreshed(began), |one, other| one == other)
            };
            let (older, newer) = (cache.begin(), cache.begin());
            refresh(older, 1);
            assert_eq!(cache.peek("key"), Some(1));
            refresh(newer, 2);
            assert_eq!(cache.peek("key"), Some(2));
            let (older, newer) = (cache.begin(), cache.begin());
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
        cache.validate();
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
