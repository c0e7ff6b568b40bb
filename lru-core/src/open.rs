//! The cache of a memoized function without a bound: what hits need is lent to the threads that read, so that they
//! do not wait for each other.
//!
//! It is so from when several threads have been seen to call: a cache that one thread uses is asked by its lock.

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::boxed::Box;
use std::sync::OnceLock;

use parking_lot::ReentrantMutexGuard;

use crate::calls::Calls;
use crate::engine::{Engine, OpenEngine, ReadersOf, State};
use crate::engines::{Change, EngineOf, Engines, Question};
use crate::info::CacheInfo;
#[cfg(feature = "testing")]
use crate::isolation::Another;
use crate::key::KeyHash;
use crate::lock::{Lock, RLock};
use crate::maxsize::MaxSize;
use crate::memo::{InStatic, in_static};
use crate::nested::{Missed, is_nested};
use crate::plan::{NoPlan, Plan};
use crate::policy::{Lru, Policy};
use crate::readers::{Found, Reading, number};
use crate::store::Table;

/// What an [`OpenLock`] guards.
pub trait Stand {
    /// Who reads what it lends.
    #[doc(hidden)]
    type Readers: Clone + Default;

    /// What answers in its place to calls that can't wait for it.
    fn stand_in() -> Self;
}

/// One hit in so many is looked at, for which thread it is of.
const SAMPLED: u64 = 256;

/// How often it must have been another thread than the time before. The first one of all counts as another.
const CHANGES: u32 = 4;

/// The lock of a cache that lends what is read in it. It knows whether several threads call, and lets none wait that
/// is nested in a reading: such a call gets a stand-in, in which there is nothing.
pub struct OpenLock<T: Stand> {
    lock: RLock<T>,
    /// Made when threads have taken turns.
    readers: OnceLock<T::Readers>,
    /// Whose hit was looked at last, by the number of the thread.
    last: AtomicUsize,
    changes: AtomicU32,
    /// Made when a nested call first finds the lock taken.
    stand_in: OnceLock<Box<RLock<T>>>,
}

impl<T: Stand> OpenLock<T> {
    pub(crate) const fn new(guarded: T) -> Self {
        Self {
            lock: RLock::new(guarded),
            readers: OnceLock::new(),
            last: AtomicUsize::new(0),
            changes: AtomicU32::new(0),
            stand_in: OnceLock::new(),
        }
    }

    #[inline]
    pub(crate) fn readers(&self) -> Option<&T::Readers> {
        self.readers.get()
    }

    /// From now on the table is lent.
    pub(crate) fn prepare(&self) {
        self.readers.get_or_init(T::Readers::default);
    }

    /// For a call that must not wait.
    #[cold]
    #[inline(never)]
    fn hold_nested(&self) -> ReentrantMutexGuard<'_, T> {
        if let Some(held) = self.lock.try_hold() {
            return held;
        }
        self.prepare();
        self.stand_in.get_or_init(|| Box::new(RLock::new(T::stand_in()))).hold()
    }

    /// Looks which thread it is that calls.
    #[cold]
    #[inline(never)]
    fn sample(&self) {
        let number = number();
        let last = self.last.swap(number, Relaxed);
        if last != number && self.changes.fetch_add(1, Relaxed) >= CHANGES {
            self.prepare();
        }
    }
}

impl<T: Stand> Lock<T> for OpenLock<T> {
    type Held<'a>
        = ReentrantMutexGuard<'a, T>
    where
        T: 'a;

    #[inline]
    fn hold(&self) -> ReentrantMutexGuard<'_, T> {
        if is_nested() { self.hold_nested() } else { self.lock.hold() }
    }

    #[inline]
    fn try_hold(&self) -> Option<ReentrantMutexGuard<'_, T>> {
        self.lock.try_hold()
    }

    fn is_held(&self) -> bool {
        self.lock.is_held()
    }

    #[inline]
    fn have_hit(&self, hits: u64) {
        if hits % SAMPLED == 0 {
            self.sample();
        }
    }

    fn stand_in(&self) -> Option<ReentrantMutexGuard<'_, T>> {
        Some(self.stand_in.get()?.hold())
    }

    fn get_mut(&mut self) -> &mut T {
        self.lock.get_mut()
    }

    #[inline]
    fn count(counter: &AtomicU64) {
        RLock::<T>::count(counter);
    }
}

