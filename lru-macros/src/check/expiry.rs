//! Rules for which options of expiry can be combined.

use super::closures;
use crate::args::{Args, Swr};
use crate::errors::Errors;
use crate::signature::Func;

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    results_have_one_expiry(args, errors);
    jitter_has_a_ttl(args, errors);
    timer_is_read(args, errors);
    stale_results_have_a_ttl(args, errors);
    slow_calls_have_something_to_wait_for(args, errors);
    errors_are_stored(args, errors);
    expiry_takes_what_it_is_given(args, func, errors);
}

fn results_have_one_expiry(args: &Args, errors: &mut Errors) {
    if let (Some(ttl), Some(_)) = (args.expiry.ttl.name(), args.expiry.ttu.name()) {
        errors.at(ttl, "`ttl` has no effect with `ttu`, which sets when each result expires; remove `ttl`");
    }
}

fn jitter_has_a_ttl(args: &Args, errors: &mut Errors) {
    let Some(name) = args.expiry.jitter.name() else { return };
    // A `ttl` with a mistake counts too.
    let has_ttl = args.expiry.ttl.is_some() || args.expiry.ttl.name().is_some();
    if !has_ttl || args.expiry.ttu.is_some() {
        errors.at(name, "`jitter` has no effect without `ttl`, which it shortens; write `ttl = …` too");
    } else if args.expiry.timer.is_some() {
        errors.at(name, "`jitter` cannot be used with `timer`, which may count in any unit; remove `jitter`");
    }
}

fn timer_is_read(args: &Args, errors: &mut Errors) {
    let expiry = &args.expiry;
    let options = [&expiry.ttl, &expiry.tti, &expiry.ttu, &expiry.error_ttl];
    let is_read = expiry.ttl.is_some() || options.into_iter().any(|option| option.name().is_some());
    if let (Some(name), false) = (expiry.timer.name(), is_read) {
        let message =
            "`timer` has no effect unless results expire; write `ttl = …`, `tti = …` or `ttu = …` too";
        errors.at(name, message);
    }
}

fn stale_results_have_a_ttl(args: &Args, errors: &mut Errors) {
    let expiry = &args.expiry;
    let swr = expiry.swr.name().filter(|_| expiry.has_refreshes());
    let stale_if_error = expiry.stale_if_error.name().filter(|_| expiry.stale_if_error.is_some());
    let stale_if_slow = expiry.stale_if_slow.name().filter(|_| expiry.stale_if_slow.is_some());
    for name in [swr, stale_if_error, stale_if_slow].into_iter().flatten().filter(|_| !expiry.ttl.is_some()) {
        let message = format!(
            "`{name}` serves results past their `ttl` and has no effect without one; write `ttl = …` too"
        );
        errors.at(name, message);
    }
}

fn slow_calls_have_something_to_wait_for(args: &Args, errors: &mut Errors) {
    let slow = args.expiry.stale_if_slow.name();
    if let (Some(name), Some(Swr::Always)) = (slow, args.expiry.swr.get()) {
        let message = "`stale_if_slow` has no effect with `swr = true`, by which no call waits that finds a stale result; remove one of them, or limit `swr` to a number of seconds";
        errors.at(name, message);
    }
}

fn errors_are_stored(args: &Args, errors: &mut Errors) {
    if let (Some(name), None | Some(false)) = (args.expiry.error_ttl.name(), args.results.cache_errors.get())
    {
        let message = "`error_ttl` has no effect unless errors are cached; write `cache_errors = true` too";
        errors.at(name, message);
    }
}

fn expiry_takes_what_it_is_given(args: &Args, func: &Func, errors: &mut Errors) {
    if let Some(ttl) = args.expiry.ttl_of_result() {
        let what = "`ttl` takes all arguments and the result, by reference";
        closures::takes_arguments(ttl, what, &["value"], args, func, errors);
    }
    if let Some(ttu) = args.expiry.ttu.get() {
        let what = "`ttu` takes all arguments and the result, by reference, and the current time";
        closures::takes_arguments(ttu, what, &["value", "now"], args, func, errors);
    }
}
