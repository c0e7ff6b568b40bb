//! How do several processes that share one Redis behave: round trips, stampedes, hot keys, stale L1 copies,
//! memory?
//!
//! The processes are this program, started again; each reads one order per line. Redis counts the commands it
//! receives. Writes the tables of `docs/processes.md`; without cargo's `--bench` it runs everything once,
//! with few processes.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Barrier, LazyLock};
use std::time::{Duration, Instant, SystemTime};
use std::{array, env, fs, thread};

use allocation_counter::measure;
use benches::{each, machine, text};
use functools::backend::{Backend, BackendError, Redis, Stored, redis};
use functools::lru_cache;

#[path = "../tests/servers/server.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod server;

use server::{Server, limit};

/// The page with the tables.
const PAGE: &str = "../docs/processes.md";
const BEGIN: &str = "<!-- begin: written by `cargo xtask bench processes` -->\n";
const END: &str = "<!-- end: written by `cargo xtask bench processes` -->\n";

/// The numbers of processes that are measured, and the number that results are extrapolated to.
const PROCESSES: &[usize] = &[1, 2, 4, 8, 16];
const EXTRAPOLATED: usize = 100;

/// The number of keys, of which the L1 cache holds a part.
const KEYS: u64 = 1000;
const FUNCTIONS: [(&str, u32); 4] = [("none", 0), ("half", 50), ("most", 90), ("nearly", 99)];

/// The calls of each process and kind, made once its L1 cache is full.
const CALLS: u64 = 4000;

/// The threads of each process that miss one key at once.
const THREADS: usize = 4;

/// The number of stampedes.
const STAMPEDES: u64 = 5;

/// The time of a computation that is worth coalescing.
const COMPUTATION: Duration = Duration::from_millis(20);

/// How long all processes call with one key.
const SPAN: Duration = Duration::from_millis(500);

/// A short time to live of L1 copies.
const SHORT: Duration = Duration::from_millis(50);

/// The number of entries whose memory is measured.
const SIZED: u64 = 10_000;

/// The variable with the address of the server, for child processes.
const SERVER: &str = "PROCESSES_REDIS";

/// The backend of all functions, so that they share its connections.
static STORE: LazyLock<Redis> =
    LazyLock::new(|| redis(env::var(SERVER).expect("the parent process sets the address of Redis")));

/// The number of slow computations made by this process.
static COMPUTED: AtomicU64 = AtomicU64::new(0);

#[lru_cache(maxsize = 0, ttl = 3600, backend = &*STORE)]
fn none(n: u64) -> String {
    text(n, 100)
}

#[lru_cache(maxsize = 500, ttl = 3600, backend = &*STORE)]
fn half(n: u64) -> String {
    text(n, 100)
}

#[lru_cache(maxsize = 900, ttl = 3600, backend = &*STORE)]
fn most(n: u64) -> String {
    text(n, 100)
}

#[lru_cache(maxsize = 990, ttl = 3600, backend = &*STORE)]
fn nearly(n: u64) -> String {
    text(n, 100)
}

fn compute(n: u64) -> u64 {
    COMPUTED.fetch_add(1, SeqCst);
    thread::sleep(COMPUTATION);
    n
}

#[lru_cache(ttl = 3600, backend = &*STORE)]
fn alone(n: u64) -> u64 {
    compute(n)
}

#[lru_cache(ttl = 3600, single_flight = true, backend = &*STORE)]
fn by_process(n: u64) -> u64 {
    compute(n)
}

#[lru_cache(ttl = 3600, single_flight = global, backend = &*STORE)]
fn global(n: u64) -> u64 {
    compute(n)
}

#[lru_cache(ttl = 3600, front_ttl = SHORT, backend = &*STORE)]
fn short(n: u64) -> String {
    text(n, 100)
}

/// A function whose L1 copies are bounded by `front_ttl` alone: no change is notified.
#[lru_cache(ttl = 3600, front_ttl = SHORT, backend = Unnotified(&STORE))]
fn changing(_key: u64) -> bool {
    false
}

/// A function whose L1 copies are invalidated by notifications of Redis.
#[lru_cache(ttl = 3600, backend = &*STORE)]
fn notified(_key: u64) -> bool {
    false
}

