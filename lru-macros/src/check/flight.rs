//! What cannot be asked of how calls share what is computed, and of what is stale.

use syn::Type;

use super::{Borrowed, borrowed};
use crate::args::{Accessors, Args, Swr};
use crate::errors::Errors;
use crate::signature::Func;
use crate::{model, type_tokens};

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    stale_follows_fresh(args, errors);
    refreshes_return_something(args, func, errors);
    refreshes_run_the_body_elsewhere(args, errors);
    refreshes_outlive_the_call(args, func, errors);
    refreshes_own_their_arguments(args, func, errors);
    errors_are_remembered(args, errors);
    somebody_waits(args, func, errors);
    somebody_refreshes(args, func, errors);
}

/// Whether stale results are refreshed.
fn is_refreshed(args: &Args) -> bool {
    matches!(args.swr, Some(Swr::Always | Swr::For(_)))
}

fn stale_follows_fresh(args: &Args, errors: &mut Errors) {
    let is_asked = [("swr", is_refreshed(args)), ("stale_if_error", args.stale_if_error.is_some())];
    for (option, is_asked) in is_asked {
        if let (Some(name), true) = (args.name(option).filter(|_| is_asked), args.ttl.is_none()) {
            let message = format!(
                "`{option}` is about results that are older than their `ttl`, and there is none; write `ttl = …` too"
            );
            errors.at(name, message);
        }
    }
}

fn refreshes_return_something(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(name) = args.name("swr").filter(|_| is_refreshed(args)) else { return };
    let returns_nothing = match func.result() {
        None => true,
        Some(Type::Tuple(tuple)) => tuple.elems.is_empty(),
        Some(_) => false,
    };
    if returns_nothing {
        let message =
            "`swr` serves a result while the next is computed, and this function returns none; remove `swr`";
        errors.at(name, message);
    }
}

fn refreshes_run_the_body_elsewhere(args: &Args, errors: &mut Errors) {
    let Some(name) = args.name("swr").filter(|_| is_refreshed(args)) else { return };
    if args.accessors.as_ref().is_some_and(|at| at.value == Accessors::None) {
        let message = "`swr` runs the body beside the call, and with `accessors = none` it stands nowhere else; remove one of them";
        errors.at(name, message);
    }
}

fn refreshes_outlive_the_call(args: &Args, func: &Func, errors: &mut Errors) {
    let (Some(name), Some(holder)) = (args.name("swr").filter(|_| is_refreshed(args)), args.cache.as_ref())
    else {
        return;
    };
    let Some(holder) = model::root(holder) else { return };
    let mut params = func.params().flat_map(|param| type_tokens::bindings(&param.pat));
    if holder == "self" || params.any(|param| param == holder) {
        let message = format!(
            "a refresh outlives the call, and may outlive what `{holder}` holds; keep the results in a `static`, or remove `swr`"
        );
        errors.at(name, message);
    }
}

fn refreshes_own_their_arguments(args: &Args, func: &Func, errors: &mut Errors) {
    if !is_refreshed(args) {
        return;
    }
    for param in func.params() {
        // What a reference leads to has an owned form itself.
        let owned = match type_tokens::bare(&param.ty) {
            Type::Reference(reference) => &*reference.elem,
            ty => ty,
        };
        let message = "`swr` refreshes with a copy of each argument, and of a borrow inside another type there is none; take it in an owned form";
        match borrowed(owned) {
            Some(Borrowed::Reference(reference)) => errors.at(reference, message),
            Some(Borrowed::Type(ty)) => errors.at(ty, message),
            None => {}
        }
    }
}

fn errors_are_remembered(args: &Args, errors: &mut Errors) {
    if let (Some(name), false) = (args.name("error_ttl"), args.cache_errors.unwrap_or(false)) {
        errors.at(
            name,
            "`error_ttl` says how long errors are remembered, and they are not; write `cache_errors = true` too",
        );
    }
}

fn somebody_waits(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(name) = args.name("flight_timeout") else { return };
    let waits = args.shares(func.sig.asyncness.is_some());
    if !waits && !is_refreshed(args) {
        errors.at(
            name,
            "`flight_timeout` says how long calls wait for one that computes, and none does; write `single_flight = true` too",
        );
    }
}

fn somebody_refreshes(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(name) = args.name("spawn") else { return };
    if !is_refreshed(args) {
        errors
            .at(name, "`spawn` runs what refreshes stale results, and nothing does; write `swr = true` too");
    } else if func.sig.asyncness.is_none() {
        let message =
            "`spawn` runs tasks, and a function that is not `async` is refreshed on a thread; remove `spawn`";
        errors.at(name, message);
    }
}
