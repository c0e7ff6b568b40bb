//! A service on axum that caches the prices of a slow origin, with a debug page.
//!
//! Run it with `cargo run --package price_service -- [PORT]`. The port is the argument,
//! or else the variable `PORT`, or else 3000; 0 takes any free port.
//!
//! * `GET /price/{symbol}`: slow at first, then immediate; after ten seconds the stale price once more, then a fresh one
//! * `GET /debug`, `GET /debug/cache_info`, `POST /debug/clear_cache` …: the debug page of the library

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
    // The debug page can clear caches and has no authentication: bind to this machine only.
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
