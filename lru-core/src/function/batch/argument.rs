//! The argument that `each` names: a slice, a collection behind a reference, or an owned collection.

use core::marker::PhantomData;
use std::vec::Vec;

/// The elements of a call, and how those that are missing become the argument of the body.
pub trait Batch: Sized {
    /// The type of an element.
    type Element;
    /// The elements that the body is called with.
    type Asked;
    /// The argument of the body.
    type Argument<'a>
    where
        Self: 'a;

    /// Returns the elements, in the caller's order.
    fn elements(&self) -> impl ExactSizeIterator<Item = &Self::Element>;

    /// Returns the element at a position.
    fn element(&self, position: usize) -> &Self::Element;

    /// Returns the elements at the positions for which `place` is `Place::Asked`, and those of
    /// `Place::Kept`, in order.
    fn select(self, place: impl FnMut(usize) -> Place) -> (Vec<Self::Element>, Vec<Self::Element>);

    /// Returns all elements, in the caller's order.
    fn into_elements(self) -> impl ExactSizeIterator<Item = Self::Element>;

    /// Returns all elements as those that the body is called with.
    fn whole(self) -> Self::Asked {
        Self::collect(self.into_elements().collect())
    }

    /// Makes these elements those that the body is called with.
    fn collect(elements: Vec<Self::Element>) -> Self::Asked;

    /// Returns the argument of the body. Called once.
    fn argument<'a>(asked: &'a mut Self::Asked) -> Self::Argument<'a>
    where
        Self: 'a;
}

/// A batch of which elements can be computed apart from the call.
pub trait BatchApart: Batch {
    /// A batch of the same kind that borrows nothing.
    type Apart: Batch<Element = Self::Element> + 'static;
}

/// The elements that the body is called with.
pub struct Asked<B: Batch>(B::Asked);

impl<B: Batch> Asked<B> {
    pub(super) fn new(asked: B::Asked) -> Self {
        Self(asked)
    }

    pub(super) fn of(elements: Vec<B::Element>) -> Self {
        Self(B::collect(elements))
    }

    /// Returns the argument of the body. Called once.
    pub fn argument<'a>(&'a mut self) -> B::Argument<'a>
    where
        B: 'a,
    {
        B::argument(&mut self.0)
    }
}

/// The elements that a call lacks, until it computes them or receives them from another call.
pub struct Elements<B: Batch>(Vec<Option<B::Element>>);

impl<B: Batch> Elements<B> {
    pub(super) fn new(elements: Vec<B::Element>) -> Self {
        Self(elements.into_iter().map(Some).collect())
    }

    /// Takes the elements of these numbers out, for a call of the body.
    pub(super) fn take(&mut self, numbers: &[usize]) -> Asked<B> {
        let elements = numbers.iter().filter_map(|&number| self.take_one(number));
        Asked(B::collect(elements.collect()))
    }

    /// Returns copies of the elements of these numbers.
    pub(super) fn copies(&self, numbers: &[usize]) -> Vec<B::Element>
    where
        B::Element: Clone,
    {
        numbers.iter().filter_map(|&number| self.0.get(number)?.clone()).collect()
    }

    /// Returns all of them, where none was taken.
    pub(super) fn into_all(self) -> Vec<B::Element> {
        self.0.into_iter().flatten().collect()
    }

    pub(super) fn take_one(&mut self, number: usize) -> Option<B::Element> {
        self.0.get_mut(number)?.take()
    }
}

/// Where an element of a batch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// To the body.
    Asked,
    /// To the map that is returned.
    Kept,
    /// Nowhere.
    Dropped,
}

/// Returns clones of the elements of a borrowed batch, by their places.
fn clones<'a, T: Clone + 'a>(
    elements: impl Iterator<Item = &'a T>,
    mut place: impl FnMut(usize) -> Place,
) -> (Vec<T>, Vec<T>) {
    let (mut asked, mut kept) = (Vec::new(), Vec::new());
    for (position, element) in elements.enumerate() {
        match place(position) {
            Place::Asked => asked.push(element.clone()),
            Place::Kept => kept.push(element.clone()),
            Place::Dropped => {}
        }
    }
    (asked, kept)
}

/// A slice. The elements that are missing are cloned, unless all are: then the body is called with the slice itself.
pub struct Slice<'a, T>(&'a [T]);

/// Returns the batch of a slice.
pub fn slice<T: Clone>(argument: &[T]) -> Slice<'_, T> {
    Slice(argument)
}

