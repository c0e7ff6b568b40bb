//! Calls of one thread, with arguments and results of several types: hits, misses with eviction, calls of a
//! disabled cache, and a recursion from an empty cache.

use std::cell::{Cell, RefCell};
use std::hash::Hash;
use std::sync::Arc;

use benches::{CALLS, Contestant, ENTRIES, draws, each, text};
use hashbrown::HashMap;

use crate::memoized::{Peer, Recursion, Subjects, not_memoized};
use crate::python::Python;
use crate::{BARE, Column, Effort, LOCK, measured, subjects};

/// A kind of call.
pub(crate) struct Case {
    /// The name in `lru_cache.py`.
    key: &'static str,
    mode: fn(&Peer) -> Option<&Subjects>,
    arguments: Arguments,
    rounds: usize,
}

/// The arguments of the calls.
#[derive(Clone, Copy, PartialEq)]
enum Arguments {
    /// Keys of the 128 entries in the cache.
    Known,
    /// New keys only.
    Fresh,
}

pub(crate) const HIT: Case =
    Case { key: "hit", mode: |peer| peer.bounded.as_ref(), arguments: Arguments::Known, rounds: 1500 };
pub(crate) const MISS: Case =
    Case { key: "miss", mode: |peer| peer.bounded.as_ref(), arguments: Arguments::Fresh, rounds: 400 };
pub(crate) const UNBOUNDED: Case = Case {
    key: "unbounded",
    mode: |peer| peer.unbounded.as_ref(),
    arguments: Arguments::Known,
    rounds: 1000,
};
pub(crate) const DISABLED: Case =
    Case { key: "disabled", mode: |peer| peer.disabled.as_ref(), arguments: Arguments::Known, rounds: 400 };

/// A function of [`Subjects`]: its names here and in `lru_cache.py`, its arguments and results.
struct Shape<T, V> {
    title: &'static str,
    key: &'static str,
    calls: fn(&Subjects) -> fn(&[T]),
    argument: fn(u64) -> T,
    result: fn(u64) -> V,
}

/// Runs a contest for each function.
pub(crate) fn columns(peers: &[Peer], case: &Case, python: &Python, effort: Effort) -> Vec<Column> {
    macro_rules! columns {
        ($($title:literal: $function:ident, $argument:expr, $result:expr;)*) => {
            vec![$({
                let (title, key) = ($title, stringify!($function));
                let shape = Shape { title, key, calls: |all| all.$function, argument: $argument, result: $result };
                column(peers, case, &shape, python, effort)
            },)*]
        };
    }
    columns! {
        "`u64`": number, |n| n, |n| n;
        "`(u64, u64)`": pair, |n| (n, n + 1), |n| n;
        "`&str`, 16 bytes": short, |n| text(n, 16), |n| n;
        "`&str`, 200 bytes": long, |n| text(n, 200), |n| n;
        "`&[u8]`, 64 bytes": bytes, |n| text(n, 64).into_bytes(), |n| n;
        "`u64` → `String`": string, |n| n, |n| text(n, 16);
        "`u64` → `Arc`": shared, |n| n, |n| Arc::new([n; 16]);
    }
}

fn column<T: Eq + Hash, V: Clone>(
    peers: &[Peer],
    case: &Case,
    shape: &Shape<T, V>,
    python: &Python,
    effort: Effort,
) -> Column {
    let draws = draws();
    let list: RefCell<Vec<T>> = RefCell::new(draws.iter().map(|n| (shape.argument)(*n)).collect());
    let map: HashMap<T, V> = (0..ENTRIES).map(|n| ((shape.argument)(n), (shape.result)(n))).collect();
    let fresh = Cell::new(ENTRIES);
    let (list, map, fresh) = (&list, &map, &fresh);
    let prepare = move || {
        if case.arguments == Arguments::Fresh {
            list.borrow_mut().fill_with(|| (shape.argument)(fresh.replace(fresh.get() + 1)));
        }
    };

    let mut contestants = vec![Contestant::new(LOCK, || each(draws.iter().copied(), subjects::locked))];
    // The other floor: without hits, all bodies run.
    let plain = not_memoized();
    let hits = case.arguments == Arguments::Known && case.key != DISABLED.key;
    if hits {
        contestants.push(Contestant::new(BARE, || each(&*list.borrow(), |key| map.get(key).cloned())));
    }
    let floor = (!hits).then_some(&plain);
    for peer in floor.into_iter().chain(peers) {
        let Some(subjects) = (case.mode)(peer) else { continue };
        let calls = (shape.calls)(subjects);
        contestants.push(Contestant::new(peer.name, move || calls(&list.borrow())).after(prepare));
    }

    let mut figures = measured(&mut contestants, effort.of(4, 1), effort.of(case.rounds, 1));
    figures.extend(python.figure(case.key, shape.key));
    Column { title: shape.title.into(), calls: CALLS, figures }
}

/// Runs the recursion from an empty cache: 91 misses, 88 hits.
pub(crate) fn recursion(peers: &[Peer], python: &Python, effort: Effort) -> Column {
    let recursions = peers.iter().filter_map(|peer| Some((peer.name, peer.recursion.as_ref()?)));
    let contestant = |(name, recursion): (_, &Recursion)| {
        let (fibonacci, clear) = (recursion.fibonacci, recursion.clear);
        Contestant::new(name, move || each([90], fibonacci)).of(1).after(clear)
    };
    let mut contestants: Vec<_> = recursions.map(contestant).collect();
    let mut figures = measured(&mut contestants, 1, effort.of(2000, 1));
    figures.extend(python.figure("fibonacci", "number"));
    Column { title: "`fibonacci(90)`".into(), calls: 1, figures }
}
