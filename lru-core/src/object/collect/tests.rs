use crate::object::Cache;
use crate::object::aliases::LruCache;
use crate::object::ttl_cache::TtlCache;
use crate::store::policy::Sieve;

#[test]
fn entries_are_collected_in_order() {
    let cache: LruCache<_, _> = [(1, 'a'), (2, 'b'), (1, 'c')].into_iter().collect();
    assert!(cache.iter().eq([(2, 'b'), (1, 'c')]));
    assert_eq!((cache.info().maxsize, cache.info().misses), (None, 0));
    let cache: Cache<_, _, Sieve> = cache.iter().collect();
    assert_eq!(cache.len(), 2);
}

#[test]
fn a_cache_is_extended_within_its_bound() {
    let mut cache = LruCache::new(Some(2));
    cache.extend([(1, 'a'), (2, 'b'), (3, 'c')]);
    (&cache).extend([(3, 'd')]);
    assert!(cache.iter().eq([(2, 'b'), (3, 'd')]));
    let mut pages = TtlCache::new(Some(1), std::time::Duration::from_secs(60));
    pages.extend([(1, 'a'), (2, 'b')]);
    assert_eq!(pages.keys(), [2]);
}

#[cfg(all(feature = "serde", feature = "json"))]
mod serialized {
    use crate::object::aliases::LruCache;

    #[test]
    fn contents_are_restored_in_order() {
        let cache = LruCache::new(Some(3));
        (&cache).extend([((1, "a".to_owned()), 1.5), ((2, "b".to_owned()), 2.5)]);
        cache.get(&(1, "a".to_owned()));
        let text = serde_json::to_string(&cache).expect("entries of numbers and text");
        assert_eq!(text, r#"[[[2,"b"],2.5],[[1,"a"],1.5]]"#);
        let copy: LruCache<(u32, String), f64> = serde_json::from_str(&text).expect("the same types");
        assert_eq!((copy.iter().eq(cache.iter()), copy.info().maxsize), (true, None));
        assert_eq!((cache.info().hits, cache.info().misses), (1, 0));

        let bytes = postcard::to_allocvec(&cache).expect("entries of numbers and text");
        let small = LruCache::<(u32, String), f64>::new(Some(1));
        let mut reader = postcard::Deserializer::from_bytes(&bytes);
        small.deserialize_entries(&mut reader).expect("the same types");
        assert_eq!(small.keys(), [(1, "a".to_owned())]);
    }

    #[test]
    fn an_error_leaves_what_was_read_before() {
        let cache = LruCache::<u32, u32>::new(None);
        let mut reader = serde_json::Deserializer::from_str("[[1,1],[2,true]]");
        let error = cache.deserialize_entries(&mut reader).expect_err("`true` is no number");
        assert!(error.to_string().contains("expected u32"), "{error}");
        assert_eq!(cache.keys(), [1]);
        let error = serde_json::from_str::<LruCache<u32, u32>>("7").expect_err("a number");
        assert!(error.to_string().contains("expected a sequence of entries"), "{error}");
    }
}
