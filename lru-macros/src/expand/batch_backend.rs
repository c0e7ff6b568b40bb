//! The backend (L2) of a function of many elements (`each`).
//!
//! ```text
//! Out:  let mut __call = __call.in_backend(<backend>, &__batch, |__element, __keys| __keys.key(&(*__element,)), false);
//!       let __options = __call.element_options(no_element_options);
//!       while block_on(__call.next(sharing, &__options)) {
//!           let __answers = { .. users::wrapped(..) };
//!           block_on(__call.land_map(.., &__options));
//!       }
//!       __call.into_call().into_map(..)
//! ```

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::backend::{self, RemoteKey};
use super::elements::{argument, element, made};
use super::{backend_accessors, cache, call};
use crate::model::{Batch, Checks, Flavor, Model};

/// What a call does with its backend.
pub(super) struct InBackend {
    /// Looks elements up there, and binds the options of entries.
    pub(super) begin: TokenStream,
    /// Whether the body is to be called.
    pub(super) next: TokenStream,
    /// Returns the error of a backend by which the call fails, if it does.
    pub(super) failed: Option<TokenStream>,
}

impl InBackend {
    pub(super) fn new(
        model: &Model,
        batch: &Batch,
        home: &TokenStream,
        (sharing, options): (&TokenStream, &TokenStream),
    ) -> Option<Self> {
        let krate = &model.krate;
        let elements = elements(model, batch, home, Checks::Reported)?;
        let (types, handle, keys) = (elements.types, elements.handle, elements.keys);
        let is_strict = backend::is_strict(model)?;
        let returned = &batch.returned;
        let failed = is_strict.then(|| {
            let strictness = backend::strictness_of(model, returned, Checks::Reported);
            quote! {
                if let ::core::option::Option::Some(__failed) = __call.failed::<#returned>(#strictness) {
                    return __failed;
                }
            }
        });
        let next = wait(model, &quote! { __call.next(#sharing, &__options) });
        let begin = quote! {
            let __call = {
                #types
                #krate::__private::SharedBatch::in_backend(__call, #handle, &__batch, #keys, #is_strict)
            };
            let __options = __call.element_options(#options);
        };
        Some(Self { begin, next, failed })
    }
}

/// The elements of a batch in a backend.
struct Elements {
    /// Binds the types that are parts of their keys.
    types: Option<TokenStream>,
    handle: TokenStream,
    /// The function that makes the key of an element.
    keys: TokenStream,
}

fn elements(model: &Model, batch: &Batch, home: &TokenStream, checks: Checks) -> Option<Elements> {
    let backend = backend::backend_handle(model, home, None)?;
    let name = argument(model, batch).to_string();
    let place = |place: &TokenStream| if place.to_string() == name { element() } else { place.clone() };
    let RemoteKey { types, of_types, key } = backend::key(model, checks, place);
    Some(Elements {
        types,
        handle: quote! { #backend #of_types },
        keys: quote! { |__element, __keys| __keys.key(&#key) },
    })
}

/// Awaits a future of the call, or blocks the thread on it.
pub(super) fn wait(model: &Model, future: &TokenStream) -> TokenStream {
    let krate = &model.krate;
    match model.flavor {
        Flavor::Sync => quote! { #krate::__private::block_on(#future) },
        Flavor::Async(_) => quote! { #future.await },
    }
}

/// The body of the accessor that peeks at all elements, also in the backend.
pub(super) fn peek(model: &Model, batch: &Batch, home: &TokenStream) -> Option<TokenStream> {
    let Elements { types, handle: backend, keys } = elements(model, batch, home, Checks::Assumed)?;
    let (handle, made) = (cache::handle(model, home), made(batch, model, &argument(model, batch)));
    let (shared, key) = cache::key_of_element(model, home, Checks::Assumed, batch, &element());
    let policy = call::result_policy(model, Checks::Assumed);
    let found = wait(model, &quote! { __elements.peek(__found, #policy) });
    Some(quote! {
        let __batch = #made;
        let __found = {
            #shared
            #handle.peek_batch(&__batch, |__element| #key, #policy)
        };
        let __elements = {
            #types
            #backend.elements(&__batch, #keys)
        };
        #found
    })
}

/// The return type and the body of the accessor that stores results, also in the backend.
pub(super) fn put(model: &Model, batch: &Batch) -> Option<(TokenStream, TokenStream)> {
    let (returns, put) = backend_accessors::accessor(model, "cache_put")?;
    let (name, value) = (argument(model, batch), call::put_value(model));
    let done: Ident = format_ident!("__done");
    let body = quote! {
        let mut #done: #returns = ::core::result::Result::Ok(());
        for (#name, #value) in #name {
            let __one: #returns = { #put };
            #done = #done.and(__one);
        }
        #done
    };
    Some((returns, body))
}
