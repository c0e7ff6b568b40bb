//! `single_flight = global`: of several processes, one computes. The children are this test program.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Output};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use functools::backend::{memcached, redis};
use functools::lru_cache;

use crate::processes::{again, task};
use crate::server::{MEMCACHED, REDIS, limit};

static RUNS: AtomicU64 = AtomicU64::new(0);

/// The words of a child's task: what to do, the key, when to begin, and the server.
fn word(at: usize) -> String {
    task().unwrap().split(' ').nth(at).unwrap().to_owned()
}

fn place() -> String {
    word(3)
}

/// Sleeps until all children of a test are to begin.
fn wait_for_the_start() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_millis(word(2).parse().unwrap());
    thread::sleep(start.duration_since(SystemTime::now()).unwrap_or_default());
}

fn in_milliseconds(millis: u64) -> u128 {
    let time = SystemTime::now() + Duration::from_millis(millis);
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()
}

fn body(key: u64) -> Result<u64, String> {
    RUNS.fetch_add(1, SeqCst);
    println!("\nbegins");
    let takes = if word(0) == "hang" { Duration::from_secs(60) } else { Duration::from_millis(300) };
    thread::sleep(takes);
    if word(0) == "fail" { Err("the source is down".to_owned()) } else { Ok(key) }
}

#[lru_cache(single_flight = global, ttl = 600, backend = redis(place()))]
fn by_redis(key: u64) -> Result<u64, String> {
    body(key)
}

#[lru_cache(single_flight = global, ttl = 600, backend = memcached(place()))]
fn by_memcached(key: u64) -> Result<u64, String> {
    body(key)
}

#[lru_cache(single_flight = global, ttl = 600, backend = redis(place()))]
async fn by_redis_async(key: u64) -> Result<u64, String> {
    RUNS.fetch_add(1, SeqCst);
    println!("\nbegins");
    if word(0) == "drop" {
        std::future::pending::<()>().await;
    }
    Ok(key)
}

#[lru_cache(single_flight = global, ttl = 600, backend = memcached(place()))]
async fn by_memcached_async(key: u64) -> Result<u64, String> {
    RUNS.fetch_add(1, SeqCst);
    println!("\nbegins");
    if word(0) == "drop" {
        std::future::pending::<()>().await;
    }
    Ok(key)
}

#[lru_cache(single_flight = global, ttl = 1, swr = 60, backend = redis(place()))]
fn refreshed(key: u64) -> u64 {
    RUNS.fetch_add(1, SeqCst);
    thread::sleep(Duration::from_millis(300));
    key
}

fn refresh_or_fail(key: u64) -> Result<u64, String> {
    RUNS.fetch_add(1, SeqCst);
    if word(0) == "seed" {
        return Ok(key);
    }
    thread::sleep(Duration::from_millis(300));
    Err("the source is down".to_owned())
}

#[lru_cache(single_flight = global, ttl = 1, swr = 60, backend = redis(place()))]
fn failing_by_redis(key: u64) -> Result<u64, String> {
    refresh_or_fail(key)
}

#[lru_cache(single_flight = global, ttl = 1, swr = 60, backend = memcached(place()))]
fn failing_by_memcached(key: u64) -> Result<u64, String> {
    refresh_or_fail(key)
}

fn is_redis() -> bool {
    place().starts_with("redis:")
}

#[test]
fn calling_child() {
    if task().is_none() {
        return;
    }
    let key = word(1).parse().unwrap();
    wait_for_the_start();
    let start = Instant::now();
    let result = if is_redis() { by_redis(key) } else { by_memcached(key) };
    println!("\nresult={result:?} runs={} took={}", RUNS.load(SeqCst), start.elapsed().as_millis());
}

/// Drops its future in the middle of the computation, and lives on.
#[test]
fn dropping_child() {
    if task().is_none() {
        return;
    }
    let key = word(1).parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let time = Duration::from_millis(300);
        let dropped = if is_redis() {
            tokio::time::timeout(time, by_redis_async(key)).await.is_err()
        } else {
            tokio::time::timeout(time, by_memcached_async(key)).await.is_err()
        };
        println!("\ndropped={dropped}");
        tokio::time::sleep(Duration::from_secs(30)).await;
    });
}

