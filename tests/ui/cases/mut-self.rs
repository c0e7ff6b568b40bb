use functools::lru_cache;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop {
    sold: u64,
}

impl Shop {
    #[lru_cache]
    fn sell(&mut self, id: u64) -> u64 {
        self.sold += 1;
        id
    }

    #[lru_cache]
    fn resell(self: &mut Self, id: u64) -> u64 {
        self.sold += 1;
        id
    }

    #[lru_cache]
    fn fill(&self, shelf: &mut Vec<u64>) -> usize {
        shelf.push(self.sold);
        shelf.len()
    }
}

#[lru_cache(typed = true)]
fn sort<T: Ord + Clone + Send + Sync + 'static>(items: &mut [T]) -> usize {
    items.sort();
    items.len()
}

fn main() {
    let mut shop = Shop { sold: 0 };
    println!("{} {} {}", shop.sell(1), shop.resell(1), shop.fill(&mut vec![]));
    println!("{} {}", Shop::sell_cache_info(), Shop::fill_cache_info());
    println!("{} {}", sort(&mut [2, 1]), sort::cache_info());
}
