//! Several processes at once: the children are this test program, started to run a single test.

use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use functools::backend::{AsyncCompareAndSwap, Backend, CompareAndSwap, Disk, disk, memcached, redis};

use crate::files::Folder;
use crate::server::{MEMCACHED, REDIS, block_on, eventually, limit};

const CHILDREN: usize = 8;
const ROUNDS: usize = 100;

/// A command that runs one test of this program.
pub(crate) fn again(test: &str, task: &str) -> Command {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "--nocapture", "--test-threads=1", test]);
    program.env("SERVERS_TASK", task).stdout(Stdio::piped());
    program
}

/// Starts a child that runs one of the tests below.
fn child(test: &str, task: &str) -> Child {
    again(&format!("processes::{test}"), task).spawn().unwrap()
}

/// The task of a child; `None` in the test run itself.
pub(crate) fn task() -> Option<String> {
    std::env::var("SERVERS_TASK").ok()
}

fn count(engine: &str, place: &str) -> u64 {
    let plus_one = |n: Option<u64>| n.unwrap_or(0) + 1;
    let mut done = 0;
    let (one, two) = (redis(place), memcached(place));
    for round in 0..ROUNDS {
        let is_async = round % 2 == 0;
        let ttl = Some(Duration::from_secs(600));
        let updated = match (engine, is_async) {
            ("redis", false) => CompareAndSwap::update(&one, "count", b"visitors", ttl, plus_one),
            ("redis", true) => {
                block_on(AsyncCompareAndSwap::update(&one, "count", b"visitors", ttl, plus_one))
            }
            (_, false) => CompareAndSwap::update(&two, "count", b"visitors", ttl, plus_one),
            (_, true) => block_on(AsyncCompareAndSwap::update(&two, "count", b"visitors", ttl, plus_one)),
        };
        done += u64::from(updated.is_ok());
    }
    done
}

#[test]
fn counting_child() {
    let Some(task) = task() else { return };
    let (engine, place) = task.split_once(' ').unwrap();
    println!("\ndone={}", count(engine, place));
}

fn counted(engine: &str, place: &str) -> u64 {
    let children = [(); CHILDREN].map(|()| child("counting_child", &format!("{engine} {place}")));
    let outputs = children.map(|child| child.wait_with_output().unwrap());
    let done = outputs.map(|output| {
        assert!(output.status.success());
        let output = String::from_utf8(output.stdout).unwrap();
        output.lines().find_map(|line| line.strip_prefix("done=")?.parse::<u64>().ok()).unwrap()
    });
    done.into_iter().sum()
}

#[test]
fn visitors_of_eight_processes_are_all_counted() {
    let _limit = limit();
    for (engine, place) in [("redis", REDIS.url()), ("memcached", MEMCACHED.address())] {
        let mut expected = 0;
        // First with a cold cache, then with a warm one.
        for _ in 0..2 {
            expected += counted(engine, &place);
            let found = match engine {
                "redis" => redis(&place).get("count", b"visitors"),
                _ => memcached(&place).get("count", b"visitors"),
            };
            assert!(found.is_ok_and(|found| found.is_some()));
            let read = |n: Option<u64>| n.unwrap();
            let all = match engine {
                "redis" => CompareAndSwap::update(&redis(&place), "count", b"visitors", None, read),
                _ => CompareAndSwap::update(&memcached(&place), "count", b"visitors", None, read),
            };
            assert_eq!(all.unwrap(), expected, "{engine}");
        }
        assert!(expected > 0);
    }
}

#[test]
fn writing_child() {
    let Some(path) = task() else { return };
    let backend = disk(path).durable(true);
    for n in 0_u32.. {
        backend.set("kill", &(n % 100).to_le_bytes(), &n.to_le_bytes().repeat(1000), None).unwrap();
        // From here on the entry must survive a crash.
        println!("\nwrote={n}");
    }
}

#[test]
fn a_file_survives_being_killed_in_the_middle_of_writing() {
    use std::io::{BufRead, BufReader};
    let _limit = limit();
    let folder = Folder::new("killed");
    let path = folder.path("results.redb");
    for round in 0..4_u64 {
        let mut child = child("writing_child", path.to_str().unwrap());
        let mut last = None;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while last < Some(20 + 13 * round) {
            let line = lines.next().unwrap().unwrap();
            last = line.strip_prefix("wrote=").map(|n| n.parse::<u64>().unwrap()).or(last);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            last = line.strip_prefix("wrote=").and_then(|n| n.parse().ok()).or(last);
        }
        // A separate process, since this one could not release the file.
        let read = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "processes::reading_child"])
            .env("SERVERS_TASK", format!("{} {}", last.unwrap(), path.display()))
            .output()
            .unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    }
}

