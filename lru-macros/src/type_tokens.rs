//! Questions about a type that its tokens answer.

use std::vec;

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{GenericArgument, PathArguments, PathSegment, Type};

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
// By a reference to the test, so that it is compiled once.
pub(crate) fn find<'t>(ty: &'t Type, test: &mut dyn FnMut(&Type) -> bool) -> Option<&'t Type> {
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
pub(crate) fn arguments(segment: &PathSegment) -> vec::IntoIter<&Type> {
    let mut types = Vec::new();
    if let PathArguments::AngleBracketed(arguments) = &segment.arguments {
        for argument in &arguments.args {
            if let GenericArgument::Type(ty) = argument {
                types.push(ty);
            }
        }
    }
    types.into_iter()
}

/// The `impl Trait` in a type, if there is one.
pub(crate) fn impl_trait(ty: &Type) -> Option<&Type> {
    find(ty, &mut |ty| matches!(ty, Type::ImplTrait(_)))
}

/// The `&mut` type in a type, if there is one.
pub(crate) fn mut_reference(ty: &Type) -> Option<&Type> {
    find(ty, &mut |ty| matches!(ty, Type::Reference(reference) if reference.mutability.is_some()))
}

/// Whether any of the names is among the tokens.
pub(crate) fn mentions(tokens: TokenStream, names: &[Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => names.contains(&ident),
        TokenTree::Group(group) => mentions(group.stream(), names),
        _ => false,
    })
}

/// The name at another span. A span of ours has the edition of this crate, which reserves `gen`: the editions
/// 2018 and 2021 do not, and there a name is written so.
pub(crate) fn respanned(name: &Ident, span: Span) -> Ident {
    if name == "gen" {
        return Ident::new_raw("gen", span);
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

/// Whether a type of this name is one of the standard library.
pub(crate) fn is_well_known(name: &Ident) -> bool {
    let name = name.unraw();
    WELL_KNOWN.iter().any(|known| name == known)
}

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

/// The type behind a `Pin<&T>`, whose lifetime is not `'static`.
pub(crate) fn pinned(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = bare(ty) else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Pin")?;
    let Type::Reference(reference) = bare(arguments(last).next()?) else { return None };
    let is_static = reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
    (reference.mutability.is_none() && !is_static).then_some(&*reference.elem)
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

/// The name after `::`, where that comes next.
pub(crate) fn after_colons(mut tokens: impl Iterator<Item = TokenTree>) -> Option<Ident> {
    let mut is_colon = || matches!(tokens.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    if !(is_colon() && is_colon()) {
        return None;
    }
    match tokens.next() {
        Some(TokenTree::Ident(name)) => Some(name),
        _ => None,
    }
}

/// The tokens at their places, as the attribute writes them: lints skip them. The meaning of `$crate` is in its
/// span, which stays.
pub(crate) fn unlinted(tokens: TokenStream) -> TokenStream {
    unlinted_at(tokens, &|span| span)
}

/// The tokens at one place, as the attribute writes them.
pub(crate) fn written_at(tokens: TokenStream, place: Span) -> TokenStream {
    unlinted_at(tokens, &|_| place)
}

fn unlinted_at(tokens: TokenStream, place: &dyn Fn(Span) -> Span) -> TokenStream {
    let at = |span: Span| Span::call_site().located_at(place(span));
    each(tokens, &mut |token| match token {
        TokenTree::Group(group) => {
            let mut new = proc_macro2::Group::new(group.delimiter(), unlinted_at(group.stream(), place));
            new.set_span(at(group.span()));
            TokenTree::Group(new)
        }
        TokenTree::Ident(ident) if ident == "$crate" => TokenTree::Ident(ident),
        TokenTree::Ident(ident) => TokenTree::Ident(respanned(&ident, at(ident.span()))),
        mut token => {
            token.set_span(at(token.span()));
            token
        }
    })
}

/// The tokens with each one replaced. Every iterator over tokens that is collected is compiled for itself, so this is the
/// only one.
pub(crate) fn each(tokens: TokenStream, replaced: &mut dyn FnMut(TokenTree) -> TokenTree) -> TokenStream {
    tokens.into_iter().map(replaced).collect()
}

/// The tokens, located at `span`, with their own resolution.
pub(crate) fn located_at(tokens: TokenStream, span: Span) -> TokenStream {
    each(tokens, &mut |mut token| {
        token.set_span(token.span().located_at(span));
        token
    })
}

/// The span of the first token, where mistakes in a type or an expression are underlined.
pub(crate) fn first_span(tokens: impl ToTokens) -> proc_macro2::Span {
    let first = tokens.into_token_stream().into_iter().next();
    first.map_or_else(proc_macro2::Span::call_site, |token| token.span())
}

/// A type or a path as a user would write it.
pub(crate) fn spelled(ty: &impl ToTokens) -> String {
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
