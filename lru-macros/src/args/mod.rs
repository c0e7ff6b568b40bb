//! The options of an attribute, as the user wrote them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, ExprUnary, Lit, LitBool, LitInt, Path, Token, UnOp, parse_quote};

use crate::errors::Errors;
use crate::type_tokens;

/// Which of the attributes was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    LruCache,
    Cache,
    FifoCache,
    LfuCache,
    RrCache,
    TtlCache,
    AsyncLruCache,
}

/// All options: what they are called, and what they take.
const OPTIONS: [(&str, &str); 34] = [
    ("maxsize", MAXSIZE),
    ("policy", POLICY),
    (
        "choice",
        "`choice` takes what chooses who leaves, by its number among the keys, such as `choice = |keys| keys.len() - 1`",
    ),
    ("seed", SEED),
    ("ttl", TTL),
    ("tti", "`tti` takes a number of seconds above zero or a `Duration`, such as `tti = 60`"),
    (
        "ttu",
        "`ttu` takes what makes the time until which a result is live, such as `ttu = |name, value, now| now + value.ttl`",
    ),
    ("jitter", JITTER),
    ("error_ttl", "`error_ttl` takes a number of seconds or a `Duration`, such as `error_ttl = 5`"),
    ("swr", SWR),
    (
        "stale_if_error",
        "`stale_if_error` takes a number of seconds or a `Duration`, such as `stale_if_error = 300`",
    ),
    ("timer", "`timer` takes a function that tells the time, such as `timer = my_clock::now`"),
    (
        "weight",
        "`weight` takes what tells the weight of a result, such as `weight = |name, text| text.len()`",
    ),
    ("on_evict", "`on_evict` takes a function, such as `on_evict = log_eviction`"),
    ("scope", "`scope` takes `process` or `thread`"),
    ("shards", SHARDS),
    ("cache", "`cache` takes the object that holds the results, such as `cache = self.prices`"),
    ("single_flight", "`single_flight` takes `true`, `false` or `global`"),
    (
        "flight_timeout",
        "`flight_timeout` takes a number of seconds or a `Duration`, such as `flight_timeout = 5`",
    ),
    ("spawn", "`spawn` takes what runs tasks, such as `spawn = functools::refresh::Tokio`"),
    ("backend", "`backend` takes what opens a store, such as `backend = my_store()`"),
    ("front_ttl", "`front_ttl` takes a number of seconds or a `Duration`, such as `front_ttl = 5`"),
    ("version", "`version` takes what is to be different from the last version, such as `version = 2`"),
    ("format", "`format` takes `compact` or `json`"),
    ("strict", "`strict` takes `true` or `false`"),
    ("on_backend_error", "`on_backend_error` takes a function, such as `on_backend_error = log_error`"),
    ("typed", "`typed` takes `true` or `false`"),
    ("key", KEY),
    ("key_fn", "`key_fn` takes what makes the key, such as `key_fn = |user, _| user.id`"),
    ("cache_errors", "`cache_errors` takes `true` or `false`"),
    ("cache_none", "`cache_none` takes `true` or `false`"),
    ("accessors", "`accessors` takes `companion`, `siblings` or `none`"),
    ("handle", "`handle` takes a name, such as `handle = fib_cache`"),
    ("crate", "`crate` takes a path, such as `crate = my_functools`"),
];

