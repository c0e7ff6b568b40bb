//! What all backends of one server share: connections, the circuit breaker, and the epoch of leases.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use super::address::{Address, Credentials};
use super::blocking::{Blocking, Link};
use super::lease::Epoch;
use super::multiplexed::Multiplexed;
use super::resolver::Resolver;
use super::tls::{PIECE, Tls};
use crate::circuit_breaker::Breaker;
use crate::connection_pool::{Pool, Shared};
use crate::runtimes::Runtimes;
use crate::stream::Stream;

/// The servers that backends of this process use.
static SERVERS: Shared<Server> = Shared::new();

/// Requests that are not encrypted are written together.
const WHOLE: usize = usize::MAX;

/// The pause before a Unix socket is tried again that accepts no connection at the moment.
#[cfg(unix)]
const UNIX_PAUSE: Duration = Duration::from_millis(5);

/// The connection of one runtime. It is locked while it is being opened.
type OfRuntime = Arc<tokio::sync::Mutex<Option<Arc<Multiplexed>>>>;

/// A server, and the connections to it.
#[derive(Debug)]
pub(super) struct Server {
    address: Address,
    credentials: Option<Credentials>,
    tls: Option<Tls>,
    resolver: Resolver,
    pub(super) blocking: Pool<Blocking>,
    pub(super) runtimes: Runtimes<OfRuntime>,
    pub(super) epoch: Epoch,
    breakers: Shared<Breaker>,
}

impl Server {
    /// Returns the server at this address, which is the same for all backends of the process.
    pub(super) fn shared(
        address: &Address,
        credentials: Option<&Credentials>,
        tls: Option<&Tls>,
    ) -> Arc<Self> {
        let is_same = |server: &Self| {
            server.address == *address
                && server.credentials.as_ref() == credentials
                && server.tls.as_ref() == tls
        };
        SERVERS.get(is_same, || Self {
            address: address.clone(),
            credentials: credentials.cloned(),
            tls: tls.cloned(),
            resolver: Resolver::default(),
            blocking: Pool::new(),
            runtimes: Runtimes::new(),
            epoch: Epoch::new(),
            breakers: Shared::new(),
        })
    }

    /// Returns the circuit breaker with these settings: backends that agree on them have one together.
    pub(super) fn breaker(&self, settings: &Breaker) -> Arc<Breaker> {
        self.breakers.get(|breaker| breaker.has_settings_of(settings), || settings.copied())
    }

    /// Opens a connection that blocks the thread.
    pub(super) fn open(&self, deadline: Instant) -> io::Result<Blocking> {
        Blocking::open(self.link(deadline)?, self.credentials.as_ref(), deadline)
    }

    fn link(&self, deadline: Instant) -> io::Result<Box<dyn Link>> {
        match (&self.address, &self.tls) {
            (Address::Tcp(host), tls) => {
                let addresses = self.resolver.addresses(host, deadline)?;
                let stream = Stream::connect(&addresses, deadline);
                let stream = stream.inspect_err(|_| self.resolver.forget())?;
                match tls {
                    Some(tls) => tls.open(stream, host, deadline),
                    None => Ok(Box::new(stream)),
                }
            }
            (Address::Unix(path), None) => Ok(Box::new(Stream::connect_unix(path.as_ref(), deadline)?)),
            (Address::Unix(_), Some(_)) => Err(misconfigured("a Unix socket has no TLS")),
            (Address::Misconfigured(why), _) => Err(misconfigured(why)),
        }
    }

    /// Opens a connection of the current runtime.
    pub(super) async fn open_async(&self) -> io::Result<Multiplexed> {
        let credentials = self.credentials.as_ref();
        match (&self.address, &self.tls) {
            (Address::Tcp(host), tls) => {
                let stream = TcpStream::connect(host).await?;
                stream.set_nodelay(true)?;
                let Some(tls) = tls else {
                    let (read, write) = stream.into_split();
                    return Multiplexed::start(read, write, WHOLE, credentials).await;
                };
                let (read, write) = tokio::io::split(tls.open_async(stream, host).await?);
                Multiplexed::start(read, write, PIECE, credentials).await
            }
            #[cfg(unix)]
            (Address::Unix(path), None) => {
                let (read, write) = connect_unix(path).await?.into_split();
                Multiplexed::start(read, write, WHOLE, credentials).await
            }
            #[cfg(not(unix))]
            (Address::Unix(path), None) => {
                Err(Stream::connect_unix(path.as_ref(), Instant::now()).unwrap_err())
            }
            (Address::Unix(_), Some(_)) => Err(misconfigured("a Unix socket has no TLS")),
            (Address::Misconfigured(why), _) => Err(misconfigured(why)),
        }
    }

    /// Records that a connection was lost.
    pub(super) fn lost(&self) {
        self.epoch.end();
        self.blocking.clear();
    }
}

/// Returns the error of a backend that cannot work as it is set up.
fn misconfigured(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// Connects to a Unix socket. Too many connections that are not accepted yet are an error, so it is tried again.
#[cfg(unix)]
async fn connect_unix(path: &str) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(UNIX_PAUSE).await,
            connected => return connected,
        }
    }
}
