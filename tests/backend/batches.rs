//! Functions of many elements (`each`) with a backend: one request for what the process lacks, and one for what was computed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use functools::backend::{Backend, BackendError, ErrorKind, Item, Stored};
use functools::{lru_cache, memoize};

use crate::map_backend::{MapBackend, Slow};

/// Values by namespace and key.
type Values = BTreeMap<(String, Vec<u8>), Vec<u8>>;

/// A user's backend that gives no leases, and records its requests.
#[derive(Debug, Default)]
struct Plain {
    entries: Mutex<Values>,
    requests: Mutex<Vec<&'static str>>,
}

impl Plain {
    const fn new() -> Self {
        Self { entries: Mutex::new(BTreeMap::new()), requests: Mutex::new(Vec::new()) }
    }

    fn request(&self, what: &'static str) {
        self.requests.lock().unwrap().push(what);
    }

    fn take_requests(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

impl Backend for Plain {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        self.request("get");
        let found = self.entries.lock().unwrap().get(&(namespace.to_owned(), key.to_vec())).cloned();
        Ok(found.map(Stored::new))
    }

    fn get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
        self.request("get many");
        let entries = self.entries.lock().unwrap();
        let find = |key: &&[u8]| entries.get(&(namespace.to_owned(), key.to_vec())).cloned().map(Stored::new);
        Ok(keys.iter().map(find).collect())
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        _: Option<Duration>,
    ) -> Result<(), BackendError> {
        self.request("set");
        self.entries.lock().unwrap().insert((namespace.to_owned(), key.to_vec()), value.to_vec());
        Ok(())
    }

    fn set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
        self.request("set many");
        let mut entries = self.entries.lock().unwrap();
        for item in items {
            entries.insert((namespace.to_owned(), item.key.to_vec()), item.value.to_vec());
        }
        Ok(())
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        self.request("delete");
        Ok(self.entries.lock().unwrap().remove(&(namespace.to_owned(), key.to_vec())).is_some())
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        self.request("clear");
        self.entries.lock().unwrap().retain(|(of, _), _| of != namespace);
        Ok(())
    }
}

/// Removes the copies of the process only.
macro_rules! like_another_process {
    ($function:ident, $backend:ident) => {{
        let entries = $backend.entries().clone();
        $function::cache_clear().unwrap();
        *$backend.entries() = entries;
        $backend.take_requests();
    }};
}

#[test]
fn a_batch_asks_once_and_stores_once() {
    static BACKEND: MapBackend = MapBackend::new();
    static ASKED: Mutex<Vec<Vec<u32>>> = Mutex::new(Vec::new());
    #[lru_cache(each = ids, ttl = 60, backend = &BACKEND)]
    fn names(ids: &[u32]) -> HashMap<u32, String> {
        ASKED.lock().unwrap().push(ids.to_vec());
        ids.iter().filter(|id| **id != 13).map(|id| (*id, format!("user {id}"))).collect()
    }
    let all: Vec<u32> = (0..100).collect();
    assert_eq!(names(&all[..50]).len(), 49);
    assert_eq!(BACKEND.take_requests(), ["get many", "set many"]);
    assert_eq!(names(&all[..50]).len(), 49);
    assert_eq!(BACKEND.take_requests(), [""; 0], "the process has all of them");
    like_another_process!(names, BACKEND);
    assert_eq!(names(&all).len(), 99);
    assert_eq!(BACKEND.take_requests(), ["get many", "set many"], "half of them were there");
    assert_eq!(*ASKED.lock().unwrap(), [all[..50].to_vec(), all[50..].to_vec()]);
    let (info, stats) = (names::cache_info(), names::cache_stats());
    assert_eq!((info.hits, info.misses, info.currsize, stats.backend_hits), (50, 50, 100, 50));
    like_another_process!(names, BACKEND);
    assert_eq!(names(&all).len(), 99);
    assert_eq!(BACKEND.take_requests(), ["get many"], "all were there");
    assert_eq!(names(&[]).len(), 0);
    assert_eq!(BACKEND.take_requests(), [""; 0]);
}

