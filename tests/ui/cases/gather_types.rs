//! Types of functions whose calls wait for each other.

use std::collections::HashMap;

use functools::lru_cache;

#[derive(Debug)]
struct Fault;

#[lru_cache(each = ids, gather = 0.002)]
async fn error_without_clone(ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
    if ids.is_empty() { Err(Fault) } else { Ok(HashMap::new()) }
}

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

#[lru_cache(each = ids, gather = 0.002)]
async fn element_without_clone(ids: Vec<Id>) -> Vec<u32> {
    ids.iter().map(|id| id.0).collect()
}

fn main() {}
