//! Arguments and return types.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::Hash;

use functools::{CacheInfo, lru_cache};

use crate::support::Asked;

#[derive(Clone, Debug, PartialEq)]
struct User(u32);

#[test]
fn a_slice_of_ids_becomes_a_map_of_users() {
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids)]
    fn users(ids: &[u32]) -> HashMap<u32, User> {
        ASKED.add(ids.to_vec());
        // 13 is nobody, and 999 was not asked for.
        let known = ids.iter().filter(|&&id| id != 13);
        known.map(|&id| (id, User(id))).chain([(999, User(0))]).collect()
    }

    assert_eq!(users(&[]), HashMap::new());
    let expected = |ids: &[u32]| ids.iter().map(|&id| (id, User(id))).collect::<HashMap<_, _>>();
    assert_eq!(users(&[1, 2, 13]), expected(&[1, 2]));
    assert_eq!(users(&[2, 13, 3, 1, 3]), expected(&[1, 2, 3]));
    assert_eq!(users(&[13, 3]), expected(&[3]));
    assert_eq!(
        ASKED.take(),
        [vec![1, 2, 13], vec![3]],
        "an absent one is remembered, one that was not asked for is not"
    );
    let info = users::cache_info();
    assert_eq!((info.hits, info.misses, info.currsize), (3 + 1 + 2, 4, 4));
}

#[test]
fn a_vec_has_the_order_and_the_duplicates_of_the_caller() {
    static ASKED: Asked<Vec<String>> = Asked::new();

    #[lru_cache(each = paths, maxsize = None)]
    fn sizes(paths: &[String]) -> Vec<usize> {
        ASKED.add(paths.to_vec());
        paths.iter().map(String::len).collect()
    }

    let paths = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect::<Vec<String>>();
    assert_eq!(sizes(&paths(&["a", "ccc", "a"])), [1, 3, 1]);
    assert_eq!(sizes(&paths(&["bb", "ccc", "bb", "dddd", "a"])), [2, 3, 2, 4, 1]);
    assert_eq!(ASKED.take(), [paths(&["a", "ccc"]), paths(&["bb", "dddd"])]);
    assert_eq!(
        sizes::cache_info(),
        CacheInfo { hits: 1 + 3, misses: 4, currsize: 4, ..CacheInfo::default() }
    );
}

#[test]
fn other_parameters_are_part_of_each_key_unless_they_are_skipped() {
    static ASKED: Asked<(String, Vec<u64>)> = Asked::new();
    struct Db;

    #[lru_cache(each = ids)]
    fn names(#[key(skip)] _db: &Db, language: &str, ids: Vec<u64>) -> Vec<Option<String>> {
        ASKED.add((language.to_owned(), ids.clone()));
        ids.into_iter().map(|id| (id % 2 == 0).then(|| format!("{language}{id}"))).collect()
    }

    assert_eq!(names(&Db, "de", vec![1, 2]), [None, Some("de2".to_owned())]);
    assert_eq!(names(&Db, "en", vec![2, 1]), [Some("en2".to_owned()), None]);
    assert_eq!(names(&Db, "de", vec![2, 4]), [Some("de2".to_owned()), Some("de4".to_owned())]);
    let asked = [("de", vec![1, 2]), ("en", vec![2, 1]), ("de", vec![4])];
    assert_eq!(ASKED.take(), asked.map(|(language, ids)| (language.to_owned(), ids)));
    assert_eq!(names::cache_peek("de", 1), Some(None));
}

