//! What others can read, too.

use functools::lru_cache;

use crate::shelf::Shelf;

#[test]
fn arguments_and_results_can_be_json() {
    static SHELF: Shelf = Shelf::new();
    #[lru_cache(maxsize = 0, format = json, backend = &SHELF)]
    fn repeat(text: &str, times: usize) -> Vec<String> {
        vec![text.to_owned(); times]
    }
    assert_eq!(repeat("a", 2), repeat("a", 2));
    assert_eq!(repeat::cache_info().hits, 1);
    let entries = SHELF.entries();
    let ((_, key), (value, _)) = entries.iter().next().unwrap();
    assert_eq!(key, br#"["a",2]"#);
    assert!(value.ends_with(br#"["a","a"]"#));
}
