//! `#[memoize]` on an `impl`: accessors of a trait's methods, `Self` in options, in all kinds of `impl`s.

// Generated code must be clean under the strictest lints that users have.
#![deny(warnings, missing_docs, unreachable_pub, unused_lifetimes, clippy::pedantic)]
#![deny(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::impl_trait_in_params,
    private_interfaces
)]
#![deny(private_bounds, single_use_lifetimes, unused_qualifications, non_local_definitions)]

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use async_trait::async_trait;
use functools::{cache, lru_cache, memoize, ttl_cache};

/// Traits in a module from which nothing is imported.
pub mod prices {
    /// A trait with a constant, types and a provided function.
    pub trait Prices {
        /// A limit.
        const LIMIT: usize = 7;
        /// A type.
        type Item: Copy + Into<u64>;
        /// A type of results.
        type Out;
        /// Another method.
        fn item(&self) -> Self::Item;
        /// A price.
        fn price(&self, id: u32) -> Self::Out;
        /// An associated function that mentions no `Self`.
        fn rate(code: &str) -> f64;
    }

    /// A trait with a parameter.
    pub trait Rated<T> {
        /// The rate.
        fn rated(&self, value: T) -> u64;
    }

    /// A trait that is implemented twice.
    pub trait Conv<A> {
        /// Converts.
        fn conv(value: A) -> u64;
    }

    /// A trait that is used as `dyn`.
    pub trait Named {
        /// The name.
        fn name(&self, id: u32) -> String;
    }

    /// A trait with lifetimes.
    pub trait Words<'a> {
        /// The number of words.
        fn words(&self, text: &'a str) -> usize;
    }
}

/// A shop.
#[derive(Debug)]
pub struct Shop {
    base: u64,
    names: AtomicU32,
}

static SHOP: Shop = shop();

const fn shop() -> Shop {
    Shop { base: 10, names: AtomicU32::new(0) }
}

impl Shop {
    const SHARDS: usize = 4;
}

/// A type that only this module has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Secret(u32);

#[memoize]
impl prices::Prices for Shop {
    type Item = u32;
    type Out = u64;

    fn item(&self) -> Self::Item {
        5
    }

    /// Documented.
    #[lru_cache(maxsize = Self::LIMIT)]
    #[inline]
    fn price(#[key(skip)] &self, id: u32) -> Self::Out {
        let item: Self::Item = self.item();
        let limit: u64 = Self::LIMIT as u64;
        self.base + Self::Out::from(item) + u64::from(id) + limit
    }

    #[cache]
    fn rate(code: &str) -> f64 {
        if code == "euro" { 1.0 } else { 1.5 }
    }
}

#[test]
fn methods_of_a_trait_have_accessors() {
    use prices::Prices;

    assert_eq!((SHOP.price(1), SHOP.price(1)), (23, 23));
    let info = Shop::price_cache_info();
    assert_eq!((info.hits, info.misses, info.maxsize, info.currsize), (1, 1, Some(7), 1));
    assert_eq!(Shop::price_wrapped(&SHOP, 2), 24);
    assert_eq!((Shop::price_cache_peek(1), Shop::price_cache_contains(2)), (Some(23), false));
    Shop::price_cache_put(3, 30);
    assert_eq!(SHOP.price(3), 30);
    // The types in the key are known: the accessor names them.
    Shop::price_cache_retain(|&id, &price| id == 3 && price == 30);
    assert_eq!(Shop::price_cache_info().currsize, 1);
    assert!(Shop::price_cache_invalidate(3));

    let euro = <Shop as Prices>::rate("euro");
    assert!((euro - 1.0).abs() < f64::EPSILON && Shop::rate_cache_contains("euro"));
    Shop::rate_cache_clear();
    assert!(!Shop::rate_cache_contains("euro"));
}

#[memoize(pub)]
#[allow(clippy::needless_pass_by_value)]
impl prices::Named for Shop {
    #[ttl_cache]
    fn name(#[key(skip)] &self, id: u32) -> String {
        format!("{id}/{}", self.names.fetch_add(1, SeqCst))
    }
}

#[test]
fn the_trait_can_be_used_as_dyn() {
    let shop: Box<dyn prices::Named> = Box::new(shop());
    assert_eq!(shop.name(1), shop.name(1));
    assert_eq!((Shop::name_cache_info().hits, Shop::name_cache_info().misses), (1, 1));
}

