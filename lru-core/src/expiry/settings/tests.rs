use std::iter;

use super::*;
use crate::expiry::stale_window::Freshness;

type Settings = ExpirySettings<u64>;
type Info = EntryInfo<StaleWindow>;

const fn at(ticks: u64) -> Ticks {
    Ticks::new(ticks)
}

fn stored_at(now: u64, settings: &Settings) -> Info {
    settings.info(at(now), EntryOptions::NONE)
}

/// Returns the times at which an entry that is stored at 100 stops being fresh, served, and kept.
fn ends(settings: &Settings, options: EntryOptions) -> [u64; 3] {
    let info: Info = settings.info(at(100), options);
    let first = |is_over: fn(Freshness) -> bool| {
        (0..1000).find(|now| is_over(info.freshness(at(*now)))).unwrap_or(u64::MAX)
    };
    [
        first(|freshness| freshness != Freshness::Fresh),
        first(|freshness| !freshness.is_live()),
        first(|freshness| freshness == Freshness::Expired),
    ]
}

#[test]
fn each_setting_ends_something() {
    let ttl = Settings::NONE.ttl(10);
    assert_eq!(ends(&Settings::NONE, EntryOptions::NONE), [u64::MAX; 3]);
    assert_eq!(ends(&ttl, EntryOptions::NONE), [110; 3]);
    assert_eq!(ends(&ttl.tti(4), EntryOptions::NONE), [104; 3]);
    assert_eq!(ends(&ttl.swr(5), EntryOptions::NONE), [110, 115, 115]);
    assert_eq!(ends(&ttl.stale_if_error(7), EntryOptions::NONE), [110, 110, 117]);
    assert_eq!(ends(&ttl.swr(5).stale_if_error(7), EntryOptions::NONE), [110, 115, 117]);
    assert_eq!(ends(&ttl.swr(7).stale_if_error(5), EntryOptions::NONE), [110, 117, 117]);
    assert_eq!(ends(&ttl.swr_always(), EntryOptions::NONE), [110, u64::MAX, u64::MAX]);
}

#[test]
fn an_entry_may_have_a_deadline_of_its_own_and_an_error_another_one() {
    let settings = Settings::NONE.ttl(10).swr(5).error_ttl(3);
    let until = EntryOptions { until: Some(at(150)), ..EntryOptions::NONE };
    let error = EntryOptions { is_error: true, ..EntryOptions::NONE };
    assert_eq!(ends(&settings, until), [150; 3]);
    assert_eq!(ends(&settings, error), [103; 3]);
    assert_eq!(ends(&settings, EntryOptions { until: Some(at(150)), ..error }), [103; 3]);
    assert_eq!(ends(&Settings::NONE.ttl(10).swr(5), error), [110; 3], "an error is never stale");
    assert_eq!(ends(&Settings::NONE.error_ttl(3), EntryOptions::NONE), [u64::MAX; 3]);
}

#[test]
fn the_longest_times_never_end() {
    let settings = Settings::NONE.ttl(u64::MAX).tti(u64::MAX).swr(u64::MAX).stale_if_error(u64::MAX);
    let info = stored_at(100, &settings);
    settings.touch(&info, at(u64::MAX - 1));
    assert_eq!((info.deadline(), info.freshness(at(u64::MAX - 1))), (Ticks::NEVER, Freshness::Fresh));
    let info = stored_at(100, &Settings::NONE.ttl(5).swr(u64::MAX).stale_if_error(u64::MAX));
    assert_eq!(info.freshness(at(u64::MAX - 1)), Freshness::Stale { due: true });
}

