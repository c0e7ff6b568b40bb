//! What do the parts of a hit cost by themselves: a lock and unlock, and a lookup?

use benches::{CALLS, ENTRIES, draws, each};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hashbrown::HashMap;

mod subjects;

fn floors(criterion: &mut Criterion) {
    let draws = draws();
    let map: HashMap<u64, u64> = (0..ENTRIES).map(|n| (n, n)).collect();
    let mut group = criterion.benchmark_group("floors");
    group.throughput(Throughput::Elements(CALLS as u64));
    group.bench_function("ReentrantMutex, lock and unlock", |bencher| {
        bencher.iter(|| each(draws.iter().copied(), subjects::locked));
    });
    group.bench_function("HashMap, find", |bencher| {
        bencher.iter(|| each(&draws, |n| map.get(n).copied()));
    });
    group.finish();
}

criterion_group! { name = group; config = benches::criterion(); targets = floors }
criterion_main!(group);
