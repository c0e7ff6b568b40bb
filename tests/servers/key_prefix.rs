//! Applications that share a server by `key_prefix`.

use std::time::Duration;

use functools::__private::sink_of;
use functools::backend::{self, AsyncBackend, Backend, CompareAndSwap, ErrorKind, Lookup, Permission};

use crate::contract::{PATIENCE, keeps, keeps_async, memcached, redis};
use crate::noted::Noted;
use crate::server::{Server, block_on, eventually, limit};

/// Checks that three clients of one server share no entry, no lease and no clear.
fn share_nothing<B: Backend + CompareAndSwap>(clients: &[B; 3]) {
    let [one, two, none] = clients;
    one.set("n", b"key", b"one", None).unwrap();
    assert_eq!((two.get("n", b"key").unwrap(), none.get("n", b"key").unwrap()), (None, None));
    two.set("n", b"key", b"two", None).unwrap();
    none.set("n", b"key", b"none", None).unwrap();
    let value = |client: &B| client.get("n", b"key").unwrap().map(|stored| stored.value);
    let values = || clients.each_ref().map(value);
    assert_eq!(values(), [b"one".to_vec(), b"two".to_vec(), b"none".to_vec()].map(Some));

    let hour = Duration::from_secs(3600);
    let leases = clients.each_ref().map(|client| {
        let Lookup { permission: Permission::Leased(lease), .. } =
            client.get_or_lease("n", b"leased", hour.into()).unwrap()
        else {
            panic!("no lease")
        };
        assert!(lease.is_new());
        lease
    });
    assert!(!one.delete("n", b"leased").unwrap());
    let stored = |n: usize| clients[n].set_leased("n", b"leased", &leases[n], b"1", None).unwrap().is_some();
    assert_eq!([0, 1, 2].map(stored), [false, true, true]);
    assert!(one.add("n", b"added", b"1", hour).unwrap() && two.add("n", b"added", b"1", hour).unwrap());
    assert_eq!(one.update("n", b"sum", None, |n: Option<u64>| n.unwrap_or(0) + 1).unwrap(), 1);
    assert_eq!(two.update("n", b"sum", None, |n: Option<u64>| n.unwrap_or(10) + 1).unwrap(), 11);

    one.clear("n").unwrap();
    assert_eq!(values(), [None, Some(b"two".to_vec()), Some(b"none".to_vec())]);
    none.clear("n").unwrap();
    assert_eq!(values(), [None, Some(b"two".to_vec()), None]);
}

#[test]
fn applications_share_a_redis() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let client = |prefix: &str| redis(server.url()).key_prefix(prefix);
    let clients = [client("shop:"), client("*:"), redis(server.url())];
    share_nothing(&clients);
    // All of them share the connection of the blocking calls.
    let clients_of_server = server.says("INFO clients\r\nPING\r\n", "+PONG\r\n");
    assert!(clients_of_server.contains("connected_clients:2\r\n"), "one is this test's: {clients_of_server}");
    server.says("FLUSHALL\r\n", "\r\n");
    keeps(&clients[0]).unwrap();
    block_on(async {
        keeps_async(&clients[0]).await.unwrap();
        AsyncBackend::set(&clients[0], "n", b"key", b"", None).await.unwrap();
    });
    assert_eq!(server.says("KEYS *\r\n", "\r\nshop:1:n:key\r\n"), "*1\r\n$12\r\nshop:1:n:key\r\n");
}

#[test]
fn a_user_of_redis_may_be_confined_to_a_prefix() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let user = "ACL SETUSER shop on >pw ~shop:* &* +@all -@dangerous\r\n";
    assert_eq!(server.says(user, "\r\n"), "+OK\r\n");
    let url = server.url().replace("redis://", "redis://shop:pw@");
    let allowed = redis(&url).key_prefix("shop:");
    keeps(&allowed).unwrap();
    let refused = Backend::set(&redis(&url), "n", b"key", b"", None).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected);
    // The URL may tell the prefix.
    let by_url = backend::from_url(&format!("{url}?key_prefix=shop%3A")).unwrap();
    Backend::set(&allowed, "n", b"key", b"", None).unwrap();
    assert!(Backend::get(&by_url, "n", b"key").unwrap().is_some());
}

