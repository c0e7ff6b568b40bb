//! `get_many`, `set_many`, `delete_many`: several keys in one round trip.

use std::time::Duration;

use functools::backend::{AsyncBackend, Backend, Fallback, Item, Stored, redis_client};

use crate::contract::{memcached, redis};
use crate::proxy::Proxy;
use crate::server::{MEMCACHED, REDIS, Server, block_on, free_port, limit};

/// The number of keys. One by one they would take as many round trips.
const MANY: u64 = 100;

/// The maximum number of reads by the proxy per round trip: a long request may arrive in pieces.
const PIECES: u64 = 3;

fn keys() -> Vec<[u8; 8]> {
    (0..MANY).map(u64::to_le_bytes).collect()
}

fn all(keys: &[[u8; 8]]) -> Vec<&[u8]> {
    keys.iter().map(|key| &key[..]).collect()
}

/// The number of requests that `ask` sends through the proxy, over connections that are already open.
fn requests(proxy: &Proxy, ask: impl FnOnce()) -> u64 {
    let before = proxy.requests();
    ask();
    proxy.requests() - before
}

fn goes_in_one(proxy: &Proxy, backend: &(impl Backend + AsyncBackend)) {
    let keys = keys();
    for key in &keys {
        Backend::set(backend, "many", key, key, None).unwrap();
    }
    let found = requests(proxy, || {
        let found = Backend::get_many(backend, "many", &all(&keys)).unwrap();
        assert!(found.iter().zip(&keys).all(|(found, key)| found.as_ref().unwrap().value == key));
    });
    assert!((1..=PIECES).contains(&found), "{found}");
    let one_by_one = requests(proxy, || {
        for key in &keys {
            assert!(Backend::get(backend, "many", key).unwrap().is_some());
        }
    });
    assert!(one_by_one >= MANY, "{one_by_one}");
    let items: Vec<_> = keys.iter().map(|key| Item::new(key, b"set at once")).collect();
    let set = requests(proxy, || Backend::set_many(backend, "many", &items).unwrap());
    // Memcached is asked for the generation of the namespace before.
    assert!((1..=2 * PIECES).contains(&set), "{set}");
    assert_eq!(Backend::get(backend, "many", &keys[99]).unwrap().unwrap().value, b"set at once");
    let deleted = requests(proxy, || {
        let deleted = Backend::delete_many(backend, "many", &all(&keys)).unwrap();
        assert_eq!(deleted, [true; 100]);
    });
    assert!((1..=PIECES).contains(&deleted), "{deleted}");
    for key in &keys {
        Backend::set(backend, "many", key, key, None).unwrap();
    }
    block_on(async {
        AsyncBackend::get(backend, "many", b"to connect").await.unwrap();
        let before = proxy.requests();
        let found = AsyncBackend::get_many(backend, "many", &all(&keys)).await.unwrap();
        assert!(found.iter().zip(&keys).all(|(found, key)| found.as_ref().unwrap().value == key));
        let pieces = proxy.requests() - before;
        assert!((1..=PIECES).contains(&pieces), "{pieces}");
        let before = proxy.requests();
        AsyncBackend::set_many(backend, "many", &items).await.unwrap();
        assert_eq!(AsyncBackend::delete_many(backend, "many", &all(&keys)).await.unwrap(), [true; 100]);
        let pieces = proxy.requests() - before;
        assert!((2..=3 * PIECES).contains(&pieces), "{pieces}");
    });
}

#[test]
fn redis_is_asked_once() {
    let _limit = limit();
    let proxy = Proxy::to(REDIS.port);
    goes_in_one(&proxy, &redis(format!("redis://127.0.0.1:{}", proxy.port)));
}

#[test]
fn memcached_is_asked_once() {
    let _limit = limit();
    let proxy = Proxy::to(MEMCACHED.port);
    goes_in_one(&proxy, &memcached(format!("127.0.0.1:{}", proxy.port)));
}

