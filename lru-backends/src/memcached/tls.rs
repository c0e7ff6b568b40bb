//! Encrypted connections: whose certificates are trusted, and how a session starts.
//!
//! Invariant: a connection is used only after the certificate of the server was verified, for the host of its address.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Memcached;
use super::blocking::Link;
use super::protocol::pieces;
use crate::stream::Stream;

/// How many bytes a record of TLS, and a piece of several requests, has at most.
///
/// Memcached waits for the socket while bytes of a record that it has begun to read are left: at the end of a long value,
/// and when its buffer of 16 KiB is full. So a record ends where a piece ends, and fits into the buffer.
pub(super) const PIECE: usize = 8 * 1024;

/// The settings of encrypted connections. They are read when the first connection is opened.
#[derive(Clone, Default)]
pub(super) struct Tls {
    /// The certificate authorities to trust, as PEM; `None` for those that browsers trust.
    roots: Option<Vec<u8>>,
    /// The certificates and the key that the server is shown, as PEM.
    client: Option<(Vec<u8>, Vec<u8>)>,
    config: OnceLock<Result<Arc<ClientConfig>, &'static str>>,
}

/// Settings are equal if they were made of the same files.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        (&self.roots, &self.client) == (&other.roots, &other.client)
    }
}

/// A key is shown nowhere.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Memcached {
    /// Encrypts connections, like an address that begins with `memcacheds://`.
    ///
    /// The certificate of the server must be one of the authorities that browsers trust, for the host of the address; see
    /// [`root_certificates`](Self::root_certificates). Credentials are sent after it was verified.
    ///
    /// The cryptography is that of the provider of `rustls` that the program has installed, or else of `ring`.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.shared.take();
        self.tls.get_or_insert_default();
        self
    }

    /// Sets the certificate authorities to trust, in place of those that browsers trust: one certificate or several, as
    /// PEM text. Connections are encrypted.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use lru_backends::memcached;
    ///
    /// let backend = memcached("cache.internal").root_certificates(std::fs::read("authority.pem")?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.shared.take();
        let tls = self.tls.take().unwrap_or_default();
        self.tls = Some(Tls { roots: Some(pem.into()), client: tls.client, config: OnceLock::new() });
        self
    }

    /// Sets the certificate that a server with `ssl_verify_mode` asks clients for, with those of the authorities between it
    /// and the root, and its private key, both as PEM text. Connections are encrypted.
    #[must_use]
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.shared.take();
        let tls = self.tls.take().unwrap_or_default();
        let client = Some((pem.into(), key.into()));
        self.tls = Some(Tls { roots: tls.roots, client, config: OnceLock::new() });
        self
    }
}

impl Tls {
    /// Returns the settings of an address that begins with `memcacheds://`.
    #[expect(clippy::unnecessary_wraps, reason = "without TLS it is an error")]
    pub(super) fn by_scheme() -> Result<Self, &'static str> {
        Ok(Self::default())
    }

    /// Starts a session over a connection to `host`, which is a name or an address with a port.
    pub(super) fn open(
        &self,
        mut stream: Stream,
        host: &str,
        deadline: Instant,
    ) -> io::Result<Box<dyn Link>> {
        let session = ClientConnection::new(self.config()?, name_of(host)?);
        let mut session = session.map_err(|_| misconfigured("TLS cannot be set up"))?;
        while session.is_handshaking() {
            session.complete_io(&mut stream.until(deadline)).map_err(in_words)?;
        }
        Ok(Box::new(Session { stream, session }))
    }

    /// Like [`open`](Self::open), over a connection of the current runtime.
    pub(super) async fn open_async(&self, stream: TcpStream, host: &str) -> io::Result<TlsStream<TcpStream>> {
        let connector = TlsConnector::from(self.config()?);
        connector.connect(name_of(host)?, stream).await.map_err(in_words)
    }

    fn config(&self) -> io::Result<Arc<ClientConfig>> {
        self.config.get_or_init(|| self.read().map(Arc::new)).clone().map_err(misconfigured)
    }

    /// Sessions are not resumed: Memcached refuses that to clients that it asks for a certificate, and connections are few.
    fn read(&self) -> Result<ClientConfig, &'static str> {
        let mut config = self.read_files()?;
        config.resumption = Resumption::disabled();
        config.max_fragment_size = Some(PIECE);
        Ok(config)
    }

    fn read_files(&self) -> Result<ClientConfig, &'static str> {
        let provider = CryptoProvider::get_default().cloned();
        let provider = provider.unwrap_or_else(|| Arc::new(ring::default_provider()));
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|_| "the cryptography provider supports no version of TLS")?;
        let config = config.with_root_certificates(self.roots()?);
        let Some((certificates, key)) = &self.client else { return Ok(config.with_no_client_auth()) };
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|_| "the client's key is no private key as PEM")?;
        let certificates = certificates_in(certificates).ok_or("the client's certificate is none as PEM")?;
        let config = config.with_client_auth_cert(certificates, key);
        config.map_err(|_| "the client's key is not the one of its certificate")
    }

    fn roots(&self) -> Result<RootCertStore, &'static str> {
        let Some(pem) = &self.roots else {
            return Ok(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect());
        };
        let certificates = certificates_in(pem).ok_or("the root certificates are none as PEM")?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate).map_err(|_| "a root certificate cannot be read")?;
        }
        Ok(roots)
    }
}