impl Attribute {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LruCache => "lru_cache",
            Self::Cache => "cache",
            Self::FifoCache => "fifo_cache",
            Self::LfuCache => "lfu_cache",
            Self::RrCache => "rr_cache",
            Self::TtlCache => "ttl_cache",
            Self::AsyncLruCache => "async_lru_cache",
        }
    }

    /// The options it knows: not those that it stands for itself.
    fn options(self) -> impl Iterator<Item = &'static str> {
        let own: &[&str] = match self {
            Self::LruCache => &[],
            Self::TtlCache | Self::AsyncLruCache => &["cache"],
            Self::Cache => &["maxsize", "policy", "choice", "seed", "weight", "cache"],
            Self::FifoCache | Self::LfuCache | Self::RrCache => &["policy", "cache"],
        };
        OPTIONS.iter().map(|&(name, _)| name).filter(move |name| !own.contains(name))
    }

    /// What to write instead of an option that it stands for itself.
    fn instead_of(self, option: &str) -> Option<String> {
        let name = self.name();
        match (self, option) {
            (Self::Cache, "maxsize") => Some(UNBOUNDED.to_owned()),
            (Self::Cache, "weight") => Some(
                "`weight` counts against `maxsize`, and `#[cache]` has none; write `#[lru_cache(maxsize = …, weight = …)]`"
                    .to_owned(),
            ),
            (Self::Cache, "policy" | "choice" | "seed") => {
                Some(format!("`#[cache]` keeps everything; write `#[lru_cache(maxsize = …, {option} = …)]`"))
            }
            (Self::FifoCache | Self::LfuCache | Self::RrCache, "policy") => {
                let policy = name.trim_end_matches("_cache");
                Some(format!("the policy of `#[{name}]` is `{policy}`; for another write `#[lru_cache(policy = …)]`"))
            }
            (Self::LruCache, _) => None,
            (_, "cache") => Some(format!(
                "`#[{name}]` says how an own cache is; for one in an object write `#[lru_cache(cache = …)]`"
            )),
            _ => None,
        }
    }

    fn knows(self, name: &str) -> bool {
        self.options().any(|option| option == name)
    }

    /// What it stands for.
    fn defaults(self) -> Args {
        let policy = match self {
            Self::FifoCache => Some(Policy::Fifo),
            Self::LfuCache => Some(Policy::Lfu),
            Self::RrCache => Some(Policy::Rr),
            Self::LruCache | Self::Cache | Self::TtlCache | Self::AsyncLruCache => None,
        };
        let maxsize = match self {
            Self::Cache => Some(MaxSize::None),
            Self::AsyncLruCache => Some(MaxSize::Literal(256)),
            _ => None,
        };
        let ttl = match self {
            // Ten minutes, as in cachetools.
            Self::TtlCache => Some(parse_quote!(600)),
            Self::AsyncLruCache => Some(parse_quote!(60)),
            _ => None,
        };
        Args { maxsize, policy, ttl, ..Args::default() }
    }
}

/// Who leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Lru,
    Lfu,
    Fifo,
    Rr,
    Sieve,
    S3Fifo,
    WTinyLfu,
}

/// `maxsize` as it was written.
#[derive(Clone)]
pub(crate) enum MaxSize {
    None,
    Literal(i128),
    /// A constant expression, of an integer type if all is well.
    Expression(Expr),
}

/// Whether of calls that miss at one time only one computes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SingleFlight {
    /// None waits for another.
    Off,
    /// Of those in this process.
    Local,
    /// Of those in all processes.
    Global,
}

/// Who has the results.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All threads together.
    Process,
    /// Each thread its own.
    Thread,
}

/// How arguments and results become bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Compact,
    Json,
}

/// How long stale results are served while they are refreshed.
#[derive(Clone)]
pub(crate) enum Swr {
    Never,
    Always,
    For(Expr),
}

/// Where the accessors of a function stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accessors {
    /// On a type of the function's name.
    Companion,
    /// Beside the method, with its name in front.
    Siblings,
    /// Nowhere.
    None,
}

/// An option's value, and where it was written.
#[derive(Clone)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// The options, `None` where they were not given or are mistaken.
#[derive(Clone, Default)]
pub(crate) struct Args {
    pub(crate) maxsize: Option<MaxSize>,
    pub(crate) policy: Option<Policy>,
    /// Who chooses what is to leave.
    pub(crate) choice: Option<Expr>,
    pub(crate) seed: Option<Expr>,
    pub(crate) ttl: Option<Expr>,
    pub(crate) tti: Option<Expr>,
    /// What makes the time until which a result is live: a closure, or the path of a function.
    pub(crate) ttu: Option<Expr>,
    pub(crate) jitter: Option<Expr>,
    pub(crate) error_ttl: Option<Expr>,
    pub(crate) swr: Option<Swr>,
    pub(crate) stale_if_error: Option<Expr>,
    pub(crate) timer: Option<Expr>,
    /// What tells the weight of a result.
    pub(crate) weight: Option<Expr>,
    /// Who is told what left.
    pub(crate) on_evict: Option<Expr>,
    pub(crate) scope: Option<Scope>,
    /// In how many parts the cache is.
    pub(crate) shards: Option<Expr>,
    /// The object that holds the results.
    pub(crate) cache: Option<Expr>,
    pub(crate) single_flight: Option<SingleFlight>,
    pub(crate) flight_timeout: Option<Expr>,
    /// What refreshes of stale results are run by.
    pub(crate) spawn: Option<Expr>,
    /// What opens a store outside the process.
    pub(crate) backend: Option<Expr>,
    /// For how long this process has a copy of what lies there.
    pub(crate) front_ttl: Option<Expr>,
    pub(crate) version: Option<Expr>,
    pub(crate) format: Option<Format>,
    pub(crate) strict: Option<bool>,
    /// Who is told what a backend could not do.
    pub(crate) on_backend_error: Option<Expr>,
    pub(crate) typed: Option<Spanned<bool>>,
    /// What makes the key of the arguments: a closure, or the path of a function.
    pub(crate) key: Option<Expr>,
    pub(crate) cache_errors: Option<bool>,
    pub(crate) cache_none: Option<bool>,
    pub(crate) accessors: Option<Spanned<Accessors>>,
    pub(crate) handle: Option<Ident>,
    pub(crate) krate: Option<Path>,
    /// The names of the options given so far.
    given: Vec<Ident>,
}