impl<T: Stand> fmt::Debug for OpenLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenLock").finish_non_exhaustive()
    }
}

/// The engine of one function, and what nested calls could not do to it.
pub struct Open<K, V, P: Policy> {
    engine: OpenEngine<K, V, P>,
    missed: Missed,
}

/// What is lent.
type Lent<'a, K, V> = Reading<'a, Table<K, V, ()>>;

impl<K, V, P: Policy> Open<K, V, P> {
    const fn new() -> Self {
        Self { engine: Engine::open(), missed: Missed::new() }
    }

    /// What the current thread can read without the lock.
    // Apart, and without what is asked for: in the caller, that is to stay in registers.
    #[inline(never)]
    fn begin_to_read<'a>(&self, readers: &'a ReadersOf<K, V>) -> Option<Lent<'a, K, V>> {
        if !self.missed.any() {
            match readers.find() {
                Found::Table(reading) => return Some(reading),
                Found::Nothing => return None,
                Found::NothingAgain => {}
            }
        }
        self.begin_late_to_read(readers)
    }

    /// The same, where there is something to be done before.
    #[cold]
    #[inline(never)]
    fn begin_late_to_read<'a>(&self, readers: &'a ReadersOf<K, V>) -> Option<Lent<'a, K, V>> {
        self.catch_up();
        if !is_nested() {
            self.engine.lend(readers);
        }
        match readers.find() {
            Found::Table(reading) if !self.missed.any() => Some(reading),
            _ => None,
        }
    }

    /// Lets go of it, and counts a hit where the answer was found and holds still.
    #[inline(never)]
    fn end_to_read(&self, reading: Lent<'_, K, V>, is_found: bool) -> bool {
        // What was called back may have changed it.
        let holds = reading.is_up_to_date() && !self.missed.any();
        if holds && is_found {
            reading.count();
        }
        drop(reading);
        if !holds {
            self.catch_up();
        }
        holds
    }

    /// Does what nested calls could not do.
    #[inline]
    fn catch_up(&self) {
        if self.missed.any() {
            self.missed.catch_up(&self.engine, &NoPlan);
        }
    }

    /// The same before a change. A nested call that can't make it sees to it that no other will wait for the
    /// lock either.
    fn catch_up_and_prepare(&self) {
        self.catch_up();
        if is_nested() {
            self.engine.prepare();
        }
    }
}

