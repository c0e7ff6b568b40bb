//! A cache as an object, used like a map: with three entries, a new one evicts the least recently used.
//!
//! Run it with `cargo run --example lru_map`.

use functools::LruCache;

fn main() {
    let capitals = LruCache::new(Some(3));
    for (country, capital) in [("France", "Paris"), ("Italy", "Rome"), ("Spain", "Madrid")] {
        capitals.insert(country, capital);
    }
    println!("from the oldest: {:?}", capitals.iter());

    println!("\nthe capital of France: {:?}", capitals.get("France"));
    println!("from the oldest: {:?}", capitals.iter());

    capitals.insert("Norway", "Oslo");
    println!("\nwith Norway in it: {:?}", capitals.iter());
    println!("the capital of Italy: {:?}", capitals.get("Italy"));

    println!("\nnext victim: {:?}", capitals.pop_victim());
    println!("{}", capitals.info());
}
