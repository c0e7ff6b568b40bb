//! How long does a request to a service take whose prices come from a slow origin: with nothing cached, with
//! `#[lru_cache]`, and with `moka`?
//!
//! The load is open: requests are sent at fixed times, whatever the service does meanwhile, and a latency counts
//! from the time at which its request was to be sent, so that a service which falls behind cannot hide it. Client
//! and server are in one process, on loopback, each with a thread of its own. Writes `SERVICE.md`; without cargo's
//! `--bench` it sends a few requests.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use axum::serve::ListenerExt;
use benches::{machine, zipf};
use functools::lru_cache;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

/// How long the origin takes for a price.
const ORIGIN: Duration = Duration::from_millis(50);

/// For how long a price is cached.
const TTL: Duration = Duration::from_secs(1);

/// How long the client waits for a response.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many requests the origin was sent.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// Stands for a remote server.
async fn origin(symbol: &str) -> u64 {
    ASKED.fetch_add(1, Relaxed);
    sleep(ORIGIN).await;
    symbol.len() as u64
}

#[lru_cache(maxsize = 1000, ttl = TTL)]
async fn cached(symbol: &str) -> u64 {
    origin(symbol).await
}

#[lru_cache(maxsize = 1000, ttl = TTL, swr = true)]
async fn refreshed(symbol: &str) -> u64 {
    origin(symbol).await
}

async fn by_moka(symbol: String) -> u64 {
    static PRICES: LazyLock<moka::future::Cache<String, u64>> =
        LazyLock::new(|| moka::future::Cache::builder().max_capacity(1000).time_to_live(TTL).build());
    PRICES.get_with_by_ref(&symbol, origin(&symbol)).await
}

/// The load: requests a second, and how many of them are sent.
#[derive(Clone, Copy)]
struct Load {
    rate: u32,
    /// Those of the warm-up, which do not count.
    ignored: u32,
    measured: u32,
}

const MEASURED: Load = Load { rate: 2000, ignored: 4000, measured: 20_000 };
const TRIED: Load = Load { rate: 200, ignored: 20, measured: 60 };

/// What a handler does for a price, and what measures a service with it.
type Handler = (&'static str, fn(Load) -> Outcome);

const HANDLERS: &[Handler] = &[
    ("has no origin", |load| measured(load, |symbol| async move { symbol.len() as u64 })),
    ("asks the origin", |load| measured(load, |symbol| async move { origin(&symbol).await })),
    ("`moka::future`, `time_to_live`, `get_with_by_ref`", |load| measured(load, by_moka)),
    ("`#[lru_cache(ttl = 1)]`", |load| measured(load, |symbol| async move { cached(&symbol).await })),
    ("`#[lru_cache(ttl = 1, swr = true)]`", |load| {
        measured(load, |symbol| async move { refreshed(&symbol).await })
    }),
];

/// A service and its client.
struct Service {
    server: Runtime,
    client: Runtime,
    address: SocketAddr,
}

/// What a service did under load.
struct Outcome {
    /// From the time at which each request was to be sent to the end of its response, in order of length.
    latencies: Vec<Duration>,
    asked: u64,
    refreshes: u64,
}

impl Service {
    fn start<F: Future<Output = u64> + Send + 'static>(
        price: impl Fn(String) -> F + Clone + Send + Sync + 'static,
    ) -> Self {
        let runtime = || Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let (server, client) = (runtime().expect("a thread"), runtime().expect("a thread"));
        let answer = move |Path(symbol): Path<String>| {
            let price = price(symbol);
            async move { price.await.to_string() }
        };
        let app = Router::new().route("/price/{symbol}", get(answer));
        let listener = server.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let listener = listener.tap_io(|connection| _ = connection.set_nodelay(true));
        server.spawn(async move { axum::serve(listener, app).await });
        Self { server, client, address }
    }

    /// Sends requests at fixed times, and waits for all responses. Those of the warm-up do not count.
    fn under(&self, load: Load, seed: u64) -> Outcome {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
        let Load { rate, ignored, measured } = load;
        let (sender, latencies) = mpsc::channel();
        let symbols = (seed..).flat_map(zipf).map(|n| format!("S{n}"));
        let start = Instant::now() + Duration::from_millis(10);
        let counts = || (ASKED.load(Relaxed), refreshed::cache_stats().refreshes);
        let mut before = counts();
        for (number, symbol) in (0..ignored + measured).zip(symbols) {
            let due = start + Duration::from_secs(1) / rate * number;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if number == ignored {
                before = counts();
            }
            let uri = format!("http://{}/price/{symbol}", self.address).parse().expect("an address");
            let (client, sender) = (client.clone(), sender.clone());
            self.client.spawn(async move {
                let price = timeout(PATIENCE, fetched(&client, uri)).await.expect("a response in time");
                assert_eq!(price, symbol.len().to_string());
                let latency = due.elapsed();
                if number >= ignored {
                    _ = sender.send(latency);
                }
            });
        }
        drop(sender);
        let mut latencies: Vec<_> = latencies.into_iter().collect();
        assert_eq!(latencies.len(), measured as usize, "each request has its response");
        latencies.sort_unstable();
        let (asked, refreshes) = counts();
        Outcome { latencies, asked: asked - before.0, refreshes: refreshes - before.1 }
    }

    fn stop(self) {
        self.client.shutdown_background();
        self.server.shutdown_background();
    }
}

