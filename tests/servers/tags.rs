//! Tags and dependencies in backends: the nonces of tags, round trips, and what other processes are told.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use functools::backend::{
    AsyncBackend, Backend, BackendError, CircuitBreaker, Fallback, Layered, Lease, Lookup, Memcached,
    Permission, Redis, Sharded, TAGS, TagKey, TagNonce, disk, memory,
};
use functools::{Tag, depends_on, invalidate, lru_cache, tag};

use crate::contract::{memcached, redis};
use crate::files::Folder;
use crate::proxy::Proxy;
use crate::server::{Server, block_on, eventually, limit};

/// Held by each test: an invalidation reaches the backends of all.
static ALONE: Mutex<()> = Mutex::new(());

const MINUTE: Duration = Duration::from_secs(60);

fn lease_of(lookup: &Lookup) -> Lease {
    match &lookup.permission {
        Permission::Leased(lease) => lease.clone(),
        other => panic!("expected a lease, got {other:?}"),
    }
}

/// Returns a value that notes these tags.
fn noting(noted: &[(TagKey, TagNonce)]) -> Vec<u8> {
    let mut value = vec![0xF8, 1, u8::try_from(noted.len()).unwrap(), 0, 0, 0, 0, 0];
    for (tag, nonce) in noted {
        value.extend(tag.bytes());
        value.extend(nonce.bytes());
    }
    value
}

macro_rules! contract {
    ($name:ident, $Backend:ident, [$($fn:tt)*] $($await:tt)*) => {
        $($fn)* $name<B: $Backend>(backend: &B) -> Result<(), BackendError> {
            static NUMBER: AtomicU64 = AtomicU64::new(0);
            let key = format!("{} {}", std::any::type_name::<B>(), NUMBER.fetch_add(1, SeqCst));
            let tags = [1, 2, 3].map(|number| TagKey::from(tag("contract", (&key, number))));
            let (space, key, [one, two, three]) = ("tags contract", key.as_bytes(), tags);
            backend.delete(space, key)$($await)*?;
            backend.invalidate_tags(&tags)$($await)*?;
            assert_eq!(backend.tag_nonces(&tags, None)$($await)*?.into_iter().count(), 0);

            // A lookup creates those that it is asked for.
            let looked = backend.get_or_lease_tagged(space, key, MINUTE.into(), &[one, two], MINUTE)$($await)*?;
            let lease = lease_of(&looked.lookup);
            assert!(lease.is_new() && looked.lookup.found.is_none());
            let of = |tag| looked.nonces.get(tag).unwrap();
            assert_ne!(of(one), of(two));
            assert_eq!(looked.nonces.get(three), None);
            let third = backend.tag_nonces(&[three], Some(MINUTE))$($await)*?.get(three).unwrap();
            let value = noting(&[(two, of(two)), (three, third)]);
            assert!(backend.set_leased(space, key, &lease, &value, Some(MINUTE))$($await)*?.is_some());

            // Later ones find them, and those that the entry notes.
            for asked in [&[one, two][..], &[one], &[]] {
                let found = backend.get_or_lease_tagged(space, key, MINUTE.into(), asked, MINUTE)$($await)*?;
                let stored = found.lookup.found.as_ref().unwrap();
                assert_eq!(stored.value, value);
                assert!(stored.ttl.is_none_or(|ttl| ttl <= MINUTE && ttl > MINUTE / 2));
                assert!(!lease_of(&found.lookup).is_new());
                assert_eq!(found.nonces.get(one), asked.contains(&one).then(|| of(one)));
                assert_eq!((found.nonces.get(two), found.nonces.get(three)), (Some(of(two)), Some(third)));
            }
            let now = backend.tag_nonces(&tags, Some(MINUTE))$($await)*?;
            assert_eq!(tags.map(|tag| now.get(tag)), [Some(of(one)), Some(of(two)), Some(third)]);

            // What is invalidated is never there again.
            backend.invalidate_tags(&[one, three])$($await)*?;
            let now = backend.tag_nonces(&tags, None)$($await)*?;
            assert_eq!(tags.map(|tag| now.get(tag)), [None, Some(of(two)), None]);
            let found = backend.get_or_lease_tagged(space, key, MINUTE.into(), &[one], MINUTE)$($await)*?;
            assert_ne!((found.nonces.get(one), found.nonces.get(one)), (Some(of(one)), None));
            assert_ne!(found.nonces.get(three), Some(third));
            assert_eq!(found.nonces.get(two), Some(of(two)));
            // A lease over what was found stands.
            let lease = lease_of(&found.lookup);
            assert!(backend.set_leased(space, key, &lease, b"no tags", None)$($await)*?.is_some());
            let found = backend.get_or_lease_tagged(space, key, MINUTE.into(), &[two], MINUTE)$($await)*?;
            assert_eq!(found.lookup.found.unwrap().value, b"no tags");
            // A value that ends within its header.
            for length in 0..30 {
                backend.set(space, key, &value[..length], None)$($await)*?;
                let found = backend.get_or_lease_tagged(space, key, MINUTE.into(), &[two], MINUTE)$($await)*?;
                assert_eq!(found.lookup.found.unwrap().value, &value[..length]);
                assert_eq!(found.nonces.get(two), Some(of(two)));
            }
            backend.clear(TAGS)$($await)*?;
            assert_eq!(backend.tag_nonces(&tags, None)$($await)*?.into_iter().count(), 0);
            backend.clear(space)$($await)*
        }
    };
}

