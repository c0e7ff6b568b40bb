//! Runs every example and checks the lines that matter.
//!
//! `cargo test` builds the examples before it runs this; `cargo test --test examples` alone does
//! not, and would see those of an earlier build.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn fibonacci_51_runs_one_body_after_fibonacci_50() {
    let output = run("fibonacci", None);
    let row = |label: &str| {
        let line = output.lines().find(|line| line.starts_with(label));
        let line = line.unwrap_or_else(|| panic!("no {label:?} in\n{output}"));
        let columns = line[label.len()..].split_whitespace().take(2).map(|number| number.parse().unwrap());
        columns.collect::<Vec<u64>>()
    };
    assert_eq!(row("plain(35)"), [9_227_465, 29_860_703]);
    assert_eq!(row("fibonacci(35)  "), [9_227_465, 36]);
    assert_eq!(row("fibonacci(35) again"), [9_227_465, 0]);
    assert_eq!(row("fibonacci(50)"), [12_586_269_025, 15]);
    assert_eq!(row("fibonacci(51)"), [20_365_011_074, 1]);
    assert_eq!(row("fibonacci(90)"), [2_880_067_194_370_816_120, 39]);
    ends_with(&output, "CacheInfo(hits=92, misses=91, maxsize=None, currsize=91)");
}

#[test]
fn factorial_computes_each_argument_once() {
    let output = run("factorial", None);
    let computed: Vec<_> = output.lines().filter_map(|line| line.strip_prefix("  computing ")).collect();
    assert_eq!(computed, ["factorial(5)", "factorial(4)", "factorial(3)", "factorial(2)", "factorial(1)"]);
    ends_with(&output, "CacheInfo(hits=1, misses=5, maxsize=128, currsize=5)");
}

#[test]
fn logtime_logs_misses_only() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("logtime");
    fs::create_dir_all(&directory).unwrap();
    for _again in 0..2 {
        let output = run("logtime", Some(&directory));
        contains(&output, "fib(20) plain: 21891 lines in the log");
        contains(&output, "fib(20) memoized: 21 lines in the log");
        assert_eq!(output.lines().filter(|line| line.ends_with(" x")).count(), 11, "{output}");
    }
    for (name, lines) in [("plain", 21_891), ("memoized", 21), ("silent", 11), ("silent_memoized", 11)] {
        let log = fs::read_to_string(directory.join(format!("{name}_eventLog.txt"))).unwrap();
        assert_eq!(log.lines().count(), lines, "{name}");
        for line in log.lines() {
            let [time, logged, seconds] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{line:?}")
            };
            assert_eq!(logged, name);
            assert!(time.parse::<f64>().unwrap() > 0.0 && seconds.parse::<f64>().unwrap() >= 0.0, "{line:?}");
        }
    }
}

#[test]
fn memorized_sin_evicts_the_least_recently_used() {
    let output = run("memorized_sin", None);
    let rows = output.lines().skip(1).map_while(|line| line.split_once("   "));
    let rows: Vec<_> = rows.map(|(_, row)| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "body [1.0] -",
        "body [1.0, 2.0] -",
        "cache [1.0, 2.0] -",
        "body [1.0, 3.0] 2.0",
        "body [2.0, 3.0] 1.0",
    ];
    assert_eq!(rows, expected);
    ends_with(&output, "CacheInfo(hits=1, misses=4, maxsize=2, currsize=2)");
}

#[test]
fn edit_distance_is_right() {
    let output = run("edit_distance", None);
    for (a, b, changes) in [
        ("kitten", "sitting", 3),
        ("Samstag", "Sonntag", 3),
        ("Grüße", "Güte", 2),
        ("intention", "execution", 5),
    ] {
        contains(&output, &format!("{a:<34}{b:<34}{changes:>8}"));
    }
}

#[test]
fn threads_lose_no_count() {
    let output = run("threads", None);
    contains(&output, "hits + misses = 100000");
    contains(&output, "maxsize=1000, currsize=1000)");
    ends_with(&output, "hits since = 100000, misses since = 0");
}

#[test]
fn typed_tells_types_apart_and_untyped_does_not() {
    let output = run("typed", None);
    let rows: Vec<_> = output.lines().skip(1).map_while(columns).collect();
    let expected = [
        "3_u8 3 body 3 body",
        "3_i64 3 cache 3 body",
        "3.0_f64 3 cache 3.0 body",
        "3.5_f64 3.5 body 3.5 body",
        "3_u8 3 cache 3 cache",
        "Some(3_u8) Some(3) body Some(3) body",
    ];
    assert_eq!(rows, expected);
    contains(&output, "untyped: CacheInfo(hits=3, misses=3, maxsize=128, currsize=3)");
    ends_with(&output, "typed:   CacheInfo(hits=1, misses=5, maxsize=128, currsize=5)");
}