/// Redis without client tracking.
struct Unnotified(&'static Redis);

impl Backend for Unnotified {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        Backend::get(self.0, namespace, key)
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        Backend::set(self.0, namespace, key, value, ttl)
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        Backend::delete(self.0, namespace, key)
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        Backend::clear(self.0, namespace)
    }
}

#[lru_cache(maxsize = None, ttl = 3600, backend = &*STORE)]
fn sized(n: u64, length: usize) -> String {
    text(n, length)
}

fn main() {
    if env::var(SERVER).is_ok() {
        return obey();
    }
    let measured = env::args().any(|argument| argument == "--bench");
    let guard = limit();
    let server = Server::redis(&[]);
    let results = results(&server, if measured { PROCESSES } else { &PROCESSES[..2] });
    println!("{results}");
    if measured {
        let page = fs::read_to_string(PAGE).expect("cargo runs benches in their package's folder");
        let (before, rest) = page.split_once(BEGIN).expect("the page has the mark where the tables begin");
        let (_, after) = rest.split_once(END).expect("the page has the mark where the tables end");
        fs::write(PAGE, format!("{before}{BEGIN}\n{results}\n{END}{after}"))
            .expect("the page can be written");
    }
    drop(guard);
}

/// Runs a child process: obeys orders until the parent closes the pipe.
fn obey() {
    for order in io::stdin().lock().lines().map_while(Result::ok) {
        let mut words = order.split(' ');
        let (what, which) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let number: u64 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let report = match what {
            "store" => store(),
            "fill" => fill(which),
            "call" => call(which, number),
            "stampede" => stampede(which, number),
            "hot" => hot(which),
            "get" => u64::from(changes(which)(number)),
            "change" => change(which, number),
            "wait" => wait(which, number),
            "l1" => l1(number),
            "in_server" => in_server(number),
            _ => panic!("unknown order `{order}`"),
        };
        println!("{report}");
    }
}

/// Puts all entries into the backend that later calls read.
fn store() -> u64 {
    for function in [none, half, most, nearly] {
        each(0..KEYS, function);
    }
    each([0], short);
    0
}

fn function(which: &str) -> fn(u64) -> String {
    match which {
        "none" => none,
        "half" => half,
        "most" => most,
        "nearly" => nearly,
        "short" => short,
        _ => panic!("there is no function `{which}`"),
    }
}

/// Calls with all keys once, to fill the L1 cache.
fn fill(which: &str) -> u64 {
    each(0..KEYS, function(which));
    0
}

/// Calls with random keys.
fn call(which: &str, calls: u64) -> u64 {
    let mut random = u64::from(std::process::id()).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let draws = (0..calls).map(|_| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % KEYS
    });
    each(draws, function(which));
    calls
}

/// Calls with one key from all threads at once, and returns the number of computations.
fn stampede(which: &str, key: u64) -> u64 {
    let function = match which {
        "alone" => alone,
        "by_process" => by_process,
        _ => global,
    };
    let (barrier, before) = (Barrier::new(THREADS), COMPUTED.load(SeqCst));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(function(key), key);
            });
        }
    });
    COMPUTED.load(SeqCst) - before
}

/// Calls with one key for a while, and returns the number of calls.
fn hot(which: &str) -> u64 {
    let (begin, function) = (Instant::now(), function(which));
    let mut calls = 0;
    while begin.elapsed() < SPAN {
        each([0; 16], function);
        calls += 16;
    }
    calls
}

fn changes(which: &str) -> fn(u64) -> bool {
    if which == "notified" { notified } else { changing }
}

/// Changes a value, and returns the time of the change.
fn change(which: &str, key: u64) -> u64 {
    let put = if which == "notified" { notified::cache_put } else { changing::cache_put };
    put(key, true).expect("Redis answers");
    microseconds()
}

/// Waits until a call returns the changed value, and returns the time.
fn wait(which: &str, key: u64) -> u64 {
    while !changes(which)(key) {
        thread::sleep(Duration::from_micros(500));
    }
    microseconds()
}

/// Returns the microseconds since the beginning of 1970.
fn microseconds() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Stores the entries whose memory in the server is measured.
fn in_server(length: u64) -> u64 {
    let length = usize::try_from(length).unwrap_or(0);
    each(0..SIZED, |n| sized(n, length));
    0
}

