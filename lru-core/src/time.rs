//! The clocks of the platform.
//!
//! Those of the standard library panic on `wasm32-unknown-unknown`, where the clocks of the JavaScript host are used.

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub(crate) use std::time::{Instant, SystemTime};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub(crate) use web_time::{Instant, SystemTime};