#[test]
fn methods_in_object_keep_their_results_there() {
    let output = run("methods_in_object", None);
    let looked: Vec<_> = output.lines().filter_map(|line| line.strip_prefix("  looking for ")).collect();
    assert_eq!(looked, [r#""be""#, r#""be""#, r#""to""#, r#""or""#]);
    contains(&output, "be: [1, 5] again");
    contains(&output, "be: [1, 6] in the other book");
    contains(&output, r#"is "be" remembered? false"#);
    contains(&output, "hamlet: CacheInfo(hits=1, misses=3, maxsize=2, currsize=2)");
    contains(&output, "duck:   CacheInfo(hits=0, misses=1, maxsize=2, currsize=1)");
    contains(&output, r#"owners of the list of "to": 2"#);
    ends_with(&output, "and without the book: 1");
}

#[test]
fn solver_begins_each_solve_with_nothing() {
    let output = run("solver", None);
    contains(&output, "5 items, room for 11: worth 110\n  CacheInfo(hits=10, misses=37, ");
    contains(&output, "60 items, room for 100: worth 248\n  CacheInfo(hits=4637, misses=5090, ");
}

#[test]
fn async_fn_hits_without_waiting() {
    let output = run("async_fn", None);
    let lines: Vec<_> = output.lines().filter(|line| !line.starts_with(' ')).collect();
    let expected = [
        r#""Oslo": Ok(413) after 2 polls"#,
        r#""Oslo": Ok(413) after 1 polls"#,
        r#""": Err("no such city") after 2 polls"#,
        r#""": Err("no such city") after 2 polls"#,
        r#""Lima": Ok(387) after 2 polls"#,
        r#""Oslo": Ok(413) after 1 polls"#,
        "CacheInfo(hits=2, misses=4, maxsize=100, currsize=2)",
    ];
    assert_eq!(lines, expected);
    assert_eq!(output.matches("  asking for ").count(), 4, "{output}");
}

#[test]
fn projected_key_leaves_the_rest_out() {
    let output = run("projected_key", None);
    let queries: Vec<_> = output.lines().filter_map(|line| line.strip_prefix("  a query for ")).collect();
    assert_eq!(queries, ["user 7 at 0.0", "user 8 at 1.0"]);
    contains(&output, r#"user 7 at 1.5: Some("Ada")"#);
    contains(&output, "CacheInfo(hits=2, misses=2, maxsize=128, currsize=2)");
    contains(&output, "words: 6");
    ends_with(&output, "CacheInfo(hits=2, misses=1, maxsize=128, currsize=1)");
}

#[test]
fn every_example_is_run() {
    let this = include_str!("examples.rs");
    for example in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap() {
        let path = example.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(this.contains(&format!("run(\"{name}\"")), "no test runs the example {name}");
    }
}

/// Runs an example, in `directory` as its argument if there is one, and returns what it printed.
fn run(example: &str, directory: Option<&Path>) -> String {
    let program = built(example);
    let mut command = Command::new(&program);
    command.args(directory).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!("{} does not start: {error}; `cargo test` builds it", program.display());
    });

    let mut stdout = child.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut output = String::new();
        let read = stdout.read_to_string(&mut output).map(|_| output);
        sender.send(read).ok();
    });
    let Ok(output) = receiver.recv_timeout(LIMIT) else {
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("{example} was still running after {LIMIT:?}");
    };
    let output = output.unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "{example}: {status}\n{output}");
    output
}

/// The example's program: cargo puts it into `examples/`, beside the `deps/` that holds this test.
fn built(example: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    profile.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX))
}

/// The columns of a row of a table, one space between them; a line without any ends the table.
fn columns(line: &str) -> Option<String> {
    let columns: Vec<_> = line.split_whitespace().collect();
    (!columns.is_empty()).then(|| columns.join(" "))
}

fn contains(output: &str, wanted: &str) {
    assert!(output.contains(wanted), "no {wanted:?} in\n{output}");
}

fn ends_with(output: &str, line: &str) {
    assert_eq!(output.lines().last(), Some(line), "{output}");
}
