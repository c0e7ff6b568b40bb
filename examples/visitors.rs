//! A counter in a server that many processes write to: compare-and-swap loses no visitor.
//!
//! Run any number of `cargo run --example visitors --features redis,memcached -- SERVER` at the same time. The
//! server is `redis://127.0.0.1/` or, for Memcached, `127.0.0.1:11211`.

use std::env;
use std::thread;

use functools::backend::{BackendError, CompareAndSwap, memcached, redis};

/// Adds one to the counter. The closure is called again with the newer value if another process changed it first.
fn visit(counter: &impl CompareAndSwap) -> Result<u64, BackendError> {
    counter.update("example", b"visitors", None, |visitors: Option<u64>| visitors.unwrap_or(0) + 1)
}

fn count(counter: &(impl CompareAndSwap + Sync)) -> Result<(), BackendError> {
    let came = thread::scope(|scope| {
        let doors = [(); 4].map(|()| scope.spawn(|| (0..50).filter(|_| visit(counter).is_ok()).count()));
        doors.map(|door| door.join().expect("a door")).into_iter().sum::<usize>()
    });
    println!("{came} came in here, and with this one {} everywhere", visit(counter)?);
    Ok(())
}

fn main() -> Result<(), BackendError> {
    let server = env::args().nth(1).ok_or("expected a server: redis://127.0.0.1/ or 127.0.0.1:11211")?;
    if server.starts_with("redis") { count(&redis(server)) } else { count(&memcached(server)) }
}