#[test]
fn a_backend_without_leases_is_asked_once_and_stores_once() {
    static BACKEND: Plain = Plain::new();
    #[lru_cache(maxsize = 0, each = ids, backend = &BACKEND)]
    fn squares(ids: Vec<u64>) -> Vec<u64> {
        ids.iter().map(|id| id * id).collect()
    }
    assert_eq!(squares(vec![3, 1, 3]), [9, 1, 9]);
    assert_eq!(BACKEND.take_requests(), ["get many", "set many"]);
    assert_eq!(squares(vec![3, 2, 1]), [9, 4, 1]);
    assert_eq!(BACKEND.take_requests(), ["get many", "set many"]);
    assert_eq!(squares(vec![2, 2]), [4, 4]);
    assert_eq!(BACKEND.take_requests(), ["get many"]);
}

#[test]
fn accessors_of_one_element_read_what_a_batch_stored_and_the_other_way_round() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[lru_cache(each = ids, backend = &BACKEND)]
    fn squares(factor: u64, ids: &[u64]) -> Vec<u64> {
        RUNS.fetch_add(ids.len(), SeqCst);
        ids.iter().map(|id| factor * id * id).collect()
    }
    assert_eq!(squares(1, &[2, 3]), [4, 9]);
    like_another_process!(squares, BACKEND);
    assert_eq!(squares::cache_peek(1, 2), Some(4));
    assert_eq!(squares::cache_peek(2, 2), None);
    assert!(squares::cache_contains(1, 3));
    BACKEND.take_requests();
    assert_eq!(squares::cache_peek_many(1, &[2, 5, 3]), [Some(4), None, Some(9)]);
    assert_eq!(BACKEND.take_requests(), ["get many"]);
    squares::cache_put(1, 5, 50).unwrap();
    squares::cache_put_many(1, vec![(6, 60), (7, 70)]).unwrap();
    assert!(squares::cache_invalidate(1, 3).unwrap());
    like_another_process!(squares, BACKEND);
    assert_eq!(squares(1, &[5, 6, 7, 2]), [50, 60, 70, 4]);
    assert_eq!(RUNS.load(SeqCst), 2);
    assert_eq!(squares(1, &[3]), [9], "it was removed in the backend too");
    assert_eq!(RUNS.load(SeqCst), 3);
    assert_eq!(BACKEND.namespaces().len(), 1);
}

static MANY_ENTRIES: MapBackend = MapBackend::new();
static ONE_ENTRY: MapBackend = MapBackend::new();

#[test]
fn the_keys_and_values_are_those_of_a_function_of_one_element() {
    mod many {
        #[functools::lru_cache(each = names, ttl = 60, namespace = "many", backend = &crate::batches::MANY_ENTRIES)]
        pub(super) fn lengths(more: usize, names: &[&str]) -> Vec<usize> {
            names.iter().map(|name| name.len() + more).collect()
        }
    }
    mod one {
        #[functools::lru_cache(ttl = 60, namespace = "one", backend = &crate::batches::ONE_ENTRY)]
        pub(super) fn length(more: usize, name: &str) -> usize {
            name.len() + more
        }
    }
    assert_eq!((many::lengths(1, &["ab"]), one::length(1, "ab")), (vec![3], 3));
    let (many, one) = (MANY_ENTRIES.entries().clone(), ONE_ENTRY.entries().clone());
    let (many, one): (Vec<_>, Vec<_>) = (many.into_iter().collect(), one.into_iter().collect());
    let ((_, key), (value, ttl)) = &many[0];
    let ((_, other_key), (other_value, other_ttl)) = &one[0];
    assert_eq!((key, ttl), (other_key, other_ttl));
    // After the checksum, which covers the namespace, and before and after the deadline.
    assert_eq!((&value[8..16], &value[24..]), (&other_value[8..16], &other_value[24..]));
}

#[test]
fn each_element_has_its_own_ttl_and_verdict() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(
        each = ids,
        ttl = |id: &u64, _: &Option<u64>| Duration::from_secs(*id),
        keep = |_, value| *value != Some(3),
        cache_none = false,
        backend = &BACKEND
    )]
    fn kept(ids: &[u64]) -> HashMap<u64, u64> {
        ids.iter().filter(|id| **id != 4).map(|id| (*id, *id)).collect()
    }
    assert_eq!(kept(&[1, 2, 3, 4]).len(), 3);
    assert_eq!(
        BACKEND.take_requests(),
        ["get many", "set many", "end many"],
        "the leases of two are not needed"
    );
    let seconds = |ttl: &Option<Duration>| ttl.map(|ttl| ttl.as_secs_f64().ceil());
    let ttls: Vec<_> = BACKEND.entries().values().map(|(_, ttl)| seconds(ttl)).collect();
    assert_eq!(ttls, [Some(1.0), Some(2.0)]);
    let stats = kept::cache_stats();
    assert_eq!((kept::cache_info().currsize, stats.not_kept), (2, 1));
}

