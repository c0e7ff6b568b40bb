//! Type erasure of key parts whose type depends on a generic parameter, which a `static` cannot name.
//!
//! Numbers and text are stored in a normalized form; other values as `Box<dyn Any>` with the `TypeId` of the argument.

use core::any::{Any, TypeId};
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;
use std::boxed::Box;

use super::cross_type_equality::{Common, Number};
use super::part::Part;
use super::sharing::{Erases, Erasure, Shared};

/// Returns an identity of the instantiation of the generic function that contains `closure`.
///
/// The type of a closure depends on all type and const parameters in scope, those of the `impl` and `Self`
/// included. Lifetimes make no difference.
#[inline]
pub fn identity<C: Fn() + 'static>(_closure: C) -> TypeId {
    TypeId::of::<C>()
}

/// Returns an identity of a type. Lifetimes make no difference.
#[expect(clippy::extra_unused_type_parameters, reason = "the type of the closure depends on it")]
#[inline]
pub(crate) fn identity_of<T: ?Sized>() -> TypeId {
    identity(|| ())
}

/// A part of a key that is stored as [`Erased`], in a cache with the marker `S`.
pub struct Erase<P, S>(pub P, pub S);

/// A stored part of a key without its static type.
pub struct Erased<S: Erasure = Shared>(Form<S>);

/// A value of a known type in an entry whose types are erased.
#[derive(Debug)]
pub enum Viewed<'a, T> {
    /// The stored value.
    Stored(&'a T),
    /// A value made of its normalized form.
    Made(T),
}

impl<T> Deref for Viewed<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Stored(value) => value,
            Self::Made(value) => value,
        }
    }
}

enum Form<S: Erasure> {
    Number(Number),
    Text(Box<str>),
    Other(Other<S>),
}

/// A stored part that can only be equal to parts of the same type.
struct Other<S: Erasure> {
    /// The identity of the type of the argument. Several argument types may have the same stored type.
    of: TypeId,
    stored: Box<S::Any>,
    /// Compares two stored parts of this type.
    same: fn(&dyn Any, &dyn Any) -> bool,
}

/// Returns whether two stored parts of `P` are equal.
fn same<P: Part<Stored: 'static>>(one: &dyn Any, other: &dyn Any) -> bool {
    match (one.downcast_ref(), other.downcast_ref()) {
        (Some(one), Some(other)) => P::stored_eq(one, other),
        _ => false,
    }
}

impl<S: Erasure> Erased<S> {
    /// Returns the stored part, if its type is `T`. A number or text is of each type that has this value, so the
    /// identity of the instantiation must be compared where the types are told apart.
    pub fn view<T: 'static>(&self) -> Option<Viewed<'_, T>> {
        match &self.0 {
            Form::Number(number) => Common::Number(*number).to().map(Viewed::Made),
            Form::Text(text) => Common::Text(text).to().map(Viewed::Made),
            Form::Other(other) => S::any(&other.stored).downcast_ref().map(Viewed::Stored),
        }
    }
}

