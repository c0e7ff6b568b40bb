//! What the tests share: the budget of the program, one test at a time, and a clock that computations move.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use functools::{BudgetShare, budget, budget_report};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

thread_local! {
    /// The time of this thread, in nanoseconds.
    static NOW: Cell<u64> = const { Cell::new(0) };
}

/// Records that a computation took so many nanoseconds.
pub(crate) fn took(nanoseconds: u64) {
    NOW.set(NOW.get() + nanoseconds);
}

/// The budget of the program, of which there is none when the test ends.
pub(crate) struct Program(#[expect(dead_code, reason = "it is held")] MutexGuard<'static, ()>);

impl Program {
    /// No budget, and no other test.
    pub(crate) fn alone() -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        functools::__private::set_budget_clock(|| NOW.get());
        budget(None);
        Self(alone)
    }

    pub(crate) fn with_budget(bytes: usize) -> Self {
        let program = Self::alone();
        program.set(bytes);
        program
    }

    #[expect(clippy::unused_self, reason = "only one test has it")]
    pub(crate) fn set(&self, bytes: usize) {
        budget(bytes);
    }

    #[expect(clippy::unused_self, reason = "only one test has it")]
    pub(crate) fn remove(&self) {
        budget(None);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        budget(None);
    }
}

/// The share of the function whose path ends in `name`.
#[track_caller]
pub(crate) fn share_of(name: &str) -> BudgetShare {
    let report = budget_report();
    let found = report.functions().iter().rev().find(|share| share.path().ends_with(name));
    found.unwrap_or_else(|| panic!("{name}: {report}")).clone()
}

/// Random numbers, the same in each run.
pub(crate) struct Keys(u64);

impl Keys {
    pub(crate) fn new() -> Self {
        Self(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % end
    }
}
