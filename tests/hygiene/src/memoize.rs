//! `impl`s with `#[memoize]`, in surroundings that break generated code which is not hygienic.

#![allow(clippy::must_use_candidate, reason = "the functions are kept plain")]

use functools::{cache, lru_cache, memoize};

/// Traits.
pub mod traits {
    /// A trait with everything that a trait can have.
    pub trait Prices<'a> {
        /// A limit that the implementation leaves as it is.
        const LIMIT: u8 = 7;
        /// A type.
        type Item;
        /// A method.
        fn price(&self, id: u32, name: &'a str) -> Self::Item;
        /// A function without `self`.
        fn r#match(r#type: u64) -> Option<u64>;
        /// A method with lifetimes of its own.
        fn longest<'x>(&'x self, first: &'x str, second: &'a str) -> usize;
    }

    /// A trait that is implemented for types of other crates.
    pub trait Digest<T> {
        /// A digest.
        fn digest(&self, salt: T) -> u64;
    }
}

/// A public type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Shop {
    /// The factor of all prices.
    pub factor: u64,
}

/// A private type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Secret(u64);

#[memoize(pub)]
impl<'a> traits::Prices<'a> for Shop {
    type Item = u64;

    /// Documented by the implementation.
    #[lru_cache(maxsize = Self::LIMIT)]
    fn price(#[key(skip)] &self, id: u32, name: &'a str) -> Self::Item {
        self.factor * (Self::Item::from(id) + name.len() as u64)
    }

    #[cache]
    fn r#match(r#type: u64) -> Option<u64> {
        Some(r#type)
    }

    #[functools::lru_cache]
    fn longest<'x>(#[key(skip)] &'x self, first: &'x str, second: &'a str) -> usize {
        first.len().max(second.len())
    }
}

/// A private trait for a private type in a signature.
trait Secrets {
    /// Takes and returns a private type.
    fn secret(secret: &Secret) -> Secret;
}

#[memoize]
impl Secrets for Shop {
    #[lru_cache]
    fn secret(secret: &Secret) -> Secret {
        Secret(secret.0 + 1)
    }
}

/// Calls it.
pub fn secret(number: u64) -> u64 {
    let Secret(number) = Shop::secret(&Secret(number));
    number
}

#[memoize(pub, accessors = BytesCache)]
impl<T: Into<u64> + Copy + Eq + std::hash::Hash + Send + Sync + 'static> traits::Digest<T> for Vec<u8> {
    #[lru_cache]
    fn digest(&self, salt: T) -> u64 {
        self.iter().map(|byte| u64::from(*byte)).sum::<u64>() + salt.into()
    }
}

#[memoize(accessors = SecretCache)]
impl traits::Digest<Secret> for [u8] {
    #[lru_cache(handle = secret)]
    fn digest(&self, salt: Secret) -> u64 {
        self.len() as u64 + salt.0
    }
}

/// An inherent `impl`.
#[memoize]
impl Shop {
    /// A number of shards.
    pub const SHARDS: usize = 2;

    /// Mentions no `Self`.
    #[lru_cache(shards = Self::SHARDS, maxsize = 64)]
    pub fn double(id: u64) -> u64 {
        id * 2
    }
}

/// Names that generated code must not take for others.
pub mod shadowed {
    #![allow(dead_code, non_camel_case_types, reason = "the names are there to be seen")]

    use functools::{lru_cache, memoize};

    enum Option {}
    enum Result {}
    enum CacheInfo {}
    mod core {}
    mod std {}

    /// A trait.
    pub trait Shown {
        /// A method.
        fn shown(&self, id: u8) -> u8;
    }

    /// A type.
    #[derive(Clone, Copy, Debug)]
    #[non_exhaustive]
    pub struct Shadowed;

    #[memoize(pub)]
    impl Shown for Shadowed {
        #[lru_cache(ttl = 60, single_flight = true)]
        fn shown(#[key(skip)] &self, id: u8) -> u8 {
            id
        }
    }
}

macro_rules! implemented {
    ($($trait:tt)::+, $type:ident, $lifetime:lifetime, $name:ident, $id:ident => $body:expr) => {
        /// A type.
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub struct $type;

        #[memoize(pub)]
        impl<$lifetime> $($trait)::+<&$lifetime str> for $type {
            #[lru_cache]
            fn $name(#[key(skip)] &self, $id: &$lifetime str) -> u64 {
                $body
            }
        }
    };
}

implemented!(traits::Digest, FromMacro, 'm, digest, text => text.len() as u64);

#[test]
fn methods_of_traits_are_cached() {
    use traits::{Digest, Prices};

    let shop = Shop { factor: 2 };
    assert_eq!((shop.price(1, "a"), shop.price(1, "a")), (4, 4));
    assert_eq!((Shop::price_cache_info().hits, Shop::price_cache_info().maxsize), (1, Some(7)));
    assert_eq!((Shop::r#match(1), Shop::match_cache_peek(1)), (Some(1), Some(Some(1))));
    assert_eq!((shop.longest("a", "bc"), Shop::longest_cache_info().misses), (2, 1));
    assert_eq!((secret(1), Shop::secret_cache_info().misses), (2, 1));
    let bytes = vec![1, 2];
    assert_eq!((bytes.digest(1_u8), bytes.digest(1_u8)), (4, 4));
    assert_eq!(<Vec<u8> as BytesCache>::digest_cache_info().hits, 1);
    assert_eq!(([1_u8, 2][..].digest(Secret(1)), <[u8] as SecretCache>::secret_cache_info().misses), (3, 1));
    assert_eq!((Shop::double(1), Shop::double_cache_info().misses), (2, 1));
    assert_eq!((FromMacro.digest("ab"), FromMacro::digest_cache_info().misses), (2, 1));
    assert_eq!(shadowed::Shown::shown(&shadowed::Shadowed, 1), 1);
    assert_eq!(shadowed::Shadowed::shown_cache_info().misses, 1);
}