#[test]
fn awaiting_child() {
    if task().is_none() {
        return;
    }
    let key = word(1).parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let start = Instant::now();
    let result = runtime.block_on(async {
        if is_redis() { by_redis_async(key).await } else { by_memcached_async(key).await }
    });
    println!("\nresult={result:?} runs={} took={}", RUNS.load(SeqCst), start.elapsed().as_millis());
}

/// Calls at once, and again when the result is stale.
#[test]
fn refreshing_child() {
    if task().is_none() {
        return;
    }
    let key = word(1).parse().unwrap();
    wait_for_the_start();
    refreshed(key);
    thread::sleep(Duration::from_millis(1500));
    refreshed(key);
    let deadline = Instant::now() + Duration::from_secs(20);
    while refreshed::cache_stats().refreshes == 0 {
        assert!(Instant::now() < deadline, "{:?} {:?}", refreshed::cache_stats(), refreshed::cache_info());
        thread::sleep(Duration::from_millis(20));
    }
    println!("\nresult={} runs={} took=0", refreshed(key), RUNS.load(SeqCst));
}

/// Stores a result, or finds it stale and fails to refresh it.
#[test]
fn failing_refresh_child() {
    if task().is_none() {
        return;
    }
    let key = word(1).parse().unwrap();
    let call = || if is_redis() { failing_by_redis(key) } else { failing_by_memcached(key) };
    let stats =
        || if is_redis() { failing_by_redis::cache_stats() } else { failing_by_memcached::cache_stats() };
    wait_for_the_start();
    let start = Instant::now();
    assert_eq!(call(), Ok(key));
    if word(0) != "seed" {
        let deadline = start + Duration::from_secs(20);
        while stats().errors == 0 {
            assert!(Instant::now() < deadline, "{:?}", stats());
            assert_eq!(call(), Ok(key), "stale");
            thread::sleep(Duration::from_millis(5));
        }
    }
    println!("\nresult={key} runs={} took={}", RUNS.load(SeqCst), start.elapsed().as_millis());
}

fn child(test: &str, what: &str, key: u64, start: u128, place: &str) -> Child {
    again(&format!("global::{test}"), &format!("{what} {key} {start} {place}")).spawn().unwrap()
}

/// Returns the lines that a child prints.
fn lines(child: &mut Child) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

fn wait_for(lines: &mut Lines<BufReader<ChildStdout>>, beginning: &str) -> String {
    lines.map(Result::unwrap).find(|line| line.starts_with(beginning)).expect("the child prints it")
}

/// Returns the number of runs, and the milliseconds that the call took.
fn outcome(line: &str) -> (u64, u64) {
    let number = |name: &str| {
        let at = line.find(name).unwrap() + name.len();
        line[at..].split(' ').next().unwrap().parse().unwrap()
    };
    (number("runs="), number("took="))
}

fn ended(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().find(|line| line.starts_with("result=")).expect("a result").to_owned()
}

#[test]
fn one_of_six_processes_computes() {
    let _limit = limit();
    for place in [REDIS.url(), MEMCACHED.address()] {
        let start = in_milliseconds(1500);
        let children: Vec<_> = (0..6).map(|_| child("calling_child", "succeed", 1, start, &place)).collect();
        let lines: Vec<_> =
            children.into_iter().map(|child| ended(&child.wait_with_output().unwrap())).collect();
        assert!(lines.iter().all(|line| line.starts_with("result=Ok(1)")), "{lines:?}");
        assert_eq!(lines.iter().map(|line| outcome(line).0).sum::<u64>(), 1, "{lines:?}");
    }
}

