//! How do several processes on one Redis behave: round trips, stampedes, hot keys, copies that are late,
//! memory?
//!
//! The processes are this program, started again, and do what they are told by a line each. Redis itself
//! counts what it is asked. Writes the tables of `docs/processes.md`; without cargo's `--bench` it only tries
//! everything once, with few.

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
#[allow(dead_code, reason = "the tests use the rest of it")]
mod server;

use server::{Server, limit};

/// Where the tables stand.
const PAGE: &str = "../docs/processes.md";
const BEGIN: &str = "<!-- what follows is written by `cargo xtask bench processes` -->\n";
const END: &str = "<!-- what precedes is written by `cargo xtask bench processes` -->\n";

/// How many processes there are, and how many are reckoned with.
const PROCESSES: &[usize] = &[1, 2, 4, 8, 16];
const RECKONED: usize = 100;

/// How many keys there are, of which the front has room for a share.
const KEYS: u64 = 1000;
const FRONTS: [(&str, u32); 4] = [("none", 0), ("half", 50), ("most", 90), ("nearly", 99)];

/// How many calls a process makes of each kind, once its front is full.
const CALLS: u64 = 4000;

/// How many threads of each process ask for what nobody has.
const THREADS: usize = 4;

/// How often.
const STAMPEDES: u64 = 5;

/// What a computation takes that is worth sharing.
const COMPUTATION: Duration = Duration::from_millis(20);

/// For how long all ask for one key.
const SPAN: Duration = Duration::from_millis(500);

/// How long a front keeps what is hot, or may be late.
const SHORT: Duration = Duration::from_millis(50);

/// How many entries are weighed.
const WEIGHED: u64 = 10_000;

/// Tells a child where the server is.
const PLACE: &str = "PROCESSES_REDIS";

/// One for all functions, so that they share its connections.
static STORE: LazyLock<Redis> =
    LazyLock::new(|| redis(env::var(PLACE).expect("a child is told where Redis is")));

/// How many computations this process has made of those that are worth sharing.
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

/// A front that hears nothing, so that its `front_ttl` is the bound.
#[lru_cache(ttl = 3600, front_ttl = SHORT, backend = Untold(&STORE))]
fn changing(_key: u64) -> bool {
    false
}

/// One that Redis tells of changes.
#[lru_cache(ttl = 3600, backend = &*STORE)]
fn told(_key: u64) -> bool {
    false
}

/// Redis as a server without client tracking has it.
struct Untold(&'static Redis);

impl Backend for Untold {
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
fn weighed(n: u64, length: usize) -> String {
    text(n, length)
}

fn main() {
    if env::var(PLACE).is_ok() {
        return obey();
    }
    let measured = env::args().any(|argument| argument == "--bench");
    let guard = limit();
    let server = Server::redis(&[]);
    let results = results(&server, if measured { PROCESSES } else { &PROCESSES[..2] });
    println!("{results}");
    if measured {
        let page = fs::read_to_string(PAGE).expect("cargo runs benches in their package's folder");
        let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the tables");
        let (_, after) = rest.split_once(END).expect("it ends somewhere");
        fs::write(PAGE, format!("{before}{BEGIN}\n{results}\n{END}{after}")).expect("it can be written");
    }
    drop(guard);
}

/// What a child does until nobody tells it any more.
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
            "look" => u64::from(changes(which)(number)),
            "change" => change(which, number),
            "wait" => wait(which, number),
            "front" => front(number),
            "weigh" => weigh(number),
            _ => panic!("nobody knows what `{order}` is"),
        };
        println!("{report}");
    }
}

/// Puts everything there that is called for later.
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

/// Calls with all keys once, so that the front is full.
fn fill(which: &str) -> u64 {
    each(0..KEYS, function(which));
    0
}

/// Calls with keys that chance draws.
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

/// Asks for one key by all threads at once; how many of them computed?
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

/// Asks for one key for a while; how often?
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
    if which == "told" { told } else { changing }
}

/// Changes a value; when was it done?
fn change(which: &str, key: u64) -> u64 {
    let put = if which == "told" { told::cache_put } else { changing::cache_put };
    put(key, true).expect("Redis is there");
    microseconds()
}

