//! Methods: `self` is part of the key, and different types never share entries.

#![allow(clippy::non_minimal_cfg, reason = "`all()` is the simplest condition that always holds")]

use std::sync::Arc;

use functools::{LruCache, lru_cache};

use crate::support::tally as info;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop {
    factor: u32,
}

impl Shop {
    #[lru_cache(maxsize = 8)]
    fn price(&self, id: u32) -> u32 {
        self.factor * id
    }

    #[lru_cache]
    fn shared(self: Arc<Self>, id: u32) -> Option<u32> {
        Some(self.factor * id)
    }

    #[lru_cache(accessors = siblings)]
    fn square(n: u32) -> u32 {
        n * n
    }

    #[lru_cache]
    fn made(factor: u32) -> Self {
        Self { factor }
    }

    #[lru_cache]
    fn general(#[key(skip)] &self, id: u32) -> u32 {
        id + 1
    }
}

#[test]
fn self_is_part_of_the_key() {
    let (one, two) = (Shop { factor: 1 }, Shop { factor: 2 });
    assert_eq!((one.price(3), two.price(3), one.price(3)), (3, 6, 3));
    assert_eq!(info(Shop::price_cache_info()), (1, 2, 2));
    assert_eq!(Shop::price_wrapped(&one, 4), 4);
    assert_eq!(two.price_cache_peek(3), Some(6));
    assert!(one.price_cache_invalidate(3));
    Shop::price_cache_clear();
    assert_eq!(Shop::price_cache_parameters().maxsize, Some(8));

    assert_eq!(Arc::new(one.clone()).shared(5), Some(5));
    assert_eq!(Arc::new(one.clone()).shared(5), Some(5));
    assert_eq!(info(Shop::shared_cache_info()), (1, 1, 1));
    assert_eq!((Shop::square(4), Shop::square(4)), (16, 16));
    assert_eq!(info(Shop::square_cache_info()), (1, 1, 1));
    assert!(Shop::made(4) == Shop::made(4));
    assert_eq!(info(Shop::made_cache_info()), (1, 1, 1));
    assert_eq!((one.general(1), two.general(1)), (2, 2));
    assert_eq!(info(Shop::general_cache_info()), (1, 1, 1));
}

struct Sized2<T>(T);

impl<T: Clone> Sized2<T> {
    #[lru_cache]
    fn size(#[key(skip)] &self, _n: u8) -> usize {
        size_of::<T>()
    }
}

#[test]
fn instances_of_a_generic_impl_never_share() {
    assert_eq!((Sized2(1_u8).size(0), Sized2(1_u64).size(0)), (1, 8));
    assert_eq!(info(Sized2::<()>::size_cache_info()), (0, 2, 2));
}

trait Rated<T> {
    fn rate(&self, n: u32) -> u32;
    fn name(&self) -> String;
    #[lru_cache]
    fn label(#[key(skip)] &self, n: u32) -> String {
        format!("{}{n}", self.name())
    }
}

impl Rated<u8> for Shop {
    #[lru_cache(accessors = none)]
    fn rate(&self, n: u32) -> u32 {
        if n == 0 {
            return 0;
        }
        self.factor + n
    }
    fn name(&self) -> String {
        "u8".into()
    }
}

impl Rated<u16> for Shop {
    #[lru_cache(accessors = none)]
    fn rate(&self, n: u32) -> u32 {
        self.factor + n + 1000
    }
    fn name(&self) -> String {
        "u16".into()
    }
}

#[test]
fn implementors_never_share() {
    let shop = Shop { factor: 1 };
    assert_eq!(Rated::<u8>::rate(&shop, 1), 2);
    assert_eq!(Rated::<u16>::rate(&shop, 1), 1002);
    assert_eq!(Rated::<u8>::label(&shop, 1), "u81");
    assert_eq!(Rated::<u16>::label(&shop, 1), "u161");
    assert_eq!(info(<Shop as Rated<u8>>::label_cache_info()), (0, 2, 2));
}

struct Store<'a, T> {
    names: &'a [T],
    sizes: LruCache<usize, T>,
    both: LruCache<(usize, String), String>,
}

