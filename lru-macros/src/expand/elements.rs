//! Fragments of functions of many elements (`each`).

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::batch_type::BatchKind;
use crate::model::{Batch, Model};

/// The element of a batch, in a closure that takes a reference to it.
pub(super) fn element() -> TokenStream {
    quote! { (*__element) }
}

/// The expression of the batch.
pub(super) fn made(batch: &Batch, model: &Model, argument: &TokenStream) -> TokenStream {
    let krate = &model.krate;
    match batch.kind {
        BatchKind::Slice => quote! { #krate::__private::batch_of_slice(#argument) },
        BatchKind::Reference => quote! { #krate::__private::batch_by_reference(#argument) },
        BatchKind::Owned => quote! { #krate::__private::owned_batch(#argument) },
    }
}

/// The argument with the elements.
pub(super) fn argument(model: &Model, batch: &Batch) -> TokenStream {
    model.params.get(batch.param).map(|param| param.name.to_token_stream()).unwrap_or_default()
}
