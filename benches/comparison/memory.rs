//! The memory of a cache with a million entries, `u64` to `u64`.

use allocation_counter::measure;

use crate::Effort;
use crate::memoized::{Peer, Roomy};
use crate::python::{self, Python};

/// Memory in bytes per entry.
pub(crate) struct Held {
    pub(crate) name: &'static str,
    pub(crate) bytes: f64,
    /// The peak while the cache grew.
    pub(crate) most: f64,
    /// The number of entries.
    pub(crate) entries: u64,
}

/// Measures the memory of the caches, one after the other: fills and empties each.
pub(crate) fn held(peers: &[Peer], python: &Python, effort: Effort) -> Vec<Held> {
    let keys: Vec<_> = (0..effort.of(1_000_000, 1000)).collect();
    let one = |(name, roomy): (_, &Roomy)| {
        let taken = measure(|| {
            (roomy.number)(&keys);
            roomy.entries.map(|entries| entries()); // applies pending maintenance
        });
        let entries = roomy.entries.map_or(keys.len() as u64, |entries| entries());
        (roomy.clear)();
        #[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
        let per_entry = |bytes: u64| bytes as f64 / entries as f64;
        let bytes = per_entry(u64::try_from(taken.bytes_current).unwrap_or_default());
        Held { name, bytes, most: per_entry(taken.bytes_max), entries }
    };
    let roomy = peers.iter().filter_map(|peer| Some((peer.name, peer.million.as_ref()?)));
    let mut held: Vec<_> = roomy.map(one).collect();
    if let (Some(bytes), Some(most)) = (python.get("memory", "held"), python.get("memory", "most")) {
        held.push(Held { name: python::NAME, bytes, most, entries: keys.len() as u64 });
    }
    held
}
