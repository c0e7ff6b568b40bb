//! The upper hull of a curve: in which steps memory is worth most.

use std::vec::Vec;

use crate::insight::curve::{CurvePoint, of_size};

/// A part of a hull: so many bytes more bring so much of the hit ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) bytes: usize,
    pub(crate) gain: f64,
}

impl Segment {
    /// Returns the gain of a byte.
    pub(crate) fn slope(&self) -> f64 {
        self.gain / of_size(self.bytes)
    }
}

/// Returns the hit ratio at a capacity.
pub(crate) fn hit_ratio(curve: &[CurvePoint], bytes: usize) -> f64 {
    let after = curve.partition_point(|point| point.maxsize <= bytes);
    let (start, ratio) =
        after.checked_sub(1).map_or((0, 0.0), |below| (curve[below].maxsize, curve[below].hit_ratio));
    let Some(end) = curve.get(after) else { return ratio };
    ratio + (end.hit_ratio - ratio) * of_size(bytes - start) / of_size(end.maxsize - start)
}

/// Returns the steps that are worth most for each byte, from a capacity to another, the best one first.
///
/// Each step ends at a point of the curve. Within a step the hit ratio may lie below the line: at the first part of a
/// cliff, memory brings nothing.
pub(crate) fn hull(curve: &[CurvePoint], from: usize, to: usize) -> Vec<Segment> {
    let at = |bytes| (bytes, hit_ratio(curve, bytes));
    let between = curve.iter().map(|point| (point.maxsize, point.hit_ratio));
    let between = between.filter(|&(bytes, _)| bytes > from && bytes < to);
    let last = curve.last().map_or(from, |last| last.maxsize.min(to));
    let end = (last > from).then(|| at(last));
    let mut corners = std::vec![at(from)];
    for point in between.chain(end) {
        while let [.., before, corner] = *corners {
            if slope(before, corner) > slope(corner, point) {
                break;
            }
            corners.pop();
        }
        if corners.last().is_some_and(|corner| corner.0 < point.0) {
            corners.push(point);
        }
    }
    let steps =
        corners.windows(2).map(|pair| Segment { bytes: pair[1].0 - pair[0].0, gain: pair[1].1 - pair[0].1 });
    steps.take_while(|segment| segment.gain > 0.0).collect()
}

fn slope(start: (usize, f64), end: (usize, f64)) -> f64 {
    (end.1 - start.1) / of_size(end.0.saturating_sub(start.0).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(usize, f64)]) -> Vec<CurvePoint> {
        points.iter().map(|&(maxsize, hit_ratio)| CurvePoint { maxsize, hit_ratio }).collect()
    }

    #[test]
    fn the_hit_ratio_rises_evenly_between_two_points() {
        let curve = curve(&[(100, 0.5), (200, 0.6)]);
        let ratios = [0, 50, 100, 150, 200, 1000].map(|bytes| hit_ratio(&curve, bytes));
        for (ratio, expected) in ratios.into_iter().zip([0.0, 0.25, 0.5, 0.55, 0.6, 0.6]) {
            assert!((ratio - expected).abs() < 1e-9, "{ratios:?}");
        }
        assert!(hit_ratio(&[], 10).abs() < 1e-9);
    }

    #[test]
    fn steps_are_worth_less_and_less() {
        let curve = curve(&[(10, 0.1), (20, 0.3), (30, 0.35), (100, 0.35), (110, 0.9), (200, 0.9)]);
        let steps = hull(&curve, 0, 1000);
        assert_eq!(steps.iter().map(|step| step.bytes).collect::<Vec<_>>(), [20, 90]);
        assert!(steps.windows(2).all(|pair| pair[0].slope() >= pair[1].slope()));
        let gain: f64 = steps.iter().map(|step| step.gain).sum();
        assert!((gain - 0.9).abs() < 1e-9);
    }

    #[test]
    fn a_part_of_a_cliff_brings_nothing() {
        let cliff = curve(&[(100, 0.0), (101, 1.0)]);
        assert_eq!(hull(&cliff, 0, 1000), [Segment { bytes: 101, gain: 1.0 }]);
        assert!(hull(&cliff, 0, 100).is_empty());
        assert_eq!(hull(&cliff, 100, 1000), [Segment { bytes: 1, gain: 1.0 }]);
        assert!(hull(&cliff, 101, 1000).is_empty());
        assert!(hull(&[], 0, 1000).is_empty());
    }
}
