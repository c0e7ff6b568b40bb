//! A way to a server that can be slow, or lead nowhere.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    delay: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), delay: Arc::default() };
        let delay = Arc::clone(&proxy.delay);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let delay = Arc::clone(&delay);
                    thread::spawn(move || {
                        let mut bytes = [0; 4096];
                        while let Ok(read @ 1..) = from.read(&mut bytes) {
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

    /// Each piece takes so much longer, each way.
    pub(crate) fn delay(&self, milliseconds: u64) {
        self.delay.store(milliseconds, SeqCst);
    }
}
