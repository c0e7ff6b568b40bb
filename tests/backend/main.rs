//! Functions whose results are kept outside the process too.

mod asyncs;
mod calls;
#[cfg(feature = "json")]
mod json;
mod shelf;
mod trouble;
