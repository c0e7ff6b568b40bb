//! The sampler of a cache, which records its calls.

use core::cell::{Cell, RefCell};
use std::boxed::Box;
#[cfg(feature = "registry")]
use std::sync::Arc;
use std::vec::Vec;

use super::curve::Insight;
use super::level::Level;
#[cfg(feature = "registry")]
use super::tap::Tap;

/// How many keys each level knows.
const DEPTH: usize = 4096;

/// The number of levels: the last one measures distances of a million keys.
const LEVELS: u32 = 5;

/// How many uses a level counts before it begins to rest.
const LEARN: u64 = 1 << 18;

/// The share of time for which a level is awake that counts each use, and rests: one part in so many. A level of a lower
/// rate is awake for longer, so that each takes the same time.
const DUTY: u64 = 512;

/// After so many calls, all that was counted before counts half.
const HALF_LIFE: u64 = 1 << 23;

/// How many keys each level knows, where memory is divided by the curves (`budget`).
const BUDGET_DEPTH: usize = 1024;

/// How many uses a level counts before it begins to rest, where memory is divided by the curves.
const BUDGET_LEARN: u64 = 1 << 16;

/// The share of time for which a level is awake then: memory follows the calls, so that the curve must.
const BUDGET_DUTY: u64 = 16;

/// After so many calls, all that was counted before counts half.
const BUDGET_HALF_LIFE: u64 = 100_000;

/// The settings of a sampler.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) depth: usize,
    pub(super) levels: u32,
    pub(super) learn: u64,
    pub(super) duty: u64,
    pub(super) half_life: u64,
    /// Whether the cache is empty when the first call is recorded, so that a key that was not seen was never used.
    pub(super) begins_empty: bool,
}

impl Settings {
    pub(super) const DEFAULT: Self = Self {
        depth: DEPTH,
        levels: LEVELS,
        learn: LEARN,
        duty: DUTY,
        half_life: HALF_LIFE,
        begins_empty: true,
    };

    const BUDGET: Self = Self {
        depth: BUDGET_DEPTH,
        levels: LEVELS,
        learn: BUDGET_LEARN,
        duty: BUDGET_DUTY,
        half_life: BUDGET_HALF_LIFE,
        begins_empty: true,
    };
}

/// A sampler of the calls of one cache.
///
/// It costs a call two comparisons if the call is not sampled. It has at most about 0.9 MB of memory, which it takes as
/// keys come.
#[derive(Debug)]
pub struct Sampler {
    /// The bits of a hash that are zero if it is sampled now. No hash has none of all bits.
    mask: Cell<u64>,
    /// How many calls there are until a level wakes up, or begins to rest.
    left: Cell<u64>,
    levels: RefCell<Option<Box<Levels>>>,
    /// To what all calls are passed, if anything.
    #[cfg(feature = "registry")]
    tap: RefCell<Option<Arc<dyn Tap>>>,
    settings: Settings,
}

impl Sampler {
    /// A sampler that has seen no calls.
    pub(crate) const fn new() -> Self {
        Self::of(Settings::DEFAULT)
    }

    /// Like [`new`](Self::new), for a cache whose memory is divided by the curve: a quarter of the memory, and a curve that follows
    /// the last hundred thousand calls. The cache may have entries by now.
    pub(crate) const fn for_budget(begins_empty: bool) -> Self {
        Self::of(Settings { begins_empty, ..Settings::BUDGET })
    }

    const fn of(settings: Settings) -> Self {
        Self {
            mask: Cell::new(0),
            left: Cell::new(u64::MAX),
            levels: RefCell::new(None),
            #[cfg(feature = "registry")]
            tap: RefCell::new(None),
            settings,
        }
    }

    /// Records a call that has found an entry of this weight.
    #[inline]
    pub(crate) fn hit(&self, hash: u64, weight: impl FnOnce() -> usize) {
        if self.is_due(hash) {
            self.sample(hash, Some(weight()));
        }
    }

