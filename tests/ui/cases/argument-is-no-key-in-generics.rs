use functools::lru_cache;

#[lru_cache(typed = true)]
fn show<T: ToString>(item: T) -> String {
    item.to_string()
}

#[lru_cache(typed = false)]
fn length(text: impl AsRef<str>) -> usize {
    text.as_ref().len()
}

#[lru_cache(typed = true)]
fn count<T>(items: &[T]) -> usize {
    items.len()
}

#[lru_cache(typed = true)]
fn parse<T: std::str::FromStr + Clone + Send + Sync>(text: &str) -> Result<T, T::Err> {
    text.parse()
}

fn main() {
    println!("{} {} {} {:?}", show(1), length("text"), count(&[1]), parse::<u8>("1"));
}
