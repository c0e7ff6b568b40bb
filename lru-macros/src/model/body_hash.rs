//! A hash of a function's own code: `version = body`.
//!
//! It covers the signature and the body, and depends neither on spaces, line breaks and comments, nor on trailing commas, nor
//! on the compiler.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

use crate::signature::Func;

/// The operators of more than one character, the longest first.
const OPERATORS: [&str; 25] = [
    "<<=", ">>=", "...", "..=", "::", "->", "=>", "==", "!=", "<=", ">=", "&&", "||", "+=", "-=", "*=", "/=",
    "%=", "^=", "&=", "|=", "<<", ">>", "..", "<-",
];

pub(super) fn of(func: &Func) -> u64 {
    let mut hash = Hash(0xcbf2_9ce4_8422_2325);
    hash.tokens(func.sig.to_token_stream(), false);
    hash.group(&func.body, false);
    hash.0
}

/// FNV-1a, a hash that is the same everywhere.
struct Hash(u64);

impl Hash {
    /// Adds a token.
    fn token(&mut self, token: &str) {
        for byte in token.bytes().chain([0]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn group(&mut self, group: &Group, may_be_tuple: bool) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        self.token(open);
        let is_tuple = may_be_tuple && group.delimiter() == Delimiter::Parenthesis;
        self.tokens(group.stream(), is_tuple);
        self.token(close);
    }

    fn tokens(&mut self, stream: TokenStream, is_tuple: bool) {
        let tokens: Vec<_> = without_docs(stream);
        let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
        let commas = tokens.iter().filter(|token| is_comma(token)).count();
        let is_trailing = tokens.last().is_some_and(is_comma) && !(is_tuple && commas == 1);
        let tokens = tokens.get(..tokens.len() - usize::from(is_trailing)).unwrap_or_default();
        let mut operators = String::new();
        // A call or a macro may end with a comma; a tuple of one element must.
        let mut follows_callee = false;
        for token in tokens {
            if let TokenTree::Punct(punct) = token {
                operators.push(punct.as_char());
                follows_callee = matches!(punct.as_char(), '>' | '!' | '?');
                if punct.spacing() == Spacing::Alone {
                    self.operators(&mut operators);
                }
                continue;
            }
            self.operators(&mut operators);
            match token {
                TokenTree::Group(group) => self.group(group, !follows_callee),
                other => self.token(&other.to_string()),
            }
            follows_callee = true;
        }
        self.operators(&mut operators);
    }

    /// Adds operators that are written without spaces between them.
    fn operators(&mut self, operators: &mut String) {
        let mut rest = operators.as_str();
        while let Some(first) = rest.chars().next() {
            let longest = OPERATORS.iter().find(|operator| rest.starts_with(**operator));
            let (operator, after) =
                rest.split_at(longest.map_or(first.len_utf8(), |operator| operator.len()));
            self.token(operator);
            rest = after;
        }
        operators.clear();
    }
}

/// The tokens without doc comments, which are attributes.
fn without_docs(stream: TokenStream) -> Vec<TokenTree> {
    let mut tokens: Vec<TokenTree> = Vec::new();
    for token in stream {
        if is_doc(&token) {
            while tokens.last().is_some_and(
                |last| matches!(last, TokenTree::Punct(punct) if matches!(punct.as_char(), '#' | '!')),
            ) {
                tokens.pop();
            }
        } else {
            tokens.push(token);
        }
    }
    tokens
}

/// Whether a token is `[doc = "…"]`.
fn is_doc(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    let mut inner = group.stream().into_iter();
    group.delimiter() == Delimiter::Bracket
        && matches!(inner.next(), Some(TokenTree::Ident(name)) if name == "doc")
        && matches!(inner.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(item: &str) -> u64 {
        of(&Func::parse("lru_cache", item.parse().expect("tokens")).expect("a function"))
    }

    #[test]
    fn formatting_and_comments_are_no_changes() {
        let plain =
            hash("fn f(a: u8, b: Vec<Vec<u8>>) -> bool { g(a, &b); let t = (a,); a > -1 && b != [1] }");
        let other = "
            /// Documented.
            pub fn f(
                a: u8, // an argument
                b: Vec<Vec<u8>>,
            ) -> bool {
                /// A comment.
                g(
                    a, &b,
                );
                let t=(a,);
                a>-1&&b!=[1,]
            }";
        assert_eq!(plain, hash(other));
    }

    #[test]
    fn changes_are_changes() {
        let all = [
            "fn f(a: u8) -> u8 { a }",
            "fn f(a: u8) -> u8 { a + 1 }",
            "fn f(a: u8) -> u8 { a + 2 }",
            "fn f(a: u8) -> u8 { a - 1 }",
            "fn f(a: u16) -> u8 { a }",
            "fn f(a: u8) -> (u8,) { (a,) }",
            "fn f(a: u8) -> (u8,) { (a) }",
            "fn f(a: u8) -> u8 { \"a\" }",
            "fn f(a: u8) -> u8 { { a } }",
            "fn f(a: u8) -> u8 { a & &a }",
            "fn f(a: u8) -> u8 { a && a }",
        ];
        for (number, one) in all.iter().enumerate() {
            assert!(!all[..number].iter().any(|other| hash(one) == hash(other)), "{one}");
        }
    }

    #[test]
    fn a_hash_is_the_same_everywhere() {
        assert_eq!(hash("fn f(a: u8) -> u8 { a }"), 9_085_986_215_976_593_671);
    }
}
