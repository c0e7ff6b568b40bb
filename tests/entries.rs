//! `cache_entries`: copies of the entries of a function.

// Calls made for their effect on a cache are grouped in tuples.
#![allow(clippy::unnecessary_operation)]

use std::sync::LazyLock;
use std::time::Duration;

use functools::{CacheEntry, Clock, LruCache, ManualClock, cache, lru_cache};

#[lru_cache]
fn parse(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| text.to_owned())
}

#[test]
fn one_argument_is_listed_by_itself_and_of_a_result_the_ok() {
    assert!(parse("x").is_err());
    for text in ["2", "3", "2"] {
        parse(text).unwrap();
    }
    let before = parse::cache_info();
    let entries: Vec<CacheEntry<String, u32>> = parse::cache_entries();
    assert_eq!(parse::cache_info(), before);
    let listed: Vec<_> = entries.iter().map(|entry| (entry.arguments().as_str(), *entry.result())).collect();
    assert_eq!(listed, [("3", 3), ("2", 2)]); // least recently used first
    assert_eq!(entries[0].age(), None);
    assert_eq!(entries[0].clone().into_parts(), ("3".to_owned(), 3));
}

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[lru_cache(ttl = Duration::from_secs(60), timer = || CLOCK.now())]
fn price(symbol: &str, amounts: &[u64]) -> Option<u64> {
    amounts.first().map(|amount| amount * symbol.len() as u64)
}

#[test]
fn entry_has_its_age_and_expired_ones_are_not_listed() {
    price("abc", &[2]);
    CLOCK.advance(Duration::from_secs(50));
    price("de", &[]);
    let entries = price::cache_entries();
    let ages: Vec<_> = entries.iter().map(|entry| (entry.arguments().0.as_str(), entry.age())).collect();
    assert_eq!(ages, [("abc", Some(Duration::from_secs(50))), ("de", Some(Duration::ZERO))]);
    assert_eq!((entries[0].result(), entries[1].result()), (&Some(6), &None));
    assert_eq!(entries[0].arguments(), &("abc".to_owned(), vec![2]));
    CLOCK.advance(Duration::from_secs(10));
    assert_eq!(price::cache_entries().len(), 1);
}

#[lru_cache(ttl = 60, timer = || 7_u64)]
fn ticks(n: u64) -> u64 {
    n
}

#[cache]
fn nothing() -> u8 {
    1
}

#[lru_cache(shards = 4)]
fn sharded(n: u64) -> u64 {
    n + 1
}

#[lru_cache(scope = thread, cache_errors = true)]
fn of_a_thread(n: u64) -> Result<u64, String> {
    if n == 0 { Err("zero".to_owned()) } else { Ok(n) }
}

#[lru_cache]
#[expect(clippy::unused_async, reason = "the test is about an async function")]
async fn later(name: &str) -> usize {
    name.len()
}

#[test]
fn every_kind_of_cache_is_listed() {
    ticks(1);
    assert_eq!(ticks::cache_entries()[0].age(), None); // in no known unit
    assert_eq!(nothing::cache_entries(), []);
    nothing();
    assert_eq!(nothing::cache_entries()[0].arguments(), &());
    for n in 1..4 {
        sharded(n);
    }
    let mut listed: Vec<_> = sharded::cache_entries().into_iter().map(CacheEntry::into_parts).collect();
    listed.sort_unstable();
    assert_eq!(listed, [(1, 2), (2, 3), (3, 4)]);
    assert!(of_a_thread(0).is_err());
    assert_eq!(of_a_thread::cache_entries()[0].result(), &Err("zero".to_owned()));
    drop(later("Ada")); // not awaited
    later::cache_put("Ada", 3);
    assert_eq!(later::cache_entries()[0].arguments(), "Ada");
}

struct Shop;

impl Shop {
    #[lru_cache]
    fn rate(#[key(skip)] &self, currency: &str, date: usize) -> usize {
        date + currency.len()
    }
}

#[test]
fn methods_have_entries() {
    Shop.rate("EUR", 1);
    let entries = Shop::rate_cache_entries();
    assert_eq!(entries[0].arguments(), &("EUR".to_owned(), 1));
}

#[test]
fn object_has_entries() {
    let clock = ManualClock::new();
    let cache = LruCache::builder_with(clock.clone()).build();
    cache.insert("a", 1);
    clock.advance(Duration::from_secs(1));
    cache.insert("b", 2);
    let ages: Vec<_> = cache.entries().iter().map(CacheEntry::age).collect();
    assert_eq!(ages, [Some(Duration::from_secs(1)), Some(Duration::ZERO)]);
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Point {
    x: i32,
}

#[derive(Clone, Debug, PartialEq)]
struct Route<'a>(std::borrow::Cow<'a, str>);

