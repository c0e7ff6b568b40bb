//! A debug page about all memoized functions of a service, for services on axum. Needs the feature `axum`.
//!
//! ```
//! # mod functools { pub use lru_page as debug_page; }
//! use axum::Router;
//! use functools::debug_page;
//!
//! let app: Router = Router::new().nest("/debug", debug_page::router());
//! ```
//!
//! | request | answer |
//! |---|---|
//! | `GET /debug` | the page: a row per registered function, with live hit ratios and a button that clears its cache |
//! | `GET /debug/cache_info` | the numbers as JSON |
//! | `POST /debug/clear_cache` | clears all caches, or with `?function=shop::price` those with this path: `{"cleared": 1}` |
//!
//! The page is one file that requests only these addresses, relative to its own: it can be mounted anywhere,
//! also behind a proxy that adds a prefix. While it is visible, it polls once a second. To axum, `/debug` and
//! `/debug/` are different addresses: nest the page at the one that you want to use.
//!
//! The JSON is `{"functions": [...]}`, sorted by path. Each has `path`, `file`, `line`; `hits`, `misses`, `maxsize`
//! (`null` if unbounded), `currsize`; `hit_ratio`, which is `null` without a call; `evictions`,
//! `superseded`, `expiries`, `coalesced`, `stale_hits`, `refreshes`, `errors`, `backend_hits`, `backend_errors`,
//! `backend_requests`, `backend_bytes_read`, `backend_bytes_written`; `backend_state`, which is `"closed"`, `"half-open"` or
//! `"open"`, or `null` without a circuit breaker; `backend_sec` and `computing_sec`, which are `null` if they are not measured.
//!
//! # Security
//!
//! The page has no authentication: every client that can reach it can read the paths and counters of your
//! functions, and can put load on your origins by clearing caches. Mount it where only you can reach it: on a
//! separate listener bound to loopback, or behind a layer that checks credentials and the `Host` header.
//!
//! The page protects against cross-site requests from a browser. A `POST` is refused with 403 if
//! `Sec-Fetch-Site` says that it comes from another site, or, without that header, if the host of `Origin`
//! differs from `Host`. Clients other than browsers send neither header and are accepted:
//! `curl -X POST localhost:3000/debug/clear_cache`. The page cannot be framed, and loads no external
//! resources.

#![forbid(unsafe_code)]

use axum::extract::Query;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, ORIGIN, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::{Authority, Uri};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Json, Router};
use lru_core::registry::{self, Function};
use serde_json::{Value, json};

mod page;

/// The content security policy: inline scripts and styles, and requests to the origin of the page only.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The headers of every answer: not cached, and of the declared content type.
const HEADERS: [(HeaderName, &str); 2] = [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];

/// Returns the routes of the debug page, for a service with any state.
///
/// It can be nested into any router, or merged into one without the routes `/`, `/cache_info` and
/// `/clear_cache`. It has no authentication: see [Security](self#security).
///
/// # Examples
///
/// Together with the routes of a service:
///
/// ```
/// # mod functools { pub use lru_page as debug_page; }
/// use axum::Router;
/// use axum::routing::get;
///
/// let app = Router::new()
///     .route("/", get(async || "Hello, world!"))
///     .nest("/internal/caches", functools::debug_page::router())
///     .with_state(());
/// # let _: Router = app;
/// ```
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(show))
        .route("/cache_info", get(cache_info))
        .route("/clear_cache", post(clear_cache))
}

async fn show() -> impl IntoResponse {
    let page = page::of(registry::functions());
    (HEADERS, [(CONTENT_SECURITY_POLICY, POLICY)], Html(page))
}

async fn cache_info() -> impl IntoResponse {
    let functions: Vec<_> = registry::functions().map(numbers_of).collect();
    (HEADERS, Json(json!({ "functions": functions })))
}