    /// Records a call that has found no entry.
    #[inline]
    pub(crate) fn miss(&self, hash: u64) {
        if self.is_due(hash) {
            self.sample(hash, None);
        }
    }

    /// Counts a call, and returns whether there is more to do.
    #[inline]
    fn is_due(&self, hash: u64) -> bool {
        let left = self.left.get() - 1;
        self.left.set(left);
        hash & self.mask.get() == 0 || left == 0
    }

    #[cold]
    #[inline(never)]
    fn sample(&self, hash: u64, weight: Option<usize>) {
        #[cfg(feature = "registry")]
        if let Some(tap) = &*self.tap.borrow() {
            tap.record(hash);
        }
        self.with(|levels| levels.sample(hash, weight.map(saturated)));
    }

    /// Records that an entry of this weight was stored: a new one, or in place of another.
    #[inline]
    pub(crate) fn stored(&self, hash: u64, weight: usize) {
        if hash & self.mask.get() == 0 {
            self.change(|levels| levels.store(hash, saturated(weight)));
        }
    }

    /// Records that an entry was removed for another reason than lack of room.
    #[inline]
    pub(crate) fn removed(&self, hash: u64) {
        if hash & self.mask.get() == 0 {
            self.change(|levels| levels.remove(hash));
        }
    }

    #[cold]
    #[inline(never)]
    fn change(&self, change: impl FnOnce(&mut Levels)) {
        self.with(change);
    }

    /// Changes the levels, and brings the numbers that each call reads up to date.
    fn with(&self, change: impl FnOnce(&mut Levels)) {
        let mut levels = self.levels.borrow_mut();
        let levels = levels.get_or_insert_with(|| {
            let levels = Box::new(Levels::new(self.settings));
            self.left.set(levels.until - (u64::MAX - self.left.get()));
            levels
        });
        let call = levels.until - self.left.get();
        if call == levels.until {
            levels.schedule(call);
        }
        change(levels);
        if levels.is_outdated {
            levels.schedule(call);
        }
        self.mask.set(if self.is_tapped() { 0 } else { levels.mask() });
        self.left.set(levels.until - call);
    }

    /// Lets all that was counted so far count half, and counts each use as at first: the calls have changed.
    pub(crate) fn forget(&self) {
        self.change(|levels| {
            levels.all.iter_mut().for_each(Level::learn_anew);
            levels.halve_at = 0;
            levels.is_outdated = true;
        });
    }

    /// Returns whether all calls are passed to a tap.
    #[cfg_attr(not(feature = "registry"), expect(clippy::unused_self, reason = "there are no taps"))]
    fn is_tapped(&self) -> bool {
        #[cfg(feature = "registry")]
        return self.tap.borrow().is_some();
        #[cfg(not(feature = "registry"))]
        false
    }

    /// Passes all calls to a tap from now on, or to none.
    #[cfg(feature = "registry")]
    pub(crate) fn set_tap(&self, tap: Option<Arc<dyn Tap>>) {
        self.tap.replace(tap);
        self.change(|_| ());
    }

    /// Returns the tap to which all calls are passed.
    #[cfg(feature = "registry")]
    pub(crate) fn tap(&self) -> Option<Arc<dyn Tap>> {
        self.tap.borrow().clone()
    }

    /// Returns what is known by now, for a cache of this capacity. With `is_lru` its policy is the one that the curve
    /// describes.
    pub(crate) fn insight(&self, maxsize: Option<usize>, is_lru: bool) -> Insight {
        let levels = self.levels.borrow();
        let Some(levels) = &*levels else { return Insight::none(maxsize, is_lru) };
        let call = levels.until - self.left.get();
        Insight::of_levels(&levels.all, call, maxsize, is_lru)
    }

    /// Creates a sampler with other settings.
    #[cfg(test)]
    pub(super) fn with_settings(settings: Settings) -> Self {
        let sampler = Self::of(settings);
        sampler.with(|_| ());
        sampler
    }

