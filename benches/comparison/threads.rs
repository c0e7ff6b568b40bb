//! Hits of several threads at once, with one key, with Zipf-distributed keys, or with disjoint keys.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use benches::{CALLS, Contestant, contest, draws, each, nanoseconds, zipf};

use crate::memoized::{Peer, Subjects};
use crate::python::Python;
use crate::{Column, Effort, Figure, LOCK, subjects};

/// The numbers of threads, one per column.
pub(crate) const THREADS: [u8; 4] = [1, 2, 4, 8];

/// The duration of a round; long enough for threads that share a processor.
const ROUND: Duration = Duration::from_millis(25);

/// The keys of the threads; all fit into the caches.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Keys {
    /// One key for all threads.
    One,
    /// All keys for all threads, some of them much more often than others.
    Zipf,
    /// Disjoint keys for the threads.
    Apart,
}

impl Keys {
    pub(crate) const ALL: [Self; 3] = [Self::One, Self::Zipf, Self::Apart];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::One => "one hot key",
            Self::Zipf => "Zipf",
            Self::Apart => "disjoint keys",
        }
    }

    /// The name in `lru_cache.py`.
    fn key(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Zipf => "zipf",
            Self::Apart => "apart",
        }
    }

    /// The keys that one of the threads calls with.
    fn list(self, thread: u8, threads: u8) -> Vec<u64> {
        let (thread, threads) = (u64::from(thread), u64::from(threads));
        match self {
            Self::One => vec![7; CALLS],
            Self::Zipf => zipf(thread),
            Self::Apart => {
                let mut list = draws();
                list.retain(|n| n % threads == thread);
                list.iter().copied().cycle().take(CALLS).collect()
            }
        }
    }
}

/// The measurements of one mode, by keys and by number of threads.
pub(crate) struct Crowds {
    pub(crate) title: &'static str,
    pub(crate) by_keys: Vec<(Keys, Vec<Column>)>,
}

impl Crowds {
    /// Returns the column for these keys and this number of threads.
    pub(crate) fn column(&self, keys: Keys, threads: u8) -> Option<&Column> {
        let (_, columns) = self.by_keys.iter().find(|(other, _)| *other == keys)?;
        columns.get(THREADS.iter().position(|number| *number == threads)?)
    }
}

/// A mode: its title, its name in `lru_cache.py`, and its functions.
type Mode = (&'static str, &'static str, fn(&Peer) -> Option<&Subjects>);

/// Measures all modes. Times are per call, as seen by the calling thread.
pub(crate) fn crowds(peers: &[Peer], python: &Python, effort: Effort) -> Vec<Crowds> {
    let modes: [Mode; 2] = [
        ("hit, bounded 128", "bounded", |peer| peer.bounded.as_ref()),
        ("hit, unbounded", "unbounded", |peer| peer.unbounded.as_ref()),
    ];
    let crowds = |(title, key, mode): Mode| {
        let by_keys = |keys: Keys| {
            let column = |threads| column(peers, (key, mode), keys, threads, python, effort);
            (keys, THREADS.map(column).into())
        };
        Crowds { title, by_keys: Keys::ALL.map(by_keys).into() }
    };
    modes.map(crowds).into()
}

fn column(
    peers: &[Peer],
    (key, mode): (&str, fn(&Peer) -> Option<&Subjects>),
    keys: Keys,
    threads: u8,
    python: &Python,
    effort: Effort,
) -> Column {
    let lists: Vec<_> = (0..threads).map(|thread| keys.list(thread, threads)).collect();
    let lock: fn(&[u64]) = |list| each(list.iter().copied(), subjects::locked);
    let calls = peers.iter().filter_map(|peer| Some((peer.name, mode(peer)?.number)));
    let round = effort.of(ROUND, Duration::from_millis(1));
    let mut contestants: Vec<_> = [(LOCK, lock)]
        .into_iter()
        .chain(calls)
        .map(|(name, calls)| {
            let lists = &lists;
            Contestant::timed(name, move || crowd(calls, lists, round))
        })
        .collect();
    contest(&mut contestants, effort.of(9, 1));
    let figure = |one: &Contestant<'_>| Figure {
        name: one.name,
        nanoseconds: one.median(),
        median: None,
        counted: None,
    };
    let mut figures: Vec<_> = contestants.iter().map(figure).collect();
    figures.extend(python.figure(&format!("threads-{key}-{}", keys.key()), &threads.to_string()));
    Column { title: threads.to_string(), calls: 1, figures }
}

/// Lets one thread per list make its calls for a while. Returns the time per call, as seen by the calling
/// thread.
fn crowd(calls: fn(&[u64]), lists: &[Vec<u64>], time: Duration) -> f64 {
    let (ready, is_over) = (Barrier::new(lists.len() + 1), AtomicBool::new(false));
    let turns = |list: &[u64]| {
        calls(list); // fills the cache, which may be this thread's own
        ready.wait();
        let begin = Instant::now();
        let mut turns = 0_u32;
        while !is_over.load(Relaxed) {
            calls(list);
            turns += 1;
        }
        (turns, begin, Instant::now())
    };
    let turns = &turns;
    let took: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = lists.iter().map(|list| scope.spawn(move || turns(list))).collect();
        ready.wait();
        thread::sleep(time);
        is_over.store(true, Relaxed);
        threads.into_iter().map(|thread| thread.join().expect("calls don't panic")).collect()
    });
    let begin = took.iter().map(|(_, begin, _)| *begin).min();
    let end = took.iter().map(|(.., end)| *end).max();
    let time = begin.zip(end).map_or(Duration::ZERO, |(begin, end)| end - begin);
    let turns: u32 = took.iter().map(|(turns, ..)| turns).sum();
    #[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
    let (threads, calls) = (lists.len() as f64, f64::from(turns) * CALLS as f64);
    threads * nanoseconds(time) / calls
}
