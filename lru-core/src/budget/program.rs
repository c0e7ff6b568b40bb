//! The budget of the program, and the thread that divides it: at any time at most one, the *mover*, resizes caches.

use core::fmt;
use std::thread::{self, ThreadId};
use std::vec::Vec;

use parking_lot::{Condvar, Mutex};

use crate::budget::clock;
use crate::budget::member::Member;
use crate::budget::report::BudgetReport;
use crate::budget::seats::Seats;
use crate::budget::signal::{Attention, Pulse};
use crate::panics::FirstPanic;

/// The budget of the program.
pub(crate) static PROGRAM: Budget = Budget::new();

/// A budget, and its members.
pub(crate) struct Budget {
    /// No user code runs under this lock, and no lock of a cache is waited for, except of one that is not in use yet.
    state: Mutex<State>,
    /// Signalled when the mover has ended.
    moved: Condvar,
    pulse: Pulse,
}

struct State {
    seats: Seats,
    mover: Option<ThreadId>,
    work: Work,
    /// Whether a thread waits for the work to be done: a mover that does not wait for caches in use leaves it to that thread.
    is_awaited: bool,
}

impl State {
    /// Records that the current thread is about to wait for the work, unless it is the mover itself.
    fn await_work(&mut self) {
        self.is_awaited |= self.mover != Some(thread::current().id());
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    /// All caches are to be measured and have a share, or not any more.
    set: bool,
    /// A function has joined, or has another bound.
    fit: bool,
    /// The meters are to be read.
    epoch: bool,
}

impl Work {
    const NONE: Self = Self { set: false, fit: false, epoch: false };

    fn is_none(self) -> bool {
        !(self.set || self.fit || self.epoch)
    }
}

impl Budget {
    pub(crate) const fn new() -> Self {
        let state = State { seats: Seats::new(), mover: None, work: Work::NONE, is_awaited: false };
        Self { state: Mutex::new(state), moved: Condvar::new(), pulse: Pulse::new() }
    }

    /// Sets the budget, or removes it, and resizes all caches.
    pub(crate) fn set(&'static self, total: Option<usize>) {
        {
            let mut state = self.state.lock();
            state.seats.total = total;
            state.work.set = true;
            state.await_work();
            // Under the lock, so that of several calls the last one decides.
            clock::measure(total.is_some());
        }
        self.work(true).resume();
    }

    /// Does what a call of the function has to do before it looks its key up: it joins, or carries out an epoch.
    #[cold]
    #[inline(never)]
    pub(crate) fn attend(&'static self, member: &'static Member) {
        if member.attention().is_new() {
            self.join(member);
        } else {
            member.attention().end();
            let mut state = self.state.lock();
            if state.mover.is_some() {
                return;
            }
            state.work.epoch = true;
        }
        // The panic of a listener of another function does not end this call.
        self.work(false).discard();
    }

    /// Adds a function, with the memory that no other has. The shares of the others shrink for it afterwards.
    fn join(&'static self, member: &'static Member) {
        // Evaluates the expression of `maxsize`, which is user code.
        let (own, own_floor) = (member.with(|cache| cache.maxsize()), member.own_floor());
        let mut state = self.state.lock();
        if !member.attention().is_new() {
            return;
        }
        if let Some(share) = state.seats.add(member, own, own_floor) {
            member.with(|cache| {
                cache.set_capacity(share);
                cache.begin(member.attention(), &self.pulse);
            });
            state.work.fit = true;
        }
        member.attention().end();
    }

    /// Sets the bound that a function has beside the budget.
    pub(crate) fn set_bound(&'static self, attention: &'static Attention, bound: Option<usize>) {
        let (number, member) = {
            let state = self.state.lock();
            let mut seats = state.seats.all.iter();
            let found = seats.position(|seat| core::ptr::eq(seat.member.attention(), attention));
            let Some(number) = found else { return };
            (number, state.seats.all[number].member)
        };
        // A call that is nested in a read of the cache must not wait for it.
        let waits = !member.with(|cache| cache.is_held());
        {
            let mut state = self.state.lock();
            state.seats.all[number].own = bound;
            state.work.fit = true;
            if waits {
                state.await_work();
            }
        }
        self.work(waits).resume();
    }

    /// Returns the share of a function; `None` if there is no budget.
    #[cfg(feature = "registry")]
    pub(crate) fn share_of(&self, attention: &'static Attention) -> Option<usize> {
        let state = self.state.lock();
        let mut seats = state.seats.all.iter();
        seats.find(|seat| core::ptr::eq(seat.member.attention(), attention))?.share
    }

