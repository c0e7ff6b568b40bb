//! Leases of Memcached: a result computed before a change is not stored after it.

use std::time::{Duration, Instant};

use functools::backend::{
    self, AsyncBackend, Backend, BackendError, Lease, Leases, Lookup, Memcached, Permission, Stored,
};

use crate::proxy::Proxy;
use crate::server::{MEMCACHED, Server, block_on, eventually, limit};

const MINUTE: Duration = Duration::from_secs(60);

/// Answers are awaited longer than in a service, even by a busy machine.
fn memcached(address: impl Into<String>) -> Memcached {
    backend::memcached(address).connect_timeout(MINUTE).timeout(MINUTE)
}

fn lease(lookup: &Lookup) -> Lease {
    match &lookup.permission {
        Permission::Leased(lease) => lease.clone(),
        other => panic!("a lookup gives a lease: {other:?}"),
    }
}

fn value(found: Option<Stored>) -> Option<Vec<u8>> {
    found.map(|found| found.value)
}

macro_rules! lease_contract {
    ($name:ident, $Backend:ident, [$($fn:tt)*] $($await:tt)*) => {
        pub(crate) $($fn)* $name<B: $Backend + Leases>(backend: &B, other: &B) -> Result<(), BackendError> {
            let space = format!("leases::{}::{}", stringify!($name), std::any::type_name::<B>());
            backend.clear(&space)$($await)*?;

            // The first lookup leaves the lease, and others find it.
            let first = backend.get_or_lease(&space, b"key", MINUTE)$($await)*?;
            let second = other.get_or_lease(&space, b"key", MINUTE)$($await)*?;
            assert_eq!((&first.found, &second.found), (&None, &None));
            assert!(lease(&first).is_new() && !lease(&second).is_new());
            assert_eq!(backend.get(&space, b"key")$($await)*?, None);
            assert_eq!(backend.get_many(&space, &[b"key"])$($await)*?, [None]);
            assert!(!backend.delete(&space, b"none")$($await)*?);
            let stored = other.set_leased(&space, b"key", &lease(&second), b"1", None)$($await)*?.unwrap();
            assert_eq!(value(backend.get(&space, b"key")$($await)*?), Some(b"1".to_vec()));
            assert_eq!(backend.set_leased(&space, b"key", &lease(&first), b"2", None)$($await)*?, None);

            // The lease over the new entry, and the one that a lookup of the entry gives, replace it once.
            let found = backend.get_or_lease(&space, b"key", MINUTE)$($await)*?;
            assert_eq!(value(found.found.clone()), Some(b"1".to_vec()));
            assert!(!lease(&found).is_new());
            assert!(other.set_leased(&space, b"key", &stored, b"2", Some(MINUTE))$($await)*?.is_some());
            assert_eq!(backend.set_leased(&space, b"key", &lease(&found), b"3", None)$($await)*?, None);
            assert_eq!(value(backend.get(&space, b"key")$($await)*?), Some(b"2".to_vec()));

            // A change ends the lease, whether an entry or a lease was there.
            for is_there in [false, true] {
                for change in ["put", "set", "delete", "clear", "end_lease", "set_leased"] {
                    if is_there {
                        backend.set(&space, b"changed", b"old", None)$($await)*?;
                    } else {
                        backend.delete(&space, b"changed")$($await)*?;
                    }
                    let before = backend.get_or_lease(&space, b"changed", MINUTE)$($await)*?;
                    let before = lease(&before);
                    assert_eq!(before.is_new(), !is_there);
                    let mut after = None;
                    match change {
                        "put" => after = other.put(&space, b"changed", b"new", None)$($await)*?,
                        "set" => other.set(&space, b"changed", b"new", None)$($await)*?,
                        "set_leased" => {
                            after = other.set_leased(&space, b"changed", &before, b"new", None)$($await)*?;
                            assert!(after.is_some());
                        }
                        "delete" => assert_eq!(other.delete(&space, b"changed")$($await)*?, is_there),
                        "end_lease" => other.end_lease(&space, b"changed", &before)$($await)*?,
                        _ => other.clear(&space)$($await)*?,
                    }
                    let now = value(backend.get(&space, b"changed")$($await)*?);
                    assert_eq!(now.is_some(), change.contains("et_leased") || change == "set" || change == "put");
                    assert!(!backend.renew_lease(&space, b"changed", &before, MINUTE)$($await)*?, "{change}");
                    let stale = backend.set_leased(&space, b"changed", &before, b"stale", None)$($await)*?;
                    assert_eq!(stale, None, "{change}, {is_there}");
                    assert_eq!(value(backend.get(&space, b"changed")$($await)*?), now, "{change}, {is_there}");
                    backend.end_lease(&space, b"changed", &before)$($await)*?;
                    assert_eq!(value(backend.get(&space, b"changed")$($await)*?), now, "{change}, {is_there}");
                    if let Some(after) = after {
                        assert!(!after.is_new());
                        assert!(backend.renew_lease(&space, b"changed", &after, MINUTE)$($await)*?);
                        assert!(backend.set_leased(&space, b"changed", &after, b"newer", None)$($await)*?.is_some());
                    }
                }
            }

            // What was cleared has a winner: one lookup leaves the lease.
            backend.set(&space, b"cleared", b"old", None)$($await)*?;
            backend.clear(&space)$($await)*?;
            let looks = [
                backend.get_or_lease(&space, b"cleared", MINUTE)$($await)*?,
                other.get_or_lease(&space, b"cleared", MINUTE)$($await)*?,
                backend.get_or_lease(&space, b"cleared", MINUTE)$($await)*?,
            ];
            assert_eq!([true, false, false], [0, 1, 2].map(|n| lease(&looks[n]).is_new()));
            assert!(backend.set_leased(&space, b"cleared", &lease(&looks[2]), b"new", None)$($await)*?.is_some());
            assert_eq!(value(other.get(&space, b"cleared")$($await)*?), Some(b"new".to_vec()));

            // A lease that was not extended expires, and the next lookup leaves another.
            let second = Duration::from_secs(1);
            let (short, long) = (
                lease(&backend.get_or_lease(&space, b"short", second)$($await)*?),
                lease(&backend.get_or_lease(&space, b"long", second)$($await)*?),
            );
            assert!(other.renew_lease(&space, b"long", &long, MINUTE)$($await)*?);
            let begin = Instant::now();
            while !lease(&backend.get_or_lease(&space, b"short", second)$($await)*?).is_new() {
                assert!(begin.elapsed() < Duration::from_secs(20), "the lease does not expire");
            }
            assert!(begin.elapsed() > Duration::from_millis(900), "{:?}", begin.elapsed());
            assert_eq!(backend.set_leased(&space, b"short", &short, b"late", None)$($await)*?, None);
            assert!(backend.set_leased(&space, b"long", &long, b"in time", None)$($await)*?.is_some());

            // Extending a lease that is lost leaves the time of the entry in its place as it is.
            let lost = lease(&backend.get_or_lease(&space, b"lost", second)$($await)*?);
            other.set(&space, b"lost", b"for ever", None)$($await)*?;
            assert!(!backend.renew_lease(&space, b"lost", &lost, second)$($await)*?);
            assert_eq!(backend.get(&space, b"lost")$($await)*?, Some(Stored::new(b"for ever")));
            backend.clear(&space)$($await)*
        }
    };
}