impl Args {
    /// Whether of calls that miss at one time only one computes: on an `async fn` where nobody says, and
    /// other threads have the results too.
    pub(crate) fn shares(&self, is_async: bool) -> bool {
        self.single_flight.map_or(is_async && !self.is_per_thread(), |single| single != SingleFlight::Off)
    }

    /// Whether each thread has a cache of its own.
    pub(crate) fn is_per_thread(&self) -> bool {
        self.scope == Some(Scope::Thread)
    }

    /// The name of an option as it was written, to be underlined.
    pub(crate) fn name(&self, option: &str) -> Option<&Ident> {
        self.given.iter().find(|given| same_option(given) == option)
    }
}

impl Args {
    /// Reads all options, noting every mistake on the way.
    pub(crate) fn parse(attribute: Attribute, tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = attribute.defaults();
        let parser = |input: ParseStream| {
            let mut first = true;
            while !input.is_empty() {
                if let Err(error) = args.parse_one(attribute, input, first) {
                    errors.add(error);
                    skip_to_comma(input)?;
                }
                first = false;
                if input.is_empty() {
                    break;
                }
                if let Err(error) = input.parse::<Token![,]>() {
                    errors.add(error);
                    skip_to_comma(input)?;
                    input.parse::<Option<Token![,]>>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.add(error);
        }
        args
    }

    fn parse_one(&mut self, attribute: Attribute, input: ParseStream, first: bool) -> syn::Result<()> {
        let named = input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]);
        if !named {
            return self.parse_positional(attribute, input, first);
        }
        let name = input.call(Ident::parse_any)?;
        let text = name.to_string();
        if !attribute.knows(&text) {
            let error = syn::Error::new(name.span(), unknown(attribute, &text));
            if text == "cache" {
                // What holds the cache is no argument, even where it may not.
                input.parse::<Token![=]>()?;
                self.cache = Some(input.parse()?);
            }
            return Err(error);
        }
        let duplicate = self.given.iter().any(|given| same_option(given) == same_option(&name));
        let at = name.span();
        self.given.push(name.clone());
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(name.span(), format!("`{text}` has no value; {}", takes(&text))));
        }
        match text.as_str() {
            "maxsize" => self.maxsize = Some(input.parse()?),
            "policy" => self.policy = Some(input.parse()?),
            "choice" => self.choice = Some(function(input, takes("choice"))?),
            "seed" => self.seed = Some(seed(input)?),
            "ttl" => self.ttl = Some(span(input, TTL)?),
            "tti" => self.tti = Some(span(input, takes("tti"))?),
            "ttu" => self.ttu = Some(function(input, takes("ttu"))?),
            "jitter" => self.jitter = Some(span(input, JITTER)?),
            "error_ttl" => self.error_ttl = Some(span(input, takes("error_ttl"))?),
            "swr" => self.swr = Some(input.parse()?),
            "stale_if_error" => self.stale_if_error = Some(span(input, takes("stale_if_error"))?),
            "single_flight" => self.single_flight = Some(value(input, &text)?),
            "flight_timeout" => self.flight_timeout = Some(span(input, takes("flight_timeout"))?),
            "spawn" => self.spawn = Some(input.parse()?),
            "backend" => self.backend = Some(input.parse()?),
            "front_ttl" => self.front_ttl = Some(span(input, takes("front_ttl"))?),
            "version" => self.version = Some(input.parse()?),
            "format" => self.format = Some(value(input, &text)?),
            "strict" => self.strict = Some(value::<LitBool>(input, &text)?.value),
            "on_backend_error" => self.on_backend_error = Some(function(input, takes("on_backend_error"))?),
            "timer" => self.timer = Some(function(input, takes("timer"))?),
            "weight" => self.weight = Some(function(input, takes("weight"))?),
            "on_evict" => self.on_evict = Some(function(input, takes("on_evict"))?),
            "scope" => self.scope = Some(value(input, &text)?),
            "shards" => self.shards = Some(shards(input)?),
            "cache" => self.cache = Some(input.parse()?),
            "typed" => self.typed = Some(Spanned { value: value::<LitBool>(input, &text)?.value, span: at }),
            "key" | "key_fn" => self.key = Some(function(input, KEY)?),
            "cache_errors" => self.cache_errors = Some(value::<LitBool>(input, &text)?.value),
            "cache_none" => self.cache_none = Some(value::<LitBool>(input, &text)?.value),
            "accessors" => self.accessors = Some(Spanned { value: value(input, &text)?, span: at }),
            "handle" => self.handle = Some(value::<Ident>(input, &text)?),
            _ => self.krate = Some(value_with(input, &text, Path::parse_mod_style)?),
        }
        if duplicate {
            return Err(syn::Error::new(name.span(), format!("duplicate option `{text}`")));
        }
        Ok(())
    }

    /// An option without a name is `maxsize`, and stands first: `lru_cache(64)`.
    fn parse_positional(&mut self, attribute: Attribute, input: ParseStream, first: bool) -> syn::Result<()> {
        let expr: Expr = input.parse()?;
        if let Some(name) = option_in(&expr, attribute) {
            self.given.push(Ident::new(&name, type_tokens::first_span(&expr)));
            let message = format!("options are written `name = value`; {}", takes(&name));
            return Err(syn::Error::new_spanned(expr, message));
        }
        if attribute == Attribute::Cache {
            return Err(syn::Error::new_spanned(expr, UNBOUNDED));
        }
        if !first {
            let message = "only `maxsize` may stand without its name, and it stands first";
            return Err(syn::Error::new_spanned(expr, message));
        }
        self.given.push(Ident::new("maxsize", type_tokens::first_span(&expr)));
        self.maxsize = Some(MaxSize::try_from(expr)?);
        Ok(())
    }
}

