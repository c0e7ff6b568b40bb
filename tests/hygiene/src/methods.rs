//! Methods, in surroundings that would break generated code that is not careful.

#![allow(clippy::must_use_candidate, clippy::needless_pass_by_value, reason = "the functions are kept plain")]
#![allow(clippy::trivially_copy_pass_by_ref, clippy::unused_self, reason = "the signatures are the point")]

use functools::{LruCache, cache, lru_cache};

/// Has methods of every kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shop {
    /// What prices are multiplied with.
    pub factor: u32,
}

impl Shop {
    /// Takes what it is a method of.
    #[lru_cache(maxsize = 4)]
    pub fn price(&self, id: u32, name: &str) -> Option<u32> {
        self.factor.checked_mul(id + u32::from(name.is_empty()))
    }

    /// Has parameters of names that a cache has uses for.
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

    /// Is a keyword, and has one.
    #[cache]
    pub fn r#match(&self, r#fn: u32, r#type: &str) -> u64 {
        u64::from(r#fn) + r#type.len() as u64
    }

    /// Has neither `self` nor what it is a method of.
    #[cache(accessors = siblings)]
    pub fn sum(numbers: &[f64]) -> f64 {
        numbers.iter().sum()
    }

    /// Makes what it is a method of.
    ///
    /// # Errors
    ///
    /// When the text is no number.
    #[lru_cache(maxsize = None)]
    pub fn parsed(text: &str) -> Result<Self, std::num::ParseIntError> {
        let factor = text.parse()?;
        if factor == 0 {
            return Ok(Self { factor: 1 });
        }
        Ok(Self { factor })
    }

    /// Is for this module.
    #[lru_cache]
    fn private(#[key(skip)] &self, #[key(n / 2)] n: u32) -> u32 {
        n / 2
    }

    /// Is for this crate.
    #[lru_cache(key = |this, text| (this.factor, text.len()))]
    pub(crate) fn near(&self, text: &str) -> usize {
        text.len() + self.private(self.factor) as usize
    }

    /// Is as a name of an accessor.
    #[cache]
    pub fn wrapped(&self) -> u32 {
        self.factor
    }

    /// Calls what is not for all.
    pub fn all(&self) -> usize {
        self.near("text")
    }

    /// Is not used any more.
    #[deprecated = "it is old"]
    #[lru_cache]
    pub fn old(&self, n: u32) -> u32 {
        n
    }
}

/// Has parameters, and a cache.
#[derive(Debug)]
pub struct Shelf<'a, T, const N: usize> {
    /// What is on it.
    pub items: &'a [T],
    /// What was found.
    pub found: LruCache<(String, usize), Option<T>>,
}

impl<'a, T: Clone, const N: usize> Shelf<'a, T, N> {
    /// Is remembered in the object.
    #[lru_cache(cache = self.found)]
    pub fn find(&self, name: &str, at: usize) -> Option<T> {
        self.items.get(at + name.len()).cloned()
    }

    /// Is remembered for all, by a part of the object.
    #[lru_cache]
    pub fn size(#[key(self.items.len())] &'a self) -> usize {
        N + size_of_val(self.items)
    }
}

/// Has methods that it provides, and some that it asks for.
pub trait Sell {
    /// Has no accessors.
    ///
    /// # Errors
    ///
    /// When there is nothing.
    fn sell(&self, n: u32) -> Result<u32, String>;

    /// Is provided.
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

/// Writes a type with a memoized method.
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
    /// Is written by a macro.
    Written,
    written(text: &str) -> Option<usize>,
    |_: &Self, text: &str| text.len().checked_add(1)
);

/// Methods where names of the standard library mean something else.
pub mod shadowed {
    #![allow(non_snake_case, non_upper_case_globals, reason = "the names are the point")]

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
        /// Takes and returns what is not of the standard library.
        #[lru_cache(maxsize = None)]
        pub fn join(&self, more: &Self, option: Option) -> (Self, Option, u32) {
            let _ = more;
            (*self, option, Ok + None)
        }