impl<K, V, P: Policy> Engines for Open<K, V, P> {
    type Key = K;
    type Value = V;
    type Policy = P;
    type Term = ();
    type Lock = OpenLock<State<K, V, P, ()>>;

    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `Calls::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn ask<Q: Question<EngineOf<Self>>>(&self, _: KeyHash, question: Q) -> Q::Answer {
        if let Some(readers) = self.engine.readers() {
            if !Q::READS {
                self.catch_up();
            } else if let Some(reading) = self.begin_to_read(readers) {
                let answer = reading.table().and_then(|table| question.read_in(table));
                if self.end_to_read(reading, answer.is_some()) {
                    if let Some(answer) = answer {
                        return answer;
                    }
                }
            }
        }
        question.put_to(&self.engine)
    }

    fn change<R>(&self, hash: KeyHash, ask: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        self.catch_up_and_prepare();
        if !is_nested() {
            return ask(&self.engine);
        }
        let Some(_held) = self.missed.try_hold(&self.engine) else {
            self.missed.note(hash);
            return ask(&OpenEngine::of(MaxSize::Disabled, OpenLock::new(Stand::stand_in())));
        };
        ask(&self.engine)
    }

    fn first<R>(&self, ask: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        ask(&self.engine)
    }

    fn each(&self, change: Change, mut ask: impl FnMut(&EngineOf<Self>)) {
        self.catch_up_and_prepare();
        let held = if is_nested() { Some(self.missed.try_hold(&self.engine)) } else { None };
        if let Some(None) = held {
            self.missed.note_all(change);
        } else {
            ask(&self.engine);
        }
    }

    fn catch_up_all(&self, _: &impl Plan<K, V, ()>) {
        self.catch_up();
    }

    /// From inside an `Eq` or a `Clone`, nothing where another thread holds the lock.
    fn info(&self, plan: &impl Plan<K, V, ()>) -> CacheInfo {
        let mut info = CacheInfo::default();
        self.each(Change::None, |engine| info = engine.info(plan));
        info
    }

    fn maxsize(&self) -> Option<usize> {
        None
    }

    fn is_held(&self) -> bool {
        is_nested() || self.engine.is_held()
    }
}

#[cfg(feature = "testing")]
impl<K, V, P: Policy> Another for Open<K, V, P> {
    fn another(&self) -> Self {
        Self::new()
    }
}

/// Whole at every point where user code runs, and so after a panic in it.
impl<K, V, P: Policy> RefUnwindSafe for Open<K, V, P> {}
impl<K, V, P: Policy> UnwindSafe for Open<K, V, P> {}

impl<K, V, P: Policy> fmt::Debug for Open<K, V, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").finish_non_exhaustive()
    }
}

/// [`Memo`](crate::Memo) without a bound, and with nothing to plan.
pub struct OpenMemo<K, V, P: Policy = Lru>(Open<K, V, P>);

impl<K, V, P> OpenMemo<K, V, P>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    P: Policy + Send + 'static,
{
    /// An empty cache. Takes no memory yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a `static` is made by a constant")]
    pub const fn new() -> Self {
        Self(Open::new())
    }

    /// How many computations there are that others may wait for, and how many calls do: for tests.
    #[cfg(feature = "testing")]
    pub fn in_flight(&self) -> (usize, usize) {
        in_static(&self.0).engine.flights().count()
    }

    /// The cache that the current thread is to use, to be called.
    #[inline]
    pub fn calls(&self) -> Calls<InStatic<'_, Open<K, V, P>>, NoPlan> {
        Calls::new(in_static(&self.0), true, NoPlan)
    }
}

#[cfg(feature = "backend")]
impl<K, V, P> crate::backend::Fronting for OpenMemo<K, V, P>
where
    K: Send + Sync,
    V: Send + Sync,
    P: Policy + Send,
{
    fn front(&'static self) -> Option<&'static dyn crate::backend::Front> {
        Some(&self.0)
    }
}

impl<K, V, P: Policy> fmt::Debug for OpenMemo<K, V, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenMemo").field(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Part;
    use crate::outcome::Plain;
    use core::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use std::hash::{Hash, Hasher};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc::channel;
    use std::sync::{Arc, Barrier};
    use std::thread;
    use std::time::Duration;

    /// A number as a key, which calls back where it is compared with one that is stored.
    struct Asked<'a>(u64, &'a dyn Fn());

    impl Part for Asked<'_> {
        type Stored = u64;

        fn hash_part<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }

        fn eq_stored(&self, stored: &u64) -> bool {
            (self.1)();
            self.0 == *stored
        }

        fn to_stored(&self) -> u64 {
            self.0
        }

        fn stored_eq(one: &u64, other: &u64) -> bool {
            one == other
        }

        fn eq_part(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }

    type Tested<V = u64> = Open<u64, V, Lru>;

    impl<V: Clone> Tested<V> {
        fn calls(&self) -> Calls<&Self, NoPlan> {
            Calls::new(self, true, NoPlan)
        }

        /// A call whose key does this when it is compared.
        fn call_with(&self, n: u64, on_eq: &dyn Fn(), compute: impl FnOnce() -> V) -> V {
            match self.calls().look(Asked(n, on_eq), Plain) {
                Ok(found) => found,
                Err(miss) => miss.keep(compute()),
            }
        }

        fn call(&self, n: u64, compute: impl FnOnce() -> V) -> V {
            self.call_with(n, &|| (), compute)
        }

        fn is_there(&self, n: u64) -> bool {
            self.calls().contains(Asked(n, &|| ()))
        }

        fn forget(&self, n: u64) -> bool {
            self.calls().invalidate(Asked(n, &|| ()))
        }

        fn put(&self, n: u64, value: V) {
            self.calls().put(Asked(n, &|| ()), value, Plain);
        }

        fn counted(&self) -> (u64, u64, usize) {
            let info = self.calls().info();
            (info.hits, info.misses, info.currsize)
        }

        fn is_lent(&self) -> bool {
            self.engine.readers().is_some_and(|readers| self.begin_to_read(readers).is_some())
        }

        /// Lends the table to the current thread, by as many hits as it takes. Returns how many.
        fn lend_here(&self, n: u64) -> u64 {
            self.engine.prepare();
            for hits in 0..10_000 {
                if self.is_lent() {
                    return hits;
                }
                self.call(n, || panic!("it is there"));
            }
            panic!("it is never lent");
        }
    }

    /// With ten times themselves under 1, 2 and 3, lent to the current thread; no misses so far, and so many hits.
    fn lent() -> (Tested, u64) {
        let open = Open::new();
        (1..=3).for_each(|n| open.put(n, 10 * n));
        let hits = open.lend_here(1);
        (open, hits)
    }

    fn unasked() -> u64 {
        panic!("it is there")
    }

    /// Fails, and does not hang, where threads wait for each other.
    fn finishes(test: impl FnOnce() + Send + 'static) {
        let (done, finished) = channel();
        let running = thread::spawn(move || {
            test();
            done.send(()).expect("it is waited for");
        });
        let result = finished.recv_timeout(Duration::from_secs(60));
        assert!(result.is_ok() || running.is_finished(), "not done after a minute: a deadlock?");
        running.join().expect("the test holds");
    }

    #[test]
    fn nothing_is_lent_while_one_thread_calls() {
        let open = Tested::new();
        (0..10_000).for_each(|_| assert_eq!(open.call(1, || 10), 10));
        assert!(open.engine.readers().is_none());
        assert_eq!(open.counted(), (9_999, 1, 1));
    }

    #[test]
    fn threads_that_take_turns_are_lent_the_table() {
        let open = &Tested::new();
        open.put(1, 10);
        for turn in 0..=CHANGES {
            assert!(open.engine.readers().is_none(), "{turn}");
            let calls = || (0..SAMPLED).for_each(|_| assert_eq!(open.call(1, unasked), 10));
            thread::scope(|scope| _ = scope.spawn(calls));
        }
        assert!(open.engine.readers().is_some());
        open.lend_here(1);
        assert!(open.is_lent());
    }

    #[test]
    fn what_is_lent_is_taken_back_to_be_changed_and_lent_again() {
        let (open, mut hits) = lent();
        assert_eq!(open.call(2, unasked), 20);
        assert!(open.is_lent());
        assert_eq!(open.call(4, || 40), 40);
        assert!(!open.is_lent(), "there is one more");
        hits += 1 + open.lend_here(4);
        assert_eq!(open.call(4, unasked), 40);
        assert_eq!(open.counted(), (hits + 1, 1, 4));
        assert!(open.is_lent(), "to know all hits, it is not taken back");
        hits += 1;
        assert!(open.forget(4) && !open.is_lent() && !open.is_there(4));
        assert_eq!(open.counted(), (hits, 1, 3));
        open.lend_here(1);
        open.calls().clear();
        assert_eq!(open.counted(), (0, 0, 0));
        open.engine.validate();
    }

    #[test]
    fn what_is_put_while_it_is_lent_is_served() {
        let (open, _) = lent();
        open.put(2, 21);
        assert_eq!(open.call(2, unasked), 21);
        open.lend_here(2);
        assert_eq!(open.calls().refresh(Asked(2, &|| ()), Plain).keep(22), 22);
        assert_eq!(open.call(2, unasked), 22);
    }

    #[test]
    fn readers_are_in_it_at_the_same_time() {
        finishes(|| {
            let (open, hits) = lent();
            let both = &Barrier::new(2);
            let other = thread::scope(|scope| {
                let open = &open;
                let other = scope.spawn(move || {
                    let hits = open.lend_here(2);
                    assert_eq!(open.call_with(2, &|| _ = both.wait(), unasked), 20);
                    hits
                });
                assert_eq!(open.call_with(1, &|| _ = both.wait(), unasked), 10);
                other.join().unwrap()
            });
            assert_eq!(open.counted(), (hits + other + 2, 0, 3));
        });
    }

    #[test]
    fn a_reader_waits_for_nobody_who_holds_the_lock() {
        finishes(|| {
            let (open, _) = lent();
            let open = &open;
            let holding = &Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(move || {
                    let held = open.engine.hold();
                    holding.wait();
                    holding.wait();
                    drop(held);
                });
                holding.wait();
                assert_eq!(open.call(2, unasked), 20);
                holding.wait();
            });
        });
    }

    #[test]
    fn nested_calls_hit_and_count() {
        let (open, hits) = lent();
        let nested = || assert_eq!(open.call(1, unasked), 10);
        assert_eq!(open.call_with(2, &nested, unasked), 20);
        assert_eq!(open.counted(), (hits + 2, 0, 3));
        open.engine.validate();
    }

    #[test]
    fn nested_calls_are_told_what_is_counted() {
        let (open, hits) = lent();
        let nested = || assert_eq!(open.counted(), (hits, 0, 3));
        assert_eq!(open.call_with(2, &nested, unasked), 20);
        assert_eq!(open.counted(), (hits + 1, 0, 3));
    }

    #[test]
    fn a_nested_clear_makes_the_call_a_miss() {
        let (open, _) = lent();
        let nested = || {
            open.calls().clear();
            assert_eq!(open.counted(), (0, 0, 0));
            assert!(!open.is_there(1) && !open.forget(3));
        };
        assert_eq!(open.call_with(2, &nested, || 21), 21);
        assert_eq!(open.counted(), (0, 1, 1));
        assert_eq!(open.call(2, unasked), 21);
        open.engine.validate();
    }

    #[test]
    fn what_a_nested_call_invalidates_is_gone() {
        let (open, hits) = lent();
        let nested = || {
            if open.is_there(2) {
                assert!(open.forget(2) && !open.forget(2) && !open.is_there(2));
                assert_eq!(open.counted().2, 2);
            }
        };
        assert_eq!(open.call_with(2, &nested, || 21), 21);
        assert_eq!(open.counted(), (hits, 1, 3));
        open.engine.validate();
    }

    #[test]
    fn what_a_nested_call_computes_or_puts_goes_unstored_and_the_old_does_not_stay() {
        let (open, hits) = lent();
        let nested = || {
            if !open.is_there(4) && open.is_there(1) {
                open.put(1, 11);
                assert_eq!(open.call(4, || 40), 40);
                assert!(!open.is_there(1) && !open.is_there(4));
            }
        };
        assert_eq!(open.call_with(2, &nested, unasked), 20);
        assert_eq!(open.counted(), (hits + 1, 1, 2));
        open.engine.validate();
    }

    #[test]
    fn what_a_nested_call_cleared_is_served_to_no_other_thread() {
        finishes(|| {
            let (open, _) = lent();
            let open = &open;
            let turn = &Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(move || {
                    open.lend_here(1);
                    assert!(open.is_lent());
                    turn.wait();
                    turn.wait();
                    assert!(!open.is_lent());
                    assert_eq!(open.call(1, || 11), 11);
                    turn.wait();
                });
                turn.wait();
                let nested = || {
                    open.calls().clear();
                };
                assert_eq!(open.call_with(2, &nested, || 21), 21);
                turn.wait();
                turn.wait();
            });
            open.engine.validate();
        });
    }

    #[test]
    fn while_another_thread_holds_the_lock_nested_calls_find_nothing_and_changes_are_made_up_for() {
        finishes(|| {
            let (open, hits) = lent();
            let open = &open;
            let turn = &Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(move || {
                    turn.wait();
                    let held = open.engine.hold();
                    turn.wait();
                    turn.wait();
                    drop(held);
                });
                let first = core::cell::Cell::new(true);
                let nested = || {
                    if first.take() {
                        turn.wait();
                        turn.wait();
                        assert_eq!(open.call(1, || 11), 11);
                        assert!(!open.forget(3) && !open.is_there(1));
                        open.put(1, 12);
                        turn.wait();
                    }
                };
                assert_eq!(open.call_with(2, &nested, unasked), 20);
            });
            assert!(!open.is_there(3) && !open.is_there(1));
            assert_eq!(open.counted(), (hits + 1, 1, 1));
            open.engine.validate();
        });
    }

    #[test]
    fn a_clear_while_another_thread_holds_the_lock_is_made_up_for() {
        finishes(|| {
            let (open, _) = lent();
            let open = &open;
            let turn = &Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(move || {
                    turn.wait();
                    let held = open.engine.hold();
                    turn.wait();
                    turn.wait();
                    drop(held);
                });
                let nested = || {
                    turn.wait();
                    turn.wait();
                    assert_eq!(open.call(1, || 11), 11);
                    open.calls().clear();
                    turn.wait();
                };
                assert_eq!(open.call_with(2, &nested, || 21), 21);
            });
            assert_eq!(open.counted(), (0, 1, 1));
            open.engine.validate();
        });
    }

    #[test]
    fn a_change_from_inside_another_cache_is_made_up_for_though_nothing_was_lent() {
        finishes(|| {
            let (open, _) = lent();
            let other = &Tested::new();
            (1..=3).for_each(|n| other.put(n, n));
            let turn = &Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(move || {
                    let held = other.engine.hold();
                    turn.wait();
                    turn.wait();
                    drop(held);
                });
                turn.wait();
                let nested = || {
                    assert!(!other.forget(1));
                    turn.wait();
                };
                assert_eq!(open.call_with(2, &nested, unasked), 20);
            });
            assert_eq!(other.call(1, || 11), 11);
            assert_eq!(other.call(2, unasked), 2);
        });
    }

    #[test]
    fn a_panic_while_reading_leaves_all_as_it_was() {
        let (open, hits) = lent();
        std::panic::set_hook(Box::new(|_| {}));
        let nested = || {
            open.forget(3);
            panic!("on purpose");
        };
        let call = AssertUnwindSafe(|| open.call_with(2, &nested, unasked));
        assert!(catch_unwind(call).is_err());
        drop(std::panic::take_hook());
        assert!(!is_nested() && !open.is_there(3));
        assert_eq!(open.call(2, unasked), 20);
        assert_eq!(open.counted(), (hits + 1, 0, 2));
        open.engine.validate();
    }

    #[test]
    fn what_leaves_is_dropped_at_once_though_it_was_lent() {
        finishes(|| {
            let open = &Tested::<Arc<u64>>::new();
            let values = [1, 2, 3].map(Arc::new);
            let turn = &Barrier::new(2);
            thread::scope(|scope| {
                let lend = || {
                    for (n, value) in (1..).zip(&values) {
                        open.put(n, Arc::clone(value));
                    }
                    turn.wait();
                    open.lend_here(1);
                    turn.wait();
                };
                let changed = || _ = turn.wait();
                scope.spawn(move || {
                    for _ in 0..3 {
                        turn.wait();
                        open.lend_here(2);
                        turn.wait();
                        turn.wait();
                    }
                });
                let counts = || values.each_ref().map(Arc::strong_count);
                lend();
                assert_eq!(counts(), [2, 2, 2]);
                assert!(open.forget(1));
                assert_eq!(counts(), [1, 2, 2]);
                changed();
                lend();
                open.put(2, Arc::new(4));
                assert_eq!(counts(), [2, 1, 2]);
                changed();
                lend();
                open.calls().clear();
                assert_eq!(counts(), [1, 1, 1]);
                changed();
            });
        });
    }

    const THREADS: u64 = 8;

    /// Runs this in so many threads, each with its number.
    fn in_threads(work: impl Fn(u64) + Sync) {
        let start = Barrier::new(usize::try_from(THREADS).expect("few"));
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (work, start) = (&work, &start);
                scope.spawn(move || {
                    start.wait();
                    work(thread);
                });
            }
        });
    }

    /// A number below that, another one each time.
    fn draw(random: &mut u64, below: u64) -> u64 {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        (*random >> 20) % below
    }

    const CALLS: u64 = if cfg!(debug_assertions) { 20_000 } else { 200_000 };

    #[test]
    fn no_call_is_lost() {
        finishes(|| {
            let open = Tested::new();
            in_threads(|thread| {
                let mut random = thread + 1;
                for number in 0..CALLS {
                    let below = if number % 64 == 0 { 10_000 } else { 32 };
                    let n = draw(&mut random, below);
                    assert_eq!(open.call(n, || 10 * n), 10 * n);
                    if number % 1000 == 0 {
                        let (hits, misses, len) = open.counted();
                        assert!(hits + misses <= THREADS * CALLS && misses >= len as u64);
                    }
                }
            });
            let (hits, misses, len) = open.counted();
            assert_eq!(hits + misses, THREADS * CALLS);
            assert!(misses >= len as u64);
            assert!(open.engine.readers().is_some(), "threads have taken turns");
            open.engine.validate();
        });
    }

    /// Each key has a source, which some change and then invalidate, put or clear; what is served afterwards
    /// was computed afterwards.
    #[test]
    fn nobody_is_served_what_is_out_of_date() {
        const KEYS: usize = 16;
        finishes(|| {
            let open = Tested::new();
            open.engine.prepare();
            let sources = [const { AtomicU64::new(0) }; KEYS];
            let settled = [const { AtomicU64::new(0) }; KEYS];
            in_threads(|thread| {
                let mut random = thread + 1;
                for _ in 0..CALLS {
                    let n = draw(&mut random, KEYS as u64);
                    let at = usize::try_from(n).expect("few");
                    match draw(&mut random, 1000) {
                        0 => {
                            let version = sources[at].fetch_add(1, SeqCst) + 1;
                            open.forget(n);
                            settled[at].fetch_max(version, SeqCst);
                        }
                        1 => {
                            let version = sources[at].fetch_add(1, SeqCst) + 1;
                            open.calls().retain(|key, _| *key != n);
                            settled[at].fetch_max(version, SeqCst);
                        }
                        2 => {
                            let version = sources[at].fetch_add(1, SeqCst) + 1;
                            open.calls().clear();
                            settled[at].fetch_max(version, SeqCst);
                        }
                        3 => {
                            let nested = || _ = open.forget((n + 1) % KEYS as u64);
                            open.call_with(n, &nested, || sources[at].load(SeqCst));
                        }
                        4 => {
                            let nested = || open.calls().clear();
                            open.call_with(n, &nested, || sources[at].load(SeqCst));
                        }
                        _ => {
                            let at_least = settled[at].load(SeqCst);
                            let version = open.call(n, || sources[at].load(SeqCst));
                            assert!(version >= at_least, "{version} of {at_least}");
                        }
                    }
                }
            });
            open.counted();
            open.engine.validate();
        });
    }
}
