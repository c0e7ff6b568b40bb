//! What cannot be asked of the terms on which results are kept.

use core::slice;

use quote::ToTokens;
use syn::{Expr, GenericParam, Lit, PatType, Type};

use super::closure_takes;
use crate::args::{Args, MaxSize, Policy, SingleFlight, Swr};
use crate::errors::Errors;
use crate::signature::{Func, KeyOption};
use crate::{model, type_tokens};

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    results_have_one_time(args, errors);
    jitter_has_something_to_shorten(args, errors);
    timer_is_read(args, errors);
    weights_have_a_bound(args, errors);
    object_has_its_own(args, errors);
    threads_keep_to_themselves(args, errors);
    shards_have_room(args, errors);
    object_tells_instances_apart(args, func, errors);
    chance_can_be_helped(args, errors);
    arguments_can_be_told(args, func, errors);
    functions_take_what_they_are_given(args, func, errors);
}

fn results_have_one_time(args: &Args, errors: &mut Errors) {
    if let (Some(ttl), Some(_)) = (args.name("ttl"), args.name("ttu")) {
        errors.at(ttl, "`ttu` gives each result a time of its own; remove `ttl`");
    }
}

fn jitter_has_something_to_shorten(args: &Args, errors: &mut Errors) {
    let (Some(name), Some(jitter)) = (args.name("jitter"), &args.jitter) else { return };
    // A mistaken `ttl` is there all the same.
    let has_ttl = args.ttl.is_some() || args.name("ttl").is_some();
    if !has_ttl || args.ttu.is_some() {
        errors.at(name, "`jitter` shortens a `ttl`, and there is none; write `ttl = …` too");
    } else if args.timer.is_some() {
        errors.at(name, "`jitter` takes a part of a `Duration`, and the time of a `timer` may be anything; remove `jitter`");
    }
    let is_too_much = |lit: &Lit| match lit {
        Lit::Int(int) => int.base10_parse::<u128>().is_ok_and(|number| number > 1),
        Lit::Float(float) => float.base10_parse::<f64>().is_ok_and(|number| number > 1.0),
        _ => false,
    };
    if matches!(jitter, Expr::Lit(lit) if is_too_much(&lit.lit)) {
        errors.at(jitter, "`jitter` takes a part of `ttl`, above 0 and up to 1, such as `jitter = 0.1`");
    }
}

fn timer_is_read(args: &Args, errors: &mut Errors) {
    let is_given = |option| args.name(option).is_some();
    let is_timed = args.ttl.is_some() || ["ttl", "tti", "ttu", "error_ttl"].into_iter().any(is_given);
    if let (Some(name), false) = (args.name("timer"), is_timed) {
        errors.at(
            name,
            "`timer` tells the time, and nothing asks for it; write `ttl = …`, `tti = …` or `ttu = …` too",
        );
    }
}

fn weights_have_a_bound(args: &Args, errors: &mut Errors) {
    if let (Some(name), Some(MaxSize::None)) = (args.name("weight"), &args.maxsize) {
        errors.at(name, "`weight` counts against `maxsize`, and `None` is no bound; write a number");
    }
}

/// What others would have to know of is not for one thread.
fn threads_keep_to_themselves(args: &Args, errors: &mut Errors) {
    if !args.is_per_thread() {
        return;
    }
    let shares = args.single_flight.is_some_and(|single| single != SingleFlight::Off);
    let refreshes = matches!(args.swr, Some(Swr::Always | Swr::For(_)));
    let conflicts = [
        ("shards", true, "each thread has a cache of its own, and nobody to share it out with"),
        ("single_flight", shares, "no thread can have what another one computes"),
        ("swr", refreshes, "what refreshes a result runs beside the thread that alone has it"),
    ];
    for (option, is_asked, why) in conflicts {
        if let Some(name) = args.name(option).filter(|_| is_asked) {
            errors.at(name, format!("with `scope = thread`, {why}; remove `{option}`"));
        }
    }
}

fn shards_have_room(args: &Args, errors: &mut Errors) {
    let Some(shards) = &args.shards else { return };
    let maxsize = match args.maxsize {
        None => model::DEFAULT_MAXSIZE,
        Some(MaxSize::Literal(maxsize)) => maxsize,
        Some(MaxSize::None | MaxSize::Expression(_)) => return,
    };
    if let Ok(MaxSize::Literal(number)) = MaxSize::try_from(shards.clone()) {
        if maxsize > 0 && number > maxsize {
            let message = format!(
                "each shard needs room for a result, and `maxsize` is {maxsize}; take no more shards than that"
            );
            errors.at(shards, message);
        }
    }
}

