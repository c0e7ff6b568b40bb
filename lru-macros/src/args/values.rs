//! What the options take: the types of their values, and the parsers.
//!
//! A parser gets the option's help text, and underlines with it what was written instead of a value.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, Lit, LitBool, LitStr, Path, Token, UnOp};

use super::maxsize::MaxSize;

/// The eviction policy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Lru,
    Lfu,
    Fifo,
    Rr,
    Sieve,
    S3Fifo,
    WTinyLfu,
    Gdsf,
    Auto,
}

/// Which concurrent calls with one key are coalesced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SingleFlight {
    /// None: each computes.
    Off,
    /// Those in this process.
    Local,
    /// Those in all processes that share the backend.
    Global,
}

/// Which threads share a cache.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of the process.
    Process,
    /// None: each thread has its own.
    Thread,
}

/// How arguments and results become bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Compact,
    Json,
}

/// What happens to the copies in this process when the backend may have missed changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnLost {
    /// They live on until their time to live has passed.
    Keep,
    /// They are dropped.
    Drop,
}

/// Where the accessors of a function are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accessors {
    /// On a type of the function's name.
    Companion,
    /// Beside the method, with its name as a prefix.
    Siblings,
    /// Nowhere.
    None,
}

/// A value that is one of several words.
pub(super) trait Word: Copy + 'static {
    const WORDS: &[(&str, Self)];
}

impl Word for bool {
    const WORDS: &[(&str, Self)] = &[("true", true), ("false", false)];
}

impl Word for Policy {
    const WORDS: &[(&str, Self)] = &[
        ("lru", Self::Lru),
        ("lfu", Self::Lfu),
        ("fifo", Self::Fifo),
        ("rr", Self::Rr),
        ("sieve", Self::Sieve),
        ("s3_fifo", Self::S3Fifo),
        ("w_tinylfu", Self::WTinyLfu),
        ("gdsf", Self::Gdsf),
        ("auto", Self::Auto),
    ];
}

impl Word for SingleFlight {
    const WORDS: &[(&str, Self)] = &[("true", Self::Local), ("false", Self::Off), ("global", Self::Global)];
}

impl Word for Scope {
    const WORDS: &[(&str, Self)] = &[("process", Self::Process), ("thread", Self::Thread)];
}

impl Word for Format {
    const WORDS: &[(&str, Self)] = &[("compact", Self::Compact), ("json", Self::Json)];
}

impl Word for OnLost {
    const WORDS: &[(&str, Self)] = &[("keep", Self::Keep), ("drop", Self::Drop)];
}

impl Word for Accessors {
    const WORDS: &[(&str, Self)] =
        &[("companion", Self::Companion), ("siblings", Self::Siblings), ("none", Self::None)];
}

/// One of several words.
pub(super) fn word<T: Word>(input: ParseStream, takes: &str) -> syn::Result<T> {
    let mut expr = whole(input, takes, Expr::parse)?;
    // A `macro_rules!` macro passes an `expr` in a group without delimiters.
    while let Expr::Group(group) = expr {
        expr = *group.expr;
    }
    let text = match &expr {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        Expr::Lit(lit) => match &lit.lit {
            Lit::Bool(word) => Some(word.value.to_string()),
            _ => None,
        },
        _ => None,
    };
    let word = text.and_then(|text| T::WORDS.iter().find(|(word, _)| *word == text));
    word.map(|(_, value)| *value).ok_or_else(|| match quoted::<T>(&expr) {
        Some(word) => {
            syn::Error::new_spanned(expr, format!("{takes}; write `{word}` without quotation marks"))
        }
        None => syn::Error::new_spanned(expr, takes),
    })
}

/// The word that is written as a string.
fn quoted<T: Word>(expr: &Expr) -> Option<&'static str> {
    let Expr::Lit(lit) = expr else { return None };
    let Lit::Str(text) = &lit.lit else { return None };
    T::WORDS.iter().map(|(word, _)| *word).find(|word| *word == text.value())
}

