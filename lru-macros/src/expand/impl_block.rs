//! An `impl` with `#[memoize]`: the accessors of a trait's methods are in an `impl` of their own.
//!
//! ```text
//! In:   #[memoize] impl path::Prices for Shop { #[lru_cache] fn price(&self, id: u32) -> u64 { .. } }
//!
//! Out:  impl path::Prices for Shop { fn price(&self, id: u32) -> u64 { .. Self::price_wrapped(self, id) .. } }
//!       const _: () = {
//!           use path::Prices as _;
//!           impl Shop { fn price_cache_info() -> CacheInfo; fn price_wrapped(&self, id: u32) -> u64 { .. } .. }
//!       };
//! ```
//!
//! The import gives `Self::LIMIT` and `self.item()` the meaning that they have in the `impl` of the trait.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::{
    FnArg, Pat, PatType, PatWild, Path, PathArguments, ReceiverKind, Signature, Token, Type, Visibility,
    parse_quote,
};

use crate::args;
use crate::attributes::Attrs;
use crate::body;
use crate::impl_block::{ImplBlock, Item};
use crate::signature;
use crate::type_tokens;

/// Returns the `impl` with these functions, none of which is memoized.
pub(crate) fn plain_impl_block(block: &ImplBlock, functions: &TokenStream) -> TokenStream {
    let (implemented, seen) = (block.with_items(functions), seen(block, &Attrs::new(&block.attrs).cfg));
    quote! { #implemented #seen }
}

/// Returns the `impl` with these functions, and the accessors of those of a trait.
pub(crate) fn impl_block(
    block: &ImplBlock,
    functions: &TokenStream,
    accessors: TokenStream,
) -> syn::Result<TokenStream> {
    let ImplBlock { surroundings, .. } = block;
    let Attrs { cfg, lints, .. } = &Attrs::new(&block.attrs);
    let (implemented, seen) = (block.with_items(functions), seen(block, cfg));
    let trait_path = match &surroundings.trait_path {
        Some(trait_path) if !accessors.is_empty() => trait_path,
        _ => return Ok(quote! { #implemented #seen }),
    };
    let accessors = of_trait(accessors, &surroundings.associated, trait_path);
    // A lint would report the import where the accessors do without it.
    let imported = type_tokens::unlinted(without_arguments(trait_path).into_token_stream());
    let ty = &surroundings.self_type;
    let (generics, names, where_clause) = surroundings.generics.split_for_impl();
    let (declared, accessors, name) = match &block.accessors {
        None => (None, accessors, None),
        Some((vis, name)) => {
            let mut functions = functions_in(accessors)?;
            let supertrait = surroundings.trait_without_others().then(|| quote! { : #trait_path });
            if supertrait.is_none() && !surroundings.associated.is_empty() {
                for function in &mut functions {
                    function.require(trait_path);
                }
            }
            let (declarations, definitions): (Vec<_>, Vec<_>) =
                functions.iter().map(|function| (function.declaration(), function.definition())).unzip();
            let doc = format!(
                " Accessors of the caches of `impl {} for {}`.",
                type_tokens::spelled(trait_path),
                type_tokens::spelled(ty)
            );
            let params = &surroundings.generics;
            let declared = quote! {
                #(#cfg)*
                #[doc = #doc]
                #(#lints)*
                #vis trait #name #params #supertrait #where_clause { #(#declarations)* }
            };
            (Some(declared), quote! { #(#definitions)* }, Some(quote! { #name #names for }))
        }
    };
    Ok(quote! {
        #implemented
        #seen
        #declared
        #(#cfg)*
        const _: () = {
            use #imported as _;
            #(#lints)*
            // The trait has the signatures: not the user's choice, as lints would take it.
            #[allow(clippy::unnecessary_wraps)]
            impl #generics #name #ty #where_clause { #accessors }
        };
    })
}

/// Returns items that have the attributes of the methods: to the compiler, these are used. The attributes return
/// nothing for this word.
fn seen(block: &ImplBlock, around: &[syn::Attribute]) -> TokenStream {
    let word = Ident::new(args::SEEN, Span::call_site());
    let mut items = TokenStream::new();
    for item in &block.items {
        if let Item::Memoized { path, cfg, .. } = item {
            items.extend(quote! { #(#around)* #(#cfg)* #[#path(#word)] const _: () = (); });
        }
    }
    items
}

/// The tokens with `<Self as Trait>::Item` for `Self::Item`, which names a type in the `impl` of the trait alone.
fn of_trait(tokens: TokenStream, associated: &[(Ident, Option<Type>)], trait_path: &Path) -> TokenStream {
    let mut tokens = tokens.into_iter();
    let mut out = TokenStream::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(this) if this == "Self" => {
                let name = type_tokens::after_colons(tokens.clone());
                let is_type = associated.iter().any(|(item, _)| name.as_ref() == Some(item));
                out.extend(if is_type {
                    quote! { <#this as #trait_path> }
                } else {
                    this.into_token_stream()
                });
            }
            TokenTree::Group(group) => {
                let mut new = Group::new(group.delimiter(), of_trait(group.stream(), associated, trait_path));
                new.set_span(group.span());
                out.extend([TokenTree::Group(new)]);
            }
            token => out.extend([token]),
        }
    }
    out
}

/// The path of a trait, as an import has it.
fn without_arguments(path: &Path) -> Path {
    let mut path = path.clone();
    for segment in &mut path.segments {
        segment.arguments = PathArguments::None;
    }
    path
}

/// A function with a body.
struct Function {
    attrs: Vec<syn::Attribute>,
    sig: Signature,
    body: Group,
}

fn functions_in(accessors: TokenStream) -> syn::Result<Vec<Function>> {
    let parser = |input: ParseStream| {
        let mut functions = Vec::new();
        while !input.is_empty() {
            let attrs = input.call(syn::Attribute::parse_outer)?;
            input.parse::<Visibility>()?;
            functions.push(Function { attrs, sig: input.parse()?, body: body::body(input)? });
        }
        Ok(functions)
    };
    parser.parse2(accessors)
}

/// Attributes that a function has in its trait alone.
fn is_declared(attr: &syn::Attribute) -> bool {
    ["doc", "must_use", "deprecated"].iter().any(|name| attr.path().is_ident(name))
}

impl Function {
    /// Adds the trait as a bound, where the function has parameters that it may need.
    fn require(&mut self, trait_path: &Path) {
        if signature::type_params(&self.sig.generics).next().is_some() && !self.is_of_ours() {
            self.sig.generics.make_where_clause().predicates.push(parse_quote!(Self: #trait_path));
        }
    }

    /// Whether the function has parameters of its own kind, without bounds.
    fn is_of_ours(&self) -> bool {
        self.sig.ident.to_string().starts_with("__")
    }

    /// The function in the trait, without patterns and body.
    fn declaration(&self) -> TokenStream {
        let Attrs { cfg, lints, .. } = Attrs::new(&self.attrs);
        let attrs = self.attrs.iter().filter(|attr| is_declared(attr));
        let mut sig = self.sig.clone();
        for input in &mut sig.inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    receiver.attrs.clear();
                    if !matches!(receiver.kind, ReceiverKind::Reference(..)) {
                        receiver.mutability = None;
                    }
                }
                FnArg::Typed(PatType { attrs, pat, .. }) => {
                    attrs.clear();
                    **pat = Pat::Wild(PatWild {
                        attrs: Vec::new(),
                        underscore_token: Token![_](Span::call_site()),
                    });
                }
            }
        }
        let sig = type_tokens::unlinted(sig.into_token_stream());
        quote! { #(#cfg)* #(#attrs)* #(#lints)* #sig; }
    }

    fn definition(&self) -> TokenStream {
        let Self { sig, body, .. } = self;
        let attrs = self.attrs.iter().filter(|attr| !is_declared(attr));
        quote! { #(#attrs)* #sig #body }
    }
}
