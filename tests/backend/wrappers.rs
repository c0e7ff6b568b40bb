//! Functions whose backend is chosen at run time.

use std::sync::LazyLock;

use functools::backend::{
    AnyBackend, Backend, BoxedBackend, Layered, Leases, Memory, Off, WithLeases, from_url, memory,
};
use functools::lru_cache;

use crate::map_backend::{MapBackend, Slow};

#[test]
fn without_a_backend_results_are_kept_in_the_process() {
    static NONE: Option<MapBackend> = None;
    static URL: LazyLock<AnyBackend> = LazyLock::new(|| from_url("off:").expect("a URL"));

    #[lru_cache(ttl = 60, single_flight = global, backend = Off)]
    fn off(n: u32) -> u32 {
        n * n
    }

    #[lru_cache(ttl = 60, single_flight = global, backend = &NONE)]
    fn none(n: u32) -> u32 {
        n * n
    }

    #[lru_cache(ttl = 60, single_flight = global, backend = &*URL)]
    fn by_url(n: u32) -> u32 {
        n * n
    }

    for _ in 0..2 {
        assert_eq!((off(3), none(3), by_url(3)), (9, 9, 9));
    }
    for (info, stats) in [
        (off::cache_info(), off::cache_stats()),
        (none::cache_info(), none::cache_stats()),
        (by_url::cache_info(), by_url::cache_stats()),
    ] {
        assert_eq!((info.hits, info.misses, stats.backend_hits, stats.backend_errors), (1, 1, 0, 0));
    }
    off::cache_invalidate(3).expect("never fails");
    off(3);
    assert_eq!(off::cache_info().misses, 2);
}

#[test]
fn a_blocking_backend_can_be_boxed() {
    trait Shared: Backend + Leases + Send + Sync {}
    impl<B: Backend + Leases + Send + Sync> Shared for B {}

    #[lru_cache(maxsize = 0, ttl = 60, backend = Box::new(memory(1 << 20)) as Box<dyn Backend + Send + Sync>)]
    fn boxed(n: u32) -> u32 {
        n * n
    }

    #[lru_cache(maxsize = 0, ttl = 60, single_flight = global, backend = Box::new(memory(1 << 20)) as Box<dyn Shared>)]
    fn global(n: u32) -> u32 {
        n * n
    }

    for _ in 0..2 {
        assert_eq!((boxed(3), global(3)), (9, 9));
    }
    assert_eq!((boxed::cache_stats().backend_hits, global::cache_stats().backend_hits), (1, 1));
}

#[tokio::test]
async fn an_async_backend_can_be_boxed() {
    static MAP: MapBackend = MapBackend::new();

    #[lru_cache(maxsize = 0, ttl = 60, backend = BoxedBackend::new(Slow(&MAP)))]
    async fn boxed(n: u32) -> u32 {
        n * n
    }

    fn global_store() -> BoxedBackend<WithLeases> {
        BoxedBackend::with_leases(Slow(&MAP))
    }

    #[lru_cache(maxsize = 0, ttl = 60, single_flight = global, backend = global_store())]
    async fn global(n: u32) -> u32 {
        n * n
    }

    for _ in 0..2 {
        assert_eq!((boxed(3).await, global(3).await), (9, 9));
    }
    assert_eq!((boxed::cache_stats().backend_hits, global::cache_stats().backend_hits), (1, 1));
}

#[test]
fn layers_serve_functions_with_leases_and_changes() {
    static FAR: LazyLock<Memory> = LazyLock::new(|| memory(1 << 20));

    #[lru_cache(maxsize = 0, ttl = 60, single_flight = global, backend = Layered::new((memory(1 << 20), &*FAR)))]
    fn price(n: u32) -> u32 {
        n * n
    }

    assert_eq!([price(3), price(3)], [9, 9]);
    price::cache_put(3, 10).expect("never fails");
    assert_eq!([price(3), price(3)], [10, 10]);
    price::cache_invalidate(3).expect("never fails");
    assert_eq!(price(3), 9);
    let (info, stats) = (price::cache_info(), price::cache_stats());
    assert_eq!((info.hits, info.misses, stats.backend_errors, stats.superseded), (3, 2, 0, 0));
}
