//! Rules for the place of the accessors and the name of their type.

use crate::args::{Accessors, Args};
use crate::errors::Errors;
use crate::signature::Func;
use crate::type_tokens;

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    companion_is_beside_a_function(args, func, errors);
    companion_hides_no_primitive(args, func, errors);
}

fn companion_is_beside_a_function(args: &Args, func: &Func, errors: &mut Errors) {
    let (accessors, handle) = (&args.items.accessors, &args.items.handle);
    let has_companion = match (accessors.get(), accessors.name()) {
        (Some(Accessors::Companion), Some(name)) if func.is_method() => {
            errors.at(name, "a method cannot have a companion type: an `impl` or a trait cannot contain one; write `accessors = siblings`");
            return;
        }
        (Some(accessors), _) => *accessors == Accessors::Companion,
        (None, _) => !func.is_method(),
    };
    if let (Some(handle), false) = (handle.get(), has_companion) {
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
