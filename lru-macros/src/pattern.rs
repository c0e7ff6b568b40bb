//! Patterns of parameters.

use proc_macro2::Ident;
use syn::Pat;

/// The names that a pattern binds.
pub(crate) fn bindings(pat: &Pat) -> Vec<Ident> {
    let mut names = Vec::new();
    each_name(&mut pat.clone(), &mut |name| names.push(name.clone()));
    names
}

/// The pattern for a reference to what it is written for: each name is bound to a reference. `change` can
/// change the names.
pub(crate) fn by_reference(pat: &Pat, mut change: impl FnMut(&mut Ident)) -> Pat {
    let mut pat = match pat {
        // One reference more is one more to take away.
        Pat::Reference(reference) => {
            let mut reference = reference.clone();
            without_references(&mut reference.pat);
            Pat::Reference(reference)
        }
        other => {
            let mut other = other.clone();
            without_references(&mut other);
            other
        }
    };
    each_name(&mut pat, &mut change);
    pat
}

/// Calls `visit` with each name, which is then bound by the default mode.
fn each_name(pat: &mut Pat, visit: &mut impl FnMut(&mut Ident)) {
    if let Pat::Ident(ident) = pat {
        (ident.by_ref, ident.mutability) = (None, None);
        visit(&mut ident.ident);
    }
    inner(pat, &mut |pat| each_name(pat, visit));
}

/// Takes away the references in a pattern: in one for a reference, the editions disagree about them.
fn without_references(pat: &mut Pat) {
    while let Pat::Reference(reference) = pat {
        *pat = (*reference.pat).clone();
    }
    inner(pat, &mut without_references);
}

/// Visits the patterns in a pattern.
fn inner(pat: &mut Pat, visit: &mut dyn FnMut(&mut Pat)) {
    match pat {
        Pat::Ident(ident) => ident.subpat.iter_mut().for_each(|(_, pat)| visit(pat)),
        Pat::Paren(paren) => visit(&mut paren.pat),
        Pat::Reference(reference) => visit(&mut reference.pat),
        Pat::Slice(slice) => slice.elems.iter_mut().for_each(visit),
        Pat::Struct(fields) => fields.fields.iter_mut().for_each(|field| visit(&mut field.pat)),
        Pat::Tuple(tuple) => tuple.elems.iter_mut().for_each(visit),
        Pat::TupleStruct(tuple) => tuple.elems.iter_mut().for_each(visit),
        _ => {}
    }
}
