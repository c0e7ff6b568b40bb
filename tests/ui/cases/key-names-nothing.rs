use functools::lru_cache;

struct User {
    id: u64,
}

#[lru_cache]
fn half_known(#[key((user.id, locale))] user: &User) -> u64 {
    user.id
}

#[lru_cache(key = make)]
fn no_function(id: u64) -> u64 {
    id
}

#[lru_cache(key = |user| (user.id, id))]
fn not_given(user: &User) -> u64 {
    user.id
}

fn main() {
    let user = User { id: 1 };
    println!("{} {} {}", half_known(&user), no_function(1), not_given(&user));
}
