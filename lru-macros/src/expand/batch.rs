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
use quote::{quote, quote_spanned};

use super::batch_backend::{self, InBackend};
use super::batch_lookup::{Looked, looked};
use super::elements::{
    argument, batch_place, compared, element, hits, in_result, made, options_by_number, place_of_element,
    wrong_length,
};
use super::{batch_refresh, cache, call};
use crate::model::{Batch, Checks, Flavor, Flight, Model};
use crate::type_tokens;

/// The call: looks all elements up, and calls the body with those that are missing.
pub(super) fn call(model: &Model, batch: &Batch, home: &TokenStream) -> TokenStream {
    if let Some(flight) = &model.flight {
        return shared(model, batch, flight, home);
    }
    let argument = argument(model, batch);
    let made = made(batch, model, &argument);
    let Looked { shared, looked } = looked(model, batch, home, None);
    let (is_map, hits) = (batch.keys.is_some(), hits(model, batch));
    let before = before_body(model, batch);
    let asked = quote! { __asked.argument() };
    let arguments: Vec<_> = model
        .arguments()
        .into_iter()
        .map(|place| if place.to_string() == argument.to_string() { asked.clone() } else { place })
        .collect();
    let answers = call::awaited(model, &call::call_with(model, home, arguments));
    let (insert, expected) = (insert(model, batch), expected(model, batch, "__miss"));
    quote! {
        let __batch = #made;
        let __miss = {
            #shared
            let __looked = #looked;
            match __looked {
                ::core::result::Result::Ok(__hits) => return #hits,
                ::core::result::Result::Err(__miss) => __miss,
            }
        };
        #before
        #expected
        let (mut __asked, __found) = __miss.split(__batch, #is_map);
        let __answers = #answers;
        #insert
    }
}

/// The call of a function whose calls share computations: the body is called for the elements that this call is to compute, until
/// there are none.
fn shared(model: &Model, batch: &Batch, flight: &Flight, home: &TokenStream) -> TokenStream {
    let krate = &model.krate;
    let argument = argument(model, batch);
    let made = made(batch, model, &argument);
    let lookup = batch_refresh::lookup(model, batch, flight, home);
    let (options, sharing) = (options(model, batch), model.result_policy.sharing(krate));
    let (known, copies) = (known(model, batch, &quote!(known)), copies(model, batch, &quote!(__call)));
    let expected = expected(model, batch, "__call");
    let is_map = batch.keys.is_some();
    let call = call::call_with(model, home, repeated(model, &argument));
    let backend = InBackend::new(model, batch, home, (&sharing, &options));
    let (next, answers) = match model.flavor {
        Flavor::Sync => (quote! { __call.next(#sharing) }, quote! { __call.compute(|| #call) }),
        Flavor::Async(_) => (
            quote! { __call.next_async(#sharing).await },
            quote! {
                {
                    let __body = __call.future(|| #call);
                    __call.within(__body).await
                }
            },
        ),
    };
    // With a backend, what ends a call of the body may wait.
    let (options, ends): (_, Ends) = match &backend {
        None => (options, identity),
        Some(_) => (quote! { &__options }, batch_backend::wait),
    };
    let fail = ends(model, &quote! { __call.fail() });
    let serves_stale = model.lifecycle.serves_on_error();
    let stale = serves_stale.then(|| quote! { if __call.serve_stale(#sharing) { continue; } });
    let answers = if batch.result.is_fallible {
        quote! {
            match #answers {
                ::core::result::Result::Ok(__answers) => __answers,
                ::core::result::Result::Err(__error) => {
                    #stale
                    #fail;
                    return ::core::result::Result::Err(__error);
                }
            }
        }
    } else {
        answers
    };
    let ended = backend.as_ref().map(|_| quote! { .into_call() });
    let Landing { keys, land, results } = landing(model, batch, (&sharing, &options), ended.as_ref(), ends);
    let results = in_result(batch, &results);
    // A map of kept results is made of the elements.
    let take = if serves_stale && is_map && batch.result.is_fallible {
        let at = type_tokens::first_span(&batch.argument);
        quote_spanned! { at=> take_copies }
    } else {
        quote! { take }
    };
    let (begin, next, failed) =
        backend.map_or((None, next, None), |backend| (Some(backend.begin), backend.next, backend.failed));
    let is_called = failed.map_or_else(
        || next.clone(),
        |failed| {
            quote! {
                {
                    let __is_called = #next;
                    #failed
                    __is_called
                }
            }
        },
    );
    quote! {
        let __batch = #made;
        #lookup
        #known
        #copies
        #begin
        let (mut __elements, __found) = __call.parts(__batch, #is_map);
        #keys
        // Dropped before the elements, which may call the function.
        let mut __call = __call;
        while #is_called {
            let mut __asked = __call.#take(&mut __elements);
            #expected
            let __answers = #answers;
            #land
        }
        #results
    }
}

/// What ends a call of the body.
type Ends = fn(&Model, &TokenStream) -> TokenStream;

/// How the results of a call of the body are stored, and made into those of the function.
struct Landing {
    /// Binds the keys of the maps that the body returns.
    keys: Option<TokenStream>,
    land: TokenStream,
    results: TokenStream,
}

fn landing(
    model: &Model,
    batch: &Batch,
    (sharing, options): (&TokenStream, &TokenStream),
    ended: Option<&TokenStream>,
    ends: Ends,
) -> Landing {
    let krate = &model.krate;
    match &batch.keys {
        None => {
            let wrong = wrong_length(model, batch);
            let land = ends(model, &quote! { __call.land_sequence(__answers, #sharing, #options, #wrong) });
            Landing {
                keys: None,
                land: quote! {
                    if let ::core::result::Result::Err(__returned) = #land {
                        return __returned;
                    }
                },
                results: quote! { __call #ended.into_sequence() },
            }
        }
        Some(keys) => {
            let by = compared(model, keys);
            let land =
                quote! { __call.land_map((&mut __keys, &__known), __answers, #by, #sharing, #options) };
            let (keys, land) = (quote! { #krate::__private::MapKeys<_> }, ends(model, &land));
            Landing {
                keys: Some(quote! { let mut __keys: #keys = ::core::default::Default::default(); }),
                land: quote! { #land; },
                results: quote! { __call #ended.into_map(__found, __elements, __keys) },
            }
        }
    }
}

/// What does not wait.
fn identity(_: &Model, call: &TokenStream) -> TokenStream {
    call.clone()
}

/// The arguments of one of several calls of the body.
pub(super) fn repeated(model: &Model, argument: &TokenStream) -> Vec<TokenStream> {
    let arguments = model.arguments().into_iter();
    let repeated = arguments.map(|place| {
        if place.to_string() == argument.to_string() {
            quote! { __asked.argument() }
        } else {
            quote! { ::core::clone::Clone::clone(&#place) }
        }
    });
    repeated.collect()
}

/// The body of the accessor that peeks at all elements.
pub(super) fn peek(model: &Model, batch: &Batch, home: &TokenStream) -> TokenStream {
    if let Some(peek) = batch_backend::peek(model, batch, home) {
        return peek;
    }
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
    let (known, copies) = (known(model, batch, &quote!(asked)), copies(model, batch, &quote!(__miss)));
    quote! { #known #copies }
}

/// The missing elements, by which the keys of a map are recognized.
pub(super) fn known(model: &Model, batch: &Batch, method: &TokenStream) -> Option<TokenStream> {
    let keys = batch.keys.as_ref()?;
    let part = keys.element.borrow(&element(), Checks::Assumed, &model.krate);
    let from = if method.to_string() == "known" { quote!(__call) } else { quote!(__miss) };
    Some(quote! { let __known = #from.#method(&__batch, |__element| #part); })
}

/// Copies of the arguments for the options of entries.
fn copies(model: &Model, batch: &Batch, from: &TokenStream) -> Option<TokenStream> {
    call::entry_options(model)?;
    let takes_element = model.entry_options_take(batch_place(model, batch));
    let elements = takes_element.then(|| quote! { let __elements_copied = #from.copies(&__batch); });
    let copies = call::copies_for_options_but(model, Some(batch_place(model, batch)));
    Some(quote! { #elements #copies })
}

/// Stores what the body has returned.
fn insert(model: &Model, batch: &Batch) -> TokenStream {
    let options = options(model, batch);
    let insert = match &batch.keys {
        None => {
            let wrong = wrong_length(model, batch);
            quote! { __miss.insert_sequence(__answers, #options, #wrong) }
        }
        Some(keys) => {
            let by = compared(model, keys);
            quote! { __miss.insert_map((__found, __known), __answers, #by, #options) }
        }
    };
    let is_map = batch.keys.is_some();
    let results = in_result(batch, &quote! { __results });
    let stored = if is_map {
        quote! { { let __results = #insert; #results } }
    } else {
        quote! {
            match #insert {
                ::core::result::Result::Ok(__results) => #results,
                ::core::result::Result::Err(__returned) => __returned,
            }
        }
    };
    if !batch.result.is_fallible {
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

/// Notes what is known of the results of elements before the body of the call `of` runs.
fn expected(model: &Model, batch: &Batch, of: &str) -> Option<TokenStream> {
    let element = || quote! { __elements_copied[__number] };
    call::expected_of_each(model, of, |number| place_of_element(model, batch, number, element))
}

/// The options of the entry of an element.
fn options(model: &Model, batch: &Batch) -> TokenStream {
    let element = || quote! { __elements_copied[__number] };
    let options = call::entry_options_at(model, |number| place_of_element(model, batch, number, element));
    options_by_number(model, options)
}
