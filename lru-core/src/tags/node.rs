//! [`Node`]: what a result was computed from.

use core::fmt;
use core::mem;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
#[cfg(feature = "backend")]
use std::sync::OnceLock;

use crate::tags::current::{Beginning, DomainHandle};
use crate::tags::domain::{AtomicGeneration, Generation};
#[cfg(feature = "backend")]
use crate::tags::outside::Noted;
use crate::tags::tag::TagId;

/// The longest chain of dependencies. A longer one would keep the nodes of entries that were evicted long ago.
pub(super) const DEEPEST: u32 = 4096;

/// What a result was computed from: its tags, and the nodes of the results that were read, as far as the result read them
/// itself.
///
/// An entry has a node, and so have the results that were computed from it. A node outlives the entry: if that is evicted,
/// they stay valid; if it is computed anew, there is a new node. It is created after the nodes it depends on, so there
/// are no cycles.
///
/// A node takes 72 bytes with its counts (without the features `testing` and `backend`), 8 for each tag and 8 for each
/// dependency; with `backend` 16 more, and 24 for each tag that its result notes in a backend.
///
/// Invariant: a node that is valid at a generation has no tag, nor a dependency with a tag, that was invalidated from
/// its beginning up to that generation.
pub(crate) struct Node {
    /// The last generation at which the node is known to be valid; [`Generation::NEVER`] if it was invalidated.
    valid_at: AtomicGeneration,
    tags: Box<[TagId]>,
    dependencies: Box<[Arc<Node>]>,
    /// The length of the longest chain of dependencies.
    depth: u32,
    completeness: Completeness,
    /// Whether the node was found invalid because of what it depends on.
    lost_dependency: AtomicBool,
    domain: DomainHandle,
    /// When the result should no longer be used; see [`Node::deadline`].
    deadline: AtomicU64,
    /// The tags of the result and of all it was computed from, as a backend has them; unset if it is in none.
    #[cfg(feature = "backend")]
    #[expect(clippy::box_collection, reason = "most nodes have none")]
    noted: OnceLock<Box<Vec<Noted>>>,
}

/// Why a result is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalidity {
    /// A tag of its own was invalidated.
    Own,
    /// A result that it was computed from is invalid, or may be, as its tags are unknown.
    Dependency,
}

/// Whether all is known that a result depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Completeness {
    #[default]
    Complete,
    /// The node is valid only until anything at all is invalidated.
    Incomplete,
}

impl Node {
    /// Creates the node of a result. `tags` includes that of its entry and that of its cache.
    pub(super) fn new(
        beginning: Beginning,
        tags: Vec<TagId>,
        dependencies: Vec<Arc<Self>>,
        completeness: Completeness,
    ) -> Arc<Self> {
        Self::with_depth(DEEPEST, beginning, tags, dependencies, completeness)
    }

    /// Returns the bytes of a node in an `Arc`, with its lists.
    pub(crate) fn shared_bytes(&self) -> usize {
        let lists = size_of_val(&*self.tags) + size_of_val(&*self.dependencies);
        2 * size_of::<usize>() + size_of::<Self>() + lists
    }

    /// Creates a node. If a chain of dependencies were longer than `deepest`, the node is incomplete instead.
    pub(super) fn with_depth(
        deepest: u32,
        beginning: Beginning,
        mut tags: Vec<TagId>,
        mut dependencies: Vec<Arc<Self>>,
        mut completeness: Completeness,
    ) -> Arc<Self> {
        let Beginning { domain, generation } = beginning;
        // What was read may have begun earlier, and be invalid by now.
        let valid_at =
            dependencies.iter().map(|node| node.valid_in(&domain, generation)).fold(generation, Ord::min);
        let deadline = dependencies.iter().map(|node| node.deadline()).min().unwrap_or(u64::MAX);
        let mut depth = dependencies.iter().map(|node| node.depth + 1).max().unwrap_or(0);
        if depth > deepest {
            completeness = Completeness::Incomplete;
        }
        if completeness == Completeness::Incomplete {
            // Any invalidation is one of it.
            tags = Vec::new();
            dependencies = Vec::new();
            depth = 0;
        }
        Arc::new(Self {
            valid_at: AtomicGeneration::new(valid_at),
            tags: tags.into_boxed_slice(),
            dependencies: dependencies.into_boxed_slice(),
            depth,
            completeness,
            lost_dependency: AtomicBool::new(valid_at == Generation::NEVER),
            domain,
            deadline: AtomicU64::new(deadline),
            #[cfg(feature = "backend")]
            noted: OnceLock::new(),
        })
    }

    /// Returns when the time to live of the result ends, in ticks of the system's monotonic clock; `u64::MAX` if never, or if
    /// that is unknown. For a result that has none of its own, it is the first deadline of those that it was computed from.
    pub(crate) fn deadline(&self) -> u64 {
        self.deadline.load(Relaxed)
    }

