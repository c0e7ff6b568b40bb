//! Single-flight: of calls that miss one key at one time, a leader computes, and followers receive
//! what it comes to.
//!
//! Invariant: no user code runs under a lock of this module: keys are compared between two looks at the
//! table, followers copy the value from where it landed, and wakers are cloned before the lock is taken,
//! woken and dropped after it is released.
//!
//! Invariant: a flight has one leader at a time, or none for as long as it takes one follower to
//! take over. A leader that is gone without a value, panicked, dropped or given up, is followed by
//! one of those that wait, who begins anew; the others go on waiting. They are called one by one: one
//! that does not come has the next called a little later.
//!
//! Invariant: nobody joins a flight that nobody leads or follows any more, or that is landing: it is not
//! in the table.

pub(crate) mod catch;
pub(crate) mod cycles;
pub(crate) mod executor;
pub(crate) mod follower;
pub(crate) mod join;
pub(crate) mod leader;
pub(crate) mod table;
pub(crate) mod timeout;
pub(crate) mod wait_queue;
pub(crate) mod worker;
