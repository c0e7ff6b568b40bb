//! Mistakes inside an expression are reported at the expression.

use functools::lru_cache;

struct Db;

struct User {
    id: u64,
}

#[lru_cache]
fn no_field(#[key(user.name)] user: &User) -> u64 {
    user.id
}

#[lru_cache]
fn no_key(#[key(user)] user: &User) -> u64 {
    user.id
}

#[lru_cache(key = first)]
fn other_function(db: &Db, id: u64) -> u64 {
    let _ = db;
    id
}

fn first(id: &u64) -> u64 {
    *id
}

#[lru_cache(key = |db, _| db)]
fn no_key_made(db: &Db, id: u64) -> u64 {
    let _ = db;
    id
}

#[lru_cache(key = |_, id| id.name)]
fn no_field_of_a_number(db: &Db, id: u64) -> u64 {
    let _ = db;
    id
}

fn main() {
    let user = User { id: 1 };
    println!("{} {} {}", no_field(&user), no_key(&user), other_function(&Db, 1));
    println!("{} {}", no_key_made(&Db, 1), no_field_of_a_number(&Db, 1));
}
