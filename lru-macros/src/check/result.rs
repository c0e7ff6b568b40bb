//! Rules for results: a stored result has a nameable type and borrows nothing.

use syn::{GenericArgument, Lifetime, PathArguments, PathSegment, Type, TypeParamBound, TypeReference};

use crate::args::Args;
use crate::errors::Errors;
use crate::future_type::FutureType;
use crate::signature::Func;
use crate::type_tokens::{self, bare};

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    returns_a_named_type(func, errors);
    returns_a_possible_future(func, errors);
    returns_no_borrow(args, func, errors);
    cached_errors_are_cloned(args, func, errors);
}

/// With `cache_errors`, rustc reports an error without `Clone`. Of the usual ones, this says what to write.
fn cached_errors_are_cloned(args: &Args, func: &Func, errors: &mut Errors) {
    if let Some(ty) = error_without_clone(args, func) {
        let message = format!(
            "`cache_errors` stores a clone of each error, and `{}` has no `Clone`; wrap the error in an `Arc`, or remove `cache_errors`",
            type_tokens::spelled(ty)
        );
        errors.at(ty, message);
    }
}

/// The error of the function, or its result with an error of its own, that cannot be stored by `cache_errors`.
pub(crate) fn error_without_clone<'f>(args: &Args, func: &'f Func) -> Option<&'f Type> {
    let result = func.result().map(bare).filter(|_| args.results.cache_errors.get() == Some(&true))?;
    let last = last_segment(result).filter(|last| last.ident == "Result")?;
    Some(type_tokens::arguments(last).nth(1).unwrap_or(result)).filter(|ty| is_never_clone(ty))
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// Whether this is `Box<dyn Error>`, or the error or `Result` of `anyhow`, `eyre` or `std::io`.
fn is_never_clone(ty: &Type) -> bool {
    let Type::Path(path) = bare(ty) else { return false };
    let mut names = path.path.segments.iter().rev().map(|segment| &segment.ident);
    let (Some(last), within) = (names.next(), names.next()) else { return false };
    let is_of = |crates: &[&str]| within.is_some_and(|within| crates.iter().any(|name| within == name));
    if last == "Box" {
        let inner = last_segment(bare(ty)).and_then(|last| type_tokens::arguments(last).next());
        return matches!(inner.map(bare), Some(Type::TraitObject(object)) if object.bounds.iter().any(|bound| {
            matches!(bound, TypeParamBound::Trait(bound) if bound.path.segments.last().is_some_and(|last| last.ident == "Error"))
        }));
    }
    (last == "Error" || last == "Result") && is_of(&["anyhow", "io"]) || last == "Report" && is_of(&["eyre"])
}

/// The future of a call waits for another call, or for the body.
fn returns_a_possible_future(func: &Func, errors: &mut Errors) {
    if let Some(bound) = func.future.as_ref().and_then(FutureType::unmet_bound) {
        errors.at(bound, format!("the future of a cached function is not `{bound}`; remove this bound"));
    }
}

fn returns_a_named_type(func: &Func, errors: &mut Errors) {
    let Some(result) = func.result() else { return };
    if type_tokens::is_never(result) {
        errors.at(result, "a function that never returns has no result to cache; remove the attribute");
    } else if let Some(ty) = unnamed(result) {
        let message = format!(
            "a cached function cannot return `{}`: the cache needs a type that it can name; write the concrete type instead",
            type_tokens::spelled(ty)
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
                None => format!("return `{}` itself instead", type_tokens::spelled(&reference.elem)),
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
        Type::Slice(slice) => Some(format!("Vec<{}>", type_tokens::spelled(&slice.elem))),
        ty if type_tokens::primitive(ty) == Some("str") => Some("String".to_owned()),
        _ => None,
    }
}
