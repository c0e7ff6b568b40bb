//! The checks that a change must pass.

use std::env;
use std::fs;
use std::path::{MAIN_SEPARATOR, PathBuf};
use std::process::Command;

use crate::instructions;
use crate::layers;
use crate::package;
use crate::step::{
    Options, Outcome, Result, Step, cargo, compile_once, fail, install, output_of, root, run_tests,
    run_through,
};

/// Arguments that run a cargo command on the crates of `tests/hygiene`, a separate workspace. In our directory of builds, it finds
/// those of third-party crates.
const HYGIENE: &str = "--manifest-path tests/hygiene/Cargo.toml --target-dir target --workspace";

/// The directory of recorded traces, outside the repository because of their licences.
const TRACES: &str = "../shared/traces";

/// The features of the library, in the sets that must compile without the others. Each is a set of its own, but for those that add
/// an independent module each.
const FEATURES: &[&str] = &[
    "testing",
    "tokio",
    "registry",
    "metrics",
    "tracing",
    "backend",
    "json",
    "serde",
    "axum",
    "redis",
    "redis-cluster",
    "redis-sentinel",
    "redis-tls,memcached-tls",
    "memcached",
    "disk",
    "compression,encryption",
    "bytes,chrono,jiff,ordered-float,rust_decimal,serde_json,uuid",
];

/// The maximum number of third-party crates that the library makes a user compile.
const MOST_CRATES: usize = 14;

/// The packages whose tests run with default features: all but those that depend on features of the library, which cargo would
/// turn on for all tests of one command.
const DEFAULT: &str = "--workspace --exclude functools-backends --exclude functools-page \
     --exclude price_service --exclude refreshed --exclude ui-tests-backend";

/// The packages whose tests run with all features.
const FEATURED: &str = "--package functools --package tests --package functools-core \
     --package functools-backends --package functools-page --package price_service --package refreshed \
     --package ui-tests-backend --all-features";

/// The tests that run with all features: those that need some, those with parts that do, and the recorded traces, which
/// prove that features change nothing else.
const WITH_FEATURES: &[&str] = &[
    "backend",
    "batches",
    "budget",
    "by_result",
    "conformance",
    "deadlines",
    "examples",
    "flights",
    "isolated",
    "kinds",
    "memoize",
    "mistakes",
    "output",
    "properties",
    "recording",
    "registry",
    "servers",
    "service",
    "shared_tags",
    "telemetry",
];

/// Returns the steps of the tests that need no server and no browser, or of all tests.
pub(crate) fn test(options: Options) -> Vec<Step> {
    if options.quick {
        // Not `tests/it`, which takes minutes to compile, nor the package `tests`, whose dependencies do.
        return vec![Step::tests(
            "quick tests",
            "the engine and the macros from the inside, signatures, deep recursion, entries",
            "--package functools --package functools-core --package functools-macros --lib \
             --test deep --test entries --test signatures",
        )];
    }
    let mut steps = required(options);
    steps.extend(tests(""));
    steps
}

/// Returns the steps that check what tests need on this machine.
fn required(options: Options) -> Vec<Step> {
    vec![
        Step::new("browser", "Chromium is here, or is installed", move || browser(options)),
        Step::new("servers", "Redis, Memcached and openssl are here, or are installed", move || {
            servers(options)
        }),
    ]
}

/// Returns the steps of all tests, including doctests and runs of the examples. Each test is built for as few sets of features as
/// prove something, because builds take most of the time.
fn tests(features: &str) -> Vec<Step> {
    let with_features = WITH_FEATURES.join(" --test ");
    vec![
        // The library as most users have it, the crates that take no features, their examples and the code in their
        // documentation. With a choice of targets, cargo would build the examples as tests.
        Step::tests("tests", "each crate, with default features", format!("{DEFAULT} {features}")),
        // Each bench once, with few iterations, to see that it runs.
        Step::tests("benches, once", "whether they run", format!("--package benches {features} --benches")),
        Step::cargo("examples, all features", "those that need some", format!("build {FEATURED} --examples")),
        Step::tests(
            "tests, all features",
            "what features add",
            format!("{FEATURED} --lib --test {with_features}"),
        ),
        // Includes the code in README, which uses all features.
        Step::tests(
            "doctests, all features",
            "the code in README, and what features add",
            format!("{FEATURED} --doc"),
        ),
        // Without `testing`, which changes how a call finds its cache.
        Step::tests(
            "tests, features of services",
            "the debug page, metrics and events in a service",
            "--package tests --features axum,metrics,tokio,tracing --test recording --test registry --test service --test telemetry",
        ),
        // Millions of operations, which need optimized code.
        Step::tests(
            "model, release",
            "millions of random operations",
            "--release --package functools-core --lib model",
        ),
        // Stack frames are small enough for this depth in release builds only.
        Step::tests(
            "deep recursion, release",
            "recursion at its deepest",
            "--release --package functools --test deep",
        ),
    ]
}

