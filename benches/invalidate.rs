//! What does an invalidation by tag cost, and does that depend on the number of entries with other tags?

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use functools::{invalidate, lru_cache, tag};

/// The larger number of entries, each with a tag of its own.
const ENTRIES: u64 = 1_000_000;

#[lru_cache(maxsize = None, tags = |n| [tag("number", n)])]
fn tagged(n: u64) -> u64 {
    n
}

fn invalidations(criterion: &mut Criterion) {
    for entries in [1_000, ENTRIES] {
        (0..entries).for_each(|n| {
            tagged(n);
        });
        let mut group = criterion.benchmark_group(format!("invalidate, {entries} entries with other tags"));
        group.bench_function("the same tag", |bencher| {
            bencher.iter(|| invalidate(tag("other", black_box(7))));
        });
        // Once the table is full, each of them pushes out another one.
        let mut new = 0_u64;
        group.bench_function("a new tag", |bencher| {
            bencher.iter(|| {
                new += 1;
                invalidate(tag("new", black_box(new)));
            });
        });
        group.bench_function("one key", |bencher| {
            bencher.iter(|| tagged::cache_invalidate(black_box(ENTRIES)));
        });
        group.finish();
    }
}

criterion_group! { name = group; config = benches::criterion(); targets = invalidations }
criterion_main!(group);