    /// Returns a report. What the caches use is read now, where they are not in use.
    pub(crate) fn report(&self) -> BudgetReport {
        let members: Vec<_> = self.state.lock().seats.all.iter().map(|seat| seat.member).collect();
        let observations: Vec<_> =
            members.iter().map(|member| member.with(|cache| cache.observe())).collect();
        let mut state = self.state.lock();
        state.seats.look(&observations);
        state.seats.report()
    }

    /// Carries out what is to be done, unless another thread does so; `waits` waits for that. Returns the first panic of user code.
    fn work(&'static self, waits: bool) -> FirstPanic {
        let own = thread::current().id();
        {
            let mut state = self.state.lock();
            while let Some(mover) = state.mover {
                if mover == own || !waits {
                    return FirstPanic::none();
                }
                self.moved.wait(&mut state);
            }
            if state.work.is_none() {
                return FirstPanic::none();
            }
            state.mover = Some(own);
        }
        let mover = Mover { budget: self, waits };
        let mut panic = FirstPanic::none();
        while let Some(work) = mover.next() {
            mover.carry_out(work, &mut panic);
        }
        panic
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("report", &self.report()).finish_non_exhaustive()
    }
}

/// The thread that resizes caches, until it is dropped.
struct Mover {
    budget: &'static Budget,
    /// Whether it waits for caches that are in use.
    waits: bool,
}

impl Drop for Mover {
    fn drop(&mut self) {
        let mut state = self.budget.state.lock();
        if state.mover == Some(thread::current().id()) {
            state.mover = None;
            self.budget.moved.notify_all();
        }
    }
}

impl Mover {
    /// Takes what is to be done next. If there is nothing, this is no mover any more: what is requested afterwards has another one.
    fn next(&self) -> Option<Work> {
        let mut state = self.budget.state.lock();
        if state.work.is_none() || (state.is_awaited && !self.waits) {
            state.mover = None;
            self.budget.moved.notify_all();
            return None;
        }
        state.is_awaited = false;
        Some(core::mem::take(&mut state.work))
    }

    fn carry_out(&self, work: Work, panic: &mut FirstPanic) {
        let budget = self.budget;
        let members = self.members();
        if work.set && !self.set(&members, panic) {
            return;
        }
        let Some(total) = budget.state.lock().seats.total else { return };
        let observations = work.epoch.then(|| {
            budget.pulse.begin(total);
            members.iter().map(|member| member.with(|cache| cache.observe())).collect()
        });
        let shares = {
            let mut state = budget.state.lock();
            if state.seats.total.is_none() {
                return;
            }
            if let Some(observations) = observations {
                state.seats.observe(observations);
            }
            if state.seats.all.iter().all(|seat| seat.is_new) {
                state.seats.divide_evenly()
            } else if state.seats.all.iter().any(|seat| seat.is_new) {
                state.seats.admit()
            } else {
                state.seats.step()
            }
        };
        self.apply(&shares, panic);
    }

    fn members(&self) -> Vec<&'static Member> {
        self.budget.state.lock().seats.all.iter().map(|seat| seat.member).collect()
    }

