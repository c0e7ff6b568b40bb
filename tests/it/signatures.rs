//! Accepted forms of memoized functions: parameters, results, attributes, visibility, positions.

use crate::support::counts;
use functools::{cache, lru_cache};

// ---- Parameters

/// Checks functions with all of these parameters, all but one, and so on: every argument is part of the key.
macro_rules! arities {
    () => {};
    ($first:ident $($rest:ident)*) => {
        {
            const N: usize = [stringify!($first), $(stringify!($rest)),*].len();
            #[cache]
            fn f($first: u32, $($rest: u32),*) -> [u32; N] {
                [$first, $($rest),*]
            }
            let check = |args: [u32; N]| {
                let [$first, $($rest),*] = args;
                assert_eq!(f($first, $($rest),*), args);
            };
            for round in 0..2 {
                check([0; N]);
                for place in 0..N {
                    let mut args = [0; N];
                    args[place] = 1;
                    check(args);
                }
                assert_eq!(counts(f::cache_info()), (round * (N as u64 + 1), N as u64 + 1, None, N + 1));
            }
        }
        arities!($($rest)*);
    };
}

#[test]
#[expect(clippy::too_many_arguments, reason = "a memoized function may have this many parameters")]
fn every_one_of_twenty_parameters_matters() {
    arities!(a b c d e f g h i j k l m n o p q r s t);
}

#[test]
fn no_parameters_make_one_entry() {
    #[lru_cache]
    fn f() -> u32 {
        42
    }

    assert_eq!([f(), f(), f()], [42; 3]);
    assert_eq!(counts(f::cache_info()), (2, 1, Some(128), 1));
}

#[test]
fn parameters_may_be_patterns() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Point {
        x: u32,
        y: u32,
    }
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Meters(u32);

    #[lru_cache]
    fn tuple((a, b): (u32, u32), (c, (d, _)): (u32, (u32, u32))) -> u32 {
        a + b + c + d
    }
    #[lru_cache]
    fn fields(Point { x, y: ordinate }: Point) -> u32 {
        x + ordinate
    }
    #[lru_cache]
    fn referenced(&Point { x, ref y }: &Point, &n: &u32) -> u32 {
        x + *y + n
    }
    #[lru_cache]
    fn array([a, .., b]: [u32; 4], Meters(c): Meters) -> u32 {
        a + b + c
    }
    #[lru_cache]
    fn bound(whole @ (a, _): (u32, u32)) -> u32 {
        whole.1 + a
    }

    for _ in 0..2 {
        assert_eq!(tuple((1, 2), (3, (4, 5))), 10);
        assert_eq!(fields(Point { x: 1, y: 2 }), 3);
        assert_eq!(referenced(&Point { x: 1, y: 2 }, &3), 6);
        assert_eq!(array([1, 2, 3, 4], Meters(5)), 10);
        assert_eq!(bound((1, 2)), 3);
    }
    let infos = [
        tuple::cache_info(),
        fields::cache_info(),
        referenced::cache_info(),
        array::cache_info(),
        bound::cache_info(),
    ];
    assert!(infos.iter().all(|info| counts(*info) == (1, 1, Some(128), 1)));
    // A part of a tuple that the pattern ignores is still part of the key.
    tuple((1, 2), (3, (4, 6)));
    array([1, 0, 3, 4], Meters(5));
    assert_eq!((tuple::cache_info().misses, array::cache_info().misses), (2, 2));
    assert!(fields::cache_contains(Point { x: 1, y: 2 }) && !fields::cache_contains(Point { x: 2, y: 1 }));
}

#[test]
fn parameters_may_be_mutable() {
    #[lru_cache]
    fn factorial(mut n: u64) -> u64 {
        let mut product = 1;
        while n > 1 {
            product *= n;
            n -= 1;
        }
        product
    }
    #[lru_cache]
    fn sorted(mut words: Vec<String>, (mut extra, _): (u32, u32)) -> Vec<String> {
        extra += 1;
        words.push(extra.to_string());
        words.sort();
        words
    }

    assert_eq!([factorial(5), factorial(5)], [120, 120]);
    assert_eq!(counts(factorial::cache_info()), (1, 1, Some(128), 1));
    for _ in 0..2 {
        assert_eq!(sorted(vec!["b".into(), "a".into()], (6, 0)), ["7", "a", "b"]);
    }
    assert_eq!(counts(sorted::cache_info()), (1, 1, Some(128), 1));
}