        /// Names what is.
        ///
        /// # Errors
        ///
        /// When the text is empty.
        #[lru_cache]
        pub fn real(&self, text: ::std::option::Option<&str>) -> ::std::result::Result<usize, Option> {
            text.map(str::len).ok_or(Option)
        }
    }
}

/// Methods without a prelude.
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
        /// Has nothing but primitives.
        #[lru_cache(accessors = siblings)]
        pub fn primitives(a: u64, (b, c): (bool, &str)) -> (u64, usize) {
            if b { (a, c.len()) } else { (a + 1, 0) }
        }

        /// Takes and returns what it is a method of.
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

    /// Asserts that of two equal calls, the first ones with these arguments, the second is a hit.
    macro_rules! assert_remembered {
        ($info:expr, $call:expr) => {{
            assert_eq!($call, $call);
            let info = $info;
            assert_eq!((info.hits, info.misses), (1, 1));
        }};
    }

    #[test]
    fn all_are_cached() {
        let shop = Shop { factor: 3 };
        assert_remembered!(Shop::price_cache_info(), shop.price(4, "name"));
        assert_remembered!(
            Shop::parameters_cache_info(),
            shop.parameters(1, 2, "result", 4, true, 6, 7, 8.5, Some("hit"))
        );
        assert_remembered!(Shop::match_cache_info(), shop.r#match(1, "two"));
        assert_remembered!(Shop::sum_cache_info(), Shop::sum(&[0.5, 1.5]).to_bits());
        assert_remembered!(Shop::parsed_cache_info(), Shop::parsed("12"));
        assert_remembered!(Shop::near_cache_info(), shop.all());
        assert_remembered!(Shop::wrapped_cache_info(), shop.wrapped());
        assert_eq!(Shop::private_cache_info().misses, 1);
        assert_remembered!(Written::written_cache_info(), Written.written("text"));
        assert_remembered!(Shop::provided_cache_info(), shop.provided(1));
        assert_eq!((shop.sell(1), shop.sell(1), 7.sell(1)), (Ok(6), Ok(6), Ok(7)));
        assert!(shop.sell(0).is_err());
        #[allow(deprecated)]
        {
            assert_remembered!(Shop::old_cache_info(), shop.old(1));
        }

        let shelf = Shelf::<'_, _, 2> { items: &["a", "b", "c"], found: LruCache::new(Some(2)) };
        assert_remembered!(shelf.find_cache_info(), shelf.find("x", 1));
        assert_eq!(shelf.find("x", 1), Some("c"));
        assert_remembered!(Shelf::<'_, u8, 0>::size_cache_info(), shelf.size());

        // And can be asked.
        let shop = Shop { factor: 5 };
        shop.price_cache_put(9, "", Some(1));
        assert_eq!((shop.price(9, ""), shop.price_cache_peek(9, "")), (Some(1), Some(Some(1))));
        assert_eq!((shop.price_wrapped(9, ""), shop.price_cache_refresh(9, "")), (Some(50), Some(50)));
        assert!(shop.price_cache_contains(9, "") && shop.price_cache_invalidate(9, ""));
        assert_eq!(Shop::price_cache_parameters().maxsize, Some(4));
        assert_eq!((shop.wrapped_wrapped(), shop.match_wrapped(1, "a")), (5, 2));
    }

    #[test]
    fn all_are_cached_where_names_mean_something_else() {
        assert_remembered!(
            shadowed::String::join_cache_info(),
            shadowed::String.join(&shadowed::String, shadowed::Option)
        );
        assert_remembered!(shadowed::String::real_cache_info(), shadowed::String.real(Some("text")));
        assert_remembered!(bare::Word::primitives_cache_info(), bare::Word::primitives(1, (true, "text")));
        assert_remembered!(bare::Word::larger_cache_info(), bare::Word(1).larger(&bare::Word(2)));
        assert_eq!((bare::Word(1) + bare::Word(2), bare::Word(1) + bare::Word(0)), (Ok(bare::Word(3)), Err(std::fmt::Error)));
    }
}
