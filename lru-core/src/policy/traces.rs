//! Hits on recorded traces, beside those that other programs counted.
//!
//! The traces lie outside of the repository, so where they are not there is nothing to compare.

use core::ops::RangeInclusive;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::trial::Toy;
use super::{Fifo, Lfu, Lru, Policy, S3Fifo, Sieve, WTinyLfu};

/// A line of the reference.
struct Reference {
    trace: String,
    capacity: usize,
    policy: String,
    hits: usize,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traces")
}

fn reference() -> Vec<Reference> {
    let text = fs::read_to_string(folder().join("reference-open.csv")).unwrap_or_default();
    let parse = |line: &str| {
        let fields: Vec<_> = line.split(',').collect();
        let number = |at: usize| fields[at].parse().expect("a number");
        let (trace, policy) = (fields[0].to_owned(), fields[2].to_owned());
        Reference { trace, capacity: number(1), policy, hits: number(4) }
    };
    text.lines().skip(1).map(parse).collect()
}

fn keys(trace: &str) -> Vec<u64> {
    let path = folder().join(format!("{trace}.txt.gz"));
    let gzip = Command::new("gzip").arg("-dc").arg(path).output().expect("gzip runs");
    let text = String::from_utf8(gzip.stdout).expect("a trace is text");
    text.lines().map(|line| line.parse().expect("a key is a number")).collect()
}

fn hits<P: Policy>(keys: &[u64], capacity: usize) -> usize {
    let mut toy = Toy::<P>::new(capacity);
    let hits = |&&key: &&u64| {
        let hit = toy.hit(key);
        if !hit {
            toy.insert(key);
        }
        hit
    };
    keys.iter().filter(hits).count()
}

/// Hits, and by how many percentage points they may be off. `None` for policies we have not.
fn counted(policy: &str, keys: &[u64], capacity: usize) -> Option<(usize, RangeInclusive<f64>)> {
    Some(match policy {
        "LRU" => (hits::<Lru>(keys, capacity), 0.0..=0.0),
        "FIFO" => (hits::<Fifo>(keys, capacity), 0.0..=0.0),
        "LFU" => (hits::<Lfu>(keys, capacity), 0.0..=0.0),
        "SIEVE" => (hits::<Sieve>(keys, capacity), 0.0..=0.0),
        // Depends on what the ghost forgets when something comes back: its place or the oldest.
        "S3-FIFO" => (hits::<S3Fifo>(keys, capacity), -1.0..=1.0),
        // Depends on how the sketch ages, and on which counters keys share: other ones each time.
        "W-TinyLFU" => (hits::<WTinyLfu>(keys, capacity), -4.0..=6.0),
        _ => return None,
    })
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "percentages")]
fn hits_are_those_that_others_counted() {
    let mut off = Vec::new();
    let mut last = (String::new(), Vec::new());
    for Reference { trace, capacity, policy, hits } in reference() {
        if last.0 != trace {
            last = (trace.clone(), keys(&trace));
        }
        let keys = &last.1;
        // The long ones take minutes in debug builds.
        if cfg!(debug_assertions) && keys.len() > 20_000 {
            continue;
        }
        let Some((counted, tolerated)) = counted(&policy, keys, capacity) else { continue };
        let points = 100.0 * (counted as f64 - hits as f64) / keys.len() as f64;
        let line = format!("{trace:<10}{capacity:>7} {policy:<10}{counted:>8}{hits:>8}{points:>+8.2}");
        println!("{line}");
        if !tolerated.contains(&points) {
            off.push(line);
        }
    }
    assert!(off.is_empty(), "trace, capacity, policy, hits, reference, points:\n{}", off.join("\n"));
}
