//! The lookup of a function of many elements (`each`).

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::elements::{batch_place, element};
use super::{cache, call};
use crate::model::{self, Batch, Checks, Model};

/// A lookup of all elements.
pub(super) struct Looked {
    /// Binds what the keys of the elements share.
    pub(super) shared: TokenStream,
    pub(super) looked: TokenStream,
}

/// The lookup of all elements that are not forced, where calls share computations by `flight`.
pub(super) fn looked(
    model: &Model,
    batch: &Batch,
    home: &TokenStream,
    flight: Option<&TokenStream>,
) -> Looked {
    let handle = cache::handle(model, home);
    let (shared, key) = cache::key_of_element(model, home, Checks::Reported, batch, &element());
    let policy = call::result_policy(model, Checks::Reported);
    let lookup = if flight.is_some() { "lookup_shared_batch" } else { "lookup_batch" };
    let forces = forces(model, batch);
    let lookup = match &forces {
        None => format_ident!("{lookup}"),
        Some(_) => format_ident!("{lookup}_forced"),
    };
    let (flight, forces) = (flight.into_iter(), forces.into_iter());
    let looked = quote! {
        #handle.#lookup(&__batch, |__element| #key, #policy #(, #flight)* #(, |__element| #forces)*)
    };
    Looked { shared, looked }
}

/// Whether an element is to be computed anew, where the option `force` says so.
fn forces(model: &Model, batch: &Batch) -> Option<TokenStream> {
    let force = model.force.as_ref()?;
    let place = batch_place(model, batch);
    let given = model.given().into_iter().enumerate().map(|(number, (name, ty))| {
        let name = if number == place { element() } else { name };
        model::by_reference(&name, &ty)
    });
    Some(model::applied(force, &model.krate, &given.collect::<Vec<_>>()))
}
