//! The page of results: steps add parts to it, and bars of all parts stand at its top.
//!
//! Knows nothing of what is measured, only how a table of bars begins: as `benches::BARS`.

use std::cell::RefCell;
use std::fmt::Write;
use std::fs;
use std::rc::Rc;

use crate::machine::machine;
use crate::step::{Outcome, Result, fail, root};

/// Where it lies, seen from the top of the repository.
const FILE: &str = "benches/RESULTS.md";

const BARS: &str = "| bar | measured | |";

/// What steps that run one after the other have found.
#[derive(Clone, Default)]
pub(crate) struct Page(Rc<RefCell<Found>>);

#[derive(Default)]
struct Found {
    bars: String,
    parts: String,
}

impl Page {
    /// Prints a part, and writes the page as far as it goes.
    pub(crate) fn add(&self, part: &str) -> Result {
        println!("{part}");
        let mut found = self.0.borrow_mut();
        let mut lines = part.trim_matches('\n').lines();
        found.parts.push('\n');
        while let Some(line) = lines.next() {
            if line.trim_end() == BARS {
                for bar in lines.by_ref().skip(1).take_while(|line| line.starts_with('|')) {
                    _ = writeln!(found.bars, "{bar}");
                }
            } else {
                _ = writeln!(found.parts, "{line}");
            }
        }
        let kept = found.parts.trim_end().len();
        found.parts.truncate(kept);
        found.parts.push('\n');
        let text = found.page();
        fs::write(root().join(FILE), text).or_else(|error| fail(format!("{FILE}: {error}")))?;
        Ok(Outcome::Done)
    }
}

impl Found {
    fn page(&self) -> String {
        let mut out = String::from("# What calls cost\n\n");
        _ = writeln!(out, "Written by `cargo xtask bench`. {}.\n", machine());
        let (bars, met) = (self.bars.lines().count(), self.bars.matches("| met |").count());
        _ = writeln!(
            out,
            "## Bars\n\n{met} of {bars} are met.\n\n{BARS}\n|---|--:|---|\n{}",
            self.bars.trim_end()
        );
        out + &self.parts
    }
}
