//! Keys made by a function of the arguments: for generated code.
//!
//! A closure that stands as an argument here gets the types of its parameters from the arguments
//! beside it, and what it makes may borrow from them.

macro_rules! by {
    ($($by:ident($($name:ident: $type:ident),*);)*) => { $(
        /// Makes a key of so many arguments.
        #[allow(clippy::too_many_arguments, reason = "as many as the user's function has")]
        #[inline]
        pub fn $by<'a, $($type: ?Sized,)* KEY>($($name: &'a $type,)* make: impl FnOnce($(&'a $type),*) -> KEY) -> KEY {
            make($($name),*)
        }
    )* };
}

by! {
    by1(a: A);
    by2(a: A, b: B);
    by3(a: A, b: B, c: C);
    by4(a: A, b: B, c: C, d: D);
    by5(a: A, b: B, c: C, d: D, e: E);
    by6(a: A, b: B, c: C, d: D, e: E, f: F);
    by7(a: A, b: B, c: C, d: D, e: E, f: F, g: G);
    by8(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H);
    by9(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I);
    by10(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J);
    by11(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J, k: K);
    by12(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J, k: K, l: L);
}
