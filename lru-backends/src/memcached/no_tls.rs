//! The settings of encrypted connections without the feature `memcached-tls`: there are none.

use std::io;
use std::time::Instant;

use tokio::net::TcpStream;

use super::blocking::Link;
use crate::stream::Stream;

/// Nothing is encrypted.
pub(super) const PIECE: usize = usize::MAX;

/// No value: an address that asks for TLS is an error.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tls {}

impl Tls {
    /// Returns why there are no encrypted connections.
    pub(super) fn by_scheme() -> Result<Self, &'static str> {
        Err("`memcacheds:` needs the feature `memcached-tls`")
    }

    pub(super) fn open(&self, _: Stream, _: &str, _: Instant) -> io::Result<Box<dyn Link>> {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "with TLS it is async")]
    pub(super) async fn open_async(&self, _: TcpStream, _: &str) -> io::Result<TcpStream> {
        match *self {}
    }
}

/// Returns whether the certificate of the server was refused: there is none.
pub(super) fn is_untrusted(_: &io::Error) -> bool {
    false
}

/// Replaces an error of TLS: there is none.
pub(super) fn in_words(error: io::Error) -> io::Error {
    error
}
