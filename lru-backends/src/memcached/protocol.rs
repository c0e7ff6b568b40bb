//! The meta protocol of Memcached: requests as bytes, and replies read from bytes. No I/O happens here.

use std::io;

/// The longest value that is accepted: `-I` allows items of up to 1 GiB.
const MAX_VALUE: usize = 1 << 30;
/// The longest line that is accepted: it holds little more than a size and a version.
const MAX_LINE: usize = 2048;

/// One reply of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// `VA`: a value and its version.
    Value { value: Vec<u8>, cas: u64 },
    /// `EN`, `NF`: there is no item.
    Missing,
    /// `HD`: done.
    Done,
    /// `NS`, `EX`: the item is not the expected one.
    Changed,
    /// The server rejected the request, with this message.
    Error(String),
}

/// The condition under which an item is stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum If {
    Any,
    Absent,
    Version(u64),
}

/// Reads an item and its version.
pub(super) fn get(key: &str) -> Vec<u8> {
    format!("mg {key} v c\r\n").into_bytes()
}

/// Deletes an item.
pub(super) fn delete(key: &str) -> Vec<u8> {
    format!("md {key}\r\n").into_bytes()
}

/// Stores an item. `ttl` is in seconds; zero means no expiry, and a month or more is a date.
pub(super) fn set(key: &str, value: &[u8], ttl: i32, only: If) -> Vec<u8> {
    let only = match only {
        If::Any => String::new(),
        If::Absent => " ME".into(),
        If::Version(cas) => format!(" C{cas}"),
    };
    let mut request = format!("ms {key} {} T{ttl}{only}\r\n", value.len()).into_bytes();
    request.reserve_exact(value.len() + 2);
    request.extend_from_slice(value);
    request.extend_from_slice(b"\r\n");
    request
}

/// The bytes received so far, from which replies are read.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    /// The start of the next reply.
    start: usize,
}

impl Inbox {
    /// Appends received bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns whether every received byte was read.
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    /// Returns the next reply; `None` if it is incomplete.
    pub(super) fn next(&mut self) -> io::Result<Option<Reply>> {
        let bytes = &self.bytes[self.start..];
        let Some(end) = bytes.windows(2).take(MAX_LINE).position(|two| two == b"\r\n") else {
            return if bytes.len() > MAX_LINE { Err(malformed()) } else { Ok(None) };
        };
        let line = std::str::from_utf8(&bytes[..end]).map_err(|_| malformed())?;
        let mut words = line.split(' ');
        let reply = match words.next() {
            Some("VA") => {
                let length: usize = words.next().and_then(|word| word.parse().ok()).ok_or_else(malformed)?;
                let cas =
                    words.find_map(|word| word.strip_prefix('c')?.parse().ok()).ok_or_else(malformed)?;
                if length > MAX_VALUE {
                    return Err(malformed());
                }
                let whole = end + 2 + length + 2;
                if bytes.len() < whole {
                    return Ok(None);
                }
                if &bytes[whole - 2..whole] != b"\r\n" {
                    return Err(malformed());
                }
                let value = bytes[end + 2..whole - 2].to_vec();
                self.start += whole;
                return Ok(Some(Reply::Value { value, cas }));
            }
            Some("HD") => Reply::Done,
            Some("EN" | "NF") => Reply::Missing,
            Some("NS" | "EX") => Reply::Changed,
            Some("ERROR" | "SERVER_ERROR" | "CLIENT_ERROR") => Reply::Error(line.to_owned()),
            _ => return Err(malformed()),
        };
        self.start += end + 2;
        Ok(Some(reply))
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the reply is not in the meta protocol of Memcached")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_come_in_pieces_of_any_size() {
        let bytes = b"VA 4 c17\r\n\r\n\r\n\r\nEN\r\nHD\r\nSERVER_ERROR object too large for cache\r\nEX\r\n";
        for size in 1..bytes.len() {
            let (mut inbox, mut replies) = (Inbox::default(), Vec::new());
            for piece in bytes.chunks(size) {
                inbox.push(piece);
                while let Some(reply) = inbox.next().unwrap() {
                    replies.push(reply);
                }
            }
            assert!(inbox.is_empty());
            let rejected = Reply::Error("SERVER_ERROR object too large for cache".into());
            let value = Reply::Value { value: b"\r\n\r\n".to_vec(), cas: 17 };
            assert_eq!(replies, [value, Reply::Missing, Reply::Done, rejected, Reply::Changed]);
        }
    }

    #[test]
    fn anything_else_is_an_error() {
        for bytes in
            [&b"+OK\r\n"[..], b"VA x c1\r\n", b"VA 1\r\na\r\n", b"VA 1 c1\r\nabc", b"\xFF\r\n", &[b'a'; 4096]]
        {
            let mut inbox = Inbox::default();
            inbox.push(bytes);
            assert!(inbox.next().is_err(), "{bytes:?}");
        }
    }
}
