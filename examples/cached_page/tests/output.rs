//! Runs the example and checks its output.

use std::path::Path;

use run::{ends_with, run};

#[path = "../../../tests/examples/run.rs"]
#[allow(dead_code, reason = "the tests of other examples use the rest")]
mod run;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_cached_page"))
}

#[test]
fn cached_page_is_fetched_again_after_five_seconds() {
    let output = run(program(), &[]);
    let pages: Vec<_> = output.lines().filter(|line| line.contains("page ")).map(str::trim).collect();
    assert_eq!(pages, ["0 s: page 1", "3 s: page 1", "5 s: page 2", "9 s: page 2", "10 s: page 3"]);
    assert_eq!(output.matches("the server is asked: GET /news HTTP/1.1").count(), 3, "{output}");
    ends_with(&output, "CacheInfo(hits=2, misses=3, maxsize=100, currsize=1)");
}
