//! How long does fibonacci(20) take, plain and memoized?

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use functools::lru_cache;

fn plain(n: u64) -> u64 {
    if n < 2 { n } else { plain(n - 1) + plain(n - 2) }
}

#[lru_cache(maxsize = None)]
fn memoized(n: u64) -> u64 {
    if n < 2 { n } else { memoized(n - 1) + memoized(n - 2) }
}

fn fibonacci(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fibonacci(20)");
    group.bench_function("plain", |bencher| bencher.iter(|| plain(black_box(20))));
    group.bench_function("memoized, from an empty cache", |bencher| {
        bencher.iter(|| {
            memoized::cache_clear();
            memoized(black_box(20))
        });
    });
    group.bench_function("memoized, hit", |bencher| bencher.iter(|| memoized(black_box(20))));
    group.finish();
}

criterion_group! { name = group; config = benches::criterion(); targets = fibonacci }
criterion_main!(group);