/// Clears the caches of the named functions, or all.
async fn clear_cache(
    headers: HeaderMap,
    Query(named): Query<Vec<(String, String)>>,
) -> Result<impl IntoResponse, (StatusCode, String)> {
    if is_cross_site(&headers) {
        return Err((
            StatusCode::FORBIDDEN,
            "cross-site request refused: only this page can clear caches from a browser".into(),
        ));
    }
    // Validate all parameters before clearing: a misspelt one must not clear every cache.
    if let Some((name, _)) = named.iter().find(|(name, _)| name != "function") {
        return Err((StatusCode::BAD_REQUEST, format!("unknown parameter `{name}`; expected `function`")));
    }
    let is_listed = |path: &str| registry::functions().any(|function| function.path() == path);
    if let Some((_, path)) = named.iter().find(|(_, path)| !is_listed(path)) {
        return Err((StatusCode::NOT_FOUND, format!("no memoized function has the path `{path}`")));
    }
    let is_meant =
        |function: &Function| named.is_empty() || named.iter().any(|(_, path)| path == function.path());
    let cleared = registry::functions().filter(|function| is_meant(function)).inspect(|one| one.clear());
    Ok((HEADERS, Json(json!({ "cleared": cleared.count() }))))
}

/// Returns whether a browser sent the request for a page of another site.
fn is_cross_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    // Browsers send `Sec-Fetch-Site` since 2023, and only to https and loopback; `Origin` is older.
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin.as_ref().and_then(Uri::authority).map(Authority::as_str) != host
}

/// Returns the numbers of a function, as JSON.
fn numbers_of(function: &'static Function) -> Value {
    let (info, stats) = (function.info(), function.stats());
    json!({
        "path": function.path(),
        "file": function.file(),
        "line": function.line(),
        "hits": info.hits,
        "misses": info.misses,
        "hit_ratio": (info.hits + info.misses > 0).then(|| info.hit_ratio()),
        "maxsize": info.maxsize,
        "currsize": info.currsize,
        "evictions": stats.evictions,
        "superseded": stats.superseded,
        "expiries": stats.expiries,
        "coalesced": stats.coalesced,
        "stale_hits": stats.stale_hits,
        "refreshes": stats.refreshes,
        "errors": stats.errors,
        "backend_hits": stats.backend_hits,
        "backend_errors": stats.backend_errors,
        "backend_requests": stats.backend_requests,
        "backend_bytes_read": stats.backend_bytes_read,
        "backend_bytes_written": stats.backend_bytes_written,
        "backend_state": stats.backend_state.map(|state| state.to_string()),
        "backend_sec": stats.backend_time.map(|took| took.as_secs_f64()),
        "computing_sec": stats.computing.map(|took| took.as_secs_f64()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comes_with(headers: &[(&'static str, &str)]) -> bool {
        let headers =
            headers.iter().map(|&(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        is_cross_site(&headers.collect())
    }

    #[test]
    fn other_sites_are_told_by_what_browsers_send() {
        assert!(comes_with(&[("sec-fetch-site", "cross-site")]));
        assert!(comes_with(&[("sec-fetch-site", "same-site")]));
        assert!(!comes_with(&[("sec-fetch-site", "same-origin"), ("origin", "https://behind.a.proxy")]));
        assert!(!comes_with(&[("sec-fetch-site", "none")]));
    }

    #[test]
    fn older_browsers_tell_by_the_origin() {
        let host = ("host", "example.org:3000");
        assert!(!comes_with(&[host, ("origin", "http://example.org:3000")]));
        assert!(comes_with(&[host, ("origin", "http://example.org")]));
        assert!(comes_with(&[host, ("origin", "http://example.com:3000")]));
        assert!(comes_with(&[host, ("origin", "null")]));
        assert!(comes_with(&[("origin", "http://example.org")]));
    }

    #[test]
    fn programs_that_are_no_browsers_are_let_through() {
        assert!(!comes_with(&[("host", "example.org")]));
    }
}
