//! The call of a function of many elements that waits for others (`gather`), so that one call of the body computes for
//! all.
//!
//! ```text
//! In:   #[lru_cache(each = ids, gather = 0.002)] async fn users(ids: &[u32]) -> HashMap<u32, User> { .. }
//!
//! Out:  .. the lookup, as without `gather`, and if elements are missing:               (paths shortened)
//!       let mut __gather = Gather::new((__elements, __known.shared()), &(), Gathering::new(&__GROUPS, 0.002), ..);
//!       loop {
//!           __call.supply(&mut __gather, |__element| (&*__element,));
//!           match __call.next_gathered(&mut __gather, CloneResult).await {
//!               Ok(GatherStep::Supply) => continue,
//!               Ok(GatherStep::Compute) => {}
//!               Ok(GatherStep::Done) => break,
//!               Err(__error) => match __error {},
//!           }
//!           let mut __asked = __call.take_gathered(&mut __gather);
//!           let __answers = __call.within(__call.future(|| users::wrapped(__asked.argument()))).await;
//!           __call.land_map((&mut __keys, __gather.known()), __answers, ..);
//!       }
//!       __call.without_guests(&__gather);
//!       __call.into_map(__found, __gather.into_elements(), __keys)
//! ```

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::{batch, batch_refresh, cache, call, elements};
use crate::model::{Batch, Checks, Flight, Model, nested};
use crate::type_tokens;

/// The call of a function of many elements.
pub(super) fn call(model: &Model, of: &Batch, home: &TokenStream) -> TokenStream {
    let flight = model.flight.as_ref();
    let gathering = flight.and_then(|flight| Some((flight, flight.gathering(&model.krate)?)));
    match gathering {
        Some((flight, gathering)) => gathered(model, of, (flight, &gathering), home),
        None => batch::call(model, of, home),
    }
}

