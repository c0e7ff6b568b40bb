//! The lookup of a call of many elements that shares computations, and the refresh of the stale elements that it finds
//! (`swr`).
//!
//! ```text
//! In:   #[lru_cache(each = ids, ttl = 60, swr = true)] fn users(db: &Db, ids: &[u32]) -> Vec<User> { .. }
//!
//! Out:  let mut __looked = users::__memo().handle_with(..).lookup_stale_batch(..);      (paths shortened)
//!       if __looked.has_stale() {
//!           let __claim = users::__memo().handle_with(..).claim_batch(__looked.stale(), &__batch, ..);
//!           if let Some(__refresh) = __claim {
//!               let __argument0 = db.copied();
//!               __refresh.in_background(move |__refresh| {
//!                   if let Some((mut __refresh, __elements)) = __refresh.begin() {
//!                       let mut __asked = __refresh.ask(&__elements);
//!                       let __answers = __refresh.compute(|| users::wrapped(as_borrowed(&__argument0), __asked.argument()));
//!                       __refresh.complete_sequence(__answers, ..);
//!                   }
//!               });
//!           }
//!       }
//! ```

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::apart::{Apart, Elements, Purpose};
use super::batch_lookup::{self, Looked, Lookup};
use super::elements;
use crate::model::{Batch, Checks, Flavor, Flight, Model};
use crate::type_tokens;

/// Binds `__call`, what the lookup of `__batch` has not found, or returns what it has.
pub(super) fn lookup(model: &Model, of: &Batch, flight: &Flight, home: &TokenStream) -> TokenStream {
    let hits = elements::hits(model, of);
    let options = flight.value(&model.plain_name(), &model.krate);
    if !flight.has_refreshes {
        let Looked { shared, looked } = batch_lookup::looked(model, of, home, Some(&options));
        return quote! {
            let __call = {
                #shared
                let __looked = #looked;
                match __looked {
                    ::core::result::Result::Ok(__hits) => return #hits,
                    ::core::result::Result::Err(__call) => __call,
                }
            };
        };
    }
    let Lookup { handle, shared, key, policy } = Lookup::new(model, of, home, Checks::Reported);
    let begun = match model.flavor {
        Flavor::Sync => on_thread(model, of, flight, home),
        Flavor::Async(_) => as_task(model, of, flight, home),
    };
    let mutable = matches!(model.flavor, Flavor::Async(_)).then(|| quote!(mut));
    quote! {
        let #mutable __looked = {
            #shared
            #handle.lookup_stale_batch(&__batch, |__element| #key, #policy, #options)
        };
        #begun
        let __call = match __looked.found() {
            ::core::result::Result::Ok(__hits) => return #hits,
            ::core::result::Result::Err(__call) => __call,
        };
    }
}

/// Refreshes the stale elements on a thread.
fn on_thread(model: &Model, of: &Batch, flight: &Flight, home: &TokenStream) -> TokenStream {
    let Refresh { shared, claim, copies, expected, answers, complete } =
        Refresh::new(model, of, flight, home);
    quote! {
        if __looked.has_stale() {
            #shared
            let __claim = #claim;
            if let ::core::option::Option::Some(__refresh) = __claim {
                #copies
                __refresh.in_background(move |__refresh| {
                    if let ::core::option::Option::Some((mut __refresh, __elements)) = __refresh.begin() {
                        let mut __asked = __refresh.ask(&__elements);
                        #expected
                        let __answers = __refresh.compute(|| #answers);
                        #complete
                    }
                });
            }
        }
    }
}

/// Refreshes the stale elements in a task. Where no executor takes it, the call awaits it and looks the elements up again.
fn as_task(model: &Model, of: &Batch, flight: &Flight, home: &TokenStream) -> TokenStream {
    let Refresh { shared, claim, copies, expected, answers, complete } =
        Refresh::new(model, of, flight, home);
    let Lookup { handle, key, policy, .. } = Lookup::new(model, of, home, Checks::Assumed);
    let executor = flight.executor(&model.krate);
    quote! {
        if __looked.has_stale() {
            let __task = {
                #shared
                let __claim = #claim;
                match __claim {
                    ::core::option::Option::None => ::core::option::Option::None,
                    ::core::option::Option::Some(__refresh) => {
                        #copies
                        __refresh.spawned(#executor, move |__refresh| async move {
                            let __begun = __refresh.begin_in_turn().await;
                            if let ::core::option::Option::Some((mut __refresh, __elements)) = __begun {
                                let mut __asked = __refresh.ask(&__elements);
                                #expected
                                let __body = __refresh.future(|| #answers);
                                let __answers = __refresh.within(__body).await;
                                #complete
                            }
                        })
                    }
                }
            };
            if let ::core::option::Option::Some(__task) = __task {
                __task.await;
                #shared
                #handle.reload(&mut __looked, &__batch, |__element| #key, #policy);
            }
        }
    }
}

/// The parts of a refresh.
struct Refresh {
    shared: TokenStream,
    /// Claims the elements that are due.
    claim: TokenStream,
    /// Copies of the arguments, without the elements.
    copies: TokenStream,
    /// Notes what is known of the results before the body runs.
    expected: Option<TokenStream>,
    /// The call of the body.
    answers: TokenStream,
    /// Stores what the body has returned.
    complete: TokenStream,
}

impl Refresh {
    fn new(model: &Model, of: &Batch, flight: &Flight, home: &TokenStream) -> Self {
        let Lookup { handle, shared, key, policy } = Lookup::new(model, of, home, Checks::Assumed);
        let options = flight.value(&model.plain_name(), &model.krate);
        let at = type_tokens::first_span(&of.argument);
        let claim = quote_spanned! { at=> claim_batch };
        let claim = quote! {
            #handle.#claim(__looked.stale(), &__batch, |__element| #key, #policy, #options)
        };
        let place = elements::batch_place(model, of);
        let one = elements::place_of_element(model, of, place, || quote! { __elements[__number] });
        let one = one.unwrap_or_default();
        let asked = quote! { __asked.argument() };
        let elements = (place, Elements { asked, one });
        let Apart { copies, expected, call, options } =
            Apart::of_elements(model, home, (Purpose::Refresh, "__refresh"), &elements);
        let complete = complete(model, of, options);
        Self { shared, claim, copies, expected, answers: call, complete }
    }
}

/// Stores what the body has returned, with these options of the entry of an element.
fn complete(model: &Model, of: &Batch, options: Option<TokenStream>) -> TokenStream {
    let krate = &model.krate;
    let sharing = model.result_policy.sharing(krate);
    let options = elements::options_by_number(model, options);
    let complete = match &of.keys {
        None => {
            let wrong = elements::wrong_length(model, of);
            quote! { __refresh.complete_sequence(__answers, #sharing, #options, #wrong) }
        }
        Some(keys) => {
            let part = keys.element.borrow(&elements::element(), Checks::Assumed, krate);
            let by = elements::compared(model, keys);
            quote! {
                {
                    let __known = __refresh.known(&__elements, |__element| #part);
                    __refresh.complete_map(&__known, __answers, #by, #sharing, #options)
                }
            }
        }
    };
    if !of.result.is_fallible {
        return quote! { #complete; };
    }
    quote! {
        match __answers {
            ::core::result::Result::Ok(__answers) => #complete,
            ::core::result::Result::Err(_) => __refresh.fail(),
        }
    }
}
