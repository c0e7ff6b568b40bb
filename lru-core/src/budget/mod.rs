//! One memory budget for the functions with `weight = bytes`.
//!
//! Each function is a [member](member::Member) from its first use on. While a budget is set, its cache has a [meter](meter::Meter): a
//! sampler for its curve of hit ratios, and the costs of its misses. After some misses of all members there is an *epoch*: the call
//! that finds it due reads all meters, divides the budget anew ([`allocate`]) and resizes caches, the ones that shrink first.
//!
//! Invariant: the shares are never more than the budget in sum, and no cache has a capacity above its share. A share grows only by
//! what no other cache has, so that a cache that cannot shrink at the moment keeps what it has from the others.
//!
//! Invariant: an epoch never blocks on a lock, and no user code runs while the lock of the budget is held. Eviction listeners and
//! destructors of evicted results run in the call that carries out the epoch, after the lock of their cache is released.

mod allocate;
pub(crate) mod cache;
pub(crate) mod clock;
mod costs;
mod hull;
pub(crate) mod member;
pub(crate) mod meter;
pub(crate) mod program;
pub(crate) mod report;
mod seats;
pub(crate) mod signal;
#[cfg(test)]
mod tests;
