//! `weight = bytes` on functions, and `weigh_bytes` of objects.

use std::rc::Rc;
use std::time::Duration;

use functools::{HeapSize, KIB, LruCache, MIB, ManualClock, invalidate, lru_cache, memoize, tag};

/// The least and the most that an entry takes besides what key and value own.
const ENTRY: std::ops::Range<usize> = 60..400;

#[lru_cache(maxsize = 64 * KIB, weight = bytes)]
fn page(name: &str, bytes: usize) -> Vec<u8> {
    assert!(!name.is_empty());
    vec![0; bytes]
}

#[test]
fn a_function_bounds_the_bytes_of_its_results() {
    page("a", 1000);
    let one = page::cache_info().currsize;
    assert!(ENTRY.contains(&(one - 1001)), "{one}");
    page("b", 1000);
    assert_eq!(page::cache_info().currsize, 2 * one);
    for _ in 0..100 {
        page("c", 10_000);
        page("d", 20_000);
        page("e", 30_000);
        page("f", 40_000);
        assert!(page::cache_info().currsize <= 64 * KIB);
    }
    // Larger than the cache: it is returned, and not stored.
    let before = page::cache_info().currsize;
    assert_eq!(page("g", 65 * KIB).len(), 65 * KIB);
    assert!(!page::cache_contains("g", 65 * KIB));
    assert_eq!(page::cache_info().currsize, before);
    page::cache_put("a", 1000, vec![0; 3]);
    page::cache_clear();
    assert_eq!(page::cache_info().currsize, 0);
}

struct Shop;

#[memoize]
impl Shop {
    #[lru_cache(maxsize = MIB, weight = bytes)]
    fn label(#[key(skip)] &self, id: u64) -> String {
        format!("label {id}")
    }

    #[lru_cache(maxsize = MIB, weight = bytes, shards = 4, policy = s3_fifo)]
    fn sign(#[key(skip)] &self, id: u64) -> Result<String, String> {
        if id == 0 { Err("none".to_owned()) } else { Ok("x".repeat(1000)) }
    }
}

#[lru_cache(maxsize = MIB, weight = bytes)]
fn of_shop(shop: &Shop) -> String {
    shop.label(1)
}

impl std::hash::Hash for Shop {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl PartialEq for Shop {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Shop {}

impl Clone for Shop {
    fn clone(&self) -> Self {
        Self
    }
}

impl HeapSize for Shop {
    fn heap_size(&self) -> usize {
        100_000
    }
}

#[test]
fn the_key_counts_as_it_is_stored() {
    assert_eq!(of_shop(&Shop), "label 1");
    let taken = of_shop::cache_info().currsize;
    assert!(ENTRY.contains(&(taken - 100_007)), "{taken}");
    let taken = Shop::label_cache_info().currsize;
    assert!(ENTRY.contains(&(taken - 7)), "{taken}");
}

#[test]
fn shards_divide_the_bytes_among_them() {
    for id in 0..2000 {
        drop(Shop.sign(id));
        assert!(Shop::sign_cache_info().currsize <= MIB);
    }
    assert!(Shop::sign_cache_info().currsize > MIB / 4 * 3);
}

#[lru_cache(maxsize = MIB, weight = bytes, scope = thread)]
fn shared(n: u64) -> Rc<Vec<u64>> {
    Rc::new(vec![n; 100])
}

#[test]
fn a_thread_has_its_own_bytes() {
    shared(1);
    let taken = shared::cache_info().currsize;
    assert!(ENTRY.contains(&(taken - 800 - 40)), "{taken}");
    std::thread::spawn(|| assert_eq!(shared::cache_info().currsize, 0)).join().unwrap();
}

#[lru_cache(maxsize = MIB, weight = bytes)]
fn plain(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = MIB, weight = bytes, ttl = 60)]
fn dated(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = MIB, weight = bytes, tags = |n, _| [tag("bytes", *n)])]
fn tagged(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = MIB, weight = bytes, policy = w_tinylfu)]
fn popular(n: u64) -> u64 {
    n
}

#[test]
fn what_an_entry_needs_besides_counts_too() {
    _ = (plain(1), dated(1), tagged(1), popular(1));
    let sizes = [plain::cache_info(), dated::cache_info(), tagged::cache_info(), popular::cache_info()];
    let [plain, dated, tagged, popular] = sizes.map(|info| info.currsize);
    assert!(ENTRY.contains(&plain), "{plain}");
    // A deadline, a node with its tags, the links of the policy.
    assert!(dated > plain && tagged > plain + 72 && popular > plain, "{dated} {tagged} {popular} {plain}");
    invalidate(tag("bytes", 1_u64));
    assert!(!tagged::cache_contains(1));
}

#[lru_cache(maxsize = 100 * KIB, weight = bytes)]
async fn fetched(id: u64) -> Vec<u8> {
    vec![0; 1000 * usize::try_from(id).unwrap()]
}

#[test]
fn async_results_count_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for id in 0..90 {
            assert_eq!(fetched(id).await.len(), 1000 * usize::try_from(id).unwrap());
        }
    });
    let taken = fetched::cache_info().currsize;
    assert!((89_000..=100 * KIB).contains(&taken), "{taken}");
}

#[lru_cache(maxsize = MIB, weight = bytes, each = ids)]
fn each_of(ids: &[u64]) -> Vec<String> {
    ids.iter().map(|id| "x".repeat(usize::try_from(*id).unwrap())).collect()
}

#[test]
fn each_element_has_its_weight() {
    each_of(&[100, 200]);
    let taken = each_of::cache_info().currsize;
    assert!((2 * ENTRY.start..2 * ENTRY.end).contains(&(taken - 300)), "{taken}");
}

/// A function of the user's, and not the word.
fn bytes(_: &u64, value: &u64) -> usize {
    usize::try_from(*value).unwrap()
}

#[lru_cache(maxsize = 100, weight = self::bytes)]
fn by_function(n: u64) -> u64 {
    n
}

#[test]
fn a_function_named_bytes_is_written_with_its_path() {
    _ = (by_function(7), by_function(8));
    assert_eq!(by_function::cache_info().currsize, 15);
}

#[test]
fn an_object_counts_the_window_of_a_stale_entry() {
    let clock = ManualClock::new();
    let with = |swr: Option<u64>| {
        let mut builder =
            functools::Cache::<u64, u64, functools::policy::Lru, _>::builder_with(clock.clone())
                .maxsize(MIB)
                .weigh_bytes();
        builder = builder.ttl(Duration::from_secs(5));
        if let Some(swr) = swr {
            builder = builder.swr(Duration::from_secs(swr));
        }
        let cache = builder.build();
        cache.insert(1, 1);
        cache.info().currsize
    };
    assert!(with(Some(5)) >= with(None) + 28);
}

#[test]
fn a_panic_of_the_size_stores_nothing() {
    #[derive(Clone)]
    struct Loud(bool);

    impl HeapSize for Loud {
        fn heap_size(&self) -> usize {
            assert!(!self.0, "loud");
            0
        }
    }

    let cache = LruCache::<u64, Loud>::builder().maxsize(MIB).weigh_bytes().build();
    cache.insert(1, Loud(false));
    let insert = std::panic::AssertUnwindSafe(|| cache.insert(2, Loud(true)));
    assert!(std::panic::catch_unwind(insert).is_err());
    assert_eq!((cache.len(), cache.contains(&2)), (1, false));
}
