//! What does a result from a backend cost, compared with the bare client, and a hit in the L1 cache in front
//! of a backend, compared with a cache without one?
//!
//! The contestants take turns within one run, on servers started by the bench. Writes `BACKENDS.md`; without
//! cargo's `--bench` it runs everything once. `cached` is measured in a process of its own, named by the
//! variable `CACHED_REDIS`, since it needs a later client than ours.

#![allow(clippy::unused_async, reason = "the call is what must be async")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, OnceLock};
use std::{env, fs};

use benches::{CALLS, Contestant, ENTRIES, contest, draws, each, machine, text, verdict};
use functools::backend::redis_client::{self, aio::MultiplexedConnection};
use functools::backend::{Backend, disk, memcached, redis};
use functools::lru_cache;
use redb::{Database, ReadableDatabase, TableDefinition};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

#[path = "../tests/servers/server.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod server;

use server::{REDIS, Server, limit};

/// Runs one thread, as Redis does, so that all contestants have the same conditions on the same core or not.
static MEMCACHED: LazyLock<Server> = LazyLock::new(|| Server::memcached(&["-t", "1"]));

/// The length of a result in bytes.
const LENGTH: usize = 100;

/// The number of round trips in a batch.
const TRIPS: usize = 128;

/// The number of tasks that call at the same time, and the calls of each in a batch.
const TASKS: u64 = 64;
const CALLS_OF_TASK: u64 = 16;

/// The least throughput of calls from [`TASKS`] tasks, in multiples of that of the bare client.
const THROUGHPUT: f64 = 0.8;

/// The maximum time in microseconds that a store on disk takes in the call.
const STORE: f64 = 50.0;

/// The number of keys in one `get_many`.
const MANY: u64 = 100;

/// The maximum time in microseconds that a call answered by a backend adds to the bare client.
const ADDED: f64 = 20.0;

/// The maximum time of a hit in the process, in multiples of a hit without a backend.
const L1: f64 = 1.1;

const REDIS_GET: &str = "Redis, bare: `GET`";
const REDIS_BOTH: &str = "Redis, bare: `GET` and `PTTL`, one pipeline";
const REDIS_HIT: &str = "Redis, `#[lru_cache]`";
const REDIS_CACHED: &str = "Redis, `cached`'s `#[concurrent_cached]`";
const REDIS_ASYNC_GET: &str = "Redis, async, bare: `GET`";
const REDIS_ASYNC_BOTH: &str = "Redis, async, bare: `GET` and `PTTL`, one pipeline";
const REDIS_ASYNC_LEASE: &str = "Redis, async, bare: `SET … NX GET PX`";
const REDIS_ASYNC_HIT: &str = "Redis, async, `#[lru_cache]`";
const REDIS_ASYNC_CACHED: &str = "Redis, async, `cached`'s `#[concurrent_cached]`";
const MEMCACHED_GET: &str = "Memcached, bare: `mg`";
const MEMCACHED_HIT: &str = "Memcached, `#[lru_cache]`";
const MEMCACHED_ASYNC_GET: &str = "Memcached, async, bare: `mg`";
const MEMCACHED_ASYNC_HIT: &str = "Memcached, async, `#[lru_cache]`";
const DISK_GET: &str = "disk, bare: a read of `redb`";
const DISK_HIT: &str = "disk, `#[lru_cache]`";

/// The contestants, each with the bare client that it is compared with, in the order of the table.
const PAIRS: &[(&str, &str)] = &[
    (REDIS_GET, REDIS_GET),
    (REDIS_BOTH, REDIS_GET),
    (REDIS_HIT, REDIS_GET),
    (REDIS_CACHED, REDIS_GET),
    (REDIS_ASYNC_GET, REDIS_ASYNC_GET),
    (REDIS_ASYNC_BOTH, REDIS_ASYNC_GET),
    (REDIS_ASYNC_HIT, REDIS_ASYNC_GET),
    (REDIS_ASYNC_CACHED, REDIS_ASYNC_GET),
    (MEMCACHED_GET, MEMCACHED_GET),
    (MEMCACHED_HIT, MEMCACHED_GET),
    (MEMCACHED_ASYNC_GET, MEMCACHED_ASYNC_GET),
    (MEMCACHED_ASYNC_HIT, MEMCACHED_ASYNC_GET),
    (DISK_GET, DISK_GET),
    (DISK_HIT, DISK_GET),
];

