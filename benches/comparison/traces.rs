//! Recorded calls, replayed from an empty cache with a capacity of 1000 entries. The licences of the traces
//! keep them out of the repository; they are read from a directory next to it.

use std::fs;
use std::path::{Path, PathBuf};

use benches::Contestant;

use crate::memoized::{Peer, Roomy};
use crate::python::Python;
use crate::trace::Trace;
use crate::{Column, Effort, Failure, measured};

/// Relative to this package, where cargo runs its benches.
pub(crate) const FOLDER: &str = "../../shared/traces";

/// A contest for each trace.
pub(crate) fn columns(peers: &[Peer], python: &Python, effort: Effort) -> Vec<Column> {
    let files = fs::read_dir(FOLDER).into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension() == Some("gz".as_ref())).collect();
    files.sort_unstable();
    files.iter().map(|file| column(file, peers, python, effort)).collect()
}

fn column(file: &Path, peers: &[Peer], python: &Python, effort: Effort) -> Column {
    let Trace { name, mut keys } = match Trace::read(file) {
        Ok(trace) => trace,
        Err(Failure(why)) => panic!("{why}"),
    };
    keys.truncate(effort.of(usize::MAX, 2000));
    // Some traces number their keys from 0, which would favour hashers that do not mix.
    let keys: Vec<_> = keys.into_iter().map(mixed).collect();
    let roomy = peers.iter().filter_map(|peer| Some((peer.name, peer.thousand.as_ref()?)));
    let contestant = |(name, roomy): (_, &Roomy)| {
        let (keys, calls) = (&keys, roomy.number);
        Contestant::new(name, move || calls(keys)).of(keys.len()).after(roomy.clear)
    };
    let mut contestants: Vec<_> = roomy.map(contestant).collect();
    let mut figures = measured(&mut contestants, 0, effort.of(5, 1));
    figures.extend(python.figure("trace", &name));
    Column { title: name, calls: keys.len(), figures }
}

/// The finalizer of `SplitMix64`: each bit of the result depends on all bits of `key`.
fn mixed(key: u64) -> u64 {
    let key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}