#[test]
fn what_is_left_of_the_ttl_is_that_of_a_copy() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[lru_cache(each = ids, ttl = 600, front_ttl = 100, backend = &BACKEND)]
    fn squares(ids: &[u64]) -> Vec<u64> {
        RUNS.fetch_add(ids.len(), SeqCst);
        ids.iter().map(|id| id * id).collect()
    }
    assert_eq!(squares(&[2, 3]), [4, 9]);
    like_another_process!(squares, BACKEND);
    BACKEND.entries().values_mut().for_each(|(_, ttl)| *ttl = Some(Duration::from_millis(1)));
    assert_eq!(squares(&[2, 3]), [4, 9]);
    assert_eq!(RUNS.load(SeqCst), 2);
    let start = std::time::Instant::now();
    while start.elapsed() < Duration::from_millis(3) {
        std::thread::yield_now();
    }
    BACKEND.take_requests();
    BACKEND.entries().clear();
    assert_eq!(squares(&[2, 3]), [4, 9]);
    assert_eq!(BACKEND.take_requests(), ["get many", "set many"], "the copies had expired");
    assert_eq!(RUNS.load(SeqCst), 4);
}

#[test]
fn a_result_is_not_stored_over_a_change_of_its_element() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(each = ids, backend = &BACKEND)]
    fn squares(ids: &[u64]) -> Vec<u64> {
        if ids.len() > 1 {
            // Another process changes what is at one of them.
            let place = BACKEND_PLACES.lock().unwrap().first().cloned();
            if let Some((namespace, key)) = place {
                Backend::delete(&BACKEND, &namespace, &key).unwrap();
            }
        }
        ids.iter().map(|id| id * id).collect()
    }
    static BACKEND_PLACES: Mutex<Vec<(String, Vec<u8>)>> = Mutex::new(Vec::new());
    assert_eq!(squares(&[2]), [4]);
    BACKEND_PLACES.lock().unwrap().extend(BACKEND.entries().keys().cloned());
    squares::cache_clear().unwrap();
    assert_eq!(squares(&[2, 3]), [4, 9]);
    assert_eq!(BACKEND.entries().len(), 1, "the lease of one was lost");
    assert_eq!((squares::cache_info().currsize, squares::cache_stats().superseded), (1, 1));
    assert_eq!(squares::cache_peek(3), Some(9));
}

#[test]
fn a_result_that_was_invalidated_meanwhile_is_stored_nowhere() {
    static BACKEND: MapBackend = MapBackend::new();
    static PLAIN: Plain = Plain::new();
    #[lru_cache(each = ids, backend = &BACKEND)]
    fn squares(ids: &[u64]) -> Vec<u64> {
        squares::cache_invalidate(2).unwrap();
        ids.iter().map(|id| id * id).collect()
    }
    #[lru_cache(each = ids, backend = &PLAIN)]
    fn cubes(ids: &[u64]) -> Vec<u64> {
        cubes::cache_invalidate(2).unwrap();
        ids.iter().map(|id| id * id * id).collect()
    }
    assert_eq!((squares(&[2, 3]), cubes(&[2, 3])), (vec![4, 9], vec![8, 27]));
    assert_eq!((squares::cache_peek(2), squares::cache_peek(3)), (None, Some(9)));
    assert_eq!((cubes::cache_peek(2), cubes::cache_peek(3)), (None, Some(27)));
    assert_eq!((BACKEND.entries().len(), PLAIN.entries.lock().unwrap().len()), (1, 1));
}

