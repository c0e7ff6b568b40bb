//! The value of `maxsize`.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprRange, ExprUnary, Lit, LitInt, Path, RangeLimits, Token, UnOp};

/// `maxsize` as it was written.
pub(crate) enum MaxSize {
    None,
    Literal(i128),
    /// A constant expression; whether it is an integer, rustc checks.
    Expression(Expr),
    /// An expression with a call or a field: it is evaluated at run time.
    AtRunTime(Expr),
    /// The bounds of a capacity that the cache sets itself: a range, evaluated at run time.
    Auto(Expr),
}

/// How `maxsize = auto(…)` is written.
const AUTO: &str = "`maxsize = auto(…)` takes the least and the greatest capacity, as in `auto(64..=10_000)`";

pub(super) fn maxsize(input: ParseStream, takes: &str) -> syn::Result<MaxSize> {
    MaxSize::new(input.parse()?, takes)
}

impl MaxSize {
    /// The bound of a cache whose `maxsize` is not given: as in Python.
    pub(crate) const DEFAULT: i128 = 128;

    pub(crate) fn new(expr: Expr, takes: &str) -> syn::Result<Self> {
        let refused = |expr| Err(syn::Error::new_spanned(expr, takes));
        match &expr {
            Expr::Path(path) if is_none(&path.path) => Ok(Self::None),
            Expr::Lit(lit) => match &lit.lit {
                Lit::Int(int) => Ok(literal(int).map_or(Self::Expression(expr), Self::Literal)),
                Lit::Byte(byte) => Ok(Self::Literal(byte.value().into())),
                _ => refused(expr),
            },
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr: inner, .. })
                if matches!(&**inner, Expr::Lit(_)) =>
            {
                match &**inner {
                    Expr::Lit(lit) => match &lit.lit {
                        Lit::Int(int) => {
                            Ok(literal(int).map_or(Self::Expression(expr), |_| Self::Literal(0)))
                        }
                        _ => refused(expr),
                    },
                    _ => Ok(Self::Expression(expr)),
                }
            }
            Expr::Group(group) => Self::new((*group.expr).clone(), takes),
            Expr::Paren(paren) => Self::new((*paren.expr).clone(), takes),
            Expr::Call(call) if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("auto")) => {
                bounds(&call.args).map(Self::Auto).ok_or_else(|| syn::Error::new_spanned(expr, AUTO))
            }
            Expr::Path(path) if path.path.is_ident("auto") => Err(syn::Error::new_spanned(expr, AUTO)),
            // As `cache_info` shows the bound, and as many will try.
            Expr::Call(call) if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Some")) => {
                refused(expr)
            }
            _ if is_no_constant(expr.to_token_stream()) => Ok(Self::AtRunTime(expr)),
            _ => Ok(Self::Expression(expr)),
        }
    }

    /// The expression of a bound that is no literal.
    pub(crate) fn expression(&self) -> Option<&Expr> {
        match self {
            Self::None | Self::Literal(_) => None,
            Self::Expression(expr) | Self::AtRunTime(expr) | Self::Auto(expr) => Some(expr),
        }
    }

    /// Whether the bound is known at run time only.
    pub(crate) fn is_at_run_time(&self) -> bool {
        matches!(self, Self::AtRunTime(_) | Self::Auto(_))
    }
}

/// The range of `auto(min..=max)`, unless both ends are numbers in the wrong order.
fn bounds(args: &Punctuated<Expr, Token![,]>) -> Option<Expr> {
    let (Some(range), 1) = (args.first(), args.len()) else { return None };
    match range {
        Expr::Range(ExprRange {
            start: Some(start), end: Some(end), limits: RangeLimits::Closed(_), ..
        }) => {
            let number = |expr: &Expr| match MaxSize::new(expr.clone(), "") {
                Ok(MaxSize::Literal(number)) => Some(number),
                _ => None,
            };
            let (min, max) = (number(start), number(end));
            let is_right = max.is_none_or(|max| max > 0 && min.is_none_or(|min| min <= max));
            is_right.then(|| range.clone())
        }
        _ => None,
    }
}

/// Whether an expression calls a function or a method, follows a reference by `*`, or reads a field, outside of `const { … }`: a
/// constant can do so only with constant functions and of constants, and which are constant cannot be seen. A field may be that
/// of what a `LazyLock` holds.
pub(crate) fn is_no_constant(tokens: TokenStream) -> bool {
    const KEYWORDS: [&str; 8] = ["as", "else", "if", "in", "match", "move", "return", "while"];
    let (mut is_called, mut is_const, mut is_operand, mut is_of) = (false, false, false, false);
    tokens.into_iter().any(|token| {
        let (was_called, was_const, was_operand, was_of) = (is_called, is_const, is_operand, is_of);
        (is_called, is_const, is_operand, is_of) = (false, false, true, false);
        if was_of && !matches!(&token, TokenTree::Punct(_)) {
            return true;
        }
        match token {
            TokenTree::Ident(word) => {
                is_const = word == "const";
                is_operand = !is_const && !KEYWORDS.iter().any(|keyword| word == keyword);
                is_called = is_operand;
                false
            }
            TokenTree::Punct(punct) => {
                // Of `f::<N>()`, the end of the arguments.
                is_called = punct.as_char() == '>';
                is_operand = false;
                // Not that of a range: its first dot follows an operand too, and is joined with the second.
                is_of = punct.as_char() == '.' && was_operand && punct.spacing() == Spacing::Alone;
                punct.as_char() == '*' && !was_operand
            }
            TokenTree::Literal(_) => false,
            TokenTree::Group(group) => {
                let is_call = group.delimiter() == Delimiter::Parenthesis && was_called;
                let is_constant = group.delimiter() == Delimiter::Brace && was_const;
                is_call || (!is_constant && is_no_constant(group.stream()))
            }
        }
    })
}

/// Whether a path is `None`, or `Option::None` with any prefix.
fn is_none(path: &Path) -> bool {
    let mut segments = path.segments.iter().rev().map(|segment| &segment.ident);
    segments.next().is_some_and(|last| last == "None")
        && segments.next().is_none_or(|option| option == "Option")
}

/// The number of a literal, for comparison with a bound; whether it fits its suffix, rustc checks.
fn literal(int: &LitInt) -> Option<i128> {
    if !int.suffix().is_empty() {
        return None;
    }
    let number: u128 = int.base10_parse().ok()?;
    Some(i128::try_from(number).unwrap_or(i128::MAX))
}
