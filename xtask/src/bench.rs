//! Benchmarks, which together write the page of results: calls compared with a floor and with other
//! libraries, instructions per call, builds; and times measured by criterion.

use std::process::Command;

use crate::builds;
use crate::checks::servers;
use crate::instructions;
use crate::page::Page;
use crate::step::{Options, Outcome, Result, Step, cargo, output_of, root, run_through};

/// The benches that measure times.
const TIMED: &[&str] = &["floors", "hit", "miss", "disabled", "fibonacci"];

/// The libraries in the comparison: the beginnings of their lines in `cargo tree`.
const PEERS: &[&str] = &["cached v", "lru v", "memoize v", "moka v", "quick_cache v"];

/// Returns the benchmark steps. Ratios come first: they are what the project promises.
pub(crate) fn bench(_: Options) -> Vec<Step> {
    let page = Page::default();
    let step = |name, purpose, action: fn(&Page) -> Result| {
        let page = page.clone();
        Step::new(name, purpose, move || action(&page))
    };
    vec![
        step("ratios", "calls in multiples of a floor", |page| page.add(&printed("ratios", "")?)),
        step("batches", "batches in multiples of single calls", |page| page.add(&printed("batches", "")?)),
        step("comparison", "other libraries", comparison),
        step("instructions", "instructions per call", instructions::counted),
        step("builds", "the time of a clean build", builds::compared),
        Step::new("times", "times, by criterion", times),
    ]
}

/// Returns the steps that compare backends with bare clients, on servers that the bench starts.
pub(crate) fn backends(options: Options) -> Vec<Step> {
    let batches = "bench --package benches --features backends --bench batches_redis";
    vec![
        servers_for(options),
        Step::new("backends", "each backend and its bare client", compared_with_clients),
        Step::cargo("batches", "batches on Redis and bare pipelines", batches),
    ]
}

/// Returns the steps that measure several processes on one Redis, which the bench starts.
pub(crate) fn processes(options: Options) -> Vec<Step> {
    let bench = "bench --package benches --features backends --bench processes";
    vec![servers_for(options), Step::cargo("processes", "processes on one Redis", bench)]
}

/// Returns the step that measures a service under load.
pub(crate) fn service(_: Options) -> Vec<Step> {
    let bench = "bench --package benches --features service --bench service";
    vec![Step::cargo("service", "a service on axum under load", bench)]
}

fn servers_for(options: Options) -> Step {
    Step::new("servers", "the servers are here, or are installed", move || servers(options))
}

/// Runs the bench of backends. The program that uses `cached` is outside the workspace, since it needs a
/// later version of the client.
fn compared_with_clients() -> Result {
    let folder = "target/cached-redis";
    let build = format!(
        "build --quiet --release --manifest-path benches/cached_redis/Cargo.toml --target-dir {folder}"
    );
    let mut bench = cargo("bench --package benches --features backends --bench backends");
    match run_through(&mut cargo(&build)) {
        Ok(_) => _ = bench.env("CACHED_REDIS", root().join(folder).join("release/cached_redis")),
        Err(failure) => println!("without `cached`: {failure}"),
    }
    run_through(&mut bench)
}

/// Returns the output of a bench.
fn printed(bench: &str, features: &str) -> Result<String> {
    output_of(&mut cargo(&format!("bench --quiet --package benches {features} --bench {bench}")))
}

/// Compares calls with those of other libraries, which are dependencies of this feature only.
fn comparison(page: &Page) -> Result {
    const FEATURES: &str = "--features peers";

    let tree =
        format!("tree --package benches {FEATURES} --edges normal --depth 1 --prefix none --format {{p}}");
    let tree = output_of(&mut cargo(&tree))?;
    let mut versions: Vec<_> =
        tree.lines().filter(|line| PEERS.iter().any(|peer| line.starts_with(peer))).collect();
    let python = output_of(Command::new("python3").arg("--version")).unwrap_or_default();
    versions.extend(Some(python.trim()).filter(|version| !version.is_empty()));
    page.add(&printed("comparison", FEATURES)?)?;
    page.add(&format!("Versions: {}.", versions.join(", ")))?;
    page.add(&printed("asyncs", FEATURES)?)
}

fn times() -> Result<Outcome> {
    let mut bench = cargo("bench --package benches");
    bench.args(TIMED.iter().flat_map(|name| ["--bench", name])).args(["--", "--quiet"]);
    run_through(&mut bench)
}
