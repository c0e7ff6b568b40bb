//! Rules for an `impl` with `#[memoize]`.

use quote::ToTokens;
use syn::{Expr, Path, Type};

use crate::args::{Accessors, Args};
use crate::errors::Errors;
use crate::impl_block::{ImplBlock, Item};
use crate::signature::Func;
use crate::type_tokens;

/// The rules for the `impl` as a whole.
pub(crate) fn check_block(block: &ImplBlock, errors: &mut Errors) {
    conditions_are_known(block, errors);
    some_method_is_cached(block, errors);
    accessors_have_a_place(block, errors);
}

/// The rules for the surroundings of a function.
pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    constants_are_of_one_type(args, func, errors);
}

fn conditions_are_known(block: &ImplBlock, errors: &mut Errors) {
    for item in &block.items {
        if let Item::Conditional { condition, .. } = item {
            let message = "`#[memoize]` does not know whether the condition holds; write the method twice, each with `#[cfg(…)]`";
            errors.at(condition, message);
        }
    }
}

fn some_method_is_cached(block: &ImplBlock, errors: &mut Errors) {
    if block.items.iter().all(|item| matches!(item, Item::Other(_))) {
        let message = "no method of this `impl` is cached; put `#[lru_cache]` on one, or remove `#[memoize]`";
        errors.at(&block.surroundings.self_type, message);
    }
}

/// An inherent `impl` is allowed for types of the crate alone.
fn accessors_have_a_place(block: &ImplBlock, errors: &mut Errors) {
    let ty = &block.surroundings.self_type;
    match (&block.accessors, &block.surroundings.trait_path) {
        (Some((_, name)), None) => {
            let message = "the accessors of an inherent `impl` are beside its methods; remove `accessors`";
            errors.at(name, message);
        }
        (None, Some(path)) if is_foreign(ty) || block.surroundings.is_param(ty) => {
            let message = format!(
                "`{}` is not a type of this crate and cannot be given functions; name a trait for the accessors: `#[memoize(accessors = {}Cache)]`",
                type_tokens::spelled(ty),
                last_name(path)
            );
            errors.at(ty, message);
        }
        _ => {}
    }
}

fn last_name(path: &Path) -> String {
    path.segments.last().map_or_else(String::new, |last| last.ident.to_string())
}

/// Whether a type is visibly not of the user's crate.
fn is_foreign(ty: &Type) -> bool {
    match type_tokens::bare(ty) {
        Type::Path(path) => path
            .path
            .get_ident()
            .or_else(|| generic_name(&path.path))
            .is_some_and(|name| type_tokens::is_primitive_name(name) || type_tokens::is_well_known(name)),
        Type::TraitObject(_) | Type::Macro(_) | Type::Verbatim(_) => false,
        _ => true,
    }
}

/// The name of a type that is a path of one segment.
fn generic_name(path: &Path) -> Option<&syn::Ident> {
    let mut segments = path.segments.iter();
    match (segments.next(), segments.next()) {
        (Some(first), None) => Some(&first.ident),
        _ => None,
    }
}

/// The cache is one `static`, with constants of its own.
fn constants_are_of_one_type(args: &Args, func: &Func, errors: &mut Errors) {
    if args.placement.cache.name().is_some() || args.items.accessors.get() == Some(&Accessors::Companion) {
        return;
    }
    let mentions = |value: &Expr| match &func.surroundings {
        Some(surroundings) => {
            surroundings.is_generic() && type_tokens::mentions(value.to_token_stream(), &surroundings.names())
        }
        None => type_tokens::self_type_in(value.to_token_stream()).is_some(),
    };
    let message = if func.surroundings.is_some() {
        "is one constant for all types of a generic `impl`, and cannot use its parameters or `Self`; name a `const` outside the `impl`"
    } else {
        "is a constant of a `static`, which knows no `Self`; write `#[memoize]` above the `impl`, or name a `const` outside it"
    };
    for (name, value) in args.constants().filter(|(_, value)| mentions(value)) {
        errors.at(value, format!("`{name}` {message}"));
    }
}
