//! Rules for per-thread caches, shards and cache objects.

use core::slice;

use quote::ToTokens;
use syn::{GenericParam, Ident, PatType, Type};

use crate::args::{Args, MaxSize, SingleFlight};
use crate::errors::Errors;
use crate::signature::{self, Func, KeyOption};
use crate::{pattern, type_tokens};

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    threads_share_nothing(args, errors);
    tasks_stay_on_their_thread(args, func, errors);
    shards_have_room(args, errors);
    object_has_its_own(args, errors);
    object_tells_instances_apart(args, func, errors);
}

fn threads_share_nothing(args: &Args, errors: &mut Errors) {
    if !args.placement.is_per_thread() {
        return;
    }
    if let Some(name) = args.placement.shards.name() {
        let message =
            "`shards` has no effect with `scope = thread`: a per-thread cache is not shared; remove `shards`";
        errors.at(name, message);
    }
    if let Some(name) = args.placement.lock_free.name() {
        let message = "`lock_free` has no effect with `scope = thread`: a per-thread cache has no lock; remove `lock_free`";
        errors.at(name, message);
    }
    let is_coalesced = args.flight.single_flight.get().is_some_and(|single| *single != SingleFlight::Off);
    if let Some(name) = args.flight.single_flight.name().filter(|_| is_coalesced) {
        let message = "`single_flight` has no effect with `scope = thread`: a per-thread cache is not shared; remove `single_flight`";
        errors.at(name, message);
    }
    for name in args.expiry.in_background() {
        let what = if name == "swr" { "a refresh" } else { "the computation" };
        let message = format!(
            "`{name}` cannot be used with `scope = thread`: {what} runs on another thread, which has another cache; remove `{name}`"
        );
        errors.at(name, message);
    }
}

fn tasks_stay_on_their_thread(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(name) = args.placement.scope.name().filter(|_| args.placement.is_per_thread()) else { return };
    // Of an object, `scope` itself is the mistake.
    if func.sig.asyncness.is_some() && args.placement.cache.name().is_none() {
        let message = "`scope = thread` cannot be used on an `async fn`: a task may continue on another thread, which has another cache; remove `scope`";
        errors.at(name, message);
    }
}

fn shards_have_room(args: &Args, errors: &mut Errors) {
    let Some(shards) = args.placement.shards.get() else { return };
    let maxsize = match args.eviction.maxsize.get() {
        None => MaxSize::DEFAULT,
        Some(MaxSize::Literal(maxsize)) => *maxsize,
        Some(MaxSize::None | MaxSize::Expression(_) | MaxSize::AtRunTime(_) | MaxSize::Auto(_)) => return,
    };
    if let Ok(MaxSize::Literal(number)) = MaxSize::new(shards.clone(), "") {
        if maxsize > 0 && number > maxsize {
            let message = format!(
                "each shard needs room for an entry, and `maxsize` is {maxsize}; use at most {maxsize} shards"
            );
            errors.at(shards, message);
        }
    }
}

fn object_has_its_own(args: &Args, errors: &mut Errors) {
    if args.placement.cache.name().is_none() {
        return;
    }
    let placement = &args.placement;
    let floor = args.eviction.floor.name();
    let of_own = [placement.scope.name(), placement.shards.name(), placement.lock_free.name(), floor];
    for name in of_own.into_iter().flatten() {
        let message = format!(
            "`{name}` has no effect with `cache`: the results are stored in the object; remove `{name}`"
        );
        errors.at(name, message);
    }
    let eviction = &args.eviction;
    let of_object = [
        (eviction.maxsize.name(), "bound"),
        (eviction.policy.name(), "policy"),
        (eviction.choice.name(), "victim chooser"),
        (eviction.seed.name(), "seed"),
        (eviction.weight.name(), "weigher"),
        (eviction.min_weight.name(), "least weight"),
        (eviction.insight.name(), "insight"),
        (eviction.on_evict.name(), "listener"),
        (args.expiry.timer.name(), "clock"),
    ];
    for (name, what) in of_object.into_iter().filter_map(|(name, what)| Some((name?, what))) {
        errors.at(
            name,
            format!(
                "the object given by `cache` has its own {what}; remove `{name}` and set it on the object"
            ),
        );
    }
}

/// The key in an object is made of arguments alone: each type parameter must be part of an argument's type.
fn object_tells_instances_apart(args: &Args, func: &Func, errors: &mut Errors) {
    if args.placement.cache.get().is_none() || args.placement.cache.name().is_none() {
        return;
    }
    let holder = args.placement.holder();
    // The type of the holder counts too: a cache of other values is another cache.
    let holds =
        |param: &PatType| pattern::bindings(&param.pat).iter().any(|name| Some(name) == holder.as_ref());
    let is_part = |param: &PatType| {
        !args.key.key.is_some() && matches!(KeyOption::parse(&param.attrs), Ok(KeyOption::Itself))
    };
    for param in func.params().filter(|param| !holds(param) && !is_part(param)) {
        if let Some(ty) = type_tokens::impl_trait(&param.ty) {
            let message = "the key of a cache object contains no argument of this type, so calls with other types would share results; remove `cache`";
            errors.at(ty, message);
        }
    }
    let named = signature::type_params(&func.sig.generics);
    for (param, name) in named.filter_map(|param| Some((param, name_of(param)?))) {
        let is_seen = |ty: &Type| type_tokens::mentions(ty.to_token_stream(), slice::from_ref(name));
        let mut telling = func.params().filter(|param| holds(param) || is_part(param));
        if !telling.any(|param| is_seen(&param.ty)) {
            let message = format!(
                "the key of a cache object contains no argument of a type with `{name}`, so calls with another `{name}` would share results; remove `cache`"
            );
            errors.at(param, message);
        }
    }
}

fn name_of(param: &GenericParam) -> Option<&Ident> {
    match param {
        GenericParam::Type(param) => Some(&param.ident),
        GenericParam::Const(param) => Some(&param.ident),
        GenericParam::Lifetime(_) => None,
    }
}
