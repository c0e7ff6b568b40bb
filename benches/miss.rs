//! What does a miss cost when the cache is full and evicts an entry?

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

mod subjects;

fn miss(criterion: &mut Criterion) {
    let mut n = 0;
    criterion.bench_function("miss with eviction, 128", |bencher| {
        bencher.iter(|| {
            n += 1;
            subjects::evicting(black_box(n))
        });
    });
}

criterion_group! { name = group; config = benches::criterion(); targets = miss }
criterion_main!(group);