#[test]
fn unnamed_parameters_matter() {
    #[lru_cache]
    fn f(_: u32, _unused: u32, _: &str) -> u32 {
        1
    }

    for (a, b, c) in [(1, 1, "a"), (2, 1, "a"), (1, 2, "a"), (1, 1, "b"), (1, 1, "a")] {
        f(a, b, c);
    }
    assert_eq!(counts(f::cache_info()), (1, 4, Some(128), 4));
}

#[test]
fn parameters_may_have_any_name() {
    #[lru_cache]
    fn f(f: u32, key: u32, value: u32, cache: u32, hash: u32, args: u32, result: u32) -> [u32; 7] {
        [f, key, value, cache, hash, args, result]
    }
    #[lru_cache]
    fn g(hit: u32, miss: u32, store: u32, call: u32, look: u32, keep: u32, wrapped: u32) -> [u32; 7] {
        [hit, miss, store, call, look, keep, wrapped]
    }
    #[lru_cache]
    fn h(r#type: u32, r#fn: u32, state: u32, entry: u32, memo: u32, k: u32, v: u32) -> [u32; 7] {
        [r#type, r#fn, state, entry, memo, k, v]
    }

    for function in [f, g, h] {
        for _ in 0..2 {
            assert_eq!(function(1, 2, 3, 4, 5, 6, 7), [1, 2, 3, 4, 5, 6, 7]);
        }
    }
    f::cache_put(1, 2, 3, 4, 5, 6, 7, [0; 7]);
    assert_eq!(f(1, 2, 3, 4, 5, 6, 7), [0; 7]);
    assert!([f::cache_info(), g::cache_info(), h::cache_info()].iter().all(|info| info.misses == 1));
}

#[test]
fn parameters_may_have_attributes() {
    #[lru_cache]
    fn f(#[allow(unused_variables)] a: u32, #[allow(unused_mut)] mut b: u32) -> u32 {
        b
    }

    assert_eq!([f(1, 2), f(1, 2)], [2, 2]);
    assert_eq!(f::cache_info().hits, 1);
}

// ---- Lifetimes and where clauses

#[test]
fn lifetimes_may_be_written() {
    #[lru_cache]
    fn named<'a>(text: &'a str) -> usize {
        text.len()
    }
    #[lru_cache]
    fn two<'long: 'short, 'short>(a: &'long str, b: &'short str) -> String {
        if a.len() < b.len() { b.into() } else { a.into() }
    }
    #[lru_cache]
    fn shared<'a>(a: &'a str, b: &'a [&'a str]) -> usize
    where
        'a: 'a,
    {
        a.len() + b.len()
    }
    #[lru_cache]
    fn elided(cow: std::borrow::Cow<'_, str>) -> usize {
        cow.len()
    }
    #[lru_cache]
    fn forever(text: &'static str) -> &'static str {
        &text[1..]
    }

    for _ in 0..2 {
        let short = String::from("abc");
        assert_eq!(named(&short), 3);
        assert_eq!(two("longer", &short), "longer");
        assert_eq!(shared(&short, &["a", &short]), 5);
        assert_eq!(elided(short.as_str().into()), 3);
        assert_eq!(forever("abc"), "bc");
    }
    let infos = [
        named::cache_info(),
        two::cache_info(),
        shared::cache_info(),
        elided::cache_info(),
        forever::cache_info(),
    ];
    assert!(infos.iter().all(|info| counts(*info) == (1, 1, Some(128), 1)));
}

#[test]
fn where_clauses_stay() {
    #[lru_cache]
    fn f(text: &str) -> String
    where
        String: Clone,
        for<'a> &'a str: Into<String>,
    {
        text.into()
    }

    assert_eq!([f("a"), f("a")], ["a", "a"]);
    assert_eq!(f::cache_info().hits, 1);
}

