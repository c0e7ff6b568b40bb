//! Sources of data, their versions, and values that know of which versions they were computed.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use functools::{Tag, invalidate, tag};

use super::Random;
use super::functions::{KEYED, KEYS, change_keyed, invalidate_tag_in_each, reads};

pub(super) const SOURCES: usize = 12;

static VERSIONS: [AtomicU64; SOURCES] = [const { AtomicU64::new(1) }; SOURCES];
/// The versions of which the invalidation has returned.
static INVALIDATED: [AtomicU64; SOURCES] = [const { AtomicU64::new(0) }; SOURCES];
static CHANGES: [Mutex<()>; SOURCES] = [const { Mutex::new(()) }; SOURCES];
static HAS_FAILED: AtomicBool = AtomicBool::new(false);
static FAILURE: Mutex<String> = Mutex::new(String::new());

/// The least version of each source that a value was computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    least: [u64; SOURCES],
    /// The sources with tags that the function itself read.
    tagged: Vec<usize>,
}

impl Value {
    pub(super) fn new() -> Self {
        Self { least: [u64::MAX; SOURCES], tagged: Vec::new() }
    }

    /// Reads a source. `names` is whether the tag is made of the value.
    pub(super) fn read(&mut self, source: usize) {
        self.least[source] = self.least[source].min(VERSIONS[source].load(SeqCst));
        if has_tag(source) {
            self.tagged.push(source);
        }
    }

    /// Takes over what another value was computed from.
    pub(super) fn merge(&mut self, other: &Self) {
        for (least, of_other) in self.least.iter_mut().zip(other.least) {
            *least = of_other.min(*least);
        }
    }

    pub(super) fn is_odd(&self) -> bool {
        self.least.iter().any(|version| *version != u64::MAX && version % 2 == 1)
    }

    /// Returns the tags of what the function itself has read.
    pub(super) fn tags(&self) -> Vec<Tag> {
        self.tagged.iter().map(|source| tag("graph", source)).collect()
    }
}

/// Whether a source is invalidated by its tag, or by the keys of what reads it.
pub(super) fn has_tag(source: usize) -> bool {
    source < SOURCES / 2
}

pub(super) fn has_failed() -> bool {
    HAS_FAILED.load(SeqCst)
}

pub(super) fn failure() -> String {
    FAILURE.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// What was invalidated when a call began.
pub(super) struct Snapshot([u64; SOURCES]);

impl Snapshot {
    pub(super) fn take() -> Self {
        Self(std::array::from_fn(|source| INVALIDATED[source].load(SeqCst)))
    }

    /// Checks the value that the call has returned.
    pub(super) fn check(&self, function: &str, key: u32, value: &Value) {
        for (source, (version, invalidated)) in value.least.iter().zip(self.0).enumerate() {
            if *version < invalidated && !HAS_FAILED.swap(true, SeqCst) {
                let mut failure = FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
                _ = write!(failure, "{function}({key}) returned version {version} of source {source}, ");
                _ = write!(failure, "and {invalidated} was invalidated");
            }
        }
    }
}

/// Changes a source, and invalidates what was computed from it.
pub(super) fn update(random: &mut Random) {
    let source = usize::try_from(random.next()).unwrap_or(0) % SOURCES;
    let _change = CHANGES[source].lock().unwrap_or_else(PoisonError::into_inner);
    let version = VERSIONS[source].fetch_add(1, SeqCst) + 1;
    if has_tag(source) {
        if random.one_in(4) {
            invalidate_tag_in_each(tag("graph", source));
        } else {
            invalidate(tag("graph", source));
        }
    } else {
        for function in KEYED {
            for key in (0..KEYS).filter(|key| reads(function, *key).contains(&source)) {
                let value = Value {
                    least: std::array::from_fn(|other| if other == source { version } else { u64::MAX }),
                    tagged: Vec::new(),
                };
                let reads_only_it = reads(function, key).iter().all(|other| *other == source);
                change_keyed(function, key, reads_only_it.then_some(value), random);
            }
        }
    }
    INVALIDATED[source].fetch_max(version, SeqCst);
}
