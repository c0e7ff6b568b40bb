//! What is known of a type while it is traced.

use core::fmt;
use core::mem::take;
use std::collections::HashMap;
use std::vec::Vec;

use serde::de;

/// FNV-1a, a hash that is the same everywhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fingerprint(pub(super) u64);

impl Fingerprint {
    pub(super) const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    pub(super) fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// The position of a value within the type, as a hash.
pub(super) type Position = u64;

/// What the next run does at a position.
#[derive(Default)]
pub(super) struct Plan {
    /// Whether to leave out the value of an `Option`, or the elements of a sequence or map.
    pub(super) is_empty: bool,
    /// Whether the fields of a struct are visited as a sequence, because the type does not take them by name.
    pub(super) is_sequence: bool,
    /// The fields that refuse their values, and are visited last.
    pub(super) last: Vec<usize>,
    /// The variant to visit.
    pub(super) variant: usize,
    /// The number of variants.
    pub(super) variants: usize,
}

pub(super) struct Trace {
    pub(super) fingerprint: Fingerprint,
    pub(super) is_human_readable: bool,
    pub(super) is_whole: bool,
    pub(super) calls: u32,
    pub(super) depth: u32,
    /// The names of the structs and enums around the value.
    pub(super) names: Vec<&'static str>,
    /// How many of these contain themselves: within them, only what is necessary is visited.
    pub(super) recursion: u32,
    plans: HashMap<Position, Plan>,
    /// The enums that were visited in this run, in order.
    pub(super) enums: Vec<Position>,
    /// Whether the next run has another plan, after an error.
    pub(super) is_changed: bool,
}

impl Trace {
    pub(super) fn new(is_human_readable: bool) -> Self {
        Self {
            fingerprint: Fingerprint::EMPTY,
            is_human_readable,
            is_whole: true,
            calls: 0,
            depth: 0,
            names: Vec::new(),
            recursion: 0,
            plans: HashMap::new(),
            enums: Vec::new(),
            is_changed: false,
        }
    }

    pub(super) fn begin(&mut self) {
        self.is_changed = false;
        self.enums.clear();
    }

    /// Plans another variant of the last enum that has one, and returns whether there is one.
    pub(super) fn next_variant(&mut self) -> bool {
        for position in take(&mut self.enums).into_iter().rev() {
            let Some(plan) = self.plans.get_mut(&position) else { continue };
            if plan.variant + 1 < plan.variants {
                plan.variant += 1;
                return true;
            }
        }
        false
    }

    pub(super) fn event(&mut self, event: &str) {
        self.fingerprint.write(event.as_bytes());
        self.fingerprint.write(&[0]);
    }

    pub(super) fn plan(&mut self, position: Position) -> &mut Plan {
        self.plans.entry(position).or_default()
    }
}

/// Returns the position of a part.
pub(super) fn part(of: Position, part: usize) -> Position {
    let mut position = Fingerprint(of ^ Fingerprint::EMPTY.0);
    position.write(&(part as u64).to_le_bytes());
    position.0
}

/// The error of a value that cannot be traced. The text is ignored.
#[derive(Debug)]
pub(super) struct Untraceable;

impl fmt::Display for Untraceable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an invented value was refused")
    }
}

impl de::StdError for Untraceable {}

impl de::Error for Untraceable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}
