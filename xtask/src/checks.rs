//! What a change must pass.

use std::env;
use std::fs;
use std::path::{MAIN_SEPARATOR, PathBuf};
use std::process::Command;

use crate::instructions;
use crate::step::{Outcome, Result, Step, cargo, fail, install, output_of, root, run_through};

/// Puts a cargo command on the crates of `tests/hygiene`, a workspace of their own.
const HYGIENE: &str = "--manifest-path tests/hygiene/Cargo.toml --target-dir target/hygiene --workspace";

/// Where recorded traces lie, beside the repository: their licences keep them out of it.
const TRACES: &str = "../shared/traces";

/// The features of the library, each of which must do alone.
const FEATURES: &[&str] = &[
    "testing",
    "tokio",
    "registry",
    "metrics",
    "tracing",
    "backend",
    "json",
    "axum",
    "redis",
    "redis-cluster",
    "redis-sentinel",
    "redis-tls",
    "memcached",
    "disk",
];

/// How many third-party crates a user of the library may be made to compile.
const MOST_CRATES: usize = 13;

/// All tests of the workspace, doctests and runs of the examples included.
pub(crate) fn test() -> Vec<Step> {
    vec![
        Step::new("browser", browser),
        Step::new("servers", servers),
        Step::cargo("tests", "test --workspace"),
        // The README's code among them, which shows all features.
        Step::cargo("tests, all features", "test --package functools --all-features"),
        Step::cargo("tests, backends", "test --package lru-backends --all-features"),
        // What a service has: without `testing`, which looks for caches in another way.
        Step::cargo(
            "tests, features of services",
            "test --package functools --features axum,metrics,tokio,tracing \
             --test registry --test service --test telemetry",
        ),
        // Millions of operations, which takes optimised code.
        Step::cargo("model, release", "test --release --package lru-core --lib model"),
        // Frames are small only when optimised, so this depth is for release builds.
        Step::cargo("deep recursion, release", "test --release --package functools --test deep"),
    ]
}

/// Everything that is asked of a change, the quick checks first.
pub(crate) fn ci() -> Vec<Step> {
    let mut steps = vec![
        Step::new("format", || with("fmt", "rustfmt", "--all --check")),
        Step::new("crates", few_crates),
        Step::new("lints", || with("clippy", "clippy", "--workspace --all-targets -- -D warnings")),
        Step::new("lints, all features", || {
            with("clippy", "clippy", "--package functools --all-features --all-targets -- -D warnings")
        }),
        Step::new("lints, each feature", each_feature),
        // What the benches compare with asks for a newer Rust than the rest: only CI compiles it.
        Step::new("lints, peers", || {
            with("clippy", "clippy", "--package benches --features peers --all-targets -- -D warnings")
        }),
        Step::new("docs", || {
            run_through(cargo("doc --workspace --no-deps --quiet").env("RUSTDOCFLAGS", "-D warnings"))
        }),
    ];
    steps.extend(test());
    steps.push(Step::new("hygiene", hygiene));
    steps.push(Step::cargo("fibonacci, release", "run --release --quiet --example fibonacci"));
    steps.push(Step::new("recorded traces", recorded_traces));
    steps.push(instructions());
    // Each bench once and in small: do they still run?
    steps.push(Step::cargo("benches, tried", "test --quiet --package benches --features peers --benches"));
    steps
}

/// What calls take, which must not grow unnoticed.
pub(crate) fn instructions() -> Step {
    Step::new("instructions", instructions::limited)
}

/// Looks for the browser in which a test opens the debug page, and installs it where Debian's packages are at hand.
fn browser() -> Result {
    let named = env::var("CHROMIUM").ok();
    let chromium = named.as_deref().unwrap_or("chromium");
    let version = || output_of(Command::new(chromium).arg("--version"));
    if named.is_none() && version().is_err() {
        install("chromium", "a test that opens a page in it; or name a Chromium by the variable CHROMIUM")?;
    }
    print!("{}", version()?);
    Ok(Outcome::Done)
}

/// Looks for the servers that tests start, and installs them where Debian's packages are at hand.
pub(crate) fn servers() -> Result {
    let versions = || {
        let of = |server| output_of(Command::new(server).arg("--version"));
        // The third makes the certificate of a server in a test.
        Ok(of("redis-server")? + &of("memcached")? + &output_of(Command::new("openssl").arg("version"))?)
    };
    if versions().is_err() {
        install("redis-server memcached openssl", "tests of backends")?;
    }
    print!("{}", versions()?);
    Ok(Outcome::Done)
}

/// Lints the library with each of its features alone.
fn each_feature() -> Result {
    for feature in FEATURES {
        let library = format!("--package functools --no-deps --features {feature} -- -D warnings");
        with("clippy", "clippy", &library)?;
    }
    Ok(Outcome::Done)
}

/// Runs a cargo command that a toolchain may lack, and says how to get it.
fn with(subcommand: &str, component: &str, arguments: &str) -> Result {
    if output_of(&mut cargo(&format!("{subcommand} --version"))).is_err() {
        return fail(format!(
            "{component} is not installed; install both tools with `rustup component add clippy rustfmt`"
        ));
    }
    run_through(&mut cargo(&format!("{subcommand} {arguments}")))
}

/// Lints, tests and documents memoized functions in hostile surroundings.
fn hygiene() -> Result {
    for features in ["", "--features hygiene/services"] {
        let hygiene = format!("{HYGIENE} {features}");
        with("clippy", "clippy", &format!("{hygiene} --no-deps --all-targets --quiet -- -D warnings"))?;
        run_through(&mut cargo(&format!("test {hygiene} --quiet")))?;
    }
    run_through(cargo(&format!("doc {HYGIENE} --no-deps --quiet")).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Replays recorded traces through the policies, and compares with the hits that others counted.
fn recorded_traces() -> Result {
    let folder = root().join(TRACES);
    let files = fs::read_dir(&folder).into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
    let is_trace = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "gz");
    let mut traces: Vec<_> = files.filter(is_trace).collect();
    if traces.is_empty() {
        return Ok(Outcome::Skipped(format!("no traces at {TRACES}")));
    }
    traces.sort_unstable();
    let mut replay = cargo("run --release --quiet --example hit_ratio -- --check");
    run_through(replay.arg(folder.join("reference-open.csv")).args(traces))
}

/// Counts what `functools` makes its users compile besides itself.
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

/// Cargo adds the folder of a package that comes from one: `lru-core v0.1.0 (/home/…/lru-core)`.
fn is_ours(package: &str) -> bool {
    package.contains(MAIN_SEPARATOR)
}

/// The package's name and version, without marks like `(proc-macro)` and `(*)`.
fn name(package: &str) -> String {
    package.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}
