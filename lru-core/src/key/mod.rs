//! Cache keys: which arguments may be part of a key, and how they are hashed, compared and stored.
//!
//! A lookup hashes and compares the borrowed arguments of the call ([`Part`]): it clones nothing and
//! allocates nothing. The owned key is made on a miss only. The module depends neither on caches nor on
//! locks.

// First: the others use its macro.
#[macro_use]
mod plain;

mod argument;
pub(crate) mod by_eq;
pub(crate) mod closures;
mod collections;
mod containers;
mod cross_type_equality;
pub(crate) mod erased;
pub(crate) mod hash;
mod made_of;
mod other_crates;
mod part;
mod references;
pub(crate) mod refusal;
mod scalars;
pub(crate) mod select;
pub(crate) mod sharing;
pub mod stored_type;
mod tagged;
mod tuples;

pub(crate) use hash::STEP;

pub use argument::Argument;
pub use erased::{Erase, Erased, Viewed, identity};
pub(crate) use hash::KeyHash;
pub use part::Part;
pub use select::SelectKey;
pub use sharing::{LentShared, LentThread, Local, Shared, Thread};
pub use tagged::Tagged;
pub(crate) use tagged::WithTag;

/// The traits of the autoref selection in [`select`], for import without names.
pub(crate) mod choices {
    pub use super::select::{
        ByArc as _, ByArgument as _, ByEq as _, ByInnerEq as _, ByOwnEq as _, Refused as _, RefusedInner as _,
    };
}
