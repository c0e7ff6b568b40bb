//! Wrappers around wrappers: leases and claims pass through all of them.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use functools::backend::{Compressed, Encrypted, Layered, memory};
use functools::lru_cache;

use crate::map_backend::MapBackend;

#[test]
fn no_call_waits_for_an_entry_that_cannot_be_read() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(
        maxsize = 0, single_flight = global, flight_timeout = 3600,
        backend = Encrypted::new(Compressed::new(&BACKEND), [[1; 32]])
    )]
    fn square(n: u64) -> u64 {
        n * n
    }
    assert_eq!((square(3), square(3)), (9, 9));
    assert_eq!(square::cache_stats().backend_hits, 1);
    let place = BACKEND.entries().keys().next().cloned().unwrap();
    BACKEND.entries().insert(place.clone(), (b"of a release without encryption".to_vec(), None));
    BACKEND.take_requests();
    assert_eq!(square(3), 9);
    assert_eq!(BACKEND.take_requests(), ["get", "get", "set", "end"], "the claim is an entry of its own");
    assert_eq!((square(3), square::cache_stats().backend_hits), (9, 2));
    assert_eq!((square::cache_stats().backend_errors, BACKEND.entries().len()), (0, 1));
}

/// The order of wrappers is free, with leases and claims: a failure is told, a result is stored and found once.
macro_rules! nested {
    ($($name:ident: |$far:ident| $wrapped:expr;)*) => { $(
        #[test]
        fn $name() {
            static FAR: MapBackend = MapBackend::new();
            static RUNS: AtomicU64 = AtomicU64::new(0);
            #[lru_cache(maxsize = 0, ttl = 60, single_flight = global, backend = { let $far = &FAR; $wrapped })]
            fn parse(text: &str) -> Result<String, String> {
                RUNS.fetch_add(1, SeqCst);
                if text.is_empty() { Err("nothing".to_owned()) } else { Ok(text.repeat(1000)) }
            }
            assert!(parse("").is_err());
            let failures: Vec<_> = FAR.entries().values().map(|(value, _)| value.clone()).collect();
            assert_eq!(failures, [b"\xF7\0failed"], "other processes see it, whatever wrappers they have");
            assert_eq!(FAR.take_requests(), ["get", "set"]);
            assert_eq!((parse("ab"), parse("ab")), (Ok("ab".repeat(1000)), Ok("ab".repeat(1000))));
            assert_eq!(FAR.take_requests(), ["get", "set"], "found near");
            parse::cache_invalidate("ab").unwrap();
            assert_eq!(parse("ab"), Ok("ab".repeat(1000)));
            assert_eq!((RUNS.load(SeqCst), parse::cache_stats().superseded), (3, 0));
            assert!(parse("").is_err());
            assert_eq!(parse::cache_stats().backend_errors, 0);
        }
    )* };
}

const KEYS: [[u8; 32]; 1] = [[7; 32]];

nested! {
    layers_of_which_the_far_one_is_compressed_and_encrypted:
        |far| Layered::new((memory(1 << 20), Compressed::new(Encrypted::new(far, KEYS))));
    compressed_and_encrypted_layers:
        |far| Compressed::new(Encrypted::new(Layered::new((memory(1 << 20), far)), KEYS));
    compressed_layers_of_which_the_far_one_is_encrypted:
        |far| Compressed::new(Layered::new((memory(1 << 20), Encrypted::new(far, KEYS))));
    encrypted_layers_of_which_the_far_one_is_compressed:
        |far| Encrypted::new(Layered::new((memory(1 << 20), Compressed::new(far))), KEYS);
    layers_in_layers_with_an_encrypted_far_one:
        |far| Layered::new((memory(1 << 20), Encrypted::new(Layered::new((memory(1 << 20), far)), KEYS)));
}
