//! A page on what the memoized functions of a service do, to be mounted by any service on axum. Only with
//! the feature `axum`.
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
//! | `GET /debug` | the page: a row for each function of the registry, hit ratios as they change, buttons that clear |
//! | `GET /debug/cache_info` | the same numbers as JSON |
//! | `POST /debug/clear_cache` | clears all caches, or with `?function=shop::price` those of this path: `{"cleared": 1}` |
//!
//! The page is one file that asks the network for nothing but these addresses, which it finds below its own: mount
//! it wherever you like, behind a proxy that adds a prefix, too. While it is looked at, it asks once a second. To axum
//! `/debug` and `/debug/` are two addresses: mount it at the one that you want to type.
//!
//! The JSON is `{"functions": [...]}`, sorted by path. Each has `path`, `file`, `line`; `hits`, `misses`, `maxsize`
//! (`null` for no bound), `currsize`; `hit_ratio`, which is `null` where there was no call; `evictions`, `expiries`,
//! `coalesced`, `stale_hits`, `refreshes`, `errors`, `backend_hits`, `backend_errors`, and `computing_sec`.
//!
//! # Who can reach it
//!
//! The page asks nobody who they are: whoever reaches it reads the paths and counts of your functions, and can make
//! your origins work by clearing caches. Mount it where only you can reach it: on a listener of its own that is
//! bound to loopback, or behind a layer that asks for credentials and checks `Host`.
//!
//! What it does itself is to keep other sites from clearing caches through the browser of somebody who can reach it.
//! A `POST` is refused, with 403, if the browser says by `Sec-Fetch-Site` that it comes from another site, or, where
//! that is not sent, if `Origin` is another host than `Host`. Programs that are not browsers send neither, and are
//! let through: `curl -X POST localhost:3000/debug/clear_cache`. The page can't be framed, and loads nothing from
//! elsewhere.

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

/// What a browser may do with the page: run what is written in it, and ask where it comes from.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Answers to requests are of the moment, and are what they say they are.
const HEADERS: [(HeaderName, &str); 2] = [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];

/// The page, its numbers and what clears caches, for a service with any state.
///
/// Of the service it wants nothing, so it can be nested into any router or merged with one that leaves `/`,
/// `/cache_info` and `/clear_cache` to it. It asks nobody who they are: see [above](self#who-can-reach-it).
///
/// # Examples
///
/// Beside what a service has of its own:
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
    let functions: Vec<_> = registry::functions().map(told).collect();
    (HEADERS, Json(json!({ "functions": functions })))
}

/// Clears the caches of the functions that are named, or else all.
async fn clear_cache(
    headers: HeaderMap,
    Query(named): Query<Vec<(String, String)>>,
) -> Result<impl IntoResponse, (StatusCode, String)> {
    if comes_from_elsewhere(&headers) {
        return Err((StatusCode::FORBIDDEN, "pages of other sites can't clear caches".into()));
    }
    // All is understood before anything is cleared: what is misspelt must not clear everything.
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

/// Whether a browser sends this for a page of another site.
fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    // Only sent to https and loopback; and by all browsers since 2023, while `Origin` is older.
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin.as_ref().and_then(Uri::authority).map(Authority::as_str) != host
}

fn told(function: &'static Function) -> Value {
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
        "expiries": stats.expiries,
        "coalesced": stats.coalesced,
        "stale_hits": stats.stale_hits,
        "refreshes": stats.refreshes,
        "errors": stats.errors,
        "backend_hits": stats.backend_hits,
        "backend_errors": stats.backend_errors,
        "computing_sec": stats.computing.as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comes_with(headers: &[(&'static str, &str)]) -> bool {
        let headers =
            headers.iter().map(|&(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        comes_from_elsewhere(&headers.collect())
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
