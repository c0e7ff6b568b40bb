//! What cannot be cached, one rule a function. All are asked before giving up.

mod backend;
mod flight;
mod terms;

use quote::{ToTokens, quote};
use syn::{
    Expr, ExprClosure, GenericArgument, Ident, Lifetime, Pat, PathArguments, ReceiverKind, Type,
    TypeReference,
};

use crate::args::{Accessors, Args};
use crate::errors::Errors;
use crate::signature::{self, Func, KeyOption};
use crate::type_tokens::{self, bare};
use crate::{attributes, model};

pub(crate) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    is_cached_once(func, errors);
    is_not_const(func, errors);
    is_not_variadic(func, errors);
    self_is_not_changed(func, errors);
    generics_say_typed(args, func, errors);
    accessors_can_stand(args, func, errors);
    instances_can_share(args, func, errors);
    terms::check(args, func, errors);
    flight::check(args, func, errors);
    backend::check(args, func, errors);
    parameters_always_exist(func, errors);
    keys_can_be_made(args, func, errors);
    parameters_are_not_changed(func, errors);
    returns_a_named_type(func, errors);
    returns_no_borrow(args, func, errors);
    companion_hides_no_primitive(args, func, errors);
}

fn is_cached_once(func: &Func, errors: &mut Errors) {
    for attr in func.attrs.iter().filter(|attr| attributes::is_ours(attr)) {
        errors.at(attr, "this function is cached already; remove one of the attributes");
    }
}

fn is_not_const(func: &Func, errors: &mut Errors) {
    if let Some(token) = &func.sig.constness {
        errors.at(token, "a `const fn` cannot be cached; remove `const`");
    }
}

fn is_not_variadic(func: &Func, errors: &mut Errors) {
    if let Some(variadic) = &func.sig.variadic {
        errors.at(variadic, "a variadic function cannot be cached; its arguments have no types");
    }
}

fn self_is_not_changed(func: &Func, errors: &mut Errors) {
    let Some(receiver) = func.receiver() else { return };
    let is_changed = match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_some(),
        ReceiverKind::Typed(_, ty) => changed(ty).is_some(),
        _ => false,
    };
    if is_changed {
        let message = "a cached method cannot take `&mut self`: a hit would not make the change; take `&self` and return the new value instead";
        errors.at(receiver, message);
    }
}

fn generics_say_typed(args: &Args, func: &Func, errors: &mut Errors) {
    if args.typed.is_some() || args.cache.is_some() || args.name("typed").is_some() {
        return;
    }
    if let Some(param) = func.first_type_param() {
        let message = "a cached generic function says how arguments of different types meet; write `typed = true` to keep `f(3u8)` and `f(3i64)` apart, or `typed = false` to let equal arguments share a result";
        errors.at(param, message);
    }
}

fn accessors_can_stand(args: &Args, func: &Func, errors: &mut Errors) {
    let has_companion = match args.accessors.as_ref().map(|at| (at.value, at.span)) {
        Some((Accessors::Companion, span)) if func.is_method() => {
            let message = "a type cannot stand beside a method; write `accessors = siblings`";
            errors.add(syn::Error::new(span, message));
            return;
        }
        Some((accessors, _)) => accessors == Accessors::Companion,
        None => !func.is_method(),
    };
    if let (Some(handle), false) = (&args.handle, has_companion) {
        errors
            .at(handle, "`handle` names the type that has the accessors, and there is none; remove `handle`");
    }
}

fn instances_can_share(args: &Args, func: &Func, errors: &mut Errors) {
    let has_none = args.accessors.as_ref().is_some_and(|at| at.value == Accessors::None);
    let Some(typed) = args.typed.as_ref().filter(|typed| has_none && !typed.value) else { return };
    if args.cache.is_none() && func.first_type_param().is_some() {
        let message = "with `accessors = none` no two types can share a result; write `typed = true`";
        errors.add(syn::Error::new(typed.span, message));
    }
}

fn parameters_always_exist(func: &Func, errors: &mut Errors) {
    for attr in func.param_attrs() {
        if attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr") {
            let message =
                "a parameter of a cached function cannot be conditional; put the condition on the function";
            errors.at(attr, message);
        }
    }
}

/// How many arguments a function of the user's can be given.
const MOST_GIVEN: usize = 12;

