//! One memory budget for three functions: memory goes where it saves most computing time, and follows the calls.
//!
//! Computations take 4, 8 and 40 microseconds. Half way, the first and the last function change places. Run it with
//! `cargo run --release --example budget`, or with `-- CALLS FILE.svg` to draw the share of each function.

use std::cell::Cell;
use std::error::Error;
use std::fmt::Write;
use std::time::{Duration, Instant};
use std::{env, fs};

use functools::{LruCache, MIB, budget, budget_report, lru_cache};

const BUDGET: usize = 6 * MIB;

/// How many results each function can have, of a kilobyte each.
const KEYS: f64 = 100_000.0;

/// How often the shares are read.
const SAMPLES: usize = 48;

thread_local! {
    /// The computing time by now.
    static SPENT: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

#[lru_cache(maxsize = None, weight = bytes)]
fn avatar(id: u64, #[key(skip)] cost: Duration) -> Vec<u8> {
    compute(id, cost)
}

#[lru_cache(maxsize = None, weight = bytes)]
fn profile(id: u64, #[key(skip)] cost: Duration) -> Vec<u8> {
    compute(id, cost)
}

#[lru_cache(maxsize = None, weight = bytes)]
fn report(id: u64, #[key(skip)] cost: Duration) -> Vec<u8> {
    compute(id, cost)
}

/// Takes so long.
fn compute(id: u64, cost: Duration) -> Vec<u8> {
    let start = Instant::now();
    while start.elapsed() < cost {
        std::hint::spin_loop();
    }
    result(id, cost)
}

fn result(id: u64, cost: Duration) -> Vec<u8> {
    SPENT.set(SPENT.get() + cost);
    vec![id.to_le_bytes()[0]; 1000]
}

/// A call: the number of the function, the key, and how long a computation takes.
struct Call(usize, u64, Duration);

/// The calls, the same in each run: some keys come often, most seldom.
fn calls(number: usize) -> impl Iterator<Item = Call> {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    (0..number).map(move |call| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        #[expect(clippy::cast_precision_loss, reason = "a random number between 0 and 1")]
        let part = (random >> 11) as f64 / (1_u64 << 53) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 0 and `KEYS`"
        )]
        let key = (KEYS * part.powi(6)) as u64;
        let costs = if call < number / 2 { [4, 8, 40] } else { [40, 8, 4] };
        Call(call % 3, key, Duration::from_micros(costs[call % 3]))
    })
}

/// Returns the computing time that `run` takes.
fn computing(run: impl FnOnce()) -> Duration {
    SPENT.set(Duration::ZERO);
    run();
    SPENT.get()
}

fn shares() -> [usize; 3] {
    [avatar::cache_info(), profile::cache_info(), report::cache_info()].map(|info| info.maxsize.unwrap_or(0))
}

fn main() -> Result<(), Box<dyn Error>> {
    let number = env::args().nth(1).map_or(Ok(600_000), |calls| calls.parse())?;
    budget(BUDGET);
    let mut samples = Vec::new();
    println!("   calls  avatar profile  report (MiB)");
    let with_budget = computing(|| {
        for (done, Call(function, id, cost)) in calls(number).enumerate() {
            match function {
                0 => avatar(id, cost),
                1 => profile(id, cost),
                _ => report(id, cost),
            };
            if (done + 1) % (number / SAMPLES).max(1) == 0 {
                let shares = shares();
                let [first, second, third] = shares.map(tenths);
                samples.push(shares);
                if samples.len() % 4 == 0 {
                    println!("{:>8} {first:>7} {second:>7} {third:>7}", done + 1);
                }
            }
        }
    });
    println!("\n{}\n", budget_report());

    let cache = || LruCache::builder().maxsize(BUDGET / 3).weigh_bytes().build();
    let equal: [LruCache<u64, Vec<u8>>; 3] = [cache(), cache(), cache()];
    let with_equal_parts = computing(|| {
        for Call(function, id, cost) in calls(number) {
            equal[function].get_or_insert_with(id, || result(id, cost));
        }
    });
    let all: LruCache<(usize, u64), Vec<u8>> = LruCache::builder().maxsize(BUDGET).weigh_bytes().build();
    let with_one_cache = computing(|| {
        for Call(function, id, cost) in calls(number) {
            all.get_or_insert_with((function, id), || result(id, cost));
        }
    });
    println!("computing time with a third for each: {with_equal_parts:.2?}");
    println!("with one LRU cache for all: {}", compared(with_one_cache, with_equal_parts));
    println!("with a budget: {}", compared(with_budget, with_equal_parts));
    if let Some(file) = env::args().nth(2) {
        fs::write(file, drawing(&samples))?;
    }
    Ok(())
}