/// The contestants that add at most [`ADDED`].
const BARRED: &[&str] = &[REDIS_HIT, REDIS_ASYNC_HIT, MEMCACHED_HIT, MEMCACHED_ASYNC_HIT, DISK_HIT];

const REDIS_ONES: &str = "Redis, 100 times `get`";
const REDIS_MANY: &str = "Redis, `get_many` of 100";
const MEMCACHED_ONES: &str = "Memcached, 100 times `get`";
const MEMCACHED_MANY: &str = "Memcached, `get_many` of 100";
const DISK_SET: &str = "disk, `set`";
const DISK_ONES: &str = "disk, 100 times `get`";
const DISK_MANY: &str = "disk, `get_many` of 100";

const MEMORY: &str = "hit, bounded 128, no backend";
const L1_HIT: &str = "hit in the L1 cache, bounded 128, `redis`";
const L1_TTL: &str = "hit in the L1 cache, bounded 128, `redis`, `front_ttl`";
const MEMORY_TTL: &str = "hit, bounded 128, no backend, `ttl`";

/// A table of the bare `redb`.
const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("bare");

static FOLDER: LazyLock<PathBuf> =
    LazyLock::new(|| env::temp_dir().join(format!("functools-backends-{}", std::process::id())));

#[lru_cache(maxsize = 0, ttl = 3600, backend = redis(REDIS.url()))]
fn in_redis(n: u64) -> String {
    text(n, LENGTH)
}

#[lru_cache(maxsize = 0, ttl = 3600, backend = redis(REDIS.url()))]
async fn in_redis_async(n: u64) -> String {
    text(n, LENGTH)
}

#[lru_cache(maxsize = 0, ttl = 3600, backend = memcached(MEMCACHED.address()))]
fn in_memcached(n: u64) -> String {
    text(n, LENGTH)
}

#[lru_cache(maxsize = 0, ttl = 3600, backend = memcached(MEMCACHED.address()))]
async fn in_memcached_async(n: u64) -> String {
    text(n, LENGTH)
}

#[lru_cache(maxsize = 0, ttl = 3600, backend = disk(FOLDER.join("ours.redb")))]
fn on_disk(n: u64) -> String {
    text(n, LENGTH)
}

#[lru_cache(maxsize = 128)]
fn in_memory(n: u64) -> u64 {
    n.wrapping_mul(3)
}

#[lru_cache(maxsize = 128, ttl = 3600)]
fn in_memory_for_an_hour(n: u64) -> u64 {
    n.wrapping_mul(3)
}

#[lru_cache(maxsize = 128, backend = redis(REDIS.url()))]
fn in_l1(n: u64) -> u64 {
    n.wrapping_mul(3)
}

#[lru_cache(maxsize = 128, front_ttl = 3600, backend = redis(REDIS.url()))]
fn in_l1_for_an_hour(n: u64) -> u64 {
    n.wrapping_mul(3)
}

fn main() {
    let measured = env::args().any(|argument| argument == "--bench");
    let rounds = |rounds| if measured { rounds } else { 1 };
    let guard = limit();
    fs::create_dir_all(&*FOLDER).expect("a temporary directory can be created");
    let trips = trips(rounds(150));
    let busy = busy(rounds(150));
    let stores = stores(rounds(150));
    let many = many(rounds(100));
    let l1 = l1(rounds(3000));
    let results = format!(
        "# Cost of a result from a backend\n\nWritten by `cargo xtask bench backends`. {}.\n\n{trips}\n{busy}\n{stores}\n{many}\n{l1}",
        machine()
    );
    println!("{results}");
    if measured {
        fs::write("BACKENDS.md", results).expect("cargo runs benches in their package's folder");
    }
    _ = fs::remove_dir_all(&*FOLDER);
    drop(guard);
}

