//! Rules for the place of the accessors and the name of their type.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::Expr;

use crate::args::{Accessors, Args, MaxSize};
use crate::errors::Errors;
use crate::signature::Func;
use crate::{pattern, type_tokens};

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    companion_is_beside_a_function(args, func, errors);
    companion_hides_no_primitive(args, func, errors);
    options_of_all_calls_use_no_argument(args, func, errors);
}

/// The accessors of a function's own cache have the options too, and neither `self` nor arguments.
fn options_of_all_calls_use_no_argument(args: &Args, func: &Func, errors: &mut Errors) {
    if args.items.accessors.get() == Some(&Accessors::None) || args.placement.cache.name().is_some() {
        return;
    }
    let this: Vec<_> = func.receiver().map(|receiver| Ident::from(receiver.self_token)).into_iter().collect();
    let params: Vec<_> = func.params().flat_map(|param| pattern::bindings(&param.pat)).collect();
    let maxsize = args.eviction.maxsize.get().and_then(MaxSize::expression);
    let (expiry, maxsize) = (&args.expiry, args.eviction.maxsize.name().zip(maxsize));
    let options = [
        &expiry.ttl,
        &expiry.tti,
        &expiry.error_ttl,
        &expiry.stale_if_error,
        &expiry.stale_if_slow,
        &args.placement.shards,
    ];
    let options = options.into_iter().filter_map(|option| option.name().zip(option.get()));
    let options = options.filter(|(_, value)| !matches!(value, Expr::Closure(_)));
    for (name, value) in options.chain(maxsize) {
        if type_tokens::mentions(value.to_token_stream(), &this) {
            let message = format!(
                "`{name}` is an option of one cache for all objects and cannot use `self`; store the results in the object, which has its own `{name}`: `cache = self.field`"
            );
            errors.at(value, message);
        } else if let Some(param) = argument_in(value, &params) {
            let instead =
                if name == "ttl" { "; a function takes them: `ttl = |args…, value| …`" } else { "" };
            let message = format!(
                "`{name}` is an option of one cache for all calls and cannot use the argument `{param}`{instead}"
            );
            errors.at(value, message);
        }
    }
}

/// The parameter that a value is, or that it uses in a call, a field or an operation.
fn argument_in<'p>(value: &Expr, params: &'p [Ident]) -> Option<&'p Ident> {
    match value {
        Expr::Path(path) => {
            let name = path.path.get_ident()?;
            params.iter().find(|param| *param == name)
        }
        Expr::Call(call) => call.args.iter().find_map(|value| argument_in(value, params)),
        Expr::MethodCall(call) => {
            let mut values = core::iter::once(&*call.receiver).chain(&call.args);
            values.find_map(|value| argument_in(value, params))
        }
        Expr::Field(field) => argument_in(&field.base, params),
        Expr::Binary(binary) => {
            argument_in(&binary.left, params).or_else(|| argument_in(&binary.right, params))
        }
        Expr::Range(range) => {
            let mut ends = range.start.iter().chain(&range.end);
            ends.find_map(|value| argument_in(value, params))
        }
        Expr::Unary(unary) => argument_in(&unary.expr, params),
        Expr::Cast(cast) => argument_in(&cast.expr, params),
        Expr::Paren(paren) => argument_in(&paren.expr, params),
        Expr::Group(group) => argument_in(&group.expr, params),
        _ => None,
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
