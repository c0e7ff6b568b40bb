//! The estimates against an exact LRU, on streams that are made here.

use std::string::ToString;
use std::vec::Vec;

use hashbrown::HashMap;

use super::sampler::{Sampler, Settings};
use super::*;

/// The settings with which each use of the sampled keys is counted.
const NEVER_RESTING: Settings = Settings { learn: u64::MAX, half_life: 1 << 40, ..Settings::DEFAULT };

/// Pseudorandom numbers, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash_of(self.0)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A number from 0 to 1.
    #[expect(clippy::cast_precision_loss)]
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The hash of a key, which is never zero.
pub(super) fn hash_of(key: u64) -> u64 {
    let mixed = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31) | 1 << 48
}

/// Keys that are called like words of a language: the n-th most frequent one `n^-skew` as often as the first.
#[expect(clippy::cast_precision_loss)]
fn zipf(calls: usize, keys: usize, skew: f64, seed: u64) -> Vec<u64> {
    let mut sums = Vec::with_capacity(keys);
    let mut sum = 0.0;
    for rank in 1..=keys {
        sum += (rank as f64).powf(-skew);
        sums.push(sum);
    }
    let mut random = Random(seed);
    let mut draw = || sums.partition_point(|&part| part < sum * random.part()) as u64;
    (0..calls).map(|_| draw()).collect()
}

fn random(calls: usize, keys: u64, seed: u64) -> Vec<u64> {
    let mut random = Random(seed);
    (0..calls).map(|_| random.below(keys)).collect()
}

fn looped(calls: usize, keys: u64) -> Vec<u64> {
    (0..calls as u64).map(|call| call % keys).collect()
}

/// Adds a weight at a time, in a binary indexed tree.
fn add(tree: &mut [usize], time: usize, weight: isize) {
    let mut at = time + 1;
    while at < tree.len() {
        tree[at] = tree[at].wrapping_add_signed(weight);
        at += at & at.wrapping_neg();
    }
}

/// The distance of each use in an exact LRU: the weight of the distinct keys since the last use, and its own.
fn distances(keys: &[u64], weight: impl Fn(u64) -> usize) -> Vec<Option<usize>> {
    // Weights at the times of last uses, as sums in a binary indexed tree.
    let mut tree = std::vec![0_usize; keys.len() + 1];
    let upto = |tree: &[usize], time: usize| {
        let (mut at, mut sum) = (time + 1, 0_usize);
        while at > 0 {
            sum = sum.wrapping_add(tree[at]);
            at &= at - 1;
        }
        sum
    };
    let (mut last, mut total) = (HashMap::new(), 0);
    let mut distances = Vec::with_capacity(keys.len());
    for (time, &key) in keys.iter().enumerate() {
        let weight = weight(key);
        let signed = isize::try_from(weight).unwrap();
        distances.push(last.insert(key, time).map(|before| {
            let since = total - upto(&tree, before);
            add(&mut tree, before, -signed);
            total -= weight;
            since + weight
        }));
        add(&mut tree, time, signed);
        total += weight;
    }
    distances
}

#[expect(clippy::cast_precision_loss)]
fn exact(distances: &[Option<usize>], size: usize) -> f64 {
    let hits = distances.iter().flatten().filter(|&&distance| distance <= size).count();
    hits as f64 / distances.len() as f64
}

/// Twenty sizes from 10 to the largest distance.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn sizes(distances: &[Option<usize>]) -> Vec<usize> {
    let largest = distances.iter().flatten().copied().max().unwrap_or(10).max(10);
    let log = |part: f64| (10.0 * (largest as f64 / 10.0).powf(part / 19.0)).round() as usize;
    (0..20).map(|number| log(f64::from(number))).collect()
}

/// Calls a cache that stores everything with each key.
fn call_all(sampler: &Sampler, keys: &[u64], weight: impl Fn(u64) -> usize) {
    let mut stored = hashbrown::HashSet::new();
    for &key in keys {
        let hash = hash_of(key);
        if stored.insert(key) {
            sampler.miss(hash);
            sampler.stored(hash, weight(key));
        } else {
            sampler.hit(hash, || weight(key));
        }
    }
}

