//! The end of a call of an object's method that computes: a value that was found, one that is computed, or a stale one
//! that is refreshed (stale-while-revalidate).
//!
//! The computation is the caller's and may borrow, so it cannot go to a background thread. The call that claims the refresh
//! runs it itself; all others are served the stale value meanwhile.

use core::future::Future;

use crate::engine::{Lifecycle, Placement, StoredValue};
use crate::function::call::begin::CoalescedLookup;
use crate::function::call::miss::no_options;
use crate::function::call::pending_call::PendingCall;
use crate::function::call::remote::NoRemote;
use crate::function::call::stale_while_revalidate::RefreshClaim;
use crate::function::result_policy::{Recompute, ResultPolicy};

/// The lookup of a call.
pub(super) type Lookup<E, S, O, R> = CoalescedLookup<R, PendingCall<E, S, O>, RefreshClaim<E, S, O>>;

/// Returns the result of a call, which `compute` computes if need be. If it refreshes a stale one and fails, the call
/// returns the stale one.
pub(super) fn answer<E, S, O, R>(lookup: Lookup<E, S, O, R>, policy: O, compute: impl FnOnce() -> R) -> R
where
    E: Placement + Clone,
    S: Lifecycle<E::Types>,
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    match lookup {
        CoalescedLookup::Hit(result) | CoalescedLookup::Stale(result, None) => result,
        CoalescedLookup::Miss(call) => call.run(Recompute, &NoRemote, compute, no_options),
        CoalescedLookup::Stale(result, Some(claim)) => {
            let fresh = claim.awaited().refresh(Recompute, &NoRemote, compute, no_options);
            fresh.map_or(result, |value| policy.restore(&value))
        }
    }
}

/// Like [`answer`], but awaits `compute`.
pub(super) async fn answer_async<E, S, O, R>(
    lookup: Lookup<E, S, O, R>,
    policy: O,
    compute: impl Future<Output = R>,
) -> R
where
    E: Placement + Clone,
    S: Lifecycle<E::Types>,
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    match lookup {
        CoalescedLookup::Hit(result) | CoalescedLookup::Stale(result, None) => result,
        CoalescedLookup::Miss(call) => call.run_async(Recompute, &NoRemote, compute, no_options).await,
        CoalescedLookup::Stale(result, Some(claim)) => refreshed(claim, result, policy, compute).await,
    }
}

/// Refreshes a stale result, and returns the new one, or the stale one if the computation fails.
pub(super) fn refreshed<E, S, O, R>(
    claim: RefreshClaim<E, S, O>,
    stale: R,
    policy: O,
    compute: impl Future<Output = R>,
) -> impl Future<Output = R>
where
    E: Placement + Clone,
    S: Lifecycle<E::Types>,
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    // In its stored form: the future is `Send` if the values are, whatever an error is.
    let stale = policy.into_stored(stale);
    async move {
        let fresh = claim.awaited().refresh_async(Recompute, &NoRemote, compute, no_options).await;
        policy.restore(&fresh.or(stale).expect("a stale result is of a kind that is stored"))
    }
}
