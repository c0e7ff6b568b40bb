//! Caches in objects and parameters: `cache = self.prices`, `cache = memo`.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, LazyLock};

use functools::{LruCache, Tagged, lru_cache};

use crate::support::tally as info;

#[test]
fn what_an_object_remembers_is_dropped_with_it() {
    struct Parser {
        parsed: LruCache<String, Rc<String>>,
    }
    impl Parser {
        #[lru_cache(cache = self.parsed)]
        fn parse(&self, text: &str) -> Rc<String> {
            Rc::new(text.to_uppercase())
        }
    }
    let parser = Parser { parsed: LruCache::new(None) };
    let parsed = parser.parse("a");
    assert!(Rc::ptr_eq(&parsed, &parser.parse("a")));
    assert_eq!(Rc::strong_count(&parsed), 2);
    let other = Parser { parsed: LruCache::new(None) };
    assert!(!Rc::ptr_eq(&parsed, &other.parse("a")));
    drop(parser);
    assert_eq!(Rc::strong_count(&parsed), 1);
}

#[test]
fn fields_may_name_parameters_and_lifetimes() {
    struct Index<'a, K, T: ?Sized, const N: usize> {
        items: &'a [(K, &'a T)],
        found: LruCache<K, Option<&'a T>>,
        rows: LruCache<usize, [K; N]>,
    }
    impl<'a, K: Clone + Eq + std::hash::Hash + 'static, T: ?Sized, const N: usize> Index<'a, K, T, N> {
        #[lru_cache(cache = self.found, cache_none = false)]
        fn find(&self, key: &K) -> Option<&'a T> {
            self.items.iter().find(|(at, _)| at == key).map(|&(_, item)| item)
        }

        #[lru_cache(cache = self.rows)]
        fn row(&self, from: usize) -> [K; N] {
            std::array::from_fn(|at| self.items[from + at].0.clone())
        }
    }
    let text = String::from("one");
    let items = [(Rc::<str>::from("a"), &*text), (Rc::from("b"), "two")];
    let index =
        Index::<_, str, 2> { items: &items, found: LruCache::new(Some(4)), rows: LruCache::new(Some(0)) };
    for _ in 0..2 {
        assert_eq!(
            (index.find(&"a".into()), index.find(&"b".into()), index.find(&"c".into())),
            (Some("one"), Some("two"), None)
        );
        assert_eq!(index.row(0).map(|key| key.len()), [1, 1]);
    }
    assert_eq!(info(index.find_cache_info()), (2, 4, 2));
    // With a capacity of 0 it stores nothing and counts misses.
    assert_eq!(info(index.row_cache_info()), (0, 2, 0));
    index.row_cache_put(0, ["x".into(), "y".into()]);
    assert!(!index.row_cache_contains(0) && index.row_cache_peek(0).is_none());
    assert_eq!(index.row_cache_parameters().maxsize, Some(0));
}

#[test]
fn floats_are_keys_by_their_bits() {
    #[lru_cache(cache = memo)]
    fn inverse(x: f64, memo: &LruCache<f64, f64>) -> f64 {
        1.0 / x
    }
    let memo = LruCache::new(None);
    assert_eq!((inverse(0.0, &memo), inverse(-0.0, &memo)), (f64::INFINITY, f64::NEG_INFINITY));
    assert!(inverse(f64::NAN, &memo).is_nan() && inverse(-f64::NAN, &memo).is_nan());
    assert_eq!(info(inverse::cache_info(&memo)), (1, 3, 3));
    assert!(inverse::cache_contains(0.0, &memo) && inverse::cache_invalidate(-0.0, &memo));

    #[lru_cache(cache = memo)]
    fn sum(memo: &LruCache<(Vec<f32>, Option<f64>), f64>, xs: &[f32], y: Option<f64>) -> f64 {
        xs.iter().map(|&x| f64::from(x)).sum::<f64>() + y.unwrap_or(0.0)
    }
    let memo = LruCache::new(Some(2));
    assert_eq!(
        (sum(&memo, &[1.0], None), sum(&memo, &[1.0], None), sum(&memo, &[1.0], Some(2.0))),
        (1.0, 1.0, 3.0)
    );
    assert_eq!(info(memo.info()), (1, 2, 2));
}

