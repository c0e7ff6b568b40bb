//! Random graphs of functions that call each other, while their sources change: no stale result is ever returned.
//!
//! A value carries the version of each source that it was computed from. When the invalidation for a version has returned,
//! each call that begins later must return a value of that version or a later one.
//!
//! `TAG_GRAPH_CALLS` is the number of calls, without those of functions among themselves.

use std::collections::{BTreeMap, VecDeque};
use std::env;
use std::fmt::Write;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;

use parking_lot::Mutex;

use super::cache::{Cache, Settings, yield_now};
use crate::key::hash::{STEP, mixed};
use crate::tags::current::DomainHandle;
use crate::tags::frame::{Frame, depends_on};
use crate::tags::invalidation::invalidate;
use crate::tags::node::DEEPEST;
use crate::tags::tag::{Tag, tag};

const SOURCES: usize = 24;
const KEYS: u64 = 8;
const THREADS: u64 = 4;

/// A pseudorandom generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0) % bound
    }

    fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).expect("it is less than the bound")
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

/// The least version of each source that a value was computed from.
type Versions = BTreeMap<usize, u64>;

#[derive(Clone, Debug, Default)]
struct Value {
    versions: Arc<Versions>,
    /// The sources with tags that the function itself read.
    tagged: Vec<usize>,
}

/// A function and a key.
type Call = (usize, u64);

#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
struct Function {
    cache: Cache<Value>,
    /// What it reads and calls, for each key.
    sources: Vec<Vec<usize>>,
    calls: Vec<Vec<Call>>,
    /// What it reads if a version is odd.
    odd_sources: Vec<usize>,
    odd_call: Option<Call>,
    is_leaf: bool,
    is_recursive: bool,
    /// Whether it panics for even keys, with its value.
    panics: bool,
    /// Whether it names its tags by [`depends_on`].
    depends_on_tags: bool,
}

struct World {
    functions: Vec<Function>,
    versions: Vec<AtomicU64>,
    /// The version of which the invalidation has returned.
    invalidated: Vec<AtomicU64>,
    changes: Vec<Mutex<()>>,
    /// The calls that read a source.
    readers: Vec<Vec<Call>>,
    calls: AtomicU64,
    inner_calls: AtomicU64,
    updates: AtomicU64,
    has_failed: AtomicBool,
    failure: Mutex<String>,
}

fn has_tag(source: usize) -> bool {
    source % 2 == 0
}

fn tags_of(value: &Value) -> Vec<Tag> {
    value.tagged.iter().map(|source| tag("source", source)).collect()
}

fn function(number: usize, count: usize, deepest: u32, random: &mut Random) -> Function {
    let is_leaf = number < count / 3;
    let source = |random: &mut Random| random.index(SOURCES);
    let call = |random: &mut Random| (random.index(number), random.below(KEYS));
    let (mut sources, mut calls) = (Vec::new(), Vec::new());
    for _ in 0..KEYS {
        let (of_sources, of_calls) =
            if is_leaf { (1 + random.below(2), 0) } else { (random.below(2), 1 + random.below(3)) };
        sources.push((0..of_sources).map(|_| source(random)).collect());
        calls.push((0..of_calls).map(|_| call(random)).collect());
    }
    let panics = is_leaf && random.one_in(8);
    let depends_on_tags = is_leaf && random.one_in(4);
    let is_plain = panics || depends_on_tags;
    let keeps_some = !is_plain && random.one_in(6);
    // The tags of a failure are not known; those by `depends_on` need a frame.
    let frame = if !is_leaf || depends_on_tags || random.one_in(2) { Frame::Own } else { Frame::Caller };
    let settings = Settings {
        tags: tags_of,
        keep: if keeps_some { |key| key % 3 != 0 } else { |_| true },
        maxsize: if is_plain { 100 } else { [3, 6, 100, 100][random.index(4)] },
        single_flight: random.one_in(2),
        frame,
        deepest,
    };
    Function {
        cache: Cache::new(settings),
        sources,
        calls,
        odd_sources: (0..KEYS).map(|_| source(random)).collect(),
        odd_call: (!is_leaf && random.one_in(3)).then(|| call(random)),
        is_leaf,
        is_recursive: !is_leaf && random.one_in(4),
        panics,
        depends_on_tags,
    }
}

