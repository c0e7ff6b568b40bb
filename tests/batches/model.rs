//! Random batches, with changes before and during the body, against the plain function.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use functools::lru_cache;

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(1) };
    /// The version of each element: what the body computes from.
    static VERSIONS: RefCell<HashMap<u32, u32>> = RefCell::default();
}

fn below(bound: u64) -> u64 {
    let state = STATE.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    STATE.set(state);
    (state >> 33) % bound
}

fn version(id: u32) -> u32 {
    VERSIONS.with_borrow(|versions| versions.get(&id).copied().unwrap_or(0))
}

/// Changes an element, and invalidates it.
fn change(id: u32) {
    VERSIONS.with_borrow_mut(|versions| *versions.entry(id).or_default() += 1);
    if below(10) == 0 {
        values::cache_clear();
        absent::cache_clear();
    } else {
        values::cache_invalidate(id);
        absent::cache_invalidate(id);
    }
}

fn value(id: u32) -> (u32, u32) {
    (id, version(id))
}

/// Computes, and changes elements while it does: before it reads them, so that it is right.
#[lru_cache(each = ids, maxsize = 40)]
fn values(ids: &[u32]) -> Vec<(u32, u32)> {
    for _ in 0..below(3) {
        change(below(100) as u32);
    }
    ids.iter().map(|&id| value(id)).collect()
}

#[lru_cache(each = ids, maxsize = 40)]
fn absent(ids: Vec<u32>) -> HashMap<u32, u32> {
    let found = ids.into_iter().filter(|id| (id + version(*id)) % 3 != 0);
    found.map(|id| (id, version(id))).chain([(1000, 1)]).collect()
}

#[test]
fn batches_return_what_the_plain_function_does() {
    for _ in 0..2_000 {
        let ids: Vec<u32> = (0..below(60)).map(|_| below(100) as u32).collect();
        let results = values(&ids);
        for (&id, result) in ids.iter().zip(&results) {
            // The body may have changed an element that the call had found: then it is one version older.
            assert!(
                result.0 == id && result.1 <= version(id) && result.1 + 3 > version(id),
                "{id}: {result:?}"
            );
        }
        if below(2) == 0 {
            change(below(100) as u32);
        }
        let found = absent(ids.clone());
        let expected: HashMap<u32, u32> =
            ids.iter().filter(|&&id| (id + version(id)) % 3 != 0).map(|&id| (id, version(id))).collect();
        assert_eq!(found, expected);
        // Nothing old is left after the changes.
        for id in 0..100 {
            if let Some(peeked) = values::cache_peek(id) {
                assert_eq!(peeked, value(id));
            }
            if let Some(peeked) = absent::cache_peek(id) {
                assert_eq!(peeked, ((id + version(id)) % 3 != 0).then(|| version(id)));
            }
        }
        assert!(values::cache_info().currsize <= 40 && absent::cache_info().currsize <= 40);
    }
}