fn object_has_its_own(args: &Args, errors: &mut Errors) {
    if args.name("cache").is_none() {
        return;
    }
    for option in ["scope", "shards"] {
        if let Some(name) = args.name(option) {
            let message =
                format!("with `cache`, the results lie in the object as it was made; remove `{option}`");
            errors.at(name, message);
        }
    }
    for option in ["maxsize", "policy", "choice", "seed", "weight", "on_evict"] {
        if let Some(name) = args.name(option) {
            let what = match option {
                "maxsize" => "bound".to_owned(),
                "weight" => "weigher".to_owned(),
                "on_evict" => "listener".to_owned(),
                option => format!("`{option}`"),
            };
            errors.at(name, format!("the object given by `cache` has its own {what}; remove `{option}`"));
        }
    }
}

/// The key in an object is the arguments and nothing else: a parameter must be seen in them.
fn object_tells_instances_apart(args: &Args, func: &Func, errors: &mut Errors) {
    if args.cache.is_none() || args.name("cache").is_none() {
        return;
    }
    let holder = args.cache.as_ref().and_then(model::root);
    // The type of what holds the cache tells too: a cache of other values is another cache.
    let holds =
        |param: &PatType| type_tokens::bindings(&param.pat).iter().any(|name| Some(name) == holder.as_ref());
    let is_part = |param: &PatType| {
        args.key.is_none() && matches!(KeyOption::parse(&param.attrs), Ok(KeyOption::Itself))
    };
    for param in func.params().filter(|param| !holds(param) && !is_part(param)) {
        if let Some(ty) = type_tokens::impl_trait(&param.ty) {
            let message = "the key in an object has no place for this type, which no argument in it tells; keep the results in a `static`, without `cache`";
            errors.at(ty, message);
        }
    }
    for param in model::type_params(&func.sig.generics) {
        let name = match param {
            GenericParam::Type(param) => &param.ident,
            GenericParam::Const(param) => &param.ident,
            GenericParam::Lifetime(_) => continue,
        };
        let is_seen = |ty: &Type| type_tokens::mentions(ty.to_token_stream(), slice::from_ref(name));
        let mut telling = func.params().filter(|param| holds(param) || is_part(param));
        if !telling.any(|param| is_seen(&param.ty)) {
            let message = format!(
                "the key in an object has no place for `{name}`, which no argument in it tells; keep the results in a `static`, without `cache`"
            );
            errors.at(param, message);
        }
    }
}

fn chance_can_be_helped(args: &Args, errors: &mut Errors) {
    if args.name("cache").is_some() {
        return;
    }
    for option in ["choice", "seed"] {
        let Some(name) = args.name(option).filter(|_| args.policy != Some(Policy::Rr)) else { continue };
        let way_out = match args.name("policy") {
            Some(_) => format!("remove `{option}`, or the other policy"),
            None if args.policy.is_some() => format!("remove `{option}`, or write `#[rr_cache]`"),
            None => "write `policy = rr` too".to_owned(),
        };
        let message =
            format!("`{option}` is for `policy = rr`, where it is chance that decides who leaves; {way_out}");
        errors.at(name, message);
    }
    if let (Some(seed), Some(_)) = (args.name("seed"), args.name("choice")) {
        errors.at(seed, "with `choice` nothing is left to chance; remove `seed`");
    }
}

fn arguments_can_be_told(args: &Args, func: &Func, errors: &mut Errors) {
    // In an object neither can stand, and another rule says so.
    if args.name("cache").is_some() || model::names_arguments(args, func) {
        return;
    }
    let ways_out = if func.receiver().is_some() {
        "leave `self` out by `#[key(skip)]`, or keep the results in an object"
    } else {
        "keep the results in an object"
    };
    if let Some(name) = args.name("on_evict") {
        let message = format!(
            "`on_evict` is told the arguments, and here the key has not their types; {ways_out} with a listener, by `cache = …`"
        );
        errors.at(name, message);
    }
    if let Some(name) = args.name("choice") {
        let message = format!(
            "`choice` is shown the arguments, and here the key has not their types; {ways_out} with a choice, by `cache = …`"
        );
        errors.at(name, message);
    }
}

fn functions_take_what_they_are_given(args: &Args, func: &Func, errors: &mut Errors) {
    if let Some(weight) = &args.weight {
        closure_takes(
            weight,
            "a weight is made of all arguments and the value, by reference",
            &["value"],
            args,
            func,
            errors,
        );
    }
    if let Some(Expr::Closure(closure)) = &args.choice {
        if closure.inputs.len() != 1 {
            errors.at(&closure.inputs, "a choice is made among the keys; write `|keys| …`");
        }
    }
    if let Some(Expr::Closure(closure)) = &args.on_evict {
        if closure.inputs.len() != 3 {
            errors.at(
                &closure.inputs,
                "a listener is told the key, the value and the cause; write `|key, value, cause| …`",
            );
        }
    }
    if let Some(ttu) = &args.ttu {
        let what = "a time is made of all arguments and the value, by reference, and the time it is now";
        closure_takes(ttu, what, &["value", "now"], args, func, errors);
    }
}