    /// Returns how many bytes the sampler has on the heap.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let levels = self.levels.borrow();
        levels.as_ref().map_or(0, |levels| levels.all.iter().map(Level::bytes).sum())
    }

    /// Returns how many uses were sampled, by level.
    #[cfg(test)]
    pub(super) fn sampled(&self) -> Vec<u64> {
        let levels = self.levels.borrow();
        levels.as_ref().map_or(Vec::new(), |levels| levels.all.iter().map(Level::sampled).collect())
    }
}

/// Converts a weight: more than four billion are counted as four billion.
fn saturated(weight: usize) -> u32 {
    u32::try_from(weight).unwrap_or(u32::MAX)
}

/// The levels, and when they are awake.
#[derive(Debug)]
struct Levels {
    settings: Settings,
    /// By rate, the highest first.
    all: Vec<Level>,
    /// The call at which the schedule is made anew.
    until: u64,
    /// The call after which all counts are halved.
    halve_at: u64,
    /// Whether a level has just learned enough, or turned out to be too short: the schedule depends on it.
    is_outdated: bool,
}

impl Levels {
    fn new(settings: Settings) -> Self {
        let all = (0..settings.levels)
            .map(|number| Level::new(number, settings.depth, settings.begins_empty))
            .collect();
        let half_life = settings.half_life;
        Self { settings, all, until: half_life, halve_at: half_life, is_outdated: false }
    }

    fn sample(&mut self, hash: u64, weight: Option<u32>) {
        for level in self.all.iter_mut().filter(|level| level.takes(hash)) {
            match weight {
                Some(weight) => self.is_outdated |= level.hit(hash, weight),
                None => level.miss(hash),
            }
            self.is_outdated |= level.sampled() == self.settings.learn;
        }
    }

    fn store(&mut self, hash: u64, weight: u32) {
        for level in self.all.iter_mut().filter(|level| level.takes(hash)) {
            self.is_outdated |= level.store(hash, weight);
        }
    }

    fn remove(&mut self, hash: u64) {
        self.all.iter_mut().filter(|level| level.takes(hash)).for_each(|level| level.remove(hash));
    }

    fn has_learned(&self, level: &Level) -> bool {
        level.sampled() >= self.settings.learn
    }

    /// Wakes levels, or lets them rest, and sets the call at which to do so again.
    fn schedule(&mut self, call: u64) {
        if call >= self.halve_at {
            self.all.iter_mut().for_each(|level| level.halve(call));
            self.halve_at = call + self.settings.half_life;
        }
        self.until = self.halve_at;
        self.is_outdated = false;
        let mut is_needed = true;
        for number in 0..self.all.len() {
            let level = &self.all[number];
            let has_learned = self.has_learned(level);
            // A level whose keys all fit makes those of lower rates superfluous.
            let makes_superfluous = has_learned && level.suffices();
            let is_awake = is_needed && (!has_learned || self.is_awake_at(number, call));
            self.all[number].set_awake(is_awake, call);
            is_needed &= !makes_superfluous;
        }
    }

    /// Returns whether a level that has learned enough is awake at this call, and notes when that changes.
    fn is_awake_at(&mut self, number: usize, call: u64) -> bool {
        let shift = 2 * u32::try_from(number).unwrap_or(u32::MAX);
        let duty = (self.settings.duty >> shift).max(1);
        let burst = (4 * self.settings.depth as u64) << shift;
        let period = burst * duty;
        let start = call - call % period;
        // At another time in each period: the calls may have a period of their own.
        let first = start + burst * (mixed(start + number as u64) % duty);
        let changes = [first, first + burst, start + period];
        let next = changes.into_iter().find(|&change| change > call).unwrap_or(start + period);
        if duty > 1 {
            self.until = self.until.min(next);
        }
        (first..first + burst).contains(&call)
    }

    /// Returns the bits of a hash that are zero in those that a level takes now.
    fn mask(&self) -> u64 {
        self.all.iter().filter(|level| level.is_awake()).map(Level::mask).next().unwrap_or(u64::MAX)
    }
}

/// Mixes the bits of a number.
fn mixed(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 31)
}
