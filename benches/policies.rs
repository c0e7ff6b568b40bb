//! A function for each policy and each of two sizes: what an operation costs must not grow with the
//! number of entries.

use std::iter;

use benches::each;
use functools::lru_cache;

/// How many calls there are before the order begins anew.
const DRAWS: usize = 400_000;

macro_rules! policies {
    ($($policy:ident)*) => {
        /// The function by its name, such as `lfu-100`, and how many entries it has room for.
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

policies! { lru lfu fifo rr sieve s3_fifo w_tinylfu }

/// Makes that many calls of a function with room for `entries`, which is full before, however many these
/// are. Their arguments are twice as many as there is room for: some hit, some evict.
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
