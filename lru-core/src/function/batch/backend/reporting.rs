//! How the requests of a call of many elements are counted, their errors reported, and its results published.

use core::{iter, mem};

use crate::backend::BackendError;
use crate::engine::{Engine, Placement};
use crate::flight::table::Terms;
use crate::function::batch::backend::held::Fate;
use crate::function::batch::backend::{BackendBatch, BatchCall};
use crate::function::call::backend_errors::{ErrorReporter, report};
use crate::function::call::coalesced::publish;
use crate::function::call::held_lease::Held;
use crate::function::result_policy::Sharing;
use crate::observe::stats::Transferred;
use crate::time::Instant;

impl<C: BatchCall, B: Held + Clone> BackendBatch<C, B> {
    /// Counts a request to the backend, which was sent at this time and has ended.
    pub(super) fn requested(&self, sent: Instant, transferred: Transferred) {
        let took = sent.elapsed();
        self.call.miss.handle.engines.first(|engine| {
            let counters = engine.counters();
            counters.requested(took, transferred);
            counters.circuit.set(|| {
                let backend = self.outside.handle.backend.clone();
                move || backend.circuit_state()
            });
        });
    }

    /// Counts and reports an error, which fails no call.
    pub(super) fn reported(&self, error: &BackendError) {
        self.call.miss.handle.engines.first(|engine| engine.counters().backend_errors.add(1));
        // The callback may call the function: those calls are attributed to the computation.
        let _scope = self.call.flights.scope();
        report(error, self.call.options.events, self.outside.handle.on_error);
    }

    /// Counts and reports an error, by which a strict call fails.
    pub(super) fn failed_by(&mut self, error: BackendError) {
        self.reported(&error);
        if self.outside.is_strict {
            self.outside.failure.get_or_insert(error);
        }
    }

    /// Returns what counts and reports the errors of requests for which the call does not wait.
    pub(super) fn errors(&self) -> ErrorReporter {
        let counters = self.call.miss.handle.engines.first(Engine::shared_counters);
        ErrorReporter { counters, events: self.call.options.events, callback: self.outside.handle.on_error }
    }

    /// Gives up the leases of a call that has failed.
    pub(super) async fn give_up_all(&mut self) {
        if let Err(error) = self.outside.held.take().settle(|_| Fate::Failed).await {
            self.reported(&error);
        }
    }

    /// Records that the in-process cache may have copies of these elements now.
    pub(super) fn inserted(&self, numbers: impl IntoIterator<Item = usize>) {
        for number in numbers {
            if let Some(tracked) = &self.outside.elements[number].tracked {
                tracked.inserted(self.call.miss.missing[number].hash);
            }
        }
    }

    /// Publishes results to the calls that wait for them. They are in the order of their numbers, each with the time at which
    /// it was current in the backend.
    pub(super) fn publish<H: Sharing<C::Result>>(
        &mut self,
        results: impl Iterator<Item = (usize, C::Result, Option<Instant>)>,
        sharing: H,
    ) {
        let mut leads = mem::take(&mut self.call.flights.leads).into_iter().peekable();
        for (number, result, current_at) in results {
            let others = iter::from_fn(|| leads.next_if(|lead| lead.number < number));
            self.call.flights.leads.extend(others);
            let lead = leads.next_if(|lead| lead.number == number).map(|lead| lead.leader);
            let terms = Terms { current_at, ..Terms::default() };
            publish(lead, self.call.miss.policy, sharing, &result, terms);
            self.call.results[number] = Some(result);
        }
        self.call.flights.leads.extend(leads);
    }
}
