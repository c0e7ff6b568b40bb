//! Methods, in surroundings that break generated code which is not hygienic.

#![allow(clippy::must_use_candidate, clippy::needless_pass_by_value, reason = "the functions are kept plain")]
#![allow(clippy::trivially_copy_pass_by_ref, clippy::unused_self, reason = "the test is about these signatures")]

use functools::{LruCache, cache, lru_cache};

/// Has methods of every kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shop {
    /// The factor of all prices.
    pub factor: u32,
}

impl Shop {
    /// Takes its own type as an argument.
    #[lru_cache(maxsize = 4)]
    pub fn price(&self, id: u32, name: &str) -> Option<u32> {
        self.factor.checked_mul(id + u32::from(name.is_empty()))
    }

    /// Has parameters with names that a cache might use.
    #[lru_cache]
    #[allow(clippy::too_many_arguments, reason = "each name is one more case")]
    pub fn parameters(
        self,
        key: u32,
        cache: u32,
        result: &str,
        hash: u64,
        state: bool,
        memo: i8,
        value: u8,
        miss: f32,
        hit: Option<&str>,
    ) -> String {
        format!("{key} {cache} {result} {hash} {state} {memo} {value} {miss} {hit:?} {}", self.factor)
    }

    /// Has a keyword as its name and as a parameter's.
    #[cache]
    pub fn r#match(&self, r#fn: u32, r#type: &str) -> u64 {
        u64::from(r#fn) + r#type.len() as u64
    }

    /// Has no `self`, and does not name its own type.
    #[cache(accessors = siblings)]
    pub fn sum(numbers: &[f64]) -> f64 {
        numbers.iter().sum()
    }

    /// Returns its own type.
    ///
    /// # Errors
    ///
    /// If the text is not a number.
    #[lru_cache(maxsize = None)]
    pub fn parsed(text: &str) -> Result<Self, std::num::ParseIntError> {
        let factor = text.parse()?;
        if factor == 0 {
            return Ok(Self { factor: 1 });
        }
        Ok(Self { factor })
    }

    /// Is visible in this module.
    #[lru_cache]
    fn private(#[key(skip)] &self, #[key(n / 2)] n: u32) -> u32 {
        n / 2
    }

    /// Is visible in this crate.
    #[lru_cache(key = |this, text| (this.factor, text.len()))]
    pub(crate) fn near(&self, text: &str) -> usize {
        text.len() + self.private(self.factor) as usize
    }

    /// Has the name of an accessor.
    #[cache]
    pub fn wrapped(&self) -> u32 {
        self.factor
    }

    /// Calls the methods that are not public.
    pub fn all(&self) -> usize {
        self.near("text")
    }

    /// Is deprecated.
    #[deprecated = "it is old"]
    #[lru_cache]
    pub fn old(&self, n: u32) -> u32 {
        n
    }
}

/// Has type parameters, and a cache.
#[derive(Debug)]
pub struct Shelf<'a, T, const N: usize> {
    /// The items on the shelf.
    pub items: &'a [T],
    /// The cache of `find`.
    pub found: LruCache<(String, usize), Option<T>>,
}

impl<'a, T: Clone, const N: usize> Shelf<'a, T, N> {
    /// Has its cache in the object.
    #[lru_cache(cache = self.found)]
    pub fn find(&self, name: &str, at: usize) -> Option<T> {
        self.items.get(at + name.len()).cloned()
    }

    /// Has one cache for all objects, keyed by a part of the object.
    #[lru_cache]
    pub fn size(#[key(self.items.len())] &'a self) -> usize {
        N + size_of_val(self.items)
    }
}

/// Has provided and required methods.
pub trait Sell {
    /// Has no accessors.
    ///
    /// # Errors
    ///
    /// If `n` is zero, for some types.
    fn sell(&self, n: u32) -> Result<u32, String>;

    /// Is a provided method.
    #[lru_cache]
    fn provided(#[key(skip)] &self, n: u32) -> String {
        format!("{} {n}", std::any::type_name::<Self>())
    }
}

impl Sell for Shop {
    #[lru_cache(accessors = none)]
    fn sell(&self, mut n: u32) -> Result<u32, String> {
        if n == 0 {
            return Err(String::from("nothing"));
        }
        n += 1;
        Ok(self.factor * n)
    }
}

impl Sell for u8 {
    #[lru_cache(accessors = none, maxsize = 0)]
    fn sell(&self, _: u32) -> Result<u32, String> {
        Ok((*self).into())
    }
}

