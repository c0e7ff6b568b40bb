//! Rules for calls of functions of many elements that wait for each other (`gather`).

use crate::args::{Args, SingleFlight};
use crate::batch_type::BatchType;
use crate::errors::Errors;
use crate::pattern;
use crate::signature::Func;

use super::result::{Borrowed, borrowed};

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    maximum_is_of_groups(args, errors);
    let Some(gather) = args.flight.gather.name() else { return };
    let Some(each) = args.key.each.get() else {
        // A mistaken `each` is there all the same.
        if args.key.each.name().is_none() {
            let message = "`gather` needs `each`: the body is called once with the elements of several calls; take the keys as a slice or a `Vec`, and name them by `each`";
            errors.at(gather, message);
        }
        return;
    };
    if func.sig.asyncness.is_none() {
        let message = "`gather` needs an `async fn`: a call awaits the end of its time; write `async fn`, or remove `gather`";
        errors.at(gather, message);
    }
    if args.flight.single_flight.get() == Some(&SingleFlight::Off) {
        let message = "`gather` lets one call compute for others, and with `single_flight = false` each computes for itself; remove one of them";
        errors.at(gather, message);
    }
    if let Some(name) = args.backend.name() {
        let message = format!(
            "`{name}` cannot be used with `gather`: each call asks the backend for its own elements; remove `gather`, and call a second function with `each`, `gather` and `maxsize = 0` from the body"
        );
        errors.at(name, message);
    }
    let mut params = func.params();
    let has_name = |name: &proc_macro2::Ident| name == each;
    let param = params.find(|param| pattern::bindings(&param.pat).iter().any(has_name));
    if let Some(BatchType { element, .. }) = param.and_then(|param| BatchType::of(&param.ty)) {
        elements_outlive_their_call(&element, errors);
    }
}

fn elements_outlive_their_call(element: &syn::Type, errors: &mut Errors) {
    let message = "with `gather`, the call of the body may be that of another caller, which a borrow may not outlive; take elements of an owned type";
    match borrowed(element) {
        Some(Borrowed::Reference(reference)) => errors.at(reference, message),
        Some(Borrowed::Type(ty)) => errors.at(ty, message),
        None => {}
    }
}

fn maximum_is_of_groups(args: &Args, errors: &mut Errors) {
    let Some(name) = args.flight.gather_max.name().filter(|_| args.flight.gather.name().is_none()) else {
        return;
    };
    errors.at(name, "`gather_max` has no effect without `gather`; write `gather = 0.002` too");
}