/// Returns the mean and the largest error at many sizes.
fn errors(keys: &[u64], weight: impl Fn(u64) -> usize, insight: &Insight) -> (f64, f64) {
    let distances = distances(keys, weight);
    let errors: Vec<f64> = sizes(&distances)
        .iter()
        .map(|&size| (insight.hit_ratio(size) - exact(&distances, size)).abs())
        .collect();
    let mean = errors.iter().sum::<f64>() / f64::from(u32::try_from(errors.len()).unwrap());
    (mean, errors.iter().fold(0.0, |worst: f64, &error| worst.max(error)))
}

fn insight_of(settings: Settings, keys: &[u64]) -> (Insight, Sampler) {
    let sampler = Sampler::with_settings(settings);
    call_all(&sampler, keys, |_| 1);
    (sampler.insight(Some(100), true), sampler)
}

/// Streams of few keys and of many.
fn few() -> [(&'static str, Vec<u64>); 4] {
    [
        ("loop", looped(20_000, 1000)),
        ("random", random(50_000, 2000, 1)),
        ("zipf", zipf(50_000, 2000, 1.0, 2)),
        (
            "phases",
            (0..4)
                .flat_map(|phase| zipf(5_000, 400, 0.8, 3).into_iter().map(move |key| key + 100 * phase))
                .collect(),
        ),
    ]
}

fn many() -> [(&'static str, Vec<u64>); 3] {
    [
        ("random", random(100_000, 20_000, 4)),
        ("zipf", zipf(100_000, 50_000, 0.9, 5)),
        ("hot", zipf(100_000, 50_000, 1.2, 6)),
    ]
}

#[test]
fn few_keys_are_exact() {
    for (name, keys) in few() {
        let (insight, _) = insight_of(Settings::DEFAULT, &keys);
        let (_, worst) = errors(&keys, |_| 1, &insight);
        assert!(worst < 1e-5, "{name}: {worst}");
        assert!(insight.uncertainty() == 0.0, "{name}");
    }
}

#[test]
fn many_keys_are_estimated() {
    for (name, keys) in many() {
        let (insight, sampler) = insight_of(NEVER_RESTING, &keys);
        let (mean, worst) = errors(&keys, |_| 1, &insight);
        assert!(mean <= 0.005 && worst <= 0.03, "{name}: {mean} {worst}");
        assert!(insight.uncertainty() < 0.05, "{name}: {}", insight.uncertainty());
        assert!(sampler.bytes() <= 1 << 20, "{} bytes", sampler.bytes());
    }
}

#[test]
fn the_edge_of_a_long_loop_is_found() {
    let (insight, _) = insight_of(NEVER_RESTING, &looped(100_000, 20_000));
    assert!(insight.hit_ratio(18_000) < 0.02 && insight.hit_ratio(22_000) > 0.75, "{insight:?}");
}

#[test]
fn weights_are_the_axis() {
    let weight = |key: u64| 64 + usize::try_from(hash_of(key) % 4000).unwrap();
    for (name, keys) in
        [("zipf", zipf(50_000, 1500, 1.0, 7)), ("zipf of many", zipf(100_000, 50_000, 0.9, 8))]
    {
        let sampler = Sampler::with_settings(NEVER_RESTING);
        call_all(&sampler, &keys, weight);
        let (mean, worst) = errors(&keys, weight, &sampler.insight(None, true));
        assert!(mean <= 0.01 && worst <= 0.05, "{name}: {mean} {worst}");
    }
}

#[test]
fn a_resting_sampler_estimates_what_goes_on() {
    let settings = Settings { learn: 1 << 11, duty: 16, depth: 256, ..NEVER_RESTING };
    let streams = [
        ("loop", looped(400_000, 200)),
        ("random", random(400_000, 2_000, 9)),
        ("zipf", zipf(400_000, 10_000, 0.9, 10)),
    ];
    for (name, keys) in streams {
        let (insight, sampler) = insight_of(settings, &keys);
        let (mean, worst) = errors(&keys, |_| 1, &insight);
        assert!(mean <= 0.02 && worst <= 0.06, "{name}: {mean} {worst}");
        let counts = sampler.sampled();
        assert!(counts[0] < 80_000, "{name}: {counts:?}");
    }
}

#[test]
fn what_is_old_is_forgotten() {
    let settings = Settings { half_life: 20_000, ..NEVER_RESTING };
    let keys: Vec<u64> = looped(100_000, 500).into_iter().chain(looped(200_000, 50)).collect();
    let (insight, _) = insight_of(settings, &keys);
    assert!(insight.hit_ratio(50) > 0.99, "{}", insight.hit_ratio(50));
}

#[test]
fn an_entry_that_was_removed_is_a_miss_of_any_capacity() {
    let sampler = Sampler::new();
    for _ in 0..1000 {
        for key in 0..4 {
            sampler.miss(hash_of(key));
            sampler.stored(hash_of(key), 1);
        }
        sampler.removed(hash_of(3));
    }
    let insight = sampler.insight(Some(4), true);
    assert!((insight.best() - 0.75).abs() < 0.01, "{}", insight.best());
}

#[test]
fn what_is_not_stored_is_a_miss_of_any_capacity() {
    let sampler = Sampler::new();
    for _ in 0..1000 {
        sampler.miss(hash_of(1));
    }
    assert!(sampler.insight(None, true).best() == 0.0);
}

#[test]
fn the_curve_has_many_points_and_does_not_fall() {
    let streams = [Vec::new(), looped(10, 3), zipf(100_000, 50_000, 0.8, 11), random(10_000, 3, 12)];
    for keys in streams {
        let (insight, _) = insight_of(Settings::DEFAULT, &keys);
        let curve = insight.curve();
        assert!(curve.len() >= 32);
        for points in curve.windows(2) {
            assert!(points[0].maxsize < points[1].maxsize && points[0].hit_ratio <= points[1].hit_ratio);
        }
        assert!(curve.last().unwrap().maxsize >= 200);
    }
}

#[test]
fn the_parts_of_a_divided_cache_are_merged() {
    let keys = zipf(100_000, 1500, 0.9, 13);
    let samplers = [(); 4].map(|()| Sampler::new());
    for (number, sampler) in samplers.iter().enumerate() {
        let own: Vec<u64> = keys.iter().copied().filter(|&key| hash_of(key) >> 62 == number as u64).collect();
        call_all(sampler, &own, |_| 1);
    }
    let parts = samplers.each_ref().map(|sampler| sampler.insight(Some(25), true));
    let merged = Insight::merged(&parts, Some(100));
    assert_eq!(merged.calls(), 100_000);
    let (mean, _) = errors(&keys, |_| 1, &merged);
    assert!(mean < 0.01, "{mean}");
}

#[test]
fn the_advice_is_in_words() {
    let advice = |keys: &[u64], maxsize| {
        let sampler = Sampler::new();
        call_all(&sampler, keys, |_| 1);
        sampler.insight(maxsize, true).to_string()
    };
    let cycle = looped(100_000, 1400);
    assert_eq!(advice(&cycle[..500], Some(10)), "too few calls so far to tell");
    assert_eq!(
        advice(&cycle, Some(500)),
        "1400 → 99 % (now 500 → 0 %); doubling alone gains nothing: it takes 1400 (99 %), or another policy, such as `w_tinylfu`; beyond 1400 nothing is gained (100000 calls)"
    );
    assert_eq!(advice(&cycle, Some(5000)), "1400 would do: 99 % (now 5000 → 99 %) (100000 calls)");
    assert_eq!(advice(&cycle, Some(1400)), "1400 is right: 99 %; beyond it nothing is gained (100000 calls)");
    assert_eq!(advice(&cycle, None), "1400 → 99 %; beyond that nothing is gained (100000 calls)");
    let once: Vec<u64> = (0..2000).collect();
    assert_eq!(
        advice(&once, Some(100)),
        "keys hardly come twice: no capacity brings more than 0 % (2000 calls)".replace(" (2000 calls)", "")
    );
}

#[test]
fn the_knee_is_where_the_curve_bends() {
    // Half of the calls are of 100 keys in turn, the others of 20,000.
    let (mut random, mut next) = (Random(14), 0);
    let keys: Vec<u64> = (0..200_000)
        .map(|_| {
            if random.below(2) == 0 {
                next = (next + 1) % 100;
                next
            } else {
                1000 + random.below(20_000)
            }
        })
        .collect();
    let (insight, _) = insight_of(NEVER_RESTING, &keys);
    assert!((150..600).contains(&insight.knee()), "{}", insight.knee());
    assert!(insight.working_set() > 10_000, "{}", insight.working_set());
}
