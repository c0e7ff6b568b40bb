//! Random graphs of functions that call each other, while their sources change: no stale result is ever returned.
//!
//! A value carries the version of each source that it was computed from. When the invalidation for a version has returned,
//! each call that begins later must return a value of that version or a later one.
//!
//! `TAG_GRAPH_CALLS` is the number of calls, without those of functions among themselves.

mod body;
mod world;

use std::collections::VecDeque;
use std::env;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::task::{Context, Waker};
use std::thread;

use parking_lot::Mutex;

use self::body::{Task, call, call_async};
use self::world::{Call, World};
use crate::key::hash::{STEP, mixed};
use crate::tags::current::DomainHandle;

const SOURCES: usize = 24;
const KEYS: u64 = 8;
const THREADS: u64 = 4;

/// A pseudorandom generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0) % bound
    }

    fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).expect("it is less than the bound")
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flavor {
    Sync,
    Async,
}

/// Takes a task from the queue, or begins one, and polls it a few times. Some tasks are cancelled.
fn poll_some(world: &'static World, tasks: &Mutex<VecDeque<Task>>, call: Call, random: &mut Random) {
    let (next, length) = {
        let mut tasks = tasks.lock();
        (tasks.pop_front(), tasks.len())
    };
    let mut task = match next {
        Some(task) if length > 8 || random.one_in(2) => task,
        next => {
            tasks.lock().extend(next);
            world.calls.fetch_add(1, Relaxed);
            call_async(world, call)
        }
    };
    if random.one_in(300) {
        return;
    }
    let context = &mut Context::from_waker(Waker::noop());
    for _ in 0..=random.below(4) {
        if task.as_mut().poll(context).is_ready() {
            return;
        }
    }
    tasks.lock().push_back(task);
}

fn drive(world: &'static World, domain: &DomainHandle, calls: u64, flavor: Flavor, seed: u64) {
    let between_updates = [60, 20, 200][usize::try_from(seed % 3).expect("it is small")]
        * if flavor == Flavor::Sync { 1 } else { 8 };
    let tasks = Mutex::new(VecDeque::new());
    let tasks = &tasks;
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let _entered = domain.enter();
                let mut random = Random(mixed(seed * THREADS + thread));
                while world.calls.load(Relaxed) < calls && !world.has_failed.load(Relaxed) {
                    if random.one_in(between_updates) {
                        world.update(&mut random);
                        continue;
                    }
                    let number = random.index(world.functions.len());
                    if random.one_in(400) {
                        world.functions[number].cache.sweep();
                    }
                    let of = (number, random.below(KEYS));
                    if world.functions[number].panics {
                        continue;
                    }
                    if flavor == Flavor::Async {
                        poll_some(world, tasks, of, &mut random);
                    } else {
                        world.calls.fetch_add(1, Relaxed);
                        call(world, of);
                    }
                }
            });
        }
    });
    let _entered = domain.enter();
    tasks.lock().clear();
}

#[test]
fn no_stale_result_is_returned() {
    let wanted =
        env::var("TAG_GRAPH_CALLS").map_or(100_000, |calls| calls.parse().expect("a number of calls"));
    let (mut calls, mut inner_calls, mut hits, mut updates, mut refused, mut forgotten) = (0, 0, 0, 0, 0, 0);
    for seed in 1.. {
        if calls >= wanted {
            break;
        }
        // A small table: most tags are forgotten.
        let domain = DomainHandle::isolated();
        assert!(domain.set_capacity(if seed % 2 == 0 { 48 } else { 12_288 }));
        let flavor = if seed % 4 < 2 { Flavor::Sync } else { Flavor::Async };
        let world = World::new(seed);
        drive(world, &domain, 5000, flavor, seed);
        assert!(!world.has_failed.load(SeqCst), "{}, seed {seed}", world.failure.lock());
        calls += world.calls.load(SeqCst);
        inner_calls += world.inner_calls.load(SeqCst);
        updates += world.updates.load(SeqCst);
        forgotten += domain.counts().forgotten;
        for function in &world.functions {
            hits += function.cache.hits.load(SeqCst);
            refused += function.cache.refused.load(SeqCst);
            function.cache.clear();
        }
    }
    println!(
        "{calls} calls, {inner_calls} with those of functions, {hits} hits, {updates} updates, {refused} refused flights, {forgotten} forgotten tags"
    );
    assert!(hits > calls && updates > 0 && refused > 0 && forgotten > 0, "all of it is tried");
}
