//! Measurements of `CPython`, made by a separate process.

use std::collections::HashMap;
use std::process::{Command, Stdio};

use crate::{Effort, Figure, traces};

pub(crate) const NAME: &str = "CPython's `lru_cache`, called by `map`";

/// Measurements by case and column; empty without `python3`.
pub(crate) struct Python(HashMap<(String, String), f64>);

impl Python {
    pub(crate) fn get(&self, case: &str, column: &str) -> Option<f64> {
        self.0.get(&(case.to_owned(), column.to_owned())).copied()
    }

    pub(crate) fn figure(&self, case: &str, column: &str) -> Option<Figure> {
        let nanoseconds = self.get(case, column)?;
        Some(Figure { name: NAME, nanoseconds, median: None, counted: None })
    }
}

/// Parses the lines that `lru_cache.py` prints: a case, a column and a number.
pub(crate) fn figures(effort: Effort) -> Python {
    let script = ["comparison/lru_cache.py", effort.of("bench", "try"), traces::FOLDER];
    // Python prints its own errors.
    let output = Command::new("python3").args(script).stderr(Stdio::inherit()).output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    let line = |line: &str| {
        let [case, column, number] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        Some(((case.to_owned(), column.to_owned()), number.parse().ok()?))
    };
    Python(String::from_utf8_lossy(&output).lines().filter_map(line).collect())
}
