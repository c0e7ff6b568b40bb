//! A proxy to a server, with a configurable delay.

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
}

impl Proxy {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port_here = listener.local_addr().unwrap().port();
        let proxy = Self { port: port_here, delay: Arc::default(), requests: Arc::default() };
        let (delay, requests) = (Arc::clone(&proxy.delay), Arc::clone(&proxy.requests));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
                let answers = Arc::default();
                for (from, to, pieces) in [(&client, &server, &requests), (&server, &client, &answers)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (delay, pieces) = (Arc::clone(&delay), Arc::clone(pieces));
                    thread::spawn(move || {
                        let mut bytes = vec![0; 1 << 16];
                        while let Ok(read @ 1..) = from.read(&mut bytes) {
                            pieces.fetch_add(1, SeqCst);
                            thread::sleep(Duration::from_millis(delay.load(SeqCst)));
                            if to.write_all(&bytes[..read]).is_err() {
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

    /// Sets the delay of each piece, in each direction.
    pub(crate) fn delay(&self, milliseconds: u64) {
        self.delay.store(milliseconds, SeqCst);
    }
}