fn keys_can_be_made(args: &Args, func: &Func, errors: &mut Errors) {
    let mut names: Vec<_> =
        func.receiver().map(|receiver| Ident::from(receiver.self_token)).into_iter().collect();
    names.extend(func.params().flat_map(|param| type_tokens::bindings(&param.pat)));
    for attrs in func.sig.inputs.iter().map(Func::attrs_of) {
        match KeyOption::parse(attrs) {
            Err(error) => errors.add(error),
            Ok(KeyOption::Expression(expr)) if !type_tokens::mentions(expr.to_token_stream(), &names) => {
                let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                let message =
                    format!("`#[key(…)]` names no parameter; write an expression of {}", names.join(", "));
                errors.at(expr, message);
            }
            Ok(_) => {}
        }
    }
    let Some(key) = &args.key else { return };
    if let Some(attr) = func.param_attrs().find(|attr| signature::is_key(attr)) {
        errors.at(attr, "`key` on the function makes the whole key; leave it out on parameters");
    }
    if given(args, func).is_empty() {
        errors.at(key, "a key is made of arguments, and there are none; remove `key`");
    } else {
        closure_takes(key, "a key is made of all arguments, by reference", &[], args, func, errors);
    }
}

/// The names of the arguments that the user's functions are given: all but the one that holds the
/// cache.
fn given(args: &Args, func: &Func) -> Vec<String> {
    let holder = args.cache.as_ref().and_then(model::root);
    let is_holder = |name: &str| holder.as_ref().is_some_and(|holder| holder == name);
    let receiver = func.receiver().filter(|_| !is_holder("self")).map(|_| "this".to_owned());
    let params = func.params().map(|param| match &*param.pat {
        Pat::Ident(pat) => pat.ident.to_string(),
        _ => "_".to_owned(),
    });
    receiver.into_iter().chain(params.filter(|name| !is_holder(name))).collect()
}

/// A function of the user's is given the arguments, and `more` than these.
fn closure_takes(function: &Expr, what: &str, more: &[&str], args: &Args, func: &Func, errors: &mut Errors) {
    let mut given = given(args, func);
    if given.len() > MOST_GIVEN {
        let message =
            format!("a function is given {MOST_GIVEN} arguments at most; use `#[key(…)]`, or fewer");
        errors.at(function, message);
        return;
    }
    given.extend(more.iter().map(|&name| name.to_owned()));
    if let Expr::Closure(ExprClosure { inputs_begin, inputs, inputs_end, .. }) = function {
        if inputs.len() != given.len() {
            let message = format!("{what}; write `|{}| …`", given.join(", "));
            errors.at(quote!(#inputs_begin #inputs #inputs_end), message);
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
    type_tokens::find(
        ty,
        &mut |ty| matches!(ty, Type::Reference(reference) if reference.mutability.is_some()),
    )
}

fn returns_a_named_type(func: &Func, errors: &mut Errors) {
    let Some(result) = func.result() else { return };
    if type_tokens::is_never(result) {
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
    type_tokens::find(ty, &mut |ty| matches!(ty, Type::ImplTrait(_) | Type::Infer(_)))
}

fn returns_no_borrow(args: &Args, func: &Func, errors: &mut Errors) {
    // The object may live no longer than what it holds.
    if args.cache.is_some() {
        return;
    }
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
            type_tokens::arguments(last).next().filter(|_| holds).and_then(borrowed)
        }
        _ => None,
    }
}

/// The owned form of what is usually borrowed.
fn primitive_or_slice(ty: &Type) -> Option<String> {
    match bare(ty) {
        Type::Slice(slice) => Some(format!("Vec<{}>", spelled(&slice.elem))),
        ty if type_tokens::primitive(ty) == Some("str") => Some("String".to_owned()),
        _ => None,
    }
}

fn companion_hides_no_primitive(args: &Args, func: &Func, errors: &mut Errors) {
    if let Some(handle) = &args.handle {
        if type_tokens::is_primitive_name(handle) {
            errors.at(
                handle,
                format!("`handle` would hide the primitive type `{handle}`; choose another name"),
            );
        }
    } else if type_tokens::is_primitive_name(&func.sig.ident) && args.accessors.is_none() && !func.is_method()
    {
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
