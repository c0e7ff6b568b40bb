//! A proxy to a server, with a configurable delay. It can pass on what the server sends byte by byte.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    delay: Arc<AtomicU64>,
    requests: Arc<AtomicU64>,
    piece: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port_here = listener.local_addr().unwrap().port();
        let piece = Arc::new(AtomicU64::new(u64::MAX));
        let proxy = Self { port: port_here, delay: Arc::default(), requests: Arc::default(), piece };
        let (delay, requests) = (Arc::clone(&proxy.delay), Arc::clone(&proxy.requests));
        let (whole, piece) = (Arc::new(AtomicU64::new(u64::MAX)), Arc::clone(&proxy.piece));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
                let answers = Arc::default();
                for (from, to, pieces, size) in
                    [(&client, &server, &requests, &whole), (&server, &client, &answers, &piece)]
                {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (delay, pieces, size) = (Arc::clone(&delay), Arc::clone(pieces), Arc::clone(size));
                    thread::spawn(move || {
                        let mut bytes = vec![0; 1 << 16];
                        while let Ok(read @ 1..) = from.read(&mut bytes) {
                            pieces.fetch_add(1, SeqCst);
                            let size = usize::try_from(size.load(SeqCst)).unwrap_or(usize::MAX);
                            let is_sent = bytes[..read].chunks(size).all(|piece| {
                                thread::sleep(Duration::from_millis(delay.load(SeqCst)));
                                to.write_all(piece).is_ok()
                            });
                            if !is_sent {
                                break;
                            }
                        }
                        _ = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        proxy
    }

    /// Returns the number of pieces received from clients: one per round trip, or a few for a long request.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(SeqCst)
    }

    /// Passes on what the server sends byte by byte, with the delay before each.
    pub(crate) fn dribble(&self) {
        self.piece.store(1, SeqCst);
    }

    /// Sets the delay of each piece, in each direction.
    pub(crate) fn delay(&self, milliseconds: u64) {
        self.delay.store(milliseconds, SeqCst);
    }
}