/// Returns the steps that a change must pass, quick checks first.
pub(crate) fn ci(options: Options) -> Vec<Step> {
    compile_once();
    let mut steps = vec![
        Step::new("format", "rustfmt", || with("fmt", "rustfmt", "--all --check")),
        Step::new("layers", "which module imports which", layers::layers),
        Step::new("crates", "how many crates a user compiles", few_crates),
        // With all features every line of the workspace is compiled but for those of single features, see below.
        Step::new("lints", "Clippy on all targets, with all features", || {
            with("clippy", "clippy", "--workspace --all-features --all-targets -- -D warnings")
        }),
        Step::new("lints, each feature", "each feature without the others, and none", each_feature),
        Step::new("docs", "rustdoc, with default and with all features", docs),
        Step::new("package", "what a registry gets: files, links, numbers of crates", package::package),
    ];
    steps.extend(required(options));
    // The libraries in the comparison need a newer Rust than the rest, so only CI compiles them.
    steps.extend(tests("--features benches/peers,benches/service"));
    steps.push(Step::new("hygiene", "a user's crates, with every lint denied", hygiene));
    steps.push(Step::cargo(
        "fibonacci, release",
        "the command of README",
        "run --release --quiet --example fibonacci",
    ));
    steps.push(Step::new("recorded traces", "hit ratios", recorded_traces));
    steps.push(instructions(options));
    steps.push(Step::new("wasm", "a target without clocks and threads", wasm));
    steps
}

/// Returns the step that checks the limits of instructions per call.
pub(crate) fn instructions(options: Options) -> Step {
    Step::new("instructions", "the limits of instructions per call", move || instructions::limited(options))
}

/// Checks for the browser in which a test opens the debug page, and installs it if apt-get is available.
fn browser(options: Options) -> Result {
    let named = env::var("CHROMIUM").ok();
    let chromium = named.as_deref().unwrap_or("chromium");
    let version = || output_of(Command::new(chromium).arg("--version"));
    if named.is_none() && version().is_err() {
        install(
            "chromium",
            "a test that opens a page in it; or set the variable CHROMIUM to a Chromium",
            options,
        )?;
    }
    print!("{}", version()?);
    Ok(Outcome::Done)
}

/// Checks for the servers that tests start, and installs them if apt-get is available.
pub(crate) fn servers(options: Options) -> Result {
    let versions = || {
        let of = |server| output_of(Command::new(server).arg("--version"));
        // openssl makes the certificate of a test server.
        Ok(of("redis-server")? + &of("memcached")? + &output_of(Command::new("openssl").arg("version"))?)
    };
    if versions().is_err() {
        install("redis-server memcached openssl", "tests of backends", options)?;
    }
    print!("{}", versions()?);
    Ok(Outcome::Done)
}

/// Returns the step that checks the protocols of lock-free hits and of tags in all interleavings, by the checker `loom`, which replaces
/// its atomics.
pub(crate) fn interleavings() -> Vec<Step> {
    vec![Step::new(
        "interleavings",
        "all interleavings of lock-free hits and invalidations by tag",
        all_interleavings,
    )]
}

fn all_interleavings() -> Result {
    let tests =
        "test --quiet --release --package functools-core --lib --target-dir target/loom interleavings";
    run_through(cargo(tests).env("RUSTFLAGS", "--cfg loom").env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "2"))
}

/// Lints the library without features, with the tests that parts of differ by feature, and with each set of [`FEATURES`].
fn each_feature() -> Result {
    let tests = "--package tests --test memoize --test properties";
    with("clippy", "clippy", &format!("--package functools --no-deps --lib {tests} -- -D warnings"))?;
    for features in FEATURES {
        let library = format!("--package functools --no-deps --features {features} -- -D warnings");
        with("clippy", "clippy", &library)?;
    }
    Ok(Outcome::Done)
}

