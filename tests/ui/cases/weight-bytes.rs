//! `weight = bytes`, where the size is not known.

use functools::{HeapSize, lru_cache};

#[derive(Clone)]
struct User {
    name: String,
}

#[lru_cache(maxsize = 1000, weight = bytes)]
fn user(id: u64) -> User {
    User { name: id.to_string() }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key(u64);

#[lru_cache(maxsize = 1000, weight = bytes)]
fn name(key: Key) -> String {
    key.0.to_string()
}

#[derive(HeapSize)]
struct Group {
    users: Vec<User>,
}

#[derive(HeapSize)]
struct Closed {
    #[heap_size(skip)]
    user: User,
}

#[derive(HeapSize)]
union Either {
    one: u32,
    other: f32,
}

fn main() {}
