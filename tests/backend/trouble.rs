//! A backend that is down, or has what is none of ours.

use functools::lru_cache;

use crate::shelf::Shelf;

#[test]
fn a_backend_that_is_down_fails_no_call() {
    static SHELF: Shelf = Shelf::new();
    #[lru_cache(backend = &SHELF)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    SHELF.set_down(true);
    assert_eq!((double(1), double(1)), (2, 2));
    let (info, stats) = (double::cache_info(), double::cache_stats());
    assert_eq!((info.hits, info.misses, stats.backend_errors), (1, 1, 2));
    assert_eq!(double::cache_peek(9), None);
    assert!(!double::cache_contains(9));
    // What is lost must not look done.
    assert!(double::cache_invalidate(1).is_err());
    assert_eq!(double::cache_put(1, 5).unwrap_err().to_string(), "the shelf is down");
    assert!(double::cache_clear().is_err());
    SHELF.set_down(false);
    assert_eq!((double(3), SHELF.entries().len()), (6, 1));
}

#[test]
fn garbled_bytes_are_a_miss_and_are_overwritten() {
    static SHELF: Shelf = Shelf::new();
    #[lru_cache(maxsize = 0, backend = &SHELF)]
    fn name(n: u64) -> String {
        format!("number {n}")
    }
    assert_eq!(name(7), "number 7");
    let (key, (whole, _)) =
        SHELF.entries().iter().next().map(|(key, kept)| (key.clone(), kept.clone())).unwrap();
    for length in 0..whole.len() {
        SHELF.entries().insert(key.clone(), (whole[..length].to_vec(), None));
        assert_eq!(name(7), "number 7");
        assert_eq!(SHELF.entries()[&key].0, whole, "after {length} bytes of it");
    }
    for foreign in [&b""[..], b"number 8", &[0xFF; 100]] {
        SHELF.entries().insert(key.clone(), (foreign.to_vec(), None));
        assert_eq!(name(7), "number 7");
    }
    assert_eq!(name::cache_info().hits, 0);
    assert_eq!((name(7), name::cache_info().hits), ("number 7".to_owned(), 1));
}

#[test]
fn arguments_that_refuse_to_be_bytes_go_without_a_backend() {
    static SHELF: Shelf = Shelf::new();
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Stubborn;
    impl serde::Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    #[lru_cache(maxsize = 0, backend = &SHELF)]
    fn f(_it: Stubborn) -> u32 {
        1
    }
    assert_eq!((f(Stubborn), f(Stubborn)), (1, 1));
    assert!(SHELF.asked().is_empty() && f::cache_stats().backend_errors > 0);
    assert!(f::cache_invalidate(Stubborn).is_err());
}
