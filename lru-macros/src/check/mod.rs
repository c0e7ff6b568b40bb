//! The rules for what can be cached, and for which options can be combined: one function per rule.
//!
//! All rules are checked before an error is reported.

mod backend;
mod by_call;
mod closures;
mod each;
mod eviction;
mod expiry;
mod flight;
mod function;
mod gather;
mod impl_block;
mod items;
mod key;
mod placement;
mod previous;
mod result;
mod self_sizing;

use crate::args::Args;
use crate::errors::Errors;
use crate::signature::Func;

pub(crate) use impl_block::check_block;
pub(crate) use result::{borrowed, error_without_clone, unnamed};

pub(crate) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    function::check(args, func, errors);
    items::check(args, func, errors);
    impl_block::check(args, func, errors);
    eviction::check(args, func, errors);
    expiry::check(args, func, errors);
    placement::check(args, func, errors);
    flight::check(args, func, errors);
    backend::check(args, func, errors);
    key::check(args, func, errors);
    result::check(args, func, errors);
    by_call::check(args, func, errors);
    each::check(args, func, errors);
    gather::check(args, func, errors);
    previous::check(args, func, errors);
    self_sizing::check(args, errors);
}