/// An inherent `impl` with functions that mention no `Self`, and a private type.
#[memoize]
impl Shop {
    #[lru_cache(maxsize = Self::SHARDS * 8, shards = Self::SHARDS)]
    fn secret(secret: &Secret) -> u32 {
        secret.0 * 2
    }

    /// The sum.
    #[lru_cache]
    pub fn sum(#[key(self.base)] &self, all: &[u64]) -> u64 {
        self.base + all.iter().sum::<u64>()
    }

    #[functools::lru_cache(accessors = none, maxsize = Self::SHARDS)]
    fn silent(id: u32) -> u32 {
        id
    }
}

#[test]
fn an_inherent_impl_has_self_in_options() {
    assert_eq!((Shop::secret(&Secret(2)), Shop::secret(&Secret(2))), (4, 4));
    let info = Shop::secret_cache_info();
    assert_eq!((info.hits, info.maxsize), (1, Some(32)));
    Shop::secret_cache_retain(|secret, _| *secret != Secret(2));
    assert_eq!(Shop::secret_cache_info().currsize, 0);
    assert_eq!((SHOP.sum(&[1, 2]), SHOP.sum_cache_info_of_all()), (13, 1));
    assert_eq!((Shop::silent(1), Shop::silent(1)), (1, 1));
}

impl Shop {
    #[allow(clippy::unused_self)]
    fn sum_cache_info_of_all(&self) -> usize {
        Self::sum_cache_info().currsize
    }
}

/// A generic type.
#[derive(Debug)]
pub struct Bag<T>(T);

#[memoize]
impl<T> prices::Rated<T> for Bag<T>
where
    T: Clone + Hash + Eq + Send + Sync + Into<u64> + 'static,
{
    #[lru_cache]
    fn rated(#[key(skip)] &self, value: T) -> u64 {
        let own: u64 = self.0.clone().into();
        own + value.into()
    }
}

#[test]
fn parameters_of_the_type_tell_entries_apart() {
    use prices::Rated;

    assert_eq!((Bag(1_u8).rated(2), Bag(100_u32).rated(2), Bag(100_u32).rated(2)), (3, 102, 102));
    let info = Bag::<u8>::rated_cache_info();
    assert_eq!((info.hits, info.misses), (1, 2));
    assert!(Bag::<u32>::rated_cache_contains(2) && !Bag::<u64>::rated_cache_contains(2));
    assert_eq!(Bag::rated_wrapped(&Bag(1_u16), 2), 3);
}

#[memoize]
impl<T: Clone + Hash + Eq + Send + Sync + Into<u64> + 'static> prices::Rated<T> for Shop {
    #[lru_cache]
    fn rated(#[key(skip)] &self, value: T) -> u64 {
        self.base + value.into()
    }
}

#[test]
fn parameters_that_the_type_has_not_are_those_of_the_accessors() {
    use prices::Rated;

    assert_eq!((SHOP.rated(1_u8), SHOP.rated(1_u16), SHOP.rated(1_u16)), (11, 11, 11));
    assert_eq!((Shop::rated_cache_info().hits, Shop::rated_cache_info().misses), (1, 2));
    assert!(Shop::rated_cache_contains(1_u8) && !Shop::rated_cache_contains(1_u32));
    assert_eq!(Shop::rated_wrapped::<u32>(&SHOP, 1), 11);
    assert_eq!(Shop::rated_cache_peek::<u16>(1), Some(11));
}

#[memoize]
impl<'a> prices::Words<'a> for Shop {
    #[lru_cache]
    fn words(#[key(skip)] &self, text: &'a str) -> usize {
        text.split(' ').count()
    }
}

#[test]
fn an_impl_has_lifetimes() {
    use prices::Words;

    let text = String::from("a b");
    assert_eq!((SHOP.words(&text), SHOP.words("a b")), (2, 2));
    assert_eq!(Shop::words_cache_info().hits, 1);
    assert!(Shop::words_cache_contains(&text));
}

#[memoize]
impl prices::Conv<u8> for Shop {
    #[lru_cache]
    fn conv(value: u8) -> u64 {
        value.into()
    }
}

#[memoize]
impl prices::Conv<u16> for Shop {
    #[lru_cache(handle = wide)]
    fn conv(value: u16) -> u64 {
        u64::from(value) + 1
    }
}

#[test]
fn two_impls_of_one_trait_have_names_for_their_accessors() {
    assert_eq!((<Shop as prices::Conv<u8>>::conv(1), <Shop as prices::Conv<u16>>::conv(1)), (1, 2));
    assert_eq!((Shop::conv_cache_peek(1), Shop::wide_cache_peek(1)), (Some(1), Some(2)));
}

