//! An `impl` with `#[memoize]`, as the user wrote it. What is not memoized stays raw tokens.

use std::rc::Rc;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Meta, Path, Signature, Token, Type, Visibility, parse_quote};

use crate::args::{Attribute, BlockArgs};
use crate::body;
use crate::signature::is_function;
use crate::surroundings::Surroundings;

pub(crate) struct ImplBlock {
    pub(crate) attrs: Vec<syn::Attribute>,
    /// The tokens before the braces.
    header: TokenStream,
    /// The attributes inside the braces that belong to the `impl`.
    inner: TokenStream,
    pub(crate) items: Vec<Item>,
    braces: Span,
    pub(crate) surroundings: Rc<Surroundings>,
    /// A trait for the accessors.
    pub(crate) accessors: Option<(Visibility, Ident)>,
}

/// An item of an `impl`.
pub(crate) enum Item {
    /// A function with an attribute of this crate, and the conditions under which it exists.
    Memoized {
        path: Path,
        attribute: Attribute,
        args: TokenStream,
        cfg: Vec<syn::Attribute>,
        function: TokenStream,
    },
    /// One with an attribute of this crate under a condition, and the item without it.
    Conditional { condition: syn::Attribute, item: TokenStream },
    /// Any other.
    Other(TokenStream),
}

