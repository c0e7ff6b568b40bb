//! The parts of a call of many elements in the flights of their keys.

use core::future::{Future, poll_fn};
use core::mem;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use std::vec::Vec;

use crate::engine::placement::rounds::{BatchKeys, Missing};
use crate::flight::Leader;
use crate::flight::cycles::{BodyScope, ComputationId, InScope};
use crate::flight::follower::{Followed, Follower};
use crate::function::call::pending_call::FlightOptions;
use crate::key::KeyHash;
use crate::time::Instant;

/// How many times a call joins its elements again after a call that it followed has failed. Then it computes for itself, so
/// that calls do not fail one after the other.
const MOST_FAILURES: u32 = 2;

/// The parts of a call in the flights of the missing elements, by their numbers.
pub(super) struct Flights<K, V> {
    /// The computation of all that this call leads.
    pub(super) id: ComputationId,
    /// Copies of the keys for flights, until they are taken.
    pub(super) keys: Vec<Option<K>>,
    /// The elements that are to be joined.
    pub(super) unjoined: Vec<usize>,
    /// Those of the elements that the body is called with are in the order of their numbers.
    pub(super) leads: Vec<Lead<K, V>>,
    /// The elements that this call computes without a flight.
    pub(super) alone: Vec<usize>,
    pub(super) follows: Vec<(usize, Follower<K, V>)>,
    /// How many of the calls that were followed have failed.
    pub(super) failures: u32,
    /// The elements that another call computes for this one, and counts.
    pub(super) offered: Vec<usize>,
    /// When this call began: a result that was not current since then is not shared.
    pub(super) began: Instant,
}

/// An element whose flight a call leads.
pub(super) struct Lead<K, V> {
    pub(super) number: usize,
    pub(super) leader: Leader<K, V>,
}

impl<K, V> Flights<K, V> {
    /// Returns those of a computation that has no part in any flight yet.
    pub(super) fn none(id: ComputationId) -> Self {
        Self {
            id,
            keys: Vec::new(),
            unjoined: Vec::new(),
            leads: Vec::new(),
            alone: Vec::new(),
            follows: Vec::new(),
            failures: 0,
            offered: Vec::new(),
            began: Instant::now(),
        }
    }

    /// Attributes the calls that this thread makes to the computation of this call, until the scope is dropped.
    pub(super) fn scope(&self) -> BodyScope {
        BodyScope::enter(self.id)
    }

    /// Returns the future of the body, which `body` makes.
    pub(super) fn future<F>(&self, body: impl FnOnce() -> F) -> F {
        let _scope = self.scope();
        body()
    }

    /// Awaits the body by `poll`, and attributes its calls to the computation. If it panics or is dropped, what this call leads is
    /// handed over after the body.
    pub(super) async fn within<F: Future, T>(
        &mut self,
        body: F,
        mut poll: impl FnMut(Pin<&mut F>, &mut Context<'_>) -> Poll<T>,
    ) -> T {
        let leading = Leading(self);
        let mut body = pin!(Some(body));
        let mut scoped = InScope::new(Some(leading.0.id), body.as_mut());
        let answers = poll_fn(|context| scoped.poll(|body| poll(body, context))).await;
        drop(scoped);
        mem::forget(leading);
        answers
    }

    /// Ends the flights that this call leads without a result: the calls that follow compute for themselves.
    pub(super) fn fail(&mut self) {
        // Keys of flights are dropped here.
        let _scope = self.scope();
        for lead in self.leads.drain(..) {
            lead.leader.fail();
        }
    }

    #[cfg(feature = "backend")]
    fn place_of_lead(&self, number: usize) -> Option<usize> {
        self.leads.binary_search_by_key(&number, |lead| lead.number).ok()
    }

    /// Returns whether this call leads the flight of an element.
    #[cfg(feature = "backend")]
    pub(super) fn leads_element(&self, number: usize) -> bool {
        self.place_of_lead(number).is_some()
    }

    /// Returns whether another call has taken over the flight of an element.
    #[cfg(feature = "backend")]
    pub(super) fn is_replaced(&self, number: usize) -> bool {
        self.place_of_lead(number).is_some_and(|place| !self.leads[place].leader.leads())
    }

    /// Records how the flight of an element has ended, unless a result was published. Returns whether there is one.
    pub(super) fn ended(&mut self, number: usize, end: Followed<K, V>, options: FlightOptions) -> bool {
        if matches!(end, Followed::Published) {
            return true;
        }
        self.offered.retain(|offered| *offered != number);
        match end {
            Followed::Published => return true,
            Followed::Lead(leader) if !leader.may_be_joined() => self.unjoined.push(number),
            Followed::Lead(leader) => {
                options.events.took_over(leader.is_after_timeout());
                self.leads.push(Lead { number, leader });
            }
            Followed::Failed if self.failures < MOST_FAILURES && self.keys[number].is_some() => {
                self.unjoined.push(number);
            }
            Followed::Cycle | Followed::Failed => self.alone.push(number),
            Followed::TimedOut => {
                options.events.timed_out();
                self.alone.push(number);
            }
        }
        false
    }
}

/// What a call leads while its body runs. Dropped, it is handed over, in the scope of the computation.
pub(super) struct Leading<'f, K, V>(pub(super) &'f mut Flights<K, V>);

impl<K, V> Drop for Leading<'_, K, V> {
    fn drop(&mut self) {
        let _scope = self.0.scope();
        self.0.leads.clear();
    }
}

/// Hands what the call still leads over, in its scope: keys of flights are dropped here.
impl<K, V> Drop for Flights<K, V> {
    fn drop(&mut self) {
        drop(Leading(self));
    }
}

/// The keys of some of the missing elements.
pub(super) struct SomeKeys<'c, K> {
    pub(super) numbers: &'c [usize],
    pub(super) missing: &'c [Missing],
    pub(super) keys: &'c [Option<K>],
    pub(super) same: fn(&K, &K) -> bool,
}

impl<K> BatchKeys<K> for SomeKeys<'_, K> {
    fn count(&self) -> usize {
        self.numbers.len()
    }

    fn hash(&self, position: usize) -> KeyHash {
        self.missing[self.numbers[position]].hash
    }

    fn matching(&self, position: usize) -> impl Fn(&K) -> bool {
        let (key, same) = (self.keys[self.numbers[position]].as_ref(), self.same);
        move |stored| key.is_some_and(|key| same(stored, key))
    }
}
