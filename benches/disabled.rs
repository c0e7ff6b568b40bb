//! What does a cache that stores nothing add to the plain call?

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

mod subjects;

fn disabled(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("disabled");
    group.bench_function("plain", |bencher| bencher.iter(|| subjects::plain(black_box(7))));
    group.bench_function("plain and an atomic addition", |bencher| {
        bencher.iter(|| subjects::plain_and_counted(black_box(7)));
    });
    group.bench_function("maxsize = 0", |bencher| bencher.iter(|| subjects::disabled(black_box(7))));
    group.finish();
}

criterion_group! { name = group; config = benches::criterion(); targets = disabled }
criterion_main!(group);
