//! Functions in a random graph, their sources, and values that know of which versions they were computed.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

use parking_lot::Mutex;

use super::{KEYS, Random, SOURCES};
use crate::function::tagged::invalidation::invalidate;
use crate::key::hash::mixed;
use crate::tags::frame::Frame;
use crate::tags::node::DEEPEST;
use crate::tags::tag::{Tag, tag};
use crate::tags::tests::cache::{Cache, Settings};

/// The least version of each source that a value was computed from.
pub(super) type Versions = BTreeMap<usize, u64>;

#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    pub(super) versions: Arc<Versions>,
    /// The sources with tags that the function itself read.
    pub(super) tagged: Vec<usize>,
}

/// A function and a key.
pub(super) type Call = (usize, u64);

#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub(super) struct Function {
    pub(super) cache: Cache<Value>,
    /// What it reads and calls, for each key.
    pub(super) sources: Vec<Vec<usize>>,
    pub(super) calls: Vec<Vec<Call>>,
    /// What it reads if a version is odd.
    pub(super) odd_sources: Vec<usize>,
    pub(super) odd_call: Option<Call>,
    pub(super) is_leaf: bool,
    pub(super) is_recursive: bool,
    /// Whether it panics for even keys, with its value.
    pub(super) panics: bool,
    /// Whether it names its tags by [`depends_on`].
    pub(super) depends_on_tags: bool,
}

pub(super) struct World {
    pub(super) functions: Vec<Function>,
    pub(super) versions: Vec<AtomicU64>,
    /// The version of which the invalidation has returned.
    pub(super) invalidated: Vec<AtomicU64>,
    pub(super) changes: Vec<Mutex<()>>,
    /// The calls that read a source.
    pub(super) readers: Vec<Vec<Call>>,
    pub(super) calls: AtomicU64,
    pub(super) inner_calls: AtomicU64,
    pub(super) updates: AtomicU64,
    pub(super) has_failed: AtomicBool,
    pub(super) failure: Mutex<String>,
}

pub(super) fn has_tag(source: usize) -> bool {
    source % 2 == 0
}

pub(super) fn tags_of(value: &Value) -> Vec<Tag> {
    value.tagged.iter().map(|source| tag("source", source)).collect()
}

pub(super) fn function(number: usize, count: usize, deepest: u32, random: &mut Random) -> Function {
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

pub(super) fn atomics() -> Vec<AtomicU64> {
    (0..SOURCES).map(|_| AtomicU64::new(1)).collect()
}

impl World {
    pub(super) fn new(seed: u64) -> &'static Self {
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

    pub(super) fn snapshot(&self) -> Vec<u64> {
        self.inner_calls.fetch_add(1, Relaxed);
        self.invalidated.iter().map(|version| version.load(SeqCst)).collect()
    }

    pub(super) fn check(&self, (number, key): Call, value: &Value, invalidated: &[u64]) {
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
    pub(super) fn update(&self, random: &mut Random) {
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

pub(super) fn index(key: u64) -> usize {
    usize::try_from(key).expect("keys are small")
}