#[test]
fn a_backend_that_fails_is_left_out_and_counted_once_per_request() {
    static BACKEND: MapBackend = MapBackend::new();
    static ERRORS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    #[lru_cache(
        each = ids,
        backend = &BACKEND,
        on_backend_error = |error| ERRORS.lock().unwrap().push(error.to_string())
    )]
    fn squares(ids: &[u64]) -> Vec<u64> {
        ids.iter().map(|id| id * id).collect()
    }
    BACKEND.set_down(true);
    assert_eq!(squares(&[2, 3]), [4, 9]);
    assert_eq!(BACKEND.take_requests(), ["get many"], "nothing is stored without a lookup");
    assert_eq!(squares::cache_stats().backend_errors, 1);
    BACKEND.set_down(false);
    BACKEND.set_failing(Some("set many"));
    assert_eq!(squares(&[4, 5]), [16, 25]);
    assert_eq!(squares::cache_stats().backend_errors, 2);
    assert_eq!(*ERRORS.lock().unwrap(), ["the backend is down"; 2]);
    assert_eq!(squares::cache_info().currsize, 2, "it is not known whether the others are stored");
    BACKEND.set_failing(None);
    assert_eq!(squares(&[4, 5]), [16, 25]);
    assert_eq!(squares::cache_info().currsize, 4);
}

#[test]
fn a_backend_that_answers_for_fewer_keys_has_failed() {
    static BACKEND: MapBackend = MapBackend::new();
    static KINDS: Mutex<Vec<ErrorKind>> = Mutex::new(Vec::new());
    #[lru_cache(
        each = ids,
        backend = &BACKEND,
        on_backend_error = |error| KINDS.lock().unwrap().push(error.kind())
    )]
    fn squares(ids: &[u64]) -> Vec<u64> {
        BACKEND.leave_out(usize::from(ids.contains(&7)));
        ids.iter().map(|id| id * id).collect()
    }
    BACKEND.leave_out(1);
    assert_eq!(squares(&[2, 3]), [4, 9]);
    assert_eq!(*KINDS.lock().unwrap(), [ErrorKind::Protocol]);
    assert_eq!(squares(&[7, 8]), [49, 64]);
    assert_eq!(*KINDS.lock().unwrap(), [ErrorKind::Protocol; 2]);
    BACKEND.leave_out(0);
    assert_eq!(squares(&[2, 3, 7, 8]), [4, 9, 49, 64]);
}

#[derive(Debug, PartialEq)]
enum Failure {
    Backend,
    Body,
}

impl From<BackendError> for Failure {
    fn from(_: BackendError) -> Self {
        Self::Backend
    }
}

#[test]
fn a_strict_function_returns_the_error_of_its_backend() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[lru_cache(each = ids, strict = true, backend = &BACKEND)]
    fn squares(ids: &[u64]) -> Result<HashMap<u64, u64>, Failure> {
        RUNS.fetch_add(1, SeqCst);
        if ids.contains(&0) { Err(Failure::Body) } else { Ok(ids.iter().map(|id| (*id, id * id)).collect()) }
    }
    BACKEND.set_down(true);
    assert_eq!(squares(&[2]), Err(Failure::Backend));
    assert_eq!(RUNS.load(SeqCst), 0);
    BACKEND.set_down(false);
    assert_eq!(squares(&[2]), Ok(HashMap::from([(2, 4)])));
    BACKEND.set_failing(Some("set many"));
    assert_eq!(squares(&[2, 3]), Err(Failure::Backend));
    assert_eq!(squares(&[2]), Ok(HashMap::from([(2, 4)])));
    BACKEND.set_failing(None);
    BACKEND.take_requests();
    assert_eq!(squares(&[0, 5]), Err(Failure::Body));
    assert_eq!(BACKEND.take_requests(), ["get many", "end many"], "the leases are given up");
}

#[test]
fn a_backend_that_calls_the_function_does_not_wait() {
    static HAS_ASKED: AtomicBool = AtomicBool::new(false);
    static HAS_STORED: AtomicBool = AtomicBool::new(false);

    struct Caller;

    impl Backend for Caller {
        fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
            if !HAS_ASKED.swap(true, SeqCst) {
                assert_eq!(doubles(&[1, 2]), [2, 4]);
            }
            Ok(None)
        }

        fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
            if !HAS_STORED.swap(true, SeqCst) {
                assert_eq!(doubles(&[1, 2]), [2, 4]);
            }
            Ok(())
        }

        fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
            Ok(false)
        }

        fn clear(&self, _: &str) -> Result<(), BackendError> {
            Ok(())
        }
    }

    #[lru_cache(each = ids, maxsize = 0, single_flight = true, flight_timeout = 3600, backend = Caller)]
    fn doubles(ids: &[u64]) -> Vec<u64> {
        ids.iter().map(|id| 2 * id).collect()
    }

    let (done, result) = channel();
    thread::spawn(move || done.send(doubles(&[1, 2])));
    assert_eq!(result.recv_timeout(Duration::from_secs(120)), Ok(vec![2, 4]), "the call waits for itself");
    assert!(HAS_ASKED.load(SeqCst) && HAS_STORED.load(SeqCst));
}

