//! [`Stripe`]: the hits of one thread, as stamps of the entries.

use super::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// The number of bits of a stamp that count the hits of a thread since it took the lock.
///
/// The other 52 bits are the sequence number without its lowest bit, so the order of use is exact for the first 2^52
/// changes of a cache (some hundred days of nothing but misses); what is answered is right in any case.
const TICK_BITS: u32 = if cfg!(test) { 2 } else { 11 };

/// The number of hits of a thread between two of its locked operations.
const TICKS: u64 = 1 << TICK_BITS;

/// When an entry was used: by the lock holder, or by a hit of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(u64);

impl Stamp {
    /// The stamp before all others.
    pub(crate) const NEVER: Self = Self(0);

    /// The stamp of the lock holder. `sequence` is even, and greater than at all earlier uses.
    #[inline]
    pub(crate) fn locked(sequence: u64) -> Self {
        debug_assert!(sequence % 2 == 0);
        Self(sequence << TICK_BITS)
    }

    /// The stamp of a hit, the number `tick` of its thread, that saw the even number `sequence`.
    #[inline]
    fn hit(sequence: u64, tick: u64) -> Self {
        // Less than any of the next number. The lock holder changes the number once more after its last stamp, so a hit
        // that begins after the lock was released has a greater one.
        Self(sequence << TICK_BITS | (tick % TICKS))
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }
}

/// The hits and misses of one thread. Only that thread writes here, except to `limit`.
#[repr(align(128))]
pub(crate) struct Stripe {
    /// The number of hits.
    tick: AtomicU64,
    /// The number of hits at which the thread takes the lock, so that no two of its hits have the same stamp.
    limit: AtomicU64,
    /// The number of misses that took no lock.
    misses: AtomicU64,
    /// The stamp of the last hit in each slot.
    stamps: Box<[AtomicU64]>,
}

impl Stripe {
    /// Creates the stripe of a thread that holds the lock.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            tick: AtomicU64::new(0),
            limit: AtomicU64::new(TICKS),
            misses: AtomicU64::new(0),
            stamps: (0..slots).map(|_| AtomicU64::new(Stamp::NEVER.to_bits())).collect(),
        }
    }

    /// Records a hit that saw this sequence number. Returns `None` if the thread must take the lock instead.
    #[inline(always)]
    pub(crate) fn hit(&self, slot: usize, sequence: u64) -> Option<()> {
        let tick = self.tick.load(Relaxed);
        if tick >= self.limit.load(Relaxed) {
            return None;
        }
        self.stamps.get(slot)?.store(Stamp::hit(sequence, tick).to_bits(), Relaxed);
        // A lock holder that sees the number sees the stamp.
        self.tick.store(tick + 1, Release);
        Some(())
    }

    /// Counts a miss.
    #[inline]
    pub(crate) fn miss(&self) {
        self.misses.store(self.misses.load(Relaxed) + 1, Relaxed);
    }

    /// Returns whether the thread must take the lock, which then changes the sequence number and
    /// [renews](Self::renew) the stripe.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.tick.load(Relaxed) >= self.limit.load(Relaxed)
    }

    /// Allows the current thread, to which the stripe belongs, further hits. The sequence number must have changed since
    /// it was exhausted.
    pub(crate) fn renew(&self) {
        let tick = self.tick.load(Relaxed);
        self.limit.store((tick / TICKS + 1) * TICKS, Relaxed);
    }

    /// Returns the number of hits so far. The stamps of these hits are then visible.
    pub(crate) fn hits(&self) -> u64 {
        self.tick.load(Acquire)
    }

    /// Returns the number of misses so far.
    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Relaxed)
    }

    /// Returns the stamp of the last hit in a slot.
    #[inline]
    pub(crate) fn stamp(&self, slot: usize) -> Stamp {
        self.stamps.get(slot).map_or(Stamp::NEVER, |stamp| Stamp::from_bits(stamp.load(Relaxed)))
    }
}

/// The number of hits of one thread, which alone writes it, where the order of hits does not matter.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct HitCount(AtomicU64);

impl HitCount {
    #[inline]
    pub(super) fn hit(&self) {
        self.0.store(self.0.load(Relaxed) + 1, Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
