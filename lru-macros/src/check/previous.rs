//! Rules for the parameter with `#[previous]`.

use crate::args::{Args, MaxSize};
use crate::errors::Errors;
use crate::previous::{is_plain, is_previous};
use crate::signature::{self, Func};

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    one_parameter_is_previous(func, errors);
    previous_is_lent(func, errors);
    previous_is_plain(func, errors);
    something_is_kept(args, func, errors);
}

fn one_parameter_is_previous(func: &Func, errors: &mut Errors) {
    for attr in
        func.receiver().into_iter().flat_map(|receiver| &receiver.attrs).filter(|attr| is_previous(attr))
    {
        let message = "`#[previous]` marks a parameter that is given the kept result, and `self` is the caller's; put it on a parameter of type `Option<&T>`";
        errors.at(attr, message);
    }
    for attr in func.params().flat_map(|param| &param.attrs).filter(|attr| is_previous(attr)) {
        errors.at(attr, "a function takes only one parameter with `#[previous]`; remove the others");
    }
}

fn previous_is_lent(func: &Func, errors: &mut Errors) {
    let Some(previous) = func.previous.as_ref().filter(|previous| previous.value().is_none()) else { return };
    let message = "`#[previous]` lends the kept result, if there is one: write the type `Option<&T>`, with the type of the result as `T`, or of its `Ok`";
    errors.at(&previous.written.ty, message);
}

fn previous_is_plain(func: &Func, errors: &mut Errors) {
    let Some(previous) = &func.previous else { return };
    if !is_plain(&previous.attr) {
        errors.at(&previous.attr, "`#[previous]` takes no arguments; write `#[previous]`");
    }
    for attr in &previous.written.attrs {
        if is_previous(attr) {
            errors.at(attr, "a parameter takes only one `#[previous]`; remove the others");
        } else if signature::is_key(attr) {
            let message = "a parameter with `#[previous]` is no part of the key; remove `#[key(…)]`";
            errors.at(attr, message);
        } else if attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr") {
            let message = "a parameter of a cached function cannot be conditional; write `#[cfg(…)]` on the function instead";
            errors.at(attr, message);
        }
    }
}

fn something_is_kept(args: &Args, func: &Func, errors: &mut Errors) {
    let keeps_nothing = matches!(args.eviction.maxsize.get(), Some(MaxSize::Literal(0)));
    if let Some(previous) = func.previous.as_ref().filter(|_| keeps_nothing) {
        let message =
            "`#[previous]` has no effect with `maxsize = 0`, by which no result is kept; remove one of them";
        errors.at(&previous.attr, message);
    }
}
