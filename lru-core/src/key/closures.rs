//! Calls of the user's closures for `key`, `weight`, `ttl` and the like. Used by generated code.
//!
//! Passing a closure to one of these functions, next to the arguments, lets the compiler infer the types of its
//! parameters; what it returns may borrow from the arguments.

/// Defines, for each number of arguments, a function `until…` with the arguments so far and a function `by…` with one
/// more.
macro_rules! closures {
    ([$($done:ident: $of:ident,)*]) => {};
    ([$($done:ident: $of:ident,)*] $until:ident $by:ident $name:ident: $type:ident, $($rest:tt)*) => {
        /// Calls `make` with references to the arguments and to the value, and with the current time as `given`
        /// returns it.
        #[allow(clippy::too_many_arguments, reason = "as many as the user's function has")]
        #[inline]
        pub fn $until<'a, $($of: ?Sized,)* VALUE, NOW, GIVEN>(
            $($done: &'a $of,)*
            value: &'a VALUE,
            now: NOW,
            given: impl FnOnce(NOW) -> GIVEN,
            make: impl FnOnce($(&'a $of,)* &'a VALUE, GIVEN) -> NOW,
        ) -> NOW {
            make($($done,)* value, given(now))
        }

        /// Calls `make` with references to the arguments.
        #[allow(clippy::too_many_arguments, reason = "as many as the user's function has")]
        #[inline]
        pub fn $by<'a, $($of: ?Sized,)* $type: ?Sized, KEY>(
            $($done: &'a $of,)*
            $name: &'a $type,
            make: impl FnOnce($(&'a $of,)* &'a $type) -> KEY,
        ) -> KEY {
            make($($done,)* $name)
        }

        closures! { [$($done: $of,)* $name: $type,] $($rest)* }
    };
}

closures! {
    [] until0 by1 a: A, until1 by2 b: B, until2 by3 c: C, until3 by4 d: D, until4 by5 e: E, until5 by6 f: F,
    until6 by7 g: G, until7 by8 h: H, until8 by9 i: I, until9 by10 j: J, until10 by11 k: K, until11 by12 l: L,
    until12 by13 m: M,
}
