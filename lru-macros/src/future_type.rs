//! Return types that are futures, by their spelling.

use syn::punctuated::Punctuated;
use syn::{GenericArgument, Ident, PathArguments, Type, TypeParamBound};

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
            // Only a box is `Unpin`.
            Type::ImplTrait(of) => (output(&of.bounds)?, bound(&of.bounds, &["Unpin"]).is_some()),
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

impl FutureType {
    /// The trait that the return type promises, and that the future of a cached function does not have.
    pub(crate) fn unmet_bound(&self) -> Option<&Ident> {
        let bounds = match bare(&self.written) {
            Type::ImplTrait(of) => &of.bounds,
            Type::Path(path) => {
                let Type::Path(boxed) = arguments(path.path.segments.last()?).next().map(bare)? else {
                    return None;
                };
                match arguments(boxed.path.segments.last()?).next().map(bare)? {
                    Type::TraitObject(object) => &object.bounds,
                    _ => return None,
                }
            }
            _ => return None,
        };
        bound(bounds, &["Sync", "Clone"])
    }
}

/// The name of a trait among bounds, if it is one of these.
fn bound<'b, P>(bounds: &'b Punctuated<TypeParamBound, P>, names: &[&str]) -> Option<&'b Ident> {
    bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            let last = &bound.path.segments.last()?.ident;
            names.iter().any(|name| last == name).then_some(last)
        }
        _ => None,
    })
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
