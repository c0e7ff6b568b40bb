//! Runs the example on short traces and checks its output.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use run::{contains, ends_with, fails, folder, run};

#[path = "../../../tests/examples/run.rs"]
#[allow(dead_code, reason = "the tests of other examples use the rest")]
mod run;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_hit_ratio"))
}

/// Keys 1 to 4 in turn, with a frequent key between them: short enough to be counted by hand.
const TRACE: &str = "1\n2\n9\n3\n9\n4\n9\n1\n9\n2\n9\n3\n";

#[test]
fn hit_ratio_counts_what_can_be_counted_by_hand() {
    let folder = folder("hit_ratio");
    let (plain, packed, svg) =
        (folder.join("turns.txt"), folder.join("turns.txt.gz"), folder.join("plot.svg"));
    fs::write(&plain, TRACE).unwrap();
    let mut gz = GzEncoder::new(File::create(&packed).unwrap(), Compression::default());
    gz.write_all(TRACE.as_bytes()).unwrap();
    gz.finish().unwrap();
    for trace in [&plain, &packed] {
        _ = fs::remove_file(&svg);
        let output = run(program(), &[trace, &"5", &"2", &"--svg", &svg]);
        contains(&output, "turns: 12 requests of 5 keys");
        let row = |policy: &str| {
            let line = output.lines().find(|line| line.starts_with(policy)).unwrap();
            line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(row("policy"), ["2", "5"]);
        assert_eq!(row("lru"), ["4", "33.33%", "7", "58.33%"]);
        assert_eq!(row("fifo"), ["2", "16.67%", "7", "58.33%"]);
        assert_eq!(row("OPT"), ["4", "33.33%", "7", "58.33%"]);
        ends_with(&output, &format!("The plot is in {}", svg.display()));
        let drawn = fs::read_to_string(&svg).unwrap();
        for name in ["turns", "lru", "fifo", "lfu", "sieve", "s3_fifo", "w_tinylfu", "OPT", "</svg>"] {
            contains(&drawn, name);
        }
    }
}

#[test]
fn hit_ratio_tells_what_hits_save() {
    let folder = folder("hit_ratio_costs");
    let trace = folder.join("turns.txt");
    fs::write(&trace, TRACE).unwrap();
    let output = run(program(), &[&"--costs", &"1", &trace, &"1000"]);
    contains(&output, "turns: 12 requests of 5 keys");
    // With room for all, all policies have the same hits, which save the same.
    let rows: Vec<_> = output.lines().skip(3).map(|line| line[12..].to_owned()).collect();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| *row == rows[0] && row.trim_end().ends_with("58.33%")), "{output}");
}

#[test]
fn hit_ratio_tells_the_regret() {
    let folder = folder("hit_ratio_regret");
    let files = ["turns.txt", "reference.csv", "regret.svg"].map(|name| folder.join(name));
    let [trace, reference, svg] = &files;
    fs::write(trace, TRACE).unwrap();
    let table =
        "trace,capacity,policy,requests,hits\nturns,5,LRU,12,7\nturns,5,FIFO,12,6\nturns,5,OPT,12,8\n";
    fs::write(reference, table).unwrap();
    _ = fs::remove_file(svg);
    let output = run(program(), &[&"--regret", reference, trace, &"--svg", svg]);
    ends_with(&output, "turns,5,LRU,58.33,0.00,0.00,0.00,0.00");
    let drawn = fs::read_to_string(svg).unwrap();
    for name in ["turns 5", "auto", "lru", "s3_fifo", "w_tinylfu", "</svg>"] {
        contains(&drawn, name);
    }
}

