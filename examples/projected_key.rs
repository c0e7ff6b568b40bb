//! Arguments left out of the key: a database handle, and every field of a request but its user.
//!
//! Run it with `cargo run --example projected_key`.

use std::cell::Cell;
use std::collections::HashMap;

use functools::lru_cache;

/// A handle that is neither `Hash` nor `Eq` nor `Clone` nor `Sync`.
struct Database {
    names: HashMap<u32, &'static str>,
    queries: Cell<u32>,
}

struct Request {
    user: u32,
    time: f64,
}

/// The key is the user of the request alone.
#[lru_cache]
fn name(#[key(skip)] database: &Database, #[key(request.user)] request: &Request) -> Option<String> {
    database.queries.set(database.queries.get() + 1);
    println!("  a query for user {} at {:.1}", request.user, request.time);
    database.names.get(&request.user).map(ToString::to_string)
}

/// A closure makes the whole key: letter case and surrounding space do not matter.
#[lru_cache(key = |text| text.trim().to_lowercase())]
fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn main() {
    let database = Database { names: HashMap::from([(7, "Ada"), (8, "Grace")]), queries: Cell::new(0) };
    for (user, time) in [(7, 0.0), (7, 0.5), (8, 1.0), (7, 1.5)] {
        let name = name(&database, &Request { user, time });
        println!("user {user} at {time:.1}: {name:?}");
    }
    println!("queries: {}", database.queries.get());
    println!("{}", name::cache_info());

    println!("words: {}", words("To be") + words("  to be  ") + words("TO BE"));
    println!("{}", words::cache_info());
}
