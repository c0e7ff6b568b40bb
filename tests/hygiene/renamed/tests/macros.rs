//! A macro of another crate defines memoized functions in a crate that does not depend on the library.

use hygiene_renamed::memoized;

memoized! {
    /// Takes arguments of several kinds.
    fn scaled(floats: &[f64], names: (&str, char), by: [i8; 2]) -> (usize, bool) {
        (floats.len() * usize::from(by[0].unsigned_abs()), names.0.contains(names.1))
    }
}

memoized! {
    /// Takes and returns named types, which the compiler resolves.
    fn longest(words: &[String], or: Option<&str>) -> Result<String, String> {
        words.iter().map(String::as_str).chain(or).max_by_key(|word| word.len()).map(Into::into).ok_or_else(String::new)
    }
}

mod elsewhere {
    hygiene_renamed::memoized! {
        #[must_use]
        pub(super) fn sum(a: u64, b: u64) -> u64 {
            a + b
        }
    }
}

#[test]
fn functions_of_a_foreign_macro_are_cached() {
    for _ in 0..2 {
        assert_eq!(scaled(&[0.5], ("text", 'x'), [2, 0]), (2, true));
        assert_eq!(elsewhere::sum(1, 2), 3);
        assert_eq!(longest(&["a".into()], Some("bc")), Ok("bc".into()));
    }
    assert_eq!(longest::cache_info().hits, 1);
    assert_eq!((scaled::cache_info().hits, elsewhere::sum::cache_info().hits), (1, 1));
}
