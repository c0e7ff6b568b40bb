//! A budget with members that are no caches: what is resized when, and by which thread.

use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::vec::Vec;

use parking_lot::Mutex;

use crate::budget::cache::{MemberCache, Observation};
use crate::budget::member::Member;
use crate::budget::program::Budget;
use crate::budget::report::ShareReason;
use crate::budget::signal::{Attention, Pulse};
use crate::insight::Insight;
use crate::observe::location::FunctionLocation;

/// The curve, the calls so far, and the cost of a miss.
type Measured = (Vec<(usize, f64)>, u64, u64);

/// What stands for a cache.
struct Fake {
    capacity: Mutex<Option<usize>>,
    is_busy: AtomicBool,
    is_measured: AtomicBool,
    measured: Mutex<Measured>,
    /// Called before the capacity shrinks, as a victim chooser is.
    before_shrink: Mutex<Option<fn()>>,
    /// Called when the capacity shrinks, as an eviction listener is.
    on_shrink: Mutex<Option<fn()>>,
}

impl Fake {
    const fn new(own: Option<usize>) -> Self {
        Self {
            capacity: Mutex::new(own),
            is_busy: AtomicBool::new(false),
            is_measured: AtomicBool::new(false),
            measured: Mutex::new((Vec::new(), 0, 0)),
            before_shrink: Mutex::new(None),
            on_shrink: Mutex::new(None),
        }
    }

    fn capacity(&self) -> Option<usize> {
        *self.capacity.lock()
    }

    /// Records calls, with a curve of one point.
    fn call(&self, calls: u64, cost: u64, (bytes, hit_ratio): (usize, f64)) {
        let mut measured = self.measured.lock();
        *measured = (std::vec![(bytes, hit_ratio)], measured.1 + calls, cost);
    }
}

impl MemberCache for Fake {
    fn maxsize(&self) -> Option<usize> {
        self.capacity()
    }

    fn is_held(&self) -> bool {
        false
    }

    fn set_capacity(&self, capacity: usize) {
        *self.capacity.lock() = Some(capacity);
    }

    fn begin(&self, _: &'static Attention, _: &'static Pulse) {
        self.is_measured.store(true, SeqCst);
    }

    fn end(&self) {
        self.is_measured.store(false, SeqCst);
    }

    fn observe(&self) -> Option<Observation> {
        if self.is_busy.load(SeqCst) {
            return None;
        }
        let (curve, calls, cost) = self.measured.lock().clone();
        Some(Observation {
            insight: Insight::of_points(&curve, calls),
            costs: std::vec![cost],
            used: self.capacity().unwrap_or_default(),
        })
    }

    fn resize(&self, capacity: Option<usize>, waits: bool) -> bool {
        if self.is_busy.load(SeqCst) && !waits {
            return false;
        }
        let shrinks = self.capacity().unwrap_or(usize::MAX) > capacity.unwrap_or(usize::MAX);
        let chooser = *self.before_shrink.lock();
        if let (true, Some(chooser)) = (shrinks, chooser) {
            chooser();
        }
        *self.capacity.lock() = capacity;
        let listener = *self.on_shrink.lock();
        if let (true, Some(listener)) = (shrinks, listener) {
            listener();
        }
        true
    }
}

static HERE: FunctionLocation =
    FunctionLocation::new("shop", "price", "price", || "shop::price", "shop.rs", 1);

/// Defines a budget and its members.
macro_rules! members {
    ($budget:ident: $($cache:ident $member:ident $own:expr),+) => {
        static $budget: Budget = Budget::new();
        $(
            static $cache: Fake = Fake::new($own);
            static $member: Member = Member::new(&HERE, |f| f(&$cache));
        )+
    };
}

/// Divides a budget of 1000 between two members.
fn divide(budget: &'static Budget, members: [&'static Member; 2]) {
    for member in members {
        budget.attend(member);
    }
    budget.set(Some(1000));
}

/// The capacities, which are never more than the budget in sum.
#[track_caller]
fn capacities(total: usize, caches: &[&Fake]) -> Vec<usize> {
    let capacities: Vec<_> = caches.iter().map(|cache| cache.capacity().unwrap()).collect();
    assert!(capacities.iter().sum::<usize>() <= total, "{capacities:?}");
    capacities
}