    /// Sets when the time to live of the result itself ends, before the call returns: no other result depends on it yet.
    pub(crate) fn set_deadline(&self, deadline: u64) {
        self.deadline.store(deadline, Relaxed);
    }

    /// Returns whether all tags of the node are known.
    pub(super) fn is_complete(&self) -> bool {
        self.completeness == Completeness::Complete
    }

    /// Notes what a backend has for the tags of the result, and of all it was computed from.
    #[cfg(feature = "backend")]
    pub(crate) fn note(&self, noted: Vec<Noted>) {
        _ = self.noted.set(Box::new(noted));
    }

    /// Returns what backends have for the tags of all results that were read; `None` if not all is known, or not all of them
    /// can be invalidated by other processes.
    #[cfg(feature = "backend")]
    pub(crate) fn read_outside(&self) -> Option<impl Iterator<Item = Noted> + '_> {
        let is_known = self.completeness == Completeness::Complete
            && self.dependencies.iter().all(|node| node.noted.get().is_some());
        let noted = self.dependencies.iter().filter_map(|node| node.noted.get());
        is_known.then(|| noted.flat_map(|noted| noted.iter().copied()))
    }

    /// Returns the last generation of `domain` at which the node is known to be valid; for a node of another domain `generation`,
    /// if it is valid at all.
    fn valid_in(self: &Arc<Self>, domain: &DomainHandle, generation: Generation) -> Generation {
        if self.domain.is(domain) {
            self.valid_at.load()
        } else {
            self.check().map_or(Generation::NEVER, |_| generation)
        }
    }

    /// Returns the last generation at which the node is known to be valid.
    #[cfg(test)]
    pub(super) fn valid_at(&self) -> Generation {
        self.valid_at.load()
    }

    /// Checks whether the node is valid now, and returns a generation of its domain at which it is: what an entry is to
    /// store. `None` if it was invalidated, which never changes again.
    ///
    /// It visits each node once per generation, without recursion.
    pub(crate) fn check(self: &Arc<Self>) -> Option<Generation> {
        // Before the tags are read: they may be invalidated meanwhile.
        let now = self.domain.now();
        let valid_at = self.valid_at.load();
        if valid_at.covers(now) {
            return Some(valid_at);
        }
        self.check_at(now).then_some(now)
    }

    /// Returns why the node is invalid, after [`check`](Self::check) has found that.
    pub(crate) fn invalidity(&self) -> Invalidity {
        let is_own = !self.lost_dependency.load(Relaxed) && self.is_complete();
        if is_own { Invalidity::Own } else { Invalidity::Dependency }
    }

    fn check_at(self: &Arc<Self>, now: Generation) -> bool {
        if !self.has_valid_tags() {
            self.valid_at.store(Generation::NEVER);
            return false;
        }
        // The nodes from here to the one that is checked, each with the next of its dependencies.
        let mut path = vec![(self, now, 0)];
        while let Some((node, now, next)) = path.last_mut() {
            let (node, now) = (*node, *now);
            let Some(dependency) = node.dependencies.get(*next) else {
                node.valid_at.store(now);
                path.pop();
                continue;
            };
            *next += 1;
            let now = if dependency.domain.is(&node.domain) { now } else { dependency.domain.now() };
            if dependency.valid_at.load().covers(now) {
                continue;
            }
            if !dependency.has_valid_tags() {
                dependency.valid_at.store(Generation::NEVER);
                for (node, ..) in path {
                    node.lost_dependency.store(true, Relaxed);
                    node.valid_at.store(Generation::NEVER);
                }
                return false;
            }
            path.push((dependency, now, 0));
        }
        true
    }

    /// Returns whether no tag of the node itself was invalidated since it was last known to be valid.
    fn has_valid_tags(&self) -> bool {
        let valid_at = self.valid_at.load();
        valid_at != Generation::NEVER
            && self.is_complete()
            && !self.tags.iter().any(|&tag| self.domain.is_invalidated(tag, valid_at))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.dependencies.is_empty() {
            return;
        }
        // A long chain must not be dropped by recursion.
        let mut nodes = mem::take(&mut self.dependencies).into_vec();
        while let Some(node) = nodes.pop() {
            if let Some(mut node) = Arc::into_inner(node) {
                nodes.append(&mut mem::take(&mut node.dependencies).into_vec());
            }
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the dependencies of dependencies: a chain may be long.
        f.debug_struct("Node")
            .field("valid_at", &self.valid_at)
            .field("tags", &self.tags)
            .field("dependencies", &self.dependencies.len())
            .field("completeness", &self.completeness)
            .finish_non_exhaustive()
    }
}