impl<P: Part<Stored: 'static>, S: Erases<P::Stored>> Part for Erase<P, S> {
    type Stored = Erased<S>;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        match self.0.as_common() {
            Some(Common::Number(number)) => number.hash(state),
            Some(Common::Text(text)) => text.hash(state),
            None => self.0.hash_part(state),
        }
    }

    #[inline]
    fn eq_stored(&self, stored: &Erased<S>) -> bool {
        match (&stored.0, self.0.as_common()) {
            (Form::Number(stored), Some(Common::Number(number))) => *stored == number,
            (Form::Text(stored), Some(Common::Text(text))) => **stored == *text,
            (Form::Other(other), None) => {
                other.of == identity_of::<P>()
                    && S::any(&other.stored).downcast_ref().is_some_and(|stored| self.0.eq_stored(stored))
            }
            _ => false,
        }
    }

    #[inline]
    fn to_stored(&self) -> Erased<S> {
        Erased(match self.0.as_common() {
            Some(Common::Number(number)) => Form::Number(number),
            Some(Common::Text(text)) => Form::Text(text.into()),
            None => Form::Other(Other {
                of: identity_of::<P>(),
                stored: S::boxed(self.0.to_stored()),
                same: same::<P>,
            }),
        })
    }

    #[inline]
    fn stored_eq(one: &Erased<S>, other: &Erased<S>) -> bool {
        match (&one.0, &other.0) {
            (Form::Number(one), Form::Number(other)) => one == other,
            (Form::Text(one), Form::Text(other)) => one == other,
            (Form::Other(one), Form::Other(other)) => {
                one.of == other.of && (one.same)(S::any(&one.stored), S::any(&other.stored))
            }
            _ => false,
        }
    }

    #[inline]
    fn eq_part(&self, other: &Self) -> bool {
        self.0.eq_part(&other.0)
    }
}

impl<S: Erasure> fmt::Debug for Erased<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Number(number) => number.fmt(f),
            Form::Text(text) => text.fmt(f),
            Form::Other(_) => f.write_str("_"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::hash::KeyHash;

    /// Returns whether two arguments have the same entry, and checks that borrowed and stored comparison agree.
    fn meet<A, B>(one: A, other: B) -> bool
    where
        A: Part<Stored: Send + Sync + 'static>,
        B: Part<Stored: Send + Sync + 'static>,
    {
        let (one, other) = (Erase(one, Shared), Erase(other, Shared));
        let (stored_one, stored_other) = (one.to_stored(), other.to_stored());
        let meet = one.eq_stored(&stored_other);
        assert_eq!(other.eq_stored(&stored_one), meet);
        assert_eq!(Erase::<A, Shared>::stored_eq(&stored_one, &stored_other), meet);
        assert!(!meet || KeyHash::of_part(&one) == KeyHash::of_part(&other));
        meet
    }

    #[test]
    fn numbers_and_texts_meet_across_types() {
        assert!(meet(&3_u8, &3.0_f64));
        assert!(meet(&true, &1_i128));
        assert!(meet("text", &String::from("text")));
        assert!(meet(&"text", &Box::<str>::from("text")));
        assert!(!meet(&3_u8, "3"));
    }

    #[test]
    fn other_types_meet_only_themselves() {
        assert!(meet(&Some(3_u8), &Some(3_u8)));
        assert!(!meet(&Some(3_u8), &Some(3_i64)));
        assert!(!meet(&Some(3_u8), &Some(4_u8)));
        assert!(!meet(&vec!["a"], &vec![String::from("a")]));
        assert!(!meet(&[1_u8, 2][..], &vec![1_u8, 2]));
        let borrowed = String::from("a");
        assert!(meet(&vec!["a"], &vec![&*borrowed]));
    }

    #[test]
    fn a_stored_part_is_viewed_as_its_type_only() {
        let part = Erase(&vec![3_u8], Shared).to_stored();
        assert_eq!(part.view::<Vec<u8>>().as_deref(), Some(&vec![3]));
        assert!(part.view::<Vec<u16>>().is_none());
        let number = Erase(&3_u8, Shared).to_stored();
        assert_eq!((number.view::<u8>().as_deref(), number.view::<i64>().as_deref()), (Some(&3), Some(&3)));
        assert!(number.view::<String>().is_none());
        assert_eq!(Erase("a", Shared).to_stored().view::<String>().as_deref(), Some(&"a".to_owned()));
    }

    #[test]
    fn an_identity_tells_types_apart_and_lifetimes_not() {
        fn of<T>(_: &T) -> TypeId {
            identity_of::<T>()
        }
        let text = String::from("text");
        assert_eq!(of(&"text"), of(&&*text));
        assert_ne!(of(&1_u8), of(&1_u16));
        assert_ne!(of(&[0; 1]), of(&[0; 2]));
    }
}
