//! The types of a function of many elements, by their spelling: the argument that `each` names, and the result.

use syn::{Ident, Type, TypeReference};

use crate::type_tokens::{arguments, bare};

/// The argument that has the elements.
#[derive(Clone)]
pub(crate) struct BatchType {
    pub(crate) kind: BatchKind,
    /// The type of an element.
    pub(crate) element: Type,
}

/// How the argument has its elements.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchKind {
    Slice,
    /// A collection behind a reference.
    Reference,
    Owned,
}

impl BatchType {
    /// Recognises a slice, and a collection of one type, by itself or behind a reference.
    pub(crate) fn of(ty: &Type) -> Option<Self> {
        match bare(ty) {
            Type::Reference(TypeReference { mutability: None, lifetime, elem, .. }) => {
                if lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static") {
                    return None;
                }
                match bare(elem) {
                    Type::Slice(slice) => {
                        Some(Self { kind: BatchKind::Slice, element: (*slice.elem).clone() })
                    }
                    elem => Some(Self { kind: BatchKind::Reference, element: collected(elem)?.clone() }),
                }
            }
            ty => Some(Self { kind: BatchKind::Owned, element: collected(ty)?.clone() }),
        }
    }
}

/// Types with one argument that are no collections of it.
const NO_COLLECTIONS: [&str; 9] = ["Option", "Result", "Box", "Arc", "Rc", "Cow", "Pin", "Iter", "IntoIter"];

/// The type of the elements of a collection.
fn collected(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    if NO_COLLECTIONS.iter().any(|name| last.ident == name) {
        return None;
    }
    arguments(last).next()
}

/// The collections whose elements have an order, which a part of them keeps.
const ORDERED: [&str; 9] =
    ["Vec", "VecDeque", "LinkedList", "BTreeSet", "IndexSet", "SmallVec", "ArrayVec", "TinyVec", "Vector"];

/// Whether the elements of a collection have no order, or none that is known.
pub(crate) fn is_unordered(ty: &Type) -> bool {
    let ty = match bare(ty) {
        Type::Reference(reference) => bare(&reference.elem),
        ty => ty,
    };
    let is_ordered = |name: &Ident| ORDERED.iter().any(|ordered| name == ordered);
    matches!(ty, Type::Path(path) if !path.path.segments.last().is_some_and(|last| is_ordered(&last.ident)))
}

/// The result of a function of many elements.
#[derive(Clone)]
pub(crate) struct BatchResult {
    /// Whether it is in a `Result`.
    pub(crate) is_fallible: bool,
    pub(crate) shape: ResultShape,
}

/// What has the results of the elements.
#[derive(Clone)]
pub(crate) enum ResultShape {
    /// A `Vec`, in the order of the elements.
    Sequence(Box<Type>),
    /// A map: the types of its keys and of its values.
    Map(Box<[Type; 2]>),
}

impl BatchResult {
    /// Recognises a `Vec`, a map, and a `Result` of one of them.
    pub(crate) fn of(ty: &Type) -> Option<Self> {
        let Type::Path(path) = bare(ty) else { return None };
        let last = path.path.segments.last()?;
        if last.ident == "Result" {
            let shape = ResultShape::of(arguments(last).next()?)?;
            return Some(Self { is_fallible: true, shape });
        }
        Some(Self { is_fallible: false, shape: ResultShape::of(ty)? })
    }
}

impl ResultShape {
    fn of(ty: &Type) -> Option<Self> {
        let Type::Path(path) = bare(ty) else { return None };
        let last = path.path.segments.last()?;
        if last.ident == "Result" {
            return None;
        }
        let mut types = arguments(last);
        match (types.next(), types.next()) {
            (Some(of), None) if last.ident == "Vec" => Some(Self::Sequence(Box::new(of.clone()))),
            (Some(key), Some(value)) => Some(Self::Map(Box::new([key.clone(), value.clone()]))),
            _ => None,
        }
    }

    /// The type that the result of one element is stored as.
    pub(crate) fn of_element(&self) -> Type {
        match self {
            Self::Sequence(ty) => (**ty).clone(),
            Self::Map(map) => {
                let [_, value] = &**map;
                syn::parse_quote! { ::core::option::Option<#value> }
            }
        }
    }
}
