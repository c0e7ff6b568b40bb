//! Runs the example and checks its output.

use std::path::Path;

use run::{contains, run};

#[path = "../../../tests/examples/run.rs"]
#[allow(dead_code, reason = "the tests of other examples use the rest")]
mod run;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_refreshed"))
}

#[test]
fn a_hundred_callers_make_one_request_and_none_waits_for_the_next() {
    let output = run(program(), &[]);
    contains(&output, "100 callers, 1 request: CacheInfo(hits=99, misses=1, maxsize=128, currsize=1)");
    contains(&output, "ten seconds later, at once: 401");
    contains(&output, "and when it is refreshed:   402");
    contains(&output, "CacheStats(coalesced=99, stale_hits=");
}
