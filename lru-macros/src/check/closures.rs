//! Rules for the closures of options: how many parameters they have.

use quote::quote;
use syn::{Expr, ExprClosure, Pat, PatType};

use crate::args::Args;
use crate::errors::Errors;
use crate::pattern;
use crate::signature::Func;

/// How many arguments of the cached function an option's function can take.
const MOST_ARGUMENTS: usize = 12;

/// Returns the names of the arguments that an option's function takes: all but the one that holds the cache.
pub(super) fn arguments(args: &Args, func: &Func) -> Vec<String> {
    let holder = args.placement.holder();
    let is_holder = |name: &str| holder.as_ref().is_some_and(|holder| holder == name);
    let receiver = func.receiver().filter(|_| !is_holder("self")).map(|_| "this".to_owned());
    let is_given =
        |param: &&PatType| !pattern::bindings(&param.pat).iter().any(|name| is_holder(&name.to_string()));
    let params = func.params().filter(is_given).map(|param| match &*param.pat {
        Pat::Ident(pat) => pat.ident.to_string(),
        _ => "_".to_owned(),
    });
    receiver.into_iter().chain(params).collect()
}

/// Checks that the function of an option takes the arguments and `more`. `what` says so in the message.
pub(super) fn takes_arguments(
    function: &Expr,
    what: &str,
    more: &[&str],
    args: &Args,
    func: &Func,
    errors: &mut Errors,
) {
    let mut names = arguments(args, func);
    if names.len() > MOST_ARGUMENTS {
        let message = format!(
            "{what}, and at most {MOST_ARGUMENTS} arguments are supported; combine some of them in a struct"
        );
        errors.at(function, message);
        return;
    }
    names.extend(more.iter().map(|&name| name.to_owned()));
    takes(function, what, &names, errors);
}

/// Like [`takes_arguments`], of a function that may take one parameter more.
pub(super) fn takes_arguments_or_more(
    function: &Expr,
    what: &str,
    more: &str,
    args: &Args,
    func: &Func,
    errors: &mut Errors,
) {
    let number = arguments(args, func).len();
    let is_without = matches!(function, Expr::Closure(closure) if closure.inputs.len() == number);
    let more: &[&str] = if is_without { &[] } else { &[more] };
    takes_arguments(function, what, more, args, func, errors);
}

/// Checks that the function of an option takes as many parameters as there are `names`. `what` says so in the
/// message.
pub(super) fn takes(function: &Expr, what: &str, names: &[String], errors: &mut Errors) {
    if let Expr::Closure(ExprClosure { inputs_begin, inputs, inputs_end, .. }) = function {
        if inputs.len() != names.len() {
            let message = format!("{what}; write `|{}| …`", names.join(", "));
            errors.at(quote!(#inputs_begin #inputs #inputs_end), message);
        }
    }
}
