//! Results that borrow, in a cache object.

use functools::{LruCache, lru_cache};

use crate::support::{counts, now};

#[test]
fn a_result_may_borrow_what_its_object_outlives() {
    #[lru_cache(cache = memo)]
    fn pick<'a>(n: usize, #[key(skip)] words: &'a [String], memo: &LruCache<usize, &'a str>) -> &'a str {
        &words[n]
    }
    let words = ["a".to_owned(), "b".to_owned()];
    let memo = LruCache::new(Some(4));
    assert_eq!([pick(1, &words, &memo), pick(1, &words, &memo), pick(0, &words, &memo)], ["b", "b", "a"]);
    assert_eq!(counts(pick::cache_info(&memo)), (1, 2, 2));
    assert_eq!(pick::cache_peek(1, &memo), Some("b"));
    pick::cache_retain(&memo, |n, word| *n == 1 && *word == "b");
    assert_eq!(memo.len(), 1);
    pick::cache_put(3, &memo, &words[0]);
    assert_eq!(pick::cache_refresh(1, &words, &memo), "b");
    assert_eq!(pick::wrapped(0, &words, &memo), "a");
}

#[test]
fn a_field_may_hold_borrows_of_the_impl() {
    struct Words<'a> {
        all: &'a [String],
        found: LruCache<usize, Option<&'a str>>,
        parsed: LruCache<usize, &'a str>,
        pairs: LruCache<(usize, usize), (&'a str, &'a str)>,
    }
    impl<'a> Words<'a> {
        #[lru_cache(cache = self.found)]
        fn get(&self, n: usize) -> Option<&'a str> {
            self.all.get(n).map(String::as_str)
        }

        #[lru_cache(cache = self.parsed)]
        fn long<'s, 'e>(
            &'s self,
            n: usize,
            #[key(skip)] error: &'e str,
        ) -> Result<&'a str, (&'s str, &'e str)> {
            self.all.get(n).map(String::as_str).ok_or((&self.all[0], error))
        }

        #[lru_cache(cache = self.pairs, cache_errors = true)]
        fn pair(&self, one: usize, two: usize) -> (&'a str, &'a str) {
            (&self.all[one], &self.all[two])
        }

        #[lru_cache(cache = self.parsed)]
        async fn later(&self, n: usize) -> Result<&'a str, String> {
            self.all.get(n).map(String::as_str).ok_or_else(|| n.to_string())
        }

        #[lru_cache(cache = self.parsed, single_flight = true, ttl = 60, accessors = none)]
        fn hidden(&self, n: usize) -> &'a str {
            &self.all[n]
        }
    }
    let all = ["a".to_owned(), "b".to_owned()];
    let words = Words {
        all: &all,
        found: LruCache::new(None),
        parsed: LruCache::new(None),
        pairs: LruCache::new(None),
    };
    assert_eq!([words.get(0), words.get(0), words.get(7)], [Some("a"), Some("a"), None]);
    words.get_cache_retain(|n, word| *n == 0 && *word == Some("a"));
    assert_eq!(words.found.len(), 1);
    assert_eq!(words.long(7, "no"), Err(("a", "no")));
    assert_eq!((words.long(1, "no"), words.long(1, "other")), (Ok("b"), Ok("b")));
    words.long_cache_retain(|n, word| *n == 1 && *word == "a");
    assert_eq!(words.parsed.len(), 0);
    assert_eq!((words.pair(0, 1), words.pair(0, 1)), (("a", "b"), ("a", "b")));
    words.pair_cache_retain(|(one, _), (word, _)| *one == 0 && *word == "a");
    assert_eq!(counts(words.pair_cache_info()), (1, 1, 1));
    assert_eq!((now(words.later(0)), now(words.later(9))), (Ok("a"), Err("9".to_owned())));
    words.later_cache_retain(|_, _| false);
    assert_eq!(words.hidden(1), "b");
}

#[test]
fn errors_in_objects_may_borrow_arguments() {
    #[derive(Debug, PartialEq)]
    struct NoNumber<'a>(&'a str);
    #[lru_cache(cache = memo)]
    fn parse<'t>(text: &'t str, memo: &LruCache<String, u32>) -> Result<u32, NoNumber<'t>> {
        text.parse().map_err(|_| NoNumber(text))
    }
    struct Parser(LruCache<String, u32>);
    impl Parser {
        #[lru_cache(cache = self.0)]
        fn elided(&self, #[key(text.to_owned())] text: &str) -> Result<u32, NoNumber<'_>> {
            text.parse().map_err(|_| NoNumber("number"))
        }
    }
    let memo = LruCache::new(None);
    assert_eq!((parse("7", &memo), parse("x", &memo)), (Ok(7), Err(NoNumber("x"))));
    parse::cache_retain(&memo, |text, number| text != "7" && *number != 7);
    assert_eq!(memo.len(), 0);
    let parser = Parser(memo);
    assert_eq!((parser.elided("7"), parser.elided("x")), (Ok(7), Err(NoNumber("number"))));
}

#[test]
fn parameters_of_types_have_no_retain_and_work() {
    struct Rows<'a, K> {
        all: &'a [K],
        found: LruCache<usize, &'a K>,
    }
    impl<'a, K: PartialEq> Rows<'a, K> {
        #[lru_cache(cache = self.found)]
        fn row(&self, n: usize) -> &'a K {
            &self.all[n]
        }
    }
    let rows = Rows { all: &[1.5, 2.5], found: LruCache::new(None) };
    assert!(std::ptr::eq(rows.row(1), rows.row(1)));
    assert_eq!(counts(rows.row_cache_info()), (1, 1, 1));
}
