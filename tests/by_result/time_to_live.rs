//! `ttl` as a function of the arguments and the result.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use functools::{LruCache, Timer, isolated, lru_cache};

use crate::support::{advance, now, until};

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Token {
    expires_in: Option<u32>,
}

#[test]
fn seconds_durations_and_options_of_them() {
    #[lru_cache(ttl = |n, _| *n, timer = now)]
    fn seconds(n: u32) -> u32 {
        n
    }
    #[lru_cache(ttl = |_, value| value * 0.5, timer = now)]
    fn fractions(n: u32) -> f64 {
        n.into()
    }
    #[lru_cache(ttl = |_, value| Duration::from_millis(*value), timer = now)]
    fn durations(n: u32) -> u64 {
        n.into()
    }
    #[lru_cache(ttl = |_, token: &Token| token.expires_in, timer = now)]
    fn tokens(n: u32) -> Token {
        Token { expires_in: (n > 0).then_some(n) }
    }

    isolated(|| {
        (seconds(5), fractions(5), durations(5000), tokens(5), tokens(0));
        advance(Duration::from_millis(2400));
        assert!(
            seconds::cache_contains(5) && fractions::cache_contains(5) && durations::cache_contains(5000)
        );
        advance(Duration::from_millis(200));
        assert!(seconds::cache_contains(5) && !fractions::cache_contains(5) && tokens::cache_contains(5));
        advance(Duration::from_millis(2400));
        assert!(
            !seconds::cache_contains(5) && !durations::cache_contains(5000) && !tokens::cache_contains(5)
        );
        advance(HOUR * 24 * 365);
        assert!(tokens::cache_contains(0), "for ever");
    });
}

#[test]
fn zero_and_less_is_not_stored_and_too_long_is_for_ever() {
    #[lru_cache(ttl = |n, _| *n, timer = now)]
    fn integers(n: i64) -> i64 {
        n
    }
    #[lru_cache(ttl = |n, _| Some(f64::from_bits(*n)), timer = now)]
    fn floats(n: u64) -> u64 {
        n
    }

    isolated(|| {
        for n in [0, -1, i64::MIN] {
            integers(n);
            assert!(!integers::cache_contains(n), "{n}");
        }
        for n in [0.0, -0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            floats(n.to_bits());
            assert!(!floats::cache_contains(n.to_bits()), "{n}");
        }
        integers(i64::MAX);
        for n in [f64::MAX, f64::INFINITY] {
            floats(n.to_bits());
        }
        advance(HOUR * 24 * 365 * 100);
        assert!(integers::cache_contains(i64::MAX));
        assert!(
            floats::cache_contains(f64::MAX.to_bits()) && floats::cache_contains(f64::INFINITY.to_bits())
        );
        assert_eq!((integers::cache_info().misses, integers::cache_info().currsize), (4, 1));
    });
}

#[test]
fn a_function_by_its_name_and_a_constant_by_its_own() {
    fn of_token(_: &u32, token: &Token) -> Option<Duration> {
        token.expires_in.map(|seconds| Duration::from_secs(seconds.into()))
    }
    const TTL: u64 = 60;

    #[lru_cache(ttl = of_token, timer = now)]
    fn token(n: u32) -> Token {
        Token { expires_in: Some(n) }
    }
    struct NotClone;
    #[lru_cache(ttl = TTL, timer = now)]
    fn constant(n: u32, #[key(skip)] _other: NotClone) -> u32 {
        n
    }

    isolated(|| {
        (token(5), token(50), constant(1, NotClone));
        advance(Duration::from_secs(30));
        assert!(!token::cache_contains(5) && token::cache_contains(50) && constant::cache_contains(1));
        advance(Duration::from_secs(30));
        assert!(!token::cache_contains(50) && !constant::cache_contains(1));
    });
}

