//! What cannot be asked of a store outside the process.

use crate::args::{Args, MaxSize, SingleFlight};
use crate::errors::Errors;
use crate::signature::Func;

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    options_have_a_backend(args, errors);
    processes_meet_somewhere(args, errors);
    backend_knows_the_time(args, errors);
    front_has_room(args, errors);
    errors_can_be_returned(args, func, errors);
}

fn options_have_a_backend(args: &Args, errors: &mut Errors) {
    if args.name("backend").is_some() {
        return;
    }
    for option in ["front_ttl", "version", "format", "strict", "on_backend_error"] {
        if let Some(name) = args.name(option) {
            errors.at(
                name,
                format!("`{option}` is about a backend, and there is none; write `backend = …` too"),
            );
        }
    }
}

fn processes_meet_somewhere(args: &Args, errors: &mut Errors) {
    if let (Some(name), Some(SingleFlight::Global), None) =
        (args.name("single_flight"), args.single_flight, args.name("backend"))
    {
        errors.at(
            name,
            "processes wait for each other by way of a backend, and there is none; write `backend = …` too",
        );
    }
}

fn backend_knows_the_time(args: &Args, errors: &mut Errors) {
    if args.name("backend").is_none() {
        return;
    }
    if let Some(ttu) = args.name("ttu") {
        errors.at(ttu, "in a backend, results are live for a `ttl`; write `ttl = …` instead of `ttu`");
    }
    if let (Some(front_ttl), Some(_)) = (args.name("front_ttl"), args.name("timer")) {
        let message = "`front_ttl` is measured by the system's clock, and `timer` tells another time; remove one of them";
        errors.at(front_ttl, message);
    }
}

fn front_has_room(args: &Args, errors: &mut Errors) {
    if let (Some(name), Some(MaxSize::Literal(..=0))) = (args.name("front_ttl"), &args.maxsize) {
        errors.at(
            name,
            "`front_ttl` is about results in this process, and with `maxsize = 0` there are none; remove `front_ttl`",
        );
    }
}

fn errors_can_be_returned(args: &Args, func: &Func, errors: &mut Errors) {
    if let (Some(name), Some(true), None) = (args.name("strict"), args.strict, func.result()) {
        errors.at(
            name,
            "`strict` returns what a backend could not do as an `Err`, and this function returns nothing; remove `strict`",
        );
    }
}
