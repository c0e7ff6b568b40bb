//! What cannot be cached, one rule a function. All are asked before giving up.

use quote::ToTokens;
use syn::{FnArg, GenericArgument, Lifetime, PathArguments, Type, TypeReference};

use crate::args::Args;
use crate::attrs;
use crate::errors::Errors;
use crate::func::Func;
use crate::types::{self, bare};

pub(crate) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    is_cached_once(func, errors);
    is_not_const(func, errors);
    is_not_async(func, errors);
    is_not_variadic(func, errors);
    is_not_a_method(func, errors);
    is_not_generic(func, errors);
    parameters_always_exist(func, errors);
    parameters_have_no_options(func, errors);
    parameters_are_not_changed(func, errors);
    returns_a_named_type(func, errors);
    returns_no_borrow(func, errors);
    companion_hides_no_primitive(args, func, errors);
}

fn is_cached_once(func: &Func, errors: &mut Errors) {
    for attr in func.attrs.iter().filter(|attr| attrs::is_ours(attr)) {
        errors.at(attr, "this function is cached already; remove one of the attributes");
    }
}

fn is_not_const(func: &Func, errors: &mut Errors) {
    if let Some(token) = &func.sig.constness {
        errors.at(token, "a `const fn` cannot be cached; remove `const`");
    }
}

fn is_not_async(func: &Func, errors: &mut Errors) {
    if let Some(token) = &func.sig.asyncness {
        errors.at(token, "an `async fn` cannot be cached yet; cache a plain function that it calls");
    }
}

fn is_not_variadic(func: &Func, errors: &mut Errors) {
    if let Some(variadic) = &func.sig.variadic {
        errors.at(variadic, "a variadic function cannot be cached; its arguments have no types");
    }
}

fn is_not_a_method(func: &Func, errors: &mut Errors) {
    let message = "a method cannot be cached yet; cache a function outside the `impl` that it calls";
    let receiver = func.sig.inputs.iter().find_map(|input| match input {
        FnArg::Receiver(receiver) => Some(receiver),
        FnArg::Typed(_) => None,
    });
    if let Some(receiver) = receiver {
        errors.at(receiver.self_token, message);
    } else if let Some(ident) = func.self_type() {
        errors.at(ident, message);
    }
}

fn is_not_generic(func: &Func, errors: &mut Errors) {
    let message = "a generic function cannot be cached yet; cache a function for each type";
    for param in func.generic_params() {
        errors.at(param, message);
    }
    for param in func.params() {
        if let Some(ty) = types::find(&param.ty, &mut |ty| matches!(ty, Type::ImplTrait(_))) {
            errors.at(ty, message);
        }
    }
}

fn parameters_always_exist(func: &Func, errors: &mut Errors) {
    for attr in func.params().flat_map(|param| &param.attrs) {
        if attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr") {
            let message =
                "a parameter of a cached function cannot be conditional; put the condition on the function";
            errors.at(attr, message);
        }
    }
}

fn parameters_have_no_options(func: &Func, errors: &mut Errors) {
    for attr in func.params().flat_map(|param| &param.attrs) {
        if attr.path().is_ident("key") {
            errors.at(attr, "parameters have no options yet; leave the attribute out");
        }
    }
}

fn parameters_are_not_changed(func: &Func, errors: &mut Errors) {
    for param in func.params() {
        if let Some(ty) = changed(&param.ty) {
            let message = format!(
                "a cached function cannot take `{}`: a hit would not make the change; return the new value instead",
                spelled(ty)
            );
            errors.at(ty, message);
        }
    }
}

/// The `&mut` type in a parameter's type, if there is one.
pub(crate) fn changed(ty: &Type) -> Option<&Type> {
    types::find(ty, &mut |ty| matches!(ty, Type::Reference(reference) if reference.mutability.is_some()))
}

fn returns_a_named_type(func: &Func, errors: &mut Errors) {
    let Some(result) = func.result() else { return };
    if types::is_never(result) {
        errors.at(result, "a function that never returns leaves nothing to cache");
    } else if let Some(ty) = unnamed(result) {
        let message = format!(
            "a cached function cannot return `{}`: the cache has to name the type; write the type itself",
            spelled(ty)
        );
        errors.at(ty, message);
    }
}

