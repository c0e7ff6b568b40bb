//! Capacities from variables of the environment, in place of those in the source.

use core::error::Error;
use core::fmt;
use std::borrow::ToOwned;
use std::ffi::OsStr;
use std::string::String;
use std::vec::Vec;

use super::registry::{Function, functions};

/// What the names of all variables begin with.
const PREFIX: &str = "FUNCTOOLS_MAXSIZE";

/// Returns the name of the variable for a function of this namespace.
pub(super) fn variable(namespace: &str) -> String {
    let path = namespace.replace("::", "__");
    let mut name = [PREFIX, "__"].concat();
    name.extend(path.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }));
    name
}

/// Reads a capacity: a number, or `none`.
fn capacity(value: &str) -> Option<Option<usize>> {
    let value = value.trim();
    if value.eq_ignore_ascii_case("none") { Some(None) } else { value.parse().ok().map(Some) }
}

/// A variable that has not changed the capacity of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideError {
    variable: String,
    value: String,
    reason: OverrideErrorReason,
}

/// Why a variable has not changed the capacity of a function.
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
}

impl OverrideError {
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
        }
    }
}

impl Error for OverrideError {}

/// Sets capacities from the environment of the process, in place of those in the source: operators change sizes without
/// a new build.
///
/// The variable for the function `shop::price` is `FUNCTOOLS_MAXSIZE__SHOP__PRICE`; [`Function::maxsize_variable`] returns it. Its
/// value is what the accessor `cache_resize` takes: a number of entries (with `weight`, their total weight), or `none`.
/// The environment is read by this call alone, so call it at the start of the program. Returns the number of
/// capacities that were set.
///
/// # Errors
///
/// Returns all variables that begin with `FUNCTOOLS_MAXSIZE` and have set no capacity, sorted by name. The
/// others have taken effect.
///
/// # Panics
///
/// If the environment cannot be read on this platform, or if the expression of the `maxsize` of a function panics.
///
/// # Examples
///
/// ```
/// # mod functools { pub use lru_core::registry; }
/// use functools::registry;
///
/// if let Err(errors) = registry::override_from_env() {
///     for error in errors {
///         eprintln!("{error}");
///     }
/// }
/// ```
pub fn override_from_env() -> Result<usize, Vec<OverrideError>> {
    override_from(std::env::vars_os())
}

/// Like [`override_from_env`], but with variables from elsewhere, such as a file: pairs of a name and a value. Names
/// that do not begin with `FUNCTOOLS_MAXSIZE` are skipped. Of two pairs with one name the last one decides.
///
/// # Errors
///
/// As those of [`override_from_env`].
pub fn override_from<N: AsRef<OsStr>, V: AsRef<OsStr>>(
    variables: impl IntoIterator<Item = (N, V)>,
) -> Result<usize, Vec<OverrideError>> {
    let known: Vec<_> = functions().map(|function| (function.maxsize_variable(), function)).collect();
    let (mut count, mut errors) = (0, Vec::new());
    for (name, value) in variables {
        let (Some(variable), value) = (name.as_ref().to_str(), value.as_ref().to_string_lossy()) else {
            continue;
        };
        if !variable.starts_with(PREFIX) {
            continue;
        }
        match set(&known, variable, &value) {
            Ok(()) => count += 1,
            Err(reason) => {
                let (variable, value) = (variable.to_owned(), value.into_owned());
                errors.push(OverrideError { variable, value, reason });
            }
        }
    }
    errors.sort_by(|one, other| one.variable.cmp(&other.variable));
    if errors.is_empty() { Ok(count) } else { Err(errors) }
}

/// Sets the capacity of the function with this variable.
fn set(known: &[(String, &Function)], variable: &str, value: &str) -> Result<(), OverrideErrorReason> {
    let mut named = known.iter().filter(|(name, _)| name == variable).map(|(_, function)| function);
    let function = named.next().ok_or(OverrideErrorReason::UnknownFunction)?;
    if named.next().is_some() {
        return Err(OverrideErrorReason::SeveralFunctions);
    }
    let maxsize = capacity(value).ok_or(OverrideErrorReason::NotACapacity)?;
    if function.resize(maxsize) { Ok(()) } else { Err(OverrideErrorReason::NotBounded) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_the_path_in_capitals() {
        assert_eq!(variable("shop::price"), "FUNCTOOLS_MAXSIZE__SHOP__PRICE");
        assert_eq!(
            variable("<shop::Shop as a::B>::price@12:5"),
            "FUNCTOOLS_MAXSIZE___SHOP__SHOP_AS_A__B___PRICE_12_5"
        );
    }

    #[test]
    fn a_capacity_is_a_number_or_none() {
        assert_eq!([" 12 ", "0"].map(capacity), [Some(Some(12)), Some(Some(0))]);
        assert_eq!(["none", "None"].map(capacity), [Some(None); 2]);
        assert_eq!(["", "-1", "1.5", "1_000", "many", "99999999999999999999999"].map(capacity), [None; 6]);
    }

    #[test]
    fn variables_of_others_are_skipped_and_all_errors_are_returned() {
        let variables = [("PATH", "7"), ("FUNCTOOLS_MAXSIZE__NO__SUCH", "7"), ("FUNCTOOLS_MAXSIZE_B", "x")];
        let errors = override_from(variables).unwrap_err();
        assert!(errors.iter().all(|error| error.reason() == OverrideErrorReason::UnknownFunction));
        let names: Vec<_> = errors.iter().map(OverrideError::variable).collect();
        assert_eq!(names, ["FUNCTOOLS_MAXSIZE_B", "FUNCTOOLS_MAXSIZE__NO__SUCH"]);
        assert_eq!(override_from([("PATH", "7")]), Ok(0));
    }
}
