//! The call of the body apart from the call that begins it: with copies of the arguments.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::call;
use crate::model::{Model, is_reference};
use crate::type_tokens;

/// What the copies of the arguments are for, by which the compiler reports one that cannot be copied.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// A refresh of a stale result: `swr`.
    Refresh,
    /// A detached computation: `detach`.
    Task,
    /// A computation that a call may leave behind: `stale_if_slow`.
    Background,
}

/// The elements of a function of many, where they are computed apart from the call.
#[derive(Clone, Debug)]
pub(super) struct Elements {
    /// The argument of the body.
    pub(super) asked: TokenStream,
    /// The element whose entry is stored.
    pub(super) one: TokenStream,
}

/// What a refresh, or another computation in the background, takes from the call that begins it.
pub(super) struct Apart {
    /// Copies of the arguments.
    pub(super) copies: TokenStream,
    /// Notes what is known of the result before the body runs.
    pub(super) expected: Option<TokenStream>,
    /// The call of the body with these copies.
    pub(super) call: TokenStream,
    /// The options of the result's entry.
    pub(super) options: Option<TokenStream>,
}

impl Apart {
    /// Returns the call of the body for a purpose, where the variable `running` is the call.
    pub(super) fn new(model: &Model, home: &TokenStream, purpose: Purpose, running: &str) -> Self {
        Self::but(model, home, purpose, running, None)
    }

    /// Returns the call of the body of a function of many elements, which are not among the copies: in place of the argument of
    /// this number are those that the body is called with, and for the options of an entry its element.
    pub(super) fn of_elements(
        model: &Model,
        home: &TokenStream,
        (purpose, running): (Purpose, &str),
        elements: &(usize, Elements),
    ) -> Self {
        Self::but(model, home, purpose, running, Some(elements))
    }

    fn but(
        model: &Model,
        home: &TokenStream,
        purpose: Purpose,
        running: &str,
        elements: Option<&(usize, Elements)>,
    ) -> Self {
        let krate = &model.krate;
        let copy = |number: usize| format_ident!("__argument{number}");
        let as_borrowed = |number: usize, ty: &Type| {
            let (copy, inner) = (copy(number), behind(ty));
            quote! { #krate::__private::as_borrowed #inner (&#copy) }
        };
        let elements_at = |number: usize| elements.filter(|(place, _)| *place == number);
        let has_options = model.lifecycle.has_entry_options();
        let arguments = model.typed_arguments();
        let others = arguments.iter().enumerate().filter(|(number, _)| elements_at(*number).is_none());
        let copies = others.map(|(number, (ty, argument))| {
            // The compiler reports an argument that cannot be copied at its type. For that all of the call is there, with the
            // hygiene of the argument.
            let is_self = argument.to_string() == "self";
            let place = if is_self { argument.span() } else { type_tokens::first_span(ty) };
            let at = argument.span().located_at(place);
            let argument = type_tokens::each(argument.clone(), &mut |mut token| {
                token.set_span(at);
                token
            });
            let (copy, krate) = (copy(number), krate.at(at));
            if is_reference(ty) {
                let to_owned = format_ident!("ToOwnedFor{purpose:?}", span = at);
                return quote_spanned! { at=>
                    let #copy = #krate::__private::#to_owned::copied(#argument);
                };
            }
            // The body takes one copy; expiry or weight are computed from the other.
            let for_options = has_options.then(|| {
                let copy = format_ident!("__copy{number}");
                quote! { let #copy = ::core::clone::Clone::clone(&#argument); }
            });
            let clone = format_ident!("CloneFor{purpose:?}", span = at);
            quote_spanned! { at=>
                let #copy = #krate::__private::#clone::copied(&#argument);
                #for_options
            }
        });
        let reads = model.lifecycle.validity.reads(krate);
        let previous = call::previous(model, home);
        let copies = quote! { #previous #reads #(#copies)* };
        let passed = arguments.iter().enumerate().map(|(number, (ty, _))| match elements_at(number) {
            Some((_, elements)) => elements.asked.clone(),
            None if is_reference(ty) => as_borrowed(number, ty),
            None => quote_ident(copy(number)),
        });
        let references = model.references(|number, _| match (elements_at(number), arguments.get(number)) {
            (Some((_, elements)), _) => elements.one.clone(),
            (None, Some((ty, _))) if is_reference(ty) => as_borrowed(number, ty),
            _ => quote_ident(format_ident!("__copy{number}")),
        });
        let options = model.lifecycle.entry_options(krate, &references);
        let running = Ident::new(running, Span::call_site());
        let expected = match &elements {
            None => model.lifecycle.expected(krate, &references, &running),
            Some(_) => model.lifecycle.expected_of_each(krate, &references, &running),
        };
        let call = call::with_found(model, call::call_with(model, home, passed.collect()));
        Self { copies, expected, call, options }
    }
}

fn quote_ident(ident: Ident) -> TokenStream {
    ident.into_token_stream()
}

/// The type behind a reference, as an argument of a type where it can be named.
fn behind(ty: &Type) -> Option<TokenStream> {
    let Type::Reference(reference) = type_tokens::bare(ty) else { return None };
    let inner = &reference.elem;
    type_tokens::impl_trait(inner).is_none().then(|| quote! { ::<#inner> })
}
