//! The options of `#[memoize]`.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Token, Visibility};

use crate::errors::Errors;

/// The options of `#[memoize]` on an `impl`.
#[derive(Default)]
pub(crate) struct BlockArgs {
    /// The visibility of the accessors.
    pub(crate) vis: Option<Visibility>,
    /// The name of a trait for the accessors.
    pub(crate) accessors: Option<Ident>,
}

impl BlockArgs {
    /// Reads the options, and adds a mistake to `errors`.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let parser = |input: ParseStream| {
            while !input.is_empty() {
                args.parse_one(input)?;
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.add(error);
        }
        args
    }

    fn parse_one(&mut self, input: ParseStream) -> syn::Result<()> {
        if input.peek(Token![pub]) {
            if self.vis.is_some() {
                return Err(input.error("the accessors have one visibility; remove the other"));
            }
            self.vis = Some(input.parse()?);
            return Ok(());
        }
        let at = input.span();
        match input.call(Ident::parse_any) {
            Ok(name) if name == "accessors" && self.accessors.is_none() => {
                input.parse::<Token![=]>()?;
                self.accessors = Some(input.parse()?);
                Ok(())
            }
            Ok(name) if name == "accessors" => {
                Err(syn::Error::new(at, "duplicate option `accessors`; remove one of them"))
            }
            _ => Err(syn::Error::new(
                at,
                "`#[memoize]` takes the visibility of the accessors, such as `pub`, and `accessors = Name`; the options of a cache are on its method: `#[lru_cache(maxsize = …)]`",
            )),
        }
    }
}
