//! The body of a function, as tokens.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::ParseStream;

/// The body in its braces, which `macro_rules` may have wrapped in an invisible group.
pub(crate) fn body(input: ParseStream) -> syn::Result<Group> {
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

/// Returns the inner attributes that a body begins with, as outer ones, and the rest of the body.
pub(crate) fn inner_attributes(body: TokenStream) -> (TokenStream, TokenStream) {
    let (mut outer, mut rest) = (TokenStream::new(), body);
    loop {
        let mut ahead = rest.clone().into_iter();
        match (ahead.next(), ahead.next(), ahead.next()) {
            (Some(TokenTree::Punct(hash)), Some(TokenTree::Punct(bang)), Some(TokenTree::Group(group)))
                if hash.as_char() == '#'
                    && bang.as_char() == '!'
                    && group.delimiter() == Delimiter::Bracket =>
            {
                outer.extend([TokenTree::Punct(hash), TokenTree::Group(group)]);
                rest = ahead.collect();
            }
            _ => return (outer, rest),
        }
    }
}
