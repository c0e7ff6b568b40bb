use functools::lru_cache;

struct Db;

#[lru_cache(key = |id| *id)]
fn too_few(db: &Db, id: u64) -> u64 {
    let _ = db;
    id
}

#[lru_cache(key = |id, _| *id)]
fn too_many(id: u64) -> u64 {
    id
}

#[lru_cache(key = || 0)]
fn of_nothing() -> u64 {
    0
}

#[lru_cache(key = "id")]
fn text(id: u64) -> u64 {
    id
}

#[lru_cache(key = |_, id| *id, key_fn = |_, id| *id)]
fn twice(db: &Db, id: u64) -> u64 {
    let _ = db;
    id
}

fn main() {
    println!("{} {} {} {}", too_few(&Db, 1), too_many(1), of_nothing(), text(1));
    println!("{}", twice(&Db, 1));
}
