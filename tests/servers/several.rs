//! Redis Cluster, and failover with Redis Sentinel.

use std::time::{Duration, Instant};

use functools::backend::redis_client::cluster::ClusterClient;
use functools::backend::redis_client::sentinel::{SentinelClient, SentinelServerType};
use functools::backend::{AsyncBackend, Backend, CompareAndSwap, Redis};

use crate::contract::{keeps, keeps_async};
use crate::files::Folder;
use crate::server::{Server, block_on, eventually, free_port, limit};

#[test]
fn a_cluster_keeps_it() {
    let _limit = limit();
    let folder = Folder::new("cluster");
    let nodes = [("0", "5460"), ("5461", "10922"), ("10923", "16383")].map(|(from, to)| {
        let (bus, file) = (free_port().to_string(), folder.path(&format!("nodes-{from}.conf")));
        let file = file.to_str().unwrap();
        let node = Server::redis(&[
            "--cluster-enabled yes",
            "--cluster-port",
            &bus,
            "--cluster-config-file",
            file,
            "--cluster-node-timeout 5000",
        ]);
        assert_eq!(node.says(&format!("CLUSTER ADDSLOTSRANGE {from} {to}\r\n"), "\r\n"), "+OK\r\n");
        (node, bus)
    });
    for (node, bus) in &nodes[1..] {
        let meet = format!("CLUSTER MEET 127.0.0.1 {} {bus}\r\n", node.port);
        assert_eq!(nodes[0].0.says(&meet, "\r\n"), "+OK\r\n");
    }
    eventually("the cluster is complete", || {
        nodes.iter().all(|(node, _)| {
            let slots = node.says("CLUSTER SLOTS\r\nPING\r\n", "+PONG\r\n");
            nodes.iter().all(|(other, _)| slots.contains(&format!(":{}\r\n", other.port)))
                && !node.says("GET a\r\nGET b\r\nGET c\r\nPING\r\n", "+PONG\r\n").contains("CLUSTERDOWN")
        })
    });
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
