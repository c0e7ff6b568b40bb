use functools::lru_cache;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop {
    name: String,
    goods: Vec<u64>,
}

impl Shop {
    #[lru_cache]
    fn name(&self) -> &str {
        &self.name
    }

    #[lru_cache]
    fn first(&self) -> Option<&u64> {
        self.goods.first()
    }

    #[lru_cache]
    fn itself(&self) -> &Self {
        self
    }
}

#[lru_cache(typed = true)]
fn largest<T: Ord + Clone + std::hash::Hash + Send + Sync + 'static>(items: &[T]) -> Option<&T> {
    items.iter().max()
}

fn main() {
    let shop = Shop { name: String::new(), goods: Vec::new() };
    println!("{} {:?} {}", shop.name(), shop.first(), shop.itself().name);
    println!("{:?} {}", largest(&[1]), largest::cache_info());
}