/// The `impl Trait` or `_` in a type, if there is one.
pub(crate) fn unnamed(ty: &Type) -> Option<&Type> {
    types::find(ty, &mut |ty| matches!(ty, Type::ImplTrait(_) | Type::Infer(_)))
}

fn returns_no_borrow(func: &Func, errors: &mut Errors) {
    match func.result().and_then(borrowed) {
        Some(Borrowed::Reference(reference)) => {
            let instead = match primitive_or_slice(&reference.elem) {
                Some(owned) => format!("return `{owned}` instead"),
                None => format!("return `{}` itself instead", spelled(&reference.elem)),
            };
            let message = format!(
                "a cached function cannot return a borrow: the result outlives the arguments; {instead}"
            );
            errors.at(reference, message);
        }
        Some(Borrowed::Type(ty)) => {
            let message = "a cached function cannot return a borrow: the result outlives the arguments; return an owned value instead";
            errors.at(ty, message);
        }
        None => {}
    }
}

/// What borrows in a return type.
pub(crate) enum Borrowed<'a> {
    Reference(&'a TypeReference),
    Type(&'a Type),
}

/// Types of the standard library that borrow wherever their lifetime is not `'static`.
const BORROWING: [&str; 9] =
    ["Cow", "Ref", "RefMut", "MutexGuard", "RwLockReadGuard", "RwLockWriteGuard", "Chars", "Path", "Iter"];

/// Types of the standard library that hold their first argument.
const HOLDING: [&str; 11] = [
    "Result", "Option", "Vec", "Box", "Arc", "VecDeque", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "Cow",
];

/// What is sure to borrow. An error may: it is not remembered, and any second argument of a type
/// may be one, as in `Result<u32, &str>`.
pub(crate) fn borrowed(ty: &Type) -> Option<Borrowed<'_>> {
    let is_static = |lifetime: &Lifetime| lifetime.ident == "static";
    match bare(ty) {
        Type::Reference(reference) => match &reference.lifetime {
            Some(lifetime) if is_static(lifetime) => borrowed(&reference.elem),
            _ => Some(Borrowed::Reference(reference)),
        },
        Type::Slice(slice) => borrowed(&slice.elem),
        Type::Array(array) => borrowed(&array.elem),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(borrowed),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let PathArguments::AngleBracketed(args) = &last.arguments else { return None };
            let lifetimes = args
                .args
                .iter()
                .any(|arg| matches!(arg, GenericArgument::Lifetime(lifetime) if !is_static(lifetime)));
            if lifetimes && BORROWING.iter().any(|name| last.ident == name) {
                return Some(Borrowed::Type(bare(ty)));
            }
            // Of other types it is not known that they hold their first argument: an alias may
            // turn it into an error.
            let holds = HOLDING.iter().any(|name| last.ident == name);
            types::arguments(last).next().filter(|_| holds).and_then(borrowed)
        }
        _ => None,
    }
}

/// The owned form of what is usually borrowed.
fn primitive_or_slice(ty: &Type) -> Option<String> {
    match bare(ty) {
        Type::Slice(slice) => Some(format!("Vec<{}>", spelled(&slice.elem))),
        ty if types::primitive(ty) == Some("str") => Some("String".to_owned()),
        _ => None,
    }
}

fn companion_hides_no_primitive(args: &Args, func: &Func, errors: &mut Errors) {
    if let Some(handle) = &args.handle {
        if types::is_primitive_name(handle) {
            errors.at(
                handle,
                format!("`handle` would hide the primitive type `{handle}`; choose another name"),
            );
        }
    } else if types::is_primitive_name(&func.sig.ident) {
        let name = &func.sig.ident;
        let message = format!(
            "the companion type of a function named `{name}` would hide the primitive type; name it otherwise with `handle = {name}_cache`"
        );
        errors.at(name, message);
    }
}

/// A type as one would write it.
fn spelled(ty: &Type) -> String {
    let text = ty.to_token_stream().to_string();
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let before = out.chars().last();
        let tight = |c: Option<char>| matches!(c, Some('&' | '<' | '(' | '[' | ':' | '\''));
        let opens = matches!(letters.peek(), Some('<' | '>' | ',' | ')' | ']' | ';' | ':' | '('));
        if letter == ' ' && (tight(before) || opens) {
            continue;
        }
        out.push(letter);
    }
    out
}
