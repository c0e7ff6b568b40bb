//! Options, which hold for each element.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use functools::{ManualClock, RemovalCause, bypassed, lru_cache, testing};

use crate::support::Asked;

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

fn now() -> Duration {
    functools::Clock::now(&*CLOCK)
}

#[test]
fn each_entry_has_a_time_to_live() {
    static ASKED: Asked<Vec<u64>> = Asked::new();

    #[lru_cache(each = ids, ttl = |_ids, value: &u64| Duration::from_secs(*value), timer = now)]
    fn lasting(ids: &[u64]) -> Vec<u64> {
        ASKED.add(ids.to_vec());
        ids.iter().map(|id| id * 10).collect()
    }

    #[lru_cache(each = ids, ttl = Duration::from_secs(15), timer = now)]
    fn fixed(ids: &[u64]) -> Vec<u64> {
        ASKED.add(ids.to_vec());
        ids.to_vec()
    }

    assert_eq!(lasting(&[1, 2, 3]), [10, 20, 30]);
    assert_eq!(fixed(&[1, 2]), [1, 2]);
    CLOCK.advance(Duration::from_secs(10));
    assert_eq!(lasting(&[1, 2, 3]), [10, 20, 30]);
    CLOCK.advance(Duration::from_secs(10));
    assert_eq!(lasting(&[1, 2, 3]), [10, 20, 30]);
    assert_eq!(fixed(&[2, 1]), [2, 1]);
    assert_eq!(ASKED.take(), [vec![1, 2, 3], vec![1, 2], vec![1], vec![1, 2], vec![2, 1]]);
}

#[test]
fn functions_of_options_take_an_element_and_its_result() {
    static REMOVED: Mutex<Vec<(String, RemovalCause)>> = Mutex::new(Vec::new());

    fn log(key: &(u8, String), _: &usize, cause: RemovalCause) {
        REMOVED.lock().unwrap().push((key.1.clone(), cause));
    }

    #[lru_cache(
        each = names,
        maxsize = 10,
        weight = |_extra, name, length| name.len().max(*length),
        keep = |extra, name, _length| *extra == 0 && name != "none",
        on_evict = log
    )]
    fn lengths(extra: u8, names: &[&str]) -> Vec<usize> {
        names.iter().map(|name| name.len() + usize::from(extra)).collect()
    }

    assert_eq!(lengths(0, &["four", "none", "five5"]), [4, 4, 5]);
    assert_eq!(lengths::cache_info().currsize, 9);
    assert_eq!(lengths(1, &["a"]), [2], "is not kept");
    assert_eq!(lengths(0, &["ab"]), [2]);
    assert_eq!(lengths::cache_info().currsize, 7);
    assert_eq!(REMOVED.lock().unwrap().as_slice(), [("four".to_owned(), RemovalCause::Evicted)]);
}

#[test]
fn each_entry_can_say_when_it_expires() {
    #[lru_cache(each = ids, ttu = |id, _value, now| now + Duration::from_secs(*id), timer = now)]
    fn until(ids: Vec<u64>) -> HashMap<u64, u64> {
        ids.into_iter().map(|id| (id, id)).collect()
    }
    until(vec![1000, 3000]);
    assert!(until::cache_contains(1000) && until::cache_contains(3000));
}

#[test]
fn placements_hold_batches() {
    #[lru_cache(each = ids, shards = 4, maxsize = 64)]
    fn sharded(ids: &[u32]) -> Vec<u32> {
        ids.iter().map(|id| id + 1).collect()
    }
    let ids: Vec<u32> = (0..300).collect();
    let expected: Vec<u32> = (1..301).collect();
    for _ in 0..3 {
        assert_eq!(sharded(&ids), expected);
        let some = [7, 299, 7, 298, 297, 3, 296, 295];
        assert_eq!(sharded(&some), some.map(|id| id + 1));
    }
    assert!(sharded::cache_info().currsize <= 64);

    #[lru_cache(each = ids, scope = thread)]
    fn of_thread(ids: &[u32]) -> Vec<u32> {
        ids.iter().map(|id| id + 1).collect()
    }
    assert_eq!((of_thread(&[1, 2]), of_thread(&[2, 1])), (vec![2, 3], vec![3, 2]));
    assert_eq!(of_thread::cache_info().hits, 2);

    #[lru_cache(each = ids, maxsize = 0)]
    fn nowhere(ids: &[u32]) -> Vec<u32> {
        ids.iter().map(|id| id + 1).collect()
    }
    assert_eq!(nowhere(&[1, 2, 1]), [2, 3, 2]);
    assert_eq!((nowhere::cache_info().hits, nowhere::cache_info().misses), (0, 3));

    #[lru_cache(each = ids, maxsize = 0, single_flight = true)]
    fn nowhere_shared(ids: &[u32]) -> Vec<u32> {
        ids.iter().map(|id| id + 1).collect()
    }
    assert_eq!(nowhere_shared(&[1, 2, 1]), [2, 3, 2]);
    assert_eq!((nowhere_shared::cache_info().hits, nowhere_shared::cache_info().misses), (0, 3));

    #[lru_cache(each = ids, policy = lfu, maxsize = 2)]
    fn by_use(ids: &[u32]) -> Vec<u32> {
        ids.to_vec()
    }
    by_use(&[1, 2]);
    by_use(&[1]);
    by_use(&[3]);
    assert!(by_use::cache_contains(1) && by_use::cache_contains(3));
}

#[test]
fn a_bypassed_call_computes_all_and_stores_nothing() {
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids)]
    fn counted(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        ids.to_vec()
    }
    counted(&[1]);
    assert_eq!(bypassed(|| counted(&[1, 2, 1])), [1, 2, 1]);
    assert_eq!(ASKED.take(), [vec![1], vec![1, 2]]);
    assert_eq!((counted::cache_info().hits, counted::cache_info().misses), (0, 1));
    testing::isolated(|| {
        assert_eq!(counted(&[1]), [1]);
        assert_eq!(ASKED.take(), [[1]]);
        assert_eq!(counted(&[1]), [1]);
        assert!(ASKED.take().is_empty());
    });
}