    /// Begins or ends the measurements of all members. Returns whether there is a budget.
    fn set(&self, members: &[&'static Member], panic: &mut FirstPanic) -> bool {
        let budget = self.budget;
        let total = budget.state.lock().seats.total;
        if let Some(total) = total {
            budget.pulse.begin(total);
            for (number, member) in members.iter().enumerate() {
                if budget.state.lock().seats.all[number].share.is_none() {
                    let own = member.with(|cache| {
                        let own = cache.maxsize();
                        cache.begin(member.attention(), &budget.pulse);
                        own
                    });
                    let mut state = budget.state.lock();
                    let seat = &mut state.seats.all[number];
                    (seat.own, seat.share, seat.is_new) = (own, Some(own.unwrap_or(usize::MAX)), true);
                }
            }
            return true;
        }
        let owns: Vec<_> = {
            let mut state = budget.state.lock();
            let owns = state.seats.all.iter().map(|seat| seat.share.map(|_| seat.own)).collect();
            state.seats.end();
            owns
        };
        for (member, own) in members.iter().zip(owns) {
            if let Some(own) = own {
                panic.catch(|| {
                    member.with(|cache| {
                        cache.end();
                        cache.resize(own, true);
                    });
                });
            }
        }
        false
    }

    /// Gives the members their shares: first those that shrink, then the others, as far as there is memory for them.
    fn apply(&self, shares: &[usize], panic: &mut FirstPanic) {
        let members = self.members();
        let mut grows = Vec::new();
        for (number, (&member, &share)) in members.iter().zip(shares).enumerate() {
            let (present, is_incomplete) = {
                let state = self.budget.state.lock();
                let seat = &state.seats.all[number];
                (seat.share.unwrap_or_default(), seat.is_incomplete)
            };
            if share > present {
                grows.push(number);
            } else if share < present || is_incomplete {
                let is_done = self.resize(member, share, panic);
                let mut state = self.budget.state.lock();
                let seat = &mut state.seats.all[number];
                seat.is_incomplete = !is_done;
                // A cache of which a part is in use keeps its memory for now.
                if is_done {
                    seat.share = seat.share.map(|_| share);
                }
            }
        }
        for number in grows {
            let share = {
                let mut state = self.budget.state.lock();
                let unused = state.seats.unused().unwrap_or_default();
                let seat = &mut state.seats.all[number];
                let present = seat.share.unwrap_or_default();
                let share = shares[number].min(present.saturating_add(unused));
                seat.share = seat.share.map(|_| share);
                share
            };
            let is_done = self.resize(members[number], share, panic);
            self.budget.state.lock().seats.all[number].is_incomplete = !is_done;
        }
    }

    /// Returns whether the cache has the capacity `share`, and no more. A panic may have ended the call before that, so it is made again:
    /// what is done by then is not done a second time.
    fn resize(&self, member: &Member, share: usize, panic: &mut FirstPanic) -> bool {
        let mut is_done = None;
        for _ in 0..2 {
            panic.catch(|| is_done = Some(member.with(|cache| cache.resize(Some(share), self.waits))));
            if is_done.is_some() {
                break;
            }
        }
        is_done.unwrap_or(false)
    }
}

/// Sets one memory budget for all functions with `weight = bytes`: `budget(512 * MIB)`. `budget(None)` removes it.
///
/// The functions share so many bytes, and memory goes where it saves most computing time. For each function the budget knows how long a
/// computation takes, how many calls there are, and which hit ratio the cache would have with more or less memory. After 1,024 misses of all
/// functions, or fewer if an eighth of the budget was filled meanwhile, some of the memory moves from where a byte saves little to where it
/// saves much: at most a tenth of the budget at a time, and nothing below two hundredths. [`budget_report`] tells what each function has,
/// and why.
///
/// * A function takes part from its first use on, and begins with an even part. It keeps at least its *floor*: a fiftieth of the budget, or
///   half of an even part if that is less.
/// * Its own `maxsize` stays an upper bound; with `maxsize = None` the budget is the only one. `cache_resize` and the registry set that bound.
///   `cache_info()` shows the present share as `maxsize`.
/// * Caches shrink before others grow, so that the shares are never more than the budget in sum. The entries of a cache never weigh more
///   than its share.
/// * A function that is not called any more falls to its floor where others gain by its memory.
/// * The caches of threads (`scope = thread`) and of an `isolated` test, cache objects, and `maxsize = auto(…)` do not take part.
///
/// The budget may be set at any time, changed and removed; a removed one leaves each function its own `maxsize`. When the call returns, all
/// caches are within their shares: entries that exceed them were evicted, and their eviction listeners called. It waits for caches
/// that are in use, so do not call it from the `Hash`, `Eq` or `Clone` of a key or a result. The memory of a program that is not the
/// results of these functions does not count, nor do the samples: up to some 250 KiB for each function, or shard.
///
/// A call of one function may evict results of the others, and calls their eviction listeners. So do not call a function of the budget
/// while you hold a lock that such a listener or a destructor of a result takes.
///
/// # Cost
///
/// Without a budget, a call of a function with `weight = bytes` takes a few instructions more, and no clock is read. With one, its keys are
/// sampled, and its computations are timed. A call that finds that memory is to be moved does so before it looks its own key up: it takes
/// about 50 microseconds for each function, and the time to evict what exceeds the smaller shares. It waits for no lock.
///
/// # Panics
///
/// Resumes the first panic of an eviction listener, after all caches have their shares. If the call of a function moves memory, it discards
/// such a panic.
pub fn budget(total: impl Into<Option<usize>>) {
    PROGRAM.set(total.into());
}

/// Returns which function has how much of the [`budget`], and why.
#[must_use]
pub fn budget_report() -> BudgetReport {
    PROGRAM.report()
}
