//! Rules for the place of the accessors and the name of their type.

use proc_macro2::Ident;
use quote::ToTokens;

use crate::args::{Accessors, Args, MaxSize};
use crate::errors::Errors;
use crate::signature::Func;
use crate::type_tokens;

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    companion_is_beside_a_function(args, func, errors);
    companion_hides_no_primitive(args, func, errors);
    options_of_all_objects_use_none(args, func, errors);
}

/// The accessors of a method's own cache have the options too, and no `self`.
fn options_of_all_objects_use_none(args: &Args, func: &Func, errors: &mut Errors) {
    let has_accessors = args.items.accessors.get() != Some(&Accessors::None);
    let Some(receiver) = func.receiver().filter(|_| has_accessors && args.placement.cache.name().is_none())
    else {
        return;
    };
    let this = [Ident::from(receiver.self_token)];
    let maxsize = match args.eviction.maxsize.get() {
        Some(MaxSize::Expression(expr)) => Some(expr),
        _ => None,
    };
    let (expiry, maxsize) = (&args.expiry, args.eviction.maxsize.name().zip(maxsize));
    let options = [&expiry.ttl, &expiry.tti, &expiry.error_ttl, &expiry.stale_if_error];
    let options = options.into_iter().filter_map(|option| option.name().zip(option.get()));
    for (name, value) in options.chain(maxsize) {
        if type_tokens::mentions(value.to_token_stream(), &this) {
            let message = format!(
                "`{name}` is an option of one cache for all objects and cannot use `self`; store the results in the object, which has its own `{name}`: `cache = self.field`"
            );
            errors.at(value, message);
        }
    }
}

fn companion_is_beside_a_function(args: &Args, func: &Func, errors: &mut Errors) {
    let (accessors, handle) = (&args.items.accessors, &args.items.handle);
    let is_in_block = func.surroundings.is_some() && accessors.get() != Some(&Accessors::None);
    let has_companion = match (accessors.get(), accessors.name()) {
        (Some(Accessors::Companion), Some(name)) if func.is_method() => {
            errors.at(name, "a method cannot have a companion type: an `impl` or a trait cannot contain one; write `accessors = siblings`");
            return;
        }
        (Some(accessors), _) => *accessors == Accessors::Companion,
        (None, _) => !func.is_method(),
    };
    if let (Some(handle), false, false) = (handle.get(), has_companion, is_in_block) {
        errors.at(handle, "`handle` names the companion type, and this function has none; remove `handle`");
    }
}

fn companion_hides_no_primitive(args: &Args, func: &Func, errors: &mut Errors) {
    let name = &func.sig.ident;
    if let Some(handle) = args.items.handle.get() {
        if type_tokens::is_primitive_name(handle) {
            let message = format!(
                "a companion type `{handle}` would shadow the primitive type; choose another name, such as `{handle}_cache`"
            );
            errors.at(handle, message);
        }
    } else if type_tokens::is_primitive_name(name) && !args.items.accessors.is_some() && !func.is_method() {
        let message = format!(
            "the companion type of a function named `{name}` would shadow the primitive type; write `handle = {name}_cache`"
        );
        errors.at(name, message);
    }
}
