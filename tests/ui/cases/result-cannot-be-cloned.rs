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

#[lru_cache(cache_errors = true)]
fn try_again(host: &str) -> Result<u64, Connection> {
    let _ = host;
    Err(Connection)
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Pool;

impl Pool {
    #[lru_cache]
    fn connection(&self, host: &str) -> Connection {
        let _ = host;
        Connection
    }

    #[lru_cache]
    fn try_connection(&self, host: &str) -> Result<Connection, String> {
        Err(host.to_string())
    }
}

#[lru_cache(typed = true)]
fn open<T: Clone + functools::Argument + Send + Sync + 'static>(host: T) -> (T, Connection) {
    (host, Connection)
}

#[lru_cache(typed = true)]
fn twice<T: functools::Argument + Send + Sync + 'static>(item: T) -> T {
    item
}

#[lru_cache]
async fn fetch(host: &str) -> Connection {
    let _ = host;
    Connection
}

fn main() {
    connect("localhost");
    let _ = (try_connect("localhost"), try_again("localhost"), fetch("localhost"));
    let _ = (Pool.connection("localhost"), Pool.try_connection("localhost"));
    let _ = (open(1), twice(1));
}
