//! Entries as programs in other languages see them: `examples/outside/outside.py`, with Python's `redis`.

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use functools::backend::redis;
use functools::lru_cache;

use crate::server::{REDIS, limit};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/outside/outside.py");

fn python(arguments: &[&str]) -> String {
    let output = Command::new("python3").arg(SCRIPT).arg(REDIS.url()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_program_in_python_reads_writes_and_removes_entries() {
    let _limit = limit();
    let module = Command::new("python3").args(["-c", "import redis"]).output();
    if !module.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: Python's package `redis` is not installed (`pip install redis`)");
        return;
    }
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, ttl = 3600, namespace = "shop.price", format = json, backend = redis(REDIS.url()))]
    fn price(id: u32) -> f64 {
        RUNS.fetch_add(1, SeqCst);
        f64::from(id) + 0.5
    }
    assert_eq!(python(&["get", "7"]), "None");
    assert_eq!(price(7).to_bits(), 7.5_f64.to_bits());
    assert_eq!(python(&["get", "7"]), "7.5");
    python(&["set", "7", "19.25"]);
    assert_eq!((price(7).to_bits(), RUNS.load(SeqCst)), (19.25_f64.to_bits(), 1));
    assert_eq!(python(&["delete", "7"]), "True");
    assert_eq!((price(7).to_bits(), RUNS.load(SeqCst)), (7.5_f64.to_bits(), 2));
}
