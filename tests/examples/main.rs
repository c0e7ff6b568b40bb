//! Runs every example and checks the important lines of its output.
//!
//! `cargo test` builds the examples before it runs this test; `cargo test --test examples` alone does not,
//! and would run the programs of an earlier build.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use run::{contains, ends_with, folder};

#[allow(dead_code, reason = "the tests of examples that are packages use all of it")]
mod run;

#[test]
fn fibonacci_51_runs_one_body_after_fibonacci_50() {
    let output = run("fibonacci", &[]);
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
    let output = run("factorial", &[]);
    let computed: Vec<_> = output.lines().filter_map(|line| line.strip_prefix("  computing ")).collect();
    assert_eq!(computed, ["factorial(5)", "factorial(4)", "factorial(3)", "factorial(2)", "factorial(1)"]);
    ends_with(&output, "CacheInfo(hits=1, misses=5, maxsize=128, currsize=5)");
}

#[test]
fn a_page_is_made_again_when_what_it_is_made_of_has_changed() {
    let output = run("page_of_user", &[]);
    let computed = |after: &str| {
        let lines = output.lines().skip_while(|line| !line.starts_with(after)).skip(1);
        let of_change = lines.take_while(|line| line.starts_with(' '));
        of_change.filter_map(|line| line.strip_prefix("    ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let pages = |ids: [u32; 2]| ids.map(|id| format!("makes the page of user {id}"));
    assert_eq!(computed("at first").len(), 8);
    assert_eq!(computed("then nothing").len(), 0);
    assert_eq!(computed("a user is renamed"), ["makes the page of user 1", "reads user 1"]);
    assert_eq!(computed("invalidates nothing").len(), 0);
    let [first, last] = pages([1, 3]);
    assert_eq!(computed("a team is renamed"), [&first, "reads team 1", &last]);
    assert_eq!(computed("a team is merged").iter().filter(|line| line.starts_with("reads user")).count(), 3);
    assert_eq!(computed("the layout").len(), 3);
    contains(&output, "makers: Grace");
}

#[cfg(feature = "backend")]
#[test]
fn what_one_process_computed_the_next_one_finds() {
    let directory = folder("own_backend");
    // Results of an earlier run.
    fs::remove_dir_all(&directory).unwrap();
    for (hits, misses, outside) in [(1, 2, 0), (3, 0, 2), (1, 2, 0)] {
        let output = run("own_backend", &[&directory]);
        contains(
            &output,
            &format!("CacheInfo(hits={hits}, misses={misses}, maxsize=100, currsize=2), {outside} of them"),
        );
    }
}

#[test]
fn logtime_logs_misses_only() {
    let directory = folder("logtime");
    for _again in 0..2 {
        let output = run("logtime", &[&directory]);
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
    let output = run("memorized_sin", &[]);
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
    let output = run("edit_distance", &[]);
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
    let output = run("threads", &[]);
    contains(&output, "hits + misses = 100000");
    contains(&output, "maxsize=1000, currsize=1000)");
    ends_with(&output, "hits since = 100000, misses since = 0");
}

#[test]
fn typed_tells_types_apart_and_untyped_does_not() {
    let output = run("typed", &[]);
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
    let output = run("methods_in_object", &[]);
    let looked: Vec<_> = output.lines().filter_map(|line| line.strip_prefix("  looking for ")).collect();
    assert_eq!(looked, [r#""be""#, r#""be""#, r#""to""#, r#""or""#]);
    contains(&output, "be: [1, 5] again");
    contains(&output, "be: [1, 6] in the other book");
    contains(&output, r#"is "be" cached? false"#);
    contains(&output, "hamlet: CacheInfo(hits=1, misses=3, maxsize=2, currsize=2)");
    contains(&output, "duck:   CacheInfo(hits=0, misses=1, maxsize=2, currsize=1)");
    contains(&output, r#"owners of the list of "to": 2"#);
    ends_with(&output, "and without the book: 1");
}

#[test]
fn solver_begins_each_solve_with_nothing() {
    let output = run("solver", &[]);
    contains(&output, "5 items, room for 11: worth 110\n  CacheInfo(hits=10, misses=37, ");
    contains(&output, "60 items, room for 100: worth 248\n  CacheInfo(hits=4637, misses=5090, ");
}

#[test]
fn async_fn_hits_without_waiting() {
    let output = run("async_fn", &[]);
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
    let output = run("projected_key", &[]);
    let queries: Vec<_> = output.lines().filter_map(|line| line.strip_prefix("  a query for ")).collect();
    assert_eq!(queries, ["user 7 at 0.0", "user 8 at 1.0"]);
    contains(&output, r#"user 7 at 1.5: Some("Ada")"#);
    contains(&output, "CacheInfo(hits=2, misses=2, maxsize=128, currsize=2)");
    contains(&output, "words: 6");
    ends_with(&output, "CacheInfo(hits=2, misses=1, maxsize=128, currsize=1)");
}

#[test]
fn lru_map_lets_the_least_recently_used_make_room() {
    let output = run("lru_map", &[]);
    contains(&output, r#"the capital of France: Some("Paris")"#);
    contains(&output, r#"with Norway in it: [("Spain", "Madrid"), ("France", "Paris"), ("Norway", "Oslo")]"#);
    contains(&output, "the capital of Italy: None");
    contains(&output, r#"next victim: Some(("Spain", "Madrid"))"#);
    ends_with(&output, "CacheInfo(hits=1, misses=1, maxsize=3, currsize=2)");
}

#[test]
fn ttl_sin_is_computed_again_when_it_is_five_seconds_old() {
    let output = run("ttl_sin", &[]);
    let rows: Vec<_> = output.lines().skip(1).map_while(columns).collect();
    let expected = [
        "0.000 s 1.0 0.841471 function",
        "2.000 s 1.0 0.841471 cache",
        "4.000 s 2.0 0.909297 function",
        "4.999 s 1.0 0.841471 cache",
        "5.000 s 1.0 0.841471 function",
        "8.000 s 2.0 0.909297 cache",
    ];
    assert_eq!(rows, expected);
    ends_with(&output, "CacheInfo(hits=3, misses=3, maxsize=128, currsize=2)");
}

#[test]
fn authors_of_posts_are_asked_for_together() {
    let output = run("authors_of_posts", &[]);
    let queries: Vec<_> = output.lines().filter_map(|line| line.strip_prefix("  a query for ")).collect();
    // On a machine that is busy for longer than the window, a page takes several queries: each author is asked for once.
    let asked: Vec<_> = queries.iter().map(|query| query.trim_matches(['[', ']'])).collect();
    assert_eq!(asked.join(", "), "0, 1, 9, 2, 3, 4, 5, 6, 7, 8");
    assert!(asked.iter().all(|query| query.split(", ").count() <= 4), "{output}");
    assert!(output.contains("  by Grace, Edsger, somebody who is gone, Edsger, Barbara"), "{output}");
    assert!(output.contains("misses=10"), "{output}");
}

#[test]
fn users_of_a_page_are_asked_for_once() {
    let output = run("users_of_a_page", &[]);
    let queries: Vec<_> = output.lines().filter_map(|line| line.strip_prefix("  a query for ")).collect();
    assert_eq!(queries, ["[1, 2, 9]", "[3]", "[2, 4]"]);
    assert_eq!(output.matches("by Ada").count(), 4);
    assert_eq!(output.matches("somebody who is gone").count(), 3);
    ends_with(&output, "CacheInfo(hits=8, misses=6, maxsize=1000, currsize=5)");
}

#[test]
fn advise_tells_the_size_of_a_loop() {
    let trace = folder("advise").join("loop.txt");
    let keys: Vec<_> = (0..3000).map(|call| format!("page {}", call % 150)).collect();
    fs::write(&trace, keys.join("\n") + "\n").unwrap();
    let output = run("advise", &[&trace, &"100"]);
    let advice = "150 → 95 % (now 100 → 0 %); 200 → 95 %; beyond 150 nothing is gained (3000 calls)";
    assert_eq!(output.lines().next(), Some(advice));
    ends_with(&output, "working set 150, knee 150");
}

#[test]
fn files_by_weight_hold_no_more_than_their_bytes() {
    let output = run("files_by_weight", &[]);
    let happened: Vec<_> = output.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let expected = [
        "reading small",
        "CacheInfo(hits=0, misses=1, maxsize=1000, currsize=100)",
        "reading middle",
        "CacheInfo(hits=0, misses=2, maxsize=1000, currsize=500)",
        "CacheInfo(hits=1, misses=2, maxsize=1000, currsize=500)",
        "reading large",
        "Evicted: middle, 400 bytes",
        "CacheInfo(hits=1, misses=3, maxsize=1000, currsize=800)",
        "reading middle",
        "Evicted: small, 100 bytes",
        "Evicted: large, 700 bytes",
        "CacheInfo(hits=1, misses=4, maxsize=1000, currsize=400)",
        "reading huge",
        "CacheInfo(hits=1, misses=5, maxsize=1000, currsize=400)",
        "reading huge",
        "CacheInfo(hits=1, misses=6, maxsize=1000, currsize=400)",
    ];
    assert_eq!(happened, expected);
}

#[test]
fn budget_moves_memory_to_the_costly_function() {
    let output = run("budget", &[&"60000"]);
    // The last column is that of the costly function, until half way.
    let shares = |calls: &str| -> Vec<f64> {
        let line = output.lines().find(|line| line.trim_start().starts_with(calls)).unwrap();
        line.split_whitespace().skip(1).map(|share| share.parse().unwrap()).collect()
    };
    let before = shares("30000 ");
    assert!(before[2] > 3.0 && before.iter().sum::<f64>() <= 6.0, "{output}");
    let after = shares("60000 ");
    assert!(after[0] > 3.0 && after[2] < 2.0, "{output}");
    assert!(output.contains("budget of 6.0 MiB for 3 functions"), "{output}");
    assert!(output.lines().last().unwrap().starts_with("with a budget: "), "{output}");
}

#[test]
fn every_example_is_run() {
    let these = [
        include_str!("main.rs"),
        include_str!("../servers/examples.rs"),
        include_str!("../servers/outside.rs"),
    ]
    .concat();
    for example in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap() {
        let path = example.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_run =
            ["run", "built", "started"].iter().any(|runs| these.contains(&format!("{runs}(\"{name}\"")))
                || these.contains(&format!("/examples/{name}/"))
                || path.join("tests/output.rs").exists();
        assert!(is_run, "no test runs the example {name}");
    }
}

/// Runs an example with these arguments and returns its output.
fn run(example: &str, arguments: &[&dyn AsRef<OsStr>]) -> String {
    run::run(&built(example), arguments)
}

/// The example's program, which cargo puts into `examples/`, next to the `deps/` of this test.
fn built(example: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    profile.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX))
}

/// The columns of a table row, separated by one space; `None` for a line without columns, which ends the
/// table.
fn columns(line: &str) -> Option<String> {
    let columns: Vec<_> = line.split_whitespace().collect();
    (!columns.is_empty()).then(|| columns.join(" "))
}
