//! The lookup of a function of many elements (`each`).

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::elements::{batch_place, element};
use super::{cache, call};
use crate::model::{self, Batch, Checks, Model};

/// The parts of a lookup.
pub(super) struct Lookup {
    pub(super) handle: TokenStream,
    /// Binds what is the same for the keys of all elements.
    pub(super) shared: TokenStream,
    /// The key of an element.
    pub(super) key: TokenStream,
    pub(super) policy: TokenStream,
}

impl Lookup {
    pub(super) fn new(model: &Model, of: &Batch, home: &TokenStream, checks: Checks) -> Self {
        let (shared, key) = cache::key_of_element(model, home, checks, of, &element());
        let (handle, policy) = (cache::handle(model, home), call::result_policy(model, checks));
        Self { handle, shared, key, policy }
    }
}

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
    let Lookup { handle, shared, key, policy } = Lookup::new(model, batch, home, Checks::Reported);
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