#[test]
fn what_comes_from_elsewhere_is_fresh_for_no_longer_than_it_is_good() {
    let settings = ExpirySettings::<Duration>::NONE.ttl(10).swr(5);
    let info = |seconds| -> Info {
        let fresh = Duration::from_secs(seconds);
        let max_age = Some(MaxAge { since: not_yet(), fresh, kept: Duration::MAX });
        settings.info(Duration::ZERO.ticks(), EntryOptions { max_age, ..EntryOptions::NONE })
    };
    let freshness = |info: &Info, seconds| info.freshness(Duration::from_secs(seconds).ticks());
    let stale = Freshness::Stale { due: true };
    assert_eq!(
        [2, 3, 14, 15].map(|now| freshness(&info(3), now)),
        [Freshness::Fresh, stale, stale, Freshness::Expired]
    );
    assert_eq!([9, 10].map(|now| freshness(&info(30), now)), [Freshness::Fresh, stale]);
    // A clock without seconds ignores `max_age`.
    let max_age =
        Some(MaxAge { since: not_yet(), fresh: Duration::from_secs(1), kept: Duration::from_secs(1) });
    assert_eq!(ends(&Settings::NONE.ttl(10), EntryOptions { max_age, ..EntryOptions::NONE }), [110; 3]);
}

/// Returns a time that has not come: all that counts from then on is left.
fn not_yet() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

#[test]
fn what_comes_from_elsewhere_has_grown_old_until_it_is_stored() {
    let since = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
    let max_age = MaxAge { since, fresh: Duration::from_secs(3), kept: Duration::MAX };
    assert!(max_age.left()[0] <= Duration::from_secs(1) && max_age.left()[1] == Duration::MAX);
    let settings = ExpirySettings::<Duration>::NONE;
    let info: Info = settings
        .info(Duration::from_secs(10).ticks(), EntryOptions { max_age: Some(max_age), ..EntryOptions::NONE });
    assert!(info.freshness(Duration::from_secs(11).ticks()) != Freshness::Fresh);
}

#[test]
fn what_fails_again_and_again_is_asked_half_as_often_each_time() {
    let waits = |ttl: u64| {
        let settings = ExpirySettings::<Duration>::NONE.ttl(ttl).swr_always();
        let info: Info = settings.info(Duration::ZERO.ticks(), EntryOptions::NONE);
        let mut now = Duration::from_secs(ttl);
        [(); 9].map(|()| {
            settings.refresh_failed(&info, now.ticks());
            let failed = now;
            while info.freshness(now.ticks()) != (Freshness::Stale { due: true }) {
                now += Duration::from_secs(1);
            }
            now.saturating_sub(failed).as_secs()
        })
    };
    assert_eq!(waits(3600), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(waits(3), [1, 2, 3, 3, 3, 3, 3, 3, 3]);

    let settings = Settings::NONE.ttl(10).swr_always();
    let info = stored_at(0, &settings);
    settings.refresh_failed(&info, at(12));
    assert_eq!(
        [21, 22].map(|now| info.freshness(at(now))),
        [false, true].map(|due| Freshness::Stale { due })
    );
}

#[test]
fn jitter_shortens_and_never_lengthens() {
    let settings = Settings::NONE.ttl(100).jitter(0.5);
    let deadlines: Vec<_> = (0..200).map(|_| stored_at(0, &settings).deadline().get()).collect();
    assert!(deadlines.iter().all(|deadline| (50..=100).contains(deadline)), "{deadlines:?}");
    assert!(
        deadlines.iter().any(|deadline| *deadline < 75) && deadlines.iter().any(|deadline| *deadline > 75)
    );
    let whole = [-1.0, 0.0, f64::NAN].map(|jitter| stored_at(0, &settings.jitter(jitter)).deadline());
    assert_eq!(whole, [at(100); 3]);
}

#[test]
fn numbers_in_a_row_are_scattered_evenly() {
    for step in 0..20 {
        let mut tenths = [0; 10];
        for _ in 0..1000 {
            let number = iter::repeat_with(scatter).nth(step).unwrap_or_default();
            let tenth = (0..9).take_while(|tenth| f64::from(tenth + 1) / 10.0 < number).count();
            tenths[tenth] += 1;
        }
        assert!(tenths.iter().all(|count| (30..170).contains(count)), "{step}: {tenths:?}");
    }
}
