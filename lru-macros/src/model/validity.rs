//! Tags and dependencies of results, as generated code makes them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;

use super::krate::Krate;
use super::option_functions::applied;
use crate::args::Validity;
use crate::type_tokens;

impl Validity {
    /// The call of the body, which records what it reads where that is needed. It is not awaited yet.
    pub(crate) fn body(&self, krate: &Krate, is_async: bool, call: TokenStream) -> TokenStream {
        if !self.is_some() {
            return call;
        }
        let frame = Ident::new(if self.depends() { "Own" } else { "Caller" }, Span::call_site());
        let frame = quote! { #krate::__private::Frame::#frame };
        if is_async {
            quote! { ::core::clone::Clone::clone(&__reads).computing(#frame, #call) }
        } else {
            quote! { __reads.computed(#frame, || #call) }
        }
    }

    /// Binds the note of what the body reads, where there is one.
    pub(crate) fn reads(&self, krate: &Krate) -> Option<TokenStream> {
        self.is_some().then(|| quote! { let __reads = #krate::__private::Reads::new(); })
    }

    /// The tags of a result that are known before it is computed, where results have tags in a backend. Without `arguments` none
    /// are.
    pub(crate) fn known(&self, krate: &Krate, arguments: Option<&[TokenStream]>) -> Option<TokenStream> {
        if !self.is_some() {
            return None;
        }
        let tags = match (self.tags.get(), arguments) {
            (Some(tags @ Expr::Closure(closure)), Some(arguments))
                if closure.inputs.len() <= arguments.len() =>
            {
                let made = applied(tags, krate, arguments);
                let at = type_tokens::first_span(tags);
                let krate = krate.at(at);
                quote_spanned! { at=> #krate::__private::tags_of(#made) }
            }
            _ => quote! { [] },
        };
        Some(quote! { .known(#tags) })
    }

    /// Gives a result, whose body has these `reads`, its tags.
    pub(super) fn tagged(
        &self,
        krate: &Krate,
        arguments: &[TokenStream],
        reads: &TokenStream,
    ) -> Option<TokenStream> {
        if !self.is_some() {
            return None;
        }
        let value = self.take_value(arguments).then(|| quote! { __value });
        let tags = self.made_of(krate, arguments, value)?;
        Some(quote! { #reads.tag(__lifecycle, || #tags); })
    }

    /// Notes the tags of the result of the call `of` before its body runs, where they are made of the arguments alone.
    pub(super) fn expected(
        &self,
        krate: &Krate,
        arguments: &[TokenStream],
        of: &Ident,
    ) -> Option<TokenStream> {
        if !self.is_some() || self.take_value(arguments) {
            return None;
        }
        let tags = self.made_of(krate, arguments, None)?;
        Some(quote! { __reads.expect(&#of, #tags); })
    }

    /// Like [`expected`](Self::expected), of the results of many elements: `arguments` are those of the element of `__number`.
    pub(super) fn expected_of_each(
        &self,
        krate: &Krate,
        arguments: &[TokenStream],
        of: &Ident,
    ) -> Option<TokenStream> {
        if !self.is_some() {
            return None;
        }
        if self.take_value(arguments) {
            return Some(quote! { #of.expect_any(&__reads); });
        }
        let tags = self.made_of(krate, arguments, None)?;
        Some(quote! { #of.expect_each(&__reads, |__number: ::core::primitive::usize| #tags); })
    }

    /// Whether the tags are made of the arguments and the result.
    fn take_value(&self, arguments: &[TokenStream]) -> bool {
        matches!(self.tags.get(), Some(Expr::Closure(closure)) if closure.inputs.len() > arguments.len())
    }

    /// The tags that are made of the arguments and of the `value`, if they take that.
    fn made_of(
        &self,
        krate: &Krate,
        arguments: &[TokenStream],
        value: Option<TokenStream>,
    ) -> Option<TokenStream> {
        match self.tags.get() {
            None => Some(quote! { [] }),
            Some(tags @ Expr::Closure(_)) => {
                let mut given = arguments.to_vec();
                given.extend(value);
                let made = applied(tags, krate, &given);
                // What is no tag is reported at the closure.
                let at = type_tokens::first_span(tags);
                let krate = krate.at(at);
                Some(quote_spanned! { at=> #krate::__private::tags_of(#made) })
            }
            Some(_) => None,
        }
    }
}
