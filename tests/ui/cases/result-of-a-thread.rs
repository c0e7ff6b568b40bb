//! With `scope = thread`, a result need not be `Send`, but it must be `Clone` and borrow nothing.

use std::rc::Rc;

use functools::lru_cache;

struct Plain;

#[lru_cache(scope = thread)]
fn not_clone(n: u32) -> Plain {
    let _ = n;
    Plain
}

#[lru_cache(scope = thread)]
fn not_clone_inside(n: u32) -> Result<Vec<Plain>, Rc<str>> {
    let _ = n;
    Ok(Vec::new())
}

#[lru_cache(scope = thread)]
fn borrows(text: &str) -> Option<&str> {
    text.get(1..)
}

#[derive(Clone)]
struct Word<'a>(&'a str);

#[lru_cache(scope = thread)]
fn borrows_inside(text: &str) -> Word<'_> {
    Word(text)
}

struct NoKey;

#[lru_cache(scope = thread)]
fn no_key(key: NoKey) -> u32 {
    let NoKey = key;
    1
}

#[lru_cache(scope = thread, typed = true)]
fn generic<T: Clone + std::hash::Hash + Eq>(value: T) -> Rc<T> {
    Rc::new(value)
}

fn main() {}