#[memoize(accessors = BytesCache)]
impl prices::Rated<u32> for Vec<u8> {
    #[lru_cache(maxsize = 9)]
    fn rated(&self, mut value: u32) -> u64 {
        value += 1;
        self.len() as u64 + u64::from(value)
    }
}

#[memoize(pub, accessors = ListCache)]
impl<T: Clone + Hash + Eq + Send + Sync + 'static, N> prices::Rated<(N, N)> for [T]
where
    N: Into<u64> + Clone + Hash + Eq + Send + Sync + 'static,
{
    #[cache]
    fn rated(&self, (a, b): (N, N)) -> u64 {
        self.len() as u64 + a.into() + b.into()
    }
}

#[test]
fn a_type_of_another_crate_has_a_trait_for_its_accessors() {
    use prices::Rated;

    let bytes = vec![1, 2];
    assert_eq!((bytes.rated(1), bytes.rated(1)), (4, 4));
    let info = <Vec<u8> as BytesCache>::rated_cache_info();
    assert_eq!((info.hits, info.maxsize), (1, Some(9)));
    assert_eq!(bytes.rated_wrapped(5), 8);

    let list: &[char] = &['a', 'b'];
    assert_eq!((list.rated((1_u8, 1)), list.rated((1_u8, 1))), (4, 4));
    assert_eq!(<[char] as ListCache<_>>::rated_cache_info().hits, 1);
    assert_eq!(<[char] as ListCache<_>>::rated_wrapped::<u32>(list, (2, 2)), 6);
}

/// A trait as most services write it.
#[async_trait]
pub trait Db: Send + Sync {
    /// The name.
    async fn get(&self, id: u32) -> Result<String, String>;
    /// The length.
    async fn length(&self, text: &str) -> usize;
}

/// A table.
#[derive(Debug, Default)]
pub struct Above(AtomicU32);

#[memoize]
#[async_trait]
impl Db for Above {
    #[lru_cache]
    async fn get(#[key(skip)] &self, id: u32) -> Result<String, String> {
        let count = self.0.fetch_add(1, SeqCst);
        Ok(format!("{id}/{count}"))
    }

    #[lru_cache(ttl = 60)]
    async fn length(#[key(skip)] &self, text: &str) -> usize {
        self.0.fetch_add(1, SeqCst);
        text.len()
    }
}

/// A table.
#[derive(Debug, Default)]
pub struct Below(AtomicU32);

#[async_trait]
#[memoize]
impl Db for Below {
    #[lru_cache]
    async fn get(#[key(skip)] &self, id: u32) -> Result<String, String> {
        let count = self.0.fetch_add(1, SeqCst);
        Ok(format!("{id}/{count}"))
    }

    #[lru_cache(ttl = 60)]
    async fn length(#[key(skip)] &self, text: &str) -> usize {
        self.0.fetch_add(1, SeqCst);
        text.len()
    }
}

#[tokio::test]
async fn async_traits_in_both_orders() {
    let above: Arc<dyn Db> = Arc::new(Above::default());
    let (one, two) = tokio::join!(above.get(1), above.get(1));
    assert_eq!((one, two), (Ok("1/0".to_owned()), Ok("1/0".to_owned())));
    assert_eq!((above.length("abc").await, above.length("abc").await), (3, 3));
    assert_eq!((Above::get_cache_info().misses, Above::length_cache_info().hits), (1, 1));
    assert_eq!(Above::get_cache_peek(1), Some(Ok("1/0".to_owned())));
    assert_eq!(Above::length_wrapped(&Above::default(), "a").await, 1);

    let below: Arc<dyn Db> = Arc::new(Below::default());
    let task = tokio::spawn({
        let below = Arc::clone(&below);
        async move { below.get(1).await }
    });
    assert_eq!(task.await.expect("the task ends"), Ok("1/0".to_owned()));
    assert_eq!((below.get(1).await, below.length("abc").await), (Ok("1/0".to_owned()), 3));
    assert_eq!((Below::get_cache_info().hits, Below::length_cache_contains("abc")), (1, true));
    assert_eq!(Below::length_wrapped(&Below::default(), "a").await, 1);
}

/// A trait with a native `async fn`.
trait Native {
    async fn native(&self, text: &str) -> Result<usize, String>;
}

