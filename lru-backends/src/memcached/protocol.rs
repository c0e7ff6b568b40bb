//! Memcached's meta protocol: bytes of requests, and replies in bytes. It opens no connections.

use std::io;

/// Longer replies are none: `-I` allows items of up to 1 GiB.
const MOST: usize = 1 << 30;
/// A line tells little more than a size and a version.
const LONGEST_LINE: usize = 2048;

/// One reply of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// `VA`: what is there, and its version.
    Value { value: Vec<u8>, cas: u64 },
    /// `EN`, `NF`: there is nothing.
    Nothing,
    /// `HD`: done.
    Done,
    /// `NS`, `EX`: it is not as it was expected to be.
    Changed,
    /// It refused, in its own words.
    Refused(String),
}

/// When an item is to be stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum If {
    Any,
    Absent,
    Version(u64),
}

pub(super) fn get(key: &str) -> Vec<u8> {
    format!("mg {key} v c\r\n").into_bytes()
}

pub(super) fn delete(key: &str) -> Vec<u8> {
    format!("md {key}\r\n").into_bytes()
}

/// `ttl` as the server takes it: zero for ever, a month and more as a date.
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

/// Replies as they come in, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    /// Where the next reply begins.
    start: usize,
}

impl Inbox {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether all that came was asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    /// The next reply, once it is whole.
    pub(super) fn next(&mut self) -> io::Result<Option<Reply>> {
        let bytes = &self.bytes[self.start..];
        let Some(end) = bytes.windows(2).take(LONGEST_LINE).position(|two| two == b"\r\n") else {
            return if bytes.len() > LONGEST_LINE { Err(garbled()) } else { Ok(None) };
        };
        let line = std::str::from_utf8(&bytes[..end]).map_err(|_| garbled())?;
        let mut words = line.split(' ');
        let reply = match words.next() {
            Some("VA") => {
                let length: usize = words.next().and_then(|word| word.parse().ok()).ok_or_else(garbled)?;
                let cas = words.find_map(|word| word.strip_prefix('c')?.parse().ok()).ok_or_else(garbled)?;
                if length > MOST {
                    return Err(garbled());
                }
                let whole = end + 2 + length + 2;
                if bytes.len() < whole {
                    return Ok(None);
                }
                if &bytes[whole - 2..whole] != b"\r\n" {
                    return Err(garbled());
                }
                let value = bytes[end + 2..whole - 2].to_vec();
                self.start += whole;
                return Ok(Some(Reply::Value { value, cas }));
            }
            Some("HD") => Reply::Done,
            Some("EN" | "NF") => Reply::Nothing,
            Some("NS" | "EX") => Reply::Changed,
            Some("ERROR" | "SERVER_ERROR" | "CLIENT_ERROR") => Reply::Refused(line.to_owned()),
            _ => return Err(garbled()),
        };
        self.start += end + 2;
        Ok(Some(reply))
    }
}

fn garbled() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer is not in Memcached's meta protocol")
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
            let refused = Reply::Refused("SERVER_ERROR object too large for cache".into());
            let value = Reply::Value { value: b"\r\n\r\n".to_vec(), cas: 17 };
            assert_eq!(replies, [value, Reply::Nothing, Reply::Done, refused, Reply::Changed]);
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
