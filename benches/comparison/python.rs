//! What `CPython` was measured to take, by a process of its own.

use std::collections::HashMap;
use std::process::{Command, Stdio};

use crate::{Effort, Figure, traces};

pub(crate) const NAME: &str = "CPython's `lru_cache`, called by `map`";

/// Figures by case and column; none where there is no `python3`.
pub(crate) struct Python(HashMap<(String, String), f64>);

impl Python {
    pub(crate) fn get(&self, case: &str, column: &str) -> Option<f64> {
        self.0.get(&(case.to_owned(), column.to_owned())).copied()
    }

    pub(crate) fn figure(&self, case: &str, column: &str) -> Option<Figure> {
        let nanoseconds = self.get(case, column)?;
        Some(Figure { name: NAME, nanoseconds, counted: None })
    }
}

/// Each line that `lru_cache.py` prints is a case, a column and a number.
pub(crate) fn figures(effort: Effort) -> Python {
    let script = ["comparison/lru_cache.py", effort.of("bench", "try"), traces::FOLDER];
    // What goes wrong there is told by Python itself.
    let output = Command::new("python3").args(script).stderr(Stdio::inherit()).output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    let line = |line: &str| {
        let [case, column, number] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        Some(((case.to_owned(), column.to_owned()), number.parse().ok()?))
    };
    Python(String::from_utf8_lossy(&output).lines().filter_map(line).collect())
}
