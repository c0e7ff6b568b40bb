//! Connections that block the thread, each read and write until a deadline.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// A connection by TCP or by a Unix socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Calls a method of the connection, whichever it is.
macro_rules! of_stream {
    ($any:expr, $stream:ident => $call:expr) => {
        match $any {
            Stream::Tcp($stream) => $call,
            #[cfg(unix)]
            Stream::Unix($stream) => $call,
        }
    };
}

impl Stream {
    /// Connects to the first address that answers. Each has an equal share of the time until the deadline.
    pub(crate) fn connect(addresses: &[SocketAddr], deadline: Instant) -> io::Result<Self> {
        let mut last = None;
        for (n, address) in addresses.iter().enumerate() {
            let others = u32::try_from(addresses.len() - n).unwrap_or(u32::MAX);
            match TcpStream::connect_timeout(address, left(deadline)? / others) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Self::Tcp(stream));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host name has no address")))
    }

    /// Connects to a Unix socket.
    ///
    /// On Linux, that waits while too many connections are not accepted yet, up to the timeout for sending.
    #[cfg(unix)]
    pub(crate) fn connect_unix(path: &Path, deadline: Instant) -> io::Result<Self> {
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
        socket.set_write_timeout(Some(left(deadline)?))?;
        socket.connect(&socket2::SockAddr::unix(path)?).map_err(timed_out)?;
        Ok(Self::Unix(socket.into()))
    }

    #[cfg(not(unix))]
    pub(crate) fn connect_unix(_: &Path, _: Instant) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "there are no Unix sockets on this system"))
    }

    /// Returns the connection for reading and writing until a deadline.
    pub(crate) fn until(&mut self, deadline: Instant) -> Until<'_> {
        Until { stream: self, deadline }
    }
}

/// A connection until a deadline. Each read and each write waits for the time that is left.
#[derive(Debug)]
pub(crate) struct Until<'s> {
    stream: &'s mut Stream,
    deadline: Instant,
}

impl Until<'_> {
    fn repeated(
        &mut self,
        mut run: impl FnMut(&mut Stream, Duration) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            match run(self.stream, left(self.deadline)?) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done.map_err(timed_out),
            }
        }
    }
}

impl Read for Until<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.repeated(|stream, left| {
            of_stream!(stream, stream => {
                stream.set_read_timeout(Some(left))?;
                stream.read(bytes)
            })
        })
    }
}

impl Write for Until<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.repeated(|stream, left| {
            of_stream!(stream, stream => {
                stream.set_write_timeout(Some(left))?;
                stream.write(bytes)
            })
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Names an error of a socket whose timeout has passed: on Unix it is that of a socket that would block.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

/// Returns the time until a deadline; an error once it has passed.
pub(crate) fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}