const UNBOUNDED: &str = "`#[cache]` keeps everything; for a bound write `#[lru_cache(maxsize = …)]`";
const MAXSIZE: &str = "`maxsize` takes an integer or `None`";
const KEY: &str = "`key` takes what makes the key, such as `key = |user, _| user.id`";

const POLICY: &str = "`policy` takes one of `lru`, `lfu`, `fifo`, `rr`, `sieve`, `s3_fifo` and `w_tinylfu`";
const SHARDS: &str = "`shards` takes a power of two up to 65536, such as `shards = 16`";
const SEED: &str = "`seed` takes a number, such as `seed = 42`";
const TTL: &str = "`ttl` takes a number of seconds above zero or a `Duration`, such as `ttl = 60`, `ttl = 0.05` or `ttl = Duration::from_millis(50)`";
const SWR: &str =
    "`swr` takes `true`, or for how many seconds past the `ttl` a stale result is served, such as `swr = 30`";
const JITTER: &str = "`jitter` takes a part of `ttl`, above 0 and up to 1, such as `jitter = 0.1`";

/// What an option takes, as an instruction.
fn takes(option: &str) -> &'static str {
    OPTIONS.iter().find(|(name, _)| *name == option).map_or("", |(_, takes)| takes)
}

/// The value of an option, or what the option takes, under what was written instead.
fn value<T: Parse>(input: ParseStream, option: &str) -> syn::Result<T> {
    value_with(input, option, T::parse)
}

fn value_with<T>(
    input: ParseStream,
    option: &str,
    parse: impl FnOnce(ParseStream) -> syn::Result<T>,
) -> syn::Result<T> {
    let ahead = input.fork();
    let written =
        ahead.parse::<Expr>().map_or_else(|_| input.cursor().token_stream(), ToTokens::into_token_stream);
    let is_whole = |input: ParseStream| input.is_empty() || input.peek(Token![,]);
    match parse(input) {
        Ok(value) if is_whole(input) => Ok(value),
        _ => Err(syn::Error::new_spanned(written, takes(option))),
    }
}