#[memoize(accessors = NativeCache)]
impl Native for u32 {
    #[lru_cache(single_flight = true)]
    async fn native(&self, text: &str) -> Result<usize, String> {
        if text.is_empty() { Err(text.to_owned()) } else { Ok(text.len() + *self as usize) }
    }
}

#[tokio::test]
async fn a_native_async_trait() {
    assert_eq!((1_u32.native("ab").await, 1_u32.native("ab").await), (Ok(3), Ok(3)));
    assert_eq!(<u32 as NativeCache>::native_cache_info().hits, 1);
    assert_eq!(u32::native_wrapped(&1, "").await, Err(String::new()));
}

/// Methods that lints would report in an `impl` of the type alone, where the user could change them.
#[allow(clippy::trivially_copy_pass_by_ref, clippy::new_ret_no_self)]
trait Dictated {
    fn dictated(&self, text: String, number: &u8) -> Option<u8>;
    async fn awaited(self: Arc<Self>, number: u8) -> u8;
    fn renamed<'x>(&'x self, text: &'x str) -> bool;
    fn new(number: u8) -> u8;
}

#[memoize]
impl Dictated for Above {
    #[lru_cache]
    fn dictated(#[key(skip)] &self, text: String, number: &u8) -> Option<u8> {
        Some(number + u8::from(text.is_empty()))
    }

    #[lru_cache]
    async fn awaited(#[key(skip)] self: Arc<Self>, number: u8) -> u8 {
        number
    }

    #[lru_cache]
    fn renamed<'x>(#[key(skip)] &'x self, text: &'x str) -> bool {
        text.is_empty()
    }

    #[lru_cache]
    fn new(number: u8) -> u8 {
        number
    }
}

#[tokio::test]
async fn a_signature_that_the_trait_dictates() {
    let table = Arc::new(Above::default());
    assert_eq!(table.dictated(String::new(), &1), Some(2));
    assert!(table.renamed("") && Above::renamed_cache_contains(""));
    assert_eq!((Arc::clone(&table).awaited(1).await, <Above as Dictated>::new(3)), (1, 3));
    assert_eq!((Above::awaited_cache_info().misses, Above::new_cache_info().misses), (1, 1));
    assert!(Above::dictated_cache_contains(String::new(), &1));
}

#[test]
fn an_impl_in_a_body() {
    trait Local {
        const SIZE: usize;
        fn double(&self, id: u32) -> u32;
    }
    struct Here;
    #[memoize]
    impl Local for Here {
        const SIZE: usize = 3;

        #[lru_cache(maxsize = Self::SIZE)]
        fn double(#[key(skip)] &self, id: u32) -> u32 {
            id * 2
        }
    }
    assert_eq!((Here.double(2), Here.double(2)), (4, 4));
    assert_eq!((Here::double_cache_info().hits, Here::double_cache_info().maxsize), (1, Some(3)));
}

