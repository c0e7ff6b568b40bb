//! Two threads under all interleavings and all outcomes of weakly ordered accesses, by `loom`. Only for tests.

use loom::sync::Arc;
use loom::thread;

/// Runs two threads on what `make` returns, in every order, and then checks what they returned.
///
/// The checker runs one thread after the other first, and exchanges dependent accesses from there on. It remembers
/// only the last access of each kind, so it is run with each thread first. It switches between threads `preemptions` times
/// at most, or as often as `LOOM_MAX_PREEMPTIONS` says.
pub(crate) fn in_every_order<W: 'static, A: 'static, B: 'static>(
    preemptions: usize,
    make: impl Fn() -> W + Copy + Send + Sync + 'static,
    one: fn(&W) -> A,
    other: fn(&W) -> B,
    check: fn(&W, A, B),
) {
    for is_one_first in [true, false] {
        let mut model = loom::model::Builder::new();
        model.preemption_bound.get_or_insert(preemptions);
        model.check(move || {
            let world = Arc::new(make());
            let (of_one, of_other) = (Arc::clone(&world), Arc::clone(&world));
            let (one, other) = if is_one_first {
                let one = thread::spawn(move || one(&of_one));
                (one, thread::spawn(move || other(&of_other)))
            } else {
                let other = thread::spawn(move || other(&of_other));
                (thread::spawn(move || one(&of_one)), other)
            };
            let (one, other) = (one.join().unwrap(), other.join().unwrap());
            check(&world, one, other);
        });
    }
}
