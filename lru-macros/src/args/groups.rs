//! Invisible groups that `macro_rules` makes of an expression or name that it passes on.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::Expr;

/// What a token can begin.
#[derive(PartialEq)]
enum Place {
    /// An option: the beginning, or after a comma.
    Option,
    /// What follows the name of an option.
    AfterName,
    /// The value of an option.
    Value,
    /// Anything else.
    Within,
}

/// Returns the tokens of options without invisible groups that are a whole value, as in `key = $key`. A group within
/// an expression gets parentheses if it needs them, as in `$n * 2`: the compiler does not see the group.
pub(crate) fn ungrouped(tokens: TokenStream) -> TokenStream {
    let is_end = |token: Option<&TokenTree>| match token {
        None => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == ',',
        Some(_) => false,
    };
    let mut tokens = tokens.into_iter().peekable();
    let mut out = TokenStream::new();
    let mut place = Place::Option;
    while let Some(token) = tokens.next() {
        let is_whole = matches!(place, Place::Option | Place::Value) && is_end(tokens.peek());
        place = match (&token, place) {
            (TokenTree::Punct(punct), _) if punct.as_char() == ',' => Place::Option,
            (TokenTree::Ident(_), Place::Option) => Place::AfterName,
            (TokenTree::Punct(punct), Place::AfterName) if punct.as_char() == '=' => Place::Value,
            _ => Place::Within,
        };
        match token {
            TokenTree::Group(group) if is_whole && group.delimiter() == Delimiter::None => {
                out.extend(ungrouped(group.stream()));
            }
            token => out.extend([parenthesized(token)]),
        }
    }
    out
}

/// Returns the token with parentheses for invisible groups around operations.
fn parenthesized(token: TokenTree) -> TokenTree {
    let TokenTree::Group(group) = token else { return token };
    let is_operation = group.delimiter() == Delimiter::None
        && matches!(
            syn::parse2(group.stream()),
            Ok(Expr::Binary(_) | Expr::Unary(_) | Expr::Cast(_) | Expr::Range(_) | Expr::Reference(_))
        );
    let delimiter = if is_operation { Delimiter::Parenthesis } else { group.delimiter() };
    let mut new = Group::new(delimiter, group.stream().into_iter().map(parenthesized).collect());
    // Lints take parentheses of ours for the attribute's.
    new.set_span(if is_operation { Span::call_site() } else { group.span() });
    TokenTree::Group(new)
}
