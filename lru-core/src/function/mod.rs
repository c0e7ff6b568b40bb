//! A memoized function: its options, its result policy, its cache in a `static`, and its calls.

pub(crate) mod batch;
pub(crate) mod bypass;
pub(crate) mod call;
pub(crate) mod in_budget;
pub(crate) mod listener;
pub mod no_callbacks;
pub(crate) mod options;
pub mod result_policy;
pub(crate) mod run_time_size;
pub(crate) mod statics;
pub(crate) mod tagged;
