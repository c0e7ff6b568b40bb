//! Two `impl`s of one trait for one type, whose accessors would have the same names.

use functools::{lru_cache, memoize};

struct Shop;

trait Convert<A> {
    fn convert(value: A) -> u64;
}

#[memoize]
impl Convert<u8> for Shop {
    #[lru_cache]
    fn convert(value: u8) -> u64 {
        value.into()
    }
}

#[memoize]
impl Convert<u16> for Shop {
    #[lru_cache]
    fn convert(value: u16) -> u64 {
        value.into()
    }
}

fn main() {
    println!("{}", <Shop as Convert<u8>>::convert(1));
}
