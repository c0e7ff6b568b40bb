//! The bodies of the functions of a graph: they read sources, and call other functions, at once or in futures.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll};
use std::thread;

use super::world::{Call, Function, Value, Versions, World, has_tag, index};
use crate::tags::frame::depends_on;
use crate::tags::tag::tag;
use crate::tags::tests::cache::yield_now;

/// A body that runs: what it has read so far.
struct Body {
    world: &'static World,
    function: &'static Function,
    key: u64,
    versions: Versions,
    tagged: Vec<usize>,
}

impl Body {
    fn new(world: &'static World, (number, key): Call) -> Self {
        let function = &world.functions[number];
        Self { world, function, key, versions: Versions::new(), tagged: Vec::new() }
    }

    fn note(&mut self, source: usize, version: u64) {
        let least = self.versions.entry(source).or_insert(version);
        *least = version.min(*least);
    }

    fn merge(&mut self, value: &Value) {
        for (&source, &version) in value.versions.iter() {
            self.note(source, version);
        }
    }

    fn read(&mut self, source: usize) {
        let version = self.world.versions[source].load(SeqCst);
        self.note(source, version);
        if !has_tag(source) {
            return;
        }
        if self.function.depends_on_tags {
            depends_on(tag("source", source));
        } else {
            self.tagged.push(source);
        }
    }

    fn is_odd(&self) -> bool {
        self.versions.values().any(|version| version % 2 == 1)
    }

    fn read_sources(&mut self) {
        for &source in &self.function.sources[index(self.key)] {
            self.read(source);
        }
    }

    fn read_odd_source(&mut self) {
        if self.function.is_leaf && self.is_odd() {
            self.read(self.function.odd_sources[index(self.key)]);
        }
    }

    fn calls(&self) -> &'static [Call] {
        &self.function.calls[index(self.key)]
    }

    fn panics(&self, (number, _): Call) -> bool {
        self.world.functions[number].panics
    }

    fn odd_call(&self) -> Option<Call> {
        self.function.odd_call.filter(|&call| self.is_odd() && !self.panics(call))
    }

    fn recursive_call(&self, (number, key): Call) -> Option<Call> {
        (self.function.is_recursive && key > 0).then(|| (number, key - 1))
    }

    fn value(self) -> Value {
        Value { versions: Arc::new(self.versions), tagged: self.tagged }
    }
}

pub(super) fn call(world: &'static World, of: Call) -> Value {
    let invalidated = world.snapshot();
    let value = world.functions[of.0].cache.call(of.1, || body(world, of));
    world.check(of, &value, &invalidated);
    value
}

fn body(world: &'static World, of: Call) -> Value {
    let mut body = Body::new(world, of);
    body.read_sources();
    body.read_odd_source();
    if of.1 % 4 == 1 {
        thread::yield_now();
    }
    for &inner in body.calls() {
        if !body.panics(inner) {
            body.merge(&call(world, inner));
        } else if inner.1 % 2 == 0 {
            // A caller that uses what a panic carries.
            match catch_unwind(AssertUnwindSafe(|| call(world, inner))) {
                Ok(value) => body.merge(&value),
                Err(payload) => body.merge(payload.downcast_ref().expect("it carries a value")),
            }
        }
    }
    for inner in body.odd_call().into_iter().chain(body.recursive_call(of)) {
        body.merge(&call(world, inner));
    }
    let panics = body.function.panics && of.1 % 2 == 0;
    let value = body.value();
    if panics {
        resume_unwind(Box::new(value));
    }
    value
}

pub(super) type Task = Pin<Box<dyn Future<Output = Value> + Send>>;

pub(super) fn call_async(world: &'static World, of: Call) -> Task {
    Box::pin(async move {
        let invalidated = world.snapshot();
        let value = world.functions[of.0].cache.call_async(of.1, move || body_async(world, of)).await;
        world.check(of, &value, &invalidated);
        value
    })
}

/// Polls tasks side by side.
struct Join(Vec<(Task, Option<Value>)>);

impl Future for Join {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut is_ready = true;
        for (task, value) in &mut self.0 {
            if value.is_none() {
                match task.as_mut().poll(context) {
                    Poll::Ready(done) => *value = Some(done),
                    Poll::Pending => is_ready = false,
                }
            }
        }
        if is_ready { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn body_async(world: &'static World, of: Call) -> Task {
    Box::pin(async move {
        let mut body = Body::new(world, of);
        if of.1 % 2 == 0 {
            yield_now().await;
        }
        body.read_sources();
        yield_now().await;
        body.read_odd_source();
        let inner = body.calls().iter().filter(|&&inner| !body.panics(inner));
        let tasks: Vec<_> = inner.map(|&inner| (call_async(world, inner), None)).collect();
        if of.1 % 3 == 0 {
            let mut join = Join(tasks);
            (&mut join).await;
            for value in join.0.into_iter().filter_map(|(_, value)| value) {
                body.merge(&value);
            }
        } else {
            for (task, _) in tasks {
                body.merge(&task.await);
                if of.1 % 3 == 1 {
                    yield_now().await;
                }
            }
        }
        for inner in body.odd_call().into_iter().chain(body.recursive_call(of)) {
            body.merge(&call_async(world, inner).await);
        }
        body.value()
    })
}
