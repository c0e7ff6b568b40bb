//! A small cache that does with tags and dependencies what the engine does: by one lock, with single-flight, of any function.

use std::cell::Cell;
use std::collections::HashMap;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use parking_lot::{Condvar, Mutex};

use crate::key::KeyHash;
use crate::tags::current::{Beginning, DomainHandle};
use crate::tags::domain::Generation;
use crate::tags::frame::{Computation, Computed, Frame, computing, record};
use crate::tags::invalidate::invalidate_all;
use crate::tags::node::Node;
use crate::tags::tag::{Tag, TagId};

/// How a function is memoized.
pub(super) struct Settings<V> {
    pub(super) tags: fn(&V) -> Vec<Tag>,
    pub(super) keep: fn(u64) -> bool,
    pub(super) maxsize: usize,
    pub(super) single_flight: bool,
    pub(super) frame: Frame,
    /// The longest chain of dependencies.
    pub(super) deepest: u32,
}

struct Entry<V> {
    valid_at: Cell<Generation>,
    node: Arc<Node>,
    value: V,
}

struct Published<V> {
    node: Arc<Node>,
    value: V,
}

#[derive(Default)]
enum Landing<V> {
    #[default]
    Running,
    /// `None` after a panic.
    Done(Option<Arc<Published<V>>>),
}

struct Flight<V> {
    began: Generation,
    landing: Mutex<Landing<V>>,
    has_landed: Condvar,
}

impl<V> Flight<V> {
    fn land(&self, published: Option<Arc<Published<V>>>) {
        *self.landing.lock() = Landing::Done(published);
        self.has_landed.notify_all();
    }

    fn is_running(&self) -> bool {
        matches!(*self.landing.lock(), Landing::Running)
    }

    fn published(&self) -> Option<Arc<Published<V>>> {
        match &*self.landing.lock() {
            Landing::Running => None,
            Landing::Done(published) => published.clone(),
        }
    }
}

enum Lookup<V> {
    Hit(V),
    Wait(Arc<Flight<V>>),
    Lead(Option<Arc<Flight<V>>>),
}

pub(super) struct Cache<V> {
    settings: Settings<V>,
    number: u64,
    entries: Mutex<HashMap<u64, Entry<V>>>,
    flights: Mutex<HashMap<u64, Arc<Flight<V>>>>,
    pub(super) hits: AtomicU64,
    pub(super) refused: AtomicU64,
}

