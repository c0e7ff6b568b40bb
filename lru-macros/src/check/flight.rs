//! Rules for coalesced calls and background refreshes.

use syn::Type;

use super::result::{Borrowed, borrowed};
use crate::args::{Accessors, Args};
use crate::errors::Errors;
use crate::signature::Func;
use crate::type_tokens;

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    refreshes_return_something(args, func, errors);
    refreshes_have_a_body_to_run(args, errors);
    refreshes_outlive_the_call(args, func, errors);
    refreshes_own_their_arguments(args, func, errors);
    timeouts_end_a_wait(args, func, errors);
    executors_run_refreshes(args, func, errors);
    bounds_are_on_refreshes(args, errors);
}

fn refreshes_return_something(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(name) = args.expiry.swr.name().filter(|_| args.expiry.has_refreshes()) else { return };
    let returns_nothing = match func.result() {
        None => true,
        Some(Type::Tuple(tuple)) => tuple.elems.is_empty(),
        Some(_) => false,
    };
    if returns_nothing {
        let message = "`swr` has no effect on a function that returns nothing; remove `swr`";
        errors.at(name, message);
    }
}

fn refreshes_have_a_body_to_run(args: &Args, errors: &mut Errors) {
    let Some(name) = args.expiry.swr.name().filter(|_| args.expiry.has_refreshes()) else { return };
    if args.items.accessors.get() == Some(&Accessors::None) {
        let message = "`swr` cannot be used with `accessors = none`: a refresh needs the body as a separate function; remove one of them";
        errors.at(name, message);
    }
}

fn refreshes_outlive_the_call(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(name) = args.expiry.swr.name().filter(|_| args.expiry.has_refreshes()) else { return };
    let Some(holder) = args.placement.holder() else { return };
    let mut params = func.params().flat_map(|param| type_tokens::bindings(&param.pat));
    if holder == "self" || params.any(|param| param == holder) {
        let message = format!(
            "`swr` cannot be used with the cache in `{holder}`: a refresh may outlive it; use a cache in a `static`, or remove `swr`"
        );
        errors.at(name, message);
    }
}

fn refreshes_own_their_arguments(args: &Args, func: &Func, errors: &mut Errors) {
    if !args.expiry.has_refreshes() {
        return;
    }
    for param in func.params() {
        // What is behind a reference has an owned form.
        let owned = match type_tokens::bare(&param.ty) {
            Type::Reference(reference) => &*reference.elem,
            ty => ty,
        };
        let message = "`swr` refreshes with an owned copy of each argument, which a borrow inside another type does not have; take an owned type";
        match borrowed(owned) {
            Some(Borrowed::Reference(reference)) => errors.at(reference, message),
            Some(Borrowed::Type(ty)) => errors.at(ty, message),
            None => {}
        }
    }
}

fn timeouts_end_a_wait(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(name) = args.flight.flight_timeout.name() else { return };
    let is_coalesced = args.flight.is_coalesced(func.sig.asyncness.is_some());
    if !is_coalesced && !args.expiry.has_refreshes() {
        let message =
            "`flight_timeout` has no effect unless calls are coalesced; write `single_flight = true` too";
        errors.at(name, message);
    }
}

fn executors_run_refreshes(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(name) = args.flight.spawn.name() else { return };
    if !args.expiry.has_refreshes() {
        errors.at(name, "`spawn` has no effect without background refreshes; write `swr = true` too");
    } else if func.sig.asyncness.is_none() {
        let message = "`spawn` has no effect on a function that is not `async`: a thread refreshes its results; remove `spawn`";
        errors.at(name, message);
    }
}

fn bounds_are_on_refreshes(args: &Args, errors: &mut Errors) {
    let Some(name) = args.flight.refresh_threads.name() else { return };
    // A mistaken `swr` is there all the same.
    let is_mistaken = args.expiry.swr.name().is_some() && !args.expiry.swr.is_some();
    if !args.expiry.has_refreshes() && !is_mistaken {
        let message = "`refresh_threads` has no effect without background refreshes; write `swr = true` too";
        errors.at(name, message);
    }
}
