//! A service on axum that remembers what a slow origin tells, and shows on a page how that goes.
//!
//! Run it with `cargo run --example price_service --features axum,tokio -- [PORT]`. The port is 3000 where none is
//! given, neither so nor in the variable `PORT`; 0 takes any that is free.
//!
//! * `GET /price/{symbol}`: slow at first, then at once; after ten seconds the old price once more, and a fresh one after
//! * `GET /debug`, `GET /debug/cache_info`, `POST /debug/clear_cache`: the library's own page

use std::env;
use std::io;

use tokio::net::TcpListener;

mod service;

const PORT: u16 = 3000;

#[tokio::main]
async fn main() -> Result<(), String> {
    let port = match env::args().nth(1).or_else(|| env::var("PORT").ok()) {
        None => PORT,
        Some(port) => port.parse().map_err(|_| format!("`{port}` is no port; give a number up to 65535"))?,
    };
    // Whoever reaches the debug page can clear caches: this is for this machine alone.
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {port} is taken; give another one, or 0 for any that is free")
        }
        _ => format!("port {port} can't be listened on: {error}"),
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("Prices: http://{address}/price/ACME");
    println!("Page:   http://{address}/debug");
    axum::serve(listener, service::app()).await.map_err(|error| error.to_string())
}
