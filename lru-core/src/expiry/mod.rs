//! When entries expire: clocks, deadlines, and the queue of what expires next.

pub(crate) mod clock;
pub(crate) mod entry_info;
pub(crate) mod queue;
