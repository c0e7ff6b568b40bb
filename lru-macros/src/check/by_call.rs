//! Rules for the functions that decide by the call: by the result whether it is stored, by the arguments whether it is
//! computed anew.

use super::closures;
use crate::args::{Accessors, Args};
use crate::errors::Errors;
use crate::signature::Func;

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    functions_take_what_they_are_given(args, func, errors);
    tags_take_what_they_are_given(args, func, errors);
    force_refreshes(args, errors);
}

fn functions_take_what_they_are_given(args: &Args, func: &Func, errors: &mut Errors) {
    if let Some(keep) = args.results.keep.get() {
        let what = "`keep` takes all arguments and the result, by reference";
        closures::takes_arguments(keep, what, &["value"], args, func, errors);
    }
    if let Some(force) = args.results.force.get() {
        closures::takes_arguments(
            force,
            "`force` takes all arguments, by reference",
            &[],
            args,
            func,
            errors,
        );
    }
}

fn tags_take_what_they_are_given(args: &Args, func: &Func, errors: &mut Errors) {
    if let Some(tags) = args.validity.tags.get() {
        let what = "`tags` takes all arguments, or all arguments and the result, by reference";
        closures::takes_arguments_or_more(tags, what, "value", args, func, errors);
    }
}

fn force_refreshes(args: &Args, errors: &mut Errors) {
    let has_none = args.items.accessors.get() == Some(&Accessors::None);
    if let (Some(force), true) = (args.results.force.name(), has_none) {
        let message =
            "`force` cannot be used with `accessors = none`: it calls `cache_refresh`; remove one of them";
        errors.at(force, message);
    }
}
