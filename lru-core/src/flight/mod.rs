//! Single-flight (request coalescing): concurrent calls that miss the same key share one computation, which
//! prevents a cache stampede (thundering herd).
//!
//! The first call that misses a key leads a *flight*: the *leader* computes the value and publishes it. Calls
//! that miss the key meanwhile are *followers*: they wait, and clone what was published. Flights are kept in a
//! table beside the store, so neither computing nor waiting holds the lock of the cache.
//!
//! Invariant: no user code runs under a lock of this module. Keys are compared between two accesses to the
//! table; followers clone the published value from where it is; wakers are cloned before a lock is taken, and
//! woken and dropped after it is released.
//!
//! Invariant: a flight has at most one leader. When the leader panics, is dropped or exceeds its timeout, one
//! follower is woken to take over and computes anew; the others keep waiting. Each time that a woken follower
//! does not take over in time, the next is woken.
//!
//! Invariant: a flight that has been published, or that has neither leader nor followers, is not in the table,
//! so no call can join it. Neither is one that a call has found superseded by a change: its followers join anew when
//! its leader goes.

pub(crate) mod cycles;
pub(crate) mod detached;
pub(crate) mod executor;
pub(crate) mod follower;
pub(crate) mod join;
pub(crate) mod leader;
pub(crate) mod leadership;
pub(crate) mod limited;
pub(crate) mod refresh_pool;
pub(crate) mod table;

pub(crate) use leader::Leader;
#[cfg(test)]
mod tests;
pub(crate) mod timeout;
pub(crate) mod wait_queue;
mod waiters;
