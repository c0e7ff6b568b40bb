//! Keys made from a part of the arguments.

use functools::lru_cache;

use crate::support::tally as info;

struct Db;

struct User {
    id: u32,
    name: String,
}

fn user(id: u32) -> User {
    User { id, name: String::new() }
}

#[test]
fn skipped_parameters_need_no_trait() {
    #[lru_cache]
    fn find(#[key(skip)] _db: &Db, id: u32) -> u32 {
        id
    }
    assert_eq!((find(&Db, 1), find(&Db, 1)), (1, 1));
    assert_eq!(info(find::cache_info()), (1, 1, 1));
    assert!(find::cache_contains(1));
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

#[test]
fn keys_may_borrow_and_be_made_of_several_parameters() {
    #[lru_cache]
    fn joined(#[key((user.id, &*user.name, &text[..1]))] user: &User, #[key(skip)] text: &str) -> String {
        format!("{}{}{}", user.id, user.name, &text[..1])
    }
    for text in ["ab", "ac", "b"] {
        let text = text.to_owned();
        assert_eq!(joined(&user(1), &text), format!("1{}", &text[..1]));
    }
    assert_eq!(info(joined::cache_info()), (1, 2, 2));
    assert!(joined::cache_contains(&user(1), "az") && joined::cache_invalidate(&user(1), "b!"));
}

#[test]
fn what_an_expression_makes_may_be_anything_that_is_an_argument() {
    #[lru_cache]
    fn float(#[key(x.abs())] x: f64) -> f64 {
        x * x
    }
    #[lru_cache]
    fn some(
        #[key(x.as_deref().map(str::len))] x: Option<String>,
        #[key([n % 2, n % 3])] n: u32,
    ) -> (usize, u32) {
        (x.map_or(0, |x| x.len()), n % 6)
    }
    #[lru_cache]
    fn sorted(#[key({ let mut xs = xs.to_vec(); xs.sort_unstable(); xs })] xs: &[u32]) -> u32 {
        xs.iter().sum()
    }
    assert_eq!(
        (float(2.0), float(-2.0), float(f64::NAN).is_nan(), float(-f64::NAN).is_nan()),
        (4.0, 4.0, true, true)
    );
    assert_eq!(
        (some(None, 1), some(Some("ab".into()), 1), some(Some("cd".into()), 7)),
        ((0, 1), (2, 1), (2, 1))
    );
    assert_eq!((sorted(&[1, 2, 3]), sorted(&[3, 2, 1]), sorted(&[6])), (6, 6, 6));
    let infos = [float::cache_info(), some::cache_info(), sorted::cache_info()];
    assert_eq!(infos.map(info), [(2, 2, 2), (1, 2, 2), (1, 2, 2)]);
}

#[test]
fn a_skipped_parameter_may_be_owned_and_of_any_pattern() {
    struct Opaque(std::cell::Cell<u32>);
    #[lru_cache]
    fn count(
        #[key(skip)] Opaque(cell): Opaque,
        #[key(skip)] _: &dyn Fn(),
        n: u32,
        #[key(skip)] mut m: u32,
    ) -> u32 {
        m += cell.get();
        n + m
    }
    let opaque = |n| Opaque(std::cell::Cell::new(n));
    assert_eq!((count(opaque(1), &|| (), 1, 1), count(opaque(5), &|| (), 1, 9)), (3, 3));
    assert_eq!(info(count::cache_info()), (1, 1, 1));

    #[lru_cache]
    fn all(#[key(skip)] n: u32) -> u32 {
        n
    }
    assert_eq!((all(1), all(2)), (1, 1));
}

#[test]
fn a_key_function_may_take_twelve_arguments_of_anynames() {
    #[lru_cache(key = |key, hash, state, cache, result, _, g, h, i, j, k, l| (key + hash, *state, cache, result.len(), (g, h, i, j, k, l)))]
    #[allow(clippy::too_many_arguments)]
    fn many(
        key: u8,
        hash: u8,
        state: bool,
        cache: &str,
        result: &[f64],
        #[allow(unused_variables)] f: std::rc::Rc<u8>,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: &String,
    ) -> usize {
        usize::from(key + hash + u8::from(state) + g + h + i + j + k) + cache.len() + result.len() + l.len()
    }
    let call =
        |key, hash| many(key, hash, true, "a", &[0.5], std::rc::Rc::new(1), 1, 1, 1, 1, 1, &"b".into());
    assert_eq!((call(1, 2), call(2, 1), call(2, 2)), (12, 12, 13));
    assert_eq!(info(many::cache_info()), (1, 2, 2));
}

#[test]
fn a_key_function_decides_alone() {
    #[lru_cache(key = |_| ())]
    fn once(n: u32) -> u32 {
        n
    }
    assert_eq!((once(1), once(2), info(once::cache_info())), (1, 1, (1, 1, 1)));

    #[lru_cache(key = str::trim, maxsize = 1)]
    fn trimmed(text: &str) -> String {
        text.trim().to_uppercase()
    }
    assert_eq!(
        (trimmed(" a"), trimmed("a "), trimmed("b"), trimmed("a")),
        ("A".into(), "A".into(), "B".into(), "A".into())
    );
    assert_eq!(info(trimmed::cache_info()), (1, 3, 1));
}

#[test]
fn errors_and_none_are_told_by_type_not_byname() {
    type Answer<T> = std::result::Result<T, String>;
    type Maybe<T> = Option<T>;
    #[lru_cache(cache_errors = true)]
    fn with_errors(n: u32) -> Answer<u32> {
        Err(n.to_string())
    }
    #[lru_cache(cache_none = false)]
    fn without_none(n: u32) -> Answer<Maybe<u32>> {
        Ok((n > 1).then_some(n))
    }
    #[lru_cache(cache_none = false, cache_errors = true)]
    fn both(n: u32) -> Answer<Maybe<u32>> {
        if n == 0 { Err("zero".into()) } else { without_none(n) }
    }
    // The return type is no `Option`, so `cache_none` changes nothing.
    #[lru_cache(cache_none = false)]
    fn neither(n: u32) -> (Option<u32>, u32) {
        (None, n)
    }
    for n in [0, 1, 2, 0, 1, 2] {
        let _ = (with_errors(n), both(n), neither(n));
    }
    assert_eq!(
        [with_errors::cache_info(), both::cache_info(), neither::cache_info()].map(info),
        [(3, 3, 3), (2, 4, 2), (3, 3, 3)]
    );
    assert_eq!(info(without_none::cache_info()), (0, 3, 1));
    with_errors::cache_put(9, Err("put".into()));
    assert_eq!((with_errors::cache_peek(9), with_errors(9)), (Some(Err("put".into())), Err("put".into())));
}
