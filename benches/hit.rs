//! What does a hit cost, with and without an order of entries, and for each kind of function?

use benches::{CALLS, draws, each};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

mod subjects;

fn hit(criterion: &mut Criterion) {
    let draws = draws();
    let mut group = criterion.benchmark_group("hit");
    group.throughput(Throughput::Elements(CALLS as u64));
    group.bench_function("bounded 128", |bencher| {
        bencher.iter(|| each(draws.iter().copied(), subjects::bounded));
    });
    group.bench_function("unbounded", |bencher| {
        bencher.iter(|| each(draws.iter().copied(), subjects::unbounded));
    });
    group.bench_function("generic, typed = true", |bencher| {
        bencher.iter(|| each(draws.iter().copied(), subjects::typed));
    });
    group.bench_function("generic, typed = false", |bencher| {
        bencher.iter(|| each(draws.iter().copied(), subjects::untyped));
    });
    group.bench_function("generic result", |bencher| {
        bencher.iter(|| each(draws.iter().copied(), subjects::generic_result));
    });
    group.bench_function("method, &self in the key", |bencher| {
        bencher.iter(|| each(draws.iter().copied(), subjects::method));
    });
    group.bench_function("method, #[key(skip)] &self", |bencher| {
        bencher.iter(|| each(draws.iter().copied(), subjects::method_skipping_self));
    });
    group.bench_function("async fn, polled once", |bencher| {
        bencher.iter(|| each(draws.iter().copied(), subjects::polled));
    });
    group.bench_function("cache = memo", |bencher| {
        bencher.iter(|| each(draws.iter().copied(), subjects::in_object));
    });
    group.finish();
}

criterion_group! { name = group; config = benches::criterion(); targets = hit }
criterion_main!(group);
