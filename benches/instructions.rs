//! Makes a number of calls of one kind, for a tool that counts instructions.
//!
//! `instructions hit 2000`: where instructions are counted, the difference between two runs
//! belongs to the calls that one makes more than the other, and no clock comes into it.

use std::env;
use std::thread;

use benches::{draws, each};

mod policies;
mod subjects;

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [kind, times] = &arguments[..] else { panic!("usage: instructions KIND TIMES") };
    if let Some((call, entries)) = policies::by_name(kind) {
        return policies::run(call, entries, times.parse().expect("TIMES is a number"));
    }
    let call: fn(u64) -> u64 = match kind.as_str() {
        "hit" => subjects::bounded,
        "unbounded" | "unbounded-lent" => subjects::unbounded,
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
        "disabled" => subjects::disabled,
        "plain" => subjects::plain,
        "counted" => subjects::plain_and_counted,
        "lock" => subjects::locked,
        other => panic!("no calls of the kind {other}"),
    };
    let times = times.parse().expect("TIMES is a number");
    if kind.ends_with("lent") {
        take_turns(call);
    }
    if kind.ends_with("miss") {
        each((0..).take(times), call);
    } else {
        each(draws().into_iter().cycle().take(times), call);
    }
}

/// Calls from several threads, one after the other: what is lent to threads is lent from then on.
fn take_turns(call: fn(u64) -> u64) {
    for _ in 0..8 {
        let turn = thread::spawn(move || each(draws(), call));
        turn.join().expect("a call does not panic");
    }
}
