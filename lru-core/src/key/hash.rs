//! [`KeyHash`]: the hash of a key; and the mixing function of the pseudorandom numbers.

use core::hash::{BuildHasher, Hash, Hasher};
use core::num::NonZeroU64;
use std::sync::LazyLock;

use hashbrown::DefaultHashBuilder;

use super::part::Part;

/// The hash of a key.
///
/// Invariant: a key is hashed once per call, before the lock is acquired. A hash is never zero, so that
/// `Option<KeyHash>` takes no more memory than a `KeyHash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyHash(NonZeroU64);

/// The hasher, seeded once per process: an attacker who chooses the arguments cannot cause collisions.
pub(crate) static SEED: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

impl KeyHash {
    /// A bit that hash tables use neither to select a bucket (the low bits) nor as a tag (the top 7).
    const NEVER_ZERO: NonZeroU64 = NonZeroU64::new(1 << Self::SET).unwrap();

    /// The hash of no particular key.
    pub(crate) const ANY: Self = Self(Self::NEVER_ZERO);

    /// The number of the bit that is always set.
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

/// The increment of the state between two numbers of [`mixed`].
pub(crate) const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns the number that `SplitMix64` outputs in a given state (Steele, Lea and Flood, "Fast Splittable
/// Pseudorandom Number Generators", OOPSLA 2014).
pub(crate) const fn mixed(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