impl<T: Clone> Store<'_, T> {
    #[lru_cache(cache = self.sizes)]
    fn at(&self, index: usize) -> T {
        self.names[index].clone()
    }

    #[lru_cache(cache = self.both)]
    fn named(&self, index: usize, name: &str) -> String {
        format!("{name}{index}")
    }
}

#[test]
fn a_cache_in_the_object_takes_it() {
    let names = ["a", "b"];
    let store = Store { names: &names, sizes: LruCache::new(Some(2)), both: LruCache::new(None) };
    assert_eq!((store.at(0), store.at(0)), ("a", "a"));
    assert_eq!((store.named(0, "x"), store.named(0, "x")), ("x0".to_string(), "x0".to_string()));
    assert_eq!(info(store.at_cache_info()), (1, 1, 1));
    assert_eq!(info(store.named_cache_info()), (1, 1, 1));
    assert_eq!(store.at_cache_parameters().maxsize, Some(2));
    store.at_cache_clear();
    assert!(!store.at_cache_contains(0));
    assert_eq!(store.sizes.len(), 0);
}

#[lru_cache(cache = memo)]
fn paths(x: u64, y: u64, memo: &LruCache<(u64, u64), u64>) -> u64 {
    if x == 0 || y == 0 { 1 } else { paths(x - 1, y, memo) + paths(x, y - 1, memo) }
}

#[test]
fn a_memo_of_its_own_for_each_solve() {
    let memo = LruCache::new(None);
    assert_eq!(paths(16, 16, &memo), 601_080_390);
    assert_eq!(paths::cache_info(&memo).misses, 17 * 17 - 1);
}

// ---- Receivers, results, positions

mod receivers {
    use std::sync::Arc;

    use functools::lru_cache;

    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Scale(pub(super) u32);

    impl Scale {
        #[lru_cache]
        pub(super) fn by_reference(self: &Self, n: u32) -> u32 {
            self.0 * n
        }

        #[lru_cache]
        pub(super) fn by_value(self, n: u32) -> u32 {
            self.0 * n
        }

        #[lru_cache]
        pub(super) fn by_mut_value(mut self, n: u32) -> Self {
            self.0 *= n;
            self
        }

        #[lru_cache]
        pub(super) fn by_arc(self: Arc<Self>, n: u32) -> Arc<Self> {
            Arc::new(Self(self.0 * n))
        }

        #[lru_cache]
        pub(super) fn by_box(self: Box<Self>, n: u32) -> u32 {
            self.0 * n
        }

        #[lru_cache]
        pub(super) fn by_reference_to_arc(self: &Arc<Self>, n: u32) -> u32 {
            self.0 * n
        }

        #[lru_cache]
        pub(super) fn larger<'a>(&'a self, other: &'a Self) -> Option<Self> {
            (other.0 > self.0).then(|| other.clone())
        }

        #[lru_cache]
        pub(super) fn all(several: Vec<Self>, pair: (Self, &[Self; 1])) -> Vec<Self> {
            several.into_iter().chain([pair.0, pair.1[0].clone()]).collect()
        }
    }
}