/// Builds the documentation: of all crates with all features, as docs.rs has it, and of the library as `cargo doc` of a user
/// with default features.
pub(crate) fn docs() -> Result {
    for crates in [
        "--workspace --all-features",
        "--package functools --package functools-core --package functools-macros",
    ] {
        run_through(cargo(&format!("doc {crates} --no-deps --quiet")).env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    Ok(Outcome::Done)
}

/// Builds the guide by mdBook, if that is installed.
pub(crate) fn guide() -> Result {
    if output_of(Command::new("mdbook").arg("--version")).is_err() {
        return Ok(Outcome::Skipped(
            "mdbook is not installed; install it with `cargo install mdbook`".to_owned(),
        ));
    }
    run_through(Command::new("mdbook").args(["build", "docs/guide"]).current_dir(root()))
}

/// Runs a cargo command, and fails with advice if the toolchain lacks it.
fn with(subcommand: &str, component: &str, arguments: &str) -> Result {
    if output_of(&mut cargo(&format!("{subcommand} --version"))).is_err() {
        return fail(format!(
            "{component} is not installed; install both tools with `rustup component add clippy rustfmt`"
        ));
    }
    run_through(&mut cargo(&format!("{subcommand} {arguments}")))
}

/// Lints, tests and documents the crates of `tests/hygiene`. Features that add to the generated code are linted only: what the
/// code does with them is tested by the package `tests`.
fn hygiene() -> Result {
    for features in ["", "--features hygiene/services"] {
        let hygiene = format!("{HYGIENE} {features} --no-deps --all-targets --quiet -- -D warnings");
        with("clippy", "clippy", &hygiene)?;
    }
    let tested = run_tests(&mut cargo(&format!("test {HYGIENE} --quiet")))?;
    run_through(cargo(&format!("doc {HYGIENE} --no-deps --quiet")).env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(tested)
}

/// Replays recorded traces through the policies, and compares the hits with those of other implementations.
fn recorded_traces() -> Result {
    let folder = root().join(TRACES);
    let files = fs::read_dir(&folder).into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
    let is_trace = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "gz");
    let mut traces: Vec<_> = files.filter(is_trace).collect();
    if traces.is_empty() {
        return Ok(Outcome::Skipped(format!("no traces at {TRACES}")));
    }
    traces.sort_unstable();
    let mut replay = cargo("run --release --quiet --package hit_ratio -- --check");
    run_through(replay.arg(folder.join("reference-open.csv")).args(traces))
}

/// A target without clocks and threads of its own.
const WASM: &str = "wasm32-unknown-unknown";

/// What runs tests on [`WASM`], in Node.js.
const WASM_RUNNER: &str = "wasm-bindgen-test-runner";

/// Checks that the library compiles for [`WASM`], and runs its tests there, if the target and the runner are installed.
fn wasm() -> Result {
    let libraries = output_of(Command::new("rustc").args(["--print", "target-libdir", "--target", WASM]))?;
    if !PathBuf::from(libraries.trim()).exists() {
        let advice = format!("{WASM} is not installed; install it with `rustup target add {WASM}`");
        return Ok(Outcome::Skipped(advice));
    }
    run_through(&mut cargo(&format!("check --package functools --target {WASM}")))?;
    if output_of(Command::new(WASM_RUNNER).arg("--version")).is_err() {
        let advice = format!(
            "the library compiles for {WASM}, but its tests did not run: install {WASM_RUNNER} with `cargo install wasm-bindgen-cli`"
        );
        return Ok(Outcome::Skipped(advice));
    }
    let tests = "test --manifest-path tests/wasm/Cargo.toml --target-dir target --quiet";
    let mut tests = cargo(&format!("{tests} --target {WASM}"));
    run_through(tests.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", WASM_RUNNER))
}

/// Checks the number of crates that `functools` makes its users compile besides itself.
fn few_crates() -> Result {
    let tree = output_of(&mut cargo("tree --package functools --edges normal --prefix none --format {p}"))?;
    let mut crates: Vec<_> = tree.lines().filter(|line| !is_ours(line)).map(name).collect();
    crates.sort_unstable();
    crates.dedup();
    println!("{} third-party crates, at most {MOST_CRATES}: {}", crates.len(), crates.join(", "));
    if crates.len() > MOST_CRATES {
        return fail(format!("the library needs {} crates, {MOST_CRATES} at most", crates.len()));
    }
    Ok(Outcome::Done)
}

/// Returns whether the package is in this repository: cargo prints the directory of such packages, as in
/// `functools-core v0.1.0 (/home/…/lru-core)`.
fn is_ours(package: &str) -> bool {
    package.contains(MAIN_SEPARATOR)
}

/// Returns the package's name and version, without marks like `(proc-macro)` and `(*)`.
fn name(package: &str) -> String {
    package.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_that_needs_features_runs_with_all_of_them() {
        for package in ["", "tests", "lru-backends", "lru-core", "lru-page"] {
            let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
            for test in manifest.split("[[test]]").skip(1) {
                let test = test.split("\n[").next().unwrap();
                let name = test.split('"').nth(1).unwrap();
                let is_run = !test.contains("required-features") || WITH_FEATURES.contains(&name);
                assert!(is_run, "the test {name} of {package:?} never runs: add it to WITH_FEATURES");
            }
        }
    }
}