/// A name.
pub(super) fn name(input: ParseStream, takes: &str) -> syn::Result<Ident> {
    whole(input, takes, Ident::parse)
}

/// The name of a namespace.
pub(super) fn namespace(input: ParseStream, takes: &str) -> syn::Result<LitStr> {
    let name: LitStr = whole(input, takes, |input: ParseStream| input.parse())?;
    let text = name.value();
    // The version follows a `#`.
    if text.is_empty() || text.contains(['#', '!']) {
        Err(syn::Error::new_spanned(name, takes))
    } else {
        Ok(name)
    }
}

/// A path.
pub(super) fn path(input: ParseStream, takes: &str) -> syn::Result<Path> {
    whole(input, takes, Path::parse_mod_style)
}

/// A value up to the next comma; what is none is underlined as a whole.
fn whole<T>(
    input: ParseStream,
    takes: &str,
    parse: impl FnOnce(ParseStream) -> syn::Result<T>,
) -> syn::Result<T> {
    let ahead = input.fork();
    let written =
        ahead.parse::<Expr>().map_or_else(|_| input.cursor().token_stream(), ToTokens::into_token_stream);
    match parse(input) {
        Ok(value) if input.is_empty() || input.peek(Token![,]) => Ok(value),
        _ => Err(syn::Error::new_spanned(written, takes)),
    }
}

/// Any expression: rustc checks its type.
pub(super) fn expression(input: ParseStream, _: &str) -> syn::Result<Expr> {
    input.parse()
}

/// A closure, or the path of a function.
pub(super) fn function(input: ParseStream, takes: &str) -> syn::Result<Expr> {
    let expr: Expr = input.parse()?;
    match expr {
        Expr::Closure(_) | Expr::Path(_) => Ok(expr),
        other => Err(syn::Error::new_spanned(other, takes)),
    }
}

/// What an entry weighs.
pub(crate) enum Weight {
    /// Its size in bytes; the word, to be underlined.
    Bytes(Ident),
    /// What a function returns.
    Function(Expr),
}

impl Weight {
    /// The function.
    pub(crate) fn function(&self) -> Option<&Expr> {
        match self {
            Self::Bytes(_) => None,
            Self::Function(function) => Some(function),
        }
    }
}

/// The word `bytes`, or a function. One of this name is written with its path.
pub(super) fn weight(input: ParseStream, takes: &str) -> syn::Result<Weight> {
    let function = function(input, takes)?;
    let word = match &function {
        Expr::Path(path) => path.path.get_ident().filter(|word| *word == "bytes").cloned(),
        _ => None,
    };
    Ok(word.map_or(Weight::Function(function), Weight::Bytes))
}

/// A closure: the number of its parameters tells whether it takes the result.
pub(super) fn tags(input: ParseStream, takes: &str) -> syn::Result<Expr> {
    match function(input, takes)? {
        closure @ Expr::Closure(_) => Ok(closure),
        path => {
            let message = format!(
                "{takes}; call the function in a closure: `tags = |…| {}(…)`",
                path.to_token_stream()
            );
            Err(syn::Error::new_spanned(path, message))
        }
    }
}

/// An integer: what is plainly none is refused.
pub(super) fn number(input: ParseStream, takes: &str) -> syn::Result<Expr> {
    let expr: Expr = input.parse()?;
    let is_number = match &expr {
        Expr::Lit(lit) => matches!(lit.lit, Lit::Int(_)),
        Expr::Unary(unary) => !matches!(unary.op, UnOp::Neg(_)),
        Expr::Closure(_) => false,
        _ => true,
    };
    if is_number { Ok(expr) } else { Err(syn::Error::new_spanned(expr, takes)) }
}

/// An integer above zero: what is plainly none is refused.
pub(super) fn count(input: ParseStream, takes: &str) -> syn::Result<Expr> {
    let expr = number(input, takes)?;
    let is_zero =
        matches!(&expr, Expr::Lit(lit) if matches!(&lit.lit, Lit::Int(int) if int.base10_digits() == "0"));
    if is_zero { Err(syn::Error::new_spanned(expr, takes)) } else { Ok(expr) }
}

