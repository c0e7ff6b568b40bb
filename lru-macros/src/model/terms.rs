//! On what terms results are kept: who leaves, until when they are live, what they weigh, and who
//! is told.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, Type};

use super::Krate;
use crate::args::{Args, Policy, Swr};
use crate::type_tokens;

/// On what terms results are kept.
pub(crate) struct Terms {
    policy: Policy,
    seed: Option<Expr>,
    plan: Option<Plan>,
}

/// What the cache is to be told at each call.
struct Plan {
    timer: Option<Expr>,
    ttl: Option<Expr>,
    tti: Option<Expr>,
    jitter: Option<Expr>,
    error_ttl: Option<Expr>,
    swr: Option<Swr>,
    stale_if_error: Option<Expr>,
    on_evict: Option<Expr>,
    choice: Option<Expr>,
    /// Whether results expire for another reason.
    is_timed: bool,
    own: Own,
}

impl Plan {
    /// Whether results may be stale.
    fn has_grace(&self) -> bool {
        matches!(self.swr, Some(Swr::Always | Swr::For(_))) || self.stale_if_error.is_some()
    }
}

/// How the user's functions come by the arguments in a key.
pub(crate) struct Told {
    /// The type of the key.
    pub(crate) key: TokenStream,
    /// That of the arguments in it.
    pub(crate) arguments: TokenStream,
    /// These, of a `__key`.
    pub(crate) place: TokenStream,
    /// The type of what is kept.
    pub(crate) kept: TokenStream,
}

/// What is made for each result: of the arguments, and of the result itself.
struct Own {
    weight: Option<Expr>,
    ttu: Option<Expr>,
}

