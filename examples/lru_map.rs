//! A cache as a plain object, used like a map: of three entries the least recently used makes room.
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

    println!("\nwho would leave next: {:?}", capitals.pop_victim());
    println!("{}", capitals.info());
}