fn atomics() -> Vec<AtomicU64> {
    (0..SOURCES).map(|_| AtomicU64::new(1)).collect()
}

impl World {
    fn new(seed: u64) -> &'static Self {
        let mut random = Random(mixed(seed));
        let count = 10 + random.index(41);
        // Some worlds with chains that are too long.
        let deepest = if seed % 3 == 0 { 2 } else { DEEPEST };
        let functions: Vec<_> =
            (0..count).map(|number| function(number, count, deepest, &mut random)).collect();
        let mut readers = vec![Vec::new(); SOURCES];
        for (number, function) in functions.iter().enumerate() {
            for (key, sources) in (0..).zip(&function.sources) {
                let odd = function.is_leaf.then(|| &function.odd_sources[index(key)]);
                for &source in sources.iter().chain(odd) {
                    if !readers[source].contains(&(number, key)) {
                        readers[source].push((number, key));
                    }
                }
            }
        }
        // Leaked: tasks refer to it from any thread.
        Box::leak(Box::new(Self {
            functions,
            versions: atomics(),
            invalidated: atomics(),
            changes: (0..SOURCES).map(|_| Mutex::default()).collect(),
            readers,
            calls: AtomicU64::new(0),
            inner_calls: AtomicU64::new(0),
            updates: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
            failure: Mutex::default(),
        }))
    }

    fn snapshot(&self) -> Vec<u64> {
        self.inner_calls.fetch_add(1, Relaxed);
        self.invalidated.iter().map(|version| version.load(SeqCst)).collect()
    }

    fn check(&self, (number, key): Call, value: &Value, invalidated: &[u64]) {
        for (&source, &version) in value.versions.iter() {
            if version < invalidated[source] && !self.has_failed.swap(true, SeqCst) {
                let mut failure = self.failure.lock();
                _ = write!(
                    failure,
                    "function {number} of {key} returned source {source} of version {version}, "
                );
                _ = write!(failure, "and {} was invalidated", invalidated[source]);
            }
        }
    }

    /// Changes a source, and invalidates what was computed from it.
    fn update(&self, random: &mut Random) {
        let source = random.index(SOURCES);
        let _change = self.changes[source].lock();
        let version = self.versions[source].fetch_add(1, SeqCst) + 1;
        if has_tag(source) {
            invalidate(tag("source", source as u64));
        } else {
            for &(number, key) in &self.readers[source] {
                let function = &self.functions[number];
                let reads_only_it = function.is_leaf
                    && function.sources[index(key)] == [source]
                    && function.odd_sources[index(key)] == source;
                if reads_only_it && !function.panics && random.one_in(2) {
                    let versions = Arc::new(Versions::from([(source, version)]));
                    function.cache.put(key, Value { versions, tagged: Vec::new() });
                } else if random.one_in(6) {
                    function.cache.clear();
                } else {
                    function.cache.invalidate(key);
                }
            }
        }
        self.invalidated[source].fetch_max(version, SeqCst);
        self.updates.fetch_add(1, Relaxed);
    }
}

fn index(key: u64) -> usize {
    usize::try_from(key).expect("keys are small")
}

/// A body that runs: what it has read so far.
struct Body {
    world: &'static World,
    function: &'static Function,
    key: u64,
    versions: Versions,
    tagged: Vec<usize>,
}

impl Body {
    fn new(world: &'static World, (number, key): Call) -> Self {
        let function = &world.functions[number];
        Self { world, function, key, versions: Versions::new(), tagged: Vec::new() }
    }

    fn note(&mut self, source: usize, version: u64) {
        let least = self.versions.entry(source).or_insert(version);
        *least = version.min(*least);
    }

