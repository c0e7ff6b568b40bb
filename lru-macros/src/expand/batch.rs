//! The call of a function of many elements (`each`).
//!
//! ```text
//! In:   #[lru_cache(each = ids)] fn users(db: &Db, ids: &[u32]) -> HashMap<u32, User> { .. }
//!
//! Out:  let __batch = batch_of_slice(ids);                                   (paths shortened)
//!       let __looked = users::__memo().handle().lookup_batch(&__batch, |__element| (db, &*__element), Plain);
//!       match __looked {
//!           Ok(__hits) => map_of_hits(__batch, __hits),
//!           Err(__miss) => {
//!               let __known = __miss.asked(&__batch, |__element| &*__element);
//!               let (mut __asked, __found) = __miss.split(__batch, true);
//!               let __answers = users::wrapped(db, __asked.argument());
//!               __miss.insert_map((__found, __known), __answers, (.. hash and compare keys ..), no_element_options)
//!           }
//!       }
//! ```

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::{cache, call};
use crate::batch_type::BatchKind;
use crate::model::{Batch, Checks, Model};

/// The element of a batch, in a closure that takes a reference to it.
fn element() -> TokenStream {
    quote! { (*__element) }
}

/// The expression of the batch.
fn made(batch: &Batch, model: &Model, argument: &TokenStream) -> TokenStream {
    let krate = &model.krate;
    match batch.kind {
        BatchKind::Slice => quote! { #krate::__private::batch_of_slice(#argument) },
        BatchKind::Reference => quote! { #krate::__private::batch_by_reference(#argument) },
        BatchKind::Owned => quote! { #krate::__private::owned_batch(#argument) },
    }
}

/// The call: looks all elements up, and calls the body with those that are missing.
pub(super) fn call(model: &Model, batch: &Batch, home: &TokenStream) -> TokenStream {
    let krate = &model.krate;
    let handle = cache::handle(model, home);
    let argument = argument(model, batch);
    let made = made(batch, model, &argument);
    let (shared, key) = cache::key_of_element(model, home, Checks::Reported, batch, &element());
    let policy = call::result_policy(model, Checks::Reported);
    let is_map = batch.keys.is_some();
    let hits = if is_map {
        quote! { #krate::__private::map_of_hits(__batch, __hits) }
    } else {
        quote! { __hits }
    };
    let hits = if batch.result.is_fallible {
        quote! { ::core::result::Result::Ok(#hits) }
    } else {
        hits
    };
    let before = before_body(model, batch);
    let asked = quote! { __asked.argument() };
    let arguments: Vec<_> = model
        .arguments()
        .into_iter()
        .map(|place| if place.to_string() == argument.to_string() { asked.clone() } else { place })
        .collect();
    let answers = call::awaited(model, &call::call_with(model, home, arguments));
    let insert = insert(model, batch);
    quote! {
        let __batch = #made;
        let __miss = {
            #shared
            let __looked = #handle.lookup_batch(&__batch, |__element| #key, #policy);
            match __looked {
                ::core::result::Result::Ok(__hits) => return #hits,
                ::core::result::Result::Err(__miss) => __miss,
            }
        };
        #before
        let (mut __asked, __found) = __miss.split(__batch, #is_map);
        let __answers = #answers;
        #insert
    }
}

/// The body of the accessor that peeks at all elements.
pub(super) fn peek(model: &Model, batch: &Batch, home: &TokenStream) -> TokenStream {
    let (handle, made) = (cache::handle(model, home), made(batch, model, &argument(model, batch)));
    let (shared, key) = cache::key_of_element(model, home, Checks::Assumed, batch, &element());
    let policy = call::result_policy(model, Checks::Assumed);
    quote! {
        let __batch = #made;
        #shared
        #handle.peek_batch(&__batch, |__element| #key, #policy)
    }
}

/// What is made of the missing elements before the body takes them.
fn before_body(model: &Model, batch: &Batch) -> TokenStream {
    let known = batch.keys.as_ref().map(|keys| {
        let part = keys.element.borrow(&element(), Checks::Assumed, &model.krate);
        quote! { let __known = __miss.asked(&__batch, |__element| #part); }
    });
    let options = call::entry_options(model).map(|_| {
        let takes_element = model.entry_options_take(batch_place(model, batch));
        let elements = takes_element.then(|| quote! { let __elements = __miss.copies(&__batch); });
        let copies = call::copies_for_options_but(model, Some(batch_place(model, batch)));
        quote! { #elements #copies }
    });
    quote! { #known #options }
}

/// The number of the argument with the elements among those that options take.
fn batch_place(model: &Model, batch: &Batch) -> usize {
    batch.param + usize::from(model.receiver.is_some())
}

/// Stores what the body has returned.
fn insert(model: &Model, batch: &Batch) -> TokenStream {
    let krate = &model.krate;
    let options = options(model, batch);
    let insert = match &batch.keys {
        None => quote! { __miss.insert_sequence(__answers, #options) },
        Some(keys) => {
            let part = keys.of_map.borrow(&quote! { (*__key) }, Checks::Assumed, krate);
            quote! {
                __miss.insert_map(
                    (__found, __known),
                    __answers,
                    (
                        |__key| #krate::__private::part_hash(#part),
                        |__key, __known| #krate::__private::Part::eq_stored(&#part, __known),
                    ),
                    #options,
                )
            }
        }
    };
    let returned = &batch.returned;
    let (is_fallible, is_map) = (batch.result.is_fallible, batch.keys.is_some());
    let results = if is_fallible {
        quote! { ::core::result::Result::Ok(__results) }
    } else {
        quote! { __results }
    };
    let stored = if is_map {
        quote! { { let __results = #insert; #results } }
    } else {
        quote! {
            match #insert {
                ::core::result::Result::Ok(__results) => #results,
                ::core::result::Result::Err(__wrong) => {
                    use #krate::__private::choices::*;
                    (&&#krate::__private::BatchResult::<#returned>::NEW).__wrong_length(__wrong)
                }
            }
        }
    };
    if !is_fallible {
        return stored;
    }
    quote! {
        match __answers {
            ::core::result::Result::Ok(__answers) => #stored,
            ::core::result::Result::Err(__error) => {
                __miss.fail();
                ::core::result::Result::Err(__error)
            }
        }
    }
}

/// The options of the entry of an element.
fn options(model: &Model, batch: &Batch) -> TokenStream {
    let krate = &model.krate;
    let place = batch_place(model, batch);
    let options = call::entry_options_at(model, |number| {
        (number == place).then(|| {
            if model.entry_options_take(place) {
                quote! { __elements[__number] }
            } else {
                quote! { () }
            }
        })
    });
    options.map_or_else(
        || quote! { #krate::__private::no_element_options },
        |options| quote! { |__number: ::core::primitive::usize, __lifecycle, __value| #options },
    )
}

/// The argument with the elements.
pub(super) fn argument(model: &Model, batch: &Batch) -> TokenStream {
    model.params.get(batch.param).map(|param| param.name.to_token_stream()).unwrap_or_default()
}