/// Returns the certificates in a PEM text; `None` if there are none, or one cannot be read.
fn certificates_in(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!certificates.is_empty()).then_some(certificates)
}

/// Returns the name that the server's certificate must be for.
fn name_of(host: &str) -> io::Result<ServerName<'static>> {
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    ServerName::try_from(host).map_err(|_| misconfigured("no certificate can be for this host name"))
}

/// An encrypted connection that blocks the thread.
#[derive(Debug)]
struct Session {
    stream: Stream,
    session: ClientConnection,
}

impl Link for Session {
    fn write_all(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<()> {
        let mut stream = self.stream.until(deadline);
        let mut stream = rustls::Stream::new(&mut self.session, &mut stream);
        let mut pieces = pieces(bytes, PIECE);
        pieces.try_for_each(|piece| stream.write_all(piece)).and_then(|()| stream.flush()).map_err(in_words)
    }

    fn read(&mut self, bytes: &mut [u8], deadline: Instant) -> io::Result<usize> {
        let mut stream = self.stream.until(deadline);
        rustls::Stream::new(&mut self.session, &mut stream).read(bytes).map_err(in_words)
    }
}

/// Why the certificate of the server was refused, in words that show nothing of it.
#[derive(Debug)]
struct Untrusted(&'static str);

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Untrusted {}

fn misconfigured(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// Returns whether the certificate of the server was refused.
pub(super) fn is_untrusted(error: &io::Error) -> bool {
    error.get_ref().and_then(|cause| cause.downcast_ref::<Untrusted>()).is_some()
}

/// Replaces an error of `rustls`, which may list the names in a certificate.
pub(super) fn in_words(error: io::Error) -> io::Error {
    let Some(cause) = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) else {
        return error;
    };
    match cause {
        rustls::Error::InvalidCertificate(why) => {
            io::Error::new(io::ErrorKind::InvalidData, Untrusted(of_certificate(why)))
        }
        rustls::Error::AlertReceived(alert) => {
            let message = format!("the server refused the TLS connection: {alert:?}");
            io::Error::new(io::ErrorKind::PermissionDenied, message)
        }
        _ => io::Error::new(io::ErrorKind::InvalidData, "the server does not speak TLS as the client does"),
    }
}

fn of_certificate(why: &CertificateError) -> &'static str {
    use CertificateError as Why;
    match why {
        Why::Expired | Why::ExpiredContext { .. } => "the server's certificate has expired",
        Why::NotValidYet | Why::NotValidYetContext { .. } => "the server's certificate is not valid yet",
        Why::NotValidForName | Why::NotValidForNameContext { .. } => {
            "the server's certificate is for another host name"
        }
        Why::UnknownIssuer | Why::BadSignature => {
            "the server's certificate is by an authority that is not trusted"
        }
        Why::Revoked => "the server's certificate is revoked",
        _ => "the server's certificate is not valid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_the_host() {
        for (host, name) in
            [("cache.example:11211", "cache.example"), ("127.0.0.1:7", "127.0.0.1"), ("[::1]:7", "::1")]
        {
            assert_eq!(name_of(host).unwrap().to_str(), name);
        }
        assert_eq!(name_of("not a name:7").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn what_is_no_certificate_is_an_error_that_does_not_show_it() {
        let none = || Tls { roots: Some(b"secret".to_vec()), ..Tls::default() };
        let key = || Tls { client: Some((Vec::new(), b"secret".to_vec())), ..Tls::default() };
        for tls in [none(), key()] {
            let error = tls.config().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(!format!("{tls:?} {error} {error:?}").contains("secret"));
        }
        assert!(Tls::default().config().is_ok());
        assert!(none() == none() && none() != key());
    }

    #[test]
    fn an_error_names_no_certificate() {
        let presented = vec!["secret.example".to_owned()];
        let expected = name_of("cache.example:7").unwrap();
        let certificate = CertificateError::NotValidForNameContext { expected, presented };
        let error = rustls::Error::InvalidCertificate(certificate);
        let error = in_words(io::Error::new(io::ErrorKind::InvalidData, error));
        assert!(is_untrusted(&error));
        assert!(error.to_string().contains("another host name"), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
