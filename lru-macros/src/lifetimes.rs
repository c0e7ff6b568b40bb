//! Lifetimes in types: where they are omitted, and types without them.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{
    AngleBracketedGenericArguments, GenericArgument, GenericParam, Generics, Lifetime, PathArguments,
    PathSegment, ReturnType, Type, TypeParamBound,
};

use crate::type_tokens::{find, primitive};

/// Types of the standard library without lifetime parameters.
const WITHOUT_LIFETIMES: [&str; 13] = [
    "String", "Vec", "Option", "Result", "Box", "Arc", "HashMap", "HashSet", "BTreeMap", "BTreeSet",
    "VecDeque", "PathBuf", "OsString",
];

/// Whether a type may have an omitted lifetime, as in `Cow<str>`.
pub(crate) fn may_leave_lifetimes_out(ty: &Type) -> bool {
    let named = find(ty, &mut |ty| {
        let Type::Path(path) = ty else {
            return !matches!(ty, Type::Reference(_) | Type::Tuple(_) | Type::Slice(_) | Type::Array(_));
        };
        let last = path.path.segments.last();
        primitive(ty).is_none()
            && last.is_none_or(|last| WITHOUT_LIFETIMES.iter().all(|name| last.ident != name))
    });
    named.is_some()
}

/// Whether a lifetime is among the tokens.
pub(crate) fn has_lifetime(tokens: TokenStream, lifetime: &Lifetime) -> bool {
    let mut is_lifetime = false;
    tokens.into_iter().any(|token| {
        let was_apostrophe = core::mem::replace(
            &mut is_lifetime,
            matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\''),
        );
        match token {
            TokenTree::Ident(ident) => was_apostrophe && ident == lifetime.ident,
            TokenTree::Group(group) => has_lifetime(group.stream(), lifetime),
            _ => false,
        }
    })
}

/// Whether a lifetime is visibly omitted in a type, as in `&str` or `Cow<'_, str>`.
pub(crate) fn omits_lifetime(ty: &Type) -> bool {
    let is_omitted = |ty: &Type| matches!(ty, Type::Reference(reference) if reference.lifetime.is_none());
    find(ty, &mut |ty| is_omitted(ty)).is_some()
        || has_lifetime(ty.to_token_stream(), &Lifetime::new("'_", Span::call_site()))
}