fn gathered(
    model: &Model,
    of: &Batch,
    (flight, gathering): (&Flight, &TokenStream),
    home: &TokenStream,
) -> TokenStream {
    let krate = &model.krate;
    let argument = elements::argument(model, of);
    let made = elements::made(of, model, &argument);
    let lookup = batch_refresh::lookup(model, of, flight, home);
    let (again, key_again) = cache::key_of_element(model, home, Checks::Assumed, of, &elements::element());
    let common = common_key(model, home, of);
    let (options, sharing) = (options(model, of), model.result_policy.sharing(krate));
    let known = batch::known(model, of, &quote!(known));
    let copies = call::entry_options(model)
        .map(|_| call::copies_for_options_but(model, Some(elements::batch_place(model, of))));
    let expected = call::expected_of_each(model, "__call", |number| {
        elements::place_of_element(model, of, number, element)
    });
    let is_map = of.keys.is_some();
    // The compiler reports an error that cannot be returned to several calls at the type of the result, and makes no suggestions for
    // tokens of a macro.
    let at = Span::call_site().located_at(type_tokens::first_span(&of.returned));
    let spanned = krate.at(at);
    let errors = quote_spanned! { at=> #spanned::__private::errors_of_group() };
    let (failed, answers) = answers(model, of, home, (&argument, &sharing));
    let failed = if model.lifecycle.serves_on_error() && of.result.is_fallible {
        quote! {
            {
                {
                    #again
                    __call.supply(&mut __gather, |__element| #key_again);
                }
                match __call.serve_stale_of_group() {
                    ::core::option::Option::Some(#krate::__private::GatherStep::Compute) => {}
                    ::core::option::Option::Some(_) => continue,
                    ::core::option::Option::None => #failed,
                }
            }
        }
    } else {
        failed
    };
    let at = type_tokens::first_span(&of.argument);
    let next = quote_spanned! { at=> next_gathered };
    let (parts, keys, land, results) = match &of.keys {
        None => {
            let wrong = elements::wrong_length(model, of);
            (
                quote! { #krate::__private::AskedElements::<()>::none() },
                None,
                quote! {
                    if let ::core::result::Result::Err(__returned) =
                        __call.land_sequence(__answers, #sharing, #options, #wrong)
                    {
                        return __returned;
                    }
                },
                quote! { __call.into_sequence() },
            )
        }
        Some(keys) => {
            let by = elements::compared(model, keys);
            (
                quote! { __known.shared() },
                Some(
                    quote! { let mut __keys: #krate::__private::MapKeys<_> = ::core::default::Default::default(); },
                ),
                quote! {
                    __call.land_map((&mut __keys, __gather.known()), __answers, #by, #sharing, #options);
                },
                quote! { __call.into_map(__found, __gather.into_elements(), __keys) },
            )
        }
    };
    let results = elements::in_result(of, &results);
    quote! {
        let __batch = #made;
        #lookup
        #known
        #copies
        let (__elements, __found) = __call.parts(__batch, #is_map);
        let mut __gather =
            #krate::__private::Gather::new((__elements, #parts), &#common, #gathering, #errors);
        #keys
        // Dropped before the elements, which may call the function.
        let mut __call = __call;
        loop {
            {
                #again
                __call.supply(&mut __gather, |__element| #key_again);
            }
            let __step = __call.#next(&mut __gather, #sharing).await;
            match __step {
                ::core::result::Result::Ok(#krate::__private::GatherStep::Supply) => continue,
                ::core::result::Result::Ok(#krate::__private::GatherStep::Compute) => {}
                ::core::result::Result::Ok(#krate::__private::GatherStep::Done) => break,
                ::core::result::Result::Err(__error) => #failed,
            }
            let mut __asked = __call.take_gathered(&mut __gather);
            #expected
            let __answers = #answers;
            #land
        }
        __call.without_guests(&__gather);
        #results
    }
}

/// The arguments in the key but the elements, as a key: those that are the same for calls whose elements can go to one
/// call of the body.
fn common_key(model: &Model, home: &TokenStream, batch: &Batch) -> TokenStream {
    let name = model.params.get(batch.param).map(|param| param.name.to_string()).unwrap_or_default();
    let others = model.key.parts.iter().filter(|part| part.place.to_string() != name);
    let others = others.map(|part| part.key.borrow(&part.place, Checks::Assumed, &model.krate));
    let function = model.accessor("__identity");
    let identity = model.key.identity.expression(&quote!(#home::#function), &model.krate);
    nested(&identity.into_iter().chain(others).collect::<Vec<_>>())
}

/// What is done after a group has failed, and the results of the body.
fn answers(
    model: &Model,
    of: &Batch,
    home: &TokenStream,
    (argument, sharing): (&TokenStream, &TokenStream),
) -> (TokenStream, TokenStream) {
    let stale = model.lifecycle.serves_on_error().then(|| {
        quote! {
            if __call.serve_stale_in_group(&__gather, &__error, #sharing) {
                continue;
            }
        }
    });
    let answers = call::call_with(model, home, batch::repeated(model, argument));
    let answers = quote! {
        {
            let __body = __call.future(|| #answers);
            __call.within(__body).await
        }
    };
    if of.result.is_fallible {
        let answers = quote! {
            match #answers {
                ::core::result::Result::Ok(__answers) => __answers,
                ::core::result::Result::Err(__error) => {
                    #stale
                    return ::core::result::Result::Err(__call.fail_group(&__gather, __error));
                }
            }
        };
        (quote! { return ::core::result::Result::Err(__error) }, answers)
    } else {
        (quote! { { let __error: ::core::convert::Infallible = __error; match __error {} } }, answers)
    }
}

/// An element, in functions of options.
fn element() -> TokenStream {
    quote! { (*__gather.element(__number)) }
}

/// The options of the entry of an element.
fn options(model: &Model, of: &Batch) -> TokenStream {
    let options =
        call::entry_options_at(model, |number| elements::place_of_element(model, of, number, element));
    elements::options_by_number(model, options)
}
