//! `Fallback`: migration from one server to another while both are in use.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use functools::backend::{Backend, Fallback, memcached, redis};

use crate::server::{MEMCACHED, REDIS, Server, block_on, eventually, limit};

fn value(backend: &impl Backend, key: &[u8]) -> Option<Vec<u8>> {
    backend.get("fallback", key).unwrap().map(|found| found.value)
}

#[test]
fn what_the_old_one_has_is_copied_with_its_time() {
    let _limit = limit();
    let chain = Fallback::new((redis(REDIS.url()), memcached(MEMCACHED.address())));
    let (new, old) = (redis(REDIS.url()), memcached(MEMCACHED.address()));
    let ttl = Duration::from_secs(100);
    old.set("fallback", b"copied", b"1", Some(ttl)).unwrap();
    let found = chain.get("fallback", b"copied").unwrap().unwrap();
    assert_eq!(found.value, b"1");
    for found in [found, new.get("fallback", b"copied").unwrap().unwrap()] {
        let left = found.ttl.unwrap();
        assert!(left <= ttl && left > Duration::from_secs(90), "{left:?}");
    }
    assert_eq!(value(&old, b"copied"), Some(b"1".to_vec()));
}

#[test]
fn an_old_copy_never_resurfaces() {
    let _limit = limit();
    let old_server = std::cell::RefCell::new(Server::redis(&[]));
    let pause = Duration::from_millis(50);
    let old = redis(old_server.borrow().url()).breaker(3, pause);
    let new = memcached(MEMCACHED.address());
    let chain = Fallback::new((&new, &old));
    let fresh = || old.set("fallback", b"key", b"old", None).unwrap();

    fresh();
    assert!(chain.delete("fallback", b"key").unwrap());
    assert!(!chain.delete("fallback", b"key").unwrap());
    assert_eq!((value(&chain, b"key"), value(&old, b"key")), (None, None));

    fresh();
    new.delete("fallback", b"key").unwrap();
    chain.set("fallback", b"key", b"new", Some(Duration::from_millis(20))).unwrap();
    eventually("the entry expires", || value(&chain, b"key").is_none());
    fresh();
    assert_eq!(value(&chain, b"key"), Some(b"old".to_vec()));
    chain.clear("fallback").unwrap();
    assert_eq!((value(&chain, b"key"), value(&old, b"key")), (None, None));
}

#[test]
fn an_old_server_that_was_down_brings_nothing_back() {
    let _limit = limit();
    // A server that keeps its entries while it is down: a proxy with a delay has that effect.
    let server = Server::redis(&[]);
    let proxy = crate::proxy::Proxy::to(server.port);
    let timeout = Duration::from_millis(100);
    let old = redis(format!("redis://127.0.0.1:{}", proxy.port))
        .connect_timeout(timeout)
        .timeout(timeout)
        .breaker(3, timeout);
    let direct = redis(server.url());
    let new = memcached(MEMCACHED.address());
    let chain = Fallback::new((&new, &old));
    for key in [&b"set"[..], b"deleted", b"untouched"] {
        direct.set("down", key, b"old", None).unwrap();
    }
    proxy.delay(1000);
    assert_eq!(chain.get("down", b"untouched").unwrap(), None, "the lookup is a miss");
    chain.set("down", b"set", b"new", Some(Duration::from_millis(300))).unwrap();
    assert_eq!(chain.get("down", b"set").unwrap().unwrap().value, b"new");
    assert!(chain.delete("down", b"deleted").is_err(), "other processes may still read it");
    assert!(chain.clear("other").is_err());
    assert_eq!(chain.get("down", b"deleted").unwrap(), None);
    eventually("the entry expires", || chain.get("down", b"set").unwrap().is_none());
    proxy.delay(0);
    // Delayed requests arrive.
    for key in [&b"set"[..], b"deleted"] {
        direct.set("down", key, b"old", None).unwrap();
    }
    eventually("the server is reachable again", || {
        assert_eq!(chain.get("down", b"set").unwrap(), None);
        assert_eq!(chain.get("down", b"deleted").unwrap(), None);
        chain.get("down", b"untouched").unwrap().is_some()
    });
    // The first lookup that found the entry has deleted it.
    eventually("the old server has deleted the entry", || {
        assert_eq!(chain.get("down", b"set").unwrap(), None);
        direct.get("down", b"set").unwrap().is_none()
    });
}

#[test]
fn no_reader_sees_what_was_deleted() {
    let _limit = limit();
    let new = redis(REDIS.url());
    let old = memcached(MEMCACHED.address());
    let chain = Fallback::new((&new, &old));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(SeqCst) {
                    for n in 0..20_u8 {
                        chain.get("race", &[n]).unwrap();
                    }
                }
            });
        }
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(2) {
            for n in 0..20_u8 {
                // As if the entry had been there from the start.
                new.delete("race", &[n]).unwrap();
                old.set("race", &[n], b"old", None).unwrap();
            }
            for n in 0..20_u8 {
                if n % 2 == 0 {
                    chain.delete("race", &[n]).unwrap();
                    assert_eq!(chain.get("race", &[n]).unwrap(), None);
                } else {
                    chain.set("race", &[n], b"new", None).unwrap();
                    assert_eq!(chain.get("race", &[n]).unwrap().unwrap().value, b"new");
                }
            }
        }
        stop.store(true, SeqCst);
    });
}

#[test]
fn functions_take_it_as_any_other() {
    let _limit = limit();
    #[functools::lru_cache(maxsize = 0, backend = memcached(MEMCACHED.address()))]
    fn cube(n: u64) -> u64 {
        n * n * n
    }
    assert_eq!(cube(3), 27);

    #[functools::lru_cache(
        maxsize = 0,
        backend = Fallback::new((redis(REDIS.url()), memcached(MEMCACHED.address())))
    )]
    async fn moved(n: u64) -> u64 {
        n * n * n
    }
    block_on(async {
        moved::cache_clear().await.unwrap();
        assert_eq!((moved(3).await, moved(3).await, moved::cache_info().hits), (27, 27, 1));
        assert!(moved::cache_invalidate(3).await.unwrap());
        assert!(!moved::cache_contains(3).await);
        moved::cache_put(3, 1).await.unwrap();
        assert_eq!(moved(3).await, 1);
    });
}
