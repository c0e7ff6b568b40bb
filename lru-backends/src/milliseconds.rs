//! Times in milliseconds, as engines store them.

use std::time::{Duration, SystemTime};

/// Returns the duration rounded up: a time to live of less than a millisecond must not become zero, which
/// means no expiry.
pub(crate) fn whole_milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Returns the time in milliseconds since 1970.
pub(crate) fn since_1970(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, whole_milliseconds)
}
