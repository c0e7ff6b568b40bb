//! The processor time of a clean build of a program that memoizes one function, for each library.
//!
//! All crates are built as those from a registry are: not incrementally, which would make the build of ours a third longer.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs, io, process};

use crate::page::Page;
use crate::step::{Outcome, Result, cargo, fail, output_of, root};

/// The maximum build time of `functools`, in multiples of that of `cached`.
const BUILD_BAR: f64 = 0.5;

/// The number of builds of each program; the builds of all programs alternate.
const BUILDS: usize = 3;

/// A program that memoizes a function with a library.
struct User {
    library: &'static str,
    /// The version to choose, if our lock file has more than one.
    version: &'static str,
    /// Features of the library, besides the default ones.
    features: &'static str,
    /// `fn square`, memoized with the library.
    square: &'static str,
}

/// The compared programs: ours first, then the one that the bar refers to.
const USERS: &[User] = &[
    User {
        library: "functools",
        version: "*",
        features: "",
        square: "#[functools::lru_cache(maxsize = 128)] fn square(n: u64) -> u64 { n * n }",
    },
    User {
        library: "cached",
        version: "*",
        features: "",
        square: "#[cached::macros::cached(max_size = 128)] fn square(n: u64) -> u64 { n * n }",
    },
    User {
        library: "memoize",
        version: "*",
        features: "full",
        square: "#[memoize::memoize(Capacity: 128)] fn square(n: u64) -> u64 { n * n }",
    },
    User {
        library: "moka",
        version: "*",
        features: "sync",
        square: "use std::sync::LazyLock; use moka::sync::Cache; \
                 static CACHE: LazyLock<Cache<u64, u64>> = LazyLock::new(|| Cache::new(128)); \
                 fn square(n: u64) -> u64 { CACHE.get_with(n, || n * n) }",
    },
    User {
        library: "quick_cache",
        version: "*",
        features: "",
        square: "use std::{convert::Infallible, sync::LazyLock}; use quick_cache::sync::Cache; \
                 static CACHE: LazyLock<Cache<u64, u64>> = LazyLock::new(|| Cache::new(128)); \
                 fn square(n: u64) -> u64 { \
                 let Ok(square) = CACHE.get_or_insert_with(&n, || Ok::<_, Infallible>(n * n)); square }",
    },
    User {
        library: "lru",
        version: ">=0.8",
        features: "",
        square: "use std::{num::NonZeroUsize, sync::{LazyLock, Mutex}}; use lru::LruCache; \
                 static CACHE: LazyLock<Mutex<LruCache<u64, u64>>> = \
                 LazyLock::new(|| Mutex::new(LruCache::new(NonZeroUsize::new(128).unwrap()))); \
                 fn square(n: u64) -> u64 { *CACHE.lock().unwrap().get_or_insert(n, || n * n) }",
    },
];

/// Compares clean debug builds in a temporary directory.
pub(crate) fn compared(page: &Page) -> Result {
    let folder = env::temp_dir().join(format!("functools-builds-{}", process::id()));
    let part = built(&folder);
    _ = fs::remove_dir_all(&folder);
    part?.map_or_else(
        || Ok(Outcome::Skipped("the libraries could not be fetched".into())),
        |part| page.add(&part),
    )
}

/// Returns the part of the page, or `None` if the crates cannot be fetched.
fn built(folder: &Path) -> Result<Option<String>> {
    let mut users = Vec::new();
    for user in USERS {
        let package = folder.join(user.library);
        if let Err(error) = user.write(&package) {
            return fail(format!("cannot write a temporary package: {error}"));
        }
        if output_of(&mut cargo_at(&package, "fetch --quiet")).is_err() {
            return Ok(None);
        }
        let tree = output_of(&mut cargo_at(
            &package,
            "tree --offline --edges normal,build --prefix none --format {p}",
        ))?;
        users.push((package, count_crates(&tree), f64::INFINITY));
    }
    for _ in 0..BUILDS {
        for (package, _, best) in &mut users {
            _ = fs::remove_dir_all(package.join("target"));
            let before = time_of_children()?;
            let mut build = cargo_at(package, "build --quiet --offline --target-dir target");
            output_of(build.env("CARGO_INCREMENTAL", "0"))?;
            *best = best.min(time_of_children()? - before);
        }
    }

    let shortest = |user: usize| users[user].2;
    let mut part = String::from(
        "## Builds\n\nA program with one memoized function: processor time of all compilers, the least of three alternating \
         builds.\n\n| clean debug build of a user | s | × `cached` | crates |\n|---|--:|--:|--:|\n",
    );
    for (User { library, features, .. }, (_, crates, best)) in USERS.iter().zip(&users) {
        let features = if features.is_empty() { String::new() } else { format!(", feature `{features}`") };
        let ratio = best / shortest(1);
        _ = writeln!(part, "| `{library}`{features} | {best:.2} | {ratio:.2} | {crates} |");
    }
    let ratio = (100.0 * shortest(0) / shortest(1)).round() / 100.0;
    let verdict = if ratio <= BUILD_BAR { "met" } else { "**missed**" };
    _ = writeln!(part, "\n| bar | measured | |\n|---|--:|---|");
    _ = writeln!(part, "| clean debug build ≤ {BUILD_BAR} × `cached` | {ratio:.2} | {verdict} |");
    Ok(Some(part))
}

impl User {
    /// Writes the program. Versions are those of our own lock file.
    fn write(&self, package: &Path) -> io::Result<()> {
        let Self { library, version, features, square } = self;
        let source = match *library {
            "functools" => format!("path = {:?}", root().to_string_lossy()),
            _ => format!("version = {version:?}"),
        };
        let features =
            if features.is_empty() { String::new() } else { format!(", features = [{features:?}]") };
        let manifest = format!(
            "[package]\nname = \"user\"\nedition = \"2024\"\n\n[dependencies]\n\
             {library} = {{ {source}{features} }}\n\n[workspace]\n"
        );
        let program =
            format!("{square}\n\nfn main() {{\n    println!(\"Hello, world: {{}}\", square(7));\n}}\n");
        fs::create_dir_all(package.join("src"))?;
        fs::write(package.join("Cargo.toml"), manifest)?;
        fs::write(package.join("src/main.rs"), program)?;
        fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock")).map(drop)
    }
}

/// Returns the processor time, in seconds, of all processes that this one has started and that have ended.
fn time_of_children() -> Result<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let Ok(stat) = fs::read_to_string("/proc/self/stat") else { return fail("`/proc/self/stat` is missing") };
    // The name of the program, in parentheses, may have spaces in it. User and system time of children are the fields 16 and
    // 17 of all, 14 and 15 after the name.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace().skip(13).take(2);
    Ok(fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND)
}

/// Counts the crates in the output of `cargo tree`, without the program itself.
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
