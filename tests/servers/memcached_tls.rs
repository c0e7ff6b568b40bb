//! Memcached with TLS: trusted and untrusted certificates, of the server and of the client.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use functools::backend::{
    AsyncBackend, Backend, BackendError, ErrorKind, Memcached, Permission, Stored, from_url, memcached,
};
use functools::lru_cache;

use crate::certificates::Certificate;
use crate::contract::{keeps, keeps_async};
use crate::files::Folder;
use crate::proxy::Proxy;
use crate::server::{MEMCACHED, Server, block_on, eventually, limit};

const PATIENCE: Duration = Duration::from_secs(20);

/// A server with a self-signed certificate.
struct Encrypted {
    certificate: Certificate,
    server: Server,
}

impl Encrypted {
    fn start(names: &str, arguments: &[&str], options: &str) -> Self {
        let certificate = Certificate::new(names);
        let Certificate { file: chain, key_file: key, .. } = &certificate;
        let options = format!("ssl_chain_cert={chain},ssl_key={key}{options}");
        let server = Server::memcached(&[&["-Z", "-o", &options], arguments].concat());
        Self { certificate, server }
    }

    fn url(&self) -> String {
        format!("memcacheds://{}", self.server.address())
    }

    /// Returns a backend that trusts the certificate of the server.
    fn trusted(&self) -> Memcached {
        patient(self.url()).root_certificates(self.certificate.pem.clone())
    }
}

fn patient(address: impl Into<String>) -> Memcached {
    memcached(address).connect_timeout(PATIENCE).timeout(PATIENCE).breaker(u32::MAX, PATIENCE)
}

static SERVER: LazyLock<Encrypted> = LazyLock::new(|| {
    let mut server = Encrypted::start("IP:127.0.0.1, DNS:localhost", &[], "");
    server.certificate.remove_files();
    server
});

/// Asks as a plain and as an async function.
fn both(backend: &Memcached) -> [Result<Option<Stored>, BackendError>; 2] {
    [Backend::get(backend, "tls", b"key"), block_on(AsyncBackend::get(backend, "tls", b"key"))]
}

#[test]
fn a_server_with_tls_keeps_it() {
    let _limit = limit();
    keeps(&SERVER.trusted()).unwrap();
    block_on(async { keeps_async(&SERVER.trusted()).await.unwrap() });
    // Other than the address: `localhost` is a name of the certificate, too.
    let named = patient(format!("localhost:{}", SERVER.server.port))
        .root_certificates(SERVER.certificate.pem.clone());
    assert!(both(&named).into_iter().all(|found| found.unwrap().is_none()));
}

#[test]
fn functions_and_tasks_share_an_encrypted_connection() {
    let _limit = limit();
    #[lru_cache(maxsize = 0, ttl = 3600, backend = SERVER.trusted())]
    fn square(n: u64) -> u64 {
        n * n
    }
    #[lru_cache(maxsize = 0, ttl = 3600, backend = SERVER.trusted())]
    async fn text(n: usize) -> String {
        "text".repeat(n)
    }
    assert_eq!((square(3), square(3), square::cache_info().hits), (9, 9, 1));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // Longer than a record of TLS, and than the buffers between.
        for n in [1, 10_000, 200_000] {
            let tasks: Vec<_> = (0..16).map(|task| tokio::spawn(text(n + task))).collect();
            for (task, text) in tasks.into_iter().enumerate() {
                assert_eq!(text.await.unwrap().len(), 4 * (n + task));
            }
            assert_eq!(text(n).await.len(), 4 * n);
        }
    });
    assert_eq!((text::cache_info().hits, text::cache_info().misses), (3, 48));
    assert_eq!((square::cache_stats().backend_errors, text::cache_stats().backend_errors), (0, 0));
}

#[test]
fn values_and_questions_of_any_size_are_answered() {
    let _limit = limit();
    let backend = SERVER.trusted();
    for size in [0, 100, 8_000, 8_192, 16_000, 16_384, 20_000, 500_000, 1_000_000] {
        let value = vec![b'v'; size];
        for n in 0..40_u8 {
            let namespace = "n".repeat(usize::from(n) * 5);
            Backend::set(&backend, &namespace, b"key", &value[usize::from(n).min(size)..], None).unwrap();
            // A result and the question for the generation go together.
            let lookup = Backend::get_or_lease(&backend, "sizes", &[n], PATIENCE.into()).unwrap();
            if let Permission::Leased(lease) = &lookup.permission {
                Backend::set_leased(&backend, "sizes", &[n], lease, &value, None).unwrap();
            }
        }
    }
    // More requests than the server reads at a time.
    let keys: Vec<_> = (0..2_000_u32).map(u32::to_le_bytes).collect();
    let keys: Vec<_> = keys.iter().map(<[u8; 4]>::as_slice).collect();
    assert_eq!(Backend::get_many(&backend, "sizes", &keys).unwrap().len(), 2_000);
    assert_eq!(block_on(AsyncBackend::get_many(&backend, "sizes", &keys)).unwrap().len(), 2_000);
}

