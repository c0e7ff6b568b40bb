//! A policy with a sampler, for caches that estimate their hit ratio with other capacities.

use super::Policy;
use super::forwarding::forward_to_policy;
use super::lru::Lru;
use super::sealed::Sealed;
use crate::insight::{Bounds, Sampler, SelfSizing};
use crate::key::KeyHash;
use crate::store::linked_arena::{Arena, Slot};

/// The eviction policy `P` in a cache that samples the keys of its calls, for [`Cache::insight`](crate::Cache::insight).
///
/// It is the policy of a function with `insight = true`, and of an object made with
/// [`CacheBuilder::insight`](crate::CacheBuilder::insight). It evicts the same entries as `P`.
///
/// A call that is not sampled takes some four instructions more. A sampled one takes a hundred or two: up to 262,144 calls of each
/// level of the sampler at first, and about one of fifty calls later. The sampler has at most 1 MiB of memory, and little while there
/// are few keys.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::Cache;
/// use functools::policy::{Lru, Sampled};
///
/// static SQUARES: Cache<u64, u64, Sampled<Lru>> = Cache::new(Some(8));
///
/// for n in (0..2000).map(|n| n % 16) {
///     SQUARES.get_or_insert_with(n, || n * n);
/// }
/// assert_eq!(SQUARES.info().hits, 0);
/// assert_eq!(SQUARES.insight().smallest_within(0.01), 16);
/// ```
///
/// With `S` = `SelfSizing`, as in [`AutoSized`], the cache also sets its own capacity by what it has sampled.
#[derive(Debug)]
pub struct Sampled<P, S = ()> {
    pub(crate) policy: P,
    sampler: Sampler,
    sizing: S,
}

/// The eviction policy of a cache that sets its own capacity: LRU, with a sampler.
///
/// It is the policy of a function with `maxsize = auto(…)`, and of an object made with
/// [`CacheBuilder::auto_maxsize`](crate::CacheBuilder::auto_maxsize), which has an example.
pub type AutoSized = Sampled<Lru, SelfSizing>;

/// Whether a cache sets its own capacity: it does with `SelfSizing`, and does not with `()`.
pub trait Sizing: Sealed + core::fmt::Debug + Sized {
    #[doc(hidden)]
    const SIZES: bool;
    #[doc(hidden)]
    const NEW: Self;

    #[doc(hidden)]
    fn self_sizing(&self) -> Option<&SelfSizing>;
}

impl Sealed for () {}
impl Sizing for () {
    const SIZES: bool = false;
    const NEW: Self = ();

    #[inline]
    fn self_sizing(&self) -> Option<&SelfSizing> {
        None
    }
}

impl Sealed for SelfSizing {}
impl Sizing for SelfSizing {
    const SIZES: bool = true;
    const NEW: Self = Self::new();

    #[inline]
    fn self_sizing(&self) -> Option<&SelfSizing> {
        Some(self)
    }
}

impl<P> Sampled<P> {
    /// Adds a sampler to the policy of an empty cache.
    pub(crate) const fn new(policy: P) -> Self {
        Self { policy, sampler: Sampler::new(), sizing: () }
    }
}

impl AutoSized {
    /// The policy of an empty cache that sets its own capacity within these bounds.
    pub(crate) fn within(bounds: Bounds) -> Self {
        let policy = Self::NEW;
        policy.sizing.set_bounds(Some(bounds));
        policy
    }
}

impl<P, S> Sealed for Sampled<P, S> {}

impl<P: Policy, S: Sizing> Policy for Sampled<P, S> {
    type Stopwatch = P::Stopwatch;
    const NEW: Self = Self { policy: P::NEW, sampler: Sampler::new(), sizing: S::NEW };
    const SIZES_ITSELF: bool = S::SIZES;
    const SAMPLES: bool = true;

    forward_to_policy!(P);

    #[inline]
    fn sampler(&self) -> Option<&Sampler> {
        Some(&self.sampler)
    }

    #[inline]
    fn self_sizing(&self) -> Option<&SelfSizing> {
        self.sizing.self_sizing()
    }

    fn emptied(&mut self) -> Self {
        let emptied = Self { policy: self.policy.emptied(), ..Self::NEW };
        if let (Some(new), Some(old)) = (emptied.self_sizing(), self.self_sizing()) {
            new.set_bounds(old.bounds());
        }
        #[cfg(feature = "registry")]
        if let Some(tap) = self.sampler.tap() {
            emptied.sampler.set_tap(Some(tap));
        }
        emptied
    }
}