impl<'a, T: Clone> Batch for Slice<'a, T> {
    type Element = T;
    type Asked = Result<&'a [T], Vec<T>>;
    type Argument<'b>
        = &'b [T]
    where
        Self: 'b;

    fn elements(&self) -> impl ExactSizeIterator<Item = &T> {
        self.0.iter()
    }

    fn element(&self, position: usize) -> &T {
        &self.0[position]
    }

    fn select(self, place: impl FnMut(usize) -> Place) -> (Vec<T>, Vec<T>) {
        clones(self.0.iter(), place)
    }

    fn collect(elements: Vec<T>) -> Self::Asked {
        Err(elements)
    }

    fn into_elements(self) -> impl ExactSizeIterator<Item = T> {
        self.0.iter().cloned()
    }

    fn whole(self) -> Self::Asked {
        Ok(self.0)
    }

    fn argument<'b>(asked: &'b mut Self::Asked) -> &'b [T]
    where
        Self: 'b,
    {
        match asked {
            Ok(all) => all,
            Err(some) => some,
        }
    }
}

impl<T: Clone + 'static> BatchApart for Slice<'_, T> {
    type Apart = Slice<'static, T>;
}

/// A collection behind a reference. The elements that are missing are cloned into another one.
pub struct ByReference<'a, C, T>(Vec<&'a T>, PhantomData<fn() -> C>);

/// Returns the batch of a collection behind a reference.
pub fn by_reference<'a, C, T: Clone>(argument: &'a C) -> ByReference<'a, C, T>
where
    &'a C: IntoIterator<Item = &'a T>,
    C: FromIterator<T>,
{
    ByReference(argument.into_iter().collect(), PhantomData)
}

impl<C: FromIterator<T>, T: Clone> Batch for ByReference<'_, C, T> {
    type Element = T;
    type Asked = C;
    type Argument<'b>
        = &'b C
    where
        Self: 'b;

    fn elements(&self) -> impl ExactSizeIterator<Item = &T> {
        self.0.iter().copied()
    }

    fn element(&self, position: usize) -> &T {
        self.0[position]
    }

    fn select(self, place: impl FnMut(usize) -> Place) -> (Vec<T>, Vec<T>) {
        clones(self.0.into_iter(), place)
    }

    fn into_elements(self) -> impl ExactSizeIterator<Item = T> {
        self.0.into_iter().cloned()
    }

    fn collect(elements: Vec<T>) -> C {
        elements.into_iter().collect()
    }

    fn argument<'b>(asked: &'b mut C) -> &'b C
    where
        Self: 'b,
    {
        asked
    }
}

impl<C: FromIterator<T> + 'static, T: Clone + 'static> BatchApart for ByReference<'_, C, T> {
    type Apart = ByReference<'static, C, T>;
}

/// An owned collection. Its elements are moved.
pub struct Owned<C, T>(Vec<T>, PhantomData<fn() -> C>);

/// Returns the batch of an owned collection.
pub fn owned<C, T>(argument: C) -> Owned<C, T>
where
    C: IntoIterator<Item = T> + FromIterator<T>,
{
    // A set does not promise that its iterators agree: it is taken apart once.
    Owned(argument.into_iter().collect(), PhantomData)
}

impl<C: FromIterator<T>, T> Batch for Owned<C, T> {
    type Element = T;
    type Asked = Option<C>;
    type Argument<'b>
        = C
    where
        Self: 'b;

    fn elements(&self) -> impl ExactSizeIterator<Item = &T> {
        self.0.iter()
    }

    fn element(&self, position: usize) -> &T {
        &self.0[position]
    }

    fn select(self, mut place: impl FnMut(usize) -> Place) -> (Vec<T>, Vec<T>) {
        let (mut asked, mut kept) = (Vec::new(), Vec::new());
        for (position, element) in self.0.into_iter().enumerate() {
            match place(position) {
                Place::Asked => asked.push(element),
                Place::Kept => kept.push(element),
                Place::Dropped => {}
            }
        }
        (asked, kept)
    }

    fn into_elements(self) -> impl ExactSizeIterator<Item = T> {
        self.0.into_iter()
    }

    fn collect(elements: Vec<T>) -> Option<C> {
        Some(elements.into_iter().collect())
    }

    fn argument<'b>(asked: &'b mut Option<C>) -> C
    where
        Self: 'b,
    {
        asked.take().expect("the body is called once")
    }
}

impl<C: FromIterator<T> + 'static, T: 'static> BatchApart for Owned<C, T> {
    type Apart = Self;
}