#[test]
fn every_receiver_is_part_of_the_key() {
    use receivers::Scale;
    let (two, three) = (Scale(2), Scale(3));
    let one_three = [Scale(3)];
    for _ in 0..2 {
        assert_eq!((two.by_reference(5), three.by_reference(5)), (10, 15));
        assert_eq!((two.clone().by_value(5), three.clone().by_value(5)), (10, 15));
        assert_eq!((two.clone().by_mut_value(5), three.clone().by_mut_value(5)), (Scale(10), Scale(15)));
        assert_eq!([&two, &three].map(|scale| Arc::new(scale.clone()).by_arc(5).0), [10, 15]);
        assert_eq!((Box::new(two.clone()).by_box(5), Box::new(three.clone()).by_box(5)), (10, 15));
        let (arc_two, arc_three) = (Arc::new(two.clone()), Arc::new(three.clone()));
        assert_eq!((arc_two.by_reference_to_arc(5), arc_three.by_reference_to_arc(5)), (10, 15));
        assert_eq!((two.larger(&three), three.larger(&two)), (Some(three.clone()), None));
        assert_eq!(Scale::all(vec![two.clone()], (two.clone(), &one_three)), [Scale(2), Scale(2), Scale(3)]);
        assert_eq!(Scale::all(vec![], (two.clone(), &one_three)), [Scale(2), Scale(3)]);
    }
    for of in [
        Scale::by_reference_cache_info,
        Scale::by_value_cache_info,
        Scale::by_mut_value_cache_info,
        Scale::by_arc_cache_info,
        Scale::by_box_cache_info,
        Scale::by_reference_to_arc_cache_info,
        Scale::larger_cache_info,
        Scale::all_cache_info,
    ] {
        assert_eq!(info(of()), (2, 2, 2));
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Ledger(u32);

impl Ledger {
    #[lru_cache(maxsize = 2, typed = true)]
    fn entry(&self, n: u32, text: &str) -> String {
        format!("{} {n} {text}", self.0)
    }

    #[lru_cache(accessors = siblings)]
    fn sum(numbers: &[u32]) -> u32 {
        numbers.iter().sum()
    }

    #[lru_cache(maxsize = None)]
    fn fibonacci(&self, n: u64) -> u64 {
        if n < 2 { n } else { self.fibonacci(n - 1) + self.fibonacci(n - 2) }
    }

    #[lru_cache(maxsize = 0)]
    fn nothing(&self) -> u32 {
        self.0
    }

    #[functools::cache]
    fn r#match(&self, r#type: u32) -> u32 {
        self.0 + r#type
    }

    #[lru_cache]
    fn parsed(&self, text: &str) -> Result<u32, std::num::ParseIntError> {
        let number: u32 = text.parse()?;
        if number == 0 {
            return Ok(self.0);
        }
        Ok(number)
    }

    #[lru_cache]
    fn kept(&self, text: &str) -> Answer<Self> {
        if text.is_empty() { Err("empty".into()) } else { Ok(Self(self.0 + 1)) }
    }

    #[lru_cache(cache_errors = true, cache_none = false)]
    fn odd(&self, n: u32) -> Result<Option<Self>, String> {
        if n > 2 { Err(n.to_string()) } else { Ok((n == 1).then(|| self.clone())) }
    }
}

type Answer<T> = Result<T, String>;

#[test]
fn all_accessors_of_a_method() {
    let ledger = Ledger(1);
    assert_eq!((ledger.entry(2, "a"), ledger.entry(2, "a")), ("1 2 a".into(), "1 2 a".into()));
    assert_eq!(info(Ledger::entry_cache_info()), (1, 1, 1));
    assert!(ledger.entry_cache_contains(2, "a") && !Ledger(2).entry_cache_contains(2, "a"));
    assert_eq!(ledger.entry_cache_peek(2, "a"), Some("1 2 a".into()));
    ledger.entry_cache_put(3, "b", "put".into());
    assert_eq!((ledger.entry(3, "b"), ledger.entry_wrapped(3, "b")), ("put".into(), "1 3 b".into()));
    assert_eq!((ledger.entry_cache_refresh(3, "b"), ledger.entry(3, "b")), ("1 3 b".into(), "1 3 b".into()));
    assert!(ledger.entry_cache_invalidate(2, "a") && !ledger.entry_cache_invalidate(2, "a"));
    let parameters = Ledger::entry_cache_parameters();
    assert_eq!((parameters.maxsize, parameters.typed), (Some(2), true));
    assert_eq!(info(Ledger::entry_cache_info()), (3, 2, 1));
    Ledger::entry_cache_clear();
    assert_eq!(info(Ledger::entry_cache_info()), (0, 0, 0));
}

#[test]
fn the_bound_is_of_all_objects_together() {
    static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = LOCK.lock();
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Own(u32);
    impl Own {
        #[lru_cache(maxsize = 2)]
        fn get(&self, n: u32) -> u32 {
            self.0 + n
        }
    }
    (Own(1).get(0), Own(2).get(0), Own(1).get(0), Own(3).get(0));
    assert!(Own(1).get_cache_contains(0) && !Own(2).get_cache_contains(0) && Own(3).get_cache_contains(0));
    assert_eq!(info(Own::get_cache_info()), (1, 3, 2));
}

#[test]
fn methods_recurse_and_may_store_nothing() {
    assert_eq!(Ledger(0).fibonacci(80), 23_416_728_348_467_685);
    assert_eq!(info(Ledger::fibonacci_cache_info()), (78, 81, 81));
    assert_eq!((Ledger(5).nothing(), Ledger(5).nothing()), (5, 5));
    assert_eq!(info(Ledger::nothing_cache_info()), (0, 2, 0));
    assert_eq!((Ledger::sum(&[1, 2]), Ledger::sum(&[1, 2]), Ledger::sum_wrapped(&[3])), (3, 3, 3));
    assert_eq!(info(Ledger::sum_cache_info()), (1, 1, 1));
}

#[test]
fn a_raw_name_loses_its_prefix_in_the_accessors() {
    assert_eq!((Ledger(1).r#match(2), Ledger(1).r#match(2)), (3, 3));
    assert_eq!(info(Ledger::match_cache_info()), (1, 1, 1));
    assert_eq!((Ledger(1).match_wrapped(3), Ledger(1).match_cache_peek(2)), (4, Some(3)));
}

#[test]
fn methods_that_return_early_are_remembered_and_their_errors_are_not() {
    let ledger = Ledger(1);
    for _ in 0..2 {
        assert_eq!((ledger.parsed("0"), ledger.parsed("7")), (Ok(1), Ok(7)));
        assert!(ledger.parsed("x").is_err());
    }
    assert_eq!(info(Ledger::parsed_cache_info()), (2, 4, 2));

    // The `Result` is behind an alias.
    for _ in 0..2 {
        assert_eq!((ledger.kept(""), ledger.kept("a")), (Err("empty".into()), Ok(Ledger(2))));
    }
    assert_eq!(info(Ledger::kept_cache_info()), (1, 3, 1));
    ledger.kept_cache_put("a", Err("late".into()));
    assert_eq!(ledger.kept_cache_peek("a"), Some(Ok(Ledger(2))));

    for _ in 0..2 {
        assert_eq!(
            (ledger.odd(0), ledger.odd(1), ledger.odd(3)),
            (Ok(None), Ok(Some(Ledger(1))), Err("3".into()))
        );
    }
    assert_eq!(info(Ledger::odd_cache_info()), (2, 4, 2));
}

// ---- Impls with parameters

#[derive(Clone, PartialEq, Eq, Hash)]
struct Of<T>(T);

impl<T: Clone> Of<T> {
    #[lru_cache(accessors = siblings)]
    fn size(n: usize) -> usize {
        n * size_of::<T>()
    }

    #[lru_cache(accessors = none)]
    fn silent(#[key(skip)] &self, n: usize) -> usize {
        n * size_of_val(&self.0)
    }

    #[lru_cache(accessors = none)]
    fn alone(n: usize) -> usize {
        n * size_of::<T>()
    }
}

impl<T: Clone + Eq + std::hash::Hash + Send + Sync + 'static> Of<T> {
    #[lru_cache]
    fn pair(&self, other: &T) -> (T, T) {
        (self.0.clone(), other.clone())
    }

    #[lru_cache(typed = false)]
    fn with<U: functools::Argument>(&self, _other: U) -> &'static str {
        std::any::type_name::<T>()
    }
}

#[test]
fn no_two_parameters_of_an_impl_share() {
    assert_eq!((Of::<u8>::size(1), Of::<u64>::size(1), Of::<u8>::size(1)), (1, 8, 1));
    assert_eq!(info(Of::<()>::size_cache_info()), (1, 2, 2));
    assert_eq!((Of::<u8>::alone(1), Of::<u64>::alone(1)), (1, 8));
    assert_eq!((Of(1_u8).silent(1), Of(1_u64).silent(1), Of(2_u8).silent(1)), (1, 8, 1));
    assert_eq!((Of(1_u8).pair(&2), Of(1_u64).pair(&2), Of(1_u8).pair(&2)), ((1, 2), (1, 2), (1, 2)));
    assert_eq!(info(Of::<u32>::pair_cache_info()), (1, 2, 2));
    assert_eq!(
        (Of("a").pair(&"b"), Of(String::from("a")).pair(&"b".into())),
        (("a", "b"), ("a".into(), "b".into()))
    );
    assert_eq!(info(Of::<u32>::pair_cache_info()), (1, 4, 4));
    // The method's own parameter may share entries between types; the parameter of the impl never does.
    assert_eq!((Of(1_u8).with(1_u8), Of(1_u8).with(1_i64), Of(1_i8).with(1_u8)), ("u8", "u8", "i8"));
    assert_eq!(info(Of::<()>::with_cache_info()), (1, 2, 2));
}

struct Row<'a, const N: usize>(&'a [u8]);

