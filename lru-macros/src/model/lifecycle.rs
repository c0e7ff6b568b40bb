//! The lifecycle of entries: the eviction policy, expiry, weights and the eviction listener.

mod entry_types;
mod policy;
mod time_to_live;

pub(crate) use entry_types::EntryTypes;
pub(crate) use time_to_live::OwnTtl;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Expr;

use super::krate::Krate;
use super::option_functions::{applied, called};
use super::sums;
use crate::args::{Backend, Eviction, Expiry, Given, MaxSize, Placement, Swr, Validity, Weight};
use crate::type_tokens;

/// The lifecycle of entries.
pub(crate) struct Lifecycle {
    eviction: Eviction,
    pub(crate) expiry: Expiry,
    /// The function that tells whether a result is stored.
    keep: Given<Expr>,
    /// What invalidates results.
    pub(crate) validity: Validity,
    /// Whether the copies of a backend's entries expire.
    has_front_ttl: bool,
    /// Whether it is the cache of a function that all threads share.
    is_shared: bool,
}

impl Lifecycle {
    pub(super) fn new(
        eviction: Eviction,
        expiry: Expiry,
        keep: Given<Expr>,
        validity: Validity,
        (backend, placement): (&Backend, &Placement),
    ) -> Self {
        Self {
            eviction,
            expiry,
            keep,
            validity,
            has_front_ttl: backend.front_ttl.is_some(),
            is_shared: !placement.cache.is_some() && !placement.is_per_thread(),
        }
    }

    /// Whether results have tags, or depend on others.
    pub(crate) fn is_tagged(&self) -> bool {
        self.validity.is_some()
    }

    /// Whether entries have metadata.
    pub(crate) fn has_metadata(&self) -> bool {
        self.has_info() || self.is_tagged()
    }

    /// Whether entries have no metadata, and calls are not sampled.
    fn is_plain(&self) -> bool {
        !self.has_metadata() && !self.is_sampled()
    }

    /// Whether the cache is unbounded, entries have neither deadlines nor weights, and calls are not sampled: the store then
    /// needs no order, and hits no clock.
    pub(super) fn is_unordered(&self) -> bool {
        matches!(self.maxsize(), Some(MaxSize::None)) && !self.has_info() && !self.is_sampled()
    }

    /// The bound, where one is given.
    pub(crate) fn maxsize(&self) -> Option<&MaxSize> {
        self.eviction.maxsize.get()
    }

    /// The bound, if it is known at run time only.
    pub(crate) fn maxsize_at_run_time(&self) -> Option<&MaxSize> {
        self.maxsize().filter(|maxsize| maxsize.is_at_run_time())
    }

    /// Whether entries have a weight, or an expiry.
    pub(crate) fn has_info(&self) -> bool {
        let Self { eviction, expiry, has_front_ttl, .. } = self;
        let Expiry { ttl, tti, ttu, jitter, error_ttl, swr: _, stale_if_error, stale_if_slow, timer } =
            expiry;
        let options = [ttl, tti, ttu, jitter, error_ttl, stale_if_error, stale_if_slow, timer];
        let hooks = [&eviction.on_evict, &eviction.choice];
        *has_front_ttl || eviction.weight.is_some() || options.into_iter().chain(hooks).any(Given::is_some)
    }

    /// Whether user code runs in the cache: a clock, a weigher, a function that sets deadlines, a victim chooser or an
    /// eviction listener.
    pub(crate) fn runs_user_code(&self) -> bool {
        let Self { eviction, expiry, .. } = self;
        let functions = [&eviction.on_evict, &eviction.choice, &expiry.ttu, &expiry.timer];
        eviction.weight.is_some() || functions.into_iter().any(Given::is_some)
    }

    /// Whether a stale result is served in place of an error.
    pub(crate) fn serves_on_error(&self) -> bool {
        self.expiry.stale_if_error.is_some()
    }

