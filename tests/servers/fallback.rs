//! `Fallback`: migration from one server to another while both are in use.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use functools::backend::{
    self, Backend, BackendError, ErrorKind, Fallback, Permission, Stored, memcached, redis,
};

use crate::leases::{SHORTEST, leases, leases_async};
use crate::server::{MEMCACHED, REDIS, Server, block_on, eventually, free_port, limit};

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
fn leases_are_those_of_the_new_one() {
    let _limit = limit();
    let patience = Duration::from_secs(20);
    let new = memcached(MEMCACHED.address()).connect_timeout(patience).timeout(patience);
    let old = redis(REDIS.url()).connect_timeout(patience).timeout(patience);
    let chain = Fallback::new((new, old));
    leases(&chain, SHORTEST).unwrap();
    block_on(leases_async(&chain, SHORTEST)).unwrap();
}

/// A backend that runs a function after each lookup.
struct During<'a, B>(&'a B, &'a (dyn Fn() + Sync));

impl<B: Backend> Backend for During<'_, B> {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        let found = self.0.get(namespace, key);
        self.1();
        found
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        self.0.set(namespace, key, value, ttl)
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        self.0.delete(namespace, key)
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        self.0.clear(namespace)
    }
}

#[test]
fn what_changes_while_it_is_copied_is_not_undone() {
    let _limit = limit();
    let (new, old) = (memcached(MEMCACHED.address()), redis(REDIS.url()));
    let other = Fallback::new((&new, &old));
    let changes: [(&str, &(dyn Fn() + Sync)); 4] = [
        ("nothing", &|| ()),
        ("deleted", &|| _ = other.delete("during", b"key").unwrap()),
        ("cleared", &|| other.clear("during").unwrap()),
        ("set", &|| other.set("during", b"key", b"new", None).unwrap()),
    ];
    for (name, change) in changes {
        for is_call in [false, true] {
            new.clear("during").unwrap();
            old.set("during", b"key", b"old", None).unwrap();
            let chain = Fallback::new((&new, During(&old, change)));
            if is_call {
                chain.get_or_lease("during", b"key", Duration::from_secs(60).into()).unwrap();
            } else {
                chain.get("during", b"key").unwrap();
            }
            let expected: Option<&[u8]> = match name {
                "nothing" => Some(b"old"),
                "set" => Some(b"new"),
                _ => None,
            };
            for backend in [&new as &dyn Backend, &other] {
                let found = backend.get("during", b"key").unwrap().map(|found| found.value);
                assert_eq!(found.as_deref(), expected, "{name}, {is_call}");
            }
        }
    }
}

#[test]
fn the_old_one_serves_while_the_new_one_is_down() {
    let _limit = limit();
    static OLD: std::sync::LazyLock<Server> = std::sync::LazyLock::new(|| Server::redis(&[]));
    static PORT: std::sync::LazyLock<u16> = std::sync::LazyLock::new(free_port);
    let old = redis(OLD.url());
    let chain = Fallback::new((memcached(format!("127.0.0.1:{}", *PORT)), redis(OLD.url())));
    for key in [&b"1"[..], b"2", b"3"] {
        old.set("away", key, b"old", None).unwrap();
    }
    for _ in 0..5 {
        assert_eq!(value_in(&chain, "away", b"1"), Ok(Some(b"old".to_vec())));
        let lookup = chain.get_or_lease("away", b"1", Duration::from_secs(60).into()).unwrap();
        assert_eq!((lookup.found.is_some(), lookup.permission), (true, Permission::Denied));
        let many = chain.get_many("away", &[b"1", b"2"]).unwrap();
        assert!(many.iter().all(Option::is_some));
        assert!(block_on(backend::AsyncBackend::get(&chain, "away", b"1")).unwrap().is_some());
        assert!(block_on(backend::AsyncBackend::get_many(&chain, "away", &[b"1", b"2"])).is_ok());
        // What the old one has not may be in the new one.
        assert!(chain.get("away", b"none").is_err() && chain.get_many("away", &[b"1", b"none"]).is_err());
    }
    // Changes are errors, and the old entry is not found any more.
    assert!(chain.set("away", b"2", b"new", None).is_err() && chain.delete("away", b"3").is_err());
    assert_eq!((value_in(&old, "away", b"2"), value_in(&old, "away", b"3")), (Ok(None), Ok(None)));
    assert!(chain.clear("away").is_err());
    assert_eq!(value_in(&old, "away", b"1"), Ok(None));

    #[functools::lru_cache(
        maxsize = 0,
        backend = Fallback::new((memcached(format!("127.0.0.1:{}", *PORT)), redis(OLD.url())))
    )]
    fn square(n: u64) -> u64 {
        n * n
    }
    assert_eq!((square(3), square(3), square::cache_info().hits), (9, 9, 0));
    assert!(square::cache_stats().backend_errors >= 2 && square::cache_put(1, 2).is_err());
}

fn value_in(backend: &impl Backend, namespace: &str, key: &[u8]) -> Result<Option<Vec<u8>>, ErrorKind> {
    backend.get(namespace, key).map(|found| found.map(|found| found.value)).map_err(|error| error.kind())
}

#[test]
fn an_entry_that_was_set_while_the_old_one_was_down_is_not_served_from_it() {
    let _limit = limit();
    let (mut new_server, old_server) = (Server::memcached(&[]), Server::redis(&[]));
    let proxy = crate::proxy::Proxy::to(old_server.port);
    let (timeout, pause) = (Duration::from_millis(100), Duration::from_millis(20));
    let old = redis(format!("redis://127.0.0.1:{}", proxy.port)).timeout(timeout).breaker(3, pause);
    let direct = redis(old_server.url());
    direct.set("both", b"key", b"old", None).unwrap();
    let chain = Fallback::new((memcached(new_server.address()), old));
    proxy.delay(1000);
    chain.set("both", b"key", b"new", None).unwrap();
    proxy.delay(0);
    direct.set("both", b"key", b"old", None).unwrap();
    new_server.kill();
    assert!(chain.get("both", b"key").is_err());
    assert!(chain.get_many("both", &[b"key"]).is_err());
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