#[test]
fn a_failure_is_told_to_all_that_wait() {
    let _limit = limit();
    for place in [REDIS.url(), MEMCACHED.address()] {
        let start = in_milliseconds(1500);
        let children: Vec<_> = (0..6).map(|_| child("calling_child", "fail", 2, start, &place)).collect();
        let lines: Vec<_> =
            children.into_iter().map(|child| ended(&child.wait_with_output().unwrap())).collect();
        assert!(lines.iter().all(|line| line.starts_with("result=Err")), "{lines:?}");
        // One after the other would take 1.8 s.
        let took: Vec<_> = lines.iter().map(|line| outcome(line).1).collect();
        assert!(took.iter().all(|took| *took < 1500), "{lines:?}");
    }
}

#[test]
fn of_those_that_waited_for_a_killed_process_one_computes() {
    let _limit = limit();
    for place in [REDIS.url(), MEMCACHED.address()] {
        let mut leader = child("calling_child", "hang", 3, 0, &place);
        let mut said = lines(&mut leader);
        wait_for(&mut said, "begins");
        let start = in_milliseconds(0);
        let children: Vec<_> = (0..3).map(|_| child("calling_child", "succeed", 3, start, &place)).collect();
        // They wait for it for longer than its lease, which it renews.
        thread::sleep(Duration::from_secs(4));
        leader.kill().unwrap();
        leader.wait().unwrap();
        let killed = Instant::now();
        let lines: Vec<_> =
            children.into_iter().map(|child| ended(&child.wait_with_output().unwrap())).collect();
        assert!(lines.iter().all(|line| line.starts_with("result=Ok(3)")), "{lines:?}");
        assert_eq!(lines.iter().map(|line| outcome(line).0).sum::<u64>(), 1, "{lines:?}");
        assert!(lines.iter().all(|line| outcome(line).1 > 3000), "{lines:?}");
        assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
    }
}

#[test]
fn a_dropped_future_gives_its_claim_back() {
    let _limit = limit();
    for place in [REDIS.url(), MEMCACHED.address()] {
        let mut leader = child("dropping_child", "drop", 4, 0, &place);
        let mut said = lines(&mut leader);
        assert_eq!(wait_for(&mut said, "dropped="), "dropped=true");
        let waiting = child("awaiting_child", "await", 4, 0, &place);
        let line = ended(&waiting.wait_with_output().unwrap());
        leader.kill().unwrap();
        leader.wait().unwrap();
        assert_eq!(outcome(&line).0, 1, "{line}");
        // Not the two seconds until the lease has expired.
        assert!(outcome(&line).1 < 1000, "{line}");
    }
}

#[test]
fn one_of_four_processes_refreshes() {
    let _limit = limit();
    let place = REDIS.url();
    let start = in_milliseconds(1500);
    let children: Vec<_> = (0..4).map(|_| child("refreshing_child", "refresh", 5, start, &place)).collect();
    let lines: Vec<_> = children.into_iter().map(|child| ended(&child.wait_with_output().unwrap())).collect();
    let runs = lines.iter().map(|line| outcome(line).0).sum::<u64>();
    assert_eq!(runs, 2, "the first call of all, and one refresh: {lines:?}");
}

#[test]
fn a_failed_refresh_is_told_to_all_that_wait() {
    let _limit = limit();
    for place in [REDIS.url(), MEMCACHED.address()] {
        let seed = child("failing_refresh_child", "seed", 6, in_milliseconds(0), &place);
        ended(&seed.wait_with_output().unwrap());
        // The result is stale after one second.
        let start = in_milliseconds(2500);
        let children: Vec<_> =
            (0..6).map(|_| child("failing_refresh_child", "fail", 6, start, &place)).collect();
        let lines: Vec<_> =
            children.into_iter().map(|child| ended(&child.wait_with_output().unwrap())).collect();
        assert!(lines.iter().all(|line| outcome(line).0 == 1), "{lines:?}");
        // One after the other would take 1.8 s.
        let took: Vec<_> = lines.iter().map(|line| outcome(line).1).collect();
        assert!(took.iter().all(|took| *took < 1500), "{lines:?}");
    }
}
