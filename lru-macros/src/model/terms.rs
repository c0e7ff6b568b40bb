//! On what terms results are kept: who leaves, until when they are live, what they weigh, and who
//! is told.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, Type};

use super::Krate;
use crate::args::{Args, Policy, Swr};
use crate::types;

/// On what terms results are kept.
pub(crate) struct Terms {
    policy: Policy,
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
    own: Own,
}

impl Plan {
    /// Whether results may be stale.
    fn has_grace(&self) -> bool {
        matches!(self.swr, Some(Swr::Always | Swr::For(_))) || self.stale_if_error.is_some()
    }
}

/// What is made for each result: of the arguments, and of the result itself.
struct Own {
    weight: Option<Expr>,
    ttu: Option<Expr>,
}

impl Terms {
    pub(crate) fn new(args: &Args) -> Self {
        let Args { timer, ttl, tti, jitter, error_ttl, swr, stale_if_error, on_evict, weight, ttu, .. } =
            args.clone();
        let all = [&timer, &ttl, &tti, &jitter, &error_ttl, &stale_if_error, &on_evict, &weight, &ttu];
        let is_planned = args.cache.is_none() && all.iter().any(|option| option.is_some());
        let ttl = ttl.filter(|_| ttu.is_none());
        let own = Own { weight, ttu };
        let plan = Plan { timer, ttl, tti, jitter, error_ttl, swr, stale_if_error, on_evict, own };
        Self { policy: args.policy.unwrap_or(Policy::Lru), plan: is_planned.then_some(plan) }
    }

    /// The type of the cache's policy and terms, after the bound.
    pub(crate) fn types(&self, krate: &Krate) -> Option<TokenStream> {
        if self.policy == Policy::Lru && self.plan.is_none() {
            return None;
        }
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
        let terms = self.plan.as_ref().map(|plan| {
            let time = if plan.timer.is_some() { quote!(Reading) } else { quote!(Instant) };
            let time = quote! { #krate::__private::#time };
            let grace = plan.has_grace().then(|| quote! { , #krate::__private::Grace<#time> });
            quote! { , #krate::__private::Lease<#time #grace> }
        });
        Some(quote! { , #krate::policy::#policy #terms })
    }

    /// The plan, as a value; `key` and `kept` are the types of what is in the cache, `parts` is how
    /// many parts the key has.
    pub(crate) fn plan(
        &self,
        krate: &Krate,
        key: &TokenStream,
        kept: &TokenStream,
        parts: usize,
    ) -> Option<TokenStream> {
        let Plan { timer, ttl, tti, jitter, error_ttl, swr, stale_if_error, on_evict, own } =
            self.plan.as_ref()?;
        let clock = timer.as_ref().map_or_else(
            || quote! { #krate::SystemClock },
            |timer| quote! { #krate::__private::FnClock::new(#timer) },
        );
        let span_of = |name: &str, span: &Expr| {
            if timer.is_some() {
                let name = format_ident!("{name}_as_written");
                quote! { .#name(|__now| __now + (#span)) }
            } else {
                let (name, at) = (Ident::new(name, Span::call_site()), types::first_span(span));
                quote_spanned! { at=> .#name(#span) }
            }
        };
        let ttl = ttl.as_ref().map(|ttl| span_of("ttl", ttl));
        let tti = tti.as_ref().map(|tti| span_of("tti", tti));
        let jitter = jitter.as_ref().map(|jitter| quote! { .jitter(#jitter) });
        let error_ttl = error_ttl.as_ref().map(|ttl| span_of("error_ttl", ttl));
        let swr = match swr {
            None | Some(Swr::Never) => None,
            Some(Swr::Always) => Some(quote! { .swr_always() }),
            Some(Swr::For(span)) => Some(span_of("swr", span)),
        };
        let stale_if_error = stale_if_error.as_ref().map(|span| span_of("stale_if_error", span));
        let timed = own.ttu.as_ref().map(|_| quote! { .timed() });
        let on_evict = on_evict.as_ref().map(|listener| {
            let told = if parts == 1 { quote!(&__key.0) } else { quote!(__key) };
            quote! { .on_evict::<#key, #kept, _>(|__key, __value, __cause| (#listener)(#told, __value, __cause)) }
        });
        let spans = [ttl, tti, error_ttl, swr, stale_if_error].into_iter().flatten();
        Some(quote! { #krate::__private::Options::new(#clock) #(#spans)* #jitter #timed #on_evict })
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
                quote! { #krate::__private::#by(#(#arguments,)* __value, #weight) }
            },
        );
        let until = ttu.as_ref().map_or_else(
            || quote! { ::core::option::Option::None },
            |ttu| {
                let until = format_ident!("until{}", arguments.len(), span = Span::call_site());
                let now = quote! { #krate::__private::Clocked::raw(__plan) };
                let until = quote! { #krate::__private::#until(#(#arguments,)* __value, #now, #ttu) };
                quote! { ::core::option::Option::Some(#until) }
            },
        );
        Some(quote! {
            |__plan, __value, __is_error| #krate::__private::Terms::own(__plan, #weight, #until, __is_error)
        })
    }
}

/// Whether an argument of this type is a reference already.
pub(crate) fn is_reference(ty: &Type) -> bool {
    matches!(types::bare(ty), Type::Reference(_))
}
