//! The meta protocol of Memcached: requests as bytes, and replies read from bytes. No I/O happens here.

use std::io;

/// The longest value that is accepted: `-I` allows items of up to 1 GiB.
const MAX_VALUE: usize = 1 << 30;
/// The longest line that is accepted: it holds little more than a size and a version.
const MAX_LINE: usize = 2048;

/// One reply of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// `VA`: the value of an item, and what the flags tell of it.
    Value { value: Vec<u8>, flags: Flags },
    /// `EN`, `NF`: there is no item.
    Missing,
    /// `HD`: done, and what the flags tell of the item.
    Done(Flags),
    /// `NS`, `EX`: the item is not the expected one.
    Changed,
    /// The server rejected the request, with this message.
    Error(String),
}

/// What the flags of a reply tell of an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// `c`: the version of the item, which the server counts. It is zero on a server that runs without them, `-C`.
    pub(super) cas: Option<u64>,
    /// `t`: the remaining time to live in seconds, as the server counts them; `None` if the item does not expire.
    pub(super) seconds: Option<u64>,
    /// `s`: the size of the value.
    pub(super) size: Option<u64>,
    /// `W`: this request has created the item.
    pub(super) is_created: bool,
}

impl Flags {
    fn read<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut flags = Self::default();
        for word in words {
            match word.split_at_checked(1) {
                Some(("c", cas)) => flags.cas = cas.parse().ok(),
                // `t-1` is an item that does not expire.
                Some(("t", seconds)) => flags.seconds = seconds.parse().ok(),
                Some(("s", size)) => flags.size = size.parse().ok(),
                Some(("W", "")) => flags.is_created = true,
                _ => {}
            }
        }
        flags
    }
}

/// The condition under which an item is stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum If {
    Any,
    Absent,
    Version(u64),
}

/// Tells the server a user's name and password. The key is of no consequence, and a server that does not ask for credentials
/// stores nothing, as the item has expired.
pub(super) fn authenticate(user: &str, password: &str) -> Vec<u8> {
    let credentials = format!("{user} {password}");
    format!("set auth 0 -1 {}\r\n{credentials}\r\n", credentials.len()).into_bytes()
}

/// Reads an item, its version, and its remaining time to live.
pub(super) fn get(key: &str) -> Vec<u8> {
    format!("mg {key} v c t\r\n").into_bytes()
}

/// Like [`get`], but creates an empty item for this number of seconds if there is none.
pub(super) fn get_or_create(key: &str, seconds: i32) -> Vec<u8> {
    format!("mg {key} v c t N{seconds}\r\n").into_bytes()
}

/// Reads the version of an item, and its size.
pub(super) fn version(key: &str) -> Vec<u8> {
    format!("mg {key} c s\r\n").into_bytes()
}

/// Sets the time to live of an item, and reads its version.
pub(super) fn touch(key: &str, seconds: i32) -> Vec<u8> {
    format!("mg {key} c T{seconds}\r\n").into_bytes()
}

/// Deletes an item.
pub(super) fn delete(key: &str) -> Vec<u8> {
    format!("md {key}\r\n").into_bytes()
}

/// Deletes an item if it has this version.
pub(super) fn delete_version(key: &str, cas: u64) -> Vec<u8> {
    format!("md {key} C{cas}\r\n").into_bytes()
}

/// Stores an item, and reads its new version. `ttl` is in seconds; zero means no expiry, and a month or more is a date.
pub(super) fn set(key: &str, value: &[u8], ttl: i32, only: If) -> Vec<u8> {
    let only = match only {
        If::Any => String::new(),
        If::Absent => " ME".into(),
        If::Version(cas) => format!(" C{cas}"),
    };
    let mut request = format!("ms {key} {} c T{ttl}{only}\r\n", value.len()).into_bytes();
    request.reserve_exact(value.len() + 2);
    request.extend_from_slice(value);
    request.extend_from_slice(b"\r\n");
    request
}

/// Returns requests in pieces of whole requests, each of this many bytes at most, or of one request.
pub(super) fn pieces(requests: &[u8], most: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = requests;
    std::iter::from_fn(move || {
        let mut end = if rest.len() > most { length_of_first(rest) } else { rest.len() };
        while end < rest.len() {
            let longer = end + length_of_first(&rest[end..]);
            if longer > most {
                break;
            }
            end = longer;
        }
        let (piece, others) = rest.split_at(end);
        rest = others;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Returns the length of the first request, with its value.
fn length_of_first(requests: &[u8]) -> usize {
    let Some(end) = requests.windows(2).position(|two| two == b"\r\n") else { return requests.len() };
    let mut words = requests[..end].split(|&byte| byte == b' ');
    let size = match words.next() {
        Some(b"ms") => words.nth(1),
        Some(b"set") => words.nth(3),
        _ => None,
    };
    let size = size.and_then(|size| std::str::from_utf8(size).ok()?.parse::<usize>().ok());
    let length = end + 2 + size.map_or(0, |size| size.saturating_add(2));
    length.min(requests.len())
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
                let flags = Flags::read(words);
                flags.cas.ok_or_else(malformed)?;
                let value = bytes[end + 2..whole - 2].to_vec();
                self.start += whole;
                return Ok(Some(Reply::Value { value, flags }));
            }
            // The reply to credentials.
            Some("STORED") => Reply::Done(Flags::default()),
            Some("HD") => Reply::Done(Flags::read(words)),
            Some("EN" | "NF") => Reply::Missing,
            Some("NS" | "EX") => Reply::Changed,
            // The server then answers no other request.
            Some("CLIENT_ERROR") if line.contains("unauthenticated") => {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, line.to_owned()));
            }
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
        let bytes = b"VA 4 c17 t-1\r\n\r\n\r\n\r\nEN\r\nHD c9 t30 s5 W\r\nSERVER_ERROR object too large for cache\r\nEX\r\n";
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
            let flags = Flags { cas: Some(17), ..Flags::default() };
            let value = Reply::Value { value: b"\r\n\r\n".to_vec(), flags };
            let done =
                Reply::Done(Flags { cas: Some(9), seconds: Some(30), size: Some(5), is_created: true });
            assert_eq!(replies, [value, Reply::Missing, done, rejected, Reply::Changed]);
        }
    }

    #[test]
    fn pieces_are_whole_requests() {
        let value = [b'v'; 30];
        let requests = [
            get("a"),
            set("b", b"\r\nmg x\r\n", 0, If::Any),
            delete("c"),
            set("d", &value, 9, If::Version(7)),
            set("e", b"", 0, If::Absent),
            authenticate("user", "password"),
            touch("f", 1),
        ];
        let all = requests.concat();
        assert_eq!(pieces(&all, usize::MAX).collect::<Vec<_>>(), [&all[..]]);
        assert_eq!(pieces(&all, 1).collect::<Vec<_>>(), requests.each_ref().map(Vec::as_slice));
        for most in 2..all.len() {
            let found: Vec<_> = pieces(&all, most).collect();
            assert_eq!(found.concat(), all);
            assert!(found.iter().all(|piece| piece.len() <= most || requests.iter().any(|one| one == piece)));
        }
        assert_eq!(pieces(b"", 1).count(), 0);
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
