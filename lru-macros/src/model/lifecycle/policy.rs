//! The type of the eviction policy.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Expr;

use super::Lifecycle;
use crate::args::Policy;
use crate::model::krate::Krate;

impl Lifecycle {
    /// Whether the eviction policy is LRU.
    pub(crate) fn is_lru(&self) -> bool {
        matches!(self.eviction.policy.get(), None | Some(Policy::Lru))
    }

    /// Whether the keys of calls are sampled.
    pub(crate) fn is_sampled(&self) -> bool {
        self.eviction.insight.get() == Some(&true) || self.eviction.sizes_itself()
    }

    /// Whether the cache shares the memory budget of the program.
    pub(crate) fn is_in_budget(&self) -> bool {
        self.is_shared && self.eviction.weighs_bytes() && !self.eviction.sizes_itself()
    }

    /// The bytes that the function has at least of the memory budget, where they are given.
    pub(crate) fn floor(&self) -> Option<&Expr> {
        self.eviction.floor.get()
    }

    /// The type of the eviction policy.
    pub(crate) fn policy(&self, krate: &Krate) -> TokenStream {
        if self.eviction.sizes_itself() {
            return quote! { #krate::policy::AutoSized };
        }
        let policy = match self.eviction.policy.get() {
            None | Some(Policy::Lru) => "Lru",
            Some(Policy::Lfu) => "Lfu",
            Some(Policy::Fifo) => "Fifo",
            Some(Policy::Rr) => "Rr",
            Some(Policy::Sieve) => "Sieve",
            Some(Policy::S3Fifo) => "S3Fifo",
            Some(Policy::WTinyLfu) => "WTinyLfu",
            Some(Policy::Gdsf) => "Gdsf",
            Some(Policy::Auto) => "Auto",
        };
        let policy = Ident::new(policy, Span::call_site());
        let seed = self.eviction.seed.get().map(|seed| quote! { <{ #seed }> });
        let policy = quote! { #krate::policy::#policy #seed };
        let policy = if self.is_sampled() {
            quote! { #krate::policy::Sampled<#policy> }
        } else {
            policy
        };
        if self.is_in_budget() {
            quote! { #krate::__private::Metered<#policy> }
        } else {
            policy
        }
    }
}
