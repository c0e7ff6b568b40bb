//! The compile errors about arguments that cannot be part of a key. Used by generated code.
//!
//! Autoref selection makes a part of any argument, together with the type that must be an [`Argument`] for it
//! ([`MadeOf`]). Generated code unwraps the part with `__allow` of [`Argument`], or of one of the traits here where
//! the type as it is written gives the reason: `(…).__key()` becomes `UnorderedArgument::__allow((…).__key())` for a
//! `HashMap`. Each trait is implemented for every `Argument`; they differ in the notes of the error. The
//! unmet bound is the one of a trait on its own method, so the error shows no code of this crate.

use super::argument::Argument;
use super::made_of::MadeOf;

macro_rules! reasons {
    ($($(#[$about:meta])* $reason:ident: $label:literal, $note:literal;)*) => { $(
        $(#[$about])*
        #[diagnostic::on_unimplemented(
            message = "`{Self}` cannot be part of a cache key",
            label = $label,
            note = $note
        )]
        pub trait $reason {
            /// Returns the part of the key that was made of an argument of this type.
            #[inline]
            fn __allow<K>(made: MadeOf<Self, K>) -> K {
                made.into_part()
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T: Argument + ?Sized> $reason for T {}
    )* };
}

reasons! {
    /// The type contains a `HashMap` or a `HashSet`.
    UnorderedArgument:
        "an argument must be `Hash`, and `HashMap` and `HashSet` are not",
        "take a `BTreeMap`, a `BTreeSet` or a sorted slice, or leave the parameter out of the key: `#[key(skip)]`";
    /// The type contains an `Rc`.
    UnsharedArgument:
        "an `Rc` cannot be shared between threads",
        "take an `Arc` or an owned copy, or give each thread its own cache: `scope = thread`";
    /// The type visibly borrows.
    BorrowingArgument:
        "an argument that borrows must be `Argument`: a clone of it cannot outlive the call",
        "derive `Argument` for the type, which gives it an owned form; or leave the parameter out of the key: `#[key(skip)]`";
    /// The type is that of `self`.
    SelfArgument:
        "`self` is part of the key, and must be `Argument`, or `Hash + Eq + Clone + Send + Sync + 'static`",
        "derive these; or store the results in the object by `cache = self.field`, use a part of it by `#[key(self.id)] &self`, or share one result between all objects by `#[key(skip)] &self`";
}
