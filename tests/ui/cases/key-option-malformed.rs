use functools::lru_cache;

struct Db;

#[derive(Clone)]
struct User {
    id: u64,
}

#[lru_cache]
fn bare(#[key] id: u64) -> u64 {
    id
}

#[lru_cache]
fn empty(#[key()] id: u64) -> u64 {
    id
}

#[lru_cache]
fn skipped(#[key(skip, id)] db: &Db, id: u64) -> u64 {
    let _ = db;
    id
}

#[lru_cache]
fn assigned(#[key = "id"] id: u64) -> u64 {
    id
}

#[lru_cache]
fn twice(#[key(user.id)] #[key(skip)] user: &User) -> u64 {
    user.id
}

#[lru_cache]
fn unknown(#[key(customer.id)] user: &User) -> u64 {
    user.id
}

#[lru_cache]
fn constant(#[key(8)] user: &User) -> u64 {
    user.id
}

#[lru_cache(key = |db, id| id)]
fn both(#[key(skip)] db: &Db, id: u64) -> u64 {
    let _ = db;
    id
}

fn main() {
    let user = User { id: 1 };
    println!("{} {} {} {}", bare(1), empty(1), skipped(&Db, 1), assigned(1));
    println!("{} {} {}", twice(&user), unknown(&user), constant(&user));
    println!("{}", both(&Db, 1));
    println!("{} {}", bare::cache_info(), both::cache_info());
}