#[test]
fn an_entry_of_another_type_is_an_error_of_its_own_key_only() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let backend = redis(server.url());
    let keys: [&[u8]; 3] = [b"1", b"2", b"3"];
    for key in keys {
        Backend::set(&backend, "types", key, b"value", None).unwrap();
    }
    let mut by_hand = redis_client::Client::open(server.url()).unwrap().get_connection().unwrap();
    let () = redis_client::cmd("DEL").arg("5:types:2").query(&mut by_hand).unwrap();
    let () = redis_client::cmd("LPUSH").arg("5:types:2").arg("foreign").query(&mut by_hand).unwrap();
    let awaited = block_on(AsyncBackend::get_many(&backend, "types", &keys));
    for found in [Backend::get_many(&backend, "types", &keys), awaited] {
        let found: Vec<_> = found.unwrap().iter().map(Option::is_some).collect();
        assert_eq!(found, [true, false, true]);
    }
    Backend::set(&backend, "types", b"2", b"value", None).unwrap();
    assert!(Backend::get_many(&backend, "types", &keys).unwrap().iter().all(Option::is_some));
}

#[test]
fn many_are_merged_from_both() {
    let _limit = limit();
    let (new_server, old_server) = (Server::redis(&[]), Server::memcached(&[]));
    let proxies = (Proxy::to(new_server.port), Proxy::to(old_server.port));
    let new = redis(format!("redis://127.0.0.1:{}", proxies.0.port));
    let old = memcached(format!("127.0.0.1:{}", proxies.1.port));
    let chain = Fallback::new((&new, &old));
    let (keys, ttl) = (keys(), Duration::from_secs(100));
    // The keys are in neither server, the new one, the old one, or both, in turn.
    for (n, key) in keys.iter().enumerate() {
        if n % 4 == 1 || n % 4 == 3 {
            Backend::set(&new, "merged", key, b"new", None).unwrap();
        }
        if n % 4 >= 2 {
            Backend::set(&old, "merged", key, b"old", Some(ttl)).unwrap();
        }
    }
    // A deleted key is a miss, even if the old server has an entry for it.
    assert!(Backend::delete(&chain, "merged", &keys[2]).unwrap());
    Backend::set(&old, "merged", &keys[2], b"old", Some(ttl)).unwrap();
    let expected = |n: usize| -> Option<&[u8]> {
        match n % 4 {
            1 | 3 => Some(b"new"),
            2 if n != 2 => Some(b"old"),
            _ => None,
        }
    };
    let is_merged = |found: &[Option<Stored>], from: usize| {
        for (n, found) in (from..).zip(found) {
            assert_eq!(found.as_ref().map(|found| found.value.as_slice()), expected(n), "{n}");
            let left = found.as_ref().and_then(|found| found.ttl);
            assert_eq!(left.is_some(), expected(n) == Some(b"old"), "{n}");
            assert!(left.is_none_or(|left| left <= ttl && left > Duration::from_secs(80)));
        }
    };
    is_merged(&Backend::get_many(&chain, "merged", &all(&keys)).unwrap(), 0);
    // The entries are migrated with their remaining time to live. The tombstone of the deleted key comes
    // before them.
    is_merged(&Backend::get_many(&new, "merged", &all(&keys[3..])).unwrap(), 3);

    // The new server is queried for the keys, then for tombstones, and the old server once.
    let (in_new, in_old) = (proxies.0.requests(), proxies.1.requests());
    is_merged(&Backend::get_many(&chain, "merged", &all(&keys)).unwrap(), 0);
    assert!((2..=2 * PIECES).contains(&(proxies.0.requests() - in_new)));
    assert!((1..=PIECES).contains(&(proxies.1.requests() - in_old)));
    is_merged(&block_on(AsyncBackend::get_many(&chain, "merged", &all(&keys))).unwrap(), 0);
}

#[test]
fn an_old_one_that_is_down_has_none() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let old = memcached(format!("127.0.0.1:{}", free_port()));
    let chain = Fallback::new((redis(server.url()), &old));
    Backend::set(&redis(server.url()), "down", b"1", b"new", None).unwrap();
    let keys: [&[u8]; 2] = [b"1", b"2"];
    for _ in 0..5 {
        let found = Backend::get_many(&chain, "down", &keys).unwrap();
        assert!(found[0].is_some() && found[1].is_none());
        let found = block_on(AsyncBackend::get_many(&chain, "down", &keys)).unwrap();
        assert!(found[0].is_some() && found[1].is_none());
    }
    // Without the new server no result is reliable.
    let away = Fallback::new((memcached(format!("127.0.0.1:{}", free_port())), redis(server.url())));
    assert!(Backend::get_many(&away, "down", &keys).is_err());
}
