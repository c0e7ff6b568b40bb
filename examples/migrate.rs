//! Migrates from one server to another while the service runs, without computing results again.
//!
//! Start with the old server, then with both, and once every useful entry has been copied or has expired, with the
//! new server alone:
//!
//! ```sh
//! cargo run --example migrate --features redis,memcached -- old  127.0.0.1:11211 redis://127.0.0.1/
//! cargo run --example migrate --features redis,memcached -- both 127.0.0.1:11211 redis://127.0.0.1/
//! cargo run --example migrate --features redis,memcached -- new  127.0.0.1:11211 redis://127.0.0.1/
//! ```

use std::env;
use std::thread;

use functools::backend::{Backend, Fallback, memcached, redis};
use functools::lru_cache;

/// The backend of this stage of the migration.
fn backend() -> Box<dyn Backend + Send + Sync> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match &arguments[..] {
        [stage, old, _] if stage == "old" => Box::new(memcached(old)),
        [stage, old, new] if stage == "both" => Box::new(Fallback::new((redis(new), memcached(old)))),
        [stage, _, new] if stage == "new" => Box::new(redis(new)),
        _ => panic!("expected `old`, `both` or `new`, and the addresses of both servers"),
    }
}

/// `maxsize = 0`: no copies in this process, so that each call reaches the servers.
#[lru_cache(maxsize = 0, ttl = 3600, backend = backend())]
fn price(item: u64) -> u64 {
    item * 100
}

fn main() {
    thread::scope(|scope| {
        for user in 0..4 {
            // Each thread starts with other items.
            scope.spawn(move || (0..200).for_each(|n| assert_eq!(price((n + 50 * user) % 200) % 100, 0)));
        }
    });
    if env::args().nth(1).as_deref() == Some("both") {
        // The old entry is deleted too, and is not found again.
        println!("invalidated: {:?}", price::cache_invalidate(7).map_err(|error| error.to_string()));
        assert!(!price::cache_contains(7));
    }
    let computed = price::cache_info().misses;
    println!("computed {computed}, errors {}", price::cache_stats().backend_errors);
}
