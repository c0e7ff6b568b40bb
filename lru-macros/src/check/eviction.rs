//! Rules for which options of eviction can be combined, and for the parameters of their functions.

use super::closures;
use crate::args::{Args, Eviction, MaxSize, Policy, Weight};
use crate::errors::Errors;
use crate::signature::{self, Func};

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    weights_have_a_bound(args, errors);
    least_weights_have_a_weigher(args, errors);
    floors_are_in_a_budget(args, errors);
    bytes_are_of_known_types(args, func, errors);
    random_replacement_is_chosen(args, errors);
    seed_has_no_chooser(args, errors);
    sampled_hits_take_the_lock(args, errors);
    arguments_in_keys_have_their_types(args, func, errors);
    functions_take_what_they_are_given(args, func, errors);
}

fn weights_have_a_bound(args: &Args, errors: &mut Errors) {
    // The memory budget of the program may bound the bytes of a cache that all threads share.
    let may_have_budget = args.eviction.weighs_bytes() && !args.placement.is_per_thread();
    let maxsize = args.eviction.maxsize.get().filter(|_| !may_have_budget);
    if let (Some(name), Some(MaxSize::None)) = (args.eviction.weight.name(), maxsize) {
        errors.at(
            name,
            "`weight` counts against `maxsize`, which is `None`; write a number, such as `maxsize = 1000`",
        );
    }
}

fn least_weights_have_a_weigher(args: &Args, errors: &mut Errors) {
    let Eviction { weight, min_weight, .. } = &args.eviction;
    // A mistaken `weight` is there all the same; of an object, another rule reports the option.
    let has_weigher = weight.is_some() || weight.name().is_some();
    if let (Some(name), false, None) = (min_weight.name(), has_weigher, args.placement.cache.name()) {
        let message =
            "`min_weight` has no effect without `weight`: each entry weighs 1; write `weight = …` too";
        errors.at(name, message);
    }
}

fn floors_are_in_a_budget(args: &Args, errors: &mut Errors) {
    let Eviction { weight, floor, .. } = &args.eviction;
    // Of an object, another rule reports the option.
    let Some(name) = floor.name().filter(|_| args.placement.cache.name().is_none()) else { return };
    let is_mistaken = weight.name().is_some() && !weight.is_some();
    if !args.eviction.weighs_bytes() && !is_mistaken {
        errors.at(name, "`floor` is a part of the memory budget that functions with `weight = bytes` share; write `weight = bytes` too, or remove `floor`");
    } else if args.placement.is_per_thread() {
        errors.at(name, "`floor` has no effect with `scope = thread`: a per-thread cache does not share the memory budget; remove `floor`");
    }
}

fn bytes_are_of_known_types(args: &Args, func: &Func, errors: &mut Errors) {
    // A cache object takes no weigher, which another rule reports.
    if args.placement.cache.name().is_some() || signature::names_arguments(args, func) {
        return;
    }
    if let Some(Weight::Bytes(word)) = args.eviction.weight.get() {
        let way_out = if func.receiver().is_some() {
            "write `#[memoize]` above the `impl` and leave `self` out of the key with `#[key(skip)]`, use a cache object with `weigh_bytes` (`cache = self.field`), or write `weight = |…| …`"
        } else {
            "use a cache object with `weigh_bytes` (`cache = …`), or write `weight = |…| …`"
        };
        let message = format!(
            "`weight = bytes` measures the key and the result as they are stored, and the type of this function's key or result cannot be named; {way_out}"
        );
        errors.at(word, message);
    }
}

fn random_replacement_is_chosen(args: &Args, errors: &mut Errors) {
    let policy = &args.eviction.policy;
    if args.placement.cache.name().is_some() || policy.get() == Some(&Policy::Rr) {
        return;
    }
    for name in [args.eviction.choice.name(), args.eviction.seed.name()].into_iter().flatten() {
        let way_out = match policy.name() {
            Some(_) => format!("remove `{name}`, or write `policy = rr`"),
            None if policy.is_some() => format!("remove `{name}`, or write `#[rr_cache]`"),
            None => "write `policy = rr` too".to_owned(),
        };
        errors.at(name, format!("`{name}` is an option of `policy = rr` (random replacement); {way_out}"));
    }
}

fn seed_has_no_chooser(args: &Args, errors: &mut Errors) {
    if args.placement.cache.name().is_some() {
        return;
    }
    if let (Some(seed), Some(_)) = (args.eviction.seed.name(), args.eviction.choice.name()) {
        errors.at(seed, "`seed` has no effect with `choice`: nothing is chosen at random; remove `seed`");
    }
}

fn sampled_hits_take_the_lock(args: &Args, errors: &mut Errors) {
    let lock_free = &args.placement.lock_free;
    let object = args.placement.cache.name();
    if let (Some(true), Some(true), None) = (args.eviction.insight.get(), lock_free.get(), object) {
        if let Some(name) = lock_free.name() {
            errors.at(name, "`lock_free` has no effect with `insight`: hits are sampled under the lock; remove `lock_free`");
        }
    }
}

fn arguments_in_keys_have_their_types(args: &Args, func: &Func, errors: &mut Errors) {
    // A cache object takes neither option, which another rule reports.
    if args.placement.cache.name().is_some() || signature::names_arguments(args, func) {
        return;
    }
    let options = [(&args.eviction.on_evict, "listener"), (&args.eviction.choice, "chooser")];
    for (name, what) in options.into_iter().filter_map(|(option, what)| Some((option.name()?, what))) {
        let way_out = if func.receiver().is_some() {
            format!(
                "use a cache object with a {what} (`cache = self.field`), or leave `self` out of the key with `#[key(skip)]`: one result for all objects"
            )
        } else {
            format!("use a cache object with a {what} (`cache = …`)")
        };
        let message = format!(
            "`{name}` is given the key, and the type of this function's key cannot be named; {way_out}"
        );
        errors.at(name, message);
    }
}

fn functions_take_what_they_are_given(args: &Args, func: &Func, errors: &mut Errors) {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    if let Some(weight) = args.eviction.weight.get().and_then(Weight::function) {
        let what = "a weigher takes all arguments and the result, by reference";
        closures::takes_arguments(weight, what, &["value"], args, func, errors);
    }
    if let Some(choice) = args.eviction.choice.get() {
        closures::takes(choice, "a victim chooser takes the keys", &names(&["keys"]), errors);
    }
    if let Some(listener) = args.eviction.on_evict.get() {
        let what = "an eviction listener takes the key, the value and the cause";
        closures::takes(listener, what, &names(&["key", "value", "cause"]), errors);
    }
}
