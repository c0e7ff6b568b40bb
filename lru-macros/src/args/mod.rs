//! The options of an attribute, as the user wrote them.
//!
//! All options are read before an error is reported; each mistake is added to [`Errors`], and the option is
//! then absent.

mod attribute;
mod block;
mod given;
mod groups;
mod maxsize;
mod suggest;
mod synonyms;
mod table;
mod values;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, Token, parse_quote};

use crate::errors::Errors;
use crate::type_tokens;

pub(crate) use attribute::Attribute;
pub(crate) use block::BlockArgs;
pub(crate) use given::Given;
pub(crate) use groups::ungrouped;
pub(crate) use maxsize::{MaxSize, is_no_constant};
pub(crate) use table::{Args, Backend, Eviction, Expiry, Flight, Items, Placement, Results, Validity};
#[cfg(test)]
pub(crate) use table::{Described, REFERENCE};
pub(crate) use values::{Accessors, Format, OnLost, Policy, Scope, SingleFlight, Swr, Weight};

use table::Entry;

/// The option of an attribute that `#[memoize]` has seen. Its item is there for the compiler, which counts the attribute as
/// used, and becomes nothing.
pub(crate) const SEEN: &str = "__seen_by_memoize";

/// The names of the options that an attribute takes.
#[cfg(test)]
pub(crate) fn option_names(attribute: Attribute) -> impl Iterator<Item = &'static str> {
    Entry::names(attribute)
}

