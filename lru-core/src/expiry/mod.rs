//! Expiry of entries: clocks, timestamps, deadlines, and the queue of the next deadlines.

pub(crate) mod clock;
pub(crate) mod duration;
pub(crate) mod entry_info;
pub(crate) mod now;
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
pub(crate) mod queue;
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
pub(crate) mod settings;
pub(crate) mod ticks;
pub(crate) mod timer;