lease_contract! { keeps, Backend, [fn] }
lease_contract! { keeps_async, AsyncBackend, [async fn] .await }

#[test]
fn leases_are_kept() {
    let _limit = limit();
    let (one, two) = (memcached(MEMCACHED.address()), memcached(format!("localhost:{}", MEMCACHED.port)));
    keeps(&one, &one).unwrap();
    block_on(keeps_async(&one, &one)).unwrap();
    // A lease belongs to the client that gave it.
    let lookup = Backend::get_or_lease(&one, "own", b"key", MINUTE).unwrap();
    assert_eq!(Backend::set_leased(&two, "own", b"key", &lease(&lookup), b"1", None).unwrap(), None);
    let over = block_on(AsyncBackend::set_leased(&one, "own", b"key", &lease(&lookup), b"1", None)).unwrap();
    assert!(over.is_some(), "blocking and async calls share leases");
}

#[test]
fn one_of_many_lookups_wins() {
    let _limit = limit();
    let backend = memcached(MEMCACHED.address());
    for round in 0..20_u8 {
        for is_cleared in [false, true] {
            if is_cleared {
                // An item of a generation that is gone.
                Backend::set(&backend, "winner", &[round], b"old", None).unwrap();
                Backend::clear(&backend, "winner").unwrap();
            }
            let winners = std::thread::scope(|scope| {
                let looks = [(); 8].map(|()| {
                    scope.spawn(|| {
                        let lookup = Backend::get_or_lease(&backend, "winner", &[round], MINUTE).unwrap();
                        assert_eq!(lookup.found, None);
                        usize::from(lease(&lookup).is_new())
                    })
                });
                looks.into_iter().map(|look| look.join().unwrap()).sum::<usize>()
            });
            assert_eq!(winners, 1, "{round}, {is_cleared}");
        }
    }
}