// ---- Results

#[test]
fn result_may_be_unit() {
    #[lru_cache]
    fn silent(_n: u32) {}
    #[lru_cache]
    fn written(_n: u32) -> () {}

    for n in [1, 1, 2] {
        silent(n);
        written(n);
    }
    assert_eq!(counts(silent::cache_info()), (1, 2, Some(128), 2));
    assert_eq!(counts(written::cache_info()), (1, 2, Some(128), 2));
    assert_eq!(silent::cache_peek(1), Some(()));
}

#[test]
fn results_may_be_anything_that_is_cloned_and_shared() {
    type Table = std::collections::HashMap<String, Vec<f64>>;
    #[lru_cache]
    fn owned(n: u32) -> Table {
        Table::from([(n.to_string(), vec![0.5])])
    }
    #[lru_cache]
    fn shared(n: u32) -> std::sync::Arc<[u32]> {
        (0..n).collect()
    }
    #[lru_cache]
    fn boxed(n: u32) -> Box<str> {
        n.to_string().into()
    }
    #[lru_cache]
    fn pointer(n: u32) -> fn(u32) -> u32 {
        if n == 0 { |x| x } else { |x| x + 1 }
    }
    #[lru_cache]
    fn nested(n: u32) -> (Option<[u32; 2]>, Result<u32, String>) {
        (Some([n, n]), Err("inside a tuple it is a value".into()))
    }

    for _ in 0..2 {
        assert_eq!(owned(3)["3"], [0.5]);
        assert_eq!(shared(3)[..], [0, 1, 2]);
        assert_eq!(&*boxed(3), "3");
        assert_eq!(pointer(3)(1), 2);
        assert_eq!(nested(3).0, Some([3, 3]));
    }
    assert!(std::sync::Arc::ptr_eq(&shared(3), &shared(3)));
    assert_eq!(nested::cache_info().hits, 1);
}

#[test]
fn bodies_may_return_early() {
    #[lru_cache]
    fn digits(text: &str) -> Option<u32> {
        let first = text.chars().next()?;
        if !first.is_ascii_digit() {
            return None;
        }
        first.to_digit(10)
    }
    #[lru_cache]
    fn sum(text: &str) -> Result<u32, std::num::ParseIntError> {
        let mut sum = 0;
        for word in text.split(' ') {
            sum += word.parse::<u32>()?;
        }
        Ok(sum)
    }
    #[lru_cache]
    fn odd(mut n: u32) -> bool {
        loop {
            match n {
                0 => break false,
                1 => return true,
                _ => n -= 2,
            }
        }
    }

    for _ in 0..2 {
        assert_eq!(["7a", "a7", ""].map(digits), [Some(7), None, None]);
        assert_eq!(sum("1 2 3"), Ok(6));
        assert!(sum("1 two").is_err());
        assert_eq!([odd(1), odd(2)], [true, false]);
    }
    assert_eq!(counts(digits::cache_info()), (3, 3, Some(128), 3));
    assert_eq!(counts(sum::cache_info()), (1, 3, Some(128), 1));
    assert_eq!(counts(odd::cache_info()), (2, 2, Some(128), 2));
}

// ---- Names