/// Measures one key per call, answered by the backends.
fn trips(rounds: usize) -> String {
    let draws: Vec<u64> = draws().into_iter().take(TRIPS).collect();
    let mut blocking = client().get_connection().expect("Redis answers");
    let mut by_hand = ByHand::open();
    let file = bare_file();
    for n in 0..ENTRIES {
        let () = redis_client::cmd("SET")
            .arg(bare(n))
            .arg(text(n, LENGTH))
            .arg("EX")
            .arg(3600)
            .query(&mut blocking)
            .unwrap();
        by_hand.put(n);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connected = runtime.block_on(async { client().get_multiplexed_async_connection().await.unwrap() });
    let mut stream =
        runtime.block_on(async { tokio::net::TcpStream::connect(MEMCACHED.address()).await.unwrap() });
    stream.set_nodelay(true).unwrap();
    let mut pair = connected.clone();
    let (mut cached, mut cached_async) = (CachedProcess::start("sync"), CachedProcess::start("async"));

    let mut both = client().get_connection().expect("Redis answers");
    let mut contestants = vec![
        Contestant::new(REDIS_GET, || {
            each(&draws, |n| redis_client::cmd("GET").arg(bare(*n)).query::<String>(&mut blocking).unwrap());
        }),
        Contestant::new(REDIS_BOTH, || {
            each(&draws, |n| get_and_pttl(*n).query::<(String, i64)>(&mut both).unwrap());
        }),
        Contestant::new(REDIS_HIT, || each(draws.iter().copied(), in_redis)),
        Contestant::new(REDIS_ASYNC_GET, || {
            runtime.block_on(async {
                for n in &draws {
                    let mut connection = connected.clone();
                    let mut get = redis_client::cmd("GET");
                    black_box(get.arg(bare(*n)).query_async::<String>(&mut connection).await.unwrap());
                }
            });
        }),
        Contestant::new(REDIS_ASYNC_BOTH, || both_awaited(&runtime, &draws, &mut pair)),
        Contestant::new(REDIS_ASYNC_HIT, || {
            runtime.block_on(async {
                for n in &draws {
                    black_box(in_redis_async(black_box(*n)).await);
                }
            });
        }),
        Contestant::new(MEMCACHED_GET, || each(&draws, |n| by_hand.get(*n))),
        Contestant::new(MEMCACHED_HIT, || each(draws.iter().copied(), in_memcached)),
        Contestant::new(MEMCACHED_ASYNC_GET, || {
            runtime.block_on(async {
                let mut bytes = vec![0; 4096];
                for n in &draws {
                    stream.write_all(format!("mg {} v\r\n", bare(*n)).as_bytes()).await.unwrap();
                    let mut read = 0;
                    while !is_whole(&bytes[..read]) {
                        read += stream.read(&mut bytes[read..]).await.unwrap();
                    }
                    black_box(String::from_utf8_lossy(&bytes[..read]).into_owned());
                }
            });
        }),
        Contestant::new(MEMCACHED_ASYNC_HIT, || {
            runtime.block_on(async {
                for n in &draws {
                    black_box(in_memcached_async(black_box(*n)).await);
                }
            });
        }),
        Contestant::new(DISK_GET, || {
            each(&draws, |n| {
                let table = file.begin_read().unwrap().open_table(TABLE).unwrap();
                let value = table.get(bare(*n).as_bytes()).unwrap().unwrap().value().to_vec();
                String::from_utf8(value).unwrap()
            });
        }),
        Contestant::new(DISK_HIT, || each(draws.iter().copied(), on_disk)),
    ];
    contestants.extend(cached.iter_mut().map(|one| Contestant::new(REDIS_CACHED, || one.calls())));
    contestants
        .extend(cached_async.iter_mut().map(|one| Contestant::new(REDIS_ASYNC_CACHED, || one.calls())));
    let mut contestants: Vec<_> = contestants.into_iter().map(|one| one.of(TRIPS)).collect();

    contest(&mut contestants, 1); // fills the backends
    let misses = misses();
    contest(&mut contestants, rounds);
    assert_eq!(misses, self::misses(), "all calls after the first are answered by the backend");
    table_of_trips(&contestants, rounds)
}

/// Returns the misses of the functions without an L1 cache.
fn misses() -> u64 {
    let (blocking, awaited) = (in_redis::cache_info(), in_redis_async::cache_info());
    let (others, file) = (in_memcached::cache_info(), on_disk::cache_info());
    blocking.misses + awaited.misses + others.misses + in_memcached_async::cache_info().misses + file.misses
}

fn table_of_trips(contestants: &[Contestant<'_>], rounds: usize) -> String {
    let find = |name: &str| contestants.iter().find(|one| one.name == name);
    let median = |name: &str| find(name).map_or(f64::NAN, |one| one.median() / 1e3);
    let mut out = format!(
        "One key per call, {LENGTH} bytes, `maxsize = 0`: each call asks the backend. Microseconds; the contestants take turns, \
         in {rounds} rounds of {TRIPS} calls, on loopback. \
         On an idle virtual machine, waking the other core takes most of a median; compare the best rounds then.\n\n\
         | | median | best round | × bare | added |\n|---|--:|--:|--:|--:|\n"
    );
    for (name, bare) in PAIRS {
        let Some(one) = find(name) else { continue };
        let (own, base) = (one.median() / 1e3, median(bare));
        let best = one.nanoseconds() / 1e3;
        _ = writeln!(out, "| {name} | {own:.1} | {best:.1} | {:.2} | {:.1} |", own / base, own - base);
    }
    out += "\n| bar | measured | |\n|---|--:|---|\n";
    for name in BARRED {
        let bare = PAIRS.iter().find(|(one, _)| one == name).map_or("", |(_, bare)| bare);
        let added = ((median(name) - median(bare)) * 10.0).round() / 10.0;
        let verdict = verdict(added <= ADDED);
        _ = writeln!(out, "| {name} adds ≤ {ADDED} µs to {bare} | {added:.1} | {verdict} |");
    }
    if find(REDIS_CACHED).is_none() {
        out += "\nThe program that calls `cached` could not be built, so it is missing here.\n";
    }
    out
}

/// Measures calls of many tasks of one thread, which share a connection.
fn busy(rounds: usize) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connected = runtime.block_on(async { client().get_multiplexed_async_connection().await.unwrap() });
    let connection = || connected.clone();
    let mut contestants = [
        Contestant::new(REDIS_ASYNC_GET, || {
            all_tasks(&runtime, |n| {
                let mut connection = connection();
                async move {
                    redis_client::cmd("GET")
                        .arg(bare(n))
                        .query_async::<String>(&mut connection)
                        .await
                        .unwrap()
                }
            });
        }),
        Contestant::new(REDIS_ASYNC_BOTH, || {
            all_tasks(&runtime, |n| {
                let mut connection = connection();
                async move { get_and_pttl(n).query_async::<(String, i64)>(&mut connection).await.unwrap().0 }
            });
        }),
        Contestant::new(REDIS_ASYNC_LEASE, || {
            all_tasks(&runtime, |n| {
                let mut connection = connection();
                async move {
                    let mut set = redis_client::cmd("SET");
                    set.arg(bare(n)).arg("lease").arg("NX").arg("GET").arg("PX").arg(1000);
                    set.query_async::<String>(&mut connection).await.unwrap()
                }
            });
        }),
        Contestant::new(REDIS_ASYNC_HIT, || all_tasks(&runtime, in_redis_async)),
    ]
    .map(|one| one.of(CALLS));
    contest(&mut contestants, 1);
    contest(&mut contestants, rounds);
    let bare = contestants[0].median();
    let mut out = format!(
        "Calls of {TASKS} tasks of one thread, over one connection: throughput.\n\n\
         | | calls per ms | × bare |\n|---|--:|--:|\n"
    );
    for one in &contestants {
        _ = writeln!(out, "| {} | {:.0} | {:.2} |", one.name, 1e6 / one.median(), bare / one.median());
    }
    let ratio = (100.0 * bare / contestants[3].median()).round() / 100.0;
    _ = write!(
        out,
        "\n| bar | measured | |\n|---|--:|---|\n\
         | {REDIS_ASYNC_HIT}, {TASKS} tasks: ≥ {THROUGHPUT} × the throughput of {REDIS_ASYNC_GET} | {ratio:.2} | {} |\n",
        verdict(ratio >= THROUGHPUT)
    );
    out
}

/// Calls a function from [`TASKS`] tasks, with [`CALLS`] calls in all.
fn all_tasks<F: Future<Output = String> + Send + 'static>(runtime: &Runtime, call: impl Fn(u64) -> F) {
    runtime.block_on(async {
        let calls = |task| {
            let calls: Vec<_> = (0..CALLS_OF_TASK).map(|n| call((2 * task + n % 2) % ENTRIES)).collect();
            async move {
                for call in calls {
                    black_box(call.await);
                }
            }
        };
        let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(calls(task))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// Measures what storing a result on disk takes in the call. A thread of the backend writes the file.
fn stores(rounds: usize) -> String {
    let backend = disk(FOLDER.join("stores.redb"));
    let (keys, value) = (draws(), text(7, LENGTH));
    let mut contestants = [Contestant::new(DISK_SET, || {
        each(keys.iter().take(TRIPS), |n| {
            backend.set("stores", &n.to_le_bytes(), value.as_bytes(), None).expect("the disk is not full");
        });
    })
    .of(TRIPS)];
    contest(&mut contestants, 1);
    contest(&mut contestants, rounds);
    let median = (contestants[0].median() / 100.0).round() / 10.0;
    format!(
        "A store on disk. Microseconds in the call, {LENGTH} bytes.\n\n\
         | bar | measured | |\n|---|--:|---|\n\
         | {DISK_SET} ≤ {STORE} µs | {median} | {} |\n",
        verdict(median <= STORE)
    )
}

/// Measures a hundred keys, one after the other and in one `get_many`.
fn many(rounds: usize) -> String {
    let (one, two, three) =
        (redis(REDIS.url()), memcached(MEMCACHED.address()), disk(FOLDER.join("many.redb")));
    let numbers: Vec<[u8; 8]> = (0..MANY).map(u64::to_le_bytes).collect();
    let keys: Vec<&[u8]> = numbers.iter().map(|key| &key[..]).collect();
    let backends: [(&dyn Backend, _, _); 3] = [
        (&one, REDIS_ONES, REDIS_MANY),
        (&two, MEMCACHED_ONES, MEMCACHED_MANY),
        (&three, DISK_ONES, DISK_MANY),
    ];
    let mut contestants = Vec::new();
    for (backend, ones, many) in &backends {
        for key in &keys {
            backend.set("many", key, text(7, LENGTH).as_bytes(), None).expect("the backend stores the entry");
        }
        contestants.push(Contestant::new(ones, || {
            each(&keys, |key| backend.get("many", key).unwrap().unwrap());
        }));
        contestants.push(Contestant::new(many, || {
            let found = backend.get_many("many", black_box(&keys)).unwrap();
            assert!(black_box(found).iter().all(Option::is_some));
        }));
    }
    let mut contestants: Vec<_> = contestants.into_iter().map(|one| one.of(1)).collect();
    contest(&mut contestants, 1);
    contest(&mut contestants, rounds);
    let mut out = String::from(
        "Many keys in one `get_many`, with one round trip. Median of the microseconds for all keys.\n\n\
         | | one by one | `get_many` | × |\n|---|--:|--:|--:|\n",
    );
    for pair in contestants.chunks(2) {
        let (ones, many) = (pair[0].median() / 1e3, pair[1].median() / 1e3);
        let name = pair[1].name.split(',').next().unwrap_or_default();
        _ = writeln!(out, "| {name}, {MANY} keys | {ones:.0} | {many:.0} | {:.2} |", many / ones);
    }
    out
}

/// Measures a hit in the process, with and without a backend.
fn l1(rounds: usize) -> String {
    let draws = draws();
    let mut contestants = [
        Contestant::new(MEMORY, || each(draws.iter().copied(), in_memory)),
        Contestant::new(L1_HIT, || each(draws.iter().copied(), in_l1)),
        Contestant::new(MEMORY_TTL, || each(draws.iter().copied(), in_memory_for_an_hour)),
        Contestant::new(L1_TTL, || each(draws.iter().copied(), in_l1_for_an_hour)),
    ];
    contest(&mut contestants, 1); // fills the caches
    contest(&mut contestants, rounds);
    let times = contestants.each_ref().map(Contestant::nanoseconds);
    let mut out = format!(
        "A hit in the process. Nanoseconds in the best of {rounds} rounds of {CALLS} calls.\n\n\
         | | ns |\n|---|--:|\n"
    );
    for (one, time) in contestants.iter().zip(times) {
        _ = writeln!(out, "| {} | {time:.2} |", one.name);
    }
    out += "\n| bar | measured | |\n|---|--:|---|\n";
    for (l1, plain) in [(1, 0), (3, 2)] {
        let ratio = (100.0 * times[l1] / times[plain]).round() / 100.0;
        let (l1, plain) = (contestants[l1].name, contestants[plain].name);
        _ = writeln!(out, "| {l1} ≤ {L1} × {plain} | {ratio:.2} | {} |", verdict(ratio <= L1));
    }
    out
}

fn client() -> redis_client::Client {
    redis_client::Client::open(REDIS.url()).expect("the URL is valid")
}

/// The key that the bare clients use for `n`.
fn bare(n: u64) -> String {
    format!("bare:a_key_as_long_as_that_of_a_function:{n}")
}

fn get_and_pttl(n: u64) -> redis_client::Pipeline {
    let mut commands = redis_client::pipe();
    commands.cmd("GET").arg(bare(n)).cmd("PTTL").arg(bare(n));
    commands
}

fn both_awaited(runtime: &Runtime, draws: &[u64], connection: &mut MultiplexedConnection) {
    runtime.block_on(async {
        for n in draws {
            black_box(get_and_pttl(*n).query_async::<(String, i64)>(connection).await.unwrap());
        }
    });
}

fn bare_file() -> Database {
    let file = Database::create(FOLDER.join("bare.redb")).expect("the file can be created");
    let transaction = file.begin_write().unwrap();
    {
        let mut table = transaction.open_table(TABLE).unwrap();
        for n in 0..ENTRIES {
            table.insert(bare(n).as_bytes(), text(n, LENGTH).as_bytes()).unwrap();
        }
    }
    transaction.commit().unwrap();
    file
}

/// A minimal client of Memcached.
struct ByHand(TcpStream);

impl ByHand {
    fn open() -> Self {
        let stream = TcpStream::connect(MEMCACHED.address()).expect("Memcached answers");
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    fn put(&mut self, n: u64) {
        let key = bare(n);
        self.0.write_all(format!("ms {key} {LENGTH}\r\n{}\r\n", text(n, LENGTH)).as_bytes()).unwrap();
        let mut answer = [0; 4];
        self.0.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HD\r\n");
    }

    fn get(&mut self, n: u64) -> String {
        self.0.write_all(format!("mg {} v\r\n", bare(n)).as_bytes()).unwrap();
        let (mut bytes, mut read) = ([0; 4096], 0);
        while !is_whole(&bytes[..read]) {
            read += self.0.read(&mut bytes[read..]).unwrap();
        }
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    }
}

/// Returns whether the answer is complete: `VA`, the length, and the value.
fn is_whole(answer: &[u8]) -> bool {
    answer.iter().position(|byte| *byte == b'\n').is_some_and(|end| answer.len() == end + 1 + LENGTH + 2)
}

/// A process that makes a batch of calls for each line it reads.
struct CachedProcess {
    child: Child,
    orders: ChildStdin,
    reports: BufReader<ChildStdout>,
}

impl CachedProcess {
    /// Starts the program that calls `cached`, if there is one.
    fn start(kind: &str) -> Option<Self> {
        static PROGRAM: OnceLock<Option<String>> = OnceLock::new();
        let program = PROGRAM.get_or_init(|| env::var("CACHED_REDIS").ok()).as_ref()?;
        let mut child = Command::new(program)
            .args([kind, &TRIPS.to_string(), &LENGTH.to_string()])
            .env("CACHED_REDIS_CONNECTION_STRING", REDIS.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`CACHED_REDIS` names a program");
        let orders = child.stdin.take().expect("stdin is piped");
        let reports = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Some(Self { child, orders, reports })
    }

    /// Makes a batch of calls, large enough that the cost of the pipe is negligible.
    fn calls(&mut self) {
        self.orders.write_all(b"\n").expect("the program reads its orders");
        let mut report = String::new();
        self.reports.read_line(&mut report).expect("the program reports");
        assert_eq!(report, "done\n");
    }
}

impl Drop for CachedProcess {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
