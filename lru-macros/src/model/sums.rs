//! Sums of the current time in a `ttu` closure, which saturate.

use core::iter::Peekable;

use proc_macro2::{Group, Ident, Spacing, TokenStream, TokenTree, token_stream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, ExprClosure, Pat};

use super::krate::Krate;

/// Returns a closure to be given the current time as a `Now`, where the closure only adds to the time.
pub(super) fn saturating(ttu: &Expr, krate: &Krate) -> Option<ExprClosure> {
    let Expr::Closure(closure) = ttu else { return None };
    let name = match closure.inputs.last()? {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.mutability.is_none() && pat.subpat.is_none() => {
            &pat.ident
        }
        _ => return None,
    };
    let now = krate.at(name.span());
    let mut sums =
        Sums { name, now: quote_spanned! { name.span()=> #now::__private::Now }, is_added_to: false };
    let body = sums.of(closure.body.to_token_stream())?;
    if !sums.is_added_to {
        return None;
    }
    Some(ExprClosure { body: syn::parse2(body).ok()?, ..closure.clone() })
}

/// The sums that begin with the current time.
struct Sums<'a> {
    /// The parameter.
    name: &'a Ident,
    /// The path of `Now`.
    now: TokenStream,
    /// Whether there are any.
    is_added_to: bool,
}

impl Sums<'_> {
    /// Returns the tokens, with each sum of three and more as sums of two: `Now(now + a) + b` for `now + a + b`. `None`
    /// where the time is used in another way.
    fn of(&mut self, tokens: TokenStream) -> Option<TokenStream> {
        let mut tokens = tokens.into_iter().peekable();
        let mut done = TokenStream::new();
        // Whether a name that follows is the left side of a sum: not in `2 * now + 1`, `&now + 1` or `it.now + 1`.
        let mut may_begin = true;
        while let Some(token) = tokens.next() {
            if self.is_name(&token) {
                if !may_begin || !plus(&mut tokens) {
                    return None;
                }
                self.is_added_to = true;
                done.extend(self.sum(&token, &mut tokens)?);
                may_begin = false;
                continue;
            }
            may_begin = !matches!(&token, TokenTree::Punct(punct) if "+-*/%&^!.'".contains(punct.as_char()));
            done.extend([self.inside(token)?]);
        }
        Some(done)
    }

    /// Returns the sum of the time and the summands, after the first of which there may be others.
    fn sum(
        &mut self,
        name: &TokenTree,
        tokens: &mut Peekable<token_stream::IntoIter>,
    ) -> Option<TokenStream> {
        let mut sum = quote! { #name + };
        loop {
            let is_reference =
                |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '&');
            sum.extend(tokens.next_if(is_reference));
            while let Some(token) = tokens.next_if(|token| is_in_summand(token) && !self.is_name(token)) {
                sum.extend([self.inside(token)?]);
            }
            if !plus(tokens) {
                return Some(sum);
            }
            let now = &self.now;
            sum = quote! { #now(#sum) + };
        }
    }

    /// Returns a token, with the sums in a group.
    fn inside(&mut self, token: TokenTree) -> Option<TokenTree> {
        Some(match token {
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), self.of(group.stream())?);
                inside.set_span(group.span());
                inside.into()
            }
            // Format strings may name the time.
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.contains('{') && text.contains(&self.name.to_string()) {
                    return None;
                }
                literal.into()
            }
            token => token,
        })
    }

    fn is_name(&self, token: &TokenTree) -> bool {
        matches!(token, TokenTree::Ident(ident) if ident == self.name)
    }
}

/// Takes a `+`, and returns whether there is one. A `+=` is none.
fn plus(tokens: &mut Peekable<token_stream::IntoIter>) -> bool {
    let is_plus = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '+' && punct.spacing() == Spacing::Alone);
    tokens.next_if(is_plus).is_some()
}

/// Whether a token may be part of a summand, so that a `+` after it adds to the whole sum.
fn is_in_summand(token: &TokenTree) -> bool {
    match token {
        TokenTree::Punct(punct) if punct.as_char() == '.' => punct.spacing() == Spacing::Alone,
        TokenTree::Punct(punct) => "*/%:".contains(punct.as_char()),
        TokenTree::Ident(ident) => !["else", "if", "match"].iter().any(|keyword| ident == keyword),
        TokenTree::Literal(_) | TokenTree::Group(_) => true,
    }
}