#[test]
fn hit_ratio_compares_with_a_reference() {
    let folder = folder("hit_ratio_check");
    let (trace, reference) = (folder.join("turns.txt"), folder.join("reference.csv"));
    fs::write(&trace, TRACE).unwrap();
    let table = |lru: u32| {
        format!(
            "trace,capacity,policy,requests,hits\nturns,2,LRU,12,{lru}\nturns,2,ARC,12,1\nturns,5,OPT,12,7\n"
        )
    };
    fs::write(&reference, table(4)).unwrap();
    contains(&run(program(), &[&"--check", &reference, &trace]), "All as the reference has it");
    fs::write(&reference, table(5)).unwrap();
    let errors = fails(program(), &[&"--check", &reference, &trace]);
    contains(&errors, "1 of these are too far from the reference");
    fs::write(&reference, "trace,capacity,policy,requests,hits\nturns,0,LRU,12,4\n").unwrap();
    contains(&fails(program(), &[&"--check", &reference, &trace]), "line 2: can't be read");
    fs::write(&reference, "trace,capacity,policy,requests,hits\n").unwrap();
    contains(&fails(program(), &[&"--check", &reference, &trace]), r#"has nothing on a trace "turns""#);
}

#[test]
fn hit_ratio_says_what_is_wrong() {
    let folder = folder("hit_ratio_wrong");
    let (missing, bad, empty) =
        (folder.join("missing.txt"), folder.join("bad.txt"), folder.join("empty.txt"));
    fs::write(&bad, "1\n2\nthree\n").unwrap();
    fs::write(&empty, "").unwrap();
    contains(&fails(program(), &[]), "no file of keys was given");
    contains(&fails(program(), &[&missing, &"2"]), "missing.txt: ");
    contains(&fails(program(), &[&bad, &"2"]), r#"bad.txt: line 3: "three" is no key"#);
    contains(&fails(program(), &[&empty, &"2"]), "empty.txt: there is no key in it");
    contains(&fails(program(), &[&bad, &"0"]), "a capacity of 0 stores nothing");
    contains(&fails(program(), &[&bad, &"-1"]), "`-1` is no capacity");
    contains(&fails(program(), &[&bad]), "no capacity was given");
    contains(&fails(program(), &[&bad, &"2", &"--svg"]), "`--svg` takes a path");
    contains(&fails(program(), &[&bad, &"2", &"--png", &"x"]), "unknown option `--png`");
}

#[test]
fn hit_ratio_plots_the_curve_of_a_cache() {
    let folder = folder("hit_ratio_curve");
    let (trace, svg) = (folder.join("turns.txt"), folder.join("curve.svg"));
    fs::write(&trace, TRACE).unwrap();
    let output = run(program(), &[&"--curve", &trace, &"2", &"--svg", &svg]);
    contains(&output, "turns: too few calls so far to tell");
    ends_with(&output, &format!("The plot is in {}", svg.display()));
    let drawn = fs::read_to_string(&svg).unwrap();
    for text in ["exact LRU", "maxsize now: 2 → 33 %", "knee: ", "</svg>"] {
        contains(&drawn, text);
    }
    contains(&fails(program(), &[&"--curve", &trace, &"2", &"3"]), "`--curve` takes one capacity");
}

#[test]
fn hit_ratio_tells_what_caches_of_their_own_capacity_do() {
    let folder = folder("hit_ratio_auto");
    let trace = folder.join("loop.txt");
    // Ten keys in turn, and each tenth one is new.
    let keys = (0..20_000).map(|call| if call % 10 == 9 { 1_000_000 + call } else { call % 10 });
    let lines: Vec<_> = keys.map(|key| key.to_string()).collect();
    fs::write(&trace, lines.join("\n")).unwrap();
    let output = run(program(), &[&"--auto", &"4..=400", &trace]);
    let row: Vec<_> =
        output.lines().find(|line| line.starts_with("loop")).unwrap().split_whitespace().collect();
    assert_eq!(row[1..5], ["400", "89.95%", "89.95%", "0.00"]);
    let (last, changes): (usize, usize) = (row[6].parse().unwrap(), row[7].parse().unwrap());
    assert!((10..20).contains(&last) && changes > 3, "{output}");
    contains(&fails(program(), &[&"--auto", &"4", &trace]), "`--auto` takes bounds");
}
