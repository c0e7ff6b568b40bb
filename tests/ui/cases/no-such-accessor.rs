use functools::lru_cache;

#[lru_cache]
fn fib(n: u64) -> u64 {
    n
}

#[lru_cache(typed = true)]
fn show(item: impl ToString + functools::Argument) -> String {
    item.to_string()
}

mod shop {
    #[functools::lru_cache]
    fn price(id: u64) -> u64 {
        id
    }

    pub fn both(id: u64) -> u64 {
        2 * price(id)
    }
}

use shop::price;

mod area {}

#[lru_cache]
fn area(width: u64) -> u64 {
    width
}

fn main() {
    println!("{}", fib.cache_info());
    show::cache_retain(|_, _| true);
    println!("{} {} {}", price(1), shop::both(1), area(1));
}
