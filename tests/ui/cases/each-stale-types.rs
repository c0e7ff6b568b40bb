//! Types that keep the elements of a function from being refreshed.

use std::collections::HashMap;
use std::rc::Rc;

use functools::lru_cache;

#[derive(PartialEq, Eq, Hash)]
struct Id(u32);

impl functools::Argument for Id {
    type Stored = u32;
    fn hash_argument<H: std::hash::Hasher>(&self, state: &mut H) {
        std::hash::Hash::hash(&self.0, state);
    }
    fn eq_argument(&self, other: &Self) -> bool {
        self.0 == other.0
    }
    fn eq_stored(&self, stored: &u32) -> bool {
        self.0 == *stored
    }
    fn to_stored(&self) -> u32 {
        self.0
    }
    fn stored_eq(one: &u32, other: &u32) -> bool {
        one == other
    }
}

#[lru_cache(each = ids, ttl = 60, swr = true)]
fn element_without_clone(ids: Vec<Id>) -> Vec<u32> {
    ids.iter().map(|id| id.0).collect()
}

impl From<Id> for u32 {
    fn from(id: Id) -> Self {
        id.0
    }
}

#[lru_cache(each = ids, ttl = 60, stale_if_error = 60)]
fn kept_element_without_clone(ids: Vec<Id>) -> Result<HashMap<u32, u32>, String> {
    Ok(ids.iter().map(|id| (id.0, id.0)).collect())
}

#[lru_cache(each = ids, ttl = 60, swr = true)]
fn argument_of_one_thread(#[key(skip)] db: Rc<u32>, ids: Vec<u32>) -> Vec<u32> {
    drop(db);
    ids
}

fn main() {}