/// Returns the bytes per entry of the same entries in this process.
fn l1(length: u64) -> u64 {
    let length = usize::try_from(length).unwrap_or(0);
    black_box(sized(SIZED, length)); // connects
    let bytes = measure(|| each(0..SIZED, |n| sized(n, length))).bytes_current;
    u64::try_from(bytes).unwrap_or(0) / SIZED
}

/// A child process that obeys orders.
struct Worker {
    child: Child,
    orders: ChildStdin,
    reports: BufReader<ChildStdout>,
}

impl Worker {
    fn start(server: &Server) -> Self {
        let program = env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .env(SERVER, server.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started again");
        let (orders, reports) = (child.stdin.take(), child.stdout.take());
        let reports = BufReader::new(reports.expect("stdout is piped"));
        Self { child, orders: orders.expect("stdin is piped"), reports }
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").expect("the child reads its orders");
    }

    fn report(&mut self) -> u64 {
        let mut report = String::new();
        self.reports.read_line(&mut report).expect("the child reports");
        report.trim().parse().expect("a report is a number")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Gives the order to all processes at once, and returns their reports.
fn order_all(workers: &mut [Worker], order: &str) -> Vec<u64> {
    for worker in &mut *workers {
        worker.order(order);
    }
    workers.iter_mut().map(Worker::report).collect()
}

/// The commands that Redis has counted since the last reset.
#[derive(Clone, Copy, Default)]
struct Commands {
    /// Lookups: each one ends with a `PTTL`.
    lookups: u64,
    claims: u64,
}

impl Commands {
    fn reset(server: &Server) {
        assert_eq!(server.says("CONFIG RESETSTAT\r\n", "\r\n"), "+OK\r\n");
    }

    fn of(server: &Server) -> Self {
        let calls = |command| number(server, "commandstats", &format!("cmdstat_{command}:calls="));
        Self { lookups: calls("pttl"), claims: calls("eval") }
    }
}

/// Returns a number from the `INFO` of the server, zero if it is missing.
fn number(server: &Server, section: &str, name: &str) -> u64 {
    let info = server.says(&format!("INFO {section}\r\nPING\r\n"), "+PONG\r\n");
    let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
    info.lines().find_map(|line| digits(line.strip_prefix(name)?).parse().ok()).unwrap_or(0)
}

/// The measurements with one number of processes.
struct Measured {
    processes: usize,
    /// For each function: round trips per call, and calls per second of all processes.
    functions: [(f64, f64); FUNCTIONS.len()],
    /// For each kind of coalescing: computations, lookups and claims of one stampede.
    stampedes: [[f64; 3]; 3],
    /// Lookups and calls per second.
    hot: [[f64; 2]; 3],
    /// The latest time at which a process saw a change, in milliseconds: with `front_ttl`, and with
    /// notifications.
    late: [f64; 2],
    connections: u64,
}

#[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
fn measured(server: &Server, processes: usize) -> Measured {
    let mut workers: Vec<_> = (0..processes).map(|_| Worker::start(server)).collect();
    workers[0].order("store");
    workers[0].report();

    let functions = FUNCTIONS.map(|(which, _)| {
        order_all(&mut workers, &format!("fill {which}"));
        Commands::reset(server);
        let begin = Instant::now();
        let calls: u64 = order_all(&mut workers, &format!("call {which} {CALLS}")).iter().sum();
        let seconds = begin.elapsed().as_secs_f64();
        (Commands::of(server).lookups as f64 / calls as f64, calls as f64 / seconds)
    });
    let stampedes = ["alone", "by_process", "global"].map(|which| {
        let (mut computed, mut lookups, mut claims) = (0, 0, 0);
        for round in 0..STAMPEDES {
            Commands::reset(server);
            // A key that no process has seen.
            let key = processes as u64 * STAMPEDES + round;
            computed += order_all(&mut workers, &format!("stampede {which} {key}")).iter().sum::<u64>();
            let commands = Commands::of(server);
            (lookups, claims) = (lookups + commands.lookups, claims + commands.claims);
        }
        [computed, lookups, claims].map(|all| all as f64 / STAMPEDES as f64)
    });
    let hot = ["none", "nearly", "short"].map(|which| {
        Commands::reset(server);
        let calls: u64 = order_all(&mut workers, &format!("hot {which}")).iter().sum();
        [Commands::of(server).lookups, calls].map(|all| all as f64 / SPAN.as_secs_f64())
    });
    let late = ["changing", "notified"].map(|which| {
        let rounds = (0..STAMPEDES).map(|round| {
            let key = processes as u64 * STAMPEDES + round;
            let read = order_all(&mut workers, &format!("get {which} {key}"));
            assert!(read.iter().all(|is_changed| *is_changed == 0));
            let (first, others) = workers.split_first_mut().expect("there is at least one process");
            for worker in &mut *others {
                worker.order(&format!("wait {which} {key}"));
            }
            first.order(&format!("change {which} {key}"));
            let changed = first.report();
            let seen = others.iter_mut().map(Worker::report).max().unwrap_or(changed);
            seen.saturating_sub(changed) as f64 / 1e3
        });
        rounds.fold(0.0, f64::max)
    });
    // Without the connection of this process.
    let connections = number(server, "clients", "connected_clients:") - 1;
    Measured { processes, functions, stampedes, hot, late, connections }
}

fn results(server: &Server, processes: &[usize]) -> String {
    let all: Vec<_> = processes.iter().map(|processes| measured(server, *processes)).collect();
    let mut out = format!("{}; Redis and all processes run on it and connect by loopback.\n\n", machine());
    round_trips(&mut out, &all);
    stampedes(&mut out, &all);
    hot_keys(&mut out, &all);
    fan_out(&mut out, &all);
    memory(&mut out, server);
    out.trim_end().to_owned() + "\n"
}

/// Writes the head of a table, with a column for each number of processes.
fn head(out: &mut String, title: &str, all: &[Measured], extrapolated: bool) {
    let mut columns: Vec<_> = all.iter().map(|one| one.processes.to_string()).collect();
    if extrapolated {
        columns.push(format!("{EXTRAPOLATED}, extrapolated"));
    }
    _ = writeln!(out, "| {title} | {} |\n|---|{}", columns.join(" | "), "--:|".repeat(columns.len()));
}

fn row(out: &mut String, name: &str, cells: impl IntoIterator<Item = String>) {
    _ = writeln!(out, "| {name} | {} |", cells.into_iter().collect::<Vec<_>>().join(" | "));
}

fn round_trips(out: &mut String, all: &[Measured]) {
    _ = writeln!(out, "### Round trips\n");
    head(out, "round trips per call, by hit ratio of the L1 cache; processes:", all, true);
    for (at, (_, percent)) in FUNCTIONS.iter().enumerate() {
        let cells = all.iter().map(|one| format!("{:.3}", one.functions[at].0));
        let extrapolated = format!("{:.3}", f64::from(100 - percent) / 100.0);
        row(out, &format!("{percent} %"), cells.chain([extrapolated]));
    }
    _ = writeln!(out);
    head(out, "thousand calls per second, of all processes:", all, false);
    for (at, (_, percent)) in FUNCTIONS.iter().enumerate() {
        row(out, &format!("{percent} %"), all.iter().map(|one| format!("{:.0}", one.functions[at].1 / 1e3)));
    }
    _ = writeln!(out);
    head(out, "connections, with 4 threads each:", all, true);
    // One more connection receives the notifications of changes.
    let extrapolated = (EXTRAPOLATED * (THREADS + 1)).to_string();
    row(out, "at most", all.iter().map(|one| one.connections.to_string()).chain([extrapolated]));
}

fn stampedes(out: &mut String, all: &[Measured]) {
    let milliseconds = COMPUTATION.as_millis();
    _ = writeln!(
        out,
        "\n### Stampedes\n\nAll processes miss one key at once, each on {THREADS} threads; the computation \
         takes {milliseconds} ms.\n"
    );
    let kinds = ["`single_flight = false`", "`single_flight = true`", "`single_flight = global`"];
    let extrapolated = [(EXTRAPOLATED * THREADS).to_string(), EXTRAPOLATED.to_string(), "1".to_owned()];
    head(out, "computations; processes:", all, true);
    for (at, (kind, extrapolated)) in kinds.iter().zip(extrapolated).enumerate() {
        row(out, kind, all.iter().map(|one| format!("{:.1}", one.stampedes[at][0])).chain([extrapolated]));
    }
    _ = writeln!(out);
    head(out, "lookups and claims in Redis:", all, false);
    for (at, kind) in kinds.iter().enumerate() {
        let cells = all.iter().map(|one| {
            let [_, lookups, claims] = one.stampedes[at];
            if claims > 0.0 { format!("{lookups:.1} + {claims:.1}") } else { format!("{lookups:.1}") }
        });
        row(out, kind, cells);
    }
}

fn hot_keys(out: &mut String, all: &[Measured]) {
    _ = writeln!(out, "\n### Hot keys\n\nAll processes call with one key as fast as they can.\n");
    let short = SHORT.as_millis();
    let kinds = ["`maxsize = 0`", "an L1 cache", &format!("an L1 cache, `front_ttl` of {short} ms")];
    let per_second = 1.0 / SHORT.as_secs_f64();
    let extrapolated =
        ["as many as Redis can serve".to_owned(), "0".to_owned(), format!("{:.0}", 100.0 * per_second)];
    head(out, "lookups in Redis per second; processes:", all, true);
    for (at, (kind, extrapolated)) in kinds.iter().zip(extrapolated).enumerate() {
        row(out, kind, all.iter().map(|one| format!("{:.0}", one.hot[at][0])).chain([extrapolated]));
    }
    _ = writeln!(out);
    head(out, "million calls per second, of all processes:", all, false);
    for (at, kind) in kinds.iter().enumerate() {
        row(out, kind, all.iter().map(|one| format!("{:.2}", one.hot[at][1] / 1e6)));
    }
}

fn fan_out(out: &mut String, all: &[Measured]) {
    let short = SHORT.as_millis();
    _ = writeln!(
        out,
        "\n### Stale copies\n\nOne process puts another result; all others have the old one in their L1 cache.\n"
    );
    let several: Vec<_> = all.iter().filter(|one| one.processes > 1).collect();
    let columns: Vec<_> = several.iter().map(|one| one.processes.to_string()).collect();
    _ = writeln!(
        out,
        "| milliseconds until the last process returns it; processes: | {} | {EXTRAPOLATED}, extrapolated |\n|---|{}--:|",
        columns.join(" | "),
        "--:|".repeat(columns.len())
    );
    let cells = several.iter().map(|one| format!("{:.0}", one.late[0])).chain([format!("about {short}")]);
    row(out, &format!("`front_ttl` of {short} ms, no notifications"), cells);
    let cells = several.iter().map(|one| format!("{:.1}", one.late[1])).chain(["a round trip".into()]);
    row(out, "notified by Redis", cells);
}

/// Measures the memory of an entry in the server and in an L1 cache.
#[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
fn memory(out: &mut String, server: &Server) {
    _ = writeln!(out, "\n### Memory\n");
    let lengths = [10, 100, 1000];
    let mut worker = Worker::start(server);
    let weights: [_; 3] = array::from_fn(|at| {
        let before = number(server, "memory", "used_memory:");
        worker.order(&format!("in_server - {}", lengths[at]));
        worker.report();
        let in_server = (number(server, "memory", "used_memory:") - before) as f64 / SIZED as f64;
        // Another process, whose L1 cache is empty.
        let mut other = Worker::start(server);
        other.order(&format!("l1 - {}", lengths[at]));
        (in_server, other.report() as f64)
    });
    let columns = lengths.map(|length| format!("{length} bytes"));
    _ = writeln!(
        out,
        "| bytes per entry, by the size of its result: | {} |\n|---|--:|--:|--:|",
        columns.join(" | ")
    );
    row(out, "in Redis, once", weights.map(|(in_server, _)| format!("{in_server:.0}")));
    row(out, "in the L1 cache of each process", weights.map(|(_, in_l1)| format!("{in_l1:.0}")));
    let megabytes = |each: f64| format!("{:.0} MB", each * 1e4 * EXTRAPOLATED as f64 / 1e6);
    row(
        out,
        &format!("in all L1 caches, 10,000 entries, {EXTRAPOLATED} processes, extrapolated"),
        weights.map(|(_, in_l1)| megabytes(in_l1)),
    );
}
