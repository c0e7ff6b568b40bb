//! Capacities and times to live from variables of the environment, in place of those in the source.

use core::error::Error;
use core::fmt;
use std::string::String;

use super::location::FunctionLocation;

/// What the names of the variables for capacities begin with.
pub(super) const MAXSIZE: &str = "FUNCTOOLS_MAXSIZE";

/// What the names of the variables for times to live begin with.
pub(super) const TTL: &str = "FUNCTOOLS_TTL";

/// Sets the time to live of a function, in place of that in the source. Used by generated code.
#[derive(Debug)]
pub struct TtlOverride {
    location: &'static FunctionLocation,
    set: fn(f64),
}

inventory::collect!(TtlOverride);

impl TtlOverride {
    #[doc(hidden)]
    pub const fn new(location: &'static FunctionLocation, set: fn(f64)) -> Self {
        Self { location, set }
    }

    /// Returns the name of the variable.
    pub(super) fn variable(&self) -> String {
        variable(TTL, self.location.namespace())
    }

    /// Sets the time to live of results that are stored from now on.
    pub(super) fn set(&self, ttl: f64) {
        (self.set)(ttl);
    }
}

/// Returns the name of the variable for a function of this namespace.
pub(super) fn variable(prefix: &str, namespace: &str) -> String {
    let path = namespace.replace("::", "__");
    let mut name = [prefix, "__"].concat();
    name.extend(path.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }));
    name
}

/// Reads a capacity: a number, or `none`.
pub(super) fn capacity(value: &str) -> Result<Option<usize>, OverrideErrorReason> {
    let value = value.trim();
    if value.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    value.parse().map(Some).map_err(|_| OverrideErrorReason::NotACapacity)
}

/// Reads a time to live: a number above zero.
pub(super) fn ttl(value: &str) -> Result<f64, OverrideErrorReason> {
    let ttl = value.trim().parse().ok().filter(|ttl: &f64| ttl.is_finite() && *ttl > 0.0);
    ttl.ok_or(OverrideErrorReason::NotATtl)
}

/// A variable that has changed no function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideError {
    variable: String,
    value: String,
    reason: OverrideErrorReason,
}

/// Why a variable has changed no function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverrideErrorReason {
    /// No function has a variable of this name.
    UnknownFunction,
    /// Several functions have this variable; give them distinct namespaces.
    SeveralFunctions,
    /// The value is neither a number nor `none`.
    NotACapacity,
    /// The cache is unbounded, or off: `maxsize` is `None` or `0` in the source.
    NotBounded,
    /// The value is no number of seconds above zero.
    NotATtl,
    /// The function has no `ttl` that can be changed: none in the source, or one that is a function.
    NoTtl,
}

impl OverrideError {
    pub(super) fn new(variable: &str, value: &str, reason: OverrideErrorReason) -> Self {
        Self { variable: variable.into(), value: value.into(), reason }
    }

    /// Returns the name of the variable.
    #[must_use]
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> OverrideErrorReason {
        self.reason
    }
}

impl fmt::Display for OverrideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, value, reason } = self;
        match reason {
            OverrideErrorReason::UnknownFunction => {
                write!(f, "{variable}: no memoized function has this variable")
            }
            OverrideErrorReason::SeveralFunctions => {
                write!(f, "{variable}: several memoized functions have this variable")
            }
            OverrideErrorReason::NotACapacity => {
                write!(f, "{variable}={value}: a capacity is a number of entries, or `none`")
            }
            OverrideErrorReason::NotBounded => {
                write!(f, "{variable}: the function has no capacity that can be changed")
            }
            OverrideErrorReason::NotATtl => {
                write!(f, "{variable}={value}: a time to live is a number of seconds above zero")
            }
            OverrideErrorReason::NoTtl => {
                write!(f, "{variable}: the function has no `ttl` that can be changed")
            }
        }
    }
}

impl Error for OverrideError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_the_path_in_capitals() {
        assert_eq!(variable(MAXSIZE, "shop::price"), "FUNCTOOLS_MAXSIZE__SHOP__PRICE");
        assert_eq!(
            variable(MAXSIZE, "<shop::Shop as a::B>::price@12:5"),
            "FUNCTOOLS_MAXSIZE___SHOP__SHOP_AS_A__B___PRICE_12_5"
        );
    }

    #[test]
    fn a_time_to_live_is_a_number_above_zero() {
        assert_eq!([" 30 ", "0.5", "1e3"].map(ttl), [Ok(30.0), Ok(0.5), Ok(1000.0)]);
        let wrong = ["", "0", "-1", "-0.0", "nan", "inf", "1e999", "none", "30s", "1_000"];
        assert_eq!(wrong.map(ttl), [Err(OverrideErrorReason::NotATtl); 10]);
    }

    #[test]
    fn a_capacity_is_a_number_or_none() {
        assert_eq!([" 12 ", "0"].map(capacity), [Ok(Some(12)), Ok(Some(0))]);
        assert_eq!(["none", "None"].map(capacity), [Ok(None); 2]);
        let wrong = ["", "-1", "1.5", "1_000", "many", "99999999999999999999999"];
        assert_eq!(wrong.map(capacity), [Err(OverrideErrorReason::NotACapacity); 6]);
    }
}