/// Two spellings of one option.
fn same_option(name: &Ident) -> String {
    let name = name.to_string();
    if name == "key_fn" { "key".to_owned() } else { name }
}

/// A closure, or the path of a function.
fn function(input: ParseStream, takes: &str) -> syn::Result<Expr> {
    let expr: Expr = input.parse()?;
    match expr {
        Expr::Closure(_) | Expr::Path(_) => Ok(expr),
        other => Err(syn::Error::new_spanned(other, takes)),
    }
}

/// A constant number: what is plainly none is refused.
fn seed(input: ParseStream) -> syn::Result<Expr> {
    let expr: Expr = input.parse()?;
    let is_number = match &expr {
        Expr::Lit(lit) => matches!(lit.lit, Lit::Int(_)),
        Expr::Unary(unary) => !matches!(unary.op, UnOp::Neg(_)),
        Expr::Closure(_) => false,
        _ => true,
    };
    if is_number { Ok(expr) } else { Err(syn::Error::new_spanned(expr, SEED)) }
}

/// A number of parts: what is plainly no power of two is refused.
fn shards(input: ParseStream) -> syn::Result<Expr> {
    let expr: Expr = input.parse()?;
    let may_be = match MaxSize::try_from(expr.clone()) {
        Ok(MaxSize::Literal(number)) => number.count_ones() == 1 && number <= 1 << 16,
        Ok(MaxSize::Expression(_)) => true,
        Ok(MaxSize::None) | Err(_) => false,
    };
    if may_be { Ok(expr) } else { Err(syn::Error::new_spanned(expr, SHARDS)) }
}

/// A length of time, or a part of one: what is plainly neither is refused.
fn span(input: ParseStream, takes: &str) -> syn::Result<Expr> {
    let expr: Expr = input.parse()?;
    if is_no_span(&expr) { Err(syn::Error::new_spanned(expr, takes)) } else { Ok(expr) }
}

fn is_no_span(expr: &Expr) -> bool {
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
            let makes_span = |function: &syn::ExprPath| {
                function.path.segments.last().is_some_and(|last| last.ident.to_string().starts_with("from_"))
            };
            matches!(&*call.func, Expr::Path(function) if makes_span(function))
                && call.args.len() == 1
                && call.args.iter().all(|arg| matches!(arg, Expr::Lit(_)) && is_no_span(arg))
        }
        Expr::Group(group) => is_no_span(&group.expr),
        Expr::Paren(paren) => is_no_span(&paren.expr),
        _ => false,
    }
}

impl Parse for Policy {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let written: Expr = input.parse()?;
        let name = match &written {
            Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
            _ => None,
        };
        match name.as_deref() {
            Some("lru") => Ok(Self::Lru),
            Some("lfu") => Ok(Self::Lfu),
            Some("fifo") => Ok(Self::Fifo),
            Some("rr") => Ok(Self::Rr),
            Some("sieve") => Ok(Self::Sieve),
            Some("s3_fifo") => Ok(Self::S3Fifo),
            Some("w_tinylfu") => Ok(Self::WTinyLfu),
            _ => Err(syn::Error::new_spanned(written, POLICY)),
        }
    }
}

impl Parse for SingleFlight {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        if input.peek(LitBool) {
            return Ok(if input.parse::<LitBool>()?.value { Self::Local } else { Self::Off });
        }
        let name: Ident = input.parse()?;
        if name == "global" {
            Ok(Self::Global)
        } else {
            Err(syn::Error::new(name.span(), takes("single_flight")))
        }
    }
}

impl Parse for Scope {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let name: Ident = input.parse()?;
        match name.to_string().as_str() {
            "process" => Ok(Self::Process),
            "thread" => Ok(Self::Thread),
            _ => Err(syn::Error::new(name.span(), takes("scope"))),
        }
    }
}

impl Parse for Format {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let name: Ident = input.parse()?;
        match name.to_string().as_str() {
            "compact" => Ok(Self::Compact),
            "json" => Ok(Self::Json),
            _ => Err(syn::Error::new(name.span(), takes("format"))),
        }
    }
}

