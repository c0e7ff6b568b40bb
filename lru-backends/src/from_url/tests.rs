//! Which backend a URL names, and that passwords are not shown.

use super::*;
use crate::contract::ready;

#[cfg(all(feature = "redis", feature = "memcached", feature = "disk"))]
#[test]
fn the_scheme_names_the_backend() {
    for (url, shown) in [
        ("off:", "Off"),
        ("OFF:", "Off"),
        ("redis://user:secret@cache.example:6379/2", "Redis {"),
        (" redis://cache.example\n", "Redis {"),
        ("redis+unix:///run/redis.sock?pass=secret", "Redis {"),
        ("memcached://cache.example", "cache.example:11211"),
        ("Memcached:cache.example:4000", "cache.example:4000"),
        #[cfg(feature = "memcached-tls")]
        ("memcacheds://user:secret@cache.example", "cache.example:11211"),
        ("redis://cache.example/1?key_prefix=shop:&tracking=false", "Redis {"),
        ("memcached://cache.example:4000?key_prefix=shop%3A", "cache.example:4000\""),
        ("disk:results.redb", "\"results.redb\""),
        ("disk:///var/cache/results.redb", "\"/var/cache/results.redb\""),
        ("file:///var/my%20cache/100%.redb", "\"/var/my cache/100%.redb\""),
    ] {
        let backend = format!("{:?}", from_url(url).unwrap());
        assert!(backend.contains(shown) && !backend.contains("secret"), "{url}: {backend}");
    }
}

#[test]
fn another_url_is_an_error_that_does_not_show_it() {
    for url in [
        "",
        "secret",
        "secret@cache.example:6379",
        "http://:secret@cache.example/",
        "off:secret",
        "redis://:secret@:a:b:c",
        "redis://cache.example/?key_prefix=a%20secret",
        "redis://cache.example/?tracking=secret",
        "memcached://cache.example?key_prefix=%FF",
        "memcached://cache.example?secret=1",
        "memcached:",
        "memcached:// :secret@",
        "disk:",
        "file://",
    ] {
        let error = from_url(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{url}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{url}: {error}");
    }
}

#[test]
fn a_feature_that_is_missing_is_named() {
    for (url, feature, is_there) in [
        ("redis://cache.example", "`redis`", cfg!(feature = "redis")),
        ("rediss://cache.example", "`redis-tls`", cfg!(feature = "redis-tls")),
        ("memcached://cache.example", "`memcached`", cfg!(feature = "memcached")),
        ("memcacheds://cache.example", "`memcached-tls`", cfg!(feature = "memcached-tls")),
        ("disk:results.redb", "`disk`", cfg!(feature = "disk")),
    ] {
        match from_url(url) {
            Ok(_) => assert!(is_there, "{url}"),
            Err(error) => {
                assert!(!is_there && error.kind() == ErrorKind::Configuration, "{url}: {error}");
                let is_named = error.to_string().contains(feature);
                assert!(is_named || !cfg!(feature = "redis"), "{url}: {error}");
            }
        }
    }
}

#[test]
fn off_passes_its_check() {
    let off = from_url("off:").unwrap();
    Backend::check(&off).unwrap();
    ready(AsyncBackend::check(&off)).unwrap();
}

#[cfg(feature = "redis")]
#[test]
fn a_check_fails_where_no_server_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let server = from_url(&format!("redis://:secret@127.0.0.1:{port}")).unwrap();
    let error = Backend::check(&server).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!error.to_string().contains("secret"));
    let sharded = crate::Sharded::new([Some(from_url("off:").unwrap()), None, Some(server)]);
    assert!(Backend::check(&sharded).is_err(), "every server is checked");
}

#[cfg(feature = "disk")]
#[test]
fn a_check_opens_the_file() {
    let folder = std::env::temp_dir().join(format!("lru-from-url-{}", std::process::id()));
    let path = folder.join("results.redb");
    let backend = from_url(&format!("disk:{}", path.display())).unwrap();
    assert!(!path.exists());
    Backend::check(&backend).unwrap();
    assert!(path.exists());
    drop(backend);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn every_engine_gives_leases() {
    fn gives_leases<B: Leases>() {}
    gives_leases::<Off>();
    #[cfg(feature = "redis")]
    gives_leases::<crate::Redis>();
    #[cfg(feature = "memcached")]
    gives_leases::<crate::Memcached>();
    #[cfg(feature = "disk")]
    gives_leases::<crate::Disk>();
}
