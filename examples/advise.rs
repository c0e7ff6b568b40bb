//! Which `maxsize` does a cache need? Reads a recording of its calls, one key a line, and prints advice and a curve.
//!
//! Run it with `cargo run --example advise -- FILE [MAXSIZE]`, where `MAXSIZE` is the present one. Without a file, or with `-`, it
//! reads the standard input: `gzip -dc calls.txt.gz | cargo run --example advise`.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader};

use functools::LruCache;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let lines: Box<dyn BufRead> = match arguments.next().as_deref() {
        None | Some("-") => Box::new(io::stdin().lock()),
        Some(path) => Box::new(BufReader::new(File::open(path)?)),
    };
    let maxsize: Option<usize> = arguments.next().map(|maxsize| maxsize.parse()).transpose()?;

    // What the cache stores is of no interest, only its sampler.
    let cache = LruCache::builder().maxsize(maxsize).insight().build();
    for key in lines.lines() {
        cache.get_or_insert_with(key?.trim().to_string(), || ());
    }

    let insight = cache.insight();
    println!("{insight}\n");
    println!("{:>10}  hit ratio", "maxsize");
    for point in insight.curve().iter().step_by(3) {
        let bar: String =
            (1..=50).take_while(|&n| f64::from(n) <= 50.0 * point.hit_ratio).map(|_| '#').collect();
        println!("{:>10} {:>8.1} %  {bar}", point.maxsize, 100.0 * point.hit_ratio);
    }
    println!("\nworking set {}, knee {}", insight.working_set(), insight.knee());
    Ok(())
}