macro_rules! implements {
    ($type:ty, $name:ident, $body:block, $size:expr) => {
        #[memoize]
        impl prices::Named for $type {
            #[lru_cache(maxsize = $size)]
            fn $name(#[key(skip)] &self, _: u32) -> String $body
        }
    };
}

implements!(Above, name, { String::from("above") }, 2 + 3);

#[test]
fn an_impl_from_a_macro() {
    use prices::Named;

    assert_eq!(Above::default().name(1), "above");
    assert_eq!(Above::name_cache_info().maxsize, Some(5));
}

/// An `impl` under a condition, with a method under another.
#[memoize]
#[cfg(any())]
impl prices::Named for Nothing {
    #[lru_cache]
    fn name(&self, id: u32) -> String {
        id.to_string()
    }
}

#[memoize]
#[expect(clippy::unnecessary_wraps, reason = "an expectation of the method")]
impl Below {
    #[cfg(any())]
    #[lru_cache]
    fn absent(id: Missing) -> u32 {
        id
    }

    #[cfg(not(target_os = "none"))]
    #[lru_cache(cache_errors = true)]
    fn present(id: u32) -> Result<u32, String> {
        Ok(id)
    }
}

#[test]
fn conditions() {
    assert_eq!(Below::present(1), Ok(1));
    assert_eq!(Below::present_cache_info().misses, 1);
}

/// Further kinds of types, signatures and options.
mod further {
    use std::fmt::Debug;
    use std::time::Duration;

    use functools::{LruCache, TtlCache};

    use super::{Arc, AtomicU32, Hash, SeqCst, cache, lru_cache, memoize};

    trait Super {
        type Item;
        const FACTOR: usize;
    }

    trait All: Super {
        type Borrowed<'x>
        where
            Self: 'x;
        fn borrowed<'x>(&'x self, by: Self::Borrowed<'x>) -> usize;
        fn item(id: u8) -> Self::Item;
        fn of_thread(id: u8) -> u8;
        fn in_field(&self, id: u8) -> u8;
        fn refreshed(id: u8) -> Result<u8, String>;
        fn weighed(&self, text: &str) -> Vec<u8>;
        fn by(self: Arc<Self>, id: u8) -> u8;
        fn of(value: impl Hash + Eq + Clone + Send + Sync + 'static) -> u8;
    }

    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    struct Private(u8);

    struct Store<'a, const N: usize> {
        memo: LruCache<u8, u8>,
        words: &'a [u8; N],
    }

    impl<const N: usize> Super for Store<'_, N> {
        type Item = Private;
        const FACTOR: usize = 2;
    }

    #[memoize(pub(in crate::further))]
    impl<'a, const N: usize> All for Store<'a, N> {
        type Borrowed<'x>
            = &'x [&'a str]
        where
            Self: 'x;

        #[lru_cache]
        fn borrowed<'x>(#[key(skip)] &'x self, by: Self::Borrowed<'x>) -> usize {
            let by: Self::Borrowed<'x> = by;
            by.len() + self.words.len() + N
        }

        #[lru_cache]
        fn item(id: u8) -> <Self as Super>::Item {
            Private(id)
        }

        #[lru_cache(scope = thread)]
        fn of_thread(id: u8) -> u8 {
            id + u8::try_from(Self::FACTOR).unwrap_or(0)
        }

        #[lru_cache(cache = self.memo)]
        fn in_field(&self, id: u8) -> u8 {
            id + self.words[0]
        }

        #[lru_cache(ttl = 60, swr = true, stale_if_error = 60)]
        fn refreshed(id: u8) -> Result<u8, String> {
            Ok(id)
        }

        #[lru_cache(weight = |_, text, value| text.len() + value.len(), maxsize = 100)]
        fn weighed(#[key(self.words)] &self, text: &str) -> Vec<u8> {
            text.bytes().chain(self.words.iter().copied()).collect()
        }

        #[lru_cache(key = |_, id| *id)]
        fn by(self: Arc<Self>, id: u8) -> u8 {
            id + self.words[0]
        }

        #[lru_cache(typed = true)]
        fn of(value: impl Hash + Eq + Clone + Send + Sync + 'static) -> u8 {
            let _ = value;
            1
        }
    }

    #[test]
    fn all_kinds_of_methods() {
        type Two = Store<'static, 2>;
        let store = Two { memo: LruCache::new(Some(8)), words: &[1, 2] };
        assert_eq!((store.borrowed(&["a"]), store.borrowed(&["a"])), (5, 5));
        assert_eq!(Two::borrowed_cache_info().hits, 1);
        assert_eq!((Two::item(1), Two::item_cache_peek(1)), (Private(1), Some(Private(1))));
        assert_eq!((Two::of_thread(1), Two::of_thread(1), Two::of_thread_cache_info().hits), (3, 3, 1));
        assert_eq!((store.in_field(1), Two::in_field_cache_info(&store).misses), (2, 1));
        assert_eq!((Two::refreshed(1), Two::refreshed_cache_contains(1)), (Ok(1), true));
        assert_eq!(store.weighed("abc").len(), 5);
        assert_eq!(Two::weighed_cache_info().currsize, 8);
        assert!(Two::weighed_cache_contains(&store, "abc"));
        assert_eq!((Two::of(1_u8), Two::of("a"), Two::of_cache_info().misses), (1, 1, 2));
        let store = Arc::new(store);
        assert_eq!((Arc::clone(&store).by(1), Two::by_cache_contains(store, 1)), (2, true));
    }

    trait Open: Debug + Send + Sync {}

    trait Described {
        fn described(&self, id: u8) -> String;
    }

    #[memoize]
    impl Described for dyn Open {
        #[lru_cache]
        fn described(#[key(skip)] &self, id: u8) -> String {
            format!("{self:?} {id}")
        }
    }

    impl Open for u8 {}

    #[test]
    fn an_impl_for_a_trait_object() {
        let open: &dyn Open = &7_u8;
        assert_eq!((open.described(1), open.described(1)), ("7 1".to_owned(), "7 1".to_owned()));
        assert_eq!(<dyn Open>::described_cache_info().hits, 1);
    }

    trait Blanket {
        type Out;
        fn blanket(&self, id: u8) -> Self::Out;
        fn of_thread(&self, id: u8) -> u8;
        async fn later(&self, id: u8) -> u8;
    }

    #[memoize(accessors = BlanketCache)]
    impl<T: Open + Clone + Hash + Eq + 'static> Blanket for T {
        type Out = String;

        #[lru_cache]
        fn blanket(&self, id: u8) -> Self::Out {
            let out: Self::Out = format!("{self:?} {id}");
            out
        }

        #[cache(scope = thread)]
        fn of_thread(&self, id: u8) -> u8 {
            id
        }

        #[lru_cache]
        async fn later(&self, id: u8) -> u8 {
            id
        }
    }

    #[tokio::test]
    async fn an_impl_for_all_types() {
        assert_eq!((1_u8.blanket(2), 1_u8.blanket(2)), ("1 2".to_owned(), "1 2".to_owned()));
        assert_eq!((1_u8.of_thread(2), 1_u8.later(2).await), (2, 2));
        assert_eq!(<u8 as BlanketCache<_>>::blanket_cache_info().hits, 1);
        assert_eq!(<u8 as BlanketCache<_>>::of_thread_cache_info().misses, 1);
        assert_eq!(1_u8.later_wrapped(3).await, 3);
    }

    static COUNT: AtomicU32 = AtomicU32::new(0);

    struct Recursive;

    trait Fibonacci {
        fn fibonacci(&self, n: u64) -> u64;
    }

    #[memoize]
    impl Fibonacci for Recursive {
        #[cache]
        fn fibonacci(#[key(skip)] &self, n: u64) -> u64 {
            COUNT.fetch_add(1, SeqCst);
            if n < 2 { n } else { self.fibonacci(n - 1) + Self::fibonacci(self, n - 2) }
        }
    }

    #[test]
    fn a_recursive_method() {
        assert_eq!((Recursive.fibonacci(50), COUNT.load(SeqCst)), (12_586_269_025, 51));
    }

    /// A cache of a type with an expiry, by `Self` of an inherent `impl` with a lifetime.
    struct Words<'a>(&'a str, TtlCache<u8, u8>);

    #[memoize(pub)]
    impl<'a> Words<'a> {
        const SIZE: usize = 3;

        #[lru_cache(maxsize = Self::SIZE)]
        fn first(#[key(self.0)] &self, n: usize) -> Option<char> {
            self.0.chars().nth(n + self.1.len())
        }

        #[lru_cache(maxsize = Self::SIZE + 1)]
        fn rest(text: &'a str) -> String {
            text[1..].to_owned()
        }
    }

    #[test]
    fn an_inherent_impl_with_a_lifetime() {
        let text = String::from("abc");
        let words = Words(&text, TtlCache::new(None, Duration::from_secs(60)));
        assert_eq!((words.first(1), words.first(1)), (Some('b'), Some('b')));
        assert_eq!((Words::first_cache_info().maxsize, Words::first_cache_info().hits), (Some(3), 1));
        assert_eq!((Words::rest(&text), Words::rest_cache_info().maxsize), ("bc".to_owned(), Some(4)));
    }
}

#[cfg(feature = "backend")]
mod with_backend {
    use functools::backend::Off;

    use super::{Above, Shop, async_trait, lru_cache, memoize, shop};

    #[async_trait]
    trait Remote {
        async fn remote(&self, id: u32) -> String;
    }

    #[memoize]
    #[async_trait]
    impl Remote for Shop {
        #[lru_cache(backend = Off)]
        async fn remote(#[key(skip)] &self, id: u32) -> String {
            id.to_string()
        }
    }

    #[async_trait]
    #[memoize]
    impl Remote for Above {
        #[lru_cache(backend = Off, ttl = 60)]
        async fn remote(#[key(skip)] &self, id: u32) -> String {
            id.to_string()
        }
    }

    #[tokio::test]
    async fn async_traits_with_a_backend() {
        let (shop, above) = (shop(), Above::default());
        assert_eq!((shop.remote(1).await, shop.remote(1).await), ("1".to_owned(), "1".to_owned()));
        assert_eq!((above.remote(1).await, above.remote(1).await), ("1".to_owned(), "1".to_owned()));
        assert_eq!((Shop::remote_cache_info().hits, Above::remote_cache_info().hits), (1, 1));
    }
}
