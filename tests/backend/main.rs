//! Functions whose results are kept outside the process too.

mod asyncs;
mod calls;
mod shelf;
mod trouble;
