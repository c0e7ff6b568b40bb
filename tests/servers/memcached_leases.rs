//! Leases of Memcached: a result computed before a change is not stored after it.

use std::time::Duration;

use functools::backend::{self, AsyncBackend, Backend, Lease, Lookup, Memcached, Stored};

use crate::leases::{SHORTEST, leased, leases, leases_async};
use crate::proxy::Proxy;
use crate::server::{MEMCACHED, Server, block_on, eventually, limit};

const MINUTE: Duration = Duration::from_secs(60);

/// Answers are awaited longer than in a service, even by a busy machine.
fn memcached(address: impl Into<String>) -> Memcached {
    backend::memcached(address).connect_timeout(MINUTE).timeout(MINUTE)
}

fn lease(lookup: &Lookup) -> Lease {
    leased(lookup.clone()).1
}

fn value(found: Option<Stored>) -> Option<Vec<u8>> {
    found.map(|found| found.value)
}

#[test]
fn leases_are_kept() {
    let _limit = limit();
    let (one, two) = (memcached(MEMCACHED.address()), memcached(format!("localhost:{}", MEMCACHED.port)));
    leases(&one, SHORTEST).unwrap();
    block_on(leases_async(&one, SHORTEST)).unwrap();
    // A lease belongs to the client that gave it.
    let lookup = Backend::get_or_lease(&one, "own", b"key", MINUTE.into()).unwrap();
    assert_eq!(Backend::set_leased(&two, "own", b"key", &lease(&lookup), b"1", None).unwrap(), None);
    let over = block_on(AsyncBackend::set_leased(&one, "own", b"key", &lease(&lookup), b"1", None)).unwrap();
    assert!(over.is_some(), "blocking and async calls share leases");
}

#[test]
fn extending_a_lost_lease_leaves_the_entry_its_time() {
    let _limit = limit();
    let backend = memcached(MEMCACHED.address());
    let lost = lease(&Backend::get_or_lease(&backend, "lost", b"key", MINUTE.into()).unwrap());
    Backend::set(&backend, "lost", b"key", b"for ever", None).unwrap();
    assert!(!Backend::renew_lease(&backend, "lost", b"key", &lost, MINUTE).unwrap());
    assert_eq!(Backend::get(&backend, "lost", b"key").unwrap(), Some(Stored::new(b"for ever")));
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
                        let lookup =
                            Backend::get_or_lease(&backend, "winner", &[round], MINUTE.into()).unwrap();
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
    let lookup = Backend::get_or_lease(&backend, "trips", b"key", MINUTE.into()).unwrap();
    assert_eq!(proxy.requests() - before, 1);
    Backend::set_leased(&backend, "trips", b"key", &lease(&lookup), b"1", None).unwrap().unwrap();
    assert_eq!(proxy.requests() - before, 2);
    let lookup = Backend::get_or_lease(&backend, "trips", b"key", MINUTE.into()).unwrap();
    assert_eq!((value(lookup.found), proxy.requests() - before), (Some(b"1".to_vec()), 3));
}

#[test]
fn a_restart_ends_all_leases() {
    let _limit = limit();
    let mut server = Server::memcached(&[]);
    let backend = memcached(server.address());
    for n in 0..4 {
        // The versions of the server begin at one again, so those of leases before and after the restart are equal.
        let before = lease(&Backend::get_or_lease(&backend, "restart", b"key", MINUTE.into()).unwrap());
        server.kill();
        if n == 3 {
            assert!(Backend::set_leased(&backend, "restart", b"key", &before, b"stale", None).is_err());
        }
        server.restart();
        let other = memcached(format!("localhost:{}", server.port));
        let after = lease(&Backend::get_or_lease(&other, "restart", b"key", MINUTE.into()).unwrap());
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
        eventually("the next lookup", || {
            Backend::get_or_lease(&backend, "restart", b"next", MINUTE.into()).is_ok()
        });
    }
}

#[test]
fn a_store_by_a_version_that_was_counted_again_is_found_by_no_lookup() {
    let _limit = limit();
    let mut server = Server::memcached(&[]);
    let backend = memcached(server.address());
    // The connection of the async lookup ends with its runtime, so no connection is lost when the server is restarted.
    let before =
        lease(&block_on(AsyncBackend::get_or_lease(&backend, "again", b"key", MINUTE.into())).unwrap());
    server.kill();
    server.restart();
    let other = memcached(format!("localhost:{}", server.port));
    let after = lease(&Backend::get_or_lease(&other, "again", b"key", MINUTE.into()).unwrap());
    assert!(after.is_new());
    let stale = block_on(AsyncBackend::set_leased(&backend, "again", b"key", &before, b"stale", None));
    assert_eq!(stale.unwrap(), None);
    assert_eq!(Backend::get(&other, "again", b"key").unwrap(), None);
    assert_eq!(Backend::get_or_lease(&backend, "again", b"key", MINUTE.into()).unwrap().found, None);
}