static SHARED: LruCache<u64, u64> = LruCache::new(Some(8));
static LAZY: LazyLock<LruCache<(String, u32), String>> = LazyLock::new(|| LruCache::new(None));

#[test]
fn the_expression_may_be_a_static() {
    #[lru_cache(cache = SHARED)]
    fn square(n: u64) -> u64 {
        n * n
    }
    #[lru_cache(cache = LAZY)]
    fn repeated(text: &str, n: u32) -> String {
        text.repeat(n as usize)
    }
    assert_eq!((square(3), square(3)), (9, 9));
    assert_eq!(info(square::cache_info()), (1, 1, 1));
    assert_eq!((repeated("a", 2), repeated("a", 2)), ("aa".into(), "aa".into()));
    assert_eq!(info(repeated::cache_info()), (1, 1, 1));
    repeated::cache_clear();
    assert!(LAZY.is_empty());
    assert_eq!((square::cache_parameters().maxsize, repeated::cache_parameters().maxsize), (Some(8), None));
}

#[test]
fn the_expression_may_lead_through_pointers_fields_and_methods() {
    struct Inner {
        caches: [LruCache<u32, u32>; 2],
    }
    struct Outer {
        shared: Arc<LruCache<u32, u32>>,
        boxed: Box<Inner>,
        named: HashMap<&'static str, LruCache<u32, u32>>,
    }
    impl Outer {
        fn cache(&self) -> &LruCache<u32, u32> {
            &self.boxed.caches[1]
        }
        #[lru_cache(cache = self.shared)]
        fn by_arc(&self, n: u32) -> u32 {
            n + 1
        }
        #[lru_cache(cache = self.boxed.caches[0])]
        fn by_index(&self, n: u32) -> u32 {
            n + 2
        }
        #[lru_cache(cache = self.cache())]
        fn by_method(&self, n: u32) -> u32 {
            n + 3
        }
        #[lru_cache(cache = *self.shared)]
        fn by_deref(&self, n: u32) -> u32 {
            n + 1
        }
        #[lru_cache(cache = self.named["a"])]
        fn by_name(&self, n: u32) -> u32 {
            n + 4
        }
    }
    let outer = Outer {
        shared: Arc::new(LruCache::new(None)),
        boxed: Box::new(Inner { caches: [LruCache::new(None), LruCache::new(Some(1))] }),
        named: HashMap::from([("a", LruCache::new(None))]),
    };
    for _ in 0..2 {
        let all =
            (outer.by_arc(1), outer.by_index(1), outer.by_method(1), outer.by_deref(1), outer.by_name(1));
        assert_eq!(all, (2, 3, 4, 2, 5));
    }
    // Two functions share a cache: the second finds the entries of the first.
    assert_eq!(info(outer.by_arc_cache_info()), (3, 1, 1));
    assert_eq!(info(outer.by_index_cache_info()), (1, 1, 1));
    assert_eq!(info(outer.by_method_cache_info()), (1, 1, 1));
    assert_eq!(info(outer.by_name_cache_info()), (1, 1, 1));
    assert_eq!(outer.by_method_cache_parameters().maxsize, Some(1));

    #[lru_cache(cache = memo)]
    fn by_parameter(memo: &Arc<LruCache<u32, u32>>, n: u32) -> u32 {
        n + 1
    }
    assert_eq!(by_parameter(&outer.shared, 1), 2);
    assert_eq!(info(by_parameter::cache_info(&outer.shared)), (4, 1, 1));
}

#[test]
fn several_functions_share_one_cache_by_what_tells_them_apart() {
    struct Shop {
        factor: u32,
        prices: LruCache<(char, u32), u32>,
    }
    impl Shop {
        #[lru_cache(cache = self.prices, key = |n| ('s', *n))]
        fn single(&self, n: u32) -> u32 {
            self.factor * n
        }
        #[lru_cache(cache = self.prices, key = |n| ('d', *n))]
        fn double(&self, n: u32) -> u32 {
            2 * self.factor * n
        }
    }
    let shop = Shop { factor: 3, prices: LruCache::new(Some(2)) };
    for _ in 0..2 {
        assert_eq!((shop.single(1), shop.double(1)), (3, 6));
    }
    assert_eq!(info(shop.prices.info()), (2, 2, 2));
    assert_eq!(shop.single_cache_info(), shop.double_cache_info());
}

