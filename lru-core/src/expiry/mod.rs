//! When entries expire: clocks, deadlines, and the queue of what expires next.

pub(crate) mod clock;
pub(crate) mod lease;
pub(crate) mod queue;
