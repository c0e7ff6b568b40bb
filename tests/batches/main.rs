//! Functions of many elements (`each`): one entry for each element, and one call of the body for those that are missing.

mod accessors;
mod asyncs;
mod flights;
mod model;
mod options;
mod results;
mod shapes;
mod storm;
mod support;
