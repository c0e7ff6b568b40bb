use std::vec;

use super::*;

fn curve(points: &[(usize, f64)]) -> Vec<CurvePoint> {
    points.iter().map(|&(maxsize, hit_ratio)| CurvePoint { maxsize, hit_ratio }).collect()
}

fn claim(curve: &[CurvePoint], computing: f64, share: usize) -> Claim<'_> {
    Claim { curve, computing, floor: 20, bound: usize::MAX, share }
}

/// Steps until nothing moves.
fn settled(total: usize, mut claims: Vec<Claim<'_>>) -> Vec<usize> {
    for _ in 0..100 {
        let shares = next(total, &claims, &targets(total, &claims));
        if claims.iter().zip(&shares).all(|(claim, &share)| claim.share == share) {
            return shares;
        }
        claims.iter_mut().zip(shares).for_each(|(claim, share)| claim.share = share);
    }
    panic!("the shares do not settle");
}

#[test]
fn memory_goes_where_a_byte_saves_most() {
    let curve = curve(&[(500, 0.5), (1000, 0.6)]);
    let claims = [claim(&curve, 1.0, 500), claim(&curve, 100.0, 500)];
    // The second half of the expensive function is worth more than the first half of the cheap one.
    assert_eq!(targets(1000, &claims), [20, 980]);
    let claims = [claim(&curve, 1.0, 500), claim(&curve, 2.0, 500)];
    assert_eq!(targets(1000, &claims), [500, 500]);
}

#[test]
fn a_step_takes_a_tenth_of_the_budget_at_most_and_two_hundredths_at_least() {
    let steep = curve(&[(1000, 1.0)]);
    let claims = [claim(&steep, 1.0, 500), claim(&steep, 2.0, 500)];
    assert_eq!(next(1000, &claims, &targets(1000, &claims)), [400, 600]);
    assert_eq!(settled(1000, claims.to_vec()), [20, 980]);
    let near = [claim(&steep, 1.0, 39), claim(&steep, 2.0, 961)];
    assert_eq!(next(1000, &near, &targets(1000, &near)), [39, 961]);
}

#[test]
fn where_a_cliff_does_not_fit_the_memory_goes_to_others() {
    // A loop over 2,000 bytes: less than that brings nothing.
    let cliff = curve(&[(1999, 0.0), (2000, 1.0)]);
    let flat = curve(&[(1000, 0.1)]);
    let claims = [claim(&cliff, 1000.0, 500), claim(&flat, 1.0, 500)];
    assert_eq!(targets(1000, &claims), [20, 980]);
    let claims = [claim(&cliff, 1000.0, 500), claim(&flat, 1.0, 500)];
    assert_eq!(targets(2020, &claims), [2000, 20]);
}

#[test]
fn a_function_without_calls_falls_to_its_floor_where_another_gains() {
    let steep = curve(&[(1000, 1.0)]);
    assert_eq!(settled(1000, vec![claim(&steep, 0.0, 900), claim(&steep, 1.0, 100)]), [20, 980]);
    // Otherwise it keeps what it has.
    assert_eq!(settled(1000, vec![claim(&steep, 0.0, 900), claim(&[], 1.0, 100)]), [900, 100]);
}

#[test]
fn bounds_and_floors_hold() {
    let steep = curve(&[(1000, 1.0)]);
    let bounded = Claim { bound: 300, ..claim(&steep, 100.0, 100) };
    assert_eq!(settled(1000, vec![bounded, claim(&steep, 1.0, 100)]), [300, 700]);
    let floored = Claim { floor: 400, ..claim(&steep, 0.0, 500) };
    assert_eq!(settled(1000, vec![floored, claim(&steep, 1.0, 500)]), [400, 600]);
    // More memory than the functions may have stays unused.
    let both = vec![bounded, Claim { bound: 200, ..claim(&steep, 1.0, 0) }];
    assert_eq!(settled(1000, both), [300, 200]);
}

#[test]
fn what_a_lower_budget_lacks_is_taken_at_once() {
    let claims = [claim(&[], 0.0, 600), claim(&[], 0.0, 400)];
    let shares = next(500, &claims, &targets(500, &claims));
    assert!(shares.iter().sum::<usize>() <= 500 && shares[0] > shares[1] && shares[1] >= 20, "{shares:?}");
    let claims = [claim(&[], 0.0, usize::MAX), claim(&[], 0.0, usize::MAX)];
    assert!(next(500, &claims, &targets(500, &claims)).iter().sum::<usize>() <= 500);
}

#[test]
fn floors_are_a_fiftieth_and_fit_into_the_budget() {
    let free = (None, usize::MAX);
    assert_eq!(floors(1000, &[free, free]), [20, 20]);
    assert_eq!(floors(1000, &[free; 100]), [5; 100]);
    assert_eq!(floors(1000, &[(Some(300), usize::MAX), (Some(500), 50)]), [300, 50]);
    assert_eq!(floors(1000, &[(Some(3000), usize::MAX), (Some(1000), usize::MAX)]), [750, 250]);
    assert!(floors(1000, &[]).is_empty());
}

