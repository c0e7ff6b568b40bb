//! Expiry of entries: clocks, timestamps, deadlines, and the queue of the next deadlines.

pub(crate) mod clock;
pub(crate) mod duration;
pub(crate) mod entry_deadlines;
pub(crate) mod function_ttl;
pub(crate) mod now;
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
pub(crate) mod queue;
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
pub(crate) mod settings;
pub(crate) mod stale_window;
pub(crate) mod ticks;
pub(crate) mod time_to_live;
pub(crate) mod timer;

pub(crate) use clock::{Clock, SystemClock};
pub(crate) use settings::{EntryOptions, ExpirySettings};
pub(crate) use stale_window::Freshness;
pub(crate) use ticks::{Ticks, Timestamp};
