//! Runs the examples that need servers. `cargo test` builds them before it runs this test.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::server::{Server, limit};

fn started(example: &str, arguments: &[&str]) -> Child {
    let test = std::env::current_exe().unwrap();
    let program: PathBuf = test.ancestors().nth(2).unwrap().join("examples").join(example);
    let child = Command::new(&program).args(arguments).stdout(Stdio::piped()).spawn();
    child.unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()))
}

fn output(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn visitors_of_all_processes_are_counted() {
    let _limit = limit();
    let (redis, memcached) = (Server::redis(&[]), Server::memcached(&[]));
    for server in [redis.url(), memcached.address()] {
        let outputs = [(); 4].map(|()| started("visitors", &[&server])).map(output);
        // The visitors counted by each process, and one more to read the number.
        let came = outputs.iter().map(|output| output.split(' ').next().unwrap().parse::<u64>().unwrap() + 1);
        let everywhere = |output: &String| output.split(' ').rev().nth(1).unwrap().parse::<u64>().unwrap();
        assert_eq!(outputs.iter().map(everywhere).max(), Some(came.sum()), "{outputs:?}");
    }
}

#[test]
fn migrate_computes_nothing_again() {
    let _limit = limit();
    let (new, mut old) = (Server::redis(&[]), Server::memcached(&[]));
    let stage = |name: &str, old: &Server| output(started("migrate", &[name, &old.address(), &new.url()]));
    let first = stage("old", &old);
    let computed: u32 = first.split([' ', ',']).nth(1).unwrap().parse().unwrap();
    assert!((200..=800).contains(&computed) && first.ends_with("errors 0\n"), "{first}");
    assert_eq!(stage("old", &old), "computed 0, errors 0\n");
    assert_eq!(stage("both", &old), "invalidated: Ok(true)\ncomputed 0, errors 0\n");
    // Without the old server, all entries but one are found.
    old.kill();
    let last = stage("new", &old);
    let computed: u32 = last.split([' ', ',']).nth(1).unwrap().parse().unwrap();
    assert!((1..=4).contains(&computed) && last.ends_with("errors 0\n"), "{last}");
}

#[test]
fn shared_report_is_computed_by_one_of_two() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let output = output(started("shared_report", &[&server.url()]));
    let mut lines: Vec<_> = output.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["the report of 2026, computed 0", "the report of 2026, computed 1"]);
}
