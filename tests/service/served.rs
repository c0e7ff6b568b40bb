//! A service over HTTP on loopback, with a clock that only the test advances.
//!
//! The service has a single-threaded runtime with paused time. The test is a blocking task of that runtime,
//! and while such a task runs, tokio does not advance the time by itself.

use std::net::SocketAddr;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use functools::registry;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::{self, Handle};
use tokio::{task, time};

/// The timeout for expected events.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Locked by each test, since all tests share the caches of the program.
static EXCLUSIVE: Mutex<()> = Mutex::new(());

/// A running service.
#[derive(Clone)]
pub(crate) struct Served {
    address: SocketAddr,
    arrived: Arc<AtomicUsize>,
    runtime: Handle,
}

/// A response of the service.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: String,
    headers: Vec<(String, String)>,
}

/// Serves `app` while `test` runs, starting with empty caches.
pub(crate) fn serve(app: Router, test: impl FnOnce(&Served) + Send + 'static) {
    let _exclusive = EXCLUSIVE.lock().unwrap_or_else(PoisonError::into_inner);
    registry::clear_all();
    let runtime = runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let tested = runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, arrived) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let served = Served { address, arrived: Arc::clone(&arrived), runtime: Handle::current() };
        let count = move |request: Request, next: Next| {
            arrived.fetch_add(1, SeqCst);
            next.run(request)
        };
        let app = app.layer(middleware::from_fn(count));
        task::spawn(async { axum::serve(listener, app).await });
        task::spawn_blocking(move || test(&served)).await
    });
    runtime.shutdown_background();
    if let Err(failed) = tested {
        panic::resume_unwind(failed.into_panic());
    }
}

impl Served {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number of requests that the service has received.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived.load(SeqCst)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        sent(minreq::get(format!("http://{}{path}", self.address)))
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = minreq::post(format!("http://{}{path}", self.address));
        sent(request.with_headers(headers.iter().copied()))
    }

    /// Sends a request on a thread of its own.
    pub(crate) fn in_background(&self, path: &str) -> JoinHandle<Response> {
        let (this, path) = (self.clone(), path.to_owned());
        thread::spawn(move || this.get(&path))
    }

    /// Returns what `/debug/cache_info` reports for the function with this path.
    pub(crate) fn reported(&self, path: &str) -> Value {
        let mut report = self.get("/debug/cache_info").json();
        let found =
            report["functions"].as_array_mut().unwrap().iter_mut().find(|function| function["path"] == path);
        found.unwrap_or_else(|| panic!("`{path}` is not in the report")).take()
    }

    /// Advances the clock of the service.
    pub(crate) fn advance(&self, span: Duration) {
        self.runtime.block_on(self.runtime.spawn(time::advance(span))).unwrap();
    }
}

/// Polls a condition until it holds.
pub(crate) fn until(claim: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < LIMIT, "after {LIMIT:?} it does not hold that {claim}");
        thread::yield_now();
    }
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        headers.find(|header| header.0.eq_ignore_ascii_case(name)).map_or("", |header| &header.1)
    }
}

fn sent(request: minreq::Request) -> Response {
    let response = request.with_timeout(LIMIT.as_secs()).send().unwrap();
    let body = response.as_str().unwrap().to_owned();
    Response { status: response.status_code, body, headers: response.headers }
}
