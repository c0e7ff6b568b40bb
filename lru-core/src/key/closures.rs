//! Calls of the user's closures for `key`, `weight`, `ttl` and the like. Used by generated code.
//!
//! Passing a closure to one of these functions, next to the arguments, lets the compiler infer the types of its
//! parameters; what it returns may borrow from the arguments.

macro_rules! by {
    ($($by:ident($($name:ident: $type:ident),*);)*) => { $(
        /// Calls `make` with references to the arguments.
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
    by13(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J, k: K, l: L, m: M);
}

macro_rules! until {
    ($($until:ident($($name:ident: $type:ident),*);)*) => { $(
        /// Calls `make` with references to the arguments and to the value, and with the current time.
        #[allow(clippy::too_many_arguments, reason = "as many as the user's function has")]
        #[inline]
        pub fn $until<'a, $($type: ?Sized,)* VALUE, NOW>(
            $($name: &'a $type,)*
            value: &'a VALUE,
            now: NOW,
            make: impl FnOnce($(&'a $type,)* &'a VALUE, NOW) -> NOW,
        ) -> NOW {
            make($($name,)* value, now)
        }
    )* };
}

until! {
    until0();
    until1(a: A);
    until2(a: A, b: B);
    until3(a: A, b: B, c: C);
    until4(a: A, b: B, c: C, d: D);
    until5(a: A, b: B, c: C, d: D, e: E);
    until6(a: A, b: B, c: C, d: D, e: E, f: F);
    until7(a: A, b: B, c: C, d: D, e: E, f: F, g: G);
    until8(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H);
    until9(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I);
    until10(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J);
    until11(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J, k: K);
    until12(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J, k: K, l: L);
}
