//! Questions about a type that its tokens answer.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{
    AngleBracketedGenericArguments, GenericArgument, Lifetime, Pat, PathArguments, PathSegment, ReturnType,
    Type, TypeParamBound,
};

/// The primitive types, all of which implement `Argument`.
pub(crate) const PRIMITIVES: [&str; 17] = [
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
    "isize", "f32", "f64",
];

/// Whether an item of this name would hide a primitive type.
pub(crate) fn is_primitive_name(name: &Ident) -> bool {
    let name = name.unraw();
    PRIMITIVES.iter().any(|primitive| name == primitive)
}

/// The type without parentheses, and without the invisible groups that `macro_rules` makes.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Paren(paren) => bare(&paren.elem),
        Type::Group(group) => bare(&group.elem),
        _ => ty,
    }
}

/// The name of a primitive type, if it is spelled as one.
pub(crate) fn primitive(ty: &Type) -> Option<&'static str> {
    let Type::Path(path) = bare(ty) else { return None };
    if path.qself.is_some() {
        return None;
    }
    let name = path.path.get_ident()?;
    PRIMITIVES.into_iter().find(|primitive| name == primitive)
}

/// Returns the first type that passes the test, among the type itself and those that are part of it.
///
/// The types of a `fn` or `dyn` type are skipped: a value of it contains none of them.
pub(crate) fn find<'t>(ty: &'t Type, test: &mut impl FnMut(&Type) -> bool) -> Option<&'t Type> {
    let ty = bare(ty);
    if test(ty) {
        return Some(ty);
    }
    match ty {
        Type::Array(array) => find(&array.elem, test),
        Type::Slice(slice) => find(&slice.elem, test),
        Type::Reference(reference) => find(&reference.elem, test),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(|elem| find(elem, test)),
        Type::Path(path) => {
            path.path.segments.iter().flat_map(arguments).find_map(|argument| find(argument, test))
        }
        _ => None,
    }
}

/// The type arguments of a segment of a path.
pub(crate) fn arguments(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    };
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

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

/// The `impl Trait` in a type, if there is one.
pub(crate) fn impl_trait(ty: &Type) -> Option<&Type> {
    find(ty, &mut |ty| matches!(ty, Type::ImplTrait(_)))
}

/// Whether any of the names is among the tokens.
pub(crate) fn mentions(tokens: TokenStream, names: &[Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => names.contains(&ident),
        TokenTree::Group(group) => mentions(group.stream(), names),
        _ => false,
    })
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

/// The names that a pattern binds.
pub(crate) fn bindings(pat: &Pat) -> Vec<Ident> {
    match pat {
        Pat::Ident(ident) => vec![ident.ident.clone()],
        _ => Vec::new(),
    }
}

/// Words that an edition after the user's may reserve.
const RESERVED: [&str; 5] = ["async", "await", "dyn", "gen", "try"];

/// The name at another span. A span of ours has the edition of this crate, and so needs a raw identifier for a
/// word that this edition reserves and the user's does not.
pub(crate) fn respanned(name: &Ident, span: Span) -> Ident {
    let text = name.to_string();
    if RESERVED.contains(&text.as_str()) {
        return Ident::new_raw(&text, span);
    }
    let mut name = name.clone();
    name.set_span(span);
    name
}

/// Names of types that are not used as names of type parameters.
const WELL_KNOWN: [&str; 24] = [
    "String",
    "Vec",
    "Option",
    "Result",
    "Box",
    "Arc",
    "Rc",
    "Cow",
    "HashMap",
    "HashSet",
    "BTreeMap",
    "BTreeSet",
    "VecDeque",
    "Path",
    "PathBuf",
    "OsStr",
    "OsString",
    "CStr",
    "CString",
    "Duration",
    "Instant",
    "SystemTime",
    "IpAddr",
    "SocketAddr",
];

/// Whether a type means the same anywhere in its module: it names neither `Self` nor anything that may be a
/// parameter of the surrounding `impl`.
pub(crate) fn is_closed(ty: &Type) -> bool {
    match bare(ty) {
        Type::Reference(reference) => is_closed(&reference.elem),
        Type::Slice(slice) => is_closed(&slice.elem),
        Type::Array(array) => is_closed(&array.elem) && matches!(array.len, syn::Expr::Lit(_)),
        Type::Tuple(tuple) => tuple.elems.iter().all(is_closed),
        Type::Path(path) => {
            let is_named = |segment: &PathSegment| {
                let name = segment.ident.unraw();
                let in_module = name.to_string().starts_with(|first: char| first.is_lowercase());
                match path.path.segments.len() {
                    1 => PRIMITIVES.iter().chain(&WELL_KNOWN).any(|known| name == known),
                    _ => in_module,
                }
            };
            let first = path.path.leading_colon.is_some() || path.path.segments.first().is_some_and(is_named);
            path.qself.is_none() && first && path.path.segments.iter().all(has_closed_arguments)
        }
        _ => false,
    }
}

fn has_closed_arguments(segment: &PathSegment) -> bool {
    match &segment.arguments {
        PathArguments::None => true,
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().all(|argument| match argument {
            GenericArgument::Lifetime(_) => true,
            GenericArgument::Type(ty) => is_closed(ty),
            GenericArgument::Const(value) => matches!(value, syn::Expr::Lit(_)),
            _ => false,
        }),
        PathArguments::Parenthesized(_) => false,
    }
}

/// The type behind all references.
pub(crate) fn pointee(ty: &Type) -> &Type {
    match bare(ty) {
        Type::Reference(reference) => pointee(&reference.elem),
        ty => ty,
    }
}

/// The type behind a `Pin<&T>`.
pub(crate) fn pinned(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = bare(ty) else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Pin")?;
    match arguments(last).next().map(bare) {
        Some(Type::Reference(reference)) if reference.mutability.is_none() => Some(&reference.elem),
        _ => None,
    }
}

/// Whether the type is `!`.
pub(crate) fn is_never(ty: &Type) -> bool {
    matches!(bare(ty), Type::Never(_))
}

/// The `Self` among the tokens, if there is one. Items inside a body have a `Self` of their own.
pub(crate) fn self_type_in(tokens: TokenStream) -> Option<Ident> {
    let mut tokens = tokens.into_iter().peekable();
    let mut in_item = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if in_item => drop(ident),
            TokenTree::Ident(ident) if ident == "Self" => return Some(ident),
            TokenTree::Ident(ident) => {
                let is_pointer = matches!(tokens.peek(), Some(TokenTree::Group(_)));
                let is_name = matches!(tokens.peek(), Some(TokenTree::Ident(_)));
                in_item = ITEMS.iter().any(|item| ident == item)
                    || (ident == "union" && is_name)
                    || (ident == "fn" && !is_pointer);
            }
            TokenTree::Group(group) if in_item => in_item = group.delimiter() != Delimiter::Brace,
            TokenTree::Group(group) => {
                if let Some(ident) = self_type_in(group.stream()) {
                    return Some(ident);
                }
            }
            TokenTree::Punct(punct) => in_item &= punct.as_char() != ';',
            TokenTree::Literal(_) => {}
        }
    }
    None
}

/// Keywords of items that have a `Self` of their own. `fn` and `union` are keywords before a name only.
const ITEMS: [&str; 4] = ["impl", "trait", "struct", "enum"];

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

/// The span of the first token, where mistakes in a type or an expression are underlined.
pub(crate) fn first_span(tokens: impl ToTokens) -> proc_macro2::Span {
    let first = tokens.into_token_stream().into_iter().next();
    first.map_or_else(proc_macro2::Span::call_site, |token| token.span())
}
