//! A script: operations and their keys, decoded from bytes.

/// An operation on a cache.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Call,
    Refresh,
    /// Ends a computation that is still open.
    End,
    Quick(Quick),
    /// Occurs in wide scripts only.
    Timed(Timed),
}

/// An operation on a cache whose entries may expire and have weights.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timed {
    /// Time passes.
    Tick,
    Info,
    Len,
    Expire,
    PopVictim,
    Retain,
    Resize,
}

/// An operation without a computation that others could overlap.
#[derive(Clone, Copy, Debug)]
pub(super) enum Quick {
    GetOrInsert,
    Get,
    Put,
    Remove,
    Invalidate,
    Contains,
    Peek,
    PeekWith,
    Entries,
    Clear,
}

/// Bytes and how to decode them.
#[derive(Debug)]
pub(super) struct Script<I> {
    bytes: I,
    /// The number of keys: with fewer keys, more operations share one.
    universe: u8,
    /// Whether the script has operations for caches with a lifecycle.
    is_wide: bool,
}

impl<I: Iterator<Item = u8>> Script<I> {
    pub(super) fn new(bytes: I, universe: u8) -> Self {
        Self { bytes, universe, is_wide: false }
    }

    /// Like [`Script::new`], but one operation in four is for caches with a lifecycle.
    pub(super) fn wide(bytes: I, universe: u8) -> Self {
        Self { is_wide: true, ..Self::new(bytes, universe) }
    }

    /// Returns the next operation and its key; `None` when the bytes are used up.
    pub(super) fn next(&mut self) -> Option<(Operation, u8)> {
        let (operation, key) = (self.bytes.next()?, self.bytes.next()?);
        if self.is_wide && operation >= 192 {
            return Some((Self::timed(operation, key), key % self.universe));
        }
        Some((Self::operation(operation, key), key % self.universe))
    }

    fn operation(byte: u8, key: u8) -> Operation {
        Operation::Quick(match byte % 32 {
            0..=10 => return Operation::Call,
            11 => Quick::GetOrInsert,
            12..=14 => return Operation::Refresh,
            15..=18 => Quick::Get,
            19..=21 => Quick::Put,
            22..=23 => Quick::Remove,
            24 => Quick::Invalidate,
            25..=26 => Quick::Contains,
            27..=28 => Quick::Peek,
            29 => Quick::PeekWith,
            30 => Quick::Entries,
            // Rarely: otherwise the cache would always be empty.
            _ if key < 16 => Quick::Clear,
            _ => return Operation::End,
        })
    }

    fn timed(byte: u8, key: u8) -> Operation {
        Operation::Timed(match byte % 16 {
            0..=6 => Timed::Tick,
            7..=8 => Timed::Info,
            9 => Timed::Len,
            10..=11 => Timed::Expire,
            12..=13 => Timed::PopVictim,
            14 if key < 64 => Timed::Retain,
            15 if key < 64 => Timed::Resize,
            _ => return Operation::End,
        })
    }

    /// Returns a byte for another choice; zero when the bytes are used up.
    pub(super) fn choice(&mut self) -> u8 {
        self.bytes.next().unwrap_or(0)
    }
}

/// Returns `length` bytes from a seed.
#[cfg(test)]
pub(super) fn bytes(seed: u64, length: usize) -> impl Iterator<Item = u8> {
    let mut state = seed;
    let numbers = core::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    });
    numbers.flat_map(u64::to_le_bytes).take(length)
}
