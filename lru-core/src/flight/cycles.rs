//! Deadlock avoidance: a call that would wait for its own thread, directly or through other flights, does not
//! wait.
//!
//! While a leader's function runs, or its future is polled, its flight is on a stack of the thread. If a call
//! on this thread would then wait for a flight on that stack, it is a recursive call. If it would wait for a
//! flight that itself waits, through others, for one on the stack, it would close a cycle of the wait-for
//! graph.

use core::cell::RefCell;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::collections::BTreeMap;
use std::vec::Vec;

use parking_lot::Mutex;

/// Identifies a flight among those of all caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FlightId(u64);

impl FlightId {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Relaxed))
    }
}

thread_local! {
    /// The flights whose leaders compute on this thread, the innermost last.
    static LED: RefCell<Vec<FlightId>> = const { RefCell::new(Vec::new()) };
}

/// Attributes the calls of this thread to a leader's computation, as long as it exists.
#[must_use]
pub(crate) struct BodyScope {
    depth: usize,
}

impl BodyScope {
    pub(crate) fn enter(flight: FlightId) -> Self {
        let enter = |led: &RefCell<Vec<FlightId>>| {
            let mut led = led.borrow_mut();
            led.push(flight);
            led.len() - 1
        };
        // A thread that is ending has no stack any more, and detects no recursion.
        Self { depth: LED.try_with(enter).unwrap_or(0) }
    }
}

impl Drop for BodyScope {
    fn drop(&mut self) {
        // Scopes may be dropped out of order: those above are inside this one.
        _ = LED.try_with(|led| led.borrow_mut().truncate(self.depth));
    }
}

/// The wait-for graph: for each flight whose leader waits, the flights that it waits for, once per waiting call.
static GRAPH: Mutex<BTreeMap<FlightId, Vec<FlightId>>> = Mutex::new(BTreeMap::new());

/// Edges of the wait-for graph from all flights led on this thread to one, as long as it exists.
#[derive(Debug)]
#[must_use]
pub(crate) struct WaitEdge {
    led: Vec<FlightId>,
    flight: FlightId,
}

impl WaitEdge {
    /// Adds the edges; `None` if they would close a cycle.
    pub(super) fn to(flight: FlightId) -> Option<Self> {
        let led = LED.try_with(|led| led.borrow().clone()).unwrap_or_default();
        if led.is_empty() {
            return Some(Self { led, flight });
        }
        let mut graph = GRAPH.lock();
        let mut reached = Vec::from([flight]);
        let mut next = 0;
        while let Some(&flight) = reached.get(next) {
            next += 1;
            if led.contains(&flight) {
                return None;
            }
            for &further in graph.get(&flight).into_iter().flatten() {
                if !reached.contains(&further) {
                    reached.push(further);
                }
            }
        }
        for &waiting in &led {
            graph.entry(waiting).or_default().push(flight);
        }
        Some(Self { led, flight })
    }
}

impl Drop for WaitEdge {
    fn drop(&mut self) {
        if self.led.is_empty() {
            return;
        }
        let mut graph = GRAPH.lock();
        for waiting in &self.led {
            let Some(flights) = graph.get_mut(waiting) else { continue };
            if let Some(index) = flights.iter().position(|flight| *flight == self.flight) {
                flights.swap_remove(index);
            }
            if flights.is_empty() {
                graph.remove(waiting);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_of_waiting_threads_is_refused() {
        let [one, other, third] = [(); 3].map(|()| FlightId::new());
        let in_one = {
            let _body = BodyScope::enter(one);
            assert!(WaitEdge::to(one).is_none());
            WaitEdge::to(other).expect("no cycle")
        };
        let in_other = {
            let _body = BodyScope::enter(other);
            assert!(WaitEdge::to(one).is_none());
            WaitEdge::to(third).expect("no cycle")
        };
        {
            let _body = BodyScope::enter(third);
            assert!(WaitEdge::to(one).is_none(), "by way of another");
            drop(in_other);
            drop(WaitEdge::to(one).expect("no cycle any more"));
        }
        drop(in_one);
        let _body = BodyScope::enter(other);
        assert!(WaitEdge::to(one).is_some());
    }

    #[test]
    fn a_body_that_called_through_others_waits_with_all_of_them() {
        let [outer, inner, other] = [(); 3].map(|()| FlightId::new());
        let _outer = BodyScope::enter(outer);
        let edge = {
            let _inner = BodyScope::enter(inner);
            WaitEdge::to(other).expect("no cycle")
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _body = BodyScope::enter(other);
                assert!(WaitEdge::to(outer).is_none());
                assert!(WaitEdge::to(inner).is_none());
            });
        });
        drop(edge);
    }

    #[test]
    fn a_thread_that_leads_nothing_adds_no_edge() {
        let flight = FlightId::new();
        let edge = WaitEdge::to(flight).expect("no cycle");
        assert!(edge.led.is_empty());
        assert!(!GRAPH.lock().contains_key(&flight));
    }
}