#[lru_cache]
fn route(from: &Point, via: std::borrow::Cow<'_, str>) -> Route<'static> {
    Route(format!("{} {via}", from.x).into())
}

#[test]
fn entries_may_be_of_any_type() {
    route(&Point { x: 1 }, "a".into());
    let entries = route::cache_entries();
    assert_eq!(entries[0].arguments(), &(Point { x: 1 }, "a".into()));
    assert_eq!(entries[0].result(), &Route("1 a".into()));
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Account<T> {
    id: T,
}

impl<T: Clone + Eq + std::hash::Hash + Send + Sync + std::fmt::Debug + 'static> Account<T> {
    #[lru_cache]
    fn fee(&self, days: u32) -> u32 {
        days * 2
    }

    #[lru_cache(ttl = 60)]
    fn copy(&self) -> Self {
        self.clone()
    }
}

#[test]
fn entries_of_a_method_have_self() {
    let (one, two) = (Account { id: 1_u8 }, Account { id: 2_u8 });
    let other = Account { id: "x" };
    for account in [&one, &two] {
        account.fee(10);
        account.fee(20);
    }
    other.fee(10);
    let entries = Account::<u8>::fee_cache_entries();
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[0].arguments(), &(one.clone(), 10));
    assert_eq!(Account::<&str>::fee_cache_entries().len(), 1);

    Account::<u8>::fee_cache_retain(|(account, days), fee| account.id == 2 && *days == 10 && *fee == 20);
    assert!(two.fee_cache_contains_of(10));
    assert_eq!(Account::<u8>::fee_cache_entries().len(), 1);
    assert_eq!(Account::<&str>::fee_cache_entries().len(), 1); // another instance

    one.copy();
    assert_eq!(Account::<u8>::copy_cache_entries()[0].result(), &one);
    Account::<u8>::copy_cache_retain(|account, copy| account != copy);
    assert_eq!(Account::<u8>::copy_cache_info().currsize, 0);
}

impl Account<u8> {
    fn fee_cache_contains_of(&self, days: u32) -> bool {
        Self::fee_cache_contains(self, days)
    }
}

#[lru_cache(key = |user: &Point, page: &u32| (user.x, *page))]
fn made(user: &Point, page: u32) -> u64 {
    u64::from(page) + u64::from(user.x.unsigned_abs())
}

#[lru_cache]
fn part_made(#[key(user.x)] user: &Point, page: u32) -> u32 {
    let _ = user;
    page
}

#[test]
fn the_type_of_a_made_key_is_named_by_the_test() {
    let user = Point { x: 5 };
    (made(&user, 1), made(&user, 2));
    let entries = made::cache_entries::<(i32, u32)>();
    assert_eq!(entries[1].arguments(), &(5, 2));
    made::cache_retain(|key: &(i32, u32), total| *key != (5, 1) || *total != 6);
    assert_eq!(made::cache_info().currsize, 1);
    made::cache_retain(|_: &String, _| false); // no key is a `String`
    assert_eq!(made::cache_info().currsize, 1);

    (part_made(&user, 1), part_made(&user, 2));
    part_made::cache_retain(|(x, page): (&i32, &u32), _| (*x, *page) == (5, 2));
    let entries: Vec<CacheEntry<(i32, u32), u32>> = part_made::cache_entries();
    assert_eq!(entries[0].arguments(), &(5, 2));
}

#[lru_cache(typed = true)]
fn debug<T: std::fmt::Debug + functools::Argument + Send + Sync + 'static>(value: T, width: usize) -> String {
    format!("{value:width$?}")
}

#[lru_cache(typed = false)]
fn half<T: Into<f64> + functools::Argument>(value: T) -> f64 {
    value.into() / 2.0
}

#[lru_cache(typed = true)]
fn parse_as<T: std::str::FromStr + Clone + Send + Sync + 'static>(text: &str) -> Option<T> {
    text.parse().ok()
}

#[test]
fn entries_of_an_instance_of_a_generic_function_are_listed() {
    (debug(7_u8, 3), debug(7_u16, 4), debug(vec![1_u8], 0));
    let of_u8 = debug::cache_entries::<u8>();
    assert_eq!(of_u8.len(), 1);
    assert_eq!((of_u8[0].arguments(), of_u8[0].result()), (&(7, 3), &"  7".to_owned()));
    debug::cache_retain::<u8, _>(|(value, _), _| *value != 7);
    assert_eq!(debug::cache_info().currsize, 2);
    assert_eq!(debug::cache_entries::<Vec<u8>>()[0].arguments().0, [1]);

    (half(3_u8), half(0.5_f64));
    assert_eq!(half::cache_entries::<f64>().len(), 2); // numbers of all types share entries
    assert_eq!(half::cache_entries::<u32>()[0].clone().into_parts(), (3, 1.5));
    half::cache_retain(|value: &f64, _| *value < 1.0);
    assert_eq!(half::cache_info().currsize, 1);

    (parse_as::<u8>("3"), parse_as::<u16>("4"));
    let entries = parse_as::cache_entries::<u8, Option<u8>>();
    assert_eq!((entries.len(), entries[0].clone().into_parts()), (1, ("3".to_owned(), Some(3))));
    parse_as::cache_retain::<u16, Option<u16>, _>(|text, value| text != "4" || value.is_none());
    assert_eq!(parse_as::cache_info().currsize, 1);
}

