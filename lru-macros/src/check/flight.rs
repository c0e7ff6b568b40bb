//! Rules for coalesced calls and background refreshes.

use syn::{Ident, Type};

use super::function::is_skipped;
use super::result::{Borrowed, borrowed};
use crate::args::{Accessors, Args, SingleFlight};
use crate::errors::Errors;
use crate::signature::{Func, receiver_type};
use crate::{pattern, type_tokens};

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    refreshes_return_something(args, func, errors);
    refreshes_have_a_body_to_run(args, errors);
    refreshes_outlive_the_call(args, func, errors);
    refreshes_own_their_arguments(args, func, errors);
    timeouts_end_a_wait(args, func, errors);
    executors_run_refreshes(args, func, errors);
    bounds_are_on_refreshes(args, errors);
    detached_calls_are_shared_tasks(args, func, errors);
    detached_calls_have_a_body_to_run(args, errors);
    detached_calls_outlive_their_caller(args, func, errors);
    detached_calls_own_their_arguments(args, func, errors);
}

fn refreshes_return_something(args: &Args, func: &Func, errors: &mut Errors) {
    let returns_nothing = match func.result() {
        None => true,
        Some(Type::Tuple(tuple)) => tuple.elems.is_empty(),
        Some(_) => false,
    };
    for name in args.expiry.in_background().filter(|_| returns_nothing) {
        let message = format!("`{name}` has no effect on a function that returns nothing; remove `{name}`");
        errors.at(name, message);
    }
}

fn refreshes_have_a_body_to_run(args: &Args, errors: &mut Errors) {
    if args.items.accessors.get() != Some(&Accessors::None) {
        return;
    }
    for name in args.expiry.in_background() {
        let what = background_of(name);
        let message = format!(
            "`{name}` cannot be used with `accessors = none`: {what} needs the body as a separate function; remove one of them"
        );
        errors.at(name, message);
    }
}

fn refreshes_outlive_the_call(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(holder) = holder_of_calls(args, func) else { return };
    for name in args.expiry.in_background() {
        let what = background_of(name);
        let message = format!(
            "`{name}` cannot be used with the cache in `{holder}`: {what} may outlive it; use a cache in a `static`, or remove `{name}`"
        );
        errors.at(name, message);
    }
}

/// What the option of this name does in the background.
fn background_of(option: &Ident) -> &'static str {
    if option == "swr" { "a refresh" } else { "a computation in the background" }
}

fn refreshes_own_their_arguments(args: &Args, func: &Func, errors: &mut Errors) {
    if args.expiry.has_refreshes() {
        let message = "`swr` refreshes with an owned copy of each argument, which a borrow inside another type does not have; take an owned type";
        arguments_are_owned(func, message, errors);
    } else if args.expiry.stale_if_slow.is_some() {
        let message = "`stale_if_slow` computes with an owned copy of each argument, which a borrow inside another type does not have; take an owned type";
        arguments_are_owned(func, message, errors);
    }
}

fn arguments_are_owned(func: &Func, message: &str, errors: &mut Errors) {
    let lent = "this runs apart from the caller, which lends its `&mut` only for the call; remove the parameter, or `swr`, `stale_if_slow` and `detach`";
    if let Some(receiver) = func.receiver().filter(|receiver| is_skipped(&receiver.attrs)) {
        if type_tokens::mut_reference(&receiver_type(receiver)).is_some() {
            errors.at(receiver, lent);
        }
    }
    for param in func.params() {
        if let Some(ty) = type_tokens::mut_reference(&param.ty).filter(|_| is_skipped(&param.attrs)) {
            errors.at(ty, lent);
            continue;
        }
        // What is behind a reference has an owned form.
        let owned = match type_tokens::bare(&param.ty) {
            Type::Reference(reference) => &*reference.elem,
            ty => ty,
        };
        match borrowed(owned) {
            Some(Borrowed::Reference(reference)) => errors.at(reference, message),
            Some(Borrowed::Type(ty)) => errors.at(ty, message),
            None => {}
        }
    }
}

/// The name of `detach`, where it is set.
fn detach(args: &Args) -> Option<&Ident> {
    args.flight.detach.name().filter(|_| args.flight.is_detached())
}

fn detached_calls_are_shared_tasks(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(name) = detach(args) else { return };
    if func.sig.asyncness.is_none() {
        let message = "`detach` lets the computation of an `async fn` go on without its caller, and a function that is not `async` always ends; remove `detach`";
        errors.at(name, message);
    } else if args.flight.single_flight.get() == Some(&SingleFlight::Off) {
        let message = "`detach` lets other calls follow a computation whose caller is gone, and with `single_flight = false` no call follows another; remove one of them";
        errors.at(name, message);
    }
}

fn detached_calls_have_a_body_to_run(args: &Args, errors: &mut Errors) {
    let Some(name) = detach(args) else { return };
    if args.items.accessors.get() == Some(&Accessors::None) {
        let message = "`detach` runs the body apart from the call, and with `accessors = none` it is in the call alone; remove one of them";
        errors.at(name, message);
    }
}

fn detached_calls_outlive_their_caller(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(name) = detach(args) else { return };
    if let Some(holder) = holder_of_calls(args, func) {
        let message = format!(
            "`detach` cannot be used with the cache in `{holder}`: a computation may outlive it; use a cache in a `static`, or remove `detach`"
        );
        errors.at(name, message);
    }
}

fn detached_calls_own_their_arguments(args: &Args, func: &Func, errors: &mut Errors) {
    let is_checked = args.expiry.in_background().next().is_some();
    if args.flight.is_detached() && func.sig.asyncness.is_some() && !is_checked {
        let message = "`detach` computes with an owned copy of each argument, which a borrow inside another type does not have; take an owned type";
        arguments_are_owned(func, message, errors);
    }
}

/// The argument that holds the cache.
fn holder_of_calls(args: &Args, func: &Func) -> Option<Ident> {
    let holder = args.placement.holder()?;
    let mut params = func.params().flat_map(|param| pattern::bindings(&param.pat));
    (holder == "self" || params.any(|param| param == holder)).then_some(holder)
}

fn timeouts_end_a_wait(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(name) = args.flight.flight_timeout.name() else { return };
    let is_coalesced = args.flight.is_coalesced(func.sig.asyncness.is_some());
    if !is_coalesced && args.expiry.in_background().next().is_none() {
        let message =
            "`flight_timeout` has no effect unless calls are coalesced; write `single_flight = true` too";
        errors.at(name, message);
    }
}

fn executors_run_refreshes(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(name) = args.flight.spawn.name() else { return };
    if args.flight.is_detached() {
        return;
    }
    if args.expiry.in_background().next().is_none() {
        errors.at(name, "`spawn` has no effect without background refreshes; write `swr = true` too");
    } else if func.sig.asyncness.is_none() {
        let message = "`spawn` has no effect on a function that is not `async`: a thread computes its results in the background; remove `spawn`";
        errors.at(name, message);
    }
}

fn bounds_are_on_refreshes(args: &Args, errors: &mut Errors) {
    let Some(name) = args.flight.refresh_threads.name() else { return };
    // A mistaken `swr` is there all the same.
    let is_mistaken = args.expiry.swr.name().is_some() && !args.expiry.swr.is_some();
    if args.expiry.in_background().next().is_none() && !is_mistaken {
        let message = "`refresh_threads` has no effect without background refreshes; write `swr = true` too";
        errors.at(name, message);
    }
}
