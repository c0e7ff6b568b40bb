//! Deadlock avoidance: a call that would wait for its own thread, directly or through other flights, does not
//! wait.
//!
//! While a leader's function runs, or its future is polled, its computation is on a stack of the thread. If a call
//! on this thread would then wait for a computation on that stack, it is a recursive call. If it would wait for one
//! that itself waits, through others, for one on the stack, it would close a cycle of the wait-for graph.
//!
//! A call waits for a flight: for the computation of whichever call leads it. So an edge leads to the flight, and who
//! computes is looked up when the graph is searched.

use core::cell::RefCell;
use core::future::Future;
#[cfg(feature = "backend")]
use core::future::poll_fn;
use core::pin::Pin;
#[cfg(feature = "backend")]
use core::pin::pin;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::task::Poll;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::vec::Vec;

use parking_lot::Mutex;

/// Identifies a computation among those of all caches: all that one call leads at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ComputationId(u64);

impl ComputationId {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Relaxed))
    }
}

thread_local! {
    /// The computations that run on this thread, the innermost last.
    static LED: RefCell<Vec<ComputationId>> = const { RefCell::new(Vec::new()) };
}

/// Attributes the calls of this thread to a leader's computation, as long as it exists.
#[must_use]
pub(crate) struct BodyScope {
    depth: usize,
}

impl BodyScope {
    pub(crate) fn enter(computation: ComputationId) -> Self {
        let enter = |led: &RefCell<Vec<ComputationId>>| {
            let mut led = led.borrow_mut();
            led.push(computation);
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

/// A future that is polled and dropped in the scope of a computation: calls that it makes then, also those of its
/// destructors, are attributed to it.
pub(crate) struct InScope<'f, F> {
    /// `None` if the future is of no computation that others wait for.
    computation: Option<ComputationId>,
    future: Pin<&'f mut Option<F>>,
}

impl<'f, F: Future> InScope<'f, F> {
    /// The future is pinned by the caller: one that is passed by value takes up its size once more.
    pub(crate) fn new(computation: Option<ComputationId>, future: Pin<&'f mut Option<F>>) -> Self {
        Self { computation, future }
    }

    /// Polls the future; `polled` is what is made of that. Pending if it was dropped.
    pub(crate) fn poll<R>(&mut self, polled: impl FnOnce(Pin<&mut F>) -> Poll<R>) -> Poll<R> {
        let _scope = self.computation.map(BodyScope::enter);
        self.future.as_mut().as_pin_mut().map_or(Poll::Pending, polled)
    }
}

impl<F> Drop for InScope<'_, F> {
    fn drop(&mut self) {
        let _scope = self.computation.map(BodyScope::enter);
        self.future.set(None);
    }
}

/// Awaits a future in the scope of a computation.
#[cfg(feature = "backend")]
pub(crate) async fn in_scope<F: Future>(computation: ComputationId, future: F) -> F::Output {
    let mut future = pin!(Some(future));
    let mut scoped = InScope::new(Some(computation), future.as_mut());
    poll_fn(|context| scoped.poll(|future| future.poll(context))).await
}

/// A flight that calls wait for.
pub(crate) trait Led: Send + Sync {
    /// Returns the computation of its leader; `None` if it has none.
    fn computation(&self) -> Option<ComputationId>;
}

/// What a call waits for.
#[derive(Clone)]
pub(crate) enum Awaited {
    /// The end of a flight, whichever call leads it.
    Flight(Arc<dyn Led>),
    /// A computation.
    Computation(ComputationId),
}

impl Awaited {
    fn computation(&self) -> Option<ComputationId> {
        match self {
            Self::Flight(flight) => flight.computation(),
            Self::Computation(computation) => Some(*computation),
        }
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Flight(one), Self::Flight(other)) => Arc::ptr_eq(one, other),
            (Self::Computation(one), Self::Computation(other)) => one == other,
            _ => false,
        }
    }
}

/// The wait-for graph: for each computation that waits, what it waits for, once per waiting call.
static GRAPH: Mutex<BTreeMap<ComputationId, Vec<Awaited>>> = Mutex::new(BTreeMap::new());

/// Edges of the wait-for graph from all computations that run on this thread to what one call waits for, as long as
/// it exists.
#[must_use]
pub(crate) struct WaitEdge {
    led: Vec<ComputationId>,
    /// `None` if no computation waits.
    awaited: Option<Awaited>,
}

impl WaitEdge {
    /// Adds the edges; `None` if they would close a cycle.
    pub(super) fn to(awaited: impl FnOnce() -> Awaited) -> Option<Self> {
        let led = LED.try_with(|led| led.borrow().clone()).unwrap_or_default();
        if led.is_empty() {
            return Some(Self { led, awaited: None });
        }
        let awaited = awaited();
        let mut graph = GRAPH.lock();
        let mut reached: Vec<ComputationId> = awaited.computation().into_iter().collect();
        let mut next = 0;
        while let Some(computation) = reached.get(next) {
            next += 1;
            if led.contains(computation) {
                return None;
            }
            for further in graph.get(computation).into_iter().flatten().filter_map(Awaited::computation) {
                if !reached.contains(&further) {
                    reached.push(further);
                }
            }
        }
        for &waiting in &led {
            graph.entry(waiting).or_default().push(awaited.clone());
        }
        drop(graph);
        Some(Self { led, awaited: Some(awaited) })
    }
}

impl Drop for WaitEdge {
    fn drop(&mut self) {
        let Some(awaited) = &self.awaited else { return };
        let mut graph = GRAPH.lock();
        for waiting in &self.led {
            let Some(of_waiting) = graph.get_mut(waiting) else { continue };
            if let Some(index) = of_waiting.iter().position(|other| other.is(awaited)) {
                of_waiting.swap_remove(index);
            }
            if of_waiting.is_empty() {
                graph.remove(waiting);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge_to(computation: ComputationId) -> Option<WaitEdge> {
        WaitEdge::to(|| Awaited::Computation(computation))
    }

    #[test]
    fn a_cycle_of_waiting_threads_is_refused() {
        let [one, other, third] = [(); 3].map(|()| ComputationId::new());
        let in_one = {
            let _body = BodyScope::enter(one);
            assert!(edge_to(one).is_none());
            edge_to(other).expect("no cycle")
        };
        let in_other = {
            let _body = BodyScope::enter(other);
            assert!(edge_to(one).is_none());
            edge_to(third).expect("no cycle")
        };
        {
            let _body = BodyScope::enter(third);
            assert!(edge_to(one).is_none(), "by way of another");
            drop(in_other);
            drop(edge_to(one).expect("no cycle any more"));
        }
        drop(in_one);
        let _body = BodyScope::enter(other);
        assert!(edge_to(one).is_some());
    }

    #[test]
    fn a_body_that_called_through_others_waits_with_all_of_them() {
        let [outer, inner, other] = [(); 3].map(|()| ComputationId::new());
        let _outer = BodyScope::enter(outer);
        let edge = {
            let _inner = BodyScope::enter(inner);
            edge_to(other).expect("no cycle")
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _body = BodyScope::enter(other);
                assert!(edge_to(outer).is_none());
                assert!(edge_to(inner).is_none());
            });
        });
        drop(edge);
    }

    #[test]
    fn a_thread_that_leads_nothing_adds_no_edge() {
        let computation = ComputationId::new();
        let edge = edge_to(computation).expect("no cycle");
        assert!(edge.led.is_empty() && edge.awaited.is_none());
        assert!(!GRAPH.lock().contains_key(&computation));
    }
}
