//! Redis with TLS: trusted and untrusted certificates.

use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use functools::backend::redis_client::{Client, TlsCertificates};
use functools::backend::{AsyncBackend, Backend, Redis, redis};
use functools::lru_cache;

use crate::contract::{keeps, keeps_async};
use crate::files::Folder;
use crate::server::{Server, block_on, free_port, limit};

/// The request for a self-signed certificate.
const REQUEST: &str = "[req]
distinguished_name = name
x509_extensions = uses
prompt = no
[name]
CN = localhost
[uses]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1, DNS:localhost
";

/// A server with a self-signed certificate.
struct Encrypted {
    certificate: Vec<u8>,
    port: u16,
    _server: Server,
}

impl Encrypted {
    fn start() -> Self {
        let folder = Folder::new("tls");
        let [request, key, certificate] =
            ["request.cnf", "key.pem", "certificate.pem"].map(|name| folder.path(name).display().to_string());
        std::fs::write(&request, REQUEST).unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-days", "2", "-config", &request, "-keyout", &key, "-out", &certificate])
            .output()
            .expect("`openssl` is installed: `cargo xtask test` installs it");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let server = Server::redis(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-auth-clients no",
        ]);
        // The server has read the files.
        Self { certificate: std::fs::read(&certificate).unwrap(), port, _server: server }
    }

    fn url(&self) -> String {
        format!("rediss://127.0.0.1:{}/", self.port)
    }

    /// Returns a backend that trusts the certificate of the server.
    fn trusted(&self) -> Redis {
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(self.certificate.clone()) };
        Redis::new(Client::build_with_tls(self.url(), certificates).unwrap())
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