#[test]
fn reading_child() {
    let Some(task) = task() else { return };
    let (last, path) = task.split_once(' ').unwrap();
    let (last, backend) = (last.parse::<u32>().unwrap(), disk(path));
    for n in last.saturating_sub(98)..=last {
        let found = backend.get("kill", &(n % 100).to_le_bytes()).unwrap();
        let value = found.expect("the entry was written").value;
        let there = u32::from_le_bytes(value[..4].try_into().unwrap());
        assert_eq!(value, there.to_le_bytes().repeat(1000));
        // The write in progress may have been completed as well.
        assert!(there == n || there == last + 1, "{there} for {n}");
    }
}

#[test]
fn grouping_child() {
    let Some(path) = task() else { return };
    let backend = disk(path);
    for n in 0_u32.. {
        backend.set("groups", &n.to_le_bytes(), &n.to_le_bytes().repeat(100), None).unwrap();
        if n % 50 == 25 {
            assert!(backend.delete("groups", &n.to_le_bytes()).unwrap());
            // From here on all entries before must survive a crash, and this one must not come back.
            println!("\nwrote={n}");
        }
    }
}

#[test]
fn a_crash_loses_the_last_results_and_brings_back_no_removed_ones() {
    use std::io::{BufRead, BufReader};
    let _limit = limit();
    for round in 0..4_u32 {
        let folder = Folder::new("groups");
        let path = folder.path("results.redb");
        let mut child = child("grouping_child", path.to_str().unwrap());
        let mut last = None;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while last < Some(300 + 111 * round) {
            let line = lines.next().unwrap().unwrap();
            last = line.strip_prefix("wrote=").map(|n| n.parse().unwrap()).or(last);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            last = line.strip_prefix("wrote=").and_then(|n| n.parse().ok()).or(last);
        }
        let last = last.unwrap();
        let backend = disk(&path);
        let found = |n: u32| backend.get("groups", &n.to_le_bytes()).unwrap().map(|found| found.value);
        let there: Vec<_> = (0..last + 200).map(|n| found(n).is_some()).collect();
        for (n, is_there) in (0..).zip(&there) {
            if *is_there {
                assert_eq!(found(n), Some(n.to_le_bytes().repeat(100)));
            }
            assert!(n > last || *is_there == (n % 50 != 25), "{n} of {last}");
        }
        // Those that were written after it are the first of them.
        let rest = &there[last as usize + 1..];
        let first_lost = rest.iter().position(|is_there| !is_there).unwrap();
        assert!(first_lost == 49 || !rest[first_lost..].contains(&true), "{rest:?}");
    }
}

#[test]
fn leaving_child() {
    let Some(path) = task() else { return };
    disk(path).set("leave", b"key", b"value", None).unwrap();
}

static LEFT: LazyLock<std::sync::Mutex<Option<Disk>>> = LazyLock::new(std::sync::Mutex::default);

#[test]
fn exiting_child() {
    let Some(path) = task() else { return };
    // Statics are not dropped.
    let backend = LEFT.lock().unwrap().insert(disk(path)).clone();
    backend.set("leave", b"key", b"value", None).unwrap();
    std::process::exit(0);
}

#[test]
fn a_process_that_ends_has_written_its_results() {
    let _limit = limit();
    let folder = Folder::new("ended");
    for test in ["leaving_child", "exiting_child"] {
        let path = folder.path(test);
        assert!(child(test, path.to_str().unwrap()).wait_with_output().unwrap().status.success());
        assert!(disk(&path).get("leave", b"key").unwrap().is_some(), "{test}");
    }
}

#[test]
fn holding_child() {
    let Some(path) = task() else { return };
    let backend = disk(path);
    backend.set("hold", b"key", b"value", None).unwrap();
    println!("\nholds");
    std::io::stdin().lines().next();
}

#[test]
fn a_second_process_on_a_file_is_told_so_and_goes_on() {
    use std::io::{BufRead, BufReader};
    let _limit = limit();
    static FOLDER: LazyLock<Folder> = LazyLock::new(|| Folder::new("second"));
    let path = FOLDER.path("results.redb");
    let mut first = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "processes::holding_child"])
        .env("SERVERS_TASK", &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    while lines.next().unwrap().unwrap() != "holds" {}

    #[functools::lru_cache(maxsize = 0, backend = disk(FOLDER.path("results.redb")))]
    fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((double(1), double(1), double::cache_stats().backend_errors), (2, 2, 2));
    let error = double::cache_clear().unwrap_err().to_string();
    assert!(
        error.contains("another process has this file open") && error.contains("results.redb"),
        "{error}"
    );

    drop(first.stdin.take());
    first.wait().unwrap();
    eventually("this process gets the file", || (double(1), double::cache_info().hits > 0) == (2, true));
    assert_eq!(disk(&path).get("hold", b"key").unwrap().unwrap().value, b"value", "after a restart");
}