/// A number of shards: what is plainly no power of two is refused.
pub(super) fn shards(input: ParseStream, takes: &str) -> syn::Result<Expr> {
    let expr: Expr = input.parse()?;
    let may_be = match MaxSize::new(expr.clone(), takes)? {
        MaxSize::Literal(number) => number.count_ones() == 1 && number <= 1 << 16,
        MaxSize::Expression(_) | MaxSize::AtRunTime(_) => true,
        MaxSize::None | MaxSize::Auto(_) => false,
    };
    if may_be { Ok(expr) } else { Err(syn::Error::new_spanned(expr, takes)) }
}

/// A fraction of a duration: what is plainly none is refused.
pub(super) fn fraction(input: ParseStream, takes: &str) -> syn::Result<Expr> {
    let expr = duration(input, takes)?;
    let is_too_much = |lit: &Lit| match lit {
        Lit::Int(int) => int.base10_parse::<u128>().is_ok_and(|number| number > 1),
        Lit::Float(float) => float.base10_parse::<f64>().is_ok_and(|number| number > 1.0),
        _ => false,
    };
    let is_fraction = !matches!(&expr, Expr::Lit(lit) if is_too_much(&lit.lit));
    if is_fraction { Ok(expr) } else { Err(syn::Error::new_spanned(expr, takes)) }
}

/// A duration, or a function that returns one for a result.
pub(super) fn time_to_live(input: ParseStream, takes: &str) -> syn::Result<Expr> {
    let expr: Expr = input.parse()?;
    if !is_function(&expr) && is_no_duration(&expr) {
        return Err(syn::Error::new_spanned(expr, takes));
    }
    Ok(expr)
}

/// Whether an expression is a closure, or the path of a function by its spelling: a constant is in upper case.
pub(super) fn is_function(expr: &Expr) -> bool {
    let is_lower = |name: &Ident| name.unraw().to_string().starts_with(|first: char| first.is_lowercase());
    match expr {
        Expr::Closure(_) => true,
        Expr::Path(path) => path.path.segments.last().is_some_and(|last| is_lower(&last.ident)),
        _ => false,
    }
}

/// A duration: what is plainly none is refused.
pub(super) fn duration(input: ParseStream, takes: &str) -> syn::Result<Expr> {
    let expr: Expr = input.parse()?;
    if is_no_duration(&expr) { Err(syn::Error::new_spanned(expr, takes)) } else { Ok(expr) }
}

fn is_no_duration(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) => int.base10_parse::<u128>().is_ok_and(|number| number == 0),
            Lit::Float(float) => float.base10_parse::<f64>().is_ok_and(|number| number <= 0.0),
            _ => true,
        },
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)),
        Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
            ["NAN", "INFINITY", "NEG_INFINITY", "ZERO", "None"].iter().any(|name| last.ident == name)
        }),
        Expr::Call(call) => {
            let makes_duration = |function: &syn::ExprPath| {
                function.path.segments.last().is_some_and(|last| last.ident.to_string().starts_with("from_"))
            };
            matches!(&*call.func, Expr::Path(function) if makes_duration(function))
                && call.args.len() == 1
                && call.args.iter().all(|arg| matches!(arg, Expr::Lit(_)) && is_no_duration(arg))
        }
        Expr::Group(group) => is_no_duration(&group.expr),
        Expr::Paren(paren) => is_no_duration(&paren.expr),
        _ => false,
    }
}

/// For how long stale results are served while they are refreshed.
pub(crate) enum Swr {
    Never,
    Always,
    For(Expr),
}

pub(super) fn stale(input: ParseStream, takes: &str) -> syn::Result<Swr> {
    if input.peek(LitBool) {
        return Ok(if input.parse::<LitBool>()?.value { Swr::Always } else { Swr::Never });
    }
    duration(input, takes).map(Swr::For)
}