#[test]
fn a_lookup_is_one_round_trip_and_so_is_a_store() {
    let _limit = limit();
    let proxy = Proxy::to(MEMCACHED.port);
    let backend = memcached(format!("127.0.0.1:{}", proxy.port));
    Backend::set(&backend, "trips", b"any", b"1", None).unwrap();
    let before = proxy.requests();
    let lookup = Backend::get_or_lease(&backend, "trips", b"key", MINUTE).unwrap();
    assert_eq!(proxy.requests() - before, 1);
    Backend::set_leased(&backend, "trips", b"key", &lease(&lookup), b"1", None).unwrap().unwrap();
    assert_eq!(proxy.requests() - before, 2);
    let lookup = Backend::get_or_lease(&backend, "trips", b"key", MINUTE).unwrap();
    assert_eq!((value(lookup.found), proxy.requests() - before), (Some(b"1".to_vec()), 3));
}

#[test]
fn a_restart_ends_all_leases() {
    let _limit = limit();
    let mut server = Server::memcached(&[]);
    let backend = memcached(server.address());
    for n in 0..4 {
        // The versions of the server begin at one again, so those of leases before and after the restart are equal.
        let before = lease(&Backend::get_or_lease(&backend, "restart", b"key", MINUTE).unwrap());
        server.kill();
        if n == 3 {
            assert!(Backend::set_leased(&backend, "restart", b"key", &before, b"stale", None).is_err());
        }
        server.restart();
        let other = memcached(format!("localhost:{}", server.port));
        let after = lease(&Backend::get_or_lease(&other, "restart", b"key", MINUTE).unwrap());
        assert!(after.is_new());
        // The client does not know of the restart yet, or it does.
        if n == 1 {
            assert_eq!(Backend::get(&backend, "restart", b"key").unwrap(), None);
        }
        let stale = if n == 2 {
            block_on(AsyncBackend::set_leased(&backend, "restart", b"key", &before, b"stale", None))
        } else {
            Backend::set_leased(&backend, "restart", b"key", &before, b"stale", None)
        };
        assert_eq!(stale.unwrap(), None, "{n}");
        assert_eq!(Backend::get(&other, "restart", b"key").unwrap(), None, "{n}");
        eventually("the next lookup", || Backend::get_or_lease(&backend, "restart", b"next", MINUTE).is_ok());
    }
}

#[test]
fn a_store_by_a_version_that_was_counted_again_is_found_by_no_lookup() {
    let _limit = limit();
    let mut server = Server::memcached(&[]);
    let backend = memcached(server.address());
    // The connection of the async lookup ends with its runtime, so no connection is lost when the server is restarted.
    let before = lease(&block_on(AsyncBackend::get_or_lease(&backend, "again", b"key", MINUTE)).unwrap());
    server.kill();
    server.restart();
    let other = memcached(format!("localhost:{}", server.port));
    let after = lease(&Backend::get_or_lease(&other, "again", b"key", MINUTE).unwrap());
    assert!(after.is_new());
    let stale = block_on(AsyncBackend::set_leased(&backend, "again", b"key", &before, b"stale", None));
    assert_eq!(stale.unwrap(), None);
    assert_eq!(Backend::get(&other, "again", b"key").unwrap(), None);
    assert_eq!(Backend::get_or_lease(&backend, "again", b"key", MINUTE).unwrap().found, None);
}