impl Args {
    /// Reads all options, and adds each mistake to `errors`.
    pub(crate) fn parse(attribute: Attribute, tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::defaults(attribute);
        let parser = |input: ParseStream| {
            let mut is_first = true;
            while !input.is_empty() {
                if let Err(error) = args.parse_one(attribute, input, is_first) {
                    errors.add(error);
                    skip_to_comma(input)?;
                }
                is_first = false;
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
        if let Err(error) = parser.parse2(ungrouped(tokens)) {
            errors.add(error);
        }
        args
    }

    /// The options that the attribute sets by itself.
    pub(crate) fn defaults(attribute: Attribute) -> Self {
        let mut args = Self::default();
        let Self { eviction, expiry, .. } = &mut args;
        match attribute {
            Attribute::LruCache => {}
            Attribute::Cache => eviction.maxsize.set(MaxSize::None),
            Attribute::FifoCache => eviction.policy.set(Policy::Fifo),
            Attribute::LfuCache => eviction.policy.set(Policy::Lfu),
            Attribute::RrCache => eviction.policy.set(Policy::Rr),
            // Ten minutes, as in cachetools.
            Attribute::TtlCache => expiry.ttl.set(parse_quote!(600)),
            Attribute::AsyncLruCache => {
                eviction.maxsize.set(MaxSize::Literal(256));
                expiry.ttl.set(parse_quote!(60));
            }
        }
        args
    }

    fn parse_one(&mut self, attribute: Attribute, input: ParseStream, is_first: bool) -> syn::Result<()> {
        let is_name = input.peek(Ident::peek_any);
        if is_name && input.peek2(Token![:]) && !input.peek2(Token![::]) {
            return self.parse_after_colon::<Token![:]>(attribute, input);
        }
        if is_name && input.peek2(Token![=>]) {
            return self.parse_after_colon::<Token![=>]>(attribute, input);
        }
        if !is_name || !input.peek2(Token![=]) || input.peek2(Token![==]) {
            return self.parse_positional(attribute, input, is_first);
        }
        let name = input.call(Ident::parse_any)?;
        let text = name.to_string();
        if let Some(entry) = Entry::find(attribute, &text) {
            return entry.parse(self, &name, input);
        }
        let error = self.unknown(attribute, &name);
        if text == "cache" {
            // Even where the option is refused, the parameter that holds the cache is no part of the key.
            input.parse::<Token![=]>()?;
            self.placement.cache.set(input.parse()?);
        }
        Err(error)
    }

    /// An option as `memoize` writes it, `Capacity: 64`, or as a map, `maxsize => 64`.
    fn parse_after_colon<P: Parse + ToTokens>(
        &mut self,
        attribute: Attribute,
        input: ParseStream,
    ) -> syn::Result<()> {
        let name = input.call(Ident::parse_any)?;
        let text = name.to_string();
        let colon: P = input.parse()?;
        let Some(entry) = Entry::find(attribute, &text) else { return Err(self.unknown(attribute, &name)) };
        entry.note(self, &name);
        let message = format!("options are written `name = value`; write `{text} = …`");
        Err(syn::Error::new_spanned(colon, message))
    }

    /// Reports an option that the attribute does not take.
    ///
    /// The option that was meant counts as written, so that no other mistake is reported for its absence.
    fn unknown(&mut self, attribute: Attribute, name: &Ident) -> syn::Error {
        let unknown = suggest::unknown(attribute, &name.to_string());
        if let Some(meant) = unknown.meant {
            if let Some(entry) = Entry::find(attribute, meant) {
                entry.note(self, &Ident::new(meant, name.span()));
            }
        }
        syn::Error::new(name.span(), unknown.message)
    }

    /// An option without a name is `maxsize`, and comes first: `lru_cache(64)`.
    fn parse_positional(
        &mut self,
        attribute: Attribute,
        input: ParseStream,
        is_first: bool,
    ) -> syn::Result<()> {
        let expr: Expr = input.parse()?;
        if let Some((name, entry)) = suggest::option_in(&expr, attribute) {
            let message = format!("options are written `name = value`; {}", entry.takes(&name));
            entry.note(self, &Ident::new(&name, type_tokens::first_span(&expr)));
            return Err(syn::Error::new_spanned(expr, message));
        }
        if attribute == Attribute::Cache {
            return Err(syn::Error::new_spanned(expr, attribute::UNBOUNDED));
        }
        if !is_first {
            let message = "only `maxsize` may be written without its name, and only as the first option; write `name = value`";
            return Err(syn::Error::new_spanned(expr, message));
        }
        let (name, at) = ("maxsize", type_tokens::first_span(&expr));
        if let Some(entry) = Entry::find(attribute, name) {
            entry.note(self, &Ident::new(name, at));
            self.eviction.maxsize.set(MaxSize::new(expr, &entry.takes(name))?);
        }
        Ok(())
    }
}

impl Args {
    /// Changes the options whose values are constants.
    pub(crate) fn change_constants(&mut self, change: impl Fn(&Expr) -> Expr) {
        let maxsize = self.eviction.maxsize.get_mut();
        if let Some(MaxSize::Expression(expr) | MaxSize::AtRunTime(expr) | MaxSize::Auto(expr)) = maxsize {
            *expr = change(expr);
        }
        if let Some(expr) = self.placement.shards.get_mut() {
            *expr = change(expr);
        }
    }

    /// The options whose values are constants, and the names of these.
    pub(crate) fn constants(&self) -> impl Iterator<Item = (&Ident, &Expr)> {
        let maxsize = self.eviction.maxsize.get().and_then(MaxSize::expression);
        let maxsize = self.eviction.maxsize.name().zip(maxsize);
        let shards = self.placement.shards.name().zip(self.placement.shards.get());
        maxsize.into_iter().chain(shards)
    }
}

impl Eviction {
    /// Whether entries weigh their size in bytes.
    pub(crate) fn weighs_bytes(&self) -> bool {
        matches!(self.weight.get(), Some(Weight::Bytes(_)))
    }

    /// Whether the cache sets its own capacity.
    pub(crate) fn sizes_itself(&self) -> bool {
        matches!(self.maxsize.get(), Some(MaxSize::Auto(_)))
    }
}

impl Expiry {
    /// The time to live of all results.
    pub(crate) fn ttl_of_all(&self) -> Option<&Expr> {
        self.ttl.get().filter(|ttl| !values::is_function(ttl))
    }

    /// The function that makes the time to live of a result.
    pub(crate) fn ttl_of_result(&self) -> Option<&Expr> {
        self.ttl.get().filter(|ttl| values::is_function(ttl))
    }

    /// Whether stale results are served while they are refreshed.
    pub(crate) fn has_refreshes(&self) -> bool {
        matches!(self.swr.get(), Some(Swr::Always | Swr::For(_)))
    }

    /// The options by which results are computed in the background, by their names.
    pub(crate) fn in_background(&self) -> impl Iterator<Item = &Ident> {
        let swr = self.swr.name().filter(|_| self.has_refreshes());
        let slow = self.stale_if_slow.name().filter(|_| self.stale_if_slow.is_some());
        swr.into_iter().chain(slow)
    }
}

impl Placement {
    /// Whether each thread has a cache of its own.
    pub(crate) fn is_per_thread(&self) -> bool {
        self.scope.get() == Some(&Scope::Thread)
    }

    /// The variable that holds the cache object: `self` of `cache = self.shop.prices()`.
    pub(crate) fn holder(&self) -> Option<Ident> {
        self.cache.get().and_then(root)
    }
}

impl Backend {
    /// The name of the option that gives the store, to be underlined.
    pub(crate) fn name(&self) -> Option<&Ident> {
        self.backend.name().or(self.snapshot.name())
    }

    /// The message where the library is built without backends.
    pub(crate) fn missing_feature(&self) -> String {
        let opened = match self.backend.get() {
            Some(Expr::Call(call)) => match &*call.func {
                Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
                _ => None,
            },
            _ => None,
        };
        let feature = match opened.as_deref() {
            Some(name @ ("redis" | "memcached" | "disk")) => name,
            _ if matches!(self.format.get(), Some(Format::Json)) => "json",
            _ => "backend",
        };
        let option = if self.backend.name().is_some() { "backend" } else { "snapshot" };
        format!("`{option}` needs the feature `{feature}`; run `cargo add functools --features {feature}`")
    }

    /// The option that needs the feature `json`, and the message where the library is built without it.
    pub(crate) fn missing_json(&self) -> Option<(Span, String)> {
        let name = self.format.name().filter(|_| matches!(self.format.get(), Some(Format::Json)))?;
        let message = "`format = json` needs the feature `json`; run `cargo add functools --features json`";
        Some((name.span(), message.to_owned()))
    }

    /// Whether there is a store.
    pub(crate) fn is_some(&self) -> bool {
        self.backend.is_some() || self.snapshot.is_some()
    }
}

impl Validity {
    /// Whether results depend on what their computation reads.
    pub(crate) fn depends(&self) -> bool {
        self.depends.get() == Some(&true)
    }

    /// Whether results have tags, or depend on others.
    pub(crate) fn is_some(&self) -> bool {
        self.tags.is_some() || self.depends()
    }
}

impl Flight {
    /// Whether a computation goes on when its caller is dropped.
    pub(crate) fn is_detached(&self) -> bool {
        self.detach.get() == Some(&true)
    }

    /// Whether concurrent calls with one key are coalesced: by default those of an `async fn` are.
    pub(crate) fn is_coalesced(&self, is_async: bool) -> bool {
        self.single_flight.get().map_or(is_async, |single| *single != SingleFlight::Off)
    }
}

/// The variable that an expression begins with.
fn root(expr: &Expr) -> Option<Ident> {
    match expr {
        Expr::Path(path) => path.path.get_ident().cloned(),
        Expr::Field(field) => root(&field.base),
        Expr::MethodCall(call) => root(&call.receiver),
        Expr::Index(index) => root(&index.expr),
        Expr::Reference(reference) => root(&reference.expr),
        Expr::Unary(unary) => root(&unary.expr),
        Expr::Paren(paren) => root(&paren.expr),
        Expr::Group(group) => root(&group.expr),
        _ => None,
    }
}

/// Passes over the rest of an option: a value with commas in it, such as a closure, as a whole.
fn skip_to_comma(input: ParseStream) -> syn::Result<()> {
    input.parse::<Option<Token![=]>>()?;
    let ahead = input.fork();
    if ahead.parse::<Expr>().is_ok() && (ahead.is_empty() || ahead.peek(Token![,])) {
        input.advance_to(&ahead);
    }
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