impl<V: Clone> Cache<V> {
    pub(super) fn new(settings: Settings<V>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        Self {
            settings,
            number: NUMBER.fetch_add(1, Relaxed),
            entries: Mutex::default(),
            flights: Mutex::default(),
            hits: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    fn tag_of(&self, key: u64) -> TagId {
        TagId::of_entry(self.number, KeyHash::of(&key))
    }

    fn hit(&self, key: u64) -> Option<V> {
        let generation = DomainHandle::current().now();
        let mut entries = self.entries.lock();
        let entry = entries.get(&key)?;
        if !entry.valid_at.get().covers(generation) {
            let Some(valid_at) = entry.node.check() else {
                let removed = entries.remove(&key);
                drop(entries);
                drop(removed);
                return None;
            };
            entry.valid_at.set(valid_at);
        }
        let value = entry.value.clone();
        record(&entry.node);
        self.hits.fetch_add(1, Relaxed);
        Some(value)
    }

    fn lookup(&self, key: u64) -> Lookup<V> {
        if let Some(value) = self.hit(key) {
            return Lookup::Hit(value);
        }
        if !self.settings.single_flight {
            return Lookup::Lead(None);
        }
        let mut flights = self.flights.lock();
        if let Some(flight) = flights.get(&key) {
            return Lookup::Wait(Arc::clone(flight));
        }
        let began = DomainHandle::current().now();
        let flight = Arc::new(Flight { began, landing: Mutex::default(), has_landed: Condvar::new() });
        flights.insert(key, Arc::clone(&flight));
        Lookup::Lead(Some(flight))
    }

    /// Takes over the result of a flight, if it began after the call, or if it is valid now.
    fn accept(&self, flight: &Flight<V>, published: &Published<V>, called: Generation) -> Option<V> {
        if !flight.began.covers(called) && published.node.check().is_none() {
            self.refused.fetch_add(1, Relaxed);
            return None;
        }
        record(&published.node);
        Some(published.value.clone())
    }

    fn finish(&self, key: u64, value: V, computed: Computed, mut lead: Leading<'_, V>) -> V {
        let own = [self.tag_of(key), TagId::of_cache(self.number)];
        let tags = (self.settings.tags)(&value).into_iter().map(TagId::from);
        let node = computed.into_node_with_depth(self.settings.deepest, own.into_iter().chain(tags));
        if (self.settings.keep)(key) {
            self.store(key, value.clone(), &node);
        }
        lead.land(Some(Arc::new(Published { node: Arc::clone(&node), value: value.clone() })));
        record(&node);
        value
    }

    fn store(&self, key: u64, value: V, node: &Arc<Node>) {
        let mut entries = self.entries.lock();
        let Some(valid_at) = node.check() else { return };
        if entries.get(&key).is_some_and(|entry| entry.node.check().is_some()) {
            return;
        }
        let mut removed = None;
        if entries.len() >= self.settings.maxsize && !entries.contains_key(&key) {
            let victim = entries.keys().next().copied();
            removed = victim.and_then(|victim| entries.remove(&victim));
        }
        let entry = Entry { valid_at: Cell::new(valid_at), node: Arc::clone(node), value };
        let replaced = entries.insert(key, entry);
        drop(entries);
        drop((removed, replaced));
    }

    pub(super) fn call(&self, key: u64, body: impl FnOnce() -> V) -> V {
        let called = DomainHandle::current().now();
        let lead = loop {
            match self.lookup(key) {
                Lookup::Hit(value) => return value,
                Lookup::Lead(flight) => break Leading { cache: self, key, flight },
                Lookup::Wait(flight) => {
                    let mut landing = flight.landing.lock();
                    while matches!(*landing, Landing::Running) {
                        flight.has_landed.wait(&mut landing);
                    }
                    drop(landing);
                    if let Some(value) = flight.published().and_then(|it| self.accept(&flight, &it, called)) {
                        return value;
                    }
                }
            }
        };
        let computation = Computation::begin(self.settings.frame);
        let value = body();
        self.finish(key, value, computation.end(), lead)
    }

    pub(super) async fn call_async<F: Future<Output = V>>(&self, key: u64, body: impl FnOnce() -> F) -> V {
        let called = DomainHandle::current().now();
        let lead = loop {
            match self.lookup(key) {
                Lookup::Hit(value) => return value,
                Lookup::Lead(flight) => break Leading { cache: self, key, flight },
                Lookup::Wait(flight) => {
                    while flight.is_running() {
                        yield_now().await;
                    }
                    if let Some(value) = flight.published().and_then(|it| self.accept(&flight, &it, called)) {
                        return value;
                    }
                }
            }
        };
        let (value, computed) = computing(self.settings.frame, pin!(body())).await;
        self.finish(key, value, computed, lead)
    }

    pub(super) fn invalidate(&self, key: u64) {
        let removed = self.entries.lock().remove(&key);
        invalidate_all(&[self.tag_of(key)]);
        drop(removed);
    }

    pub(super) fn clear(&self) {
        let removed = mem::take(&mut *self.entries.lock());
        invalidate_all(&[TagId::of_cache(self.number)]);
        drop(removed);
    }

    /// Stores what the function would compute from now on.
    pub(super) fn put(&self, key: u64, value: V) {
        let own = [self.tag_of(key), TagId::of_cache(self.number)];
        invalidate_all(&own[..1]);
        let tags: Vec<_> = (self.settings.tags)(&value).into_iter().map(TagId::from).collect();
        let node = Computed::at(Beginning::now()).into_node(own.into_iter().chain(tags));
        let entry = Entry { valid_at: Cell::new(node.valid_at()), node, value };
        let replaced = self.entries.lock().insert(key, entry);
        drop(replaced);
    }

    pub(super) fn sweep(&self) {
        let mut removed = Vec::new();
        let mut entries = self.entries.lock();
        entries.retain(|_, entry| {
            let valid_at = entry.node.check();
            match valid_at {
                Some(valid_at) => entry.valid_at.set(valid_at),
                None => removed.push(Arc::clone(&entry.node)),
            }
            valid_at.is_some()
        });
        drop(entries);
        drop(removed);
    }
}

/// The leader of a flight, until it lands.
struct Leading<'c, V: Clone> {
    cache: &'c Cache<V>,
    key: u64,
    flight: Option<Arc<Flight<V>>>,
}

impl<V: Clone> Leading<'_, V> {
    fn land(&mut self, published: Option<Arc<Published<V>>>) {
        if let Some(flight) = self.flight.take() {
            self.cache.flights.lock().remove(&self.key);
            flight.land(published);
        }
    }
}

impl<V: Clone> Drop for Leading<'_, V> {
    fn drop(&mut self) {
        self.land(None);
    }
}

/// Waits for the next poll.
pub(super) fn yield_now() -> impl Future<Output = ()> {
    struct Yield(bool);

    impl Future for Yield {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            context.waker().wake_by_ref();
            if mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
        }
    }

    Yield(false)
}
