//! Which results are stored.

use std::collections::HashMap;
use std::panic::catch_unwind;

use functools::{WrongLength, lru_cache};

use crate::support::Asked;

#[test]
fn an_error_of_the_whole_stores_nothing() {
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids)]
    fn users(ids: &[u32]) -> Result<HashMap<u32, u32>, String> {
        ASKED.add(ids.to_vec());
        if ids.contains(&500) {
            Err("offline".to_owned())
        } else {
            Ok(ids.iter().map(|&id| (id, id)).collect())
        }
    }

    assert_eq!(users(&[1]), Ok(HashMap::from([(1, 1)])));
    assert_eq!(users(&[1, 2, 500]), Err("offline".to_owned()));
    assert_eq!(users(&[2, 1]), Ok(HashMap::from([(1, 1), (2, 2)])));
    assert_eq!(ASKED.take(), [vec![1], vec![2, 500], vec![2]]);
    assert_eq!((users::cache_info().hits, users::cache_info().misses), (2, 4));
    assert_eq!(users::cache_stats().errors, 1);
}

#[test]
fn an_error_of_one_element_is_not_stored() {
    static ASKED: Asked<Vec<i32>> = Asked::new();

    #[lru_cache(each = numbers)]
    fn roots(numbers: &[i32]) -> Vec<Result<u32, String>> {
        ASKED.add(numbers.to_vec());
        numbers.iter().map(|&n| u32::try_from(n).map_err(|error| error.to_string())).collect()
    }

    let results = roots(&[1, -1, 2]);
    assert!(matches!(results[..], [Ok(1), Err(_), Ok(2)]));
    assert!(matches!(roots(&[-1, 2])[..], [Err(_), Ok(2)]));
    assert_eq!(ASKED.take(), [vec![1, -1, 2], vec![-1]]);

    #[lru_cache(each = numbers, cache_errors = true)]
    fn kept(numbers: &[i32]) -> Vec<Result<u32, String>> {
        ASKED.add(numbers.to_vec());
        numbers.iter().map(|&n| u32::try_from(n).map_err(|error| error.to_string())).collect()
    }

    assert_eq!(kept(&[-1]), kept(&[-1]));
    assert_eq!(ASKED.take(), [[-1]]);
}

#[test]
fn absent_elements_can_be_forgotten() {
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, cache_none = false)]
    fn users(ids: &[u32]) -> HashMap<u32, u32> {
        ASKED.add(ids.to_vec());
        ids.iter().filter(|id| **id != 13).map(|&id| (id, id)).collect()
    }

    assert_eq!(users(&[1, 13]), HashMap::from([(1, 1)]));
    assert_eq!(users(&[1, 13]), HashMap::from([(1, 1)]));
    assert_eq!(ASKED.take(), [vec![1, 13], vec![13]]);

    #[lru_cache(each = ids, cache_none = false)]
    fn names(ids: &[u32]) -> Vec<Option<u32>> {
        ASKED.add(ids.to_vec());
        ids.iter().map(|&id| (id != 13).then_some(id)).collect()
    }

    assert_eq!(names(&[13, 1]), [None, Some(1)]);
    assert_eq!(names(&[13, 1]), [None, Some(1)]);
    assert_eq!(ASKED.take(), [vec![13, 1], vec![13]]);
}

#[derive(Debug, PartialEq)]
enum Failed {
    Length(WrongLength),
}

impl From<WrongLength> for Failed {
    fn from(wrong: WrongLength) -> Self {
        Self::Length(wrong)
    }
}

#[test]
fn a_wrong_length_is_an_error_where_it_can_be_one() {
    #[lru_cache(each = ids)]
    fn converted(ids: &[u32]) -> Result<Vec<u32>, Failed> {
        Ok(ids[1..].to_vec())
    }
    let Err(Failed::Length(wrong)) = converted(&[1, 2, 3]) else { panic!("the length is wrong") };
    assert_eq!((wrong.expected, wrong.returned), (3, 2));
    assert_eq!(wrong.to_string(), "the function returned 2 results for 3 elements");
    assert_eq!((converted::cache_info().currsize, converted::cache_stats().errors), (0, 1));

    #[lru_cache(each = ids, single_flight = true)]
    fn shared(ids: &[u32]) -> Result<Vec<u32>, Failed> {
        Ok(ids[1..].to_vec())
    }
    assert!(shared(&[1, 2, 3]).is_err());
    assert_eq!((shared::cache_info().currsize, shared::cache_stats().errors), (0, 1));

    #[lru_cache(each = ids)]
    fn boxed(ids: &[u32]) -> Result<Vec<u32>, Box<dyn std::error::Error + Send + Sync>> {
        Ok([ids, ids].concat())
    }
    assert!(boxed(&[1]).unwrap_err().is::<WrongLength>());

    #[lru_cache(each = ids)]
    fn panics(ids: &[u32]) -> Result<Vec<u32>, String> {
        Ok(ids[1..].to_vec())
    }
    let message = catch_unwind(|| panics(&[1])).unwrap_err();
    assert_eq!(*message.downcast::<String>().unwrap(), "the function returned 0 results for 1 elements");

    #[lru_cache(each = ids)]
    fn plain(ids: &[u32]) -> Vec<u32> {
        ids[1..].to_vec()
    }
    assert!(catch_unwind(|| plain(&[1])).is_err());
    assert_eq!((plain::cache_info().misses, plain::cache_info().currsize), (1, 0));
}

#[test]
fn a_panic_stores_nothing_and_the_next_call_computes() {
    #[lru_cache(each = ids)]
    fn fails(ids: &[u32]) -> Vec<u32> {
        assert!(!ids.contains(&2), "two");
        ids.to_vec()
    }
    assert_eq!(fails(&[1]), [1]);
    assert!(catch_unwind(|| fails(&[1, 2, 3])).is_err());
    assert_eq!(fails(&[3, 1]), [3, 1]);
    assert_eq!((fails::cache_info().hits, fails::cache_info().misses), (2, 4));
}
