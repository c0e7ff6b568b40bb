//! Leases: a result that was computed before a change is not stored after it, whatever the change is.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use functools::backend::{
    AsyncBackend, Backend, BackendError, ErrorKind, Lease, Lookup, Permission, Redis, redis_client,
};

use crate::contract::redis;
use crate::proxy::Proxy;
use crate::server::{REDIS, Server, block_on, limit};

const MINUTE: Duration = Duration::from_secs(60);

/// Returns the value that was found, and the lease.
pub(crate) fn leased(lookup: Lookup) -> (Option<Vec<u8>>, Lease) {
    let Permission::Leased(lease) = lookup.permission else { panic!("{:?}", lookup.permission) };
    (lookup.found.map(|found| found.value), lease)
}

macro_rules! leases {
    ($name:ident, $Backend:ident, [$($fn:tt)*] $($await:tt)*) => {
        #[allow(clippy::too_many_lines, reason = "one contract")]
        /// Checks the leases of a backend; the shortest time to live of a lease is `shortest`.
        pub(crate) $($fn)* $name<B: $Backend>(backend: &B, shortest: Duration) -> Result<(), BackendError> {
            let space = format!("leases::{}::{}", stringify!($name), std::any::type_name::<B>());
            backend.clear(&space)$($await)*?;

            // A miss gives a lease, and the result is stored by it, once.
            let (found, lease) = leased(backend.get_or_lease(&space, b"a", MINUTE.into())$($await)*?);
            assert!(found.is_none() && lease.is_new());
            assert_eq!(backend.get(&space, b"a")$($await)*?, None, "a lease is no entry");
            assert_eq!(backend.get_many(&space, &[b"a"])$($await)*?, [None]);
            let over = backend.set_leased(&space, b"a", &lease, b"1", Some(MINUTE))$($await)*?;
            let over = over.expect("no change came between");
            let stored = backend.get(&space, b"a")$($await)*?.unwrap();
            assert!(stored.value == b"1" && stored.ttl.is_some_and(|ttl| ttl <= MINUTE));
            assert!(backend.set_leased(&space, b"a", &lease, b"2", None)$($await)*?.is_none());
            // An entry gives one as well: the reader may find it too old.
            let (found, second) = leased(backend.get_or_lease(&space, b"a", MINUTE.into())$($await)*?);
            assert_eq!((found.as_deref(), second.is_new()), (Some(&b"1"[..]), false));
            assert_eq!(second.token(), over.token(), "the lease over what was set is that over what is found");
            assert!(backend.set_leased(&space, b"a", &second, b"3", None)$($await)*?.is_some());
            assert!(backend.set_leased(&space, b"a", &over, b"4", None)$($await)*?.is_none());
            let stored = backend.get(&space, b"a")$($await)*?.unwrap();
            assert_eq!((stored.value.as_slice(), stored.ttl), (&b"3"[..], None));

            // Two lookups share one lease; the first to store wins.
            let (_, one) = leased(backend.get_or_lease(&space, b"b", MINUTE.into())$($await)*?);
            let (found, other) = leased(backend.get_or_lease(&space, b"b", MINUTE.into())$($await)*?);
            assert!(found.is_none() && one.is_new() && !other.is_new());
            assert_eq!(one.token(), other.token());
            assert!(backend.set_leased(&space, b"b", &other, b"other", None)$($await)*?.is_some());
            assert!(backend.set_leased(&space, b"b", &one, b"one", None)$($await)*?.is_none());
            assert_eq!(backend.get(&space, b"b")$($await)*?.unwrap().value, b"other");

            // Each change ends the lease: of a lookup that found nothing, and of one that found an entry.
            for change in ["delete", "set", "put", "put and delete", "clear", "end", "add"] {
                for was_there in [false, true] {
                    let key = format!("{change} {was_there}").into_bytes();
                    if was_there {
                        backend.set(&space, &key, b"before", None)$($await)*?;
                    }
                    let (_, lease) = leased(backend.get_or_lease(&space, &key, MINUTE.into())$($await)*?);
                    let mut expected = None;
                    match change {
                        "delete" => assert_eq!(backend.delete(&space, &key)$($await)*?, was_there),
                        "set" => {
                            backend.set(&space, &key, b"changed", None)$($await)*?;
                            expected = Some(b"changed".to_vec());
                        }
                        "put" => {
                            let over = backend.put(&space, &key, b"changed", Some(MINUTE))$($await)*?;
                            let (found, again) = leased(backend.get_or_lease(&space, &key, MINUTE.into())$($await)*?);
                            assert_eq!(over.unwrap().token(), again.token());
                            assert!(found.is_some());
                            expected = found;
                        }
                        "put and delete" => {
                            backend.put(&space, &key, b"changed", None)$($await)*?;
                            assert!(backend.delete(&space, &key)$($await)*?);
                        }
                        "clear" => backend.clear(&space)$($await)*?,
                        "end" => {
                            backend.end_lease(&space, &key, &lease)$($await)*?;
                            // Once more: there is nothing to end.
                            backend.end_lease(&space, &key, &lease)$($await)*?;
                        }
                        _ => {
                            let is_added = backend.add(&space, &key, b"added", MINUTE)$($await)*?;
                            assert_eq!(is_added, !was_there, "a lease is no entry");
                            if was_there {
                                continue;
                            }
                            expected = Some(b"added".to_vec());
                        }
                    }
                    assert!(!backend.renew_lease(&space, &key, &lease, MINUTE)$($await)*?, "{change}");
                    let lost = backend.set_leased(&space, &key, &lease, b"computed before", None)$($await)*?;
                    assert!(lost.is_none(), "{change} {was_there}");
                    let found = backend.get(&space, &key)$($await)*?.map(|found| found.value);
                    assert_eq!(found, expected, "{change} {was_there}");
                }
            }

            // A lease that another lookup left after the change is another lease.
            let (_, old) = leased(backend.get_or_lease(&space, b"c", MINUTE.into())$($await)*?);
            backend.delete(&space, b"c")$($await)*?;
            let (_, new) = leased(backend.get_or_lease(&space, b"c", MINUTE.into())$($await)*?);
            assert!(old.is_new() && new.is_new() && old.token() != new.token());
            assert!(backend.set_leased(&space, b"c", &old, b"old", None)$($await)*?.is_none());
            backend.end_lease(&space, b"c", &old)$($await)*?;
            assert!(backend.set_leased(&space, b"c", &new, b"new", None)$($await)*?.is_some());

            // A lease expires, unless it is renewed.
            let (_, short) = leased(backend.get_or_lease(&space, b"d", shortest.into())$($await)*?);
            let (_, kept) = leased(backend.get_or_lease(&space, b"e", shortest.into())$($await)*?);
            assert!(backend.renew_lease(&space, b"e", &kept, MINUTE)$($await)*?);
            let begin = Instant::now();
            while backend.renew_lease(&space, b"d", &short, shortest)$($await)*? {
                // Renewed again and again it stays.
                if begin.elapsed() > shortest * 2 {
                    break;
                }
            }
            assert!(begin.elapsed() > shortest * 2, "the lease was lost after {:?}", begin.elapsed());
            let limit = Instant::now() + MINUTE;
            loop {
                assert!(Instant::now() < limit, "the lease does not expire");
                thread::sleep(shortest);
                let (_, next) = leased(backend.get_or_lease(&space, b"d", shortest.into())$($await)*?);
                if next.is_new() {
                    break;
                }
            }
            assert!(backend.set_leased(&space, b"d", &short, b"old", None)$($await)*?.is_none());
            assert!(backend.set_leased(&space, b"e", &kept, b"kept", None)$($await)*?.is_some());
            // The renewal of a lease over an entry does not change how long the entry is there.
            backend.set(&space, b"f", b"1", None)$($await)*?;
            let (_, lease) = leased(backend.get_or_lease(&space, b"f", MINUTE.into())$($await)*?);
            assert!(backend.renew_lease(&space, b"f", &lease, MINUTE)$($await)*?);
            assert_eq!(backend.get(&space, b"f")$($await)*?.unwrap().ttl, None);

            // The lease of one key is none of another, and foreign tokens are none at all.
            backend.set(&space, b"g", b"1", None)$($await)*?;
            for foreign in [lease, Lease::new(*b""), Lease::new(*b"token"), Lease::new([0; 64])] {
                assert!(backend.set_leased(&space, b"g", &foreign, b"2", None)$($await)*?.is_none());
                assert!(backend.set_leased(&space, b"nothing", &foreign, b"2", None)$($await)*?.is_none());
                assert!(!backend.renew_lease(&space, b"g", &foreign, MINUTE)$($await)*?);
                backend.end_lease(&space, b"g", &foreign)$($await)*?;
            }
            assert_eq!(backend.get(&space, b"g")$($await)*?.unwrap().value, b"1");
            assert_eq!(backend.get(&space, b"nothing")$($await)*?, None);
            backend.clear(&space)$($await)*
        }
    };
}