async fn fetched(client: &Client<HttpConnector, Empty<Bytes>>, uri: Uri) -> String {
    let response = client.get(uri).await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.expect("a whole response").to_bytes();
    String::from_utf8(body.into()).expect("a number")
}

impl Outcome {
    /// Returns the latency that this part of the requests, in thousandths, does not exceed.
    fn milliseconds(&self, thousandths: usize) -> f64 {
        let index = (self.latencies.len() * thousandths / 1000).min(self.latencies.len() - 1);
        self.latencies[index].as_secs_f64() * 1000.0
    }
}

fn main() {
    let is_measured = env::args().any(|argument| argument == "--bench");
    let load = if is_measured { MEASURED } else { TRIED };
    watch(Duration::from_secs(400));

    let rounds = if is_measured { 3 } else { 1 };
    let mut outcomes: Vec<(&str, Outcome)> = Vec::new();
    let runs = (0..rounds).flat_map(|_| HANDLERS).map(|(handler, measure)| (*handler, measure(load)));
    for (handler, outcome) in runs {
        match outcomes.iter_mut().find(|(of, _)| *of == handler) {
            None => outcomes.push((handler, outcome)),
            Some((_, best)) if outcome.milliseconds(990) < best.milliseconds(990) => *best = outcome,
            Some(_) => {}
        }
    }
    let mut table =
        "| the handler | p50, ms | p99 | p99.9 | longest | origin asked | of these, refreshes |\n\
                     |---|--:|--:|--:|--:|--:|--:|\n"
            .to_owned();
    for (handler, outcome) in &outcomes {
        let [half, most, nearly, all] = [500, 990, 999, 1000].map(|part| outcome.milliseconds(part));
        let Outcome { asked, refreshes, .. } = outcome;
        writeln!(
            table,
            "| {handler} | {half:.2} | {most:.2} | {nearly:.2} | {all:.2} | {asked} | {refreshes} |"
        )
        .expect("a string takes all");
    }

    let Load { rate, measured, .. } = load;
    let results = format!(
        "# A service under load\n\n\
         Written by `cargo xtask bench service`. {}.\n\n\
         {rate} requests a second for {} seconds, after a warm-up, sent at fixed times to a service on axum, on \
         loopback; client and server have a thread each. A latency counts from the time at which its request was \
         to be sent. Of 128 symbols, by Zipf's law; the origin takes {} ms for a price, which is cached for one \
         second. The services take turns, three times; a row is of the run with the lowest p99.\n\n{table}",
        machine(),
        f64::from(measured) / f64::from(rate),
        ORIGIN.as_millis()
    );
    println!("{results}");
    if is_measured {
        fs::write("SERVICE.md", results).expect("cargo runs benches in their package's folder");
    }
}

/// Returns the outcome of a service with this handler.
fn measured<F: Future<Output = u64> + Send + 'static>(
    load: Load,
    price: impl Fn(String) -> F + Clone + Send + Sync + 'static,
) -> Outcome {
    let service = Service::start(price);
    let outcome = service.under(load, 0);
    service.stop();
    outcome
}

/// Ends the process after this time.
fn watch(time: Duration) {
    thread::spawn(move || {
        thread::sleep(time);
        eprintln!("the bench takes longer than {} seconds", time.as_secs());
        std::process::exit(1);
    });
}
