//! `Sharded`: keys distributed over several servers.

use std::time::Duration;

use functools::backend::{AsyncBackend, Backend, Sharded, memcached};
use functools::lru_cache;

use crate::server::{Server, block_on, eventually, limit};

#[test]
fn who_is_down_takes_its_share_of_the_keys_along() {
    let _limit = limit();
    let mut servers = [(); 3].map(|()| Server::memcached(&[]));
    let pause = Duration::from_millis(50);
    let spread = Sharded::new(servers.each_ref().map(|server| memcached(server.address()).breaker(3, pause)));
    let numbers: Vec<[u8; 4]> = (0..300_u32).map(u32::to_le_bytes).collect();
    let keys: Vec<&[u8]> = numbers.iter().map(|key| &key[..]).collect();
    let store = || {
        for key in &keys {
            // Keys of the server that is down are errors.
            _ = Backend::set(&spread, "spread", key, key, None);
        }
    };
    let found = || {
        let one_by_one: Vec<_> =
            keys.iter().map(|key| Backend::get(&spread, "spread", key).unwrap_or_default()).collect();
        let at_once = Backend::get_many(&spread, "spread", &keys).unwrap();
        let awaited = block_on(AsyncBackend::get_many(&spread, "spread", &keys)).unwrap();
        assert!(one_by_one == at_once && one_by_one == awaited);
        for (found, key) in one_by_one.iter().zip(&keys) {
            assert!(found.as_ref().is_none_or(|found| found.value == *key));
        }
        one_by_one.iter().flatten().count()
    };
    store();
    assert_eq!(found(), 300);
    servers[1].kill();
    let remaining = found();
    assert!((150..250).contains(&remaining), "{remaining}");
    store();
    assert_eq!(found(), remaining, "no other server has taken over");
    assert!(Backend::clear(&spread, "other").is_err(), "the server that is down may still have entries");
    servers[1].restart();
    eventually("the restarted server has its share of the keys", || {
        store();
        Backend::get_many(&spread, "spread", &keys).unwrap().iter().all(Option::is_some)
    });
    Backend::clear(&spread, "spread").unwrap();
    assert_eq!(found(), 0);
    for server in &mut servers {
        server.kill();
    }
    assert!(Backend::get_many(&spread, "spread", &keys).is_err());
}

#[test]
fn functions_take_several_servers_as_one() {
    let _limit = limit();
    static SERVERS: std::sync::LazyLock<[Server; 2]> =
        std::sync::LazyLock::new(|| [(); 2].map(|()| Server::memcached(&[])));
    #[lru_cache(maxsize = 0, backend = Sharded::new(SERVERS.each_ref().map(|server| memcached(server.address()))))]
    fn square(n: u64) -> u64 {
        n * n
    }
    for _ in 0..2 {
        (0..100).for_each(|n| assert_eq!(square(n), n * n));
    }
    assert_eq!((square::cache_info().hits, square::cache_stats().backend_errors), (100, 0));
    for server in &*SERVERS {
        let items = server.says("stats\r\n", "END\r\n");
        assert!(!items.contains("STAT curr_items 0\r\n"), "each server has its share");
    }
    square::cache_clear().unwrap();
    assert!((0..100).all(|n| !square::cache_contains(n)));
}