#[test]
fn a_put_and_a_refresh_have_the_time_of_their_result() {
    static NEXT: AtomicU32 = AtomicU32::new(5);

    #[lru_cache(ttl = |_, value| *value, timer = now)]
    fn read(key: &str) -> u32 {
        assert_eq!(key, "a");
        NEXT.load(SeqCst)
    }

    isolated(|| {
        read("a");
        NEXT.store(50, SeqCst);
        read::cache_refresh("a");
        advance(Duration::from_secs(6));
        assert!(read::cache_contains("a"));
        read::cache_put("a", 2);
        advance(Duration::from_secs(3));
        assert!(!read::cache_contains("a"));
        read::cache_put("a", 9);
        assert!(read::cache_contains("a"));
        read::cache_put("a", 0);
        assert!(!read::cache_contains("a"), "a time of zero removes what it was to replace");
    });
}

#[test]
fn beside_the_other_options() {
    static FAILS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(ttl = |_, _| 10, stale_if_error = 20, timer = now)]
    fn or_stale(n: u32) -> Result<u32, u32> {
        if FAILS.load(SeqCst) == 0 { Ok(n) } else { Err(n) }
    }
    #[lru_cache(ttl = |_, _| 100, error_ttl = 5, cache_errors = true, timer = now)]
    fn errors(n: u32) -> Result<u32, u32> {
        if n == 0 { Err(n) } else { Ok(n) }
    }
    #[lru_cache(ttl = |_, value| *value, tti = 5, policy = sieve, weight = |_, value| *value as usize, timer = now)]
    fn idle(n: u32) -> u32 {
        n
    }

    isolated(|| {
        (or_stale(1).unwrap(), errors(0).unwrap_err(), errors(1).unwrap(), idle(50));
        advance(Duration::from_secs(6));
        let is_kept = |n: &u32| errors::cache_contains(*n);
        assert_eq!([0, 1].map(|n| is_kept(&n)), [false, true]);
        assert!(!idle::cache_contains(50));
        advance(Duration::from_secs(5));
        FAILS.store(1, SeqCst);
        assert_eq!(or_stale(1), Ok(1), "stale, instead of an error");
        advance(Duration::from_secs(20));
        assert_eq!(or_stale(1), Err(1));
    });
}

#[test]
fn with_a_clock_of_another_unit_and_in_an_object() {
    static NOW: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(ttl = |_, value| *value, timer = || NOW.load(SeqCst))]
    fn ticks(n: u8) -> u64 {
        n.into()
    }
    #[lru_cache(cache = memo, ttl = |_, value| Some(*value))]
    fn stored(n: u32, memo: &LruCache<u32, u32, Timer<fn() -> Duration>>) -> u32 {
        n
    }

    isolated(|| {
        ticks(7);
        NOW.store(6, SeqCst);
        assert!(ticks::cache_contains(7));
        NOW.store(7, SeqCst);
        assert!(!ticks::cache_contains(7));
        let memo = LruCache::builder_with(Timer::new(now as fn() -> Duration)).build();
        (stored(5, &memo), stored(0, &memo), stored(50, &memo));
        assert_eq!(memo.len(), 2);
        advance(Duration::from_secs(10));
        assert_eq!((memo.get(&5), memo.get(&50)), (None, Some(50)));
    });
}

#[tokio::test]
async fn async_functions_and_stale_results() {
    static NEXT: AtomicU32 = AtomicU32::new(10);

    #[lru_cache(ttl = |_, value| *value, swr = true, timer = now)]
    async fn read(key: &str) -> u32 {
        assert_eq!(key, "a");
        NEXT.load(SeqCst)
    }

    isolated(async {
        assert_eq!(read("a").await, 10);
        advance(Duration::from_secs(11));
        NEXT.store(1000, SeqCst);
        assert_eq!(read("a").await, 10, "stale");
        until(|| read::cache_stats().refreshes == 1).await;
        advance(Duration::from_secs(900));
        assert!(read::cache_contains("a"), "the refresh has the time of its result");
        assert_eq!(read("a").await, 1000);
    })
    .await;
}

#[test]
fn a_macro_may_pass_the_closure_on() {
    macro_rules! memoized {
        ($name:ident, $($options:tt)*) => {
            #[lru_cache($($options)*)]
            fn $name(n: u32) -> u32 {
                n
            }
        };
    }
    memoized!(for_long, ttl = |_, value| 10 * value);
    assert_eq!((for_long(0), for_long(1)), (0, 1));
    assert!(!for_long::cache_contains(0) && for_long::cache_contains(1));
}
