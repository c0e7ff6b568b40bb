//! Advice: a curve in words.

use core::fmt;

use super::curve::Insight;

/// With fewer calls there is no advice.
const FEWEST_CALLS: u64 = 1000;

/// With a lower hit ratio, a cache is hardly worth having.
const LEAST_BEST: f64 = 0.05;

/// What is not worth mentioning: a point.
const POINT: f64 = 0.01;

/// A step of the curve: this gain from a capacity to one a tenth larger.
const CLIFF: f64 = 0.05;

/// Advice in words, such as `1100 → 87 % (now 256 → 61 %); 512 → 71 %; beyond 1100 nothing is gained (52348 calls)`.
impl fmt::Display for Insight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self, f)
    }
}

fn write(insight: &Insight, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if insight.calls() < FEWEST_CALLS {
        return write!(f, "too few calls so far to tell");
    }
    let best = insight.best();
    if best < LEAST_BEST {
        return write!(f, "keys hardly come twice: no capacity brings more than {}", Percent(best));
    }
    let enough = insight.smallest_within(POINT);
    match insight.maxsize() {
        None => write!(f, "{} → {}; beyond that nothing is gained", Rounded(enough), at(insight, enough))?,
        Some(now) => compared(insight, f, now, enough)?,
    }
    if !insight.is_lru() {
        write!(f, "; with `policy = lru`")?;
    }
    let (points, calls) = (100.0 * insight.uncertainty(), insight.calls());
    if points > 0.0 {
        write!(f, " (±{points:.1} points, {calls} calls)")
    } else {
        write!(f, " ({calls} calls)")
    }
}

/// Writes how the present capacity compares with one that is `enough`.
fn compared(insight: &Insight, f: &mut fmt::Formatter<'_>, now: usize, enough: usize) -> fmt::Result {
    let (at_now, at_enough) = (insight.hit_ratio(now), at(insight, enough));
    let shown_now = (Exactly(now), Percent(at_now));
    if at_now >= insight.best() - POINT {
        if enough.saturating_mul(2) <= now {
            return write!(
                f,
                "{} would do: {at_enough} (now {} → {})",
                Rounded(enough),
                shown_now.0,
                shown_now.1
            );
        }
        return write!(f, "{} is right: {}; beyond it nothing is gained", shown_now.0, shown_now.1);
    }
    write!(f, "{} → {at_enough} (now {} → {})", Rounded(enough), shown_now.0, shown_now.1)?;
    let (twice, gain) = (now.saturating_mul(2), insight.gain_of_doubling());
    if gain >= POINT / 2.0 {
        write!(f, "; {} → {}", Exactly(twice), at(insight, twice))?;
    } else {
        write!(f, "; doubling alone gains nothing")?;
    }
    if gain < 2.0 * POINT {
        if let Some(cliff) = cliff(insight, twice, at_now) {
            write!(f, ": it takes {} ({})", Rounded(cliff), at(insight, cliff))?;
            if insight.is_lru() && at_now < insight.best() / 4.0 {
                write!(f, ", or another policy, such as `w_tinylfu`")?;
            }
        }
    }
    write!(f, "; beyond {} nothing is gained", Rounded(enough))
}

/// Returns the end of the first steep part of the curve beyond a capacity, which has a better hit ratio than `at_now`.
fn cliff(insight: &Insight, beyond: usize, at_now: f64) -> Option<usize> {
    let steep = insight.curve().windows(2).find(|points| {
        let [low, high] = [points[0], points[1]].map(|point| point.hit_ratio);
        points[1].maxsize > beyond && high - at_now > 2.0 * CLIFF && high - low > CLIFF
    })?;
    // The end of the step, more exactly than the points are apart.
    let high = steep[1].hit_ratio;
    Some(insight.smallest_with(high - POINT / 2.0))
}

/// Returns the hit ratio at a capacity as it is shown.
fn at(insight: &Insight, maxsize: usize) -> Percent {
    Percent(insight.hit_ratio(maxsize))
}

/// A hit ratio in per cent.
struct Percent(f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} %", 100.0 * self.0)
    }
}

/// A capacity, rounded up to two digits.
struct Rounded(usize);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.checked_ilog10().unwrap_or(0);
        let unit = 10_usize.pow(digits.saturating_sub(1));
        Exactly(self.0.div_ceil(unit).saturating_mul(unit)).fmt(f)
    }
}

/// A capacity as it is.
struct Exactly(usize);

impl fmt::Display for Exactly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
