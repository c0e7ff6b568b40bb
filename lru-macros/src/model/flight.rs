//! Coalesced calls (single-flight), detached computations, and background refreshes of stale results.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Expr;

use super::krate::Krate;
use crate::args;
use crate::signature::Func;
use crate::type_tokens;

/// The options of calls that are coalesced, or whose results may be stale.
pub(crate) struct Flight {
    single: bool,
    timeout: Option<Expr>,
    /// Whether stale results are refreshed in the background.
    pub(crate) has_refreshes: bool,
    /// Whether a computation goes on when its caller is dropped.
    pub(crate) is_detached: bool,
    /// How long a call waits that can be answered by a stale result.
    slow: Option<Expr>,
    spawn: Option<Expr>,
    /// How many refreshes run at a time.
    threads: Option<Expr>,
    /// How long calls wait for each other, and for how many elements at most.
    gather: Option<(Expr, Option<Expr>)>,
}

impl Flight {
    pub(super) fn new(
        options: &args::Flight,
        expiry: &args::Expiry,
        backend: &args::Backend,
        func: &Func,
    ) -> Option<Self> {
        let single = options.is_coalesced(func.sig.asyncness.is_some());
        let has_refreshes = expiry.has_refreshes();
        let is_kept = expiry.stale_if_error.is_some() || expiry.stale_if_slow.is_some();
        let is_asked = single || has_refreshes || is_kept || backend.is_some();
        let slow = expiry.stale_if_slow.get().cloned();
        let is_detached = options.is_detached();
        let args::Flight { single_flight: _, flight_timeout, spawn, detach: _, refresh_threads, .. } =
            options;
        let gather = options.gather.get().cloned().map(|window| (window, options.gather_max.get().cloned()));
        let [timeout, spawn, threads] =
            [flight_timeout, spawn, refresh_threads].map(|given| given.get().cloned());
        is_asked.then(|| Self { single, timeout, has_refreshes, is_detached, slow, spawn, threads, gather })
    }

    /// Whether a call may be answered by a stale result before its computation ends.
    pub(crate) fn is_limited(&self) -> bool {
        self.slow.is_some()
    }

    /// The options as a value; `name` is the function's.
    pub(crate) fn value(&self, name: &str, krate: &Krate) -> TokenStream {
        let shares = if self.single { quote!(SINGLE) } else { quote!(UNSHARED) };
        let timeout = self.timeout.as_ref().map(|timeout| {
            let at = type_tokens::first_span(timeout);
            quote_spanned! { at=> .timeout(#timeout) }
        });
        let threads = self.threads.as_ref().map(|threads| {
            let at = type_tokens::first_span(threads);
            quote_spanned! { at=> .refreshes(#threads) }
        });
        let slow = self.slow.as_ref().map(|slow| {
            let at = type_tokens::first_span(slow);
            quote_spanned! { at=> .stale_if_slow(#slow) }
        });
        quote! { #krate::__private::FlightOptions::#shares #timeout #threads #slow .at(#krate::__private::site!(#name)) }
    }

    /// How calls wait for each other, as a value, where they do.
    pub(crate) fn gathering(&self, krate: &Krate) -> Option<TokenStream> {
        let (window, max) = self.gather.as_ref()?;
        let at = type_tokens::first_span(window);
        let max = max.as_ref().map(|max| {
            let at = type_tokens::first_span(max);
            quote_spanned! { at=> .max(#max) }
        });
        // A generic function has one `static` for all its instances: their groups differ in type.
        let new = quote_spanned! { at=> new(&__GROUPS, #window) };
        Some(quote! {
            {
                static __GROUPS: #krate::__private::OpenGroups = #krate::__private::OpenGroups::new();
                #krate::__private::Gathering::#new #max
            }
        })
    }

    /// The executor of refreshes and computations that are tasks.
    pub(crate) fn executor(&self, krate: &Krate) -> TokenStream {
        self.spawn.as_ref().map_or_else(
            || quote! { &#krate::__private::DefaultSpawn },
            |spawn| {
                let at = type_tokens::first_span(spawn);
                quote_spanned! { at=> &#spawn }
            },
        )
    }
}
