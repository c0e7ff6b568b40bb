//! Redis Cluster, and failover with Redis Sentinel.

use std::time::{Duration, Instant};

use functools::__private::sink_of;
use functools::backend::redis_client::ProtocolVersion;
use functools::backend::redis_client::cluster::ClusterClient;
use functools::backend::redis_client::sentinel::{SentinelClient, SentinelServerType};
use functools::backend::{AsyncBackend, Backend, CompareAndSwap, Item, Redis};

use crate::contract::{keeps, keeps_async};
use crate::files::Folder;
use crate::noted::Noted;
use crate::server::{Server, block_on, eventually, free_port, limit};

/// Starts a server that can join a cluster, and returns the port of its bus.
fn node_of_cluster(folder: &Folder, name: &str) -> (Server, String) {
    let (bus, file) = (free_port().to_string(), folder.path(&format!("nodes-{name}.conf")));
    let file = file.to_str().unwrap();
    let node = Server::redis(&[
        "--cluster-enabled yes",
        "--cluster-port",
        &bus,
        "--cluster-config-file",
        file,
        "--cluster-node-timeout 5000",
    ]);
    (node, bus)
}

fn meet(node: &Server, (other, bus): &(Server, String)) {
    let meet = format!("CLUSTER MEET 127.0.0.1 {} {bus}\r\n", other.port);
    assert_eq!(node.says(&meet, "\r\n"), "+OK\r\n");
}

/// Starts a cluster of three servers.
fn nodes_of_cluster(folder: &Folder) -> [(Server, String); 3] {
    let nodes = [("0", "5460"), ("5461", "10922"), ("10923", "16383")].map(|(from, to)| {
        let (node, bus) = node_of_cluster(folder, from);
        assert_eq!(node.says(&format!("CLUSTER ADDSLOTSRANGE {from} {to}\r\n"), "\r\n"), "+OK\r\n");
        (node, bus)
    });
    for other in &nodes[1..] {
        meet(&nodes[0].0, other);
    }
    eventually("the cluster is complete", || {
        nodes.iter().all(|(node, _)| {
            let slots = node.says("CLUSTER SLOTS\r\nPING\r\n", "+PONG\r\n");
            nodes.iter().all(|(other, _)| slots.contains(&format!(":{}\r\n", other.port)))
                && !node.says("GET a\r\nGET b\r\nGET c\r\nPING\r\n", "+PONG\r\n").contains("CLUSTERDOWN")
        })
    });
    nodes
}

#[test]
fn a_cluster_reports_changes() {
    let _limit = limit();
    let folder = Folder::new("tracked-cluster");
    let nodes = nodes_of_cluster(&folder);
    let long = Duration::from_secs(20);
    let cluster = || {
        let client = ClusterClient::builder(vec![nodes[0].0.url()]).use_protocol(ProtocolVersion::RESP3);
        Redis::cluster(client.build().unwrap()).timeout(long).connect_timeout(long).key_prefix("shop:")
    };
    let (one, other, noted) = (cluster(), cluster(), Noted::leaked());
    assert!(Backend::watch(&one, "n", sink_of(noted)));
    let numbers: Vec<[u8; 4]> = (0..100_u32).map(u32::to_le_bytes).collect();
    let are_reported = |after: usize| {
        eventually("the process receives changes", || noted.count(b"all") >= after);
        for key in numbers.iter().map(|key| &key[..]).chain([&b"own"[..]]) {
            Backend::set(&other, "n", key, b"", None).unwrap();
        }
        eventually("all changes are reported", || numbers.iter().all(|key| noted.has(key)));
        eventually("the item is told", || noted.has(b"own is told"));
    };
    are_reported(1);
    // Any one connection that is lost is restored, and copies may be outdated.
    for (node, _) in &nodes {
        noted.forget();
        let killed = node.says("CLIENT KILL TYPE normal SKIPME yes\r\n", "\r\n");
        assert!(killed.starts_with(':'), "{killed}");
        // Once it is lost, and once it is restored.
        are_reported(2);
    }
    // A namespace that is watched later is subscribed to as well.
    let later = Noted::leaked();
    assert!(Backend::watch(&one, "later", sink_of(later)));
    eventually("the process receives changes", || later.has(b"all"));
    for key in &numbers {
        Backend::set(&other, "later", key, b"", None).unwrap();
    }
    eventually("all changes are reported", || numbers.iter().all(|key| later.has(key)));
    // A server that takes over some slots is subscribed to.
    Backend::clear(&other, "n").unwrap();
    Backend::clear(&other, "later").unwrap();
    let new = node_of_cluster(&folder, "new");
    meet(&nodes[0].0, &new);
    let id = new.0.says("CLUSTER MYID\r\nPING\r\n", "+PONG\r\n").lines().nth(1).unwrap().to_owned();
    let all = || nodes.iter().map(|(node, _)| node).chain([&new.0]);
    eventually("all know the new server", || {
        all().all(|node| {
            let known = node.says("CLUSTER NODES\r\nPING\r\n", "+PONG\r\n");
            known.contains(&id) && !known.contains("handshake")
        })
    });
    for slot in 0..100 {
        let moved = format!("CLUSTER SETSLOT {slot} NODE {id}\r\n");
        // First the one that takes the slot over.
        for node in [&new.0].into_iter().chain(all()) {
            assert_eq!(node.says(&moved, "\r\n"), "+OK\r\n");
        }
    }
    eventually("the new server reports changes", || {
        new.0.says("INFO clients\r\nPING\r\n", "+PONG\r\n").contains("tracking_clients:1")
    });
    drop(one);
    eventually("no server reports changes", || {
        all().all(|node| node.says("INFO clients\r\nPING\r\n", "+PONG\r\n").contains("tracking_clients:0"))
    });
}

