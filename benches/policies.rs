//! A function for each policy and each of two sizes. The cost of an operation must not grow with the number
//! of entries.

use std::iter;

use benches::each;
use functools::lru_cache;

/// The number of calls after which their order repeats.
const DRAWS: usize = 400_000;

macro_rules! policies {
    ($($policy:ident)*) => {
        /// Returns the function with this name, such as `lfu-100`, and its `maxsize`.
        pub(crate) fn by_name(name: &str) -> Option<(fn(u64) -> u64, u64)> {
            $( policies! { @sized name, $policy, 100 100_000 } )*
            None
        }
    };
    (@sized $name:ident, $policy:ident, $($size:literal)*) => { $(
        if $name == format!("{}-{}", stringify!($policy), $size) {
            #[lru_cache(maxsize = $size, policy = $policy)]
            fn sized(n: u64) -> u64 {
                n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            }
            return Some((sized, $size));
        }
    )* };
}

policies! { lru lfu fifo rr sieve s3_fifo w_tinylfu auto }

/// Fills the cache of a function with `maxsize = entries`, then calls it `times` times. The arguments are
/// twice as many as the entries, so some calls hit and some evict.
#[inline(never)]
pub(crate) fn run(call: fn(u64) -> u64, entries: u64, times: usize) {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let draw = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % (2 * entries)
    };
    let draws: Vec<_> = iter::repeat_with(draw).take(DRAWS).collect();
    each(draws.iter().copied(), call);
    each(draws.into_iter().cycle().take(times), call);
}
