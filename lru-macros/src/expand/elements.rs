//! Fragments of functions of many elements (`each`).

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::batch_type::BatchKind;
use crate::model::{Batch, Checks, MapKeys, Model};

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

/// The result of a call that finds all elements.
pub(super) fn hits(model: &Model, batch: &Batch) -> TokenStream {
    let krate = &model.krate;
    let hits = if batch.keys.is_some() {
        quote! { #krate::__private::map_of_hits(__batch, __hits) }
    } else {
        quote! { __hits }
    };
    in_result(batch, &hits)
}

/// In an `Ok`, where the function returns a `Result`.
pub(super) fn in_result(batch: &Batch, results: &TokenStream) -> TokenStream {
    if batch.result.is_fallible {
        quote! { ::core::result::Result::Ok(#results) }
    } else {
        results.clone()
    }
}

/// The functions that compare the keys of a map with the missing elements.
pub(super) fn compared(model: &Model, keys: &MapKeys) -> TokenStream {
    let krate = &model.krate;
    let part = keys.of_map.borrow(&quote! { (*__key) }, Checks::Assumed, krate);
    quote! {
        (
            |__key| #krate::__private::part_hash(#part),
            |__key, __known| #krate::__private::Part::eq_stored(&#part, __known),
        )
    }
}

/// The function that makes what a wrong number of results becomes.
pub(super) fn wrong_length(model: &Model, batch: &Batch) -> TokenStream {
    let (krate, returned) = (&model.krate, &batch.returned);
    quote! {
        |__wrong| {
            use #krate::__private::choices::*;
            (&&#krate::__private::BatchResult::<#returned>::NEW).__wrong_length(__wrong)
        }
    }
}

/// The function that makes the options of the entry of an element, by its number.
pub(super) fn options_by_number(model: &Model, options: Option<TokenStream>) -> TokenStream {
    let krate = &model.krate;
    options.map_or_else(
        || quote! { #krate::__private::no_element_options },
        |options| quote! { |__number: ::core::primitive::usize, __lifecycle, __value| #options },
    )
}

/// The number of the argument with the elements among those that options take.
pub(super) fn batch_place(model: &Model, batch: &Batch) -> usize {
    batch.param + usize::from(model.receiver.is_some())
}

/// Where functions of options find the element, if the argument of this number has it.
pub(super) fn place_of_element(
    model: &Model,
    batch: &Batch,
    number: usize,
    element: impl Fn() -> TokenStream,
) -> Option<TokenStream> {
    let place = batch_place(model, batch);
    let made = || {
        if model.entry_options_take(place) {
            element()
        } else {
            // Not `()`, for which Clippy would have the user write `()` and not `_`.
            quote! { [(); 0] }
        }
    };
    (number == place).then(made)
}
