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
//! | `GET /debug` | the page: a row for each registered function, with live numbers, and buttons to clear its cache and to reset its counters |
//! | `GET /debug/cache_info` | the numbers as JSON |
//! | `GET /debug/history` | hits and misses of the last hour as JSON, in samples of ten seconds |
//! | `POST /debug/clear_cache` | removes the entries of all caches, or with `?function=shop::price` those of functions with this path: `{"cleared": 1}`. The counters go on |
//! | `POST /debug/reset_counters` | resets the counters of all functions, or of those with this path: `{"reset": 1}`. The entries stay |
//!
//! [`router`] has all of these, [`read_only`] the first three.
//!
//! The page is one file that requests only these addresses, relative to its own: it can be mounted anywhere,
//! also behind a proxy that adds a prefix. While it is visible, it polls once a second. To axum, `/debug` and
//! `/debug/` are different addresses: nest the page at the one that you want to use.
//!
//! The JSON of `cache_info` is `{"functions": [...]}`, sorted by path. Each has `path`, `file`, `line`;
//! `hits`, `misses`, `maxsize` (`null` if unbounded), `currsize`; `budget_share` in bytes (`null` without a memory budget); `hit_ratio`, which is `null` without a
//! call; `evictions`, `superseded`, `expiries`, `invalidated`, `invalidated_dependents`, `not_kept`,
//! `coalesced`, `stale_hits`, `refreshes`, `errors`,
//! `backend_hits`, `backend_errors`, `backend_requests`, `backend_bytes_read`, `backend_bytes_written`;
//! `backend_state`, which is `"closed"`, `"half-open"` or `"open"`, or `null` without a circuit breaker;
//! `backend_sec` and `computing_sec`, which are `null` if they are not measured; `leading_policy`,
//! such as `"w_tinylfu"`, which is `null` without the option `policy = auto`; and `insight`, which is `null` without the option
//! `insight = true` or a memory budget: `advice` in words, `curve`, pairs of a capacity and the hit ratio expected with it, `calls`, `uncertainty`,
//! `working_set` and `knee`.
//!
//! `windows` has what was counted in the last minute, `1m`, in five minutes, `5m`, and since the start or
//! the last reset, `all`: the length of the window, `sec`, which is up to ten seconds longer, or shorter if
//! the page has not run for so long; `calls_per_sec`; `hits`, `misses`, `hit_ratio`, `errors`,
//! `stale_hits`, `evictions`, `invalidated`, `invalidated_dependents`, `not_kept`, `backend_hits` and `backend_errors`; `computing` and `backend`, each with
//! `count`, `mean_sec`, `p99_sec` (the time that 99 % do not exceed) and `buckets`, pairs of a bound in
//! seconds (`null` for the last) and the number of times below it and not below the bound before. Windows
//! go on when `cache_clear()` resets the counters of a function.
//!
//! The JSON of `history` is `{"interval_sec": 10.0, "taken": 7, "ages_sec": [...], "functions": [...]}`:
//! how many samples were ever taken, how long ago each of those that are kept was taken, and of each
//! function `path`, and `hits` and `misses` in each sample (empty if all of them are 0). The last one is
//! not complete. With `?after=7`, only samples after the first seven.
//!
//! # The history
//!
//! The first router starts a thread, which reads the counters of all functions every ten seconds, and ends
//! when the last router is dropped. It removes no expired entries, so it calls neither timers nor eviction
//! listeners. The history takes about 4 kB for each function, 11 kB for one that is called, 30 kB if its times
//! are measured, and 50 kB with a backend.
//!
//! # Security
//!
//! The page has no authentication: every client that can reach it can read the paths and counters of your
//! functions, and can put load on your origins by clearing caches, unless it is [`read_only`]. Mount it
//! where only you can reach it: on a separate listener bound to loopback, or behind a layer that checks
//! credentials and the `Host` header.
//!
//! The page protects against cross-site requests from a browser. A `POST` is refused with 403 if
//! `Sec-Fetch-Site` says that it comes from another site, or, without that header, if the host of `Origin`
//! differs from `Host`. Clients other than browsers send neither header and are accepted:
//! `curl -X POST localhost:3000/debug/clear_cache`. The page cannot be framed, and loads no external
//! resources.

#![forbid(unsafe_code)]

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, ORIGIN, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::{Authority, Uri};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Json, Router};
use lru_core::registry::{self, Function};
use serde_json::json;

use page::Mode;
use sampler::Sampler;

mod history;
mod page;
mod report;
mod sampler;