/// Defines a type with a memoized method.
macro_rules! shop {
    ($(#[$attr:meta])* $name:ident, $method:ident($param:ident: $type:ty) -> $result:ty, $of:expr) => {
        $(#[$attr])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name;

        impl $name {
            $(#[$attr])*
            #[lru_cache(maxsize = 1 + 1)]
            pub fn $method(&self, $param: $type) -> $result {
                $of(self, $param)
            }
        }
    };
}

shop!(
    /// Is defined by a macro.
    Written,
    written(text: &str) -> Option<usize>,
    |_: &Self, text: &str| text.len().checked_add(1)
);

/// Methods where names of the standard library have another meaning.
pub mod shadowed {
    #![allow(non_snake_case, non_upper_case_globals, reason = "the test is about these names")]

    use functools::lru_cache;

    /// Not what its name says.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct String;

    /// Not what its name says.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Option;

    /// Not a variant.
    pub const Ok: u32 = 1;

    /// Not a variant.
    pub const None: u32 = 3;

    /// Not the module of atomics, locks and the like.
    pub mod core {}

    /// Not the standard library.
    pub mod std {}

    /// Not an attribute.
    pub mod key {}

    impl String {
        /// Takes and returns types that hide those of the standard library.
        #[lru_cache(maxsize = None)]
        pub fn join(&self, more: &Self, option: Option) -> (Self, Option, u32) {
            let _ = more;
            (*self, option, Ok + None)
        }

        /// Takes and returns types of the standard library.
        ///
        /// # Errors
        ///
        /// If the text is empty.
        #[lru_cache]
        pub fn real(&self, text: ::std::option::Option<&str>) -> ::std::result::Result<usize, Option> {
            text.map(str::len).ok_or(Option)
        }
    }
}

/// Methods in a module without a prelude.
pub mod bare {
    #![no_implicit_prelude]

    use ::functools::lru_cache;

    /// A type.
    #[derive(
        ::core::fmt::Debug,
        ::core::clone::Clone,
        ::core::marker::Copy,
        ::core::cmp::PartialEq,
        ::core::cmp::Eq,
        ::core::hash::Hash,
    )]
    pub struct Word(pub u32);

    impl Word {
        /// Uses only primitive types.
        #[lru_cache(accessors = siblings)]
        pub fn primitives(a: u64, (b, c): (bool, &str)) -> (u64, usize) {
            if b { (a, c.len()) } else { (a + 1, 0) }
        }

        /// Takes and returns its own type.
        #[lru_cache]
        pub fn larger(&self, other: &Self) -> ::core::option::Option<Self> {
            if other.0 > self.0 { ::core::option::Option::Some(*other) } else { ::core::option::Option::None }
        }
    }

    impl ::core::ops::Add for Word {
        type Output = ::core::result::Result<Self, ::core::fmt::Error>;

        #[lru_cache(accessors = none)]
        fn add(self, other: Self) -> Self::Output {
            if other.0 == 0 {
                return ::core::result::Result::Err(::core::fmt::Error);
            }
            ::core::result::Result::Ok(Self(self.0 + other.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that the second of two equal calls is a hit; no other call with these arguments may come
    /// before.
    macro_rules! assert_cached {
        ($info:expr, $call:expr) => {{
            assert_eq!($call, $call);
            let info = $info;
            assert_eq!((info.hits, info.misses), (1, 1));
        }};
    }

    #[test]
    fn all_are_cached() {
        let shop = Shop { factor: 3 };
        assert_cached!(Shop::price_cache_info(), shop.price(4, "name"));
        assert_cached!(
            Shop::parameters_cache_info(),
            shop.parameters(1, 2, "result", 4, true, 6, 7, 8.5, Some("hit"))
        );
        assert_cached!(Shop::match_cache_info(), shop.r#match(1, "two"));
        assert_cached!(Shop::sum_cache_info(), Shop::sum(&[0.5, 1.5]).to_bits());
        assert_cached!(Shop::parsed_cache_info(), Shop::parsed("12"));
        assert_cached!(Shop::near_cache_info(), shop.all());
        assert_cached!(Shop::wrapped_cache_info(), shop.wrapped());
        assert_eq!(Shop::private_cache_info().misses, 1);
        assert_cached!(Written::written_cache_info(), Written.written("text"));
        assert_cached!(Shop::provided_cache_info(), shop.provided(1));
        assert_eq!((shop.sell(1), shop.sell(1), 7.sell(1)), (Ok(6), Ok(6), Ok(7)));
        assert!(shop.sell(0).is_err());
        #[allow(deprecated)]
        {
            assert_cached!(Shop::old_cache_info(), shop.old(1));
        }

        let shelf = Shelf::<'_, _, 2> { items: &["a", "b", "c"], found: LruCache::new(Some(2)) };
        assert_cached!(shelf.find_cache_info(), shelf.find("x", 1));
        assert_eq!(shelf.find("x", 1), Some("c"));
        assert_cached!(Shelf::<'_, u8, 0>::size_cache_info(), shelf.size());

        // The accessors work.
        let shop = Shop { factor: 5 };
        shop.price_cache_put(9, "", Some(1));
        assert_eq!((shop.price(9, ""), shop.price_cache_peek(9, "")), (Some(1), Some(Some(1))));
        assert_eq!((shop.price_wrapped(9, ""), shop.price_cache_refresh(9, "")), (Some(50), Some(50)));
        assert!(shop.price_cache_contains(9, "") && shop.price_cache_invalidate(9, ""));
        assert_eq!(Shop::price_cache_parameters().maxsize, Some(4));
        assert_eq!((shop.private(8), Shop::private_cache_peek(9)), (4, Some(4)));
        assert_eq!((shop.wrapped_wrapped(), shop.match_wrapped(1, "a")), (5, 2));
    }

    #[test]
    fn all_are_cached_where_names_mean_something_else() {
        assert_cached!(
            shadowed::String::join_cache_info(),
            shadowed::String.join(&shadowed::String, shadowed::Option)
        );
        assert_cached!(shadowed::String::real_cache_info(), shadowed::String.real(Some("text")));
        assert_cached!(bare::Word::primitives_cache_info(), bare::Word::primitives(1, (true, "text")));
        assert_cached!(bare::Word::larger_cache_info(), bare::Word(1).larger(&bare::Word(2)));
        assert_eq!((bare::Word(1) + bare::Word(2), bare::Word(1) + bare::Word(0)), (Ok(bare::Word(3)), Err(std::fmt::Error)));
    }
}
