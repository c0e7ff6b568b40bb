//! Rules for the key.

use quote::ToTokens;
use syn::Ident;

use super::closures;
use crate::args::{Accessors, Args};
use crate::errors::Errors;
use crate::signature::{self, Func, KeyOption};
use crate::{pattern, type_tokens};

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    generics_say_typed(args, func, errors);
    instances_can_share(args, func, errors);
    parts_are_of_parameters(func, errors);
    key_function_takes_the_arguments(args, func, errors);
}

fn generics_say_typed(args: &Args, func: &Func, errors: &mut Errors) {
    let typed = &args.key.typed;
    if typed.is_some() || typed.name().is_some() || args.placement.cache.is_some() {
        return;
    }
    if let Some(param) = func.first_type_param() {
        let message = "a cached generic function needs `typed`; write `typed = true` for a separate entry per type, or `typed = false` to let equal arguments of different types share a result";
        errors.at(param, message);
    }
}

fn instances_can_share(args: &Args, func: &Func, errors: &mut Errors) {
    let has_accessors = args.items.accessors.get() != Some(&Accessors::None);
    let Some(typed) = args.key.typed.name().filter(|_| args.key.typed.get() == Some(&false)) else { return };
    if !has_accessors && args.placement.cache.get().is_none() && func.first_type_param().is_some() {
        let message = "`typed = false` cannot be used with `accessors = none`: each type has its own entries; write `typed = true`";
        errors.at(typed, message);
    }
}

fn parts_are_of_parameters(func: &Func, errors: &mut Errors) {
    let mut names: Vec<_> =
        func.receiver().map(|receiver| Ident::from(receiver.self_token)).into_iter().collect();
    names.extend(func.params().flat_map(|param| pattern::bindings(&param.pat)));
    for attrs in func.sig.inputs.iter().map(Func::attrs_of) {
        match KeyOption::parse(attrs) {
            Err(error) => errors.add(error),
            Ok(KeyOption::Expression(expr)) if !type_tokens::mentions(expr.to_token_stream(), &names) => {
                let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                let message = format!(
                    "the expression in `#[key(…)]` uses no parameter; write an expression of {}",
                    names.join(", ")
                );
                errors.at(expr, message);
            }
            Ok(_) => {}
        }
    }
}

fn key_function_takes_the_arguments(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(key) = args.key.key.get() else { return };
    if let Some(attr) = func.param_attrs().find(|attr| signature::is_key(attr)) {
        errors
            .at(attr, "`#[key(…)]` has no effect with `key`, which makes the whole key; remove `#[key(…)]`");
    }
    if closures::arguments(args, func).is_empty() {
        errors.at(key, "`key` has no effect on a function without arguments; remove `key`");
    } else {
        let what = "a key function takes all arguments, by reference";
        closures::takes_arguments(key, what, &[], args, func, errors);
    }
}
