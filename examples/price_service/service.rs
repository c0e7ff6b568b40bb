//! The service itself, for whoever serves it: `main`, or a test.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use functools::{async_lru_cache, debug_page};
use serde::Serialize;
use tokio::time::{self, Instant};

#[derive(Serialize)]
struct Answer {
    symbol: String,
    price: u32,
    elapsed_sec: f64,
}

/// All there is: prices, and the page on what is remembered of them.
pub(crate) fn app() -> Router {
    Router::new().route("/price/{symbol}", get(answer)).nest("/debug", debug_page::router())
}

async fn answer(Path(symbol): Path<String>) -> Result<Json<Answer>, StatusCode> {
    let start = Instant::now();
    let symbol = symbol.to_ascii_uppercase();
    let price = price(&symbol).await?;
    Ok(Json(Answer { symbol, price, elapsed_sec: start.elapsed().as_secs_f64() }))
}

/// A price is fresh for ten seconds. After that the old one is served while a task asks for the new one. However
/// many ask at once, the origin is asked once.
#[async_lru_cache(ttl = Duration::from_secs(10), swr = true, timer = now)]
async fn price(symbol: &str) -> Result<u32, StatusCode> {
    origin(symbol).await
}

/// The runtime's time, which tests can move by hand. Where nobody does, `ttl = 10` says the same without a `timer`.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Stands for a server far away: prices go up with each question, and no symbol is longer than five letters.
async fn origin(symbol: &str) -> Result<u32, StatusCode> {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    time::sleep(Duration::from_millis(200)).await;
    if symbol.len() > 5 || !symbol.bytes().all(|letter| letter.is_ascii_alphabetic()) {
        return Err(StatusCode::NOT_FOUND);
    }
    Ok(100 + ASKED.fetch_add(1, Ordering::Relaxed))
}
