//! Connections that block the thread, each request with a deadline.
//!
//! The blocking client of the `redis` crate limits the time of each read: a server that sends byte by byte is waited for
//! as long as it likes. Here the time that is left is set before each read.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use ::redis::{
    Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, Parser, Pipeline, RedisError, RedisResult, Value, cmd,
};

use super::request::{Request, answers, gets, pipeline, readable};
use crate::stream::{Stream, Until, left};

/// A connection without TLS to one server.
pub(super) struct Socket {
    stream: Stream,
    parser: Parser,
}

impl Socket {
    /// Returns whether connections to this address need TLS, which a socket has not.
    pub(super) fn needs_tls(info: &ConnectionInfo) -> bool {
        matches!(info.addr(), ConnectionAddr::TcpTls { .. })
    }

    /// Opens a connection, authenticates, and selects the database.
    pub(super) fn open(info: &ConnectionInfo, until: Instant) -> RedisResult<Self> {
        let stream = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Stream::connect(&addresses(host, *port, until)?, until)?,
            ConnectionAddr::Unix(path) => Stream::connect_unix(path, until)?,
            _ => return Err((ErrorKind::InvalidClientConfig, "an unknown kind of address").into()),
        };
        let mut socket = Self { stream, parser: Parser::new() };
        let settings = info.redis_settings();
        if let Some(password) = settings.password() {
            let mut auth = cmd("AUTH");
            if let Some(user) = settings.username() {
                auth.arg(user);
            }
            if let Err(error) = socket.ask(auth.arg(password), until) {
                let is_old =
                    error.detail().is_some_and(|detail| detail.contains("wrong number of arguments"));
                if error.code().is_some() && !(is_old && settings.username().is_some()) {
                    return Err((ErrorKind::AuthenticationFailed, "the server refused the password").into());
                }
                // Before version 6 there were no users.
                socket.ask(cmd("AUTH").arg(password), until)?;
            }
        }
        if settings.db() != 0 {
            socket.ask(cmd("SELECT").arg(settings.db()), until)?;
        }
        Ok(socket)
    }

    /// Sends a request and reads the answer.
    pub(super) fn send(&mut self, request: &Request, until: Instant) -> RedisResult<Value> {
        match request {
            Request::One(command) | Request::At(command, _) => self.ask(command, until),
            Request::Get(keys) => readable(self.ask_all(&gets(keys), until)?),
            Request::Each(commands, answer) => {
                answers(commands, self.ask_all(&pipeline(commands), until)?, *answer)
            }
            Request::Pipe(commands, answer) => answer(self.ask_all(commands, until)?),
        }
    }

    fn ask_all(&mut self, commands: &Pipeline, until: Instant) -> RedisResult<Vec<Value>> {
        self.stream.until(until).write_all(&commands.get_packed_pipeline())?;
        (0..commands.len()).map(|_| self.read(until)).collect()
    }

    fn ask(&mut self, command: &Cmd, until: Instant) -> RedisResult<Value> {
        self.stream.until(until).write_all(&command.get_packed_command())?;
        self.read(until)?.extract_error()
    }

    fn read(&mut self, until: Instant) -> RedisResult<Value> {
        let mut reader = Reader { stream: self.stream.until(until), error: None };
        let value = self.parser.parse_value(&mut reader);
        // The parser may name another kind.
        match reader.error {
            Some(error) => Err(RedisError::from(error)),
            None => value,
        }
    }
}

/// Reads from a connection, and keeps the error.
struct Reader<'s> {
    stream: Until<'s>,
    error: Option<io::Error>,
}

impl Read for Reader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = match self.stream.read(bytes) {
            Ok(0) if !bytes.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            read => read,
        };
        read.map_err(|error| {
            let kind = error.kind();
            self.error = Some(error);
            kind.into()
        })
    }
}

/// Returns the addresses of a host. A name is looked up on a thread of its own, as the system sets no limit to that.
fn addresses(host: &str, port: u16, until: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Ok(vec![(address, port).into()]);
    }
    let (send, answer) = mpsc::channel();
    let host = host.to_owned();
    thread::Builder::new().name("redis lookup".to_owned()).spawn(move || {
        let addresses = (host.as_str(), port).to_socket_addrs().map(Vec::from_iter);
        _ = send.send(addresses);
    })?;
    answer.recv_timeout(left(until)?).map_err(|_| io::ErrorKind::TimedOut)?
}
