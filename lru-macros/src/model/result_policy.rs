//! The result policy: which part of a result is stored, and the type of the stored form.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;

use super::key::{Checks, Scope};
use super::krate::Krate;
use crate::args::Results;
use crate::lifetimes;
use crate::type_tokens::{self, bare};

/// The result policy: which part of a result is stored.
pub(crate) struct ResultPolicy {
    choice: Choice,
    /// `Shared`, `Thread` or `Local`.
    marker: proc_macro2::Ident,
    ty: Type,
}

enum Choice {
    /// The whole result, whose type is spelled from primitives.
    Plain,
    /// The type is a name, and selects the policy by its traits.
    ByType(Rules),
    /// The type cannot be named at the cache: type erasure.
    Unnamed(Rules),
}

/// The options of the policy.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Whether an `Err` is stored.
    pub(crate) errors: bool,
    /// Whether `None` is stored.
    pub(crate) none: bool,
}

impl Rules {
    pub(super) fn new(results: &Results) -> Self {
        Self {
            errors: results.cache_errors.get() == Some(&true),
            none: results.cache_none.get() != Some(&false),
        }
    }
}

impl ResultPolicy {
    pub(crate) fn new(ty: &Type, rules: Rules, scope: &Scope) -> Self {
        let choice = if is_plain_value(ty) && scope.names(ty) {
            Choice::Plain
        } else if scope.names(ty) {
            Choice::ByType(rules)
        } else {
            Choice::Unnamed(rules)
        };
        Self { choice, marker: scope.marker(), ty: ty.clone() }
    }

    /// Where the result is underlined.
    pub(crate) fn span(&self) -> proc_macro2::Span {
        type_tokens::first_span(&self.ty)
    }

    /// Whether the stored form is type-erased.
    pub(crate) fn is_unnamed(&self) -> bool {
        matches!(self.choice, Choice::Unnamed(_))
    }

    pub(crate) fn is_chosen(&self) -> bool {
        !matches!(self.choice, Choice::Plain)
    }

    pub(crate) fn may_leave_lifetimes_out(&self) -> bool {
        matches!(self.choice, Choice::ByType(_)) && lifetimes::may_leave_lifetimes_out(&self.ty)
    }

    /// The type of the stored form.
    pub(crate) fn stored(&self, krate: &Krate) -> TokenStream {
        let ty = &self.ty;
        match &self.choice {
            Choice::Plain => quote! { #ty },
            Choice::ByType(rules) => {
                let (whole, marker) = (rules.errors.then(|| quote!(whole)), &self.marker);
                let written = lifetimes::with_named_lifetimes(ty);
                let ty = lifetimes::with_static(ty);
                if marker == "Local" {
                    return quote! { #krate::__private::stored_result!(#written, as #ty, #whole in #marker) };
                }
                let which = match (whole, marker == "Thread") {
                    (None, false) => None,
                    (whole, false) => Some(quote! { , #whole }),
                    (whole, true) => Some(quote! { , #whole in #marker }),
                };
                quote! { #krate::__private::stored_result!(#ty #which) }
            }
            Choice::Unnamed(_) => {
                let marker = &self.marker;
                let scope = (marker == "Thread").then(|| quote! { <#krate::__private::#marker> });
                quote! { #krate::__private::ErasedResult #scope }
            }
        }
    }

    /// The policy as a value.
    pub(crate) fn value(&self, checks: Checks, krate: &Krate) -> TokenStream {
        match &self.choice {
            Choice::Plain => quote! { #krate::__private::Plain },
            Choice::ByType(rules) => self.chosen(*rules, checks, krate),
            Choice::Unnamed(rules) => {
                let chosen = self.chosen(*rules, checks, krate);
                let marker = &self.marker;
                quote! { #krate::__private::EraseResult(#chosen, #krate::__private::#marker) }
            }
        }
    }

    /// The value that selects how followers get a result that is not stored.
    pub(crate) fn sharing(&self, krate: &Krate) -> TokenStream {
        match &self.choice {
            Choice::Plain => quote! { #krate::__private::Recompute },
            // What one caller lends is no result for another. Autoref selection cannot ask for `'static`.
            _ if lifetimes::has_lifetimes(&self.ty) => quote! { #krate::__private::Recompute },
            Choice::ByType(_) | Choice::Unnamed(_) => {
                let (span, selector) = (type_tokens::first_span(&self.ty), self.selector(krate));
                quote_spanned! { span=> (&&#selector).__sharing() }
            }
        }
    }

    /// The type of the result, for autoref selection.
    fn selector(&self, krate: &Krate) -> TokenStream {
        let Self { ty, marker, .. } = self;
        let span = type_tokens::first_span(ty);
        let krate = krate.at(span);
        quote_spanned! { span=> #krate::__private::SelectPolicy::<#ty, #krate::__private::#marker>::NEW }
    }

    fn chosen(&self, rules: Rules, checks: Checks, krate: &Krate) -> TokenStream {
        let (span, selector) = (type_tokens::first_span(&self.ty), self.selector(krate));
        let krate = krate.at(span);
        // The traits report a result that cannot be stored.
        let policy = |selector| match checks {
            Checks::Reported => quote_spanned! { span=>
                #krate::__private::Cacheable::__allow(#krate::__private::Cloneable::__allow(
                    #selector.__result_policy(),
                ))
            },
            Checks::Assumed => quote_spanned! { span=> #selector.__assumed_policy() },
        };
        // One reference for each level of the selection, and one between the levels of an `Ok` and those of
        // the whole result. Where errors are stored, the former are skipped.
        let chosen = if rules.errors {
            let policy = policy(quote_spanned! { span=> (&&#selector) });
            quote_spanned! { span=> (&&#selector).__with_errors(#policy) }
        } else {
            policy(quote_spanned! { span=> (&&&&&#selector) })
        };
        if rules.none {
            chosen
        } else {
            quote_spanned! { span=> (&&#selector).__without_none(#chosen) }
        }
    }
}

/// Whether the type of a result is spelled from primitives alone.
fn is_plain_value(ty: &Type) -> bool {
    match bare(ty) {
        Type::Path(_) => type_tokens::primitive(ty).is_some_and(|primitive| primitive != "str"),
        Type::Array(array) => is_plain_value(&array.elem),
        Type::Tuple(tuple) => tuple.elems.len() <= 12 && tuple.elems.iter().all(is_plain_value),
        _ => false,
    }
}
