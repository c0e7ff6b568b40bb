//! Memcached, read and written by processes whose clocks differ.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use functools::backend::{Backend, memcached};

use crate::server::{Server, limit};

/// Where the deadline of an item begins: after a tag and the generation.
const DEADLINE: usize = 18;

/// Changes an item to what a writer stores whose clock is ahead by so many milliseconds.
fn shift(server: &Server, key: &str, milliseconds: i64, seconds: u64) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut ask = |request: &[u8], end: &[u8]| {
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(end) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        answer
    };
    let answer = ask(format!("mg {key} v\r\nmn\r\n").as_bytes(), b"MN\r\n");
    let start = answer.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
    let mut item = answer[start..answer.len() - "\r\nMN\r\n".len()].to_vec();
    let deadline = u64::from_le_bytes(item[DEADLINE..][..8].try_into().unwrap());
    let shifted = deadline.checked_add_signed(milliseconds).unwrap();
    item[DEADLINE..][..8].copy_from_slice(&shifted.to_le_bytes());
    let request = [format!("ms {key} {} T{seconds}\r\n", item.len()).as_bytes(), &item, b"\r\n"].concat();
    assert_eq!(ask(&request, b"\r\n"), b"HD\r\n");
}

#[test]
fn entries_live_as_long_as_the_server_says() {
    let _limit = limit();
    let server = Server::memcached(&[]);
    let backend = memcached(server.address());
    let second = Duration::from_secs(1);
    for skew in [-86_400_000, -1500, 0, 1500, 86_400_000] {
        // A tick of the server's clock may come between the store and the lookup; hardly twice in a row.
        let is_hit = (0..5).any(|_| {
            backend.clear("clocks").unwrap();
            backend.set("clocks", b"key", b"value", Some(second)).unwrap();
            let dump = server.says("lru_crawler metadump all\r\n", "END\r\n");
            let keys = dump.lines().filter_map(|line| line.strip_prefix("key=")?.split(' ').next());
            for key in keys.map(|key| key.replace("%3A", ":")).filter(|key| key.starts_with("lru:e:")) {
                shift(&server, &key, skew, 2);
            }
            let begin = Instant::now();
            let Some(found) = backend.get("clocks", b"key").unwrap() else { return false };
            assert_eq!(found.value, b"value");
            assert!(found.ttl.unwrap() <= second * 2);
            while backend.get("clocks", b"key").unwrap().is_some() {
                assert!(begin.elapsed() < second * 10, "the entry does not expire");
            }
            assert!(begin.elapsed() < second * 3, "{:?} with a skew of {skew}", begin.elapsed());
            true
        });
        assert!(is_hit, "no hit with a skew of {skew} ms");
    }
}
