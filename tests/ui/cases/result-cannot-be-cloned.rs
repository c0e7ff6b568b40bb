use std::rc::Rc;

use functools::lru_cache;

struct Connection;

#[lru_cache]
fn connect(host: &str) -> Connection {
    let _ = host;
    Connection
}

#[lru_cache]
fn try_connect(host: &str) -> Result<Connection, String> {
    Err(host.to_string())
}

#[lru_cache]
fn shared(n: u64) -> Rc<u64> {
    Rc::new(n)
}

fn main() {
    connect("localhost");
    let _ = (try_connect("localhost"), shared(1));
}
