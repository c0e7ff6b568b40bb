//! Writes that are not on disk yet, which lookups see first.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::key::FileKey;
use super::tables::size;

/// A stored value, its deadline in milliseconds since 1970 or zero, and the number of the entry.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) value: Vec<u8>,
    pub(super) expires: u64,
    pub(super) number: u64,
}

/// What pending writes do to a key.
#[derive(Clone, Copy)]
pub(super) enum Seen<'w> {
    Stored(&'w Entry),
    Removed,
}

impl<'w> Seen<'w> {
    pub(super) fn entry(self) -> Option<&'w Entry> {
        match self {
            Self::Stored(entry) => Some(entry),
            Self::Removed => None,
        }
    }
}

/// A group of writes: namespaces to be cleared first, then entries to be stored or removed.
#[derive(Default)]
pub(super) struct Writes {
    cleared: HashSet<Box<[u8]>>,
    /// `None` removes the entry.
    entries: HashMap<Box<[u8]>, Option<Entry>>,
    bytes: u64,
}

impl Writes {
    pub(super) fn is_empty(&self) -> bool {
        self.cleared.is_empty() && self.entries.is_empty()
    }

    /// Returns how many entries are stored or removed.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the size of all entries.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn cleared(&self) -> impl Iterator<Item = &[u8]> {
        self.cleared.iter().map(|prefix| &**prefix)
    }

    /// Returns the entries in the order in which they were stored; the removals come first.
    pub(super) fn entries(&self) -> Vec<(&[u8], Option<&Entry>)> {
        let entries = self.entries.iter().map(|(key, entry)| (&**key, entry.as_ref()));
        let mut entries: Vec<_> = entries.collect();
        entries.sort_unstable_by_key(|(_, entry)| entry.map(|entry| entry.number));
        entries
    }

    fn set(&mut self, key: &[u8], entry: Option<Entry>) {
        let size_of = |entry: Option<&Entry>| size(key, entry.map_or(&[], |entry| &entry.value));
        self.bytes += size_of(entry.as_ref());
        if let Some(old) = self.entries.insert(key.into(), entry) {
            self.bytes = self.bytes.saturating_sub(size_of(old.as_ref()));
        }
    }

    fn clear(&mut self, prefix: &[u8]) {
        let bytes = &mut self.bytes;
        self.entries.retain(|key, entry| {
            let stays = !key.starts_with(prefix);
            if !stays {
                *bytes = bytes.saturating_sub(size(key, entry.as_ref().map_or(&[], |entry| &entry.value)));
            }
            stays
        });
        self.cleared.insert(prefix.into());
    }

    fn find(&self, key: &FileKey) -> Option<Seen<'_>> {
        match self.entries.get(key.bytes()) {
            Some(Some(entry)) => Some(Seen::Stored(entry)),
            Some(None) => Some(Seen::Removed),
            None => self.cleared.contains(key.prefix()).then_some(Seen::Removed),
        }
    }
}

/// The group of writes that is collected, and the one that is being written.
#[derive(Default)]
pub(super) struct Overlay {
    collected: Writes,
    committing: Option<Arc<Writes>>,
}

impl Overlay {
    pub(super) fn collected(&self) -> &Writes {
        &self.collected
    }

    /// Returns what the pending writes do to a key; `None` if nothing.
    pub(super) fn find(&self, key: &FileKey) -> Option<Seen<'_>> {
        self.collected.find(key).or_else(|| self.committing.as_ref()?.find(key))
    }

    pub(super) fn set(&mut self, key: &FileKey, entry: Option<Entry>) {
        self.collected.set(key.bytes(), entry);
    }

    pub(super) fn clear(&mut self, prefix: &[u8]) {
        self.collected.clear(prefix);
    }

    /// Begins the next group, and returns the one collected so far. It is seen until it is [committed](Self::committed).
    pub(super) fn begin_commit(&mut self) -> Arc<Writes> {
        let writes = Arc::new(std::mem::take(&mut self.collected));
        self.committing = Some(Arc::clone(&writes));
        writes
    }

    pub(super) fn committed(&mut self) {
        self.committing = None;
    }
}
