//! Whose body it is that calls, and who waits for whom.
//!
//! While a leader's body runs, or its future is polled, its flight stands on a stack of the thread. A
//! call from inside it that would wait for the flight itself is a recursion; one that would wait for a
//! flight that waits, by way of others, for one of the stack, is a cycle. Neither waits: it would be
//! for ever.

use core::cell::RefCell;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::collections::BTreeMap;
use std::vec::Vec;

use parking_lot::Mutex;

/// A flight, of any cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlightId(u64);

impl FlightId {
    /// One that was not there before.
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Relaxed))
    }
}

thread_local! {
    static BODIES: RefCell<Vec<FlightId>> = const { RefCell::new(Vec::new()) };
}

/// A leader's body is running on this thread, as long as this is there.
#[must_use]
pub(crate) struct Body {
    depth: usize,
}

impl Body {
    pub(super) fn enter(flight: FlightId) -> Self {
        let enter = |bodies: &RefCell<Vec<FlightId>>| {
            let mut bodies = bodies.borrow_mut();
            bodies.push(flight);
            bodies.len() - 1
        };
        // A thread that ends has no stack any more, and recognises no recursion.
        Self { depth: BODIES.try_with(enter).unwrap_or(0) }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // Whatever order they end in: what stands above runs inside this one.
        _ = BODIES.try_with(|bodies| bodies.borrow_mut().truncate(self.depth));
    }
}

/// Which flights' bodies wait for which flights, once for each call that waits.
static WAITS: Mutex<BTreeMap<FlightId, Vec<FlightId>>> = Mutex::new(BTreeMap::new());

/// The bodies of this thread wait for a flight, as long as this is there.
#[derive(Debug)]
#[must_use]
pub(super) struct Wait {
    bodies: Vec<FlightId>,
    flight: FlightId,
}

impl Wait {
    /// `None` where that would be for ever.
    pub(super) fn on(flight: FlightId) -> Option<Self> {
        let bodies = BODIES.try_with(|bodies| bodies.borrow().clone()).unwrap_or_default();
        if bodies.is_empty() {
            return Some(Self { bodies, flight });
        }
        let mut waits = WAITS.lock();
        let mut reached = Vec::from([flight]);
        let mut next = 0;
        while let Some(&flight) = reached.get(next) {
            next += 1;
            if bodies.contains(&flight) {
                return None;
            }
            for &further in waits.get(&flight).into_iter().flatten() {
                if !reached.contains(&further) {
                    reached.push(further);
                }
            }
        }
        for &body in &bodies {
            waits.entry(body).or_default().push(flight);
        }
        Some(Self { bodies, flight })
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if self.bodies.is_empty() {
            return;
        }
        let mut waits = WAITS.lock();
        for body in &self.bodies {
            let Some(flights) = waits.get_mut(body) else { continue };
            if let Some(place) = flights.iter().position(|flight| *flight == self.flight) {
                flights.swap_remove(place);
            }
            if flights.is_empty() {
                waits.remove(body);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_what_waits_for_it() {
        let [one, other, third] = [(); 3].map(|()| FlightId::new());
        let in_one = {
            let _body = Body::enter(one);
            assert!(Wait::on(one).is_none());
            Wait::on(other).expect("no cycle")
        };
        let in_other = {
            let _body = Body::enter(other);
            assert!(Wait::on(one).is_none());
            Wait::on(third).expect("no cycle")
        };
        {
            let _body = Body::enter(third);
            assert!(Wait::on(one).is_none(), "by way of another");
            drop(in_other);
            drop(Wait::on(one).expect("no cycle any more"));
        }
        drop(in_one);
        let _body = Body::enter(other);
        assert!(Wait::on(one).is_some());
    }

    #[test]
    fn a_body_that_called_through_others_waits_with_all_of_them() {
        let [outer, inner, other] = [(); 3].map(|()| FlightId::new());
        let _outer = Body::enter(outer);
        let waits = {
            let _inner = Body::enter(inner);
            Wait::on(other).expect("no cycle")
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _body = Body::enter(other);
                assert!(Wait::on(outer).is_none());
                assert!(Wait::on(inner).is_none());
            });
        });
        drop(waits);
    }

    #[test]
    fn who_waits_without_a_body_is_nobody_s_concern() {
        let flight = FlightId::new();
        let wait = Wait::on(flight).expect("no cycle");
        assert!(wait.bodies.is_empty());
        assert!(!WAITS.lock().contains_key(&flight));
    }
}
