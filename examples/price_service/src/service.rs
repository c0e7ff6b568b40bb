//! The service, used by `main` and by a test.

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

/// The routes: prices, and the debug page.
pub(crate) fn app() -> Router {
    Router::new().route("/price/{symbol}", get(answer)).nest("/debug", debug_page::router())
}

async fn answer(Path(symbol): Path<String>) -> Result<Json<Answer>, StatusCode> {
    let start = Instant::now();
    let symbol = symbol.to_ascii_uppercase();
    let price = price(&symbol).await?;
    Ok(Json(Answer { symbol, price, elapsed_sec: start.elapsed().as_secs_f64() }))
}

/// Returns a price, cached for ten seconds. After that the stale price is served while a task refreshes it. Concurrent
/// requests are coalesced into one request to the origin.
#[async_lru_cache(ttl = Duration::from_secs(10), swr = true, timer = now)]
async fn price(symbol: &str) -> Result<u32, StatusCode> {
    origin(symbol).await
}

/// The clock of the runtime, which tests can advance. Without such tests, `ttl = 10` alone is equivalent.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Stands for a remote server: each request raises the price, and a symbol has at most five letters.
async fn origin(symbol: &str) -> Result<u32, StatusCode> {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    time::sleep(Duration::from_millis(200)).await;
    if symbol.len() > 5 || !symbol.bytes().all(|letter| letter.is_ascii_alphabetic()) {
        return Err(StatusCode::NOT_FOUND);
    }
    Ok(100 + ASKED.fetch_add(1, Ordering::Relaxed))
}