#[test]
fn an_unknown_certificate_is_not_trusted() {
    let _limit = limit();
    let other = Certificate::new("IP:127.0.0.1, DNS:localhost");
    for stranger in [patient(SERVER.url()), patient(SERVER.url()).root_certificates(other.pem.clone())] {
        for error in both(&stranger).map(Result::unwrap_err) {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            assert!(error.to_string().contains("not trusted"), "{error}");
        }
    }
    assert!(Backend::check(&from_url(&SERVER.url()).unwrap()).is_err());
    // Nothing of the settings of one backend is used for another.
    assert!(both(&SERVER.trusted()).iter().all(Result::is_ok));
    // A client without TLS gets no answer, nor does one with TLS from a server without.
    let short = Duration::from_millis(250);
    assert!(both(&patient(SERVER.server.address()).timeout(short)).iter().all(Result::is_err));
    let plain = patient(MEMCACHED.address()).tls().connect_timeout(short).timeout(short);
    assert!(both(&plain).iter().all(Result::is_err));
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    let _limit = limit();
    let server = Encrypted::start("DNS:hidden.example", &[], "");
    for error in both(&server.trusted()).map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains("another host name"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hidden"), "{error:?}");
    }
}

#[test]
fn a_server_may_ask_for_a_certificate_and_a_password() {
    let _limit = limit();
    let client = Certificate::new("DNS:client.example");
    let folder = Folder::new("memcached-tls-password");
    let file = folder.path("users");
    std::fs::write(&file, "shop:Tr0ub4dor\n").unwrap();
    let options = format!(",ssl_verify_mode=2,ssl_ca_cert={}", client.file);
    let names = "IP:127.0.0.1";
    let server = Encrypted::start(names, &["-Y", file.to_str().unwrap()], &options);
    let key = || client.key_pem.clone();
    let known = || server.trusted().client_certificate(client.pem.clone(), key());
    let backend = known().credentials("shop", "Tr0ub4dor");
    Backend::set(&backend, "password", b"key", b"value", None).unwrap();
    let found = block_on(AsyncBackend::get(&backend, "password", b"key")).unwrap();
    assert_eq!(found.unwrap().value, b"value");

    let other = Certificate::new("DNS:client.example");
    let other_key = || other.key_pem.clone();
    let secrets = [
        "Tr0ub4dor".into(),
        String::from_utf8(key()).unwrap(),
        String::from_utf8(client.pem.clone()).unwrap(),
    ];
    let is_secret = |text: String| secrets.iter().any(|secret| text.contains(secret.trim()));
    for (backend, kind) in [
        (known(), ErrorKind::Rejected),
        (known().credentials("shop", "Tr0ub4dor1"), ErrorKind::Rejected),
        (server.trusted().credentials("shop", "Tr0ub4dor"), ErrorKind::Rejected),
        (server.trusted().client_certificate(other.pem.clone(), other_key()), ErrorKind::Rejected),
        (server.trusted().client_certificate(client.pem.clone(), other_key()), ErrorKind::Configuration),
        (server.trusted().root_certificates("Tr0ub4dor"), ErrorKind::Configuration),
    ] {
        for error in both(&backend).map(Result::unwrap_err) {
            assert_eq!(error.kind(), kind, "{error}");
            assert!(!is_secret(format!("{backend:?} {error} {error:?}")), "{error:?}");
        }
    }
}

#[test]
fn a_connection_is_encrypted_again_after_a_restart() {
    let _limit = limit();
    let mut server = Encrypted::start("IP:127.0.0.1", &[], "");
    let backend = server.trusted();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let awaited = || runtime.block_on(AsyncBackend::set(&backend, "tls", b"key", b"value", None));
    Backend::set(&backend, "tls", b"key", b"value", None).unwrap();
    awaited().unwrap();
    server.server.restart();
    eventually("plain functions connect again", || {
        Backend::set(&backend, "tls", b"key", b"value", None).is_ok()
    });
    eventually("async functions connect again", || awaited().is_ok());
    assert_eq!(Backend::get(&backend, "tls", b"key").unwrap().unwrap().value, b"value");
}

#[test]
fn a_server_that_dribbles_in_or_after_the_handshake_is_not_waited_for() {
    let _limit = limit();
    let limit = Duration::from_millis(250);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for is_open in [false, true] {
        let proxy = Proxy::to(SERVER.server.port);
        let trusted =
            || patient(format!("127.0.0.1:{}", proxy.port)).root_certificates(SERVER.certificate.pem.clone());
        // They share connections.
        let (patient, backend) = (trusted(), trusted().connect_timeout(limit).timeout(limit));
        if is_open {
            Backend::set(&patient, "tls", b"dribble", b"value", None).unwrap();
            runtime.block_on(AsyncBackend::get(&patient, "tls", b"dribble")).unwrap();
        }
        proxy.delay(100);
        proxy.dribble();
        for get in [&(|| Backend::get(&backend, "tls", b"dribble")) as &dyn Fn() -> Result<_, _>, &|| {
            runtime.block_on(AsyncBackend::get(&backend, "tls", b"dribble"))
        }] {
            let begin = Instant::now();
            let error: BackendError = get().unwrap_err();
            let took = begin.elapsed();
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
            assert!(took >= limit && took < 2 * limit, "{took:?}");
        }
    }
}

#[test]
fn a_unix_socket_has_no_tls() {
    let backend = memcached("unix:/run/memcached.sock").tls();
    for error in both(&backend).map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    }
}