#[test]
fn applications_share_a_memcached() {
    let _limit = limit();
    let server = Server::memcached(&[]);
    let long = "x".repeat(200);
    let client = |prefix: &str| memcached(server.address()).key_prefix(prefix);
    let clients = [client("shop:"), client(&long), memcached(server.address())];
    share_nothing(&clients);
    let stats = server.says("stats\r\n", "END\r\n");
    let connections = stats.lines().find_map(|line| line.strip_prefix("STAT curr_connections "));
    // One is that of this question.
    assert_eq!(connections.map(str::trim), Some("2"));
    server.says("flush_all\r\n", "OK\r\n");
    for prefix in ["shop:", &long] {
        keeps(&client(prefix)).unwrap();
        block_on(async { keeps_async(&client(prefix)).await.unwrap() });
    }
    let all = server.says("lru_crawler metadump all\r\n", "END\r\n");
    let keys: Vec<_> = all.lines().filter_map(|line| line.strip_prefix("key=")).collect();
    let is_prefixed =
        |key: &&str| key.starts_with(&long) || key.starts_with("shop%3A") || key.starts_with("shop:");
    assert!(keys.len() > 8 && keys.iter().all(is_prefixed), "{keys:?}");
}

#[test]
fn a_prefix_that_no_server_takes_is_an_error() {
    for prefix in ["my shop:", "shop\r\n", &"x".repeat(201)] {
        let kind = |found: Result<_, backend::BackendError>| found.unwrap_err().kind();
        let (redis, memcached) =
            (redis("redis://127.0.0.1:1/").key_prefix(prefix), memcached("127.0.0.1:1").key_prefix(prefix));
        assert_eq!(kind(Backend::get(&redis, "n", b"key")), ErrorKind::Configuration);
        assert_eq!(kind(Backend::get(&memcached, "n", b"key")), ErrorKind::Configuration);
        assert!(!Backend::watch(&redis, "n", sink_of(Noted::leaked())));
    }
}

#[test]
fn changes_are_reported_under_the_prefix_only() {
    let _limit = limit();
    let server = Server::redis(&[]);
    // One prefix begins with another, and with a namespace.
    let clients = ["", "1:n:", "1:n:1:n:"].map(|prefix| redis(server.url()).key_prefix(prefix));
    let sinks = [Noted::leaked(), Noted::leaked(), Noted::leaked()];
    for (client, sink) in clients.iter().zip(sinks) {
        assert!(Backend::watch(client, "n", sink_of(sink)));
        eventually("the client receives changes", || sink.has(b"all"));
    }
    Backend::set(&clients[1], "n", b"key", b"", None).unwrap();
    eventually("the change is reported", || sinks[1].has(b"key"));
    assert!(!sinks[2].has(b"key") && !sinks[0].has(b"key"));
}

#[test]
fn tracking_is_turned_off() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let sink = Noted::leaked();
    let by_url = backend::from_url(&format!("{}?tracking=false", server.url())).unwrap();
    let silent = backend::redis(server.url()).timeout(PATIENCE).tracking(false);
    assert!(!Backend::watch(&silent, "n", sink_of(sink)) && !Backend::watch(&by_url, "n", sink_of(sink)));
    Backend::set(&silent, "n", b"key", b"", None).unwrap();
    assert!(Backend::get(&by_url, "n", b"key").unwrap().is_some());
    let info = server.says("INFO clients\r\nPING\r\n", "+PONG\r\n");
    assert!(info.contains("tracking_clients:0\r\n"), "{info}");
    assert!(Backend::watch(&silent.tracking(true), "n", sink_of(sink)));
}
