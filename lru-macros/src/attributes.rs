//! The function's own attributes, and the generated items that each belongs to.

use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Path, Token, parse_quote};

/// Attributes of the function as its callers see it.
const OUTSIDE: [&str; 8] = [
    "doc",
    "deprecated",
    "inline",
    "cold",
    "no_mangle",
    "export_name",
    "link_section",
    "rustc_legacy_const_generics",
];

/// Attributes of the function and of every item that runs its body.
const BOTH: [&str; 3] = ["must_use", "track_caller", "target_feature"];

/// Lint levels: they apply wherever the user's tokens are.
const LINTS: [&str; 5] = ["allow", "expect", "warn", "deny", "forbid"];

/// Tools whose attributes are not macros.
const TOOLS: [&str; 5] = ["rustfmt", "clippy", "diagnostic", "miri", "rust_analyzer"];

/// The attributes of a function, by the items that they belong to.
#[derive(Default)]
pub(crate) struct Attrs {
    /// On all items: conditions under which they exist.
    pub(crate) cfg: Vec<Attribute>,
    /// On all items that repeat the user's signature.
    pub(crate) lints: Vec<Attribute>,
    /// On the body: a deprecated function may call itself.
    pub(crate) body_lints: Vec<Attribute>,
    /// On the function alone.
    pub(crate) outside: Vec<Attribute>,
    /// `#[doc(hidden)]`, for the companion as well.
    pub(crate) hidden: Vec<Attribute>,
    /// On the function, and on the items that run the body.
    pub(crate) both: Vec<Attribute>,
    /// Decorators: they stay on the body, and so run on misses only.
    pub(crate) decorators: Vec<Attribute>,
}

impl Attrs {
    pub(crate) fn new(attrs: &[Attribute]) -> Self {
        let mut sorted = Self::default();
        for attr in &attrs.iter().flat_map(one_by_one).collect::<Vec<_>>() {
            let name = name_of(&attr.meta);
            let is = |names: &[&str]| names.contains(&name.as_str());
            let place = if is(&["cfg"]) {
                &mut sorted.cfg
            } else if is(&LINTS) {
                sorted.lints.push(without_expectation(attr));
                continue;
            } else if is(&OUTSIDE) {
                if is_hidden(&attr.meta) {
                    sorted.hidden.push(attr.clone());
                }
                if is(&["deprecated"]) {
                    sorted.body_lints.push(parse_quote!(#[allow(deprecated)]));
                }
                &mut sorted.outside
            } else if is(&BOTH) || is_of_tool(attr.path()) {
                &mut sorted.both
            } else {
                &mut sorted.decorators
            };
            place.push(attr.clone());
        }
        sorted
    }
}

/// The attributes that a `cfg_attr` may add, each with the condition: they may belong to different items.
fn one_by_one(attr: &Attribute) -> Vec<Attribute> {
    let Some((condition, inner)) = conditional(&attr.meta) else { return vec![attr.clone()] };
    inner.iter().map(|inner| parse_quote!(#[cfg_attr(#condition, #inner)])).collect()
}

/// The condition of a `cfg_attr`, and what it adds.
fn conditional(meta: &Meta) -> Option<(Meta, Vec<Meta>)> {
    let list = meta.require_list().ok().filter(|list| list.path.is_ident("cfg_attr"))?;
    let metas = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    let mut metas = metas.into_iter();
    Some((metas.next()?, metas.collect()))
}

/// The name of the attribute inside `cfg_attr(condition, ...)` and `unsafe(...)`.
fn name_of(meta: &Meta) -> String {
    let path = meta.path();
    if let Some((_, inner)) = conditional(meta) {
        return inner.first().map_or_else(String::new, name_of);
    }
    if let Meta::List(list) = meta {
        if path.is_ident("unsafe") {
            return list.parse_args::<Meta>().map_or_else(|_| "unsafe".to_owned(), |meta| name_of(&meta));
        }
    }
    path.get_ident().map_or_else(String::new, ToString::to_string)
}

fn is_of_tool(path: &Path) -> bool {
    path.segments.len() > 1
        && path.segments.first().is_some_and(|first| TOOLS.iter().any(|tool| first.ident == tool))
}

fn is_hidden(meta: &Meta) -> bool {
    match conditional(meta) {
        Some((_, inner)) => inner.iter().any(is_hidden),
        None => meta.require_list().is_ok_and(|list| {
            list.path.is_ident("doc") && list.parse_args::<Path>().is_ok_and(|path| path.is_ident("hidden"))
        }),
    }
}

/// An `expect` as an `allow`: a lint that is expected in the body does not fire on the other items.
fn without_expectation(attr: &Attribute) -> Attribute {
    fn allowed(meta: &Meta) -> Meta {
        if let Some((condition, inner)) = conditional(meta) {
            let inner = inner.iter().map(allowed);
            return parse_quote!(cfg_attr(#condition, #(#inner),*));
        }
        match meta {
            Meta::List(list) if list.path.is_ident("expect") => {
                let lints = &list.tokens;
                parse_quote!(allow(#lints))
            }
            _ => meta.clone(),
        }
    }
    let meta = allowed(&attr.meta);
    parse_quote!(#[#meta])
}

impl ToTokens for Attrs {
    /// The attributes of the function itself.
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        let Self { cfg, lints, outside, both, .. } = self;
        tokens.extend(quote! { #(#cfg)* #(#outside)* #(#both)* #(#lints)* });
    }
}
