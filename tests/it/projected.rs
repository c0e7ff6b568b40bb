//! What of the arguments is the key, where it is not all of them.

use functools::lru_cache;

use crate::support::tally as info;

struct Db;

struct User {
    id: u32,
    _name: String,
}

fn user(id: u32) -> User {
    User { id, _name: String::new() }
}

#[test]
fn skipped_parameters_need_no_trait() {
    #[lru_cache]
    fn find(#[key(skip)] _db: &Db, id: u32) -> u32 {
        id
    }
    assert_eq!((find(&Db, 1), find(&Db, 1)), (1, 1));
    assert_eq!(info(find::cache_info()), (1, 1, 1));
    assert!(find::cache_contains(&Db, 1));
}

#[test]
fn an_expression_in_its_place() {
    #[lru_cache]
    fn greet(#[key(user.id)] user: &User, lang: &str) -> String {
        format!("{lang}{}", user.id)
    }
    assert_eq!(greet(&user(1), "en"), greet(&user(1), "en"));
    assert_eq!(greet(&user(2), "en"), "en2");
    assert_eq!(info(greet::cache_info()), (1, 2, 2));
    greet::cache_put(&user(3), "de", "drei".into());
    assert_eq!(greet(&user(3), "de"), "drei");
}

#[test]
fn a_function_of_all_arguments() {
    #[lru_cache(key = |user, lang| (user.id, lang))]
    fn greet(user: &User, lang: &str) -> String {
        format!("{lang}{}", user.id)
    }
    assert_eq!(greet(&user(1), "en"), greet(&user(1), "en"));
    assert_eq!(greet(&user(2), "en"), "en2");
    assert_eq!(info(greet::cache_info()), (1, 2, 2));

    #[lru_cache(key_fn = |n| n / 10)]
    fn tens(n: u32) -> u32 {
        n / 10
    }
    assert_eq!((tens(11), tens(12), tens(21)), (1, 1, 2));
    assert_eq!(info(tens::cache_info()), (1, 2, 2));

    fn lower(text: &str) -> String {
        text.to_lowercase()
    }
    #[lru_cache(key = lower)]
    fn length(text: &str) -> usize {
        text.len()
    }
    assert_eq!((length("AB"), length("ab")), (2, 2));
    assert_eq!(info(length::cache_info()), (1, 1, 1));
}

#[test]
fn errors_and_none() {
    #[lru_cache(cache_errors = true)]
    fn fails(n: u32) -> Result<u32, String> {
        Err(n.to_string())
    }
    assert_eq!(fails(1), fails(1));
    assert_eq!(info(fails::cache_info()), (1, 1, 1));

    #[lru_cache(cache_none = false)]
    fn half(n: u32) -> Option<u32> {
        (n % 2 == 0).then_some(n / 2)
    }
    assert_eq!((half(1), half(1), half(2), half(2)), (None, None, Some(1), Some(1)));
    assert_eq!(info(half::cache_info()), (1, 3, 1));
    half::cache_put(4, None);
    assert!(!half::cache_contains(4));

    #[lru_cache(cache_none = false)]
    fn both(n: u32) -> Result<Option<u32>, String> {
        if n == 0 { Err("zero".into()) } else { Ok((n % 2 == 0).then_some(n / 2)) }
    }
    let _ = (both(0), both(1), both(1), both(2), both(2));
    assert_eq!(info(both::cache_info()), (1, 4, 1));
}
