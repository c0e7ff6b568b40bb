//! [`KeyHash`]: the hash of a key, and the numbers that are made of hashes and seeds.

use core::hash::{BuildHasher, Hash, Hasher};
use core::num::NonZeroU64;
use std::sync::LazyLock;

use hashbrown::DefaultHashBuilder;

use super::part::Part;

/// The hash of a key.
///
/// Invariant: it is made once per call, before the lock is taken, and never zero: an entry that holds one needs no flag to tell it from a vacant slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash(NonZeroU64);

/// Seeded once per process: arguments may come from an attacker.
pub(crate) static SEED: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

impl KeyHash {
    /// A bit that hash tables use neither to choose a bucket (the low bits) nor as a tag (the top 7).
    const NEVER_ZERO: NonZeroU64 = NonZeroU64::new(1 << Self::SET).unwrap();

    /// Its number.
    pub(crate) const SET: u32 = 48;

    #[inline]
    pub(crate) fn of<Q: Hash + ?Sized>(key: &Q) -> Self {
        Self::finish(|state| key.hash(state))
    }

    #[inline]
    pub(crate) fn of_part<P: Part>(part: &P) -> Self {
        Self::finish(|state| part.hash_part(state))
    }

    #[inline]
    fn finish(feed: impl FnOnce(&mut <DefaultHashBuilder as BuildHasher>::Hasher)) -> Self {
        let mut state = SEED.build_hasher();
        feed(&mut state);
        Self(Self::NEVER_ZERO | state.finish())
    }

    #[inline]
    pub(crate) fn get(self) -> u64 {
        self.0.get()
    }
}

/// What [`mixed`] is given grows by this from one number to the next.
pub(crate) const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The number of `SplitMix64` (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014) in this state.
pub(crate) const fn mixed(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