#[test]
fn members_join_at_their_first_use_and_have_even_parts() {
    members!(BUDGET: A OF_A Some(5000), B OF_B None, C OF_C Some(100));
    BUDGET.set(Some(1000));
    assert_eq!(A.capacity(), Some(5000));
    BUDGET.attend(&OF_A);
    assert!(A.is_measured.load(SeqCst) && !OF_A.needs_attention());
    assert_eq!(capacities(1000, &[&A]), [1000]);
    BUDGET.attend(&OF_B);
    assert_eq!(capacities(1000, &[&A, &B]), [500, 500]);
    BUDGET.attend(&OF_C);
    assert_eq!(capacities(1000, &[&A, &B, &C]), [450, 450, 100]);
    let report = BUDGET.report();
    assert_eq!((report.total(), report.functions().len(), report.epochs()), (Some(1000), 3, 0));
    assert!(report.functions().iter().all(|share| share.reason() == ShareReason::EvenPart));
}

#[test]
fn a_budget_may_be_set_changed_and_removed_later() {
    members!(BUDGET: A OF_A Some(5000), B OF_B None);
    BUDGET.attend(&OF_A);
    BUDGET.attend(&OF_B);
    assert_eq!((A.capacity(), B.capacity(), A.is_measured.load(SeqCst)), (Some(5000), None, false));
    assert!(BUDGET.report().total().is_none() && BUDGET.report().functions().is_empty());
    BUDGET.set(Some(1000));
    assert!(A.is_measured.load(SeqCst));
    assert_eq!(capacities(1000, &[&A, &B]), [500, 500]);
    BUDGET.set(Some(200));
    assert_eq!(capacities(200, &[&A, &B]), [100, 100]);
    BUDGET.set(Some(20_000));
    assert_eq!(capacities(20_000, &[&A, &B]), [5000, 15_000]);
    BUDGET.set(None);
    assert_eq!((A.capacity(), B.capacity(), A.is_measured.load(SeqCst)), (Some(5000), None, false));
    BUDGET.set(Some(1000));
    assert_eq!(capacities(1000, &[&A, &B]), [500, 500]);
}

#[test]
fn memory_moves_to_the_function_that_saves_more() {
    members!(BUDGET: A OF_A None, B OF_B None);
    divide(&BUDGET, [&OF_A, &OF_B]);
    for step in 1..=8 {
        A.call(1000, 10, (2000, 1.0));
        B.call(1000, 100, (2000, 1.0));
        BUDGET.attend(&OF_A);
        let capacities = capacities(1000, &[&A, &B]);
        assert_eq!(capacities[1], (500 + 100 * step).min(980));
    }
    let report = BUDGET.report();
    let reasons: Vec<_> = report.functions().iter().map(|share| (share.share(), share.reason())).collect();
    assert_eq!(reasons, [(980, ShareReason::Balanced), (20, ShareReason::AtFloor)]);
    // The calls change: what has no calls falls to its floor.
    for _ in 0..40 {
        A.call(1000, 10, (2000, 1.0));
        BUDGET.attend(&OF_B);
        capacities(1000, &[&A, &B]);
    }
    assert_eq!(capacities(1000, &[&A, &B]), [980, 20]);
    let report = BUDGET.report();
    assert_eq!(report.functions()[1].reason(), ShareReason::NotCalled);
}

#[test]
fn a_cache_that_is_in_use_keeps_its_memory_from_the_others() {
    members!(BUDGET: A OF_A None, B OF_B None);
    divide(&BUDGET, [&OF_A, &OF_B]);
    A.call(1000, 10, (2000, 1.0));
    B.call(1000, 100, (2000, 1.0));
    BUDGET.attend(&OF_A);
    assert_eq!(capacities(1000, &[&A, &B]), [400, 600]);
    A.is_busy.store(true, SeqCst);
    B.call(1000, 100, (2000, 1.0));
    BUDGET.attend(&OF_A);
    assert_eq!(capacities(1000, &[&A, &B]), [400, 600]);
    A.is_busy.store(false, SeqCst);
    B.is_busy.store(true, SeqCst);
    BUDGET.attend(&OF_A);
    assert_eq!(capacities(1000, &[&A, &B]), [300, 600]);
    // What could not grow does so when it is free.
    B.is_busy.store(false, SeqCst);
    BUDGET.attend(&OF_A);
    assert_eq!(capacities(1000, &[&A, &B]), [200, 800]);
}