#[test]
fn raw_identifiers_are_names() {
    #[lru_cache]
    fn r#match(r#in: u32) -> u32 {
        r#in * 2
    }

    assert_eq!([r#match(2), r#match(2)], [4, 4]);
    assert_eq!(counts(r#match::cache_info()), (1, 1, Some(128), 1));
    assert_eq!(r#match::cache_peek(2), Some(4));
}

#[test]
fn handle_renames_the_companion() {
    #[lru_cache(maxsize = 2, handle = Shape)]
    fn shape(n: u32) -> u32 {
        shape::SIDES * n
    }
    mod shape {
        pub(super) const SIDES: u32 = 3;
        pub(super) mod area {}
        #[functools::cache(handle = area_cache)]
        pub(super) fn area(n: u32) -> u32 {
            n * n
        }
    }
    /// The `str` of the signature is the primitive type, despite the function's name.
    #[lru_cache(handle = str_cache)]
    fn str(n: u32) -> &'static str {
        if n == 0 { "none" } else { "some" }
    }
    use shape::{area, area_cache};

    assert_eq!((shape(2), shape(2), area(3), area(3), str(0), str(0)), (6, 6, 9, 9, "none", "none"));
    assert_eq!(counts(Shape::cache_info()), (1, 1, Some(2), 1));
    assert_eq!(counts(area_cache::cache_info()), (1, 1, None, 1));
    assert_eq!(str_cache::cache_peek(0), Some("none"));
    assert_eq!(Shape::wrapped(2), 6);
}

mod library {
    use functools::{cache, lru_cache};

    #[lru_cache(maxsize = 10)]
    pub(crate) fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }
    #[cache]
    pub(super) fn near(n: u32) -> u32 {
        hidden(n) + deep::inner(n)
    }
    #[cache]
    fn hidden(n: u32) -> u32 {
        n
    }
    #[expect(unreachable_pub, reason = "the test includes `pub`")]
    #[cache]
    pub fn open(n: u32) -> u32 {
        n
    }
    pub(super) mod deep {
        #[functools::cache]
        pub(in crate::signatures) fn inner(n: u32) -> u32 {
            n
        }
        #[functools::cache]
        pub(self) fn own(n: u32) -> u32 {
            n
        }
        pub(in super::super) fn hits_of_own() -> u64 {
            let _ = [own(1), own(1)];
            own::cache_info().hits
        }
    }
    pub(super) fn hits_of_hidden() -> u64 {
        hidden::cache_info().hits
    }
}

#[test]
fn one_use_imports_the_function_and_its_accessors() {
    use library::fib;

    assert_eq!(fib(20), 6765);
    assert_eq!(counts(fib::cache_info()), (18, 21, Some(10), 10));
}

#[test]
fn every_visibility_is_kept_for_both() {
    use library::deep::{hits_of_own, inner};
    use library::near as renamed;
    use library::*;

    assert_eq!([renamed(1), near(1), open(2), open(2)], [2, 2, 2, 2]);
    assert_eq!(renamed::cache_info(), near::cache_info());
    assert_eq!((near::cache_info().hits, inner::cache_info().misses, open::cache_info().hits), (1, 1, 1));
    assert_eq!((hits_of_hidden(), hits_of_own()), (0, 1));
}

// ---- Positions and kinds

#[test]
fn function_stays_a_function() {
    #[lru_cache]
    fn square(n: u32) -> u32 {
        n * n
    }
    fn apply(f: impl Fn(u32) -> u32 + Send + Sync + Copy + 'static, n: u32) -> u32 {
        f(n)
    }

    let pointer: fn(u32) -> u32 = square;
    assert_eq!(pointer(3), 9);
    assert_eq!(apply(square, 3), 9);
    assert!((0..4).map(square).eq([0, 1, 4, 9]));
    assert!([3, 4].map(square::wrapped).into_iter().eq([9, 16]));
    assert_eq!(counts(square::cache_info()), (2, 4, Some(128), 4));
}

#[test]
fn function_may_have_another_abi() {
    #[lru_cache]
    extern "C" fn sum(a: i32, b: i32) -> i32 {
        a + b
    }

    let pointer: extern "C" fn(i32, i32) -> i32 = sum;
    assert_eq!([pointer(1, 2), sum(1, 2)], [3, 3]);
    assert_eq!(counts(sum::cache_info()), (1, 1, Some(128), 1));
}

#[test]
fn functions_of_one_name_have_a_cache_each() {
    fn first() -> u64 {
        #[lru_cache]
        fn local(n: u32) -> u32 {
            n
        }
        local(1);
        local::cache_info().misses
    }
    fn second() -> u64 {
        #[lru_cache]
        fn local(n: u32) -> u32 {
            n
        }
        local(2);
        {
            #[lru_cache]
            fn local(n: u32) -> u32 {
                n
            }
            local(3);
            assert_eq!(local::cache_info().misses, 1);
        }
        local(4);
        local::cache_info().misses
    }

    assert_eq!((first(), second()), (1, 2));
}

#[test]
fn function_may_stand_in_any_body() {
    struct Shop;
    impl Shop {
        fn total() -> u64 {
            #[lru_cache]
            fn price(n: u64) -> u64 {
                n * 3
            }
            price(2) + price(2) + price::cache_info().hits
        }
    }
    fn generic<T>(_: &T) -> u64 {
        #[lru_cache]
        fn inner(n: u64) -> u64 {
            n
        }
        inner(1);
        inner::cache_info().hits
    }
    let in_closure = || {
        #[lru_cache]
        fn inner(n: u32) -> u32 {
            n
        }
        inner(5);
        inner::cache_info().misses
    };
    #[lru_cache]
    fn outer(n: u32) -> u32 {
        #[lru_cache]
        fn inner(n: u32) -> u32 {
            n + 1
        }
        inner(n) + inner(n) + u32::try_from(inner::cache_info().hits).unwrap_or(0)
    }

    assert_eq!(Shop::total(), 13);
    // One cache for the function, also inside a generic function.
    assert_eq!((generic(&1), generic(&"a")), (0, 1));
    assert_eq!((in_closure(), in_closure()), (1, 1));
    assert_eq!((outer(1), outer(1)), (5, 5));
}

#[test]
fn functions_may_call_each_other() {
    #[lru_cache]
    fn even(n: u32) -> bool {
        n == 0 || odd(n - 1)
    }
    #[lru_cache(maxsize = 3)]
    fn odd(n: u32) -> bool {
        n != 0 && even(n - 1)
    }

    assert!(even(100) && !odd(100));
    assert_eq!((even::cache_info().misses, odd::cache_info().currsize), (51 + 50, 3));
}

// ---- Attributes

#[test]
fn attributes_are_kept() {
    #[must_use]
    #[lru_cache]
    fn must_use_above(n: u32) -> u32 {
        n
    }
    #[lru_cache]
    #[must_use = "it was work"]
    fn must_use_below(n: u32) -> u32 {
        n
    }
    #[deprecated]
    #[lru_cache]
    fn deprecated_above(n: u32) -> u32 {
        n
    }
    #[lru_cache]
    #[deprecated(since = "1.0.0", note = "count yourself")]
    fn deprecated_below(n: u32) -> u32 {
        n
    }

    // These lints must fire: an unfulfilled expectation is an error in this crate.
    #[expect(unused_must_use)]
    {
        must_use_above(1);
    }
    #[expect(unused_must_use)]
    {
        must_use_below(1);
    }
    #[expect(deprecated)]
    let above = deprecated_above(1);
    #[expect(deprecated)]
    let below = deprecated_below(1);
    assert_eq!([above, below], [1, 1]);
}

#[test]
fn lint_levels_reach_the_body() {
    #[deny(unused_variables, unused_mut, unreachable_code)]
    #[lru_cache]
    #[allow(unused_variables)]
    fn f(n: u32) -> u32 {
        #[allow(unused_mut)]
        let mut unused = n;
        n
    }
    #[expect(unused_variables)]
    #[lru_cache]
    fn g(n: u32) -> u32 {
        let unused = 1;
        n
    }

    assert_eq!([f(1), g(1)], [1, 1]);
}

#[test]
fn other_attributes_stay() {
    /// Documented,
    #[doc = "twice,"]
    #[lru_cache]
    /// and below.
    #[doc(alias = "written down")]
    #[inline]
    #[cold]
    fn documented(n: u32) -> u32 {
        n
    }
    #[inline(never)]
    #[lru_cache]
    #[doc(hidden)]
    #[rustfmt::skip]
    #[allow(clippy::let_and_return)]
    fn hidden(n: u32) -> u32 { let same = n; same }

    assert_eq!([documented(1), documented(1), hidden(1)], [1; 3]);
    assert_eq!((documented::cache_info().hits, hidden::cache_info().misses), (1, 1));
}

#[test]
fn cfg_takes_the_accessors_along() {
    #[cfg(any())]
    #[lru_cache]
    fn above(n: u32) -> Missing {
        n
    }
    #[cfg(not(any()))]
    #[lru_cache]
    fn above(n: u32) -> u32 {
        n
    }
    #[lru_cache]
    #[cfg(any())]
    fn below(n: u32) -> Missing {
        n
    }
    #[lru_cache]
    #[cfg(not(any()))]
    fn below(n: u32) -> u32 {
        n
    }
    #[cfg_attr(all(), lru_cache(maxsize = 2))]
    #[cfg_attr(any(), lru_cache(maxsize = 3))]
    fn by_cfg_attr(n: u32) -> u32 {
        n
    }
    #[lru_cache]
    #[cfg_attr(all(), must_use)]
    #[cfg_attr(any(), no_such_attribute)]
    fn must_use(n: u32) -> u32 {
        n
    }

    assert_eq!([above(1), below(1), by_cfg_attr(1)], [1; 3]);
    #[expect(unused_must_use)]
    {
        must_use(1);
    }
    assert_eq!((above::cache_info().misses, below::cache_info().misses), (1, 1));
    assert_eq!(by_cfg_attr::cache_info().maxsize, Some(2));
}

#[test]
fn names_of_the_user_do_not_clash_with_generated_ones() {
    #[allow(non_upper_case_globals)]
    const value: u32 = 1;
    #[allow(non_upper_case_globals, dead_code)]
    const hit: u32 = 1;

    #[lru_cache]
    fn constant(n: u32) -> u32 {
        n + value
    }
    #[lru_cache]
    fn parameters(key: u32, miss: u32, looked: u32, memo: u32) -> u32 {
        key + miss + looked + memo
    }

    assert_eq!((constant(1), parameters(1, 2, 3, 4)), (2, 10));
    constant::cache_put(1, 5);
    assert_eq!(constant(1), 5);
}

#[test]
fn types_inside_a_body_have_a_self_of_their_own() {
    #[lru_cache]
    fn double(n: u32) -> u32 {
        struct Twice(u32);
        impl Twice {
            fn new(n: u32) -> Self {
                Self(2 * n)
            }
        }
        let new: fn(u32) -> Twice = Twice::new;
        new(n).0
    }

    assert_eq!((double(2), double(2)), (4, 4));
    assert_eq!(double::cache_info().hits, 1);
}

#[test]
fn a_body_may_come_from_a_macro() {
    macro_rules! cached {
        ($name:ident $body:block) => {
            #[lru_cache]
            fn $name(_n: u32) -> u32 $body
        };
    }
    cached!(seven { 7 });

    assert_eq!((seven(1), seven(1)), (7, 7));
    assert_eq!(seven::cache_info().hits, 1);
}

#[test]
fn a_written_out_tuple_may_be_long() {
    type Long = (u8, u8, u8, u8, u8, u8, u8, u8);

    #[lru_cache]
    #[rustfmt::skip]
    #[allow(clippy::type_complexity)]
    fn sum(all: (u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, f64), some: Long) -> u8 {
        all.0 + all.20 + some.7
    }

    let all = |last| (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last, 0.5);
    let some = (0, 0, 0, 0, 0, 0, 0, 1);
    assert_eq!((sum(all(1), some), sum(all(2), some), sum(all(1), some)), (3, 4, 3));
    assert_eq!(sum::cache_info().hits, 1);
}

#[test]
fn a_raw_name_is_the_name_without_its_prefix() {
    #[lru_cache(handle = text)]
    fn r#str(n: &str) -> usize {
        n.len()
    }
    #[lru_cache]
    #[decorators::note]
    fn r#wrapped(n: u32) -> u32 {
        n
    }
    fn noted(_: &str) {}

    assert_eq!((str("abc"), wrapped(1)), (3, 1));
    assert_eq!((text::cache_info().misses, wrapped::cache_info().misses), (1, 1));
}