impl<'a, const N: usize> Row<'a, N> {
    #[lru_cache(accessors = siblings)]
    fn width(n: usize) -> usize {
        n * N
    }

    #[lru_cache]
    fn first(#[key(self.0)] &'a self, padding: [u8; N]) -> [u8; N] {
        let mut row = padding;
        row[..self.0.len().min(N)].copy_from_slice(&self.0[..self.0.len().min(N)]);
        row
    }
}

#[test]
fn impls_with_lifetimes_and_const_parameters() {
    assert_eq!((Row::<1>::width(3), Row::<2>::width(3), Row::<1>::width(3)), (3, 6, 3));
    assert_eq!(info(Row::<0>::width_cache_info()), (1, 2, 2));
    for _ in 0..2 {
        let bytes = vec![1, 2, 3];
        assert_eq!(Row::<2>(&bytes).first([0; 2]), [1, 2]);
        assert_eq!(Row::<4>(&bytes).first([0; 4]), [1, 2, 3, 0]);
    }
    assert_eq!(info(Row::<0>::first_cache_info()), (2, 2, 2));
}

#[test]
fn types_of_one_name_in_different_impls_are_different() {
    mod one {
        pub(super) type Id = u32;
    }
    struct Shelf;
    impl Shelf {
        #[lru_cache]
        fn at(#[key(skip)] &self, id: one::Id, path: std::path::PathBuf, maybe: Option<one::Id>) -> one::Id {
            id + maybe.unwrap_or(0) + u32::from(path.is_absolute())
        }
    }
    assert_eq!((Shelf.at(1, "/".into(), Some(2)), Shelf.at(1, "/".into(), Some(2))), (4, 4));
    assert_eq!(info(Shelf::at_cache_info()), (1, 1, 1));
}