contract! { keeps, Backend, [fn] }
contract! { keeps_async, AsyncBackend, [async fn] .await }

fn keeps_both<B: Backend + AsyncBackend>(backend: &B) {
    keeps(backend).unwrap();
    block_on(keeps_async(backend)).unwrap();
}

#[test]
fn every_backend_has_nonces() {
    let _limit = limit();
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Folder::new("tags");
    // It removes the nonces of all: these servers have no other tests.
    let (redis_server, memcached_server) = (Server::redis(&[]), Server::memcached(&[]));
    let (redis, memcached) = (redis(redis_server.url()), memcached(memcached_server.address()));
    let near = || memory(1 << 20);
    keeps_both(&redis);
    keeps_both(&memcached);
    keeps_both(&disk(folder.path("tags.redb")));
    keeps_both(&near());
    keeps_both(&CircuitBreaker::new(near()));
    keeps_both(&Sharded::new([near(), near(), near()]));
    keeps_both(&Fallback::new((near(), near())));
    keeps_both(&Fallback::new((redis, near())));
    keeps_both(&Layered::new((near(), memcached)));
}

/// What another process does.
fn invalidated(backend: &impl Backend, tag: Tag) {
    backend.invalidate_tags(&[TagKey::ANY, tag.into()]).unwrap();
}

macro_rules! reading {
    ($store:ident, $cost:expr) => {
        static RUNS: AtomicU64 = AtomicU64::new(0);

        #[lru_cache(maxsize = 0, backend = &*$store, tags = |n| [tag("one", n), tag("two", n)])]
        fn by_arguments(n: u64) -> u64 {
            n + 1000 * RUNS.fetch_add(1, SeqCst)
        }

        #[lru_cache(maxsize = 0, backend = &*$store, tags = |n, _| [tag("one", n), tag("two", n)])]
        fn by_value(n: u64) -> u64 {
            n + 1000 * RUNS.fetch_add(1, SeqCst)
        }

        #[lru_cache(maxsize = 0, backend = &*$store, depends = true)]
        fn dependent(n: u64) -> u64 {
            depends_on(tag("own", n));
            by_arguments(n) + by_value(n)
        }

        let costs: [(&str, fn(u64) -> u64, u64); 3] = $cost;
        for (name, read, most) in costs {
            let (first, before) = (read(1), PROXY.requests());
            for _ in 0..100 {
                assert_eq!(read(1), first, "{name}");
            }
            let took = PROXY.requests() - before;
            assert!(took <= most * 100, "{name}: {took}");
            for tag in [tag("one", 1), tag("two", 1)] {
                let before = read(1);
                invalidated(&*$store, tag);
                assert_ne!(read(1), before, "{name}, {tag:?}");
                let now = read(1);
                invalidated(&*$store, self::tag("one", 2));
                assert_eq!(read(1), now, "{name}: another value");
                invalidate(tag).unwrap();
                assert_ne!(read(1), now, "{name}, {tag:?}");
            }
        }
    };
}

