use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Asserts that the times are in ascending order. Only times beyond the integer's range may be equal.
fn are_in_order<T: Timestamp>(times: impl IntoIterator<Item = T>) {
    let ticks: Vec<_> = times.into_iter().map(T::ticks).collect();
    assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]), "{ticks:?}");
}

#[test]
fn later_times_have_more_ticks() {
    are_in_order([0_u64, 1, 5, u64::MAX - 1, u64::MAX]);
    are_in_order([u8::MIN, 1, u8::MAX]);
    are_in_order([i64::MIN, -1, 0, 1, i64::MAX]);
    are_in_order([i8::MIN, -1, 0, 1, i8::MAX]);
    are_in_order([isize::MIN, -1, 0, 1, isize::MAX]);
    are_in_order([i128::from(i64::MIN), -1, 0, 1]);
    are_in_order([
        f64::NEG_INFINITY,
        f64::MIN,
        -1.5,
        -f64::MIN_POSITIVE,
        0.0,
        1e-300,
        1.5,
        f64::MAX,
        f64::INFINITY,
    ]);
    are_in_order([f32::NEG_INFINITY, -1.5, 0.0, 1.5, f32::INFINITY]);
    are_in_order([Duration::ZERO, Duration::from_nanos(1), SECOND]);
    are_in_order([SystemTime::UNIX_EPOCH - SECOND, SystemTime::UNIX_EPOCH, SystemTime::now()]);
    let now = Instant::now();
    let before = |span| ORIGIN.exact.checked_sub(span).unwrap();
    are_in_order([before(SECOND), before(Duration::from_nanos(1)), ORIGIN.exact, now + SECOND]);
}

#[test]
fn no_time_is_too_early_or_too_late() {
    assert_eq!([u128::MAX.ticks(), i128::MAX.ticks(), Duration::MAX.ticks()], [Ticks::NEVER; 3]);
    assert_eq!(i128::MIN.ticks(), Ticks::START);
    assert_eq!([f64::NAN.ticks(), f32::NAN.ticks()], [Ticks::START; 2]);
    let (early, late) = (SystemTime::UNIX_EPOCH - Duration::from_secs(400 * 366 * 86_400), u64::MAX.now());
    assert_eq!((early.ticks(), late), (Ticks::START, Ticks::LATEST));
    assert!([f64::NAN.now(), f64::INFINITY.now(), Duration::MAX.now()].iter().all(|now| *now < Ticks::NEVER));
}

#[test]
fn a_deadline_is_later_by_its_span_or_never_comes() {
    assert_eq!(u64::later(5_u64.now(), 3), 8_u64.ticks());
    assert_eq!(i8::later((-5_i8).now(), 3), (-2_i8).ticks());
    assert_eq!(i8::later(i8::MAX.now(), 1000), 1127_i64.ticks(), "later than the type can tell");
    assert_eq!(f64::later(0.25.now(), 0.5), 0.75.ticks());
    assert_eq!(f64::later((-0.5).now(), 0.25), (-0.25).ticks());
    assert_eq!(Duration::later(SECOND.now(), SECOND), (2 * SECOND).ticks());
    let now = SystemTime::now();
    assert_eq!(SystemTime::later(now.now(), SECOND), (now + SECOND).ticks());
    let now = Instant::now();
    assert_eq!(Instant::later(now.now(), SECOND), (now + SECOND).ticks());

    assert_eq!(u64::later(u64::MAX.now(), 9), Ticks::NEVER);
    assert_eq!(Instant::later(now.now(), Duration::MAX), Ticks::NEVER);
    assert_eq!(f64::later(1.0.now(), f64::INFINITY), Ticks::NEVER);
    assert_eq!(f64::later(Ticks::NEVER, -5.0), Ticks::NEVER);
    assert_eq!(f64::later(f64::NAN.now(), 1.0), Ticks::START);
    assert_eq!(f64::later(1.0.now(), f64::NAN), Ticks::START);
}

#[test]
fn a_deadline_that_never_comes_says_so() {
    assert_eq!(format!("{:?} {:?}", Ticks::NEVER, 7_u64.ticks()), "never 7");
}