    fn merge(&mut self, value: &Value) {
        for (&source, &version) in value.versions.iter() {
            self.note(source, version);
        }
    }

    fn read(&mut self, source: usize) {
        let version = self.world.versions[source].load(SeqCst);
        self.note(source, version);
        if !has_tag(source) {
            return;
        }
        if self.function.depends_on_tags {
            depends_on(tag("source", source));
        } else {
            self.tagged.push(source);
        }
    }

    fn is_odd(&self) -> bool {
        self.versions.values().any(|version| version % 2 == 1)
    }

    fn read_sources(&mut self) {
        for &source in &self.function.sources[index(self.key)] {
            self.read(source);
        }
    }

    fn read_odd_source(&mut self) {
        if self.function.is_leaf && self.is_odd() {
            self.read(self.function.odd_sources[index(self.key)]);
        }
    }

    fn calls(&self) -> &'static [Call] {
        &self.function.calls[index(self.key)]
    }

    fn panics(&self, (number, _): Call) -> bool {
        self.world.functions[number].panics
    }

    fn odd_call(&self) -> Option<Call> {
        self.function.odd_call.filter(|&call| self.is_odd() && !self.panics(call))
    }

    fn recursive_call(&self, (number, key): Call) -> Option<Call> {
        (self.function.is_recursive && key > 0).then(|| (number, key - 1))
    }

    fn value(self) -> Value {
        Value { versions: Arc::new(self.versions), tagged: self.tagged }
    }
}

fn call(world: &'static World, of: Call) -> Value {
    let invalidated = world.snapshot();
    let value = world.functions[of.0].cache.call(of.1, || body(world, of));
    world.check(of, &value, &invalidated);
    value
}

fn body(world: &'static World, of: Call) -> Value {
    let mut body = Body::new(world, of);
    body.read_sources();
    body.read_odd_source();
    if of.1 % 4 == 1 {
        thread::yield_now();
    }
    for &inner in body.calls() {
        if !body.panics(inner) {
            body.merge(&call(world, inner));
        } else if inner.1 % 2 == 0 {
            // A caller that uses what a panic carries.
            match catch_unwind(AssertUnwindSafe(|| call(world, inner))) {
                Ok(value) => body.merge(&value),
                Err(payload) => body.merge(payload.downcast_ref().expect("it carries a value")),
            }
        }
    }
    for inner in body.odd_call().into_iter().chain(body.recursive_call(of)) {
        body.merge(&call(world, inner));
    }
    let panics = body.function.panics && of.1 % 2 == 0;
    let value = body.value();
    if panics {
        resume_unwind(Box::new(value));
    }
    value
}

type Task = Pin<Box<dyn Future<Output = Value> + Send>>;

fn call_async(world: &'static World, of: Call) -> Task {
    Box::pin(async move {
        let invalidated = world.snapshot();
        let value = world.functions[of.0].cache.call_async(of.1, move || body_async(world, of)).await;
        world.check(of, &value, &invalidated);
        value
    })
}

/// Polls tasks side by side.
struct Join(Vec<(Task, Option<Value>)>);