#[test]
fn a_bound_of_its_own_holds_beside_the_budget() {
    members!(BUDGET: A OF_A Some(800), B OF_B None);
    divide(&BUDGET, [&OF_A, &OF_B]);
    BUDGET.set_bound(OF_A.attention(), Some(100));
    assert_eq!(capacities(1000, &[&A, &B]), [100, 900]);
    BUDGET.set_bound(OF_A.attention(), None);
    assert_eq!(capacities(1000, &[&A, &B]), [100, 900]);
    BUDGET.set_bound(OF_B.attention(), Some(0));
    assert_eq!(capacities(1000, &[&A, &B]), [1000, 0]);
    BUDGET.set(None);
    assert_eq!((A.capacity(), B.capacity()), (None, Some(0)));
}

#[test]
fn a_floor_of_its_own_is_kept() {
    static BUDGET: Budget = Budget::new();
    static A: Fake = Fake::new(None);
    static OF_A: Member = Member::new(&HERE, |f| f(&A)).floor(|| 700);
    members!(UNUSED: B OF_B None);
    _ = &UNUSED;
    BUDGET.set(Some(1000));
    BUDGET.attend(&OF_B);
    BUDGET.attend(&OF_A);
    assert_eq!(capacities(1000, &[&A, &B]), [700, 300]);
    B.call(1000, 100, (2000, 1.0));
    BUDGET.attend(&OF_A);
    assert_eq!(capacities(1000, &[&A, &B]), [700, 300]);
}

#[test]
fn a_panic_of_a_listener_ends_no_call_of_another_function() {
    members!(BUDGET: A OF_A None, B OF_B None);
    divide(&BUDGET, [&OF_A, &OF_B]);
    *A.on_shrink.lock() = Some(|| panic!("listener"));
    B.call(1000, 100, (2000, 1.0));
    BUDGET.attend(&OF_B);
    assert_eq!(capacities(1000, &[&A, &B]), [400, 600]);
    // That of the budget itself is resumed, when all caches have their shares.
    let panic = catch_unwind(AssertUnwindSafe(|| BUDGET.set(Some(100)))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"listener"));
    capacities(100, &[&A, &B]);
    *A.on_shrink.lock() = None;
    BUDGET.set(Some(1000));
    assert_eq!(capacities(1000, &[&A, &B]).iter().sum::<usize>(), 1000);
}

#[test]
fn a_cache_that_could_not_shrink_for_a_panic_keeps_its_memory_from_the_others() {
    members!(BUDGET: A OF_A None, B OF_B None);
    divide(&BUDGET, [&OF_A, &OF_B]);
    *A.before_shrink.lock() = Some(|| panic!("chooser"));
    B.call(1000, 100, (2000, 1.0));
    BUDGET.attend(&OF_B);
    assert_eq!(capacities(1000, &[&A, &B]), [500, 500]);
    *A.before_shrink.lock() = Some(|| {
        *A.before_shrink.lock() = None;
        panic!("chooser, once");
    });
    B.call(1000, 100, (2000, 1.0));
    BUDGET.attend(&OF_B);
    assert_eq!(capacities(1000, &[&A, &B]), [400, 600]);
}

#[test]
fn a_listener_may_set_the_budget() {
    members!(BUDGET: A OF_A None, B OF_B None);
    divide(&BUDGET, [&OF_A, &OF_B]);
    *A.on_shrink.lock() = Some(|| {
        *A.on_shrink.lock() = None;
        BUDGET.set(Some(500));
        _ = BUDGET.report();
    });
    B.call(1000, 100, (2000, 1.0));
    BUDGET.attend(&OF_B);
    capacities(500, &[&A, &B]);
    *A.on_shrink.lock() = Some(|| BUDGET.set(None));
    BUDGET.set(Some(100));
    assert_eq!((A.capacity(), B.capacity()), (None, None));
}
