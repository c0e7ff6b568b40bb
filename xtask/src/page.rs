//! The page of results: steps add parts to it, and the bars of all parts are listed at its top.
//!
//! Knows nothing of the measurements, only the head of a table of bars, which equals `benches::BARS`.

use std::cell::RefCell;
use std::fmt::Write;
use std::fs;
use std::rc::Rc;

use crate::machine::machine;
use crate::step::{Outcome, Result, fail, root};

/// The path of the page from the top of the repository.
const FILE: &str = "benches/RESULTS.md";

const BARS: &str = "| bar | measured | |";

/// The parts that the steps have added so far.
#[derive(Clone, Default)]
pub(crate) struct Page(Rc<RefCell<Contents>>);

#[derive(Default)]
struct Contents {
    bars: String,
    parts: String,
}

impl Page {
    /// Adds and prints a part, and writes the page with all parts so far.
    pub(crate) fn add(&self, part: &str) -> Result {
        println!("{part}");
        let mut contents = self.0.borrow_mut();
        let mut lines = part.trim_matches('\n').lines();
        contents.parts.push('\n');
        while let Some(line) = lines.next() {
            if line.trim_end() == BARS {
                for bar in lines.by_ref().skip(1).take_while(|line| line.starts_with('|')) {
                    _ = writeln!(contents.bars, "{bar}");
                }
            } else {
                _ = writeln!(contents.parts, "{line}");
            }
        }
        let length = contents.parts.trim_end().len();
        contents.parts.truncate(length);
        contents.parts.push('\n');
        let text = contents.page();
        fs::write(root().join(FILE), text).or_else(|error| fail(format!("{FILE}: {error}")))?;
        Ok(Outcome::Done)
    }
}

impl Contents {
    fn page(&self) -> String {
        let mut out = String::from("# Benchmarks\n\n");
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
