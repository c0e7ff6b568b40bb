//! The report of a budget: which function has how much of it, and why.

use core::fmt;
use core::time::Duration;
use std::vec::Vec;

use crate::observe::location::FunctionLocation;

/// Which function has how much of the [budget](crate::budget), and why.
///
/// [`budget_report`](crate::budget_report) returns it. It is a copy: later calls do not change it. Printed, it has a line for
/// each function.
#[derive(Clone, Debug)]
pub struct BudgetReport {
    pub(crate) total: Option<usize>,
    pub(crate) epochs: u64,
    pub(crate) functions: Vec<BudgetShare>,
}

impl BudgetReport {
    /// Returns the budget in bytes; `None` if there is none.
    #[must_use]
    pub fn total(&self) -> Option<usize> {
        self.total
    }

    /// Returns how often the budget was divided anew, by what was measured.
    #[must_use]
    pub fn epochs(&self) -> u64 {
        self.epochs
    }

    /// Returns the functions that share the budget, the one with the most memory first; none if there is no budget.
    #[must_use]
    pub fn functions(&self) -> &[BudgetShare] {
        &self.functions
    }
}

/// The share of one function in the [budget](crate::budget).
#[derive(Clone, Debug)]
pub struct BudgetShare {
    pub(crate) location: &'static FunctionLocation,
    pub(crate) share: usize,
    pub(crate) floor: usize,
    pub(crate) bound: Option<usize>,
    pub(crate) used: usize,
    pub(crate) calls: u64,
    pub(crate) cost_of_miss: Option<Duration>,
    pub(crate) gain_per_mib: Duration,
    pub(crate) reason: ShareReason,
}

impl BudgetShare {
    /// Returns the path of the function: `shop::price`, or `shop::Shop::price` for a method.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.location.path()
    }

    /// Returns the namespace of the function: the option `namespace`, or its path.
    #[must_use]
    pub fn namespace(&self) -> &'static str {
        self.location.namespace()
    }

    /// Returns the bytes that the function may have.
    #[must_use]
    pub fn share(&self) -> usize {
        self.share
    }

    /// Returns the bytes that the function has at least, whatever others gain.
    #[must_use]
    pub fn floor(&self) -> usize {
        self.floor
    }

    /// Returns the bytes that the function has at most: its own `maxsize`, or what was set by `cache_resize`; `None` if the budget is
    /// its only bound.
    #[must_use]
    pub fn bound(&self) -> Option<usize> {
        self.bound
    }

    /// Returns the bytes of its entries. If the cache was in use when the report was made, it is an earlier value.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used
    }

    /// Returns the number of its calls that were measured, since the budget was set or the cache was cleared.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Returns how long a computation takes: the mean of the last 64, of which each counts as eight times the median at most. `None` before
    /// the first one.
    #[must_use]
    pub fn cost_of_miss(&self) -> Option<Duration> {
        self.cost_of_miss
    }

    /// Returns the computing time that one more mebibyte would save in a thousand calls of all functions in the budget. Memory moves from where
    /// this is little to where it is much.
    #[must_use]
    pub fn gain_per_mib(&self) -> Duration {
        self.gain_per_mib
    }

    /// Returns why the function has this share.
    #[must_use]
    pub fn reason(&self) -> ShareReason {
        self.reason
    }
}

/// Why a function has its share of the [budget](crate::budget).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShareReason {
    /// Nothing was measured yet: the share is an even part.
    EvenPart,
    /// It was not called lately. Its share falls to its floor where another function gains by the memory.
    NotCalled,
    /// A byte saves more computing time here than where it is taken from: the share grows.
    Grows,
    /// A byte saves less computing time here than elsewhere: the share shrinks.
    Shrinks,
    /// The share is at the floor: a byte saves more elsewhere.
    AtFloor,
    /// The share is at the function's own bound.
    AtBound,
    /// More memory would save nothing.
    Sufficient,
    /// More memory would save time, but no more than where it would be taken from.
    Balanced,
}

impl fmt::Display for ShareReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EvenPart => "an even part, before anything is measured",
            Self::NotCalled => "not called lately",
            Self::Grows => "grows: memory saves more time here than elsewhere",
            Self::Shrinks => "shrinks: memory saves more time elsewhere",
            Self::AtFloor => "at its floor: memory saves more time elsewhere",
            Self::AtBound => "at its own bound",
            Self::Sufficient => "enough: more memory would save nothing",
            Self::Balanced => "balanced: more memory would save as much elsewhere",
        })
    }
}

impl fmt::Display for BudgetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(total) = self.total else { return f.write_str("no budget") };
        write!(f, "budget of {} for {} functions", Bytes(total), self.functions.len())?;
        for function in &self.functions {
            write!(f, "\n{function}")?;
        }
        Ok(())
    }
}

impl fmt::Display for BudgetShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { share, floor, used, calls, reason, .. } = self;
        write!(
            f,
            "{}: {} ({} used, floor {}), {reason}; {calls} calls",
            self.path(),
            Bytes(*share),
            Bytes(*used),
            Bytes(*floor)
        )?;
        if let Some(cost) = self.cost_of_miss {
            write!(f, ", a miss takes {cost:.1?}, 1 MiB more saves {:.1?} in 1000 calls", self.gain_per_mib)?;
        }
        Ok(())
    }
}

/// A number of bytes, to be read.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
        let Self(bytes) = *self;
        if bytes < 1024 {
            return write!(f, "{bytes} B");
        }
        let mut unit = 0;
        // In tenths of the unit.
        let mut tenths = bytes.saturating_mul(10) / 1024;
        while tenths >= 10_240 && unit < UNITS.len() - 1 {
            tenths /= 1024;
            unit += 1;
        }
        write!(f, "{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn bytes_are_printed_in_units() {
        let printed = [0, 1023, 1536, 1 << 20, 5 << 29, 1 << 40].map(|bytes| Bytes(bytes).to_string());
        assert_eq!(printed, ["0 B", "1023 B", "1.5 KiB", "1.0 MiB", "2.5 GiB", "1.0 TiB"]);
    }

    #[test]
    fn a_report_has_a_line_for_each_function() {
        static HERE: FunctionLocation =
            FunctionLocation::new("shop", "price", "price", || "shop::price", "shop.rs", 1);
        let share = BudgetShare {
            location: &HERE,
            share: 3 << 20,
            floor: 1 << 20,
            bound: None,
            used: 2 << 20,
            calls: 7,
            cost_of_miss: Some(Duration::from_millis(2)),
            gain_per_mib: Duration::from_micros(1500),
            reason: ShareReason::Grows,
        };
        let report = BudgetReport { total: Some(4 << 20), epochs: 1, functions: std::vec![share] };
        assert_eq!(
            report.to_string(),
            "budget of 4.0 MiB for 1 functions\n\
             shop::price: 3.0 MiB (2.0 MiB used, floor 1.0 MiB), grows: memory saves more time here than elsewhere; \
             7 calls, a miss takes 2.0ms, 1 MiB more saves 1.5ms in 1000 calls"
        );
        assert_eq!(BudgetReport { total: None, ..report }.to_string(), "no budget");
    }
}
