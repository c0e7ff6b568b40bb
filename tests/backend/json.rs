//! Entries as JSON, which other programs can read.

use functools::lru_cache;

use crate::map_backend::MapBackend;

#[test]
fn arguments_and_results_can_be_json() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, format = json, backend = &BACKEND)]
    fn repeat(text: &str, times: usize) -> Vec<String> {
        vec![text.to_owned(); times]
    }
    assert_eq!(repeat("a", 2), repeat("a", 2));
    assert_eq!(repeat::cache_info().hits, 1);
    let entries = BACKEND.entries();
    let ((_, key), (value, _)) = entries.iter().next().unwrap();
    assert_eq!(key, br#"["a",2]"#);
    assert!(value.ends_with(br#"["a","a"]"#));
}

#[test]
fn what_json_cannot_tell_apart_stays_inside() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, format = json, backend = &BACKEND)]
    fn sign(x: f64) -> bool {
        x.is_sign_negative()
    }
    #[lru_cache(maxsize = 0, format = json, backend = &BACKEND)]
    fn known(there: (Option<()>,)) -> bool {
        there.0.is_some()
    }
    #[lru_cache(maxsize = 0, format = json, backend = &BACKEND)]
    fn inverse(x: f64) -> Option<f64> {
        (x >= 0.0).then_some(1.0 / x)
    }
    for _ in 0..2 {
        assert_eq!((sign(f64::INFINITY), sign(f64::NEG_INFINITY), sign(-1.0)), (false, true, true));
        assert_eq!((known((None,)), known((Some(()),))), (false, true));
        assert_eq!((inverse(0.0), inverse(2.0)), (Some(f64::INFINITY), Some(0.5)));
    }
    assert_eq!((sign::cache_info().hits, known::cache_info().hits, inverse::cache_info().hits), (1, 1, 1));
    assert_eq!(inverse::cache_stats().backend_errors, 2);
}