leases! { leases, Backend, [fn] }
leases! { leases_async, AsyncBackend, [async fn] .await }

/// The shortest lease that is tried: long enough for a busy machine to renew it.
pub(crate) const SHORTEST: Duration = Duration::from_millis(400);

#[test]
fn redis_gives_leases() {
    let _limit = limit();
    leases(&redis(REDIS.url()), SHORTEST).unwrap();
    block_on(leases_async(&redis(REDIS.url()), SHORTEST)).unwrap();
}

/// A proxy to a server that does not know `SET … NX GET`.
fn old_server(port: u16) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            let (mut client_writes, mut server_reads) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut server_reads, &mut client_writes));
            thread::spawn(move || {
                let (mut client, mut server, mut bytes) = (client, server, vec![0; 1 << 16]);
                while let Ok(read @ 1..) = client.read(&mut bytes) {
                    let option = b"NX\r\n$3\r\nGET\r\n";
                    while let Some(at) = bytes[..read].windows(option.len()).position(|it| it == option) {
                        bytes[at + 8..at + 11].copy_from_slice(b"GOT");
                    }
                    if server.write_all(&bytes[..read]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    url
}

#[test]
fn redis_before_7_gives_leases() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let url = old_server(server.port);
    leases(&redis(&url), SHORTEST).unwrap();
    block_on(leases_async(&redis(&url), SHORTEST)).unwrap();
    // It is found out once.
    let backend = redis(&url);
    for n in 0..10_u8 {
        leased(backend_lookup(&backend, &[n]));
    }
    let stats = server.says("INFO commandstats\r\nPING\r\n", "+PONG\r\n");
    let refused = stats.lines().find_map(|line| line.strip_prefix("cmdstat_set:"));
    let rejected = refused.and_then(|line| line.split("failed_calls=").nth(1)?.trim().parse::<u64>().ok());
    assert!(rejected.is_some_and(|rejected| rejected <= 3), "{refused:?}");
}

fn backend_lookup(backend: &Redis, key: &[u8]) -> Lookup {
    Backend::get_or_lease(backend, "n", key, MINUTE.into()).unwrap()
}

#[test]
fn a_lookup_is_one_round_trip() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let proxy = Proxy::to(server.port);
    let backend = redis(format!("redis://127.0.0.1:{}/", proxy.port));
    let (_, first) = leased(backend_lookup(&backend, b"first"));
    Backend::set_leased(&backend, "n", b"first", &first, b"1", None).unwrap().unwrap();
    let (before, at_first) = (proxy.requests(), server.says("INFO persistence\r\nPING\r\n", "+PONG\r\n"));
    for _ in 0..100 {
        assert!(leased(backend_lookup(&backend, b"first")).0.is_some());
    }
    assert_eq!(proxy.requests() - before, 100);
    let changed = |info: &str| info.lines().find(|line| line.starts_with("rdb_changes")).map(str::to_owned);
    let after = server.says("INFO persistence\r\nPING\r\n", "+PONG\r\n");
    assert_eq!(changed(&after), changed(&at_first), "a hit changes nothing");
    // A miss is a lookup and a store.
    let before = proxy.requests();
    for n in 0..100_u8 {
        let (_, lease) = leased(backend_lookup(&backend, &[n]));
        Backend::set_leased(&backend, "n", &[n], &lease, b"1", None).unwrap().unwrap();
    }
    assert_eq!(proxy.requests() - before, 200);
}

#[test]
fn a_lease_ends_with_the_server_that_gave_it() {
    let _limit = limit();
    let mut server = Server::redis(&[]);
    let backend = redis(server.url());
    for _ in 0..2 {
        let (_, one) = leased(backend_lookup(&backend, b"1"));
        let (_, two) = leased(backend_lookup(&backend, b"2"));
        server.kill();
        server.restart();
        // The first request finds the connection closed, and is sent again.
        let (_, next) = leased(backend_lookup(&backend, b"2"));
        assert!(next.is_new());
        for (key, old) in [(b"1", &one), (b"2", &two)] {
            assert!(Backend::set_leased(&backend, "n", key, old, b"old", None).unwrap().is_none());
            assert!(!Backend::renew_lease(&backend, "n", key, old, MINUTE).unwrap());
        }
        // A new lease is as good as any, with the scripts that the new server does not have yet.
        let (_, next) = leased(backend_lookup(&backend, b"2"));
        assert!(Backend::set_leased(&backend, "n", b"2", &next, b"new", None).unwrap().is_some());
        assert_eq!(Backend::get(&backend, "n", b"2").unwrap().unwrap().value, b"new");
        assert!(Backend::delete(&backend, "n", b"2").unwrap());
    }
    block_on(async {
        let (_, old) = leased(AsyncBackend::get_or_lease(&backend, "n", b"3", MINUTE.into()).await.unwrap());
        server.kill();
        server.restart();
        assert!(AsyncBackend::set_leased(&backend, "n", b"3", &old, b"old", None).await.unwrap().is_none());
        assert_eq!(AsyncBackend::get(&backend, "n", b"3").await.unwrap(), None);
    });
}

#[test]
fn a_lease_ends_when_an_answer_is_late() {
    let _limit = limit();
    let proxy = Proxy::to(REDIS.port);
    let backend = functools::backend::redis(format!("redis://127.0.0.1:{}/", proxy.port));
    let (_, lease) = leased(backend_lookup(&backend, b"late"));
    proxy.delay(2000);
    assert_eq!(Backend::get(&backend, "n", b"other").unwrap_err().kind(), ErrorKind::Timeout);
    proxy.delay(0);
    assert!(Backend::set_leased(&backend, "n", b"late", &lease, b"old", None).unwrap().is_none());
    Backend::clear(&backend, "n").unwrap();
}

#[test]
fn what_is_no_item_is_a_miss_and_is_replaced() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let backend = redis(server.url());
    let mut by_hand = redis_client::Client::open(server.url()).unwrap().get_connection().unwrap();
    let long = [b'V'; 16];
    let foreign: [(&str, &[u8]); 8] = [
        ("SET", b"foreign"),
        ("SET", b""),
        ("SET", b"V"),
        ("SET", &long),
        ("SET", b"\xF7\x01an envelope of an older release"),
        ("SET", b"L123456789abcdefg and more"),
        ("LPUSH", b"element"),
        ("SADD", b"member"),
    ];
    for (command, value) in foreign {
        for change in [false, true] {
            let () = redis_client::cmd("DEL").arg("1:n:key").query(&mut by_hand).unwrap();
            let () = redis_client::cmd(command).arg("1:n:key").arg(value).query(&mut by_hand).unwrap();
            assert_eq!(Backend::get(&backend, "n", b"key").unwrap(), None, "{command} {value:?}");
            let (found, lease) = leased(backend_lookup(&backend, b"key"));
            assert_eq!(found, None, "{command} {value:?}");
            if change {
                Backend::delete(&backend, "n", b"key").unwrap();
            }
            let stored = Backend::set_leased(&backend, "n", b"key", &lease, b"mine", None).unwrap();
            assert_eq!(stored.is_some(), !change, "{command} {value:?}");
            let found = Backend::get(&backend, "n", b"key").unwrap().map(|found| found.value);
            assert_eq!(found, (!change).then(|| b"mine".to_vec()));
        }
        // A type that changes to another is a change.
        let (_, lease) = leased(backend_lookup(&backend, b"key"));
        let () = redis_client::cmd("DEL").arg("1:n:key").query(&mut by_hand).unwrap();
        let () = redis_client::cmd("LPUSH").arg("1:n:key").arg(value).query(&mut by_hand).unwrap();
        assert!(Backend::set_leased(&backend, "n", b"key", &lease, b"old", None).unwrap().is_none());
    }
}