#[test]
fn the_holder_is_no_part_of_the_key() {
    #[derive(Default)]
    struct Opaque(#[allow(dead_code)] std::cell::Cell<u32>);
    struct Counter {
        runs: std::cell::Cell<u32>,
        none: LruCache<(), u32>,
        some: LruCache<u32, u32>,
    }
    impl Counter {
        #[lru_cache(cache = self.none)]
        fn nothing(&self) -> u32 {
            self.runs.set(self.runs.get() + 1);
            self.runs.get()
        }
        #[lru_cache(cache = self.some)]
        fn skipped(&self, #[key(skip)] _opaque: &Opaque, #[key(n / 10)] n: u32) -> u32 {
            n / 10
        }
    }
    let counter =
        Counter { runs: std::cell::Cell::default(), none: LruCache::new(Some(1)), some: LruCache::new(None) };
    assert_eq!((counter.nothing(), counter.nothing(), counter.nothing_wrapped()), (1, 1, 2));
    assert_eq!((counter.skipped(&Opaque::default(), 11), counter.skipped(&Opaque::default(), 12)), (1, 1));
    assert_eq!(info(counter.skipped_cache_info()), (1, 1, 1));
}

#[test]
fn errors_and_none_in_an_object() {
    type Answer = Result<Option<u32>, Rc<str>>;
    fn answer(n: u32) -> Answer {
        match n {
            0 => Err("zero".into()),
            n => Ok((n % 2 == 0).then_some(n)),
        }
    }
    #[lru_cache(cache = memo)]
    fn plain(n: u32, memo: &LruCache<u32, Option<u32>>) -> Answer {
        answer(n)
    }
    #[lru_cache(cache = memo, cache_errors = true)]
    fn with_errors(n: u32, memo: &LruCache<u32, Answer>) -> Answer {
        answer(n)
    }
    #[lru_cache(cache = memo, cache_none = false)]
    fn without_none(n: u32, memo: &LruCache<u32, Option<u32>>) -> Answer {
        answer(n)
    }
    #[lru_cache(cache = memo, cache_none = false, cache_errors = true)]
    fn errors_alone(n: u32, memo: &LruCache<u32, Answer>) -> Answer {
        answer(n)
    }
    let (one, two, three, four) =
        (LruCache::new(None), LruCache::new(None), LruCache::new(None), LruCache::new(None));
    for n in [0, 1, 2, 0, 1, 2] {
        assert_eq!(plain(n, &one), answer(n));
        assert_eq!(with_errors(n, &two), answer(n));
        assert_eq!(without_none(n, &three), answer(n));
        assert_eq!(errors_alone(n, &four), answer(n));
    }
    assert_eq!([&one, &three].map(|memo| info(memo.info())), [(2, 4, 2), (1, 5, 1)]);
    assert_eq!([&two, &four].map(|memo| info(memo.info())), [(3, 3, 3), (2, 4, 2)]);
    plain::cache_put(2, &one, Err("late".into()));
    assert_eq!(plain::cache_peek(2, &one), Some(Ok(Some(2))));
}

#[test]
fn all_accessors_take_the_object() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(cache = memo)]
    fn f(memo: &LruCache<String, u32>, _text: &str) -> u32 {
        RUNS.fetch_add(1, SeqCst)
    }
    let memo = LruCache::new(Some(2));
    assert_eq!((f(&memo, "a"), f(&memo, "a"), f::wrapped(&memo, "a")), (0, 0, 1));
    assert!(f::cache_contains(&memo, "a") && memo.contains("a"));
    assert_eq!((f::cache_peek(&memo, "a"), memo.peek("a")), (Some(0), Some(0)));
    f::cache_put(&memo, "b", 9);
    assert_eq!((f(&memo, "b"), f::cache_refresh(&memo, "b"), memo.get("b")), (9, 2, Some(2)));
    assert!(f::cache_invalidate(&memo, "b") && !memo.contains("b"));
    assert_eq!((f::cache_parameters(&memo).maxsize, f::cache_info(&memo)), (Some(2), memo.info()));
    f::cache_clear(&memo);
    assert!(memo.is_empty());
}

