//! What a call of many elements needs to wait for others, so that one call of the body computes for all (`gather`).

use core::any::Any;
use core::time::Duration;
use std::boxed::Box;
use std::sync::{Arc, OnceLock};
use std::vec::Vec;

use crate::expiry::duration::IntoSpan;
use crate::flight::Leader;
use crate::function::batch::argument::{Batch, Elements};
use crate::function::batch::groups::{Common, OpenGroups};
use crate::function::batch::map::AskedElements;
use crate::function::result_policy::Sharing;
use crate::key::{KeyHash, Part};

/// How the calls of a function wait for each other: the options `gather` and `gather_max`.
#[derive(Clone, Copy)]
#[must_use = "options take effect in a call"]
pub struct Gathering {
    pub(super) groups: &'static OpenGroups,
    pub(super) window: Duration,
    pub(super) max: usize,
}

impl Gathering {
    /// The default of `gather_max`.
    const MAX: usize = 100;

    /// Creates the options of calls that wait for each other in these groups, for as long as `window`.
    pub fn new(groups: &'static OpenGroups, window: impl IntoSpan<Duration>) -> Self {
        Self { groups, window: window.into_span(), max: Self::MAX }
    }

    /// Sets the number of elements with which a group is full.
    pub const fn max(self, max: usize) -> Self {
        Self { max, ..self }
    }
}

/// An error that all calls of a group can return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned to all calls that `gather` makes one of",
    label = "not `Clone + Send + Sync + 'static`",
    note = "implement `Clone` for the error, or return it in an `Arc`"
)]
pub trait ErrorOfGroup: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<F: Clone + Send + Sync + 'static> ErrorOfGroup for F {}

/// An element that one call can compute for another.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be handed to the call that computes for all, as `gather` needs it",
    label = "not `Clone + Send + 'static`"
)]
pub trait ElementOfGroup: Clone + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> ElementOfGroup for T {}

/// The error of the body of a group, for all calls that follow it.
struct GroupError<F>(F);

/// What followers receive of a result that is not stored.
pub(super) type Packed = Box<dyn Any + Send + Sync>;

/// Returns the error of a group, if it is one.
type Unpack<F> = fn(&(dyn Any + Send + Sync)) -> Option<F>;

/// How an error of the whole goes to all calls of a group.
#[must_use = "it is an argument of the call"]
pub struct GroupErrors<F> {
    pub(super) pack: fn(&F) -> Packed,
    pub(super) unpack: Unpack<F>,
}

/// Lets an error of this type go to all calls of a group.
pub fn errors_of_group<F: ErrorOfGroup>() -> GroupErrors<F> {
    GroupErrors {
        pack: |error| Box::new(GroupError(error.clone())),
        unpack: |packed| packed.downcast_ref().map(|GroupError(error): &GroupError<F>| error.clone()),
    }
}

/// Notes the error of a group that the call has followed.
pub(super) struct NotesError<'e, H, F> {
    pub(super) sharing: H,
    pub(super) unpack: Unpack<F>,
    pub(super) error: &'e OnceLock<F>,
}

impl<H: Copy, F> Clone for NotesError<'_, H, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H: Copy, F> Copy for NotesError<'_, H, F> {}

impl<R, H: Sharing<R>, F> Sharing<R> for NotesError<'_, H, F> {
    const COPIES: bool = H::COPIES;

    fn pack(self, result: &R) -> Option<Packed> {
        self.sharing.pack(result)
    }

    fn unpack(self, packed: &(dyn Any + Send + Sync)) -> Option<R> {
        if let Some(error) = (self.unpack)(packed) {
            // There is one already if the call follows several elements of the group.
            drop(self.error.set(error));
            return None;
        }
        self.sharing.unpack(packed)
    }
}

/// An element that a call adds to the group of another. `P` is what a key of the body's map is recognized by.
pub(super) struct Guest<K, V, T, P> {
    pub(super) leader: Leader<K, V>,
    pub(super) hash: KeyHash,
    pub(super) key: Option<K>,
    pub(super) element: T,
    pub(super) part: Option<(KeyHash, P)>,
}

/// What a call does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatherStep {
    /// It makes keys, by [`supply`](crate::__private::SharedBatch::supply).
    Supply,
    /// It calls the body, for the elements that [`take_gathered`](crate::__private::SharedBatch::take_gathered) returns.
    Compute,
    /// All results are there.
    Done,
}

/// What a call of many elements hands to others, or others to it. `A` are the other arguments in the key, and `F` is the error of
/// the body.
#[must_use = "it belongs to a call"]
pub struct Gather<B: Batch, P, A, F> {
    /// The missing elements, and after them those of other calls.
    pub(super) elements: Vec<B::Element>,
    pub(super) known: AskedElements<P>,
    /// The number of missing elements.
    pub(super) own: usize,
    pub(super) common: Common<A>,
    pub(super) options: Gathering,
    pub(super) errors: GroupErrors<F>,
    /// Whether keys are to be made, in place of those that others have.
    pub(super) lacks_keys: bool,
    /// Whether the body is called for a group.
    pub(super) is_group: bool,
    /// The elements that the body is called with.
    pub(super) asked: Vec<B::Element>,
}

impl<B: Batch, P, A, F> Gather<B, P, A, F> {
    /// Creates it from the missing elements of a call. `common` are the other arguments in the key.
    pub fn new<Q: Part<Stored = A>>(
        (elements, known): (Elements<B>, AskedElements<P>),
        common: &Q,
        options: Gathering,
        errors: GroupErrors<F>,
    ) -> Self {
        let elements = elements.into_all();
        let arguments = Arc::new(common.to_stored());
        Self {
            own: elements.len(),
            elements,
            known,
            common: Common { hash: KeyHash::of_part(common), arguments, same: Q::stored_eq },
            options,
            errors,
            lacks_keys: false,
            is_group: false,
            asked: Vec::new(),
        }
    }

    /// Returns the element of this number.
    pub fn element(&self, number: usize) -> &B::Element {
        &self.elements[number]
    }

    /// Returns what the keys of the body's map are recognized by.
    pub fn known(&self) -> &AskedElements<P> {
        &self.known
    }

    /// Returns the missing elements, without those of other calls.
    pub fn into_elements(mut self) -> Elements<B> {
        self.elements.truncate(self.own);
        Elements::new(self.elements)
    }
}

impl<X> AskedElements<X> {
    /// Returns nothing, for the elements of a call whose results come in their order.
    #[must_use]
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Lets calls share what is known of an element.
    #[must_use]
    pub fn shared(self) -> AskedElements<Arc<X>> {
        AskedElements(self.0.into_iter().map(|(hash, part)| (hash, Arc::new(part))).collect())
    }
}