#[test]
fn a_cluster_keeps_it() {
    let _limit = limit();
    let folder = Folder::new("cluster");
    let nodes = nodes_of_cluster(&folder);
    let cluster = || Redis::cluster(ClusterClient::new(vec![nodes[0].0.url()]).unwrap());
    keeps(&cluster()).unwrap();
    let count = |n: Option<u64>| n.unwrap_or(0) + 1;
    for n in 1..50 {
        assert_eq!(CompareAndSwap::update(&cluster(), "count", b"key", None, count).unwrap(), n);
    }
    Backend::clear(&cluster(), "count").unwrap();
    block_on(async { keeps_async(&cluster()).await.unwrap() });
    // Keys of one namespace are stored on all nodes.
    let all = cluster();
    for n in 0..100_u32 {
        Backend::set(&all, "nodes", &n.to_le_bytes(), b"value", None).unwrap();
    }
    let sizes = || nodes.each_ref().map(|(node, _)| node.says("DBSIZE\r\n", "\r\n"));
    assert!(sizes().iter().all(|size| size != ":0\r\n"), "{:?}", sizes());
    // `get_many` queries all nodes; a key of another type is an error for that key only.
    for (node, _) in &nodes {
        node.says("LPUSH 5:nodes:list foreign\r\nPING\r\n", "+PONG\r\n");
    }
    let numbers: Vec<[u8; 4]> = (0..100_u32).map(u32::to_le_bytes).collect();
    let keys: Vec<&[u8]> = std::iter::once(b"list").chain(&numbers).map(|key| &key[..]).collect();
    let awaited = block_on(AsyncBackend::get_many(&all, "nodes", &keys));
    for found in [Backend::get_many(&all, "nodes", &keys), awaited] {
        let found: Vec<_> = found.unwrap().iter().map(Option::is_some).collect();
        assert_eq!(found, [vec![false], vec![true; 100]].concat());
    }
    Backend::clear(&all, "nodes").unwrap();
    assert_eq!(sizes(), [":0\r\n"; 3]);
    let items: Vec<_> = numbers.iter().map(|key| Item::new(key, b"at once")).collect();
    Backend::set_many(&all, "nodes", &items).unwrap();
    let deleted = Backend::delete_many(&all, "nodes", &keys[1..]).unwrap();
    assert_eq!(deleted, [true; 100]);
    block_on(async {
        AsyncBackend::set_many(&all, "nodes", &items).await.unwrap();
        assert_eq!(AsyncBackend::delete_many(&all, "nodes", &keys[1..]).await.unwrap(), [true; 100]);
    });
    assert_eq!(sizes(), [":0\r\n"; 3]);
}

#[test]
fn sentinels_are_asked_who_has_taken_over() {
    let _limit = limit();
    let folder = Folder::new("sentinel");
    let mut first = Server::redis(&[]);
    let second = Server::redis(&["--replicaof", "127.0.0.1", &first.port.to_string()]);
    let file = folder.path("sentinel.conf");
    let watch = format!(
        "sentinel monitor main 127.0.0.1 {} 1\nsentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000\n",
        first.port
    );
    std::fs::write(&file, watch).unwrap();
    let sentinel = Server::redis(&[file.to_str().unwrap(), "--sentinel"]);
    let client = || SentinelClient::build(vec![sentinel.url()], "main", None, SentinelServerType::Master);
    let backend = Redis::sentinel(client().unwrap()).breaker(3, Duration::from_millis(50));
    keeps(&backend).unwrap();
    eventually("the second server replicates the first", || {
        second.says("INFO replication\r\nPING\r\n", "+PONG\r\n").contains("link_status:up")
    });
    eventually("the sentinel knows the replica", || {
        sentinel.says("SENTINEL replicas main\r\nPING\r\n", "+PONG\r\n").contains(&second.port.to_string())
    });
    Backend::set(&backend, "sentinel", b"key", b"first", None).unwrap();
    first.kill();
    eventually("the second server takes over", || {
        Backend::set(&backend, "sentinel", b"key", b"second", None).is_ok()
    });
    let there = Backend::get(&backend, "sentinel", b"key").unwrap().unwrap();
    assert_eq!(there.value, b"second");
    block_on(async {
        let deadline = Instant::now() + Duration::from_secs(20);
        while AsyncBackend::set(&backend, "sentinel", b"key", b"third", None).await.is_err() {
            assert!(Instant::now() < deadline);
        }
    });
    assert!(second.says("DBSIZE\r\n", "\r\n") != ":0\r\n");
}
