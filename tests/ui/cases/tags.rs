use functools::{Tag, invalidates, lru_cache, tag};

#[lru_cache(tags = "user")]
fn tags_are_text(id: u64) -> u64 {
    id
}

fn of(id: &u64) -> [Tag; 1] {
    [tag("user", id)]
}

#[lru_cache(tags = of)]
fn tags_are_a_path(id: u64) -> u64 {
    id
}

#[lru_cache(tags = || [tag("user", 1)])]
fn tags_take_too_few(id: u64) -> u64 {
    id
}

#[lru_cache(tags = |id, value, more| [tag("user", id)])]
fn tags_take_too_many(id: u64) -> u64 {
    id
}

#[lru_cache(tags = |id| ("user", id))]
fn tags_return_a_pair(id: u64) -> u64 {
    id
}

#[lru_cache(tags = |id| [*id])]
fn tags_return_numbers(id: u64) -> u64 {
    id
}

#[lru_cache(depends = 1)]
fn depends_on_a_number(id: u64) -> u64 {
    id
}

#[lru_cache(groups = |id| [tag("user", id)], depends_on = true)]
fn other_names(id: u64) -> u64 {
    id
}

#[lru_cache]
fn user(id: u64) -> u64 {
    id
}

#[invalidates]
fn nothing() {}

#[invalidates(user)]
fn no_call() {}

#[invalidates(user::cache_invalidate(1))]
fn an_accessor() {}

#[invalidates(user("one"))]
fn other_arguments() {}

#[invalidates(user(1))]
fn a_future() -> impl Future<Output = ()> {
    async {}
}

#[invalidates(user(1))]
struct Change;

fn main() {}
