//! Wrappers of backends on real servers.

use std::time::{Duration, Instant};

use functools::backend::{
    AnyBackend, AsyncBackend, Backend, BoxedBackend, ErrorKind, Layered, from_url, memory,
};

use crate::contract::{keeps, keeps_async, redis};
use crate::files::Folder;
use crate::leases::{SHORTEST, leased, leases, leases_async};
use crate::server::{MEMCACHED, REDIS, Server, block_on, limit};

const MINUTE: Duration = Duration::from_secs(60);

fn any(url: &str) -> AnyBackend {
    from_url(url).unwrap()
}

#[test]
fn a_backend_named_by_a_url_keeps_the_contract_and_passes_its_check() {
    let _limit = limit();
    let folder = Folder::new("from-url");
    let file = format!("disk:{}", folder.path("results.redb").display());
    for url in [REDIS.url(), format!("memcached://{}", MEMCACHED.address()), file] {
        let backend = any(&url);
        Backend::check(&backend).unwrap();
        Backend::clear(&backend, "from_url").unwrap();
        Backend::set(&backend, "from_url", b"k", b"v", Some(MINUTE)).unwrap();
        assert_eq!(Backend::get(&backend, "from_url", b"k").unwrap().unwrap().value, b"v");
        if url.starts_with("redis:") {
            leases(&backend, SHORTEST).unwrap();
        }
        block_on(async {
            AsyncBackend::check(&backend).await.unwrap();
            let found = AsyncBackend::get(&backend, "from_url", b"k").await.unwrap();
            assert_eq!(found.unwrap().value, b"v");
            if url.starts_with("redis:") {
                leases_async(&BoxedBackend::with_leases(backend), SHORTEST).await.unwrap();
            }
        });
    }
}

#[test]
fn a_check_fails_while_the_server_is_down() {
    let _limit = limit();
    let mut server = Server::redis(&["--requirepass", "secret"]);
    let with_password = server.url().replace("redis://", "redis://:secret@");
    Backend::check(&any(&with_password)).unwrap();
    let refused = Backend::check(&any(&server.url())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected);
    server.kill();
    for error in [
        Backend::check(&any(&with_password)).unwrap_err(),
        block_on(AsyncBackend::check(&any(&with_password))).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(!format!("{error:?}").contains("secret"));
    }
}

#[cfg(all(feature = "compression", feature = "encryption"))]
#[test]
fn values_are_compressed_and_encrypted_on_the_server() {
    use functools::backend::{Compressed, Encrypted};

    let _limit = limit();
    let wrapped = Compressed::new(Encrypted::new(redis(REDIS.url()), [[7; 32]]));
    keeps(&wrapped).unwrap();
    leases(&wrapped, SHORTEST).unwrap();
    block_on(async {
        keeps_async(&wrapped).await.unwrap();
        leases_async(&wrapped, SHORTEST).await.unwrap();
    });

    Backend::set(&wrapped, "wrapped", b"k", &vec![b'x'; 100_000], None).unwrap();
    let stored = Backend::get(&redis(REDIS.url()), "wrapped", b"k").unwrap().unwrap().value;
    assert!(stored.len() < 1000 && !stored.windows(4).any(|window| window == b"xxxx"));
    Backend::set(&redis(REDIS.url()), "wrapped", b"l", &stored, None).unwrap();
    assert_eq!(Backend::get(&wrapped, "wrapped", b"l").unwrap(), None, "moved to another key");
    Backend::clear(&wrapped, "wrapped").unwrap();
}

#[test]
fn layers_keep_the_contract() {
    let _limit = limit();
    let folder = Folder::new("layers");
    let file = || functools::backend::disk(folder.path("near.redb"));
    let two = Layered::new((memory(1 << 24), redis(REDIS.url())));
    let three = Layered::new((memory(1 << 24), Layered::new((file(), redis(REDIS.url())))));
    keeps(&two).unwrap();
    block_on(async {
        keeps_async(&two).await.unwrap();
        keeps_async(&three).await.unwrap();
    });
}

#[test]
fn a_change_by_another_process_is_found_after_near_ttl_and_ends_leases_at_once() {
    let _limit = limit();
    let near_ttl = Duration::from_millis(300);
    let [this, other] =
        [(); 2].map(|()| Layered::new((memory(1 << 20), redis(REDIS.url()))).near_ttl(near_ttl));
    let look = |layers: &Layered<_, _>| {
        leased(Backend::get_or_lease(layers, "layers", b"k", MINUTE.into()).unwrap())
    };
    Backend::clear(&this, "layers").unwrap();
    Backend::set(&this, "layers", b"k", b"old", Some(MINUTE)).unwrap();
    let (found, _) = look(&this);
    assert_eq!(found.as_deref(), Some(&b"old"[..]));
    let (_, lease) = look(&this);

    let changed = Instant::now();
    Backend::put(&other, "layers", b"k", b"new", Some(MINUTE)).unwrap();
    assert_eq!(look(&other).0.as_deref(), Some(&b"new"[..]));
    while look(&this).0.as_deref() != Some(b"new") {
        assert!(changed.elapsed() < MINUTE, "the copy does not expire");
    }
    let stored = Backend::set_leased(&this, "layers", b"k", &lease, b"computed before", Some(MINUTE));
    assert_eq!(stored.unwrap(), None);
    for layers in [&this, &other] {
        assert_eq!(look(layers).0.as_deref(), Some(&b"new"[..]));
    }
    Backend::delete(&this, "layers", b"k").unwrap();
    assert_eq!(look(&this).0, None);
}