trait Priced: Clone + Eq + std::hash::Hash + Send + Sync + 'static {
    #[lru_cache(accessors = siblings)]
    fn price(&self, amount: u32) -> u32 {
        let _ = self;
        amount * 3
    }
}

impl Priced for Point {}
impl Priced for u8 {}

#[test]
fn entries_of_a_method_of_a_trait_are_listed_by_type() {
    (Point { x: 1 }.price(2), 7_u8.price(3));
    assert_eq!(Point::price_cache_entries()[0].arguments(), &(Point { x: 1 }, 2));
    u8::price_cache_retain(|(number, amount), price| (*number, *amount, *price) != (7, 3, 9));
    assert_eq!(u8::price_cache_entries(), []);
    assert_eq!(Point::price_cache_entries().len(), 1);
}

#[lru_cache(shards = 2, typed = true)]
fn joined<T: functools::Argument + ToString + Send + Sync>(items: &[T], end: Option<T>) -> usize {
    items.len() + end.map_or(0, |end| end.to_string().len())
}

#[lru_cache(scope = thread)]
fn pair<const N: usize>(values: [u8; N], pair: (u16, [u8; N])) -> [u8; N] {
    let _ = pair;
    values
}

#[test]
fn borrowed_and_nested_arguments_with_parameters_are_listed_in_their_owned_form() {
    (joined(&[1_u8, 2], Some(3)), joined(&[1_u16], None));
    let entries = joined::cache_entries::<u8, Vec<u8>>();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].clone().into_parts(), ((vec![1, 2], Some(3)), 3));
    joined::cache_retain::<u16, _, _>(|(items, end): (&Vec<u16>, &Option<u16>), _| {
        items.len() > 1 || end.is_some()
    });
    assert_eq!(joined::cache_info().currsize, 1);

    (pair([1], (7, [2])), pair([1, 2], (7, [3, 4])));
    let entries = pair::cache_entries::<2, [u8; 2]>();
    assert_eq!(entries[0].clone().into_parts(), (([1, 2], (7, [3, 4])), [1, 2]));
    assert_eq!(entries.len(), 1);
}

#[lru_cache(key = |text: &str| text.to_lowercase(), cache_errors = true)]
#[expect(clippy::unused_async, reason = "the test is about an async function")]
async fn folded(text: &str) -> Result<usize, String> {
    if text.is_empty() { Err("empty".to_owned()) } else { Ok(text.len()) }
}

#[test]
fn entries_of_an_async_function_with_a_made_key() {
    drop(folded("Ab")); // not awaited
    folded::cache_put("Ab", Ok(2));
    folded::cache_put("", Err("empty".to_owned()));
    let entries = folded::cache_entries::<String>();
    assert_eq!(entries[0].arguments(), "ab");
    assert_eq!(entries[1].result(), &Err("empty".to_owned()));
    folded::cache_retain(|_: &String, result| result.is_ok());
    assert_eq!(folded::cache_info().currsize, 1);
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key1(u8);

#[lru_cache(typed = true)]
fn taken<KeepIf: functools::Argument + Copy + Send + Sync + 'static>(
    new_result: KeepIf,
    keep_if: u8,
) -> (u8, Key1) {
    let _ = new_result;
    (keep_if, Key1(keep_if))
}

#[lru_cache]
fn made_beside(#[key(number + 1)] number: u8, key: Key1) -> u8 {
    number + key.0
}

#[test]
fn names_that_the_accessors_choose_may_be_taken() {
    taken::cache_put('x', 3, (4, Key1(4)));
    assert_eq!(taken('x', 3), (4, Key1(4)));
    taken::cache_retain(|(one, other): (&char, &u8), result| (*one, *other, result.0) != ('x', 3, 4));
    assert_eq!(taken::cache_info().currsize, 0);
    made_beside(1, Key1(2));
    assert_eq!(made_beside::cache_entries::<u8>()[0].arguments(), &(2, Key1(2)));
    made_beside::cache_retain(|(number, key): (&u8, &Key1), _| *number != 2 || key.0 != 2);
    assert_eq!(made_beside::cache_info().currsize, 0);
}
