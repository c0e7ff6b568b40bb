//! The names under which functions store their results.

use functools::backend::ErrorKind;
use functools::lru_cache;

use crate::map_backend::MapBackend;

#[test]
fn functions_of_one_path_share_nothing() {
    static BACKEND: MapBackend = MapBackend::new();
    let first = {
        #[lru_cache(maxsize = 0, backend = &BACKEND)]
        fn price(n: u64) -> u64 {
            n
        }
        price(1)
    };
    let second = {
        #[lru_cache(maxsize = 0, backend = &BACKEND)]
        fn price(n: u64) -> u64 {
            2 * n
        }
        price(1)
    };
    assert_eq!((first, second, BACKEND.namespaces().len()), (1, 2, 2));
}

#[test]
fn a_given_namespace_has_one_owner() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, namespace = "shop.price", version = 2, backend = &BACKEND)]
    fn first(n: u64) -> u64 {
        n
    }
    #[lru_cache(maxsize = 0, namespace = "shop.price", version = 2, backend = &BACKEND)]
    fn second(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((first(1), first(1), second(1), second(1)), (1, 1, 2, 2));
    assert_eq!(BACKEND.namespaces().into_keys().collect::<Vec<_>>(), ["shop.price#2"]);
    assert_eq!((first::cache_info().hits, first::cache_stats().backend_errors), (1, 0));
    assert!(second::cache_stats().backend_errors > 0);
    let error = second::cache_clear().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().starts_with("two functions share the namespace `shop.price`: "), "{error}");
    assert_eq!(BACKEND.entries().len(), 1);
}

#[test]
fn types_of_one_name_share_nothing() {
    static BACKEND: MapBackend = MapBackend::new();
    trait Size {
        const SIZE: u64;
    }
    #[lru_cache(maxsize = 0, typed = true, backend = &BACKEND)]
    fn size<T: Size + std::hash::Hash + Eq + Clone + Send + Sync + serde::Serialize + 'static>(
        _it: T,
    ) -> u64 {
        T::SIZE
    }
    macro_rules! size {
        ($size:literal) => {{
            #[derive(Clone, PartialEq, Eq, Hash, serde::Serialize)]
            struct Item;
            impl Size for Item {
                const SIZE: u64 = $size;
            }
            (size(Item), size(Item))
        }};
    }
    assert_eq!((size!(1), size!(2)), ((1, 1), (2, 2)));
    assert_eq!(size::cache_info().hits, 1);
}

#[test]
fn a_version_may_be_the_body() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, namespace = "a", version = body, backend = &BACKEND)]
    fn first(n: u64) -> u64 {
        n
    }
    #[lru_cache(maxsize = 0, namespace = "b", version = body, backend = &BACKEND)]
    fn second(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((first(1), second(1)), (1, 2));
    let namespaces: Vec<_> = BACKEND.namespaces().into_keys().collect();
    assert!(namespaces[0].len() == 18 && namespaces[0][2..] != namespaces[1][2..], "{namespaces:?}");
}
