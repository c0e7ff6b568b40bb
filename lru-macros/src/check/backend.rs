//! Rules for options of a backend.

use quote::ToTokens;
use syn::{Expr, ExprLit, Lit};

use crate::args::{Args, MaxSize, SingleFlight};
use crate::errors::Errors;
use crate::signature::Func;

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    options_have_a_backend(args, errors);
    namespace_names_a_function(args, errors);
    processes_have_a_backend(args, errors);
    front_has_the_system_clock(args, errors);
    front_has_room(args, errors);
    there_is_one_store(args, errors);
    backend_is_opened(args, errors);
    errors_can_be_returned(args, func, errors);
}

fn options_have_a_backend(args: &Args, errors: &mut Errors) {
    let backend = &args.backend;
    if backend.name().is_some() {
        return;
    }
    let options = [
        backend.front_ttl.name(),
        backend.version.name(),
        backend.format.name(),
        backend.on_lost.name(),
        backend.strict.name(),
        backend.on_backend_error.name(),
    ];
    for name in options.into_iter().flatten() {
        let message = format!("`{name}` has no effect without a backend; write `backend = …` too");
        errors.at(name, message);
    }
}

fn there_is_one_store(args: &Args, errors: &mut Errors) {
    if let (Some(_), Some(snapshot)) = (args.backend.backend.name(), args.backend.snapshot.name()) {
        errors.at(snapshot, "`snapshot` is a backend of its own; remove it, or `backend`");
    }
}

/// A string is a URL or a path, which a function opens.
fn backend_is_opened(args: &Args, errors: &mut Errors) {
    let Some(Expr::Lit(ExprLit { lit: Lit::Str(place), .. })) = args.backend.backend.get() else { return };
    let opened = match place.value() {
        url if url.starts_with("redis") || url.starts_with("valkey") => "redis",
        url if url.starts_with("memcache") => "memcached",
        _ => "disk",
    };
    let message = format!(
        "a string is not a backend; write `functools::backend::{opened}({})`",
        place.to_token_stream()
    );
    errors.at(place, message);
}

/// Without a backend, the namespace names the function in the registry, which has no such caches.
fn namespace_names_a_function(args: &Args, errors: &mut Errors) {
    let placement = &args.placement;
    let store = args.backend.backend.name().or(args.backend.snapshot.name());
    let is_listed = !placement.is_per_thread() && !placement.cache.is_some();
    if let (Some(name), None, false) = (args.backend.namespace.name(), store, is_listed) {
        let message = "`namespace` has no effect here: it names the function in a backend, in the registry and in metrics; write `backend = …` too, or remove `namespace`";
        errors.at(name, message);
    }
}

fn processes_have_a_backend(args: &Args, errors: &mut Errors) {
    let single_flight = &args.flight.single_flight;
    if let (Some(name), Some(SingleFlight::Global), None) =
        (single_flight.name(), single_flight.get(), args.backend.name())
    {
        let message = "`single_flight = global` coalesces the calls of several processes through a backend; write `backend = …` too";
        errors.at(name, message);
    }
}

fn front_has_the_system_clock(args: &Args, errors: &mut Errors) {
    if let (Some(_), Some(front_ttl), Some(_)) =
        (args.backend.name(), args.backend.front_ttl.name(), args.expiry.timer.name())
    {
        let message =
            "`front_ttl` cannot be used with `timer`: it is measured by the system clock; remove one of them";
        errors.at(front_ttl, message);
    }
}

fn front_has_room(args: &Args, errors: &mut Errors) {
    if let (Some(name), Some(MaxSize::Literal(..=0))) =
        (args.backend.front_ttl.name(), args.eviction.maxsize.get())
    {
        let message =
            "`front_ttl` has no effect with `maxsize = 0`: this process keeps no copies; remove `front_ttl`";
        errors.at(name, message);
    }
}

fn errors_can_be_returned(args: &Args, func: &Func, errors: &mut Errors) {
    let strict = &args.backend.strict;
    if let (Some(name), Some(true), None) = (strict.name(), strict.get(), func.result()) {
        let message = "`strict` returns errors of the backend as an `Err`, so the function must return a `Result`; return one, or remove `strict`";
        errors.at(name, message);
    }
}
