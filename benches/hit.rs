//! What does a hit cost, with and without an order to keep?

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
    group.finish();
}

criterion_group! { name = group; config = benches::criterion(); targets = hit }
criterion_main!(group);
