//! Expiry of entries: clocks, timestamps, deadlines, and the queue of the next deadlines.

pub(crate) mod clock;
pub(crate) mod duration;
pub(crate) mod entry_info;
pub(crate) mod queue;
pub(crate) mod settings;
pub(crate) mod ticks;
pub(crate) mod timer;