/// Writes a time, and by how much it differs from another.
fn compared(time: Duration, other: Duration) -> String {
    let change = 100.0 * (time.as_secs_f64() / other.as_secs_f64() - 1.0);
    format!("{time:.2?} ({change:+.1} %)")
}

/// Writes a number of bytes in mebibytes.
fn tenths(bytes: usize) -> String {
    let tenths = bytes * 10 / MIB;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Draws the shares one above the other, over the calls.
fn drawing(samples: &[[usize; 3]]) -> String {
    const COLOURS: [&str; 3] = ["#0072b2", "#56b4e9", "#e69f00"];
    const NAMES: [&str; 3] = ["avatar", "profile", "report"];
    const COSTS: [[&str; 2]; 3] = [["4 µs", "40 µs"], ["8 µs", "8 µs"], ["40 µs", "4 µs"]];
    let (width, height) = (600, 260);
    let x = |sample: usize| 60 + sample * width / samples.len().saturating_sub(1).max(1);
    let y = |bytes: usize| 40 + height - bytes * height / BUDGET;
    let sum = |shares: &[usize; 3], functions: usize| shares.iter().take(functions).sum::<usize>();
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 350\" font-family=\"sans-serif\" font-size=\"14\">\n\
         <rect width=\"760\" height=\"350\" fill=\"white\"/>\n\
         <text x=\"60\" y=\"24\" font-size=\"18\">Shares of a budget of 6 MiB, over 600,000 calls</text>\n",
    );
    for function in 0..3 {
        let mut points = String::new();
        for (sample, shares) in samples.iter().enumerate() {
            _ = write!(points, "{},{} ", x(sample), y(sum(shares, function + 1)));
        }
        for (sample, shares) in samples.iter().enumerate().rev() {
            _ = write!(points, "{},{} ", x(sample), y(sum(shares, function)));
        }
        _ = writeln!(svg, "<polygon points=\"{}\" fill=\"{}\"/>", points.trim_end(), COLOURS[function]);
        let top = 80 + function * 26;
        _ = writeln!(
            svg,
            "<rect x=\"676\" y=\"{}\" width=\"14\" height=\"14\" fill=\"{}\"/><text x=\"696\" y=\"{}\">{}</text>",
            top - 12,
            COLOURS[function],
            top,
            NAMES[function]
        );
    }
    for half in 0..2 {
        let costs: Vec<_> =
            NAMES.iter().zip(COSTS).map(|(name, costs)| format!("{name} {}", costs[half])).collect();
        let middle = x(samples.len() * (1 + 2 * half) / 4);
        _ = writeln!(
            svg,
            "<text x=\"{middle}\" y=\"324\" text-anchor=\"middle\">{}</text>",
            costs.join(", ")
        );
    }
    let middle = x(samples.len() / 2);
    _ = writeln!(svg, "<path d=\"M{middle} 40V330\" stroke=\"black\" stroke-dasharray=\"4 4\"/>");
    for mebibytes in [0, 2, 4, 6] {
        _ = writeln!(
            svg,
            "<text x=\"52\" y=\"{}\" text-anchor=\"end\">{mebibytes}</text>",
            y(mebibytes * MIB) + 5
        );
    }
    svg + "</svg>\n"
}
