//! Rules for functions and their parameters.

use syn::Attribute;

use crate::args::{self, Accessors, Args};
use crate::errors::Errors;
use crate::signature::{Func, KeyOption, receiver_type};
use crate::type_tokens;

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    is_cached_once(func, errors);
    is_not_run_once(args, func, errors);
    is_not_const(func, errors);
    is_not_variadic(func, errors);
    self_is_not_changed(func, errors);
    parameters_always_exist(func, errors);
    parameters_are_not_changed(func, errors);
}

fn is_cached_once(func: &Func, errors: &mut Errors) {
    for attr in func.attrs.iter().filter(|attr| args::Attribute::is_one(attr)) {
        errors.at(attr, "this function is already cached; remove one of the attributes");
    }
}

/// Attributes that make a test or a program of a function are for the function itself, and these below are on its body.
fn is_not_run_once(args: &Args, func: &Func, errors: &mut Errors) {
    if args.items.accessors.get() == Some(&Accessors::None) {
        return;
    }
    for attr in &func.attrs {
        let name = attr.path().segments.last().map(|last| last.ident.to_string());
        let (is_async, is_main) = (func.sig.asyncness.is_some(), func.sig.ident == "main");
        let message = match name.as_deref() {
            Some("test") => {
                "a test runs once and cannot be cached; put `#[lru_cache]` on the function that it tests"
            }
            Some("main") if is_main => {
                "`main` runs once and cannot be cached; put `#[lru_cache]` on a function that it calls"
            }
            Some("main") if is_async => {
                "this makes an `async fn` a blocking function, which is cached as such; put it above `#[lru_cache]`"
            }
            _ => continue,
        };
        errors.at(attr, message);
    }
}

fn is_not_const(func: &Func, errors: &mut Errors) {
    if let Some(token) = &func.sig.constness {
        errors.at(token, "a `const fn` cannot be cached; remove `const`");
    }
}

fn is_not_variadic(func: &Func, errors: &mut Errors) {
    if let Some(variadic) = &func.sig.variadic {
        errors.at(
            variadic,
            "a variadic function cannot be cached: its arguments have no types; take a slice instead",
        );
    }
}

fn self_is_not_changed(func: &Func, errors: &mut Errors) {
    let Some(receiver) = func.receiver() else { return };
    // Of a `self` that is left out, the user has said that a hit need not see it.
    if !is_skipped(&receiver.attrs) && type_tokens::mut_reference(&receiver_type(receiver)).is_some() {
        let message = "a cached method cannot take `&mut self`: a hit does not run the method and changes nothing; take `&self` and return the new value instead, or leave `self` out of the key: `#[key(skip)] &mut self`";
        errors.at(receiver, message);
    }
}

fn parameters_always_exist(func: &Func, errors: &mut Errors) {
    for attr in func.param_attrs() {
        if attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr") {
            let message = "a parameter of a cached function cannot be conditional; write `#[cfg(…)]` on the function instead";
            errors.at(attr, message);
        }
    }
}

fn parameters_are_not_changed(func: &Func, errors: &mut Errors) {
    // Of a parameter that is left out, the user has said that a hit need not see it.
    for param in func.params().filter(|param| !is_skipped(&param.attrs)) {
        if let Some(ty) = type_tokens::mut_reference(&param.ty) {
            let message = format!(
                "a cached function cannot take `{}`: a hit does not run the function and changes nothing; return the new value instead",
                type_tokens::spelled(ty)
            );
            errors.at(ty, message);
        }
    }
}

/// Whether a parameter of these attributes is left out of the key.
pub(super) fn is_skipped(attrs: &[Attribute]) -> bool {
    matches!(KeyOption::parse(attrs), Ok(KeyOption::Skip))
}