#[test]
fn a_panic_and_a_wrong_number_give_the_leases_up() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(each = ids, backend = &BACKEND)]
    fn squares(ids: &[u64]) -> Vec<u64> {
        assert!(!ids.contains(&0), "no zero");
        ids.iter().filter(|id| **id != 1).map(|id| id * id).collect()
    }
    for ids in [[0, 2], [1, 2]] {
        std::panic::catch_unwind(|| squares(&ids)).unwrap_err();
        assert_eq!(BACKEND.take_requests(), ["get many", "end many"]);
    }
    assert_eq!(squares(&[2, 3]), [4, 9]);
}

#[test]
fn ten_thousand_elements_are_two_requests() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 100, each = ids, backend = &BACKEND)]
    fn doubled(ids: &[u32]) -> Vec<u32> {
        ids.iter().map(|id| 2 * id).collect()
    }
    let ids: Vec<u32> = (0..10_000).collect();
    let expected: Vec<u32> = ids.iter().map(|id| 2 * id).collect();
    assert_eq!(doubled(&ids), expected);
    assert_eq!(BACKEND.take_requests(), ["get many", "set many"]);
    assert_eq!(doubled::cache_info().currsize, 100);
    assert_eq!(doubled(&ids), expected);
    assert_eq!(BACKEND.take_requests(), ["get many"]);
}

#[test]
fn a_method_and_a_generic_function_have_keys_of_their_own() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[derive(Clone, PartialEq, Eq, Hash, serde::Serialize)]
    struct Shop(u64);
    #[memoize]
    impl Shop {
        #[lru_cache(each = ids, backend = &BACKEND)]
        fn prices(&self, ids: &[u64]) -> Vec<u64> {
            RUNS.fetch_add(ids.len(), SeqCst);
            ids.iter().map(|id| id * self.0).collect()
        }
    }
    #[lru_cache(typed = true, each = ids, backend = &BACKEND)]
    fn texts<T: ToString + Clone + Eq + std::hash::Hash + serde::Serialize + Send + Sync + 'static>(
        ids: &[T],
    ) -> Vec<String> {
        RUNS.fetch_add(ids.len(), SeqCst);
        ids.iter().map(T::to_string).collect()
    }
    assert_eq!((Shop(2).prices(&[1, 2]), Shop(3).prices(&[1])), (vec![2, 4], vec![3]));
    assert_eq!(
        (texts(&[1_u8, 2]), texts(&[1_u16])),
        (vec!["1".to_owned(), "2".to_owned()], vec!["1".to_owned()])
    );
    assert_eq!((BACKEND.entries().len(), RUNS.load(SeqCst)), (6, 6));
    let entries = BACKEND.entries().clone();
    (Shop::prices_cache_clear().unwrap(), texts::cache_clear().unwrap());
    *BACKEND.entries() = entries;
    assert_eq!((Shop(2).prices(&[1, 2]), Shop(3).prices(&[1])), (vec![2, 4], vec![3]));
    assert_eq!(
        (texts(&[1_u8, 2]), texts(&[1_u16])),
        (vec!["1".to_owned(), "2".to_owned()], vec!["1".to_owned()])
    );
    assert_eq!(RUNS.load(SeqCst), 6);
}