impl Parse for Swr {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        if input.peek(LitBool) {
            return Ok(if input.parse::<LitBool>()?.value { Self::Always } else { Self::Never });
        }
        span(input, SWR).map(Self::For)
    }
}

impl Parse for Accessors {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let name: Ident = input.parse()?;
        match name.to_string().as_str() {
            "companion" => Ok(Self::Companion),
            "siblings" => Ok(Self::Siblings),
            "none" => Ok(Self::None),
            _ => Err(syn::Error::new(name.span(), takes("accessors"))),
        }
    }
}

impl Parse for MaxSize {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        Self::try_from(input.parse::<Expr>()?)
    }
}

impl TryFrom<Expr> for MaxSize {
    type Error = syn::Error;

    fn try_from(expr: Expr) -> syn::Result<Self> {
        let refused = |expr| Err(syn::Error::new_spanned(expr, MAXSIZE));
        match &expr {
            Expr::Path(path) if is_none(&path.path) => Ok(Self::None),
            Expr::Lit(lit) => match &lit.lit {
                Lit::Int(int) => Ok(literal(int).map_or(Self::Expression(expr), Self::Literal)),
                Lit::Byte(byte) => Ok(Self::Literal(byte.value().into())),
                _ => refused(expr),
            },
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr: inner, .. }) => match &**inner {
                Expr::Lit(lit) => match &lit.lit {
                    Lit::Int(int) => Ok(literal(int).map_or(Self::Expression(expr), |_| Self::Literal(0))),
                    _ => refused(expr),
                },
                _ => Ok(Self::Expression(expr)),
            },
            Expr::Group(group) => Self::try_from((*group.expr).clone()),
            Expr::Paren(paren) => Self::try_from((*paren.expr).clone()),
            // As the bound is told by `cache_info`, and as many will try.
            Expr::Call(call) if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Some")) => {
                refused(expr)
            }
            _ => Ok(Self::Expression(expr)),
        }
    }
}

/// Whether a path is `None`, or `Option::None` with whatever before it.
fn is_none(path: &Path) -> bool {
    let mut segments = path.segments.iter().rev().map(|segment| &segment.ident);
    segments.next().is_some_and(|last| last == "None")
        && segments.next().is_none_or(|option| option == "Option")
}

/// The number that a literal spells, as far as it matters for a bound; whether it fits its suffix,
/// rustc says.
fn literal(int: &LitInt) -> Option<i128> {
    if !int.suffix().is_empty() {
        return None;
    }
    let number: u128 = int.base10_parse().ok()?;
    Some(i128::try_from(number).unwrap_or(i128::MAX))
}

/// The option that an expression without `=` seems to mean: `typed`, `maxsize(8)`.
fn option_in(expr: &Expr, attribute: Attribute) -> Option<String> {
    let path = match expr {
        Expr::Path(path) => path,
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path,
            _ => return None,
        },
        _ => return None,
    };
    let name = path.path.get_ident()?.to_string();
    attribute.knows(&name).then_some(name)
}

fn unknown(attribute: Attribute, name: &str) -> String {
    if let Some(instead) = attribute.instead_of(name) {
        return instead;
    }
    let known: Vec<_> = attribute.options().map(|option| format!("`{option}`")).collect();
    let known = known.join(", ");
    let nearest = attribute.options().map(|option| (distance(name, option), option)).min();
    match nearest {
        Some((distance, option)) if distance <= option.len() / 2 => {
            format!("unknown option `{name}`; did you mean `{option}`? expected one of {known}")
        }
        _ => format!("unknown option `{name}`; expected one of {known}"),
    }
}

/// How many letters must be changed, added or removed to turn one word into the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (above, a) in one.chars().enumerate() {
        let (mut diagonal, mut left) = (above, above + 1);
        let mut next = vec![left];
        for (b, &up) in other.chars().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != b)).min(up + 1).min(left + 1);
            diagonal = up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// Passes over the rest of an option: a value with commas in it, such as a closure, as a whole.
fn skip_to_comma(input: ParseStream) -> syn::Result<()> {
    input.parse::<Option<Token![=]>>()?;
    let ahead = input.fork();
    if ahead.parse::<Expr>().is_ok() && (ahead.is_empty() || ahead.peek(Token![,])) {
        input.advance_to(&ahead);
    }
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}