impl Told {
    /// The part of a plan that tells the user what left.
    fn listening(&self, listener: &Expr) -> TokenStream {
        let Self { key, arguments, place, kept } = self;
        // The parameters of a closure get their types from where it stands, the arguments of a function are
        // made to fit.
        let listener = if matches!(listener, Expr::Closure(_)) {
            quote! { #listener }
        } else {
            quote! { |__key, __value, __cause| #listener(__key, __value, __cause) }
        };
        quote! { .on_evict::<#key, #arguments, #kept, _>(|__key| #place, #listener) }
    }
}

impl Plan {
    /// For how long results are live.
    fn spans(&self) -> TokenStream {
        let span_of = |name: &str, span: &Expr| {
            let at = type_tokens::first_span(span);
            if self.timer.is_some() {
                let (name, plus) = (format_ident!("{name}_as_written"), quote_spanned! { at=> + });
                quote! { .#name(|__now| __now #plus (#span)) }
            } else {
                let name = Ident::new(name, Span::call_site());
                quote_spanned! { at=> .#name(#span) }
            }
        };
        let ttl = self.ttl.as_ref().map(|ttl| span_of("ttl", ttl));
        let tti = self.tti.as_ref().map(|tti| span_of("tti", tti));
        let jitter = self.jitter.as_ref().map(|jitter| quote! { .jitter(#jitter) });
        let error_ttl = self.error_ttl.as_ref().map(|ttl| span_of("error_ttl", ttl));
        let swr = match &self.swr {
            None | Some(Swr::Never) => None,
            Some(Swr::Always) => Some(quote! { .swr_always() }),
            Some(Swr::For(span)) => Some(span_of("swr", span)),
        };
        let stale_if_error = self.stale_if_error.as_ref().map(|span| span_of("stale_if_error", span));
        quote! { #ttl #tti #jitter #error_ttl #swr #stale_if_error }
    }
}

impl Terms {
    pub(crate) fn new(args: &Args) -> Self {
        let Args { seed, timer, ttl, tti, jitter, error_ttl, on_evict, choice, weight, ttu, .. } =
            args.clone();
        let Args { swr, stale_if_error, .. } = args.clone();
        let times = [&timer, &ttl, &tti, &jitter, &error_ttl, &stale_if_error, &ttu];
        let is_timed = args.front_ttl.is_some();
        let is_planned =
            is_timed || times.into_iter().chain([&on_evict, &choice, &weight]).any(Option::is_some);
        let ttl = ttl.filter(|_| ttu.is_none());
        let own = Own { weight, ttu };
        let plan =
            Plan { timer, ttl, tti, jitter, error_ttl, swr, stale_if_error, on_evict, choice, is_timed, own };
        Self { policy: args.policy.unwrap_or(Policy::Lru), seed, plan: is_planned.then_some(plan) }
    }

    /// Whether entries have terms.
    pub(crate) fn are_any(&self) -> bool {
        self.plan.is_some()
    }

    /// The type of the cache's policy and terms, after the bound.
    pub(crate) fn types(&self, krate: &Krate) -> Option<TokenStream> {
        if self.policy == Policy::Lru && self.plan.is_none() {
            return None;
        }
        let policy = self.policy(krate);
        let terms = self.plan.as_ref().map(|plan| {
            let time = if plan.timer.is_some() { quote!(Reading) } else { quote!(Instant) };
            let time = quote! { #krate::__private::#time };
            let grace = plan.has_grace().then(|| quote! { , #krate::__private::StaleWindow<#time> });
            quote! { , #krate::__private::EntryInfo<#time #grace> }
        });
        Some(quote! { , #policy #terms })
    }

    /// The type of the cache's policy.
    pub(crate) fn policy(&self, krate: &Krate) -> TokenStream {
        let policy = match self.policy {
            Policy::Lru => "Lru",
            Policy::Lfu => "Lfu",
            Policy::Fifo => "Fifo",
            Policy::Rr => "Rr",
            Policy::Sieve => "Sieve",
            Policy::S3Fifo => "S3Fifo",
            Policy::WTinyLfu => "WTinyLfu",
        };
        let policy = Ident::new(policy, Span::call_site());
        let seed = self.seed.as_ref().map(|seed| quote! { <{ #seed }> });
        quote! { #krate::policy::#policy #seed }
    }

    /// Whether somebody wants to know what leaves.
    pub(crate) fn listens(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.on_evict.is_some())
    }

    /// The plan of a cache of the function's own, as a value.
    pub(crate) fn plan(&self, krate: &Krate, told: &Told) -> Option<TokenStream> {
        let plan = self.plan.as_ref()?;
        let clock = plan.timer.as_ref().map_or_else(
            || quote! { #krate::SystemClock },
            |timer| quote! { #krate::__private::FnClock::new(#timer) },
        );
        let spans = plan.spans();
        let timed = (plan.is_timed || plan.own.ttu.is_some()).then(|| quote! { .timed() });
        let on_evict = plan.on_evict.as_ref().map(|listener| told.listening(listener));
        let Told { key, arguments, place, .. } = told;
        let choice = plan.choice.as_ref().map(|choice| {
            quote! { .choice::<#key, #arguments, _>(|__key| #place, #choice) }
        });
        Some(quote! { #krate::__private::Options::new(#clock) #spans #timed #on_evict #choice })
    }

    /// What the function adds to the plan of the object in which its results lie.
    pub(crate) fn in_object(&self) -> Option<TokenStream> {
        let plan = self.plan.as_ref()?;
        let timer = plan.timer.as_ref().map(|timer| {
            let at = type_tokens::first_span(timer);
            quote_spanned! { at=> .timer(#timer) }
        });
        let spans = plan.spans();
        Some(quote! { #timer #spans })
    }

    /// What of the plan an item beside the cache needs: to ask what is there and to clear it, and not to
    /// bring anything in. `is_nameable` tells whether what the user wrote can stand there.
    pub(crate) fn plan_of_item(
        &self,
        krate: &Krate,
        told: &Told,
        is_nameable: impl Fn(&Expr) -> bool,
    ) -> Option<TokenStream> {
        let Plan { timer, ttl, tti, error_ttl, on_evict, own, .. } = self.plan.as_ref()?;
        let expires = [ttl, tti, error_ttl, &own.ttu].into_iter().any(Option::is_some);
        let (clock, is_known) = match timer {
            None => (quote! { #krate::SystemClock }, true),
            Some(timer) if is_nameable(timer) => (quote! { #krate::__private::FnClock::new(#timer) }, true),
            // Of the right type, and never read.
            Some(_) => (quote! { #krate::__private::FnClock::new(|| ()) }, false),
        };
        let timed = (expires && is_known).then(|| quote! { .timed() });
        let on_evict = on_evict.as_ref().map(|listener| {
            if is_nameable(listener) {
                told.listening(listener)
            } else {
                quote! { .told_by_calls() }
            }
        });
        Some(quote! { #krate::__private::Options::new(#clock) #timed #on_evict })
    }

    /// Whether terms are made of the arguments.
    pub(crate) fn are_own(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.own.weight.is_some() || plan.own.ttu.is_some())
    }

    /// What makes the terms of a value; `arguments` are references to the function's.
    pub(crate) fn own(&self, krate: &Krate, arguments: &[TokenStream]) -> Option<TokenStream> {
        let Own { weight, ttu } = &self.plan.as_ref().filter(|_| self.are_own())?.own;
        let weight = weight.as_ref().map_or_else(
            || quote! { 1 },
            |weight| {
                let by = format_ident!("by{}", arguments.len() + 1, span = Span::call_site());
                made(weight, &quote! { #krate::__private::#by }, &quote! { #(#arguments,)* __value })
            },
        );
        let until = ttu.as_ref().map_or_else(
            || quote! { ::core::option::Option::None },
            |ttu| {
                let until = format_ident!("until{}", arguments.len(), span = Span::call_site());
                let now = quote! { #krate::__private::Timed::raw(__plan) };
                let given = quote! { #(#arguments,)* __value, #now };
                let until = made(ttu, &quote! { #krate::__private::#until }, &given);
                quote! { ::core::option::Option::Some(#until) }
            },
        );
        Some(quote! { |__plan, __value| (#weight, #until) })
    }
}

/// What a function of the user's makes of what it is given: `by` tells the parameters of a closure their
/// types, and what is given to a function by its name is made to fit.
fn made(function: &Expr, by: &TokenStream, given: &TokenStream) -> TokenStream {
    if matches!(function, Expr::Closure(_)) {
        return quote! { #by(#given, #function) };
    }
    let at = type_tokens::first_span(function);
    let given = quote_spanned! { at=> (#given) };
    quote! { #function #given }
}

/// Whether an argument of this type is a reference already.
pub(crate) fn is_reference(ty: &Type) -> bool {
    matches!(type_tokens::bare(ty), Type::Reference(_))
}