/// Returns the generics without the lifetimes that only arguments have which are not taken.
pub(crate) fn without_unused(generics: &Generics, signature: &TokenStream) -> Generics {
    let where_clause = &generics.where_clause;
    let mut used = quote! { #signature #where_clause };
    let mut params: Vec<_> = generics.params.iter().map(|param| (param, false)).collect();
    loop {
        let is_used = |param: &GenericParam| match param {
            GenericParam::Lifetime(param) => has_lifetime(used.clone(), &param.lifetime),
            _ => true,
        };
        // The bounds of a parameter that stays name others.
        let Some((param, stays)) = params.iter_mut().find(|(param, stays)| !stays && is_used(param)) else {
            break;
        };
        *stays = true;
        param.to_tokens(&mut used);
    }
    let params = params.into_iter().filter(|(_, stays)| *stays).map(|(param, _)| param.clone());
    Generics { params: params.collect(), ..generics.clone() }
}

/// The type with `'static` for every lifetime, as in the type of a `static`.
pub(crate) fn with_static(ty: &Type) -> Type {
    let mut ty = ty.clone();
    Statics::default().in_type(&mut ty, Elided::IsStatic);
    ty
}

/// The type with `'static` for every omitted lifetime, as in the signature of another function.
pub(crate) fn with_named_lifetimes(ty: &Type) -> Type {
    let mut ty = ty.clone();
    Statics { keeps_named: true, ..Statics::default() }.in_type(&mut ty, Elided::IsStatic);
    ty
}

/// Whether a type visibly has a lifetime that is not `'static`, named or omitted; those of its function types
/// do not count.
pub(crate) fn has_lifetimes(ty: &Type) -> bool {
    with_static(ty).to_token_stream().to_string() != ty.to_token_stream().to_string()
}

/// The meaning of an omitted lifetime: in `&str` a lifetime of the function, in `fn(&str)` any lifetime.
#[derive(Clone, Copy)]
enum Elided {
    IsStatic,
    IsAny,
}

/// Replaces lifetimes, except those that an outer `for<'a>` introduces.
#[derive(Default)]
struct Statics {
    bound: Vec<Lifetime>,
    /// Whether lifetimes with a name stay.
    keeps_named: bool,
}

impl Statics {
    fn in_type(&mut self, ty: &mut Type, elided: Elided) {
        match ty {
            Type::Paren(paren) => self.in_type(&mut paren.elem, elided),
            Type::Group(group) => self.in_type(&mut group.elem, elided),
            Type::Array(array) => self.in_type(&mut array.elem, elided),
            Type::Slice(slice) => self.in_type(&mut slice.elem, elided),
            Type::Ptr(ptr) => self.in_type(&mut ptr.elem, elided),
            Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(|elem| self.in_type(elem, elided)),
            Type::Reference(reference) => {
                self.in_type(&mut reference.elem, elided);
                match (&mut reference.lifetime, elided) {
                    (Some(lifetime), _) => self.in_lifetime(lifetime, elided),
                    (missing @ None, Elided::IsStatic) => {
                        *missing = Some(Lifetime::new("'static", reference.and_token.span));
                    }
                    (None, Elided::IsAny) => {}
                }
            }
            Type::Path(path) => {
                if let Some(qself) = &mut path.qself {
                    self.in_type(&mut qself.ty, elided);
                }
                path.path.segments.iter_mut().for_each(|segment| self.in_segment(segment, elided));
            }
            Type::FnPtr(pointer) => {
                let introduced = pointer.lifetimes.iter().flat_map(|bound| &bound.lifetimes);
                let introduced: Vec<_> = introduced.filter_map(introduced_lifetime).collect();
                self.within(introduced, |this| {
                    pointer.inputs.iter_mut().for_each(|arg| this.in_type(&mut arg.ty, Elided::IsAny));
                    this.in_output(&mut pointer.output);
                });
            }
            Type::TraitObject(object) => self.in_bounds(&mut object.bounds, elided),
            _ => {}
        }
    }

    fn in_lifetime(&self, lifetime: &mut Lifetime, elided: Elided) {
        let is_omitted = lifetime.ident == "_";
        let any = matches!(elided, Elided::IsAny) && is_omitted;
        let stays = self.keeps_named && !is_omitted;
        if !any && !stays && !self.bound.contains(lifetime) {
            *lifetime = Lifetime::new("'static", lifetime.span());
        }
    }

    fn in_segment(&mut self, segment: &mut PathSegment, elided: Elided) {
        match &mut segment.arguments {
            PathArguments::None => {}
            PathArguments::AngleBracketed(args) => self.in_arguments(args, elided),
            PathArguments::Parenthesized(args) => {
                args.inputs.iter_mut().for_each(|arg| self.in_type(&mut arg.ty, Elided::IsAny));
                self.in_output(&mut args.output);
            }
        }
    }

    fn in_arguments(&mut self, args: &mut AngleBracketedGenericArguments, elided: Elided) {
        for arg in &mut args.args {
            match arg {
                GenericArgument::Lifetime(lifetime) => self.in_lifetime(lifetime, elided),
                GenericArgument::Type(ty) => self.in_type(ty, elided),
                GenericArgument::AssocType(assoc) => self.in_type(&mut assoc.ty, elided),
                GenericArgument::Constraint(constraint) => self.in_bounds(&mut constraint.bounds, elided),
                _ => {}
            }
        }
    }

    fn in_bounds<P>(&mut self, bounds: &mut Punctuated<TypeParamBound, P>, elided: Elided) {
        for bound in bounds {
            match bound {
                TypeParamBound::Lifetime(lifetime) => self.in_lifetime(lifetime, elided),
                TypeParamBound::Trait(bound) => {
                    let introduced = bound.lifetimes.iter().flat_map(|bound| &bound.lifetimes);
                    let introduced: Vec<_> = introduced.filter_map(introduced_lifetime).collect();
                    self.within(introduced, |this| {
                        bound.path.segments.iter_mut().for_each(|segment| this.in_segment(segment, elided));
                    });
                }
                _ => {}
            }
        }
    }

    fn in_output(&mut self, output: &mut ReturnType) {
        if let ReturnType::Type(_, ty) = output {
            self.in_type(ty, Elided::IsAny);
        }
    }

    fn within(&mut self, introduced: Vec<Lifetime>, visit: impl FnOnce(&mut Self)) {
        let outer = self.bound.len();
        self.bound.extend(introduced);
        visit(self);
        self.bound.truncate(outer);
    }
}

fn introduced_lifetime(param: &syn::GenericParam) -> Option<Lifetime> {
    match param {
        syn::GenericParam::Lifetime(param) => Some(param.lifetime.clone()),
        _ => None,
    }
}
