//! The function as the user wrote it. Its body stays raw tokens: what is wrong in there, rustc says.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{FnArg, GenericParam, PatType, ReturnType, Signature, Token, Type, Visibility};

use crate::{args, attrs, types};

pub(crate) struct Func {
    pub(crate) attrs: Vec<syn::Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
}

impl Func {
    pub(crate) fn parse(attribute: args::Attribute, item: TokenStream) -> syn::Result<Self> {
        let parser = |input: ParseStream| {
            let attrs = input.call(syn::Attribute::parse_outer)?;
            let vis = input.parse()?;
            if !is_function(input) {
                let message = format!("`#[{}]` goes on a function", attribute.name());
                return Err(input.error(message));
            }
            let sig = input.parse()?;
            if input.peek(Token![;]) {
                let message = "a function without a body leaves nothing to cache";
                return Err(input.error(message));
            }
            Ok(Self { attrs, vis, sig, body: body(input)? })
        };
        parser.parse2(item)
    }

    /// The function as it was, without what only a cached function understands, and without the
    /// `const` that has been complained of.
    pub(crate) fn without_options(&self) -> TokenStream {
        let Self { attrs, vis, body, .. } = self;
        let mut sig = self.sig.clone();
        sig.constness = None;
        for input in &mut sig.inputs {
            if let FnArg::Typed(param) = input {
                param.attrs.retain(|attr| !attr.path().is_ident("key"));
            }
        }
        let attrs = attrs.iter().filter(|attr| !attrs::is_ours(attr));
        quote! { #(#attrs)* #vis #sig #body }
    }

    /// The parameters, `self` aside.
    pub(crate) fn params(&self) -> impl Iterator<Item = &PatType> {
        self.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(param) => Some(param),
            FnArg::Receiver(_) => None,
        })
    }

    /// The `Self` that tells an associated function.
    pub(crate) fn self_type(&self) -> Option<Ident> {
        let Signature { inputs, output, .. } = &self.sig;
        types::self_type_in(quote!(#inputs #output)).or_else(|| types::self_type_in(self.body.stream()))
    }

    /// The return type, where one is written.
    pub(crate) fn result(&self) -> Option<&Type> {
        match &self.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }

    /// Type and const parameters, lifetimes aside.
    pub(crate) fn generic_params(&self) -> impl Iterator<Item = &GenericParam> {
        self.sig.generics.params.iter().filter(|param| !matches!(param, GenericParam::Lifetime(_)))
    }
}

/// Whether `fn` comes next, qualifiers passed over.
fn is_function(input: ParseStream) -> bool {
    let ahead = input.fork();
    loop {
        if ahead.peek(Token![fn]) {
            return true;
        }
        let qualifier = ahead.peek(Token![const])
            || ahead.peek(Token![async])
            || ahead.peek(Token![unsafe])
            || ahead.peek(Token![extern])
            || ahead.peek(syn::LitStr);
        if !qualifier || ahead.parse::<TokenTree>().is_err() {
            return false;
        }
    }
}

/// The body in its braces; `macro_rules` may have wrapped them once more, in nothing.
fn body(input: ParseStream) -> syn::Result<Group> {
    let mut token: TokenTree = input.parse()?;
    loop {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return Ok(group),
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                let inner = group.stream().into_iter().next();
                token = inner.ok_or_else(|| input.error("expected a body in braces"))?;
            }
            token => return Err(syn::Error::new_spanned(token, "expected a body in braces")),
        }
    }
}
