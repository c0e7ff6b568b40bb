//! Rules for caches that set their own capacity: `maxsize = auto(…)`.

use crate::args::{Args, Policy};
use crate::errors::Errors;

pub(super) fn check(args: &Args, errors: &mut Errors) {
    let (eviction, placement) = (&args.eviction, &args.placement);
    // Of a cache object, `maxsize` itself is the mistake.
    if !eviction.sizes_itself() || placement.cache.name().is_some() {
        return;
    }
    if let (Some(false), Some(name)) = (eviction.insight.get(), eviction.insight.name()) {
        errors.at(name, "`maxsize = auto(…)` needs the samples of `insight`; remove `insight`");
    }
    // With `insight = true`, another rule reports it.
    let lock_free = placement.lock_free.get().filter(|_| eviction.insight.get() != Some(&true));
    if let (Some(true), Some(name)) = (lock_free, placement.lock_free.name()) {
        let message = "`lock_free` has no effect with `maxsize = auto(…)`: hits are sampled under the lock; remove `lock_free`";
        errors.at(name, message);
    }
    if let Some(name) = placement.shards.name() {
        let message = "`shards` cannot be used with `maxsize = auto(…)`, which measures the hit ratio of one cache; remove `shards`, or write a number";
        errors.at(name, message);
    }
    if let Some(name) = eviction.floor.name() {
        let message = "`floor` has no effect with `maxsize = auto(…)`: a cache that sets its own capacity does not share the memory budget; remove one of them";
        errors.at(name, message);
    }
    let policy = &eviction.policy;
    if !matches!(policy.get(), None | Some(Policy::Lru)) {
        // Of `#[fifo_cache]` and the like, the policy has no name.
        let Some(name) = policy.name().or(eviction.maxsize.name()) else { return };
        let way_out = if policy.name().is_some() { "remove `policy`" } else { "write `#[lru_cache]`" };
        let message = format!(
            "`maxsize = auto(…)` sizes by the hit ratios of `policy = lru`, which those of another policy differ from; {way_out}, or write a number"
        );
        errors.at(name, message);
    }
}
