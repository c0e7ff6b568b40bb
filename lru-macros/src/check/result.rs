//! Rules for results: a stored result has a nameable type and borrows nothing.

use syn::{GenericArgument, Lifetime, PathArguments, Type, TypeReference};

use super::function::spelled;
use crate::args::Args;
use crate::errors::Errors;
use crate::signature::Func;
use crate::type_tokens::{self, bare};

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    returns_a_named_type(func, errors);
    returns_no_borrow(args, func, errors);
}

fn returns_a_named_type(func: &Func, errors: &mut Errors) {
    let Some(result) = func.result() else { return };
    if type_tokens::is_never(result) {
        errors.at(result, "a function that never returns has no result to cache; remove the attribute");
    } else if let Some(ty) = unnamed(result) {
        let message = format!(
            "a cached function cannot return `{}`: the cache needs a type that it can name; write the concrete type instead",
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
    // What the results of a cache object borrow may outlive the object.
    if args.placement.cache.is_some() {
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

/// Types of the standard library that contain a value of their first argument.
const CONTAINERS: [&str; 11] = [
    "Result", "Option", "Vec", "Box", "Arc", "VecDeque", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "Cow",
];

/// What certainly borrows. An error may borrow: it is not stored, and any second argument of a type may be an
/// error, as in `Result<u32, &str>`.
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
            // The first argument of another type may be the error of an alias of `Result`.
            let contains = CONTAINERS.iter().any(|name| last.ident == name);
            type_tokens::arguments(last).next().filter(|_| contains).and_then(borrowed)
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