#[test]
fn an_even_division_respects_floors_and_bounds() {
    assert_eq!(evenly(100, &[(0, usize::MAX); 4]), [25; 4]);
    assert_eq!(evenly(100, &[(0, 10), (0, usize::MAX), (0, 200)]), [10, 45, 45]);
    assert_eq!(evenly(100, &[(0, 10), (0, 20)]), [10, 20]);
    assert_eq!(evenly(100, &[(60, 100), (0, 100), (30, 100)]), [60, 10, 30]);
    assert_eq!(evenly(100, &[(60, 100), (60, 100)]), [60, 40]);
    assert!(evenly(100, &[]).is_empty());
}

/// A generator of numbers, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 1).unwrap_or(0) % end
    }

    fn curve(&mut self) -> Vec<CurvePoint> {
        let (mut maxsize, mut hit_ratio) = (0, 0.0);
        let points = (0..self.below(12)).map(|_| {
            maxsize += 1 + self.below(5000);
            if self.below(3) > 0 {
                hit_ratio += (1.0 - hit_ratio) * of_size(self.below(100)) / 100.0;
            }
            CurvePoint { maxsize, hit_ratio }
        });
        points.collect()
    }
}

/// The computing time that a division saves.
fn saved(claims: &[Claim<'_>], shares: &[usize]) -> f64 {
    let saved = |(claim, &share): (&Claim<'_>, &usize)| {
        claim.computing * crate::budget::hull::hit_ratio(claim.curve, share)
    };
    claims.iter().zip(shares).map(saved).sum()
}

#[test]
fn whatever_the_functions_are_the_budget_holds() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..3000 {
        let total = 100 + random.below(20_000);
        let number = 1 + random.below(6);
        let curves: Vec<_> = (0..number).map(|_| random.curve()).collect();
        let wanted: Vec<_> = (0..number)
            .map(|_| {
                let floor = (random.below(4) == 0).then(|| random.below(total));
                let bound = if random.below(3) == 0 { random.below(10_000) } else { usize::MAX };
                (floor, bound)
            })
            .collect();
        let floors = floors(total, &wanted);
        let mut claims: Vec<_> = curves
            .iter()
            .zip(&wanted)
            .zip(&floors)
            .map(|((curve, &(_, bound)), &floor)| Claim {
                curve,
                computing: of_size(random.below(1000)),
                floor,
                bound,
                share: random.below(10_000),
            })
            .collect();
        let mut is_fitted = false;
        for step in 0..40 {
            let targets = targets(total, &claims);
            let shares = next(total, &claims, &targets);
            for shares in [&targets, &shares] {
                assert!(shares.iter().sum::<usize>() <= total, "round {round}: {claims:?} {shares:?}");
            }
            for ((claim, &share), &target) in claims.iter().zip(&shares).zip(&targets) {
                assert!(share <= claim.bound && target <= claim.bound && target >= claim.floor);
                // A floor is kept, and one that was not there is approached.
                assert!(share >= claim.floor.min(claim.share), "round {round}.{step}: {claims:?} {shares:?}");
            }
            let taken: usize =
                claims.iter().zip(&shares).map(|(claim, &share)| claim.share.saturating_sub(share)).sum();
            assert!(!is_fitted || taken <= total / 10 + 1, "round {round}.{step}: {taken} of {total}");
            claims.iter_mut().zip(shares).for_each(|(claim, share)| claim.share = share);
            is_fitted = true;
        }
        // The division that is approached is no worse than an even one, up to a step that is too small, and as much that no function has.
        let shares: Vec<_> = claims.iter().map(|claim| claim.share).collect();
        let best = targets(total, &claims);
        let far: usize = shares.iter().zip(&best).map(|(share, target)| target.saturating_sub(*share)).sum();
        assert!(
            of_size(far) <= of_size(total) * SMALLEST_STEP * 2.0 + 1.0,
            "round {round}: {shares:?} {best:?}"
        );
        assert!(saved(&claims, &best) >= 0.0);
    }
}

#[test]
fn with_concave_curves_no_division_into_hundredths_is_better() {
    let mut random = Random(77);
    for _ in 0..200 {
        let curves: Vec<_> = (0..3)
            .map(|_| {
                let (size, top) = (50 + random.below(2000), of_size(1 + random.below(100)) / 100.0);
                let points = (1..=20).map(|n| {
                    let part = of_size(n) / 20.0;
                    (size * n, top * part.sqrt())
                });
                curve(&points.collect::<Vec<_>>())
            })
            .collect();
        let claims: Vec<_> = curves
            .iter()
            .map(|curve| Claim { floor: 0, ..claim(curve, of_size(1 + random.below(100)), 1000) })
            .collect();
        let best = saved(&claims, &targets(3000, &claims));
        for first in 0..=100 {
            for second in 0..=(100 - first) {
                let shares = [first * 30, second * 30, (100 - first - second) * 30];
                assert!(saved(&claims, &shares) <= best + 1e-6, "{shares:?}");
            }
        }
    }
}

#[test]
fn floors_whose_sum_is_no_number_are_reduced_in_proportion() {
    let all = (Some(usize::MAX), usize::MAX);
    assert_eq!(floors(1000, &[all, all]), [500, 500]);
    assert_eq!(floors(1000, &[all, (Some(0), 10), all]), [500, 0, 500]);
    assert_eq!(floors(1000, &[(Some(600), 1000), (Some(300), 1000)]), [600, 300]);
    assert_eq!(floors(0, &[(Some(600), 1000), (None, 1000)]), [0, 0]);
}