// ---- Traits

trait Named {
    const NAME: &'static str;

    #[lru_cache(accessors = siblings)]
    fn of_none(n: u32) -> String {
        format!("{n}")
    }

    #[lru_cache]
    fn static_name(n: u32) -> String {
        format!("{}{n}", Self::NAME)
    }

    #[lru_cache(accessors = none)]
    fn silent_name(n: u32) -> String {
        format!("{}{n}", Self::NAME)
    }

    #[lru_cache(typed = false)]
    fn generic_name<T: functools::Argument>(_x: T) -> String {
        Self::NAME.into()
    }
}

struct A;
struct B<T>(T);

impl Named for A {
    const NAME: &'static str = "a";
}

impl Named for B<u8> {
    const NAME: &'static str = "b8";
}

impl Named for B<u16> {
    const NAME: &'static str = "b16";
}

#[test]
fn implementors_of_a_default_method_never_share() {
    assert_eq!(
        (A::static_name(1), B::<u8>::static_name(1), B::<u16>::static_name(1)),
        ("a1".into(), "b81".into(), "b161".into())
    );
    assert_eq!(
        (A::silent_name(1), B::<u8>::silent_name(1), B::<u16>::silent_name(1)),
        ("a1".into(), "b81".into(), "b161".into())
    );
    assert_eq!(
        (A::generic_name(1), B::<u8>::generic_name(1), A::generic_name(1_u8)),
        ("a".into(), "b8".into(), "a".into())
    );
    assert_eq!((A::of_none(1), B::<u8>::of_none(1), A::of_none(1)), ("1".into(), "1".into(), "1".into()));
    assert_eq!(info(A::static_name_cache_info()), (0, 3, 3));
    assert_eq!(info(B::<u8>::generic_name_cache_info()), (1, 2, 2));
    assert_eq!(info(A::of_none_cache_info()), (1, 2, 2));
    assert!(A::static_name_cache_contains(1) && !A::static_name_cache_contains(2));
    assert_eq!(B::<u8>::static_name_cache_peek(1), Some("b81".into()));
}