#[test]
fn a_hit_with_two_tags_is_one_round_trip_to_redis() {
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    static PROXY: LazyLock<Proxy> = LazyLock::new(|| Proxy::to(SERVER.port));
    static STORE: LazyLock<Redis> = LazyLock::new(|| redis(format!("redis://127.0.0.1:{}/", PROXY.port)));
    let _limit = limit();
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    reading! { STORE, [("by arguments", by_arguments, 1), ("by value", by_value, 1), ("dependent", dependent, 1)] }
}

#[test]
fn a_hit_with_tags_by_arguments_is_one_round_trip_to_memcached() {
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::memcached(&[]));
    static PROXY: LazyLock<Proxy> = LazyLock::new(|| Proxy::to(SERVER.port));
    static STORE: LazyLock<Memcached> = LazyLock::new(|| memcached(format!("127.0.0.1:{}", PROXY.port)));
    let _limit = limit();
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    reading! { STORE, [("by arguments", by_arguments, 1), ("by value", by_value, 2), ("dependent", dependent, 2)] }
}

#[test]
fn nonces_survive_neither_a_restart_nor_a_flush_and_nothing_is_served_without() {
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    static STORE: LazyLock<Redis> = LazyLock::new(|| redis(SERVER.url()));
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(maxsize = 0, backend = &*STORE, tags = |n| [tag("flushed", n)])]
    fn number(n: u64) -> u64 {
        n + 1000 * RUNS.fetch_add(1, SeqCst)
    }

    let _limit = limit();
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!((number(1), number(1)), (1, 1));
    Backend::clear(&*STORE, TAGS).unwrap();
    assert_eq!((number(1), number(1)), (1001, 1001));
    SERVER.says("FLUSHALL\r\n", "+OK\r\n");
    assert_eq!((number(1), number(1)), (2001, 2001));
    // A key of another type in the place of a nonce is replaced.
    let key = format!("{}:{TAGS}:", TAGS.len());
    let key = [key.as_bytes(), &TagKey::from(tag("flushed", 1)).bytes()].concat();
    let name = key.escape_ascii().to_string();
    SERVER.says(&format!("DEL \"{name}\"\r\n"), ":1\r\n");
    SERVER.says(&format!("LPUSH \"{name}\" 1\r\n"), ":1\r\n");
    assert_eq!((number(1), number(1)), (3001, 3001));
    // The server is full: what is there is found, and nothing fails.
    SERVER.says("CONFIG SET maxmemory 1\r\n", "+OK\r\n");
    assert_eq!((number(1), number(1)), (3001, 3001));
    invalidate(tag("flushed", 1)).unwrap();
    assert_eq!((number(1), number(1)), (4001, 5001));
    SERVER.says("CONFIG SET maxmemory 0\r\n", "+OK\r\n");
    assert_eq!((number(1), number(1)), (6001, 6001));
}

#[test]
fn copies_in_other_processes_are_dropped_when_the_server_reports_that_a_tag_was_invalidated() {
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    static STORE: LazyLock<Redis> = LazyLock::new(|| redis(SERVER.url()));
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(backend = &*STORE, tags = |n| [tag("pushed", n)])]
    fn number(n: u64) -> u64 {
        n + 1000 * RUNS.fetch_add(1, SeqCst)
    }

    #[lru_cache(backend = &*STORE, depends = true)]
    fn dependent(n: u64) -> u64 {
        number(n)
    }

    let _limit = limit();
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let other = redis(SERVER.url()).key_prefix("");
    // The listener is connected once a change of another process is noticed, and a copy stays.
    eventually("it listens", || {
        let before = dependent(1);
        invalidated(&other, tag("pushed", 1));
        let deadline = std::time::Instant::now() + Duration::from_millis(200);
        while std::time::Instant::now() < deadline {
            if dependent(1) != before {
                return true;
            }
        }
        false
    });
    let copied = || {
        let hits = number::cache_info().hits + dependent::cache_info().hits;
        (number(1), dependent(1));
        number::cache_info().hits + dependent::cache_info().hits == hits + 2
    };
    eventually("a copy", copied);
    let before = (number(1), dependent(1));
    invalidated(&other, tag("pushed", 1));
    eventually("dropped", || number(1) != before.0 && dependent(1) != before.1);
    eventually("a copy", copied);
    // All nonces are gone.
    let before = (number(1), dependent(1));
    SERVER.says("FLUSHALL\r\n", "+OK\r\n");
    eventually("dropped", || number(1) != before.0 && dependent(1) != before.1);
}