    /// Whether results may be stale.
    fn may_be_stale(&self) -> bool {
        let Expiry { stale_if_error, stale_if_slow, .. } = &self.expiry;
        self.expiry.has_refreshes() || stale_if_error.is_some() || stale_if_slow.is_some()
    }

    /// The expiry, as a change of settings by which nothing expires.
    fn settings(&self, ttl: Option<&OwnTtl>) -> Option<TokenStream> {
        let Expiry { tti, jitter, error_ttl, swr, stale_if_error, stale_if_slow, .. } = &self.expiry;
        let span_of = |name: &str, span: &Expr| {
            let name = Ident::new(name, Span::call_site());
            quote_spanned! { type_tokens::first_span(span)=> .#name(#span) }
        };
        let swr = match swr.get() {
            None | Some(Swr::Never) => None,
            Some(Swr::Always) => Some(quote! { .swr_always() }),
            Some(Swr::For(span)) => Some(span_of("swr", span)),
        };
        let settings = [
            self.ttl_setting(ttl),
            tti.get().map(|tti| span_of("tti", tti)),
            jitter.get().map(|jitter| quote! { .jitter(#jitter) }),
            self.eviction.min_weight.get().map(|weight| {
                let at = type_tokens::first_span(weight);
                quote_spanned! { at=> .min_weight(#weight) }
            }),
            error_ttl.get().map(|ttl| span_of("error_ttl", ttl)),
            swr,
            stale_if_error.get().map(|span| span_of("stale_if_error", span)),
            stale_if_slow.get().map(|_| quote! { .stale_if_slow() }),
        ];
        let settings: TokenStream = settings.into_iter().flatten().collect();
        (!settings.is_empty()).then(|| quote! { |__expiry| __expiry #settings })
    }

    /// The types of policy and entry metadata, as arguments of the cache's type.
    pub(crate) fn types(&self, krate: &Krate) -> Option<TokenStream> {
        if self.is_lru() && self.is_plain() {
            return None;
        }
        let (policy, metadata) = (self.policy(krate), self.metadata_argument(krate));
        Some(quote! { , #policy #metadata })
    }

    /// The type of entry metadata as the last argument of the cache's type, where there is any.
    pub(crate) fn metadata_argument(&self, krate: &Krate) -> Option<TokenStream> {
        let metadata = self.has_metadata().then(|| self.metadata(krate))?;
        Some(quote! { , #metadata })
    }

    /// The type of entry metadata.
    pub(crate) fn metadata(&self, krate: &Krate) -> TokenStream {
        let info = if self.has_info() {
            let window = self.may_be_stale().then(|| quote! { <#krate::__private::StaleWindow> });
            quote! { #krate::__private::EntryInfo #window }
        } else {
            quote! { () }
        };
        if self.is_tagged() {
            quote! { #krate::__private::TaggedInfo<#info> }
        } else {
            info
        }
    }

    /// The options of a call, of results that may have tags.
    fn of_call(&self, krate: &Krate, options: Option<TokenStream>) -> Option<TokenStream> {
        if !self.is_tagged() {
            return options;
        }
        let options = options.unwrap_or_else(|| quote! { #krate::__private::NoLifecycle });
        Some(quote! { #krate::__private::TaggedLifecycle::begin(#options) })
    }

    /// Whether there is an eviction listener.
    pub(crate) fn listens(&self) -> bool {
        self.eviction.on_evict.is_some()
    }

    /// The options of a function's own cache, as a value.
    /// `listener` is the function that calls the eviction listener, where there is one, and `ttl` what may replace that of the source.
    pub(crate) fn options(
        &self,
        krate: &Krate,
        entry_types: &EntryTypes,
        listener: Option<&TokenStream>,
        ttl: Option<&OwnTtl>,
    ) -> Option<TokenStream> {
        let Self { eviction, expiry, has_front_ttl, .. } = self;
        if !self.has_info() {
            return self.of_call(krate, None);
        }
        let clock =
            expiry.timer.get().map_or_else(|| quote! { #krate::SystemClock }, |timer| timer_of(timer, krate));
        let settings = self.settings(ttl).map(|settings| quote! { .expiry(#settings) });
        let is_timed = *has_front_ttl || expiry.ttu.is_some() || expiry.ttl_of_result().is_some();
        let timed = is_timed.then(|| quote! { .timed() });
        let on_evict = eviction.on_evict.get().map(|written| match listener {
            Some(listener) => entry_types.on_evict(listener),
            None => entry_types.listener_option(written),
        });
        let EntryTypes { key, arguments, place, .. } = entry_types;
        let choice = eviction.choice.get().map(|choice| {
            quote! { .choice::<#key, #arguments, _>(|__key| #place, #choice) }
        });
        let weight = match eviction.weight.get() {
            Some(Weight::Bytes(word)) => Some(entry_types.weigh_bytes(word, krate)),
            Some(Weight::Function(_)) | None => None,
        };
        let options =
            quote! { #krate::__private::Options::new(#clock) #settings #timed #on_evict #choice #weight };
        self.of_call(krate, Some(options))
    }

    /// The expiry of entries that the function stores in an object.
    pub(crate) fn in_object(&self) -> Option<TokenStream> {
        self.has_info().then(|| self.settings(None).unwrap_or_else(|| quote! { |__expiry| __expiry }))
    }

    /// The options for an item beside the cache, which reads and clears the cache and stores nothing.
    /// `is_nameable` tells whether an item can name what an expression of the user's names.
    pub(crate) fn options_of_item(
        &self,
        krate: &Krate,
        entry_types: &EntryTypes,
        is_nameable: impl Fn(&Expr) -> bool,
    ) -> Option<TokenStream> {
        if !self.has_info() {
            return self.of_call(krate, None);
        }
        let Expiry { ttl, tti, ttu, error_ttl, timer, .. } = &self.expiry;
        let expires = [ttl, tti, ttu, error_ttl].into_iter().any(Given::is_some);
        let (clock, is_known) = match timer.get() {
            Some(timer) if is_nameable(timer) => (timer_of(timer, krate), true),
            // Any clock has the right type. A timer that cannot be named is not read.
            _ => (quote! { #krate::SystemClock }, !timer.is_some()),
        };
        let timed = (expires && is_known).then(|| quote! { .timed() });
        let on_evict = self.eviction.on_evict.get().map(|listener| {
            if is_nameable(listener) {
                entry_types.listener_option(listener)
            } else {
                quote! { .notified_by_calls() }
            }
        });
        self.of_call(krate, Some(quote! { #krate::__private::Options::new(#clock) #timed #on_evict }))
    }

    /// A function that calls the eviction listener, for the accessors: the user's expression is in one item.
    pub(crate) fn listener_item(
        &self,
        name: &Ident,
        krate: &Krate,
        entry_types: &EntryTypes,
    ) -> Option<TokenStream> {
        let listener = self.eviction.on_evict.get()?;
        let EntryTypes { arguments, stored, .. } = entry_types;
        let cause = quote! { #krate::RemovalCause };
        let call = if matches!(listener, Expr::Closure(_)) {
            quote! {
                let __listener: fn(&#arguments, &#stored, #cause) = #listener;
                __listener(__key, __value, __cause)
            }
        } else {
            quote! { #listener(__key, __value, __cause) }
        };
        Some(quote! {
            #[doc(hidden)]
            fn #name(__key: &#arguments, __value: &#stored, __cause: #cause) { #call }
        })
    }

    /// The functions that decide by the arguments and the result how it is stored.
    pub(super) fn of_arguments(&self) -> impl Iterator<Item = &Expr> {
        of_arguments(&self.eviction, &self.expiry, &self.keep, &self.validity)
    }

    /// Whether results have options of their own, as functions of the arguments or a body make them.
    pub(crate) fn has_entry_options(&self) -> bool {
        self.is_tagged() || self.of_arguments().next().is_some()
    }

    /// The options of the entry of `__value`, by the `__lifecycle`; `arguments` are references to the function's.
    pub(crate) fn entry_options(&self, krate: &Krate, arguments: &[TokenStream]) -> Option<TokenStream> {
        self.entry_options_of(krate, arguments, &quote! { __reads })
    }

    /// Notes what is known of the result of the call `of` before its body runs.
    pub(crate) fn expected(
        &self,
        krate: &Krate,
        arguments: &[TokenStream],
        of: &Ident,
    ) -> Option<TokenStream> {
        self.validity.expected(krate, arguments, of)
    }

    /// Like [`expected`](Self::expected), of the results of many elements.
    pub(crate) fn expected_of_each(
        &self,
        krate: &Krate,
        arguments: &[TokenStream],
        of: &Ident,
    ) -> Option<TokenStream> {
        self.validity.expected_of_each(krate, arguments, of)
    }

    /// Like [`entry_options`](Self::entry_options), of a value that is put.
    pub(crate) fn entry_options_of_put(
        &self,
        krate: &Krate,
        arguments: &[TokenStream],
    ) -> Option<TokenStream> {
        self.entry_options_of(krate, arguments, &quote! { #krate::__private::Reads::of_put() })
    }

    fn entry_options_of(
        &self,
        krate: &Krate,
        arguments: &[TokenStream],
        reads: &TokenStream,
    ) -> Option<TokenStream> {
        if !self.has_entry_options() {
            return None;
        }
        let tagged = self.validity.tagged(krate, arguments, reads);
        let given = [arguments, &[quote! { __value }]].concat();
        let made = |function: &Expr| applied(function, krate, &given);
        let keep = self.keep.get().map(made).map(|keep| quote! { is_kept: #keep, });
        let weight = self
            .eviction
            .weight
            .get()
            .and_then(Weight::function)
            .map(made)
            .map(|weight| quote! { weight: #weight, });
        let ttl = self.expiry.ttl_of_result().map(|ttl| {
            let (at, ttl) = (type_tokens::first_span(ttl), made(ttl));
            let krate = krate.at(at);
            // Not of the user's span, where the name may be another.
            let lifecycle = quote! { __lifecycle };
            let ttl = quote_spanned! { at=> #krate::__private::fresh_until(#lifecycle, #ttl) };
            quote! { fresh_until: ::core::option::Option::Some(#ttl), }
        });
        let until = self.expiry.ttu.get().map(|ttu| {
            let until = format_ident!("until{}", arguments.len(), span = Span::call_site());
            let given = quote! { #(#arguments,)* __value, #krate::Clock::now(__lifecycle) };
            let until = match (ttu, sums::saturating(ttu, krate)) {
                (Expr::Closure(_), Some(ttu)) => quote! {
                    #krate::__private::#until(#given, #krate::__private::Now, #ttu)
                },
                (Expr::Closure(_), None) => quote! {
                    #krate::__private::#until(#given, ::core::convert::identity, #ttu)
                },
                _ => called(ttu, &given),
            };
            quote! { until: ::core::option::Option::Some(#krate::Timestamp::ticks(#until)), }
        });
        let options = quote! {
            #krate::__private::EntryOptions {
                #keep
                #weight
                #ttl
                #until
                ..#krate::__private::EntryOptions::NONE
            }
        };
        Some(tagged.map_or_else(|| options.clone(), |tagged| quote! { { #tagged #options } }))
    }
}

/// The functions that decide by the arguments and the result how it is stored.
pub(super) fn of_arguments<'a>(
    eviction: &'a Eviction,
    expiry: &'a Expiry,
    keep: &'a Given<Expr>,
    validity: &'a Validity,
) -> impl Iterator<Item = &'a Expr> {
    let weight = eviction.weight.get().and_then(Weight::function);
    let functions = [keep.get(), weight, expiry.ttl_of_result(), expiry.ttu.get(), validity.tags.get()];
    functions.into_iter().flatten()
}

/// The clock that a `timer` is.
fn timer_of(timer: &Expr, krate: &Krate) -> TokenStream {
    let at = type_tokens::first_span(timer);
    let krate = krate.at(at);
    quote_spanned! { at=> #krate::Timer::new(#timer) }
}
