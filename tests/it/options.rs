//! Combinations of options, and a crate under another path.

use functools::lru_cache;

/// The library as another crate may re-export it.
mod tools {
    pub(super) use functools as memo;
}

/// Annotates a function with each list of options, and calls it and its companion.
macro_rules! compiles {
    ($($handle:ident: #[$attribute:ident($($options:tt)*)];)*) => { $({
        #[functools::$attribute($($options)*)]
        fn double(n: u64) -> u64 {
            2 * n
        }

        assert_eq!((double(2), double(2)), (4, 4));
        let (info, parameters) = ($handle::cache_info(), $handle::cache_parameters());
        assert_eq!((info.hits, info.maxsize), (u64::from(info.maxsize != Some(0)), parameters.maxsize));
        assert_eq!(parameters.typed, stringify!($($options)*).contains("true"));
    })* };
}

#[test]
fn options_stand_beside_each_other_in_any_order() {
    compiles! {
        double: #[lru_cache()];
        double: #[lru_cache(8)];
        double: #[lru_cache(8, typed = true)];
        double: #[lru_cache(maxsize = 8, typed = false)];
        double: #[lru_cache(typed = true, maxsize = None)];
        handle: #[lru_cache(maxsize = 0, handle = handle)];
        handle: #[lru_cache(None, handle = handle)];
        double: #[lru_cache(maxsize = 8, crate = tools::memo)];
        double: #[lru_cache(8, crate = ::functools)];
        handle: #[lru_cache(typed = true, handle = handle)];
        double: #[lru_cache(typed = true, crate = crate::options::tools::memo)];
        handle: #[lru_cache(handle = handle, crate = tools::memo)];
        handle: #[lru_cache(crate = tools::memo, handle = handle, typed = true, maxsize = 8,)];
        double: #[cache()];
        double: #[cache(typed = true)];
        handle: #[cache(handle = handle)];
        double: #[cache(crate = tools::memo)];
        handle: #[cache(typed = true, handle = handle)];
        double: #[cache(typed = true, crate = tools::memo)];
        handle: #[cache(handle = handle, crate = tools::memo)];
    }
}

#[test]
fn a_crate_found_elsewhere_has_all_that_is_named() {
    #[lru_cache(crate = tools::memo)]
    fn length(words: &[String], pair: (f64, Option<&str>)) -> Result<usize, String> {
        Ok(words.len() + pair.1.map_or(0, str::len))
    }

    let words = ["a".to_string()];
    assert_eq!((length(&words, (1.0, Some("bc"))), length(&words, (1.0, Some("bc")))), (Ok(3), Ok(3)));
    assert_eq!(length::cache_info().hits, 1);
}
