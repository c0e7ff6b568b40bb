//! What a store tells the sampler of its cache. Without one, nothing of it is compiled.

use crate::insight::Sampler;
use crate::key::KeyHash;
use crate::store::entry::EntryOf;
use crate::store::entry_meta::EntryMeta;

/// Records a call that has found an entry with this metadata.
#[inline]
pub(super) fn hit<M: EntryMeta>(sampler: Option<&Sampler>, hash: KeyHash, meta: &M) {
    if let Some(sampler) = sampler {
        sampler.hit(hash.get(), || meta.weight());
    }
}

/// Records that an entry was removed for another reason than lack of room, and returns it.
#[inline]
pub(super) fn gone<K, V, M>(sampler: Option<&Sampler>, entry: EntryOf<K, V, M>) -> EntryOf<K, V, M> {
    if let Some(sampler) = sampler {
        sampler.removed(entry.hash.get());
    }
    entry
}

/// An entry that is about to be stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    hash: KeyHash,
    weight: usize,
}

impl Stored {
    #[inline]
    pub(super) fn of<K, V, M: EntryMeta>(entry: &EntryOf<K, V, M>) -> Self {
        Self { hash: entry.hash, weight: entry.meta.weight() }
    }

    /// Records that the entry was stored.
    #[inline]
    pub(super) fn note(self, sampler: Option<&Sampler>) {
        if let Some(sampler) = sampler {
            sampler.stored(self.hash.get(), self.weight);
        }
    }
}