#[tokio::test]
async fn an_async_function_awaits_its_backend() {
    static BACKEND: MapBackend = MapBackend::new();
    static ASKED: Mutex<Vec<Vec<u32>>> = Mutex::new(Vec::new());
    #[lru_cache(each = ids, ttl = 60, backend = Slow(&BACKEND))]
    async fn users(factor: u32, ids: &[u32]) -> Result<HashMap<u32, u32>, String> {
        ASKED.lock().unwrap().push(ids.to_vec());
        tokio::task::yield_now().await;
        if ids.contains(&0) {
            Err("no zero".to_owned())
        } else {
            Ok(ids.iter().map(|id| (*id, factor * id)).collect())
        }
    }
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    assert_eq!(is_send(users(2, &[1, 2])).await, Ok(HashMap::from([(1, 2), (2, 4)])));
    assert_eq!(BACKEND.take_requests(), ["get many", "set many"]);
    let entries = BACKEND.entries().clone();
    users::cache_clear().await.unwrap();
    *BACKEND.entries() = entries;
    BACKEND.take_requests();
    assert_eq!(users(2, &[1, 3]).await, Ok(HashMap::from([(1, 2), (3, 6)])));
    assert_eq!(BACKEND.take_requests(), ["get many", "set many"]);
    assert_eq!(users(2, &[0, 4]).await, Err("no zero".to_owned()));
    assert_eq!(BACKEND.take_requests(), ["get many", "end many"]);
    assert_eq!(users::cache_peek_many(2, &[1, 2, 4]).await, [Some(Some(2)), Some(Some(4)), None]);
    users::cache_put_many(2, vec![(9, Some(90))]).await.unwrap();
    assert_eq!(users::cache_peek(2, 9).await, Some(Some(90)));
    assert!(users::cache_invalidate(2, 9).await.unwrap());
    assert_eq!(*ASKED.lock().unwrap(), [vec![1, 2], vec![3], vec![0, 4]]);
}

#[tokio::test]
async fn overlapping_batches_ask_the_backend_for_each_element_once() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[lru_cache(maxsize = None, each = ids, backend = Slow(&BACKEND))]
    async fn doubled(ids: Vec<u32>) -> Vec<u32> {
        RUNS.fetch_add(ids.len(), SeqCst);
        tokio::task::yield_now().await;
        ids.iter().map(|id| 2 * id).collect()
    }
    let calls: Vec<_> = (0..20_u32).map(|n| tokio::spawn(doubled((n..n + 100).rev().collect()))).collect();
    for (n, call) in (0..).zip(calls) {
        let expected: Vec<u32> = (n..n + 100).rev().map(|id| 2 * id).collect();
        assert_eq!(call.await.unwrap(), expected);
    }
    assert_eq!(RUNS.load(SeqCst), 119);
    assert_eq!(BACKEND.entries().len(), 119);
}

/// What a function with `gather` and a backend has to be written as.
#[tokio::test]
async fn a_body_of_a_function_with_a_backend_may_gather() {
    static BACKEND: MapBackend = MapBackend::new();
    static ASKED: Mutex<Vec<Vec<u32>>> = Mutex::new(Vec::new());
    #[lru_cache(maxsize = 0, each = ids, gather = 60, gather_max = 4)]
    async fn loaded(ids: &[u32]) -> Vec<u32> {
        ASKED.lock().unwrap().push(ids.to_vec());
        ids.iter().map(|id| 2 * id).collect()
    }
    #[lru_cache(each = ids, backend = Slow(&BACKEND))]
    async fn doubled(ids: Vec<u32>) -> Vec<u32> {
        loaded(&ids).await
    }
    let (one, other) = (tokio::spawn(doubled(vec![1, 2])), tokio::spawn(doubled(vec![3, 4])));
    assert_eq!((one.await.unwrap(), other.await.unwrap()), (vec![2, 4], vec![6, 8]));
    let mut asked = ASKED.lock().unwrap().concat();
    asked.sort_unstable();
    assert_eq!((asked, ASKED.lock().unwrap().len()), (vec![1, 2, 3, 4], 1), "one call of the body");
    assert_eq!(BACKEND.take_requests(), ["get many", "get many", "set many", "set many"]);
}

#[tokio::test]
async fn a_call_that_began_in_a_bypass_ends_outside_of_it() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(each = ids, backend = Slow(&BACKEND))]
    async fn doubled(ids: Vec<u32>) -> Vec<u32> {
        tokio::task::yield_now().await;
        ids.iter().map(|id| 2 * id).collect()
    }
    let mut call = Box::pin(doubled(vec![1, 2]));
    let first = functools::bypassed(|| call.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    assert!(first.is_pending());
    assert_eq!(call.await, [2, 4]);
    assert_eq!((BACKEND.take_requests(), doubled(vec![2]).await), (vec![], vec![4]));
}