impl ImplBlock {
    pub(crate) fn parse(args: BlockArgs, item: TokenStream) -> syn::Result<Self> {
        let mut tokens: Vec<_> = item.into_iter().collect();
        (|input: ParseStream| {
            input.call(syn::Attribute::parse_outer)?;
            input.parse::<Visibility>()?;
            is_impl(input)
        })
        .parse2(tokens.iter().cloned().collect())?;
        let Some(TokenTree::Group(content)) = tokens.pop() else {
            return Err(syn::Error::new(Span::call_site(), "expected an `impl` with its braces"));
        };
        let header: TokenStream = tokens.into_iter().collect();
        let parsed: syn::ItemImpl = syn::parse2(quote! { #header {} })?;
        let attributes = parsed.attrs.iter().map(|attr| attr.to_token_stream().into_iter().count()).sum();
        let trait_path = parsed.trait_.map(|(path, _)| path);
        let (inner, content_tokens) = inner_attributes(content.stream());
        let items = items(content_tokens)?;
        let associated = items.iter().filter_map(|item| match item {
            Item::Other(tokens) => associated_type(tokens),
            _ => None,
        });
        let associated = associated.collect();
        // The functions of a trait have its visibility.
        let default = trait_path.is_some().then(|| parse_quote!(pub(crate)));
        let vis = args.vis.or(default);
        let (vis, accessors) = match args.accessors {
            Some(name) => (Some(Visibility::Inherited), Some((vis.unwrap_or(Visibility::Inherited), name))),
            None => (vis, None),
        };
        Ok(Self {
            attrs: parsed.attrs,
            header: header.into_iter().skip(attributes).collect(),
            inner,
            items,
            braces: content.span(),
            surroundings: Rc::new(Surroundings::new(
                parsed.generics,
                trait_path,
                *parsed.self_ty,
                vis,
                associated,
            )),
            accessors,
        })
    }

    /// The `impl` with other items.
    pub(crate) fn with_items(&self, items: &TokenStream) -> TokenStream {
        let Self { attrs, header, inner, braces, .. } = self;
        let mut content = Group::new(Delimiter::Brace, quote! { #inner #items });
        content.set_span(*braces);
        quote! { #(#attrs)* #header #content }
    }
}

fn inner_attributes(content: TokenStream) -> (TokenStream, TokenStream) {
    let (_, rest) = body::inner_attributes(content.clone());
    let length = content.clone().into_iter().count() - rest.clone().into_iter().count();
    (content.into_iter().take(length).collect(), rest)
}

/// Reports an item that is no `impl`, with where the attribute belongs instead.
fn is_impl(input: ParseStream) -> syn::Result<()> {
    let at = input.fork();
    input.parse::<Option<Token![unsafe]>>()?;
    let instead = if input.peek(Token![impl]) {
        while input.parse::<TokenTree>().is_ok() {}
        return Ok(());
    } else if is_function(input) {
        "; on a function write `#[lru_cache]` alone"
    } else if input.peek(Token![trait]) {
        "; a default method of a trait takes `#[lru_cache]` by itself, with `accessors = none` if the trait is used as `dyn`; implementations take `#[memoize]`"
    } else if input.peek(Token![struct]) || input.peek(Token![enum]) {
        "; put it on an `impl` of the type"
    } else {
        ""
    };
    Err(at.error(format!("`#[memoize]` can only be used on an `impl`{instead}")))
}

/// Divides the content of an `impl` into its items.
fn items(content: TokenStream) -> syn::Result<Vec<Item>> {
    let parser = |input: ParseStream| {
        let mut items = Vec::new();
        while !input.is_empty() {
            items.push(item(input)?);
        }
        Ok(items)
    };
    parser.parse2(content)
}

fn item(input: ParseStream) -> syn::Result<Item> {
    let mut attrs = input.call(syn::Attribute::parse_outer)?;
    let rest = without_attributes(input)?;
    let whole = |attrs: &[syn::Attribute]| quote! { #(#attrs)* #rest };
    if let Some(place) = attrs.iter().position(is_conditional) {
        return Ok(Item::Conditional { condition: attrs.remove(place), item: whole(&attrs) });
    }
    let place = attrs.iter().position(Attribute::is_one);
    let Some((place, attribute)) = place.and_then(|place| {
        let attribute = attrs.get(place).and_then(|attr| Attribute::named(attr.path()))?;
        Some((place, attribute))
    }) else {
        return Ok(Item::Other(whole(&attrs)));
    };
    let meta = attrs.remove(place).meta;
    let path = meta.path().clone();
    let args = match meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens,
        Meta::NameValue(given) => given.value.to_token_stream(),
    };
    let cfg = attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect();
    Ok(Item::Memoized { path, attribute, args, cfg, function: whole(&attrs) })
}

/// The tokens of an item after its attributes.
fn without_attributes(input: ParseStream) -> syn::Result<TokenStream> {
    let mut out = input.parse::<Visibility>()?.into_token_stream();
    if is_function(input) {
        input.parse::<Signature>()?.to_tokens(&mut out);
        if let Some(end) = input.parse::<Option<Token![;]>>()? {
            end.to_tokens(&mut out);
        } else {
            body::body(input)?.to_tokens(&mut out);
        }
        return Ok(out);
    }
    // A macro may end with its braces, and any other item ends with a semicolon.
    let is_macro = input.fork().call(Path::parse_mod_style).is_ok() && {
        let ahead = input.fork();
        ahead.call(Path::parse_mod_style)?;
        ahead.peek(Token![!])
    };
    while !input.is_empty() {
        let token: TokenTree = input.parse()?;
        let is_last = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => is_macro && group.delimiter() == Delimiter::Brace,
            _ => false,
        };
        token.to_tokens(&mut out);
        if is_last {
            break;
        }
    }
    Ok(out)
}

/// Whether an attribute of this crate is in a `cfg_attr`.
fn is_conditional(attr: &syn::Attribute) -> bool {
    let Some(list) = attr.meta.require_list().ok().filter(|list| list.path.is_ident("cfg_attr")) else {
        return false;
    };
    let metas = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    metas.is_ok_and(|metas| metas.iter().skip(1).any(|meta| Attribute::named(meta.path()).is_some()))
}

/// An associated type; of one with parameters, the name alone.
fn associated_type(item: &TokenStream) -> Option<(Ident, Option<Type>)> {
    let parser = |input: ParseStream| {
        input.call(syn::Attribute::parse_outer)?;
        input.parse::<Token![type]>()?;
        let name: Ident = input.parse()?;
        let is_plain = input.parse::<Option<Token![=]>>()?.is_some();
        let ty = is_plain.then(|| input.parse::<Type>()).transpose()?;
        while input.parse::<TokenTree>().is_ok() {}
        Ok((name, ty))
    };
    parser.parse2(item.clone()).ok()
}
