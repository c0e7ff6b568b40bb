//! Accessors take one element, or many.

use std::collections::HashMap;

use functools::lru_cache;

struct Db;

#[test]
fn accessors_take_one_element() {
    #[lru_cache(each = ids)]
    fn users(#[key(skip)] _db: &Db, ids: &[u32]) -> HashMap<u32, String> {
        ids.iter().filter(|id| **id != 13).map(|id| (*id, id.to_string())).collect()
    }

    users(&Db, &[1, 2, 13]);
    assert!(users::cache_contains(1) && !users::cache_contains(3));
    assert_eq!(users::cache_peek(1), Some(Some("1".to_owned())));
    assert_eq!((users::cache_peek(13), users::cache_peek(3)), (Some(None), None));
    assert!(users::cache_invalidate(1) && !users::cache_invalidate(1));
    users::cache_put(5, Some("five".to_owned()));
    assert_eq!(users(&Db, &[5]), HashMap::from([(5, "five".to_owned())]));
    assert_eq!(users::wrapped(&Db, &[5]), HashMap::from([(5, "5".to_owned())]));
    let mut ids: Vec<u32> = users::cache_entries().into_iter().map(|entry| *entry.arguments()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [2, 5, 13]);
    users::cache_retain(|id, _| *id > 2);
    assert_eq!(users::cache_info().currsize, 2);
    users::cache_clear();
    assert_eq!(users::cache_info().currsize, 0);
}

#[test]
fn accessors_take_many_elements() {
    #[lru_cache(each = names)]
    fn lengths(factor: usize, names: &[&str]) -> Vec<usize> {
        names.iter().map(|name| name.len() * factor).collect()
    }

    assert_eq!(lengths(2, &["a", "bb"]), [2, 4]);
    assert_eq!(lengths::cache_peek_many(2, &["bb", "ccc", "a"]), [Some(4), None, Some(2)]);
    assert_eq!(lengths::cache_peek_many(3, &["a"]), [None]);
    lengths::cache_put_many(3, vec![("a", 30), ("bb", 60)]);
    assert_eq!(lengths(3, &["bb", "a"]), [60, 30]);
    let info = lengths::cache_info();
    assert_eq!((info.hits, info.misses, info.currsize), (2, 2, 4));
}