/// Checks that lookups of a server that refuses to write find what is there, and give no lease.
fn is_read_only(backend: &Redis, refused: ErrorKind) {
    for _ in 0..10 {
        let there = backend_lookup(backend, b"there");
        assert_eq!((there.found.unwrap().value, there.permission), (b"1".to_vec(), Permission::Denied));
        assert_eq!(backend_lookup(backend, b"nothing"), Lookup::new(None).permission(Permission::Denied));
        block_on(async {
            let there = AsyncBackend::get_or_lease(backend, "n", b"there", MINUTE.into()).await.unwrap();
            assert_eq!((there.found.unwrap().value, there.permission), (b"1".to_vec(), Permission::Denied));
        });
        let error = Backend::set(backend, "n", b"nothing", b"2", None).unwrap_err();
        assert_eq!(error.kind(), refused, "the circuit breaker stays closed");
    }
}

#[test]
fn a_full_server_answers_and_gives_no_leases() {
    let _limit = limit();
    let server = Server::redis(&["--maxmemory-policy", "noeviction"]);
    let backend = redis(server.url());
    Backend::set(&backend, "n", b"there", b"1", None).unwrap();
    let (_, lease) = leased(backend_lookup(&backend, b"before"));
    assert_eq!(server.says("CONFIG SET maxmemory 1\r\n", "\r\n"), "+OK\r\n");
    is_read_only(&backend, ErrorKind::Rejected);
    let error = Backend::set_leased(&backend, "n", b"before", &lease, b"1", None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    // Removals work, and end the lease.
    assert!(Backend::delete(&backend, "n", b"there").unwrap());
    assert!(!Backend::delete(&backend, "n", b"before").unwrap());
    Backend::clear(&backend, "n").unwrap();
    assert_eq!(server.says("CONFIG SET maxmemory 0\r\n", "\r\n"), "+OK\r\n");
    assert!(Backend::set_leased(&backend, "n", b"before", &lease, b"1", None).unwrap().is_none());
}

#[test]
fn a_replica_answers_and_gives_no_leases() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let backend = redis(server.url());
    Backend::set(&backend, "n", b"there", b"1", None).unwrap();
    assert_eq!(server.says("REPLICAOF 127.0.0.1 1\r\n", "\r\n"), "+OK\r\n");
    let connections = || {
        let info = server.says("INFO stats\r\nPING\r\n", "+PONG\r\n");
        let count = info.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        count.unwrap().parse::<u64>().unwrap()
    };
    let before = connections();
    is_read_only(&backend, ErrorKind::Unavailable);
    // Each block of async calls has a runtime of its own.
    assert!(connections() - before < 30, "{}", connections() - before);
    assert_eq!(server.says("REPLICAOF NO ONE\r\n", "\r\n"), "+OK\r\n");
    leases(&backend, SHORTEST).unwrap();
}

#[test]
fn a_user_who_may_only_read_gets_no_leases() {
    let _limit = limit();
    let server = Server::redis(&[]);
    Backend::set(&redis(server.url()), "n", b"there", b"1", None).unwrap();
    let set = server.says("ACL SETUSER reader on >pw ~* &* +@read +@connection\r\n", "\r\n");
    assert_eq!(set, "+OK\r\n");
    is_read_only(&redis(server.url().replace("redis://", "redis://reader:pw@")), ErrorKind::Rejected);
}

#[test]
fn the_server_keeps_the_scripts() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let backend = redis(server.url());
    leases(&backend, SHORTEST).unwrap();
    server.says("LPUSH 1:n:list element\r\nCONFIG RESETSTAT\r\n", "+OK\r\n");
    leased(backend_lookup(&backend, b"list"));
    leases(&backend, SHORTEST).unwrap();
    let stats = server.says("INFO commandstats\r\nPING\r\n", "+PONG\r\n");
    let calls = |name: &str| {
        let line = stats
            .lines()
            .find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")))
            .unwrap_or("0");
        line.split(',').next().unwrap().parse::<u64>().unwrap()
    };
    assert!(calls("evalsha") > 50 && calls("eval") <= 1, "{stats}");
}
