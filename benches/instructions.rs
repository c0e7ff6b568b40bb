//! Makes a number of calls of one kind, to be run under a tool that counts instructions.
//!
//! `instructions hit 2000` makes 2000 calls. The difference between two runs is due to the difference in
//! calls alone, and does not depend on a clock.

use std::env;
use std::thread;

use benches::{draws, each};

mod many;
mod policies;
mod subjects;

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [kind, times] = &arguments[..] else { panic!("usage: instructions KIND TIMES") };
    if let Some((call, entries)) = policies::by_name(kind) {
        return policies::run(call, entries, times.parse().expect("TIMES is a number"));
    }
    if let Some(call) = of_many(kind) {
        return (0..times.parse().expect("TIMES is a number")).for_each(|_: u64| call());
    }
    let call: fn(u64) -> u64 = match kind.as_str() {
        "hit" => subjects::bounded,
        "hit-with-lock" => subjects::bounded_with_lock,
        "tagged" | "tagged-miss" => subjects::tagged,
        "tagged-with-lock" => subjects::tagged_with_lock,
        "tagged-unbounded" => subjects::tagged_unbounded,
        "unbounded" | "unbounded-striped" => subjects::unbounded,
        "generic" => subjects::typed,
        "generic-untyped" => subjects::untyped,
        "generic-result" => subjects::generic_result,
        "method" => subjects::method,
        "method-skipping-self" => subjects::method_skipping_self,
        "async" => subjects::polled,
        "object" => subjects::in_object,
        "thread" => subjects::of_thread,
        "thread-unbounded" => subjects::of_thread_unbounded,
        "thread-miss" => subjects::of_thread_evicting,
        "shards" => subjects::sharded,
        "shards-miss" => subjects::sharded_evicting,
        "miss" => subjects::evicting,
        "single-flight" => subjects::single_flight,
        "single-flight-miss" => subjects::single_flight_evicting,
        "async-miss" => subjects::polled_evicting,
        "disabled" => subjects::disabled,
        "plain" => subjects::plain,
        "counted" => subjects::plain_and_counted,
        "lock" => subjects::locked,
        other => panic!("no calls of the kind {other}"),
    };
    let times = times.parse().expect("TIMES is a number");
    if kind.ends_with("striped") {
        call_from_several_threads(call);
    }
    if kind.ends_with("miss") {
        each((0..).take(times), call);
    } else {
        each(draws().into_iter().cycle().take(times), call);
    }
}

/// Returns the batch of a kind such as `batch-hits`, or for `singles-hits` as many calls of single keys.
fn of_many(kind: &str) -> Option<fn()> {
    let (calls, name) = kind.split_once('-')?;
    let pair = many::PAIRS.iter().find(|pair| pair.name == name)?;
    match calls {
        "batch" => Some(pair.batch),
        "singles" => Some(pair.singles),
        _ => None,
    }
}

/// Calls from several threads in turn, which turns on the read stripes of the cache.
fn call_from_several_threads(call: fn(u64) -> u64) {
    for _ in 0..8 {
        let thread = thread::spawn(move || each(draws(), call));
        thread.join().expect("a call does not panic");
    }
}