trait Sized3<T> {
    fn plain(n: usize) -> usize;
    fn with_self(&self, n: usize) -> usize;
    fn found(&self, n: usize) -> Self::Found
    where
        Self: Finds;
}

trait Finds {
    type Found;
}

impl Finds for Shop {
    type Found = Result<usize, String>;
}

impl<T> Sized3<T> for Shop {
    #[lru_cache(accessors = none)]
    fn plain(n: usize) -> usize {
        n * size_of::<T>()
    }

    #[lru_cache(accessors = none)]
    fn with_self(#[key(skip)] &self, n: usize) -> usize {
        n * size_of::<T>()
    }

    #[lru_cache(accessors = none)]
    fn found(&self, n: usize) -> <Self as Finds>::Found {
        FOUND.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if n == 0 {
            return Err("zero".into());
        }
        Ok(n * size_of::<T>())
    }
}

static FOUND: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

#[test]
fn impls_of_one_generic_trait_for_one_type_never_share() {
    let shop = Shop { factor: 77 };
    assert_eq!((<Shop as Sized3<u8>>::plain(1), <Shop as Sized3<u64>>::plain(1)), (1, 8));
    assert_eq!(
        (<Shop as Sized3<u8>>::with_self(&shop, 1), <Shop as Sized3<u64>>::with_self(&shop, 1)),
        (1, 8)
    );
    for _ in 0..2 {
        assert_eq!(<Shop as Sized3<u64>>::found(&shop, 2), Ok(16));
        assert!(<Shop as Sized3<u64>>::found(&shop, 0).is_err());
    }
    // An `Err` behind an associated type is not cached.
    assert_eq!(FOUND.load(std::sync::atomic::Ordering::SeqCst), 3);
}

trait Area {
    fn area(&self, unit: &str) -> u32;
    fn name(&self) -> String {
        "area".into()
    }
    fn doubled(&self, n: u32) -> u32;
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Square(u32);
#[derive(Clone, PartialEq, Eq, Hash)]
struct Disc(u32);

static AREAS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

macro_rules! area {
    ($shape:ident, $factor:expr) => {
        impl Area for $shape {
            #[lru_cache(accessors = none)]
            fn area(&self, unit: &str) -> u32 {
                AREAS.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                if unit.is_empty() {
                    return 0;
                }
                self.0 * self.0 * $factor
            }

            #[lru_cache(accessors = none, key = |this, n| (this.0, *n))]
            fn doubled(&self, n: u32) -> u32 {
                self.0 * n * $factor
            }
        }
    };
}

area!(Square, 1);
area!(Disc, 3);

#[test]
fn through_a_trait_object() {
    let shapes: [&dyn Area; 3] = [&Square(2), &Disc(2), &Square(3)];
    for _ in 0..2 {
        let areas = shapes.map(|shape| (shape.area("m"), shape.area(""), shape.doubled(2)));
        assert_eq!(areas, [(4, 0, 4), (12, 0, 12), (9, 0, 6)]);
        assert_eq!(shapes[0].name(), "area");
    }
    assert_eq!(AREAS.load(std::sync::atomic::Ordering::SeqCst), 6);
}

trait Described {
    fn letter(&self) -> char;

    #[lru_cache(accessors = none)]
    fn described(&self, n: usize) -> String
    where
        Self: Clone + Eq + std::hash::Hash + Send + Sync + 'static,
    {
        self.letter().to_string().repeat(n)
    }

    #[lru_cache(accessors = none)]
    fn counted(#[key(self.letter())] &self, n: usize) -> String {
        self.letter().to_string().repeat(n)
    }
}

impl Described for Square {
    fn letter(&self) -> char {
        's'
    }
}
impl Described for Disc {
    fn letter(&self) -> char {
        'd'
    }
}

#[test]
fn a_dyn_compatible_trait_with_default_methods() {
    assert_eq!((Square(1).described(2), Disc(1).described(2)), ("ss".into(), "dd".into()));
    let all: [&dyn Described; 2] = [&Square(1), &Disc(1)];
    assert_eq!(all.map(|one| one.counted(2)), ["ss", "dd"]);
}

// ---- Forms of a method

mod visible {
    use functools::lru_cache;