impl Future for Join {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut is_ready = true;
        for (task, value) in &mut self.0 {
            if value.is_none() {
                match task.as_mut().poll(context) {
                    Poll::Ready(done) => *value = Some(done),
                    Poll::Pending => is_ready = false,
                }
            }
        }
        if is_ready { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn body_async(world: &'static World, of: Call) -> Task {
    Box::pin(async move {
        let mut body = Body::new(world, of);
        if of.1 % 2 == 0 {
            yield_now().await;
        }
        body.read_sources();
        yield_now().await;
        body.read_odd_source();
        let inner = body.calls().iter().filter(|&&inner| !body.panics(inner));
        let tasks: Vec<_> = inner.map(|&inner| (call_async(world, inner), None)).collect();
        if of.1 % 3 == 0 {
            let mut join = Join(tasks);
            (&mut join).await;
            for value in join.0.into_iter().filter_map(|(_, value)| value) {
                body.merge(&value);
            }
        } else {
            for (task, _) in tasks {
                body.merge(&task.await);
                if of.1 % 3 == 1 {
                    yield_now().await;
                }
            }
        }
        for inner in body.odd_call().into_iter().chain(body.recursive_call(of)) {
            body.merge(&call_async(world, inner).await);
        }
        body.value()
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flavor {
    Sync,
    Async,
}

/// Takes a task from the queue, or begins one, and polls it a few times. Some tasks are cancelled.
fn poll_some(world: &'static World, tasks: &Mutex<VecDeque<Task>>, call: Call, random: &mut Random) {
    let (next, length) = {
        let mut tasks = tasks.lock();
        (tasks.pop_front(), tasks.len())
    };
    let mut task = match next {
        Some(task) if length > 8 || random.one_in(2) => task,
        next => {
            tasks.lock().extend(next);
            world.calls.fetch_add(1, Relaxed);
            call_async(world, call)
        }
    };
    if random.one_in(300) {
        return;
    }
    let context = &mut Context::from_waker(Waker::noop());
    for _ in 0..=random.below(4) {
        if task.as_mut().poll(context).is_ready() {
            return;
        }
    }
    tasks.lock().push_back(task);
}

fn drive(world: &'static World, domain: &DomainHandle, calls: u64, flavor: Flavor, seed: u64) {
    let between_updates = [60, 20, 200][usize::try_from(seed % 3).expect("it is small")]
        * if flavor == Flavor::Sync { 1 } else { 8 };
    let tasks = Mutex::new(VecDeque::new());
    let tasks = &tasks;
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let _entered = domain.enter();
                let mut random = Random(mixed(seed * THREADS + thread));
                while world.calls.load(Relaxed) < calls && !world.has_failed.load(Relaxed) {
                    if random.one_in(between_updates) {
                        world.update(&mut random);
                        continue;
                    }
                    let number = random.index(world.functions.len());
                    if random.one_in(400) {
                        world.functions[number].cache.sweep();
                    }
                    let of = (number, random.below(KEYS));
                    if world.functions[number].panics {
                        continue;
                    }
                    if flavor == Flavor::Async {
                        poll_some(world, tasks, of, &mut random);
                    } else {
                        world.calls.fetch_add(1, Relaxed);
                        call(world, of);
                    }
                }
            });
        }
    });
    let _entered = domain.enter();
    tasks.lock().clear();
}

#[test]
fn no_stale_result_is_returned() {
    let wanted =
        env::var("TAG_GRAPH_CALLS").map_or(100_000, |calls| calls.parse().expect("a number of calls"));
    let (mut calls, mut inner_calls, mut hits, mut updates, mut refused, mut forgotten) = (0, 0, 0, 0, 0, 0);
    for seed in 1.. {
        if calls >= wanted {
            break;
        }
        // A small table: most tags are forgotten.
        let domain = DomainHandle::isolated();
        assert!(domain.set_capacity(if seed % 2 == 0 { 48 } else { 12_288 }));
        let flavor = if seed % 4 < 2 { Flavor::Sync } else { Flavor::Async };
        let world = World::new(seed);
        drive(world, &domain, 5000, flavor, seed);
        assert!(!world.has_failed.load(SeqCst), "{}, seed {seed}", world.failure.lock());
        calls += world.calls.load(SeqCst);
        inner_calls += world.inner_calls.load(SeqCst);
        updates += world.updates.load(SeqCst);
        forgotten += domain.counts().forgotten;
        for function in &world.functions {
            hits += function.cache.hits.load(SeqCst);
            refused += function.cache.refused.load(SeqCst);
            function.cache.clear();
        }
    }
    println!(
        "{calls} calls, {inner_calls} with those of functions, {hits} hits, {updates} updates, {refused} refused flights, {forgotten} forgotten tags"
    );
    assert!(hits > calls && updates > 0 && refused > 0 && forgotten > 0, "all of it is tried");
}