/// The content security policy: inline scripts and styles, and requests to the origin of the page only.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The headers of every answer: not cached, and of the declared content type.
const HEADERS: [(HeaderName, &str); 2] = [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];

/// Returns the routes of the debug page, for a service with any state.
///
/// It can be nested into any router, or merged into one without the routes `/`, `/cache_info`, `/history`,
/// `/clear_cache` and `/reset_counters`. It has no authentication: see [Security](self#security).
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
    let changes = Router::new()
        .route("/clear_cache", post(clear_cache))
        .route("/reset_counters", post(reset_counters))
        .with_state(Sampler::shared());
    reports(Mode::Full).merge(changes)
}

/// Returns the routes of a debug page that changes nothing: without buttons, and without the addresses for
/// `POST`.
///
/// # Examples
///
/// A page that more people can reach than the one with buttons:
///
/// ```
/// # mod functools { pub use lru_page as debug_page; }
/// use axum::Router;
/// use functools::debug_page;
///
/// let public: Router = Router::new().nest("/caches", debug_page::read_only());
/// let internal: Router = Router::new().nest("/caches", debug_page::router());
/// ```
pub fn read_only<S: Clone + Send + Sync + 'static>() -> Router<S> {
    reports(Mode::ReadOnly)
}

/// Returns the routes that change nothing.
fn reports<S: Clone + Send + Sync + 'static>(mode: Mode) -> Router<S> {
    let show = async move |State(sampler): State<Arc<Sampler>>| {
        let page = page::of(&report::cache_info(&sampler), mode);
        (HEADERS, [(CONTENT_SECURITY_POLICY, POLICY)], Html(page))
    };
    Router::new()
        .route("/", get(show))
        .route("/cache_info", get(cache_info))
        .route("/history", get(history))
        .with_state(Sampler::shared())
}

/// Why a request is refused.
type Refused = (StatusCode, String);

async fn cache_info(State(sampler): State<Arc<Sampler>>) -> impl IntoResponse {
    (HEADERS, Json(report::cache_info(&sampler)))
}

async fn history(
    State(sampler): State<Arc<Sampler>>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<impl IntoResponse, Refused> {
    let mut after = 0;
    for (name, value) in &parameters {
        refuse_unless("after", name)?;
        after = value
            .parse()
            .map_err(|_| (StatusCode::BAD_REQUEST, format!("`after` takes a number, not `{value}`")))?;
    }
    Ok((HEADERS, Json(report::samples(&sampler, after))))
}

/// Clears the caches of the named functions, or all.
async fn clear_cache(
    headers: HeaderMap,
    Query(named): Query<Vec<(String, String)>>,
) -> Result<impl IntoResponse, Refused> {
    let functions = functions_named(&headers, &named)?;
    for function in &functions {
        function.clear_entries();
    }
    Ok((HEADERS, Json(json!({ "cleared": functions.len() }))))
}

/// Resets the counters of the named functions, or all.
async fn reset_counters(
    State(sampler): State<Arc<Sampler>>,
    headers: HeaderMap,
    Query(named): Query<Vec<(String, String)>>,
) -> Result<impl IntoResponse, Refused> {
    let functions = functions_named(&headers, &named)?;
    for function in &functions {
        sampler.reset(function);
    }
    Ok((HEADERS, Json(json!({ "reset": functions.len() }))))
}

/// Returns the functions that a request to change something names, or all if it names none.
fn functions_named(
    headers: &HeaderMap,
    named: &[(String, String)],
) -> Result<Vec<&'static Function>, Refused> {
    if is_cross_site(headers) {
        let reason = "cross-site request refused: from a browser, only this page can change caches";
        return Err((StatusCode::FORBIDDEN, reason.into()));
    }
    // Validate all parameters first: a misspelt one must not mean every function.
    for (name, path) in named {
        refuse_unless("function", name)?;
        if !registry::functions().any(|function| function.path() == path) {
            return Err((StatusCode::NOT_FOUND, format!("no memoized function has the path `{path}`")));
        }
    }
    let is_meant =
        |function: &&Function| named.is_empty() || named.iter().any(|(_, path)| path == function.path());
    Ok(registry::functions().filter(is_meant).collect())
}

/// Refuses a parameter with another name.
fn refuse_unless(expected: &str, name: &str) -> Result<(), Refused> {
    if name == expected {
        return Ok(());
    }
    Err((StatusCode::BAD_REQUEST, format!("unknown parameter `{name}`; expected `{expected}`")))
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
