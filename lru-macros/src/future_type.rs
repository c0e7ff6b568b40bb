//! Return types that are futures, by their spelling.

use syn::punctuated::Punctuated;
use syn::{GenericArgument, PathArguments, Type, TypeParamBound};

use crate::type_tokens::{arguments, bare};

/// The future that a function returns.
#[derive(Clone)]
pub(crate) struct FutureType {
    /// The return type as written.
    pub(crate) written: Type,
    /// The type of the future's output.
    pub(crate) output: Type,
    pub(crate) is_boxed: bool,
}

impl FutureType {
    /// Recognises `Pin<Box<dyn Future<Output = T>>>`, `BoxFuture<T>`, `LocalBoxFuture<T>` and
    /// `impl Future<Output = T>`.
    pub(crate) fn of(ty: &Type) -> Option<Self> {
        let (output, is_boxed) = match bare(ty) {
            Type::ImplTrait(of) => (output(&of.bounds)?, false),
            Type::Path(path) => {
                let last = path.path.segments.last()?;
                let first = arguments(last).next()?;
                let output = if last.ident == "BoxFuture" || last.ident == "LocalBoxFuture" {
                    first
                } else if last.ident == "Pin" {
                    boxed(first)?
                } else {
                    return None;
                };
                (output, true)
            }
            _ => return None,
        };
        Some(Self { written: ty.clone(), output: output.clone(), is_boxed })
    }
}

/// The output of a `Box<dyn Future>`.
fn boxed(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = bare(ty) else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Box")?;
    match arguments(last).next().map(bare) {
        Some(Type::TraitObject(object)) => output(&object.bounds),
        _ => None,
    }
}

/// The `Output` of a `Future` among bounds.
fn output<P>(bounds: &Punctuated<TypeParamBound, P>) -> Option<&Type> {
    let future = bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().filter(|last| last.ident == "Future"),
        _ => None,
    })?;
    let PathArguments::AngleBracketed(arguments) = &future.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(assoc) if assoc.ident == "Output" => Some(&assoc.ty),
        _ => None,
    })
}
