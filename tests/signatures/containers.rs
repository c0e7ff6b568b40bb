//! Arguments in the standard library's containers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, LinkedList, VecDeque};
use std::num::Wrapping;
use std::ops::{Bound, Range, RangeInclusive};
use std::rc::Rc;

use functools::{Argument, LruCache, lru_cache};

use crate::support::counts;

#[test]
fn containers_may_hold_floats_and_borrows() {
    #[lru_cache]
    fn total(prices: &BTreeMap<&str, f64>, names: BTreeSet<String>, queue: &VecDeque<Option<f32>>) -> usize {
        prices.len() + names.len() + queue.len()
    }
    #[lru_cache]
    fn within(range: Range<f64>, inclusive: RangeInclusive<f32>, bounds: (Bound<f64>, Bound<f64>)) -> usize {
        usize::from(range.contains(&0.5))
            + usize::from(inclusive.contains(&0.5))
            + usize::from(bounds.0 == bounds.1)
    }
    #[lru_cache]
    fn wrapped(number: Wrapping<f64>, reverse: Reverse<&str>, list: LinkedList<&str>) -> usize {
        number.0 as usize + reverse.0.len() + list.len()
    }
    let name = "a".to_owned();
    let prices = || BTreeMap::from([(&*name, f64::NAN)]);
    for _ in 0..2 {
        assert_eq!(total(&prices(), BTreeSet::from(["x".into()]), &VecDeque::from([Some(1.0)])), 3);
        assert_eq!(within(0.0..1.0, 0.0..=1.0, (Bound::Unbounded, Bound::Included(1.0))), 2);
        assert_eq!(wrapped(Wrapping(1.0), Reverse(&name), LinkedList::from(["x"])), 3);
    }
    for info in [total::cache_info(), within::cache_info(), wrapped::cache_info()] {
        assert_eq!(counts(info), (1, 1, 1));
    }
    total::cache_retain(|(prices, names, _), _| prices.contains_key("a") && names.contains("x"));
    assert_eq!(total::cache_info().currsize, 1);
}

#[test]
fn containers_are_arguments_of_any_depth() {
    #[derive(Argument, Clone)]
    struct Basket<'a> {
        prices: BTreeMap<&'a str, Vec<f64>>,
        range: Option<Range<f64>>,
    }
    #[lru_cache(typed = false)]
    fn len<A: Argument>(argument: &A, basket: &Basket<'_>) -> usize {
        let _ = argument;
        basket.prices.len() + usize::from(basket.range.is_some())
    }
    let basket = Basket { prices: BTreeMap::from([("a", vec![1.0])]), range: Some(0.0..1.0) };
    assert_eq!((len(&VecDeque::from(["x"]), &basket), len(&VecDeque::from(["x"]), &basket.clone())), (2, 2));
    assert_eq!(counts(len::cache_info()), (1, 1, 1));
}

#[test]
fn an_rc_may_hold_floats_in_one_thread() {
    #[lru_cache(scope = thread)]
    fn sum(numbers: Rc<[f64]>, factor: &Rc<f64>) -> f64 {
        numbers.iter().sum::<f64>() * **factor
    }
    #[lru_cache(cache = memo)]
    fn in_object(numbers: Rc<Vec<f64>>, memo: &LruCache<Rc<Vec<f64>>, f64>) -> f64 {
        numbers.iter().sum::<f64>() + memo.len() as f64
    }
    let numbers = Rc::<[f64]>::from([1.0, 2.0]);
    assert_eq!((sum(numbers.clone(), &Rc::new(2.0)), sum(Rc::from([1.0, 2.0]), &Rc::new(2.0))), (6.0, 6.0));
    assert_eq!((counts(sum::cache_info()), Rc::strong_count(&numbers)), ((1, 1, 1), 2));
    let memo = LruCache::new(None);
    assert_eq!((in_object(Rc::new(vec![1.0]), &memo), in_object(Rc::new(vec![1.0]), &memo)), (1.0, 1.0));
}

#[test]
fn objects_keep_their_own_keys() {
    #[lru_cache(cache = memo)]
    fn same(map: BTreeMap<String, u32>, memo: &LruCache<BTreeMap<String, u32>, u32>) -> u32 {
        map["a"]
    }
    #[lru_cache(cache = memo)]
    fn range(range: Range<u32>, memo: &LruCache<Range<u32>, u32>) -> u32 {
        range.end
    }
    #[lru_cache(cache = memo)]
    fn inclusive(range: RangeInclusive<u32>, memo: &LruCache<RangeInclusive<u32>, u32>) -> u32 {
        *range.end()
    }
    #[lru_cache(cache = memo)]
    fn text(text: Rc<str>, memo: &LruCache<Rc<str>, usize>) -> usize {
        text.len()
    }
    assert_eq!(same(BTreeMap::from([("a".into(), 1)]), &LruCache::new(None)), 1);
    assert_eq!((range(1..3, &LruCache::new(None)), inclusive(1..=3, &LruCache::new(None))), (3, 3));
    assert_eq!(text("ab".into(), &LruCache::new(None)), 2);
}
