//! Arguments and results with serde attributes, and results whose type has changed.

use std::collections::BTreeMap;
use std::sync::Mutex;

use functools::backend::{BackendError, ErrorKind};
use functools::lru_cache;
use serde::{Deserialize, Serialize};

use crate::map_backend::MapBackend;

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
struct Range {
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u32>,
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Name(String),
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind")]
enum Figure {
    Circle { radius: u32 },
    Square { side: u32 },
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
struct Flat {
    #[serde(flatten)]
    rest: BTreeMap<String, u32>,
}

#[test]
fn arguments_with_attributes_are_different_keys() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn range(it: Range) -> String {
        format!("{:?} to {:?}", it.min, it.max)
    }
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn id(it: Id) -> bool {
        matches!(it, Id::Name(_))
    }
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn area(it: Figure) -> u32 {
        match it {
            Figure::Circle { radius } => 3 * radius * radius,
            Figure::Square { side } => side * side,
        }
    }
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn names(it: Flat) -> String {
        it.rest.keys().cloned().collect()
    }
    for _ in 0..2 {
        assert_eq!(range(Range { min: Some(5), max: None }), "Some(5) to None");
        assert_eq!(range(Range { min: None, max: Some(5) }), "None to Some(5)");
        assert!(!id(Id::Number(0)));
        assert!(id(Id::Name(String::new())));
        assert_eq!((area(Figure::Circle { radius: 2 }), area(Figure::Square { side: 2 })), (12, 4));
        assert_eq!(names(Flat { rest: BTreeMap::from([("a".into(), 1)]) }), "a");
        assert_eq!(names(Flat { rest: BTreeMap::from([("b".into(), 1)]) }), "b");
    }
    let hits = [range::cache_info(), id::cache_info(), area::cache_info(), names::cache_info()];
    assert_eq!(hits.map(|info| info.hits), [2; 4]);
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Attempts {
    #[serde(skip_serializing_if = "is_zero", default)]
    retries: u32,
    total: u32,
}

#[test]
fn a_result_that_cannot_be_read_back_is_not_stored_and_told() {
    static BACKEND: MapBackend = MapBackend::new();
    static ERRORS: Mutex<Vec<(ErrorKind, String)>> = Mutex::new(Vec::new());
    fn record(error: &BackendError) {
        ERRORS.lock().unwrap().push((error.kind(), error.to_string()));
    }
    #[lru_cache(maxsize = 0, backend = &BACKEND, on_backend_error = record)]
    fn attempts(retries: u32) -> Attempts {
        Attempts { retries, total: 200 }
    }
    for _ in 0..2 {
        assert_eq!(attempts(1), Attempts { retries: 1, total: 200 });
    }
    assert_eq!((attempts::cache_info().hits, attempts::cache_stats().backend_errors), (1, 0));
    for errors in 1..3 {
        assert_eq!(attempts(0), Attempts { retries: 0, total: 200 });
        assert_eq!((attempts::cache_info().hits, attempts::cache_stats().backend_errors), (1, errors));
    }
    assert_eq!(BACKEND.entries().len(), 1);
    let (kind, message) = ERRORS.lock().unwrap()[0].clone();
    assert_eq!(kind, ErrorKind::Serialization);
    assert!(
        message.starts_with("a result of type `backend::attributes::Attempts` cannot be stored"),
        "{message}"
    );
    assert!(attempts::cache_put(0, Attempts { retries: 0, total: 1 }).is_err());
}

#[test]
fn results_that_are_read_by_name_are_json() {
    static BACKEND: MapBackend = MapBackend::new();
    #[cfg(feature = "json")]
    #[lru_cache(maxsize = 0, format = json, backend = &BACKEND)]
    fn attempts(retries: u32) -> Attempts {
        Attempts { retries, total: 200 }
    }
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn any(n: u32) -> serde_json::Value {
        serde_json::json!({ "n": n })
    }
    for _ in 0..2 {
        #[cfg(feature = "json")]
        assert_eq!(attempts(0), Attempts { retries: 0, total: 200 });
        assert_eq!(any(1)["n"], 1);
    }
    #[cfg(feature = "json")]
    assert_eq!((attempts::cache_info().hits, attempts::cache_stats().backend_errors), (1, 0));
    assert_eq!((any::cache_info().hits, any::cache_stats().backend_errors), (0, 2));
}
