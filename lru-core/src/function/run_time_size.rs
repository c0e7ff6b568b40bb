//! Caches whose capacity is known at run time only: `maxsize = config().cache_size`, and `maxsize = auto(64..=LIMIT)`.

use core::fmt;
use core::ops::{Deref, RangeInclusive};
use core::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

use parking_lot::Mutex;

use crate::engine::Placement;
use crate::function::statics::StaticCache;
use crate::insight::Bounds;
use crate::once::EvaluatedOnce;
use crate::store::maxsize::InitialSize;

/// Held while a capacity is set, and while no code of users runs.
static SETTING: Mutex<()> = Mutex::new(());

/// The expression of a capacity, which is evaluated once.
pub struct SizeAtRunTime {
    size: EvaluatedOnce<InitialSize>,
    expression: fn() -> InitialSize,
}

impl SizeAtRunTime {
    /// Creates the expression of the capacity of a function.
    pub const fn new(name: &'static str, expression: fn() -> InitialSize) -> Self {
        Self { size: EvaluatedOnce::new("maxsize", name), expression }
    }

    /// Returns the capacity, and evaluates the expression unless another thread has done so.
    ///
    /// # Panics
    ///
    /// If the expression panics, or uses the function itself. The next call evaluates it again.
    #[inline]
    pub fn get(&self) -> InitialSize {
        self.size.get(self.expression)
    }
}

impl fmt::Debug for SizeAtRunTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SizeAtRunTime").field("size", &self.size).finish_non_exhaustive()
    }
}

/// A cache in a `static` with the expression of its capacity, which is evaluated before the first use.
pub struct SizedAtRunTime<M> {
    cache: M,
    size: SizeAtRunTime,
    is_sized: AtomicBool,
}

impl<X, const MAXSIZE: i128> SizedAtRunTime<StaticCache<X, MAXSIZE>> {
    /// Combines an empty cache, which is bounded, with the expression of its capacity.
    pub const fn new(
        cache: StaticCache<X, MAXSIZE>,
        name: &'static str,
        expression: fn() -> InitialSize,
    ) -> Self {
        Self { cache, size: SizeAtRunTime::new(name, expression), is_sized: AtomicBool::new(false) }
    }
}

impl<X: Placement, const MAXSIZE: i128> SizedAtRunTime<StaticCache<X, MAXSIZE>> {
    /// Sets the capacity, unless another thread has done so meanwhile. Panics like [`SizeAtRunTime::get`].
    #[cold]
    #[inline(never)]
    fn set_size(&self) {
        let size = self.size.get();
        let _setting = SETTING.lock();
        if self.is_sized.load(Relaxed) {
            return;
        }
        self.cache.set_size(size);
        // Release: the first lookup of another thread finds the capacity that was set.
        self.is_sized.store(true, Release);
    }
}

impl<X: Placement, const MAXSIZE: i128> Deref for SizedAtRunTime<StaticCache<X, MAXSIZE>> {
    type Target = StaticCache<X, MAXSIZE>;

    #[inline]
    fn deref(&self) -> &StaticCache<X, MAXSIZE> {
        if !self.is_sized.load(Acquire) {
            self.set_size();
        }
        &self.cache
    }
}

impl<M> fmt::Debug for SizedAtRunTime<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SizedAtRunTime").field("size", &self.size).finish_non_exhaustive()
    }
}

/// The types that `maxsize` may have at run time: the integer types, and their options.
#[diagnostic::on_unimplemented(
    message = "`maxsize` takes an integer, or an `Option` of one",
    label = "`{Self}` is neither an integer nor an `Option` of one"
)]
pub trait RunTimeSize {
    /// Returns the capacity; `None` is unbounded. A negative one is zero.
    fn capacity(self) -> Option<usize>;
}

macro_rules! sizes {
    ($($type:ty)*) => { $(
        #[diagnostic::do_not_recommend]
        impl RunTimeSize for $type {
            #[allow(unused_comparisons, reason = "of unsigned types none is negative")]
            fn capacity(self) -> Option<usize> {
                Some(if self < 0 { 0 } else { usize::try_from(self).unwrap_or(usize::MAX) })
            }
        }

        #[diagnostic::do_not_recommend]
        impl RunTimeSize for Option<$type> {
            fn capacity(self) -> Option<usize> {
                self.and_then(RunTimeSize::capacity)
            }
        }
    )* };
}
sizes! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

/// Returns the capacity that an expression gives.
pub fn run_time_size(maxsize: impl RunTimeSize) -> InitialSize {
    InitialSize::Fixed(maxsize.capacity())
}

/// Returns the bounds of the capacity of a cache that sets it itself.
pub fn run_time_bounds<T: RunTimeSize>(bounds: RangeInclusive<T>) -> InitialSize {
    let (min, max) = bounds.into_inner();
    let [min, max] = [min, max].map(|bound| bound.capacity().unwrap_or(usize::MAX));
    InitialSize::Within(Bounds::new(min, max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_is_the_nearest_number_of_entries() {
        let fixed = InitialSize::Fixed;
        assert_eq!([run_time_size(-1), run_time_size(i128::MIN), run_time_size(0_u8)], [fixed(Some(0)); 3]);
        assert_eq!(
            [run_time_size(7), run_time_size(Some(7_i64)), run_time_size(7_u128)],
            [fixed(Some(7)); 3]
        );
        assert_eq!([run_time_size(u128::MAX), run_time_size(Some(i128::MAX))], [fixed(Some(usize::MAX)); 2]);
        assert_eq!(run_time_size(None::<usize>), fixed(None));
    }

    #[test]
    fn bounds_are_in_order_and_above_zero() {
        let within = |min, max| InitialSize::Within(Bounds::new(min, max));
        assert_eq!(run_time_bounds(8..=64), within(8, 64));
        assert_eq!(run_time_bounds(RangeInclusive::new(64_u8, 8)), within(8, 8));
        assert_eq!(run_time_bounds(-5..=0), within(1, 1));
        assert_eq!(run_time_bounds(0..=u128::MAX), within(1, usize::MAX));
    }
}
