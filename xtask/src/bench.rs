//! Measurements: ratios against floors and peers, builds, instructions per call, times by criterion.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, io, process};

use crate::checks::servers;
use crate::step::{Outcome, Result, Step, append, cargo, fail, output_of, run_through};

/// The benches that ask for a time.
const TIMED: &[&str] = &["floors", "hit", "miss", "disabled", "fibonacci"];

/// The kinds of calls that `benches/instructions.rs` can make.
const KINDS: &[&str] = &[
    "lock",
    "hit",
    "unbounded",
    "generic",
    "generic-untyped",
    "generic-result",
    "method",
    "method-skipping-self",
    "async",
    "object",
    "miss",
    "disabled",
    "counted",
    "plain",
];

/// The policies that `benches/policies.rs` has functions of, with room for few and for many entries.
const POLICIES: &[&str] = &["lru", "lfu", "fifo", "rr", "sieve", "s3_fifo", "w_tinylfu"];

/// What an operation may take among many entries, in multiples of what it takes among few.
const GROWTH_BAR: f64 = 3.0;

/// How many calls lie between the two runs whose instructions are compared.
const CALLS: u32 = 100_000;

/// The libraries that `peers` compares with, as `cargo tree` begins their lines.
const PEERS: &[&str] = &["cached v", "lru v", "memoize v", "moka v", "quick_cache v"];

/// What `functools` may take to build, in multiples of `cached`.
const BUILD_BAR: f64 = 0.5;

/// How often both builds take their turn.
const BUILDS: usize = 3;

/// The two users whose builds are compared: the library, what comes with it, the attribute's path.
const USERS: [(&str, &str, &str); 2] = [
    ("functools", "", "functools::lru_cache(maxsize = 128)"),
    ("cached", ", default features", "cached::macros::cached(max_size = 128)"),
];

/// Ratios first: they are what the project promises.
pub(crate) fn bench() -> Vec<Step> {
    vec![
        Step::cargo("ratios", "bench --package benches --bench ratios"),
        Step::new("instructions", instructions),
        Step::new("peers", peers),
        Step::new("builds", builds),
        Step::new("times", times),
    ]
}

/// Results from outside the process, beside bare clients, on servers that the bench starts.
pub(crate) fn backends() -> Vec<Step> {
    vec![Step::new("servers", servers), Step::new("backends", beside_clients)]
}

/// Several processes on one Redis, which the bench starts.
pub(crate) fn processes() -> Vec<Step> {
    let bench = "bench --package benches --features backends --bench processes";
    vec![Step::new("servers", servers), Step::cargo("processes", bench)]
}