/// Each kind of argument, with the same calls.
#[test]
fn all_kinds_of_collections_are_arguments() {
    static ASKED: Asked<usize> = Asked::new();
    let asked = |count: usize| {
        assert_eq!(ASKED.take(), [count]);
    };

    #[lru_cache(each = ids)]
    fn of_vec(ids: Vec<u32>) -> Vec<u32> {
        ASKED.add(ids.len());
        ids.iter().map(|id| id * 2).collect()
    }
    assert_eq!(of_vec(vec![1, 2]), [2, 4]);
    asked(2);
    assert_eq!(of_vec(vec![3, 2, 1]), [6, 4, 2]);
    asked(1);

    #[lru_cache(each = ids)]
    fn of_vec_reference(ids: &Vec<u32>) -> Vec<u32> {
        ASKED.add(ids.len());
        ids.iter().map(|id| id * 2).collect()
    }
    assert_eq!(of_vec_reference(&vec![1, 2]), [2, 4]);
    asked(2);
    assert_eq!(of_vec_reference(&vec![3, 2, 1]), [6, 4, 2]);
    asked(1);

    #[lru_cache(each = ids)]
    fn of_deque(ids: VecDeque<u32>) -> Vec<u32> {
        ASKED.add(ids.len());
        ids.iter().map(|id| id * 2).collect()
    }
    assert_eq!(of_deque(VecDeque::from([1, 2])), [2, 4]);
    asked(2);
    assert_eq!(of_deque(VecDeque::from([3, 2, 1])), [6, 4, 2]);
    asked(1);

    #[lru_cache(each = ids)]
    fn of_tree_set(ids: &BTreeSet<u32>) -> Vec<u32> {
        ASKED.add(ids.len());
        ids.iter().map(|id| id * 2).collect()
    }
    assert_eq!(of_tree_set(&BTreeSet::from([2, 1])), [2, 4]);
    asked(2);
    assert_eq!(of_tree_set(&BTreeSet::from([3, 2, 1])), [2, 4, 6]);
    asked(1);

    #[lru_cache(each = ids)]
    fn of_set(ids: HashSet<u32>) -> BTreeMap<u32, u32> {
        ASKED.add(ids.len());
        ids.into_iter().map(|id| (id, id * 2)).collect()
    }
    assert_eq!(of_set(HashSet::from([1, 2])), BTreeMap::from([(1, 2), (2, 4)]));
    asked(2);
    assert_eq!(of_set(HashSet::from([3, 2, 1])), BTreeMap::from([(1, 2), (2, 4), (3, 6)]));
    asked(1);

    #[lru_cache(each = ids)]
    fn of_set_reference(ids: &HashSet<u32>) -> HashMap<u32, u32> {
        ASKED.add(ids.len());
        ids.iter().map(|&id| (id, id * 2)).collect()
    }
    assert_eq!(of_set_reference(&HashSet::from([1, 2])), HashMap::from([(1, 2), (2, 4)]));
    asked(2);
    assert_eq!(of_set_reference(&HashSet::from([2, 1])), HashMap::from([(1, 2), (2, 4)]));
    assert!(ASKED.take().is_empty());
}

#[test]
fn texts_by_reference_are_the_strings_of_a_map() {
    static ASKED: Asked<Vec<String>> = Asked::new();

    #[lru_cache(each = names)]
    fn lengths(names: &[&str]) -> HashMap<String, usize> {
        ASKED.add(names.iter().map(|&name| name.to_owned()).collect());
        names.iter().map(|&name| (name.to_owned(), name.len())).collect()
    }

    let one = |name: &str, length| HashMap::from([(name.to_owned(), length)]);
    assert_eq!(lengths(&["abc"]), one("abc", 3));
    let name = String::from("abc");
    assert_eq!(lengths(&[&name]), one("abc", 3));
    assert_eq!(ASKED.take(), [["abc"]]);
    assert_eq!(lengths::cache_peek("abc"), Some(Some(3)));
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop {
    id: u32,
}

impl Shop {
    #[lru_cache(each = ids)]
    fn prices(&self, ids: &[u32]) -> HashMap<u32, u32> {
        ids.iter().map(|&id| (id, id * self.id)).collect()
    }
}

#[test]
fn a_method_has_an_entry_for_each_object_and_element() {
    let (one, ten) = (Shop { id: 1 }, Shop { id: 10 });
    assert_eq!(one.prices(&[1, 2]), HashMap::from([(1, 1), (2, 2)]));
    assert_eq!(ten.prices(&[2]), HashMap::from([(2, 20)]));
    assert_eq!(ten.prices(&[2]), HashMap::from([(2, 20)]));
    let info = Shop::prices_cache_info();
    assert_eq!((info.hits, info.misses), (1, 3));
    assert!(Shop::prices_cache_invalidate(&ten, 2) && !Shop::prices_cache_invalidate(&ten, 1));
}

#[test]
fn elements_may_be_of_a_type_parameter() {
    static ASKED: Asked<usize> = Asked::new();

    #[lru_cache(each = elements, typed = true)]
    fn hashes<K: Hash + Eq + Clone + Send + Sync + 'static>(elements: &[K]) -> HashMap<K, u32> {
        ASKED.add(elements.len());
        elements.iter().map(|element| (element.clone(), 7)).collect()
    }

    assert_eq!(hashes(&[1_u8, 2]), HashMap::from([(1, 7), (2, 7)]));
    assert_eq!(hashes(&[1_i64]), HashMap::from([(1, 7)]));
    assert_eq!(hashes(&["a", "b"]).len(), 2);
    assert_eq!(hashes(&[2_u8, 3]).len(), 2);
    assert_eq!(ASKED.take(), [2, 1, 2, 1]);
}

#[test]
fn ten_thousand_elements_are_within_maxsize() {
    #[lru_cache(each = ids, maxsize = 1000)]
    fn doubled(ids: &[u32]) -> Vec<u32> {
        ids.iter().map(|id| id * 2).collect()
    }

    let ids: Vec<u32> = (0..10_000).collect();
    let expected: Vec<u32> = ids.iter().map(|id| id * 2).collect();
    assert_eq!(doubled(&ids), expected);
    assert_eq!(doubled(&ids[9_000..]), &expected[9_000..]);
    let info = doubled::cache_info();
    assert_eq!((info.hits, info.misses, info.currsize), (1000, 10_000, 1000));
    assert_eq!(doubled(&ids), expected);
}
