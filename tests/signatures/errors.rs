//! Errors that borrow, where calls share results.

use std::sync::Arc;

use functools::{LruCache, lru_cache};

use crate::support::now;

#[derive(Clone, Debug, PartialEq)]
struct Rejected<'a>(&'a str);

type Parsed<'a> = Result<u32, Rejected<'a>>;

#[test]
fn errors_of_async_functions_may_borrow() {
    #[lru_cache]
    async fn named<'x>(text: &'x str) -> Result<u32, &'x str> {
        text.parse().map_err(|_| text)
    }
    #[lru_cache]
    async fn elided(text: &str) -> Result<u32, Rejected<'_>> {
        text.parse().map_err(|_| Rejected(text))
    }
    #[lru_cache(typed = true)]
    async fn generic<'x, T: std::str::FromStr + Clone + Send + Sync + 'static>(
        text: &'x str,
    ) -> Result<T, &'x str> {
        text.parse().map_err(|_| text)
    }
    #[lru_cache(accessors = none)]
    async fn hidden(text: &str) -> Parsed<'_> {
        text.parse().map_err(|_| Rejected(text))
    }
    let (seven, word) = ("7".to_owned(), "x".to_owned());
    assert_eq!((now(named(&seven)), now(named(&word))), (Ok(7), Err("x")));
    assert_eq!((now(elided(&seven)), now(elided(&word))), (Ok(7), Err(Rejected("x"))));
    assert_eq!((now(generic::<u8>(&seven)), now(generic::<u8>(&word))), (Ok(7), Err("x")));
    assert_eq!((now(hidden(&seven)), now(hidden(&word))), (Ok(7), Err(Rejected("x"))));
    assert_eq!(now(named::cache_refresh(&word)), Err("x"));
}

#[test]
fn errors_of_coalesced_functions_may_borrow() {
    #[lru_cache(single_flight = true)]
    fn single(text: &str) -> Result<u32, &str> {
        text.parse().map_err(|_| text)
    }
    #[lru_cache(ttl = 60, stale_if_error = 60)]
    fn served<'x>(text: &'x str) -> Parsed<'x> {
        text.parse().map_err(|_| Rejected(text))
    }
    #[lru_cache(ttl = 60, swr = true)]
    fn refreshed(text: &str) -> Result<u32, Rejected<'_>> {
        text.parse().map_err(|_| Rejected(text))
    }
    #[lru_cache(ttl = 60, swr = true)]
    async fn refreshed_later(text: &str) -> Result<u32, Rejected<'_>> {
        text.parse().map_err(|_| Rejected(text))
    }
    struct Parser {
        names: LruCache<String, u32>,
    }
    impl Parser {
        #[lru_cache(single_flight = true)]
        fn method<'x>(#[key(skip)] &self, text: &'x str) -> Result<u32, &'x str> {
            text.parse().map_err(|_| text)
        }

        #[lru_cache(cache = self.names, single_flight = true)]
        fn in_field<'x>(&self, text: &'x str) -> Result<u32, &'x str> {
            text.parse().map_err(|_| text)
        }
    }
    let (seven, word) = ("7".to_owned(), "x".to_owned());
    assert_eq!((single(&seven), single(&word)), (Ok(7), Err("x")));
    assert_eq!((served(&seven), served(&word)), (Ok(7), Err(Rejected("x"))));
    assert_eq!((refreshed(&seven), refreshed(&word)), (Ok(7), Err(Rejected("x"))));
    assert_eq!((now(refreshed_later(&seven)), now(refreshed_later(&word))), (Ok(7), Err(Rejected("x"))));
    let parser = Parser { names: LruCache::new(None) };
    assert_eq!((parser.method(&seven), parser.method(&word)), (Ok(7), Err("x")));
    assert_eq!((parser.in_field(&seven), parser.in_field(&word)), (Ok(7), Err("x")));
}

#[test]
fn errors_with_functions_in_them_are_still_copied() {
    #[derive(Clone)]
    struct Explained(Arc<dyn Fn(&str) -> usize + Send + Sync>);
    #[lru_cache(single_flight = true)]
    fn explained(n: u32) -> Result<u32, Explained> {
        Err(Explained(Arc::new(move |text| text.len() + n as usize)))
    }
    #[lru_cache(single_flight = true)]
    fn spelled(n: u32) -> Result<u32, Arc<dyn Fn(&str) -> usize + Send + Sync>> {
        n.checked_sub(1).ok_or_else(|| Arc::new(str::len) as Arc<_>)
    }
    assert_eq!(explained(1).unwrap_err().0("ab"), 3);
    assert_eq!(spelled(0).err().unwrap()("ab"), 2);
    assert_eq!(spelled(3).ok(), Some(2));
}