    #[derive(Clone, PartialEq, Eq, Hash)]
    pub(crate) struct Open(pub(crate) u32);

    impl Open {
        #[lru_cache]
        #[expect(unreachable_pub, reason = "the test is about the visibility")]
        pub fn public(&self) -> u32 {
            self.0
        }

        #[lru_cache]
        pub(crate) fn in_crate(&self) -> u32 {
            self.private() + u32::from(Self::private_cache_info().misses == 1)
        }

        #[lru_cache]
        pub(in crate::methods) fn inside(&self) -> u32 {
            self.0
        }

        #[lru_cache]
        fn private(&self) -> u32 {
            self.0
        }
    }
}

#[test]
fn accessors_are_as_visible_as_the_method() {
    use visible::Open;
    assert_eq!((Open(1).public(), Open(1).in_crate(), Open(1).inside()), (1, 2, 1));
    assert_eq!(Open::public_cache_info().misses + Open::in_crate_cache_info().misses, 2);
    assert_eq!(Open::inside_cache_info().misses, 1);
}

macro_rules! shop {
    ($name:ident { $($field:ident: $type:ty => $method:ident($($param:ident: $of:ty),*) -> $result:ty, $with:expr;)* }) => {
        #[derive(Clone, PartialEq, Eq, Hash)]
        struct $name { $($field: $type),* }

        impl $name {
            $(
                #[lru_cache(maxsize = 4)]
                fn $method(&self, $($param: $of),*) -> $result {
                    $with(&self.$field, $($param),*)
                }
            )*
        }
    };
}

shop! {
    Written {
        number: u32 => plus(other: u32) -> u32, |one: &u32, other| one + other;
        text: String => joined(other: &str, self_: Option<&str>) -> Result<String, String>,
            |one: &String, other: &str, more: Option<&str>| more.map(|more| format!("{one}{other}{more}")).ok_or_else(String::new);
    }
}

macro_rules! on_items {
    ($name:ident: $($item:item)*) => {
        impl $name { $( #[lru_cache] $item )* }
    };
}

on_items! {
    Written:
    fn of_item(&self, n: u32) -> u32 { self.number + n }
    fn made_of(n: u32) -> Self { Self { number: n, text: String::new() } }
}

#[test]
fn methods_that_macro_rules_writes() {
    let written = Written { number: 1, text: "a".into() };
    for _ in 0..2 {
        assert_eq!((written.plus(2), written.joined("b", Some("c"))), (3, Ok("abc".into())));
        assert_eq!(written.joined("b", None), Err(String::new()));
        assert_eq!((written.of_item(4), Written::made_of(3).number), (5, 3));
    }
    assert_eq!(
        (info(Written::plus_cache_info()), info(Written::joined_cache_info())),
        ((1, 1, 1), (1, 3, 1))
    );
    assert_eq!(
        (info(Written::of_item_cache_info()), info(Written::made_of_cache_info())),
        ((1, 1, 1), (1, 1, 1))
    );
}

struct Conditional;

impl Conditional {
    #[cfg(all())]
    #[lru_cache]
    fn above(#[key(skip)] &self) -> u32 {
        1
    }

    #[cfg(any())]
    #[lru_cache]
    fn above(#[key(skip)] &self) -> Missing {
        2
    }

    #[lru_cache]
    #[cfg(all())]
    fn below(#[key(skip)] &self) -> u32 {
        1
    }

    #[lru_cache]
    #[cfg(any())]
    fn below(#[key(skip)] &self) -> Missing {
        2
    }

    #[lru_cache(accessors = none)]
    #[cfg(any())]
    fn nowhere(#[key(skip)] &self) -> Missing {
        2
    }

    #[cfg_attr(all(), lru_cache(maxsize = 2))]
    #[cfg_attr(all(), must_use)]
    fn conditional(#[key(skip)] &self, #[allow(unused_variables)] n: u32) -> u32 {
        3
    }
}

#[test]
fn methods_under_conditions() {
    assert_eq!((Conditional.above(), Conditional.below(), Conditional.conditional(1)), (1, 1, 3));
    assert_eq!(Conditional::above_cache_info().misses + Conditional::below_cache_info().misses, 2);
    assert_eq!(Conditional::conditional_cache_parameters().maxsize, Some(2));
}

struct Hidden {
    number: u32,
    _no_key: std::cell::Cell<u32>,
}

impl Hidden {
    #[lru_cache]
    fn skipped(#[key(skip)] &self, n: u32) -> u32 {
        n
    }

    #[lru_cache]
    fn made(#[key((self.number, n % 2))] &self, #[key(skip)] n: u32) -> u32 {
        self.number + n % 2
    }

    #[lru_cache(key = |this, n, text| (this.number, *n, text.len()))]
    fn by_closure(&self, n: u32, text: &str) -> usize {
        self.number as usize + n as usize + text.len()
    }

    #[lru_cache(key = Self::key_of)]
    fn by_path(&self, n: u32) -> u32 {
        self.number + n / 10
    }

    fn key_of(&self, n: &u32) -> (u32, u32) {
        (self.number, n / 10)
    }
}

#[test]
fn keys_of_a_part_of_self() {
    let new = |number| Hidden { number, _no_key: std::cell::Cell::new(0) };
    assert_eq!((new(1).skipped(1), new(2).skipped(1)), (1, 1));
    assert_eq!((new(1).made(1), new(1).made(3), new(2).made(3), new(1).made(2)), (2, 2, 3, 1));
    assert_eq!((new(1).by_closure(1, "a"), new(1).by_closure(1, "b"), new(2).by_closure(1, "a")), (3, 3, 4));
    assert_eq!((new(1).by_path(11), new(1).by_path(12), new(1).by_path(20)), (2, 2, 3));
    assert_eq!(info(Hidden::skipped_cache_info()), (1, 1, 1));
    assert_eq!(info(Hidden::made_cache_info()), (1, 3, 3));
    assert_eq!(info(Hidden::by_closure_cache_info()), (1, 2, 2));
    assert_eq!(info(Hidden::by_path_cache_info()), (1, 2, 2));
    assert!(new(1).by_path_cache_contains(19) && new(1).by_closure_cache_invalidate(1, "x"));
}

#[test]
fn patterns_of_methods() {
    struct Patterns;
    impl Patterns {
        #[lru_cache]
        fn parts(
            #[key(skip)] &self,
            (a, b): (u32, &str),
            [c, ..]: [u8; 2],
            _: u8,
            mut n: u32,
        ) -> (u32, Option<Self>) {
            n += a + u32::from(c) + u32::try_from(b.len()).unwrap();
            (n, None)
        }

        #[lru_cache(accessors = none)]
        fn silent(#[key(skip)] &self, (a, b): (u32, &str), [c, ..]: [u8; 2], _: u8, mut n: u32) -> u32 {
            n += a + u32::from(c) + u32::try_from(b.len()).unwrap();
            n
        }
    }
    impl Clone for Patterns {
        fn clone(&self) -> Self {
            Self
        }
    }
    for _ in 0..2 {
        assert_eq!(Patterns.parts((1, "ab"), [3, 4], 5, 6).0, 12);
        assert_eq!(Patterns.silent((1, "ab"), [3, 4], 5, 6), 12);
    }
    assert_eq!(info(Patterns::parts_cache_info()), (1, 1, 1));
}

mod decorated {
    use std::cell::RefCell;

    use decorators::note;
    use functools::lru_cache;

    thread_local!(pub(super) static NOTED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) });

    fn noted(name: &'static str) {
        NOTED.with_borrow_mut(|names| names.push(name));
    }

    pub(super) struct Counter;

    impl Counter {
        #[lru_cache]
        #[note]
        pub(super) fn below(#[key(skip)] &self, n: u32) -> u32 {
            n + 1
        }

        #[note]
        #[lru_cache]
        pub(super) fn above(#[key(skip)] &self, n: u32) -> u32 {
            n + 1
        }
    }
}

#[test]
fn decorators_of_methods_run_on_misses() {
    use decorated::{Counter, NOTED};
    assert_eq!((Counter.below(1), Counter.below(1), Counter.below_wrapped(1)), (2, 2, 2));
    assert_eq!(NOTED.take().len(), 2);
    assert_eq!((Counter.above(1), Counter.above(1), Counter.above(2)), (2, 2, 3));
    assert_eq!(NOTED.take(), ["above", "above"]);
}