/// Waits until it is seen that a value has changed; when was that?
fn wait(which: &str, key: u64) -> u64 {
    while !changes(which)(key) {
        thread::sleep(Duration::from_micros(500));
    }
    microseconds()
}

/// Of the process, since 1970.
fn microseconds() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// What is stored to be weighed in the server.
fn weigh(length: u64) -> u64 {
    let length = usize::try_from(length).unwrap_or(0);
    each(0..WEIGHED, |n| weighed(n, length));
    0
}

/// What the same entries weigh in this process.
fn front(length: u64) -> u64 {
    let length = usize::try_from(length).unwrap_or(0);
    black_box(weighed(WEIGHED, length)); // connects
    let bytes = measure(|| each(0..WEIGHED, |n| weighed(n, length))).bytes_current;
    u64::try_from(bytes).unwrap_or(0) / WEIGHED
}

/// A process that does what it is told.
struct Worker {
    child: Child,
    orders: ChildStdin,
    reports: BufReader<ChildStdout>,
}

impl Worker {
    fn start(server: &Server) -> Self {
        let program = env::current_exe().expect("it runs");
        let mut child = Command::new(program)
            .env(PLACE, server.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started again");
        let (orders, reports) = (child.stdin.take(), child.stdout.take());
        let reports = BufReader::new(reports.expect("it is piped"));
        Self { child, orders: orders.expect("it is piped"), reports }
    }

    fn tell(&mut self, order: &str) {
        writeln!(self.orders, "{order}").expect("it listens");
    }

    fn report(&mut self) -> u64 {
        let mut report = String::new();
        self.reports.read_line(&mut report).expect("it reports");
        report.trim().parse().expect("it reports a number")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// All do it at once.
fn tell_all(workers: &mut [Worker], order: &str) -> Vec<u64> {
    for worker in &mut *workers {
        worker.tell(order);
    }
    workers.iter_mut().map(Worker::report).collect()
}

/// How often Redis was asked for something since it was last told to forget that.
#[derive(Clone, Copy, Default)]
struct Asked {
    /// Each look at a key ends with a question of how long it has.
    looks: u64,
    claims: u64,
}

impl Asked {
    fn forget(server: &Server) {
        assert_eq!(server.says("CONFIG RESETSTAT\r\n", "\r\n"), "+OK\r\n");
    }

    fn of(server: &Server) -> Self {
        let calls = |command| number(server, "commandstats", &format!("cmdstat_{command}:calls="));
        Self { looks: calls("pttl"), claims: calls("eval") }
    }
}

/// A number that the server tells of itself, zero if it does not.
fn number(server: &Server, section: &str, name: &str) -> u64 {
    let told = server.says(&format!("INFO {section}\r\nPING\r\n"), "+PONG\r\n");
    let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
    told.lines().find_map(|line| digits(line.strip_prefix(name)?).parse().ok()).unwrap_or(0)
}

/// What was measured with so many processes.
struct Measured {
    processes: usize,
    /// For each front, round trips per call, and calls a second of all.
    fronts: [(f64, f64); FRONTS.len()],
    /// For each kind, computations, looks and claims of one stampede.
    stampedes: [[f64; 3]; 3],
    /// Looks and calls a second.
    hot: [[f64; 2]; 3],
    /// The latest that anybody saw a change, in milliseconds: who waits for `front_ttl`, and who is told.
    late: [f64; 2],
    connections: u64,
}

#[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
fn measured(server: &Server, processes: usize) -> Measured {
    let mut workers: Vec<_> = (0..processes).map(|_| Worker::start(server)).collect();
    workers[0].tell("store");
    workers[0].report();

    let fronts = FRONTS.map(|(which, _)| {
        tell_all(&mut workers, &format!("fill {which}"));
        Asked::forget(server);
        let begin = Instant::now();
        let calls: u64 = tell_all(&mut workers, &format!("call {which} {CALLS}")).iter().sum();
        let seconds = begin.elapsed().as_secs_f64();
        (Asked::of(server).looks as f64 / calls as f64, calls as f64 / seconds)
    });
    let stampedes = ["alone", "by_process", "global"].map(|which| {
        let (mut computed, mut looks, mut claims) = (0, 0, 0);
        for round in 0..STAMPEDES {
            Asked::forget(server);
            // A key that no process has seen.
            let key = processes as u64 * STAMPEDES + round;
            computed += tell_all(&mut workers, &format!("stampede {which} {key}")).iter().sum::<u64>();
            let asked = Asked::of(server);
            (looks, claims) = (looks + asked.looks, claims + asked.claims);
        }
        [computed, looks, claims].map(|all| all as f64 / STAMPEDES as f64)
    });
    let hot = ["none", "nearly", "short"].map(|which| {
        Asked::forget(server);
        let calls: u64 = tell_all(&mut workers, &format!("hot {which}")).iter().sum();
        [Asked::of(server).looks, calls].map(|all| all as f64 / SPAN.as_secs_f64())
    });
    let late = ["changing", "told"].map(|which| {
        let rounds = (0..STAMPEDES).map(|round| {
            let key = processes as u64 * STAMPEDES + round;
            let looked = tell_all(&mut workers, &format!("look {which} {key}"));
            assert!(looked.iter().all(|is_changed| *is_changed == 0));
            let (first, others) = workers.split_first_mut().expect("there is one at least");
            for worker in &mut *others {
                worker.tell(&format!("wait {which} {key}"));
            }
            first.tell(&format!("change {which} {key}"));
            let changed = first.report();
            let seen = others.iter_mut().map(Worker::report).max().unwrap_or(changed);
            seen.saturating_sub(changed) as f64 / 1e3
        });
        rounds.fold(0.0, f64::max)
    });
    // Without the one that asks.
    let connections = number(server, "clients", "connected_clients:") - 1;
    Measured { processes, fronts, stampedes, hot, late, connections }
}

fn results(server: &Server, processes: &[usize]) -> String {
    let all: Vec<_> = processes.iter().map(|processes| measured(server, *processes)).collect();
    let mut out = format!("{}; Redis and all processes on it, by loopback.\n\n", machine());
    round_trips(&mut out, &all);
    stampedes(&mut out, &all);
    hot_keys(&mut out, &all);
    fan_out(&mut out, &all);
    memory(&mut out, server);
    out.trim_end().to_owned() + "\n"
}

/// The beginning of a table, with a column for each number of processes.
fn head(out: &mut String, title: &str, all: &[Measured], reckoned: bool) {
    let mut columns: Vec<_> = all.iter().map(|one| one.processes.to_string()).collect();
    if reckoned {
        columns.push(format!("{RECKONED}, reckoned"));
    }
    _ = writeln!(out, "| {title} | {} |\n|---|{}", columns.join(" | "), "--:|".repeat(columns.len()));
}

fn row(out: &mut String, name: &str, cells: impl IntoIterator<Item = String>) {
    _ = writeln!(out, "| {name} | {} |", cells.into_iter().collect::<Vec<_>>().join(" | "));
}

fn round_trips(out: &mut String, all: &[Measured]) {
    _ = writeln!(out, "### Round trips\n");
    head(out, "round trips per call, by hit ratio of the front; processes:", all, true);
    for (at, (_, percent)) in FRONTS.iter().enumerate() {
        let cells = all.iter().map(|one| format!("{:.3}", one.fronts[at].0));
        let reckoned = format!("{:.3}", f64::from(100 - percent) / 100.0);
        row(out, &format!("{percent} %"), cells.chain([reckoned]));
    }
    _ = writeln!(out);
    head(out, "thousand calls a second, of all processes:", all, false);
    for (at, (_, percent)) in FRONTS.iter().enumerate() {
        row(out, &format!("{percent} %"), all.iter().map(|one| format!("{:.0}", one.fronts[at].1 / 1e3)));
    }
    _ = writeln!(out);
    head(out, "connections, with 4 threads each:", all, true);
    // One more listens to what is told of changes.
    let reckoned = (RECKONED * (THREADS + 1)).to_string();
    row(out, "at most", all.iter().map(|one| one.connections.to_string()).chain([reckoned]));
}

fn stampedes(out: &mut String, all: &[Measured]) {
    let milliseconds = COMPUTATION.as_millis();
    _ = writeln!(
        out,
        "\n### Stampedes\n\nAll processes miss one key at once, each by {THREADS} threads; it takes {milliseconds} ms \
         to compute.\n"
    );
    let kinds = ["`single_flight = false`", "`single_flight = true`", "`single_flight = global`"];
    let reckoned = [(RECKONED * THREADS).to_string(), RECKONED.to_string(), "1".to_owned()];
    head(out, "computations; processes:", all, true);
    for (at, (kind, reckoned)) in kinds.iter().zip(reckoned).enumerate() {
        row(out, kind, all.iter().map(|one| format!("{:.1}", one.stampedes[at][0])).chain([reckoned]));
    }
    _ = writeln!(out);
    head(out, "looks and claims in Redis:", all, false);
    for (at, kind) in kinds.iter().enumerate() {
        let cells = all.iter().map(|one| {
            let [_, looks, claims] = one.stampedes[at];
            if claims > 0.0 { format!("{looks:.1} + {claims:.1}") } else { format!("{looks:.1}") }
        });
        row(out, kind, cells);
    }
}

fn hot_keys(out: &mut String, all: &[Measured]) {
    _ = writeln!(out, "\n### Hot keys\n\nAll processes ask for one key as fast as they can.\n");
    let short = SHORT.as_millis();
    let kinds = ["`maxsize = 0`", "a front", &format!("a front, `front_ttl` of {short} ms")];
    let per_second = 1.0 / SHORT.as_secs_f64();
    let reckoned = ["as many as it takes".to_owned(), "0".to_owned(), format!("{:.0}", 100.0 * per_second)];
    head(out, "looks in Redis a second; processes:", all, true);
    for (at, (kind, reckoned)) in kinds.iter().zip(reckoned).enumerate() {
        row(out, kind, all.iter().map(|one| format!("{:.0}", one.hot[at][0])).chain([reckoned]));
    }
    _ = writeln!(out);
    head(out, "million calls a second, of all processes:", all, false);
    for (at, kind) in kinds.iter().enumerate() {
        row(out, kind, all.iter().map(|one| format!("{:.2}", one.hot[at][1] / 1e6)));
    }
}

fn fan_out(out: &mut String, all: &[Measured]) {
    let short = SHORT.as_millis();
    _ = writeln!(
        out,
        "\n### Late copies\n\nOne process puts another result; all others have the old one in front.\n"
    );
    let several: Vec<_> = all.iter().filter(|one| one.processes > 1).collect();
    let columns: Vec<_> = several.iter().map(|one| one.processes.to_string()).collect();
    _ = writeln!(
        out,
        "| the last one sees it after, in ms; processes: | {} | {RECKONED}, reckoned |\n|---|{}--:|",
        columns.join(" | "),
        "--:|".repeat(columns.len())
    );
    let cells = several.iter().map(|one| format!("{:.0}", one.late[0])).chain([format!("about {short}")]);
    row(out, &format!("`front_ttl` of {short} ms, untold"), cells);
    let cells = several.iter().map(|one| format!("{:.1}", one.late[1])).chain(["a round trip".into()]);
    row(out, "told by Redis", cells);
}

/// What entries weigh, in the server and in a front.
#[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
fn memory(out: &mut String, server: &Server) {
    _ = writeln!(out, "\n### Memory\n");
    let lengths = [10, 100, 1000];
    let mut worker = Worker::start(server);
    let weights: [_; 3] = array::from_fn(|at| {
        let before = number(server, "memory", "used_memory:");
        worker.tell(&format!("weigh - {}", lengths[at]));
        worker.report();
        let in_server = (number(server, "memory", "used_memory:") - before) as f64 / WEIGHED as f64;
        // Another process, whose front is empty.
        let mut other = Worker::start(server);
        other.tell(&format!("front - {}", lengths[at]));
        (in_server, other.report() as f64)
    });
    let columns = lengths.map(|length| format!("{length} bytes"));
    _ = writeln!(
        out,
        "| bytes an entry, by those of its result: | {} |\n|---|--:|--:|--:|",
        columns.join(" | ")
    );
    row(out, "in Redis, once", weights.map(|(in_server, _)| format!("{in_server:.0}")));
    row(out, "in the front of each process", weights.map(|(_, in_front)| format!("{in_front:.0}")));
    let megabytes = |each: f64| format!("{:.0} MB", each * 1e4 * RECKONED as f64 / 1e6);
    row(
        out,
        &format!("in all fronts, 10,000 entries, {RECKONED} processes, reckoned"),
        weights.map(|(_, in_front)| megabytes(in_front)),
    );
}