#[test]
fn a_solver_has_a_memo_of_its_own() {
    struct Knapsack<'a> {
        items: &'a [(u32, u32)],
    }
    impl Knapsack<'_> {
        #[lru_cache(cache = memo, key = |_, at, capacity| (*at, *capacity))]
        fn best(&self, at: usize, room: u32, memo: &LruCache<(usize, u32), u32>) -> u32 {
            let Some(&(weight, value)) = self.items.get(at) else { return 0 };
            let without = self.best(at + 1, room, memo);
            match room.checked_sub(weight) {
                Some(left) => without.max(value + self.best(at + 1, left, memo)),
                None => without,
            }
        }
    }
    let solve = |items: &[_], room| Knapsack { items }.best(0, room, &LruCache::new(None));
    assert_eq!(solve(&[(5, 10), (4, 40), (6, 30), (3, 50)], 10), 90);
    assert_eq!(solve(&[(1, 1); 200], 100), 100);
}

#[test]
fn an_object_needs_not_be_shared_between_threads_and_may_be() {
    struct Shared(LruCache<u64, u64>);
    impl Shared {
        #[lru_cache(cache = self.0)]
        fn square(&self, n: u64) -> u64 {
            n * n
        }
    }
    let shared = Shared(LruCache::new(Some(8)));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|n| assert_eq!(shared.square(n % 10), (n % 10) * (n % 10))));
        }
    });
    let counted = shared.square_cache_info();
    assert_eq!((counted.hits + counted.misses, counted.currsize), (400, 8));
}

#[test]
fn a_trait_method_with_its_cache_in_the_object() {
    trait Price {
        fn price(&self, id: &str) -> Result<u32, String>;
    }
    struct Shop {
        prices: LruCache<String, u32>,
        runs: AtomicU32,
    }
    impl Price for Shop {
        #[lru_cache(cache = self.prices, accessors = none)]
        fn price(&self, id: &str) -> Result<u32, String> {
            self.runs.fetch_add(1, SeqCst);
            if id.is_empty() {
                return Err("empty".into());
            }
            let length = u32::try_from(id.len()).map_err(|error| error.to_string())?;
            Ok(length)
        }
    }
    let shop = Shop { prices: LruCache::new(None), runs: AtomicU32::new(0) };
    let shelf: &dyn Price = &shop;
    for _ in 0..2 {
        assert_eq!((shelf.price("ab"), shelf.price("")), (Ok(2), Err("empty".into())));
    }
    assert_eq!((shop.runs.load(SeqCst), shop.prices.len()), (3, 1));
}

#[test]
fn tagged_keys_keep_functions_apart() {
    static NUMBERS: LruCache<Tagged<u64>, u64> = LruCache::new(Some(100));

    #[lru_cache(cache = NUMBERS)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    #[lru_cache(cache = NUMBERS)]
    fn square(n: u64) -> u64 {
        n * n
    }
    assert_eq!((double(5), square(5), double(5), square(5)), (10, 25, 10, 25));
    assert_eq!((NUMBERS.info().hits, NUMBERS.len()), (2, 2));
    assert!(square::cache_invalidate(5) && double::cache_contains(5));
    let (key, _) = NUMBERS.iter().next().unwrap();
    assert_eq!(*key.key(), 5);
    assert!(key.function().contains("double"), "{}", key.function());
}

#[test]
fn the_same_seed_evicts_the_same() {
    let evicted = |seed| {
        let cache = functools::RrCache::builder().maxsize(8).seed(seed).build();
        (0..100_u32).for_each(|n| _ = cache.insert(n, ()));
        cache.iter().map(|(n, ())| n).collect::<Vec<_>>()
    };
    assert_eq!(evicted(7), evicted(7));
    assert_ne!(evicted(7), evicted(8));
}

#[test]
fn what_is_put_and_too_heavy_leaves_nothing_old() {
    #[lru_cache(cache = texts)]
    fn load(n: u64, texts: &LruCache<u64, String>) -> String {
        n.to_string()
    }
    let texts = LruCache::builder().maxsize(10).weigher(|_, text: &String| text.len()).build();
    load(1, &texts);
    load::cache_put(1, &texts, "x".repeat(11));
    assert_eq!(load::cache_peek(1, &texts), None);
    // `insert` keeps the old entry, as cachetools does when it raises.
    texts.insert(2, "two".to_owned());
    texts.insert(2, "x".repeat(11));
    assert_eq!(texts.peek(&2), Some("two".to_owned()));
}