/// What `cached` does is a program of its own, apart from the workspace: it asks for a later client.
fn beside_clients() -> Result {
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

fn times() -> Result {
    let mut bench = cargo("bench --package benches");
    bench.args(TIMED.iter().flat_map(|name| ["--bench", name])).args(["--", "--quiet"]);
    run_through(&mut bench)
}

/// Compares calls with those of other libraries, which only this feature brings in.
fn peers() -> Result {
    let mut tables = String::new();
    for bench in ["peers", "asyncs"] {
        let bench = format!("bench --quiet --package benches --features peers --bench {bench}");
        tables += &output_of(&mut cargo(&bench))?;
    }
    let tree = "tree --package benches --features peers --edges normal --depth 1 --prefix none --format {p}";
    let tree = output_of(&mut cargo(tree))?;
    let mut versions: Vec<_> =
        tree.lines().filter(|line| PEERS.iter().any(|peer| line.starts_with(peer))).collect();
    let python = output_of(Command::new("python3").arg("--version")).unwrap_or_default();
    versions.extend(Some(python.trim()).filter(|version| !version.is_empty()));
    _ = writeln!(tables, "Versions: {}.", versions.join(", "));
    println!("{tables}");
    append("benches/RESULTS.md", &tables)
}

/// Compares clean debug builds of a program that memoizes one function, in a temporary folder.
fn builds() -> Result {
    let folder = env::temp_dir().join(format!("functools-builds-{}", process::id()));
    let table = compared_builds(&folder);
    _ = fs::remove_dir_all(&folder);
    let Some(table) = table? else {
        return Ok(Outcome::Skipped("`cached` could not be fetched".into()));
    };
    println!("{table}");
    append("benches/RESULTS.md", &table)
}

/// The table, or `None` where the crates can't be had.
fn compared_builds(folder: &Path) -> Result<Option<String>> {
    let mut users = Vec::new();
    for (library, _, attribute) in USERS {
        let user = folder.join(library);
        if let Err(error) = write_user(&user, library, attribute) {
            return fail(format!("a temporary package can't be written: {error}"));
        }
        if output_of(&mut cargo_at(&user, "fetch --quiet")).is_err() {
            return Ok(None);
        }
        let tree = output_of(&mut cargo_at(
            &user,
            "tree --offline --edges normal,build --prefix none --format {p}",
        ))?;
        users.push((user, count_crates(&tree), Duration::MAX));
    }
    for _ in 0..BUILDS {
        for (user, _, best) in &mut users {
            _ = fs::remove_dir_all(user.join("target"));
            let start = Instant::now();
            output_of(&mut cargo_at(user, "build --quiet --offline --target-dir target"))?;
            *best = start.elapsed().min(*best);
        }
    }

    let shortest = |user: usize| users[user].2.as_secs_f64();
    let ratio = (100.0 * shortest(0) / shortest(1)).round() / 100.0;
    let mut table =
        String::from("\n| clean debug build of a user | s | × `cached` | crates |\n|---|--:|--:|--:|\n");
    for ((library, features, _), (_, crates, best)) in USERS.iter().zip(&users) {
        let seconds = best.as_secs_f64();
        let ratio = seconds / shortest(1);
        _ = writeln!(table, "| `{library}`{features} | {seconds:.2} | {ratio:.2} | {crates} |");
    }
    let verdict = if ratio <= BUILD_BAR { "met" } else { "**missed**" };
    _ = writeln!(table, "\n| bar | measured | |\n|---|--:|---|");
    _ = writeln!(table, "| clean debug build ≤ {BUILD_BAR} × `cached` | {ratio:.2} | {verdict} |");
    Ok(Some(table))
}

/// A program of one memoized function. The versions are those of our own lock file.
fn write_user(user: &Path, library: &str, attribute: &str) -> io::Result<()> {
    let root = root();
    let dependency = match library {
        "functools" => format!("{{ path = {:?} }}", root.to_string_lossy()),
        _ => "\"*\"".to_owned(),
    };
    let manifest = format!(
        "[package]\nname = \"user\"\nedition = \"2024\"\n\n[dependencies]\n{library} = {dependency}\n\n[workspace]\n"
    );
    let source = format!(
        "#[{attribute}]\nfn square(n: u64) -> u64 {{\n    n * n\n}}\n\n\
         fn main() {{\n    println!(\"Hello, world: {{}}\", square(7));\n}}\n"
    );
    fs::create_dir_all(user.join("src"))?;
    fs::write(user.join("Cargo.toml"), manifest)?;
    fs::write(user.join("src/main.rs"), source)?;
    fs::copy(root.join("Cargo.lock"), user.join("Cargo.lock")).map(drop)
}

/// The crates in what `cargo tree` writes, without the user's own.
fn count_crates(tree: &str) -> usize {
    let mut crates: Vec<_> = tree.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    crates.sort_unstable();
    crates.dedup();
    crates.len()
}

fn cargo_at(folder: &Path, arguments: &str) -> Command {
    let mut cargo = cargo(arguments);
    cargo.current_dir(folder);
    cargo
}

/// The top of the repository, where cargo commands are run.
fn root() -> PathBuf {
    cargo("").get_current_dir().map(Path::to_owned).unwrap_or_default()
}

/// Counts instructions, which unlike times are nearly the same in each run.
fn instructions() -> Result {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Ok(Outcome::Skipped("valgrind is not installed".into()));
    }
    let mut table = String::from("\n| operation | instructions |\n|---|--:|\n");
    for kind in KINDS {
        _ = writeln!(table, "| {kind} | {:.1} |", per_call(kind)?);
    }
    table.push_str(&growth()?);
    println!("{table}");
    append("benches/RESULTS.md", &table)
}

/// Whether operations take more instructions the more entries there are.
fn growth() -> Result<String> {
    let mut table = String::from("\nHalf of the calls below ask for what is there, the others evict.\n\n");
    table.push_str("| policy | instructions, 100 entries | 100,000 entries | × |\n|---|--:|--:|--:|\n");
    let mut bars = String::from("\n| bar | measured | |\n|---|--:|---|\n");
    for policy in POLICIES {
        let (few, many) = (per_call(&format!("{policy}-100"))?, per_call(&format!("{policy}-100000"))?);
        let ratio = many / few;
        let verdict = if ratio <= GROWTH_BAR { "met" } else { "**missed**" };
        _ = writeln!(table, "| `{policy}` | {few:.1} | {many:.1} | {ratio:.2} |");
        _ = writeln!(
            bars,
            "| `{policy}`, 100,000 entries ≤ {GROWTH_BAR} × 100 entries | {ratio:.2} | {verdict} |"
        );
    }
    Ok(table + &bars)
}

/// How many instructions a call of this kind takes.
fn per_call(kind: &str) -> Result<f64> {
    let between = count(kind, 2 * CALLS)? - count(kind, CALLS)?;
    Ok(between / f64::from(CALLS))
}

/// How many instructions that many calls take, with the start and the end of the program.
fn count(kind: &str, calls: u32) -> Result<f64> {
    // Callgrind replaces whatever has the name of its report, which nobody asked for: so that name is ours.
    let report = env::temp_dir().join(format!("functools-callgrind-{}", process::id()));
    let report_to = format!("--callgrind-out-file={}", report.display());
    let valgrind = ["valgrind", "--tool=callgrind", &report_to, "--log-fd=1"];
    let mut run = cargo("run --quiet --profile bench --package benches --bin instructions --config");
    run.arg(format!("target.'cfg(all())'.runner = {valgrind:?}")).args(["--", kind, &calls.to_string()]);
    let output = output_of(&mut run);
    _ = fs::remove_file(report);
    let output = output?;
    let total = output.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    total.map_or_else(|| fail(format!("no count in what callgrind wrote:\n{output}")), Ok)
}
