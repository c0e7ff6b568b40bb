//! `snapshot = …`: results that survive a restart without a server. The second run is this test program, started again.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use functools::lru_cache;

static RUNS: AtomicU64 = AtomicU64::new(0);

/// The folder of the snapshots: the child's task.
fn folder() -> Option<PathBuf> {
    std::env::var_os("SNAPSHOTS").map(PathBuf::from)
}

fn path(name: &str) -> PathBuf {
    folder().unwrap().join(name)
}

#[lru_cache(ttl = 600, snapshot = path("prices.bin"))]
fn price(symbol: &str) -> usize {
    RUNS.fetch_add(1, SeqCst);
    symbol.len()
}

#[lru_cache(maxsize = 0, snapshot = path("prices.bin"))]
async fn name(id: u64) -> String {
    RUNS.fetch_add(1, SeqCst);
    format!("number {id}")
}

#[test]
fn running_child() {
    if folder().is_none() {
        return;
    }
    assert_eq!((price("ABC"), price("ABC")), (3, 3));
    assert_eq!(crate::asyncs::block_on(name(7)), "number 7");
    price::cache_put("put", 10).unwrap();
    price("gone");
    price::cache_invalidate("gone").unwrap();
    functools::shutdown().unwrap();
    println!("\nruns={}", RUNS.load(SeqCst));
}

fn runs_of_a_child(folder: &std::path::Path) -> u64 {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "--nocapture", "snapshot::running_child"]).env("SNAPSHOTS", folder);
    let output = program.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().find_map(|line| line.strip_prefix("runs=")?.parse().ok()).expect("the child tells its runs")
}

#[test]
fn a_restart_is_warm() {
    if folder().is_some() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("functools-snapshot-{}", std::process::id()));
    assert_eq!(runs_of_a_child(&folder), 3, "ABC, number 7, gone");
    assert_eq!(runs_of_a_child(&folder), 1, "what was invalidated is not in the file");
    let file = folder.join("prices.bin");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(runs_of_a_child(&folder), 3, "a damaged file is ignored");
    assert_eq!(runs_of_a_child(&folder), 2, "the call that was told of the damage has not stored its result");
    assert_eq!(runs_of_a_child(&folder), 1);
    std::fs::remove_dir_all(folder).unwrap();
}
