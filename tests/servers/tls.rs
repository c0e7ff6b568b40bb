//! Redis with TLS: trusted and untrusted certificates.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use functools::backend::redis_client::{Client, TlsCertificates};
use functools::backend::{AsyncBackend, Backend, BackendError, ErrorKind, Redis, redis};
use functools::lru_cache;

use crate::certificates::Certificate;
use crate::contract::{keeps, keeps_async};
use crate::proxy::Proxy;
use crate::server::{Server, block_on, free_port, limit};

/// A server with a self-signed certificate.
struct Encrypted {
    certificate: Certificate,
    port: u16,
    _server: Server,
}

impl Encrypted {
    fn start() -> Self {
        let mut certificate = Certificate::new("IP:127.0.0.1, DNS:localhost");
        let port = free_port();
        let server = Server::redis(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &certificate.file,
            "--tls-key-file",
            &certificate.key_file,
            "--tls-auth-clients no",
        ]);
        certificate.remove_files();
        Self { certificate, port, _server: server }
    }

    fn url(&self) -> String {
        format!("rediss://127.0.0.1:{}/", self.port)
    }

    /// Returns a backend that trusts the certificate of the server.
    fn trusted(&self) -> Redis {
        let certificates =
            TlsCertificates { client_tls: None, root_cert: Some(self.certificate.pem.clone()) };
        let patience = Duration::from_secs(20);
        let backend = Redis::new(Client::build_with_tls(self.url(), certificates).unwrap());
        backend.connect_timeout(patience).timeout(patience)
    }
}

static SERVER: LazyLock<Encrypted> = LazyLock::new(Encrypted::start);

#[test]
fn a_server_with_tls_keeps_it() {
    let _limit = limit();
    keeps(&SERVER.trusted()).unwrap();
    block_on(async { keeps_async(&SERVER.trusted()).await.unwrap() });
}

#[test]
fn functions_reach_a_server_with_a_certificate_of_its_own() {
    let _limit = limit();
    #[lru_cache(maxsize = 0, ttl = 3600, backend = SERVER.trusted())]
    fn square(n: u64) -> u64 {
        n * n
    }
    #[lru_cache(maxsize = 0, ttl = 3600, backend = SERVER.trusted())]
    async fn cube(n: u64) -> u64 {
        n * n * n
    }
    assert_eq!((square(3), square(3), square::cache_info().hits), (9, 9, 1));
    block_on(async { assert_eq!((cube(3).await, cube(3).await, cube::cache_info().hits), (27, 27, 1)) });
    assert_eq!((square::cache_stats().backend_errors, cube::cache_stats().backend_errors), (0, 0));
}

#[test]
fn an_unknown_certificate_is_not_trusted() {
    let _limit = limit();
    #[lru_cache(maxsize = 0, ttl = 3600, backend = redis(SERVER.url()))]
    fn square(n: u64) -> u64 {
        n * n
    }
    // Calls work without the backend.
    assert_eq!((square(3), square(3), square::cache_info().hits), (9, 9, 0));
    assert!(square::cache_stats().backend_errors >= 2);
    // It has a circuit breaker of its own.
    let stranger = redis(SERVER.url()).breaker(100, Duration::from_secs(1));
    for error in [
        Backend::get(&stranger, "tls", b"key").unwrap_err().to_string(),
        block_on(AsyncBackend::get(&stranger, "tls", b"key")).unwrap_err().to_string(),
    ] {
        assert!(error.contains("certificate"), "{error}");
    }
    // An unencrypted client gets no answer.
    assert!(Backend::get(&redis(SERVER.url().replace("rediss", "redis")), "tls", b"key").is_err());
}

#[test]
fn a_server_that_dribbles_in_or_after_the_handshake_is_not_waited_for() {
    let _limit = limit();
    let limit = Duration::from_millis(250);
    for is_open in [false, true] {
        let proxy = Proxy::to(SERVER.port);
        let certificates =
            TlsCertificates { client_tls: None, root_cert: Some(SERVER.certificate.pem.clone()) };
        let url = format!("rediss://127.0.0.1:{}/", proxy.port);
        let client = Client::build_with_tls(url, certificates).unwrap();
        let backend = Redis::new(client).connect_timeout(4 * limit).timeout(limit).breaker(u32::MAX, limit);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let awaited = || runtime.block_on(AsyncBackend::get(&backend, "tls", b"dribble"));
        if is_open {
            Backend::set(&backend, "tls", b"dribble", b"value", None).unwrap();
            awaited().unwrap();
        }
        proxy.delay(100);
        proxy.dribble();
        for get in [&(|| Backend::get(&backend, "tls", b"dribble")) as &dyn Fn() -> Result<_, _>, &awaited] {
            let begin = Instant::now();
            let error: BackendError = get().unwrap_err();
            let took = begin.elapsed();
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
            // Connecting, or the answer.
            let most = if is_open { 2 } else { 6 };
            assert!(took >= limit && took < most * limit, "{took:?}");
        }
    }
}
