use super::*;
use crate::expiry::ticks::Timestamp;

const fn at(ticks: u64) -> Ticks {
    Ticks::new(ticks)
}

const STALE: Freshness = Freshness::Stale { due: true };

/// Returns the metadata of an entry that is fresh before 10, served before 20 and kept before 30.
fn stale<W: Staleness>() -> EntryInfo<W> {
    EntryInfo::new(1, at(30), Ticks::NEVER, Some(StaleWindow::new(at(10), at(20))))
}

/// Returns how the entry may be served at each of these times.
fn at_each<W: Staleness, const N: usize>(info: &EntryInfo<W>, times: [u64; N]) -> [Freshness; N] {
    times.map(|time| info.freshness(at(time)))
}

#[test]
fn an_entry_is_live_strictly_before_its_deadlines() {
    let info = EntryInfo::<()>::new(1, at(10), at(5), None);
    assert_eq!(at_each(&info, [0, 4, 5]), [Freshness::Fresh, Freshness::Fresh, Freshness::Expired]);
    assert_eq!(info.deadline(), at(5));
    info.touch(at(50));
    assert_eq!(at_each(&info, [5, 9, 10]), [Freshness::Fresh, Freshness::Fresh, Freshness::Expired]);
    assert_eq!(info.deadline(), at(10));
}

#[test]
fn an_entry_without_deadlines_never_expires() {
    let info = EntryInfo::<()>::new(1, Ticks::NEVER, Ticks::NEVER, None);
    info.touch(at(5));
    assert_eq!(info.freshness(u64::MAX.now()), Freshness::Fresh);
    assert_eq!(info.deadline(), Ticks::NEVER);
}

#[test]
fn a_deadline_at_the_start_of_time_has_passed_by_every_clock() {
    assert_eq!(
        EntryInfo::<()>::new(1, Ticks::START, Ticks::NEVER, None).freshness(Ticks::START),
        Freshness::Expired
    );
}

#[test]
fn a_window_is_fresh_then_stale_then_for_errors_only() {
    let expected =
        [Freshness::Fresh, STALE, STALE, Freshness::ErrorOnly, Freshness::ErrorOnly, Freshness::Expired];
    let times = [9, 10, 19, 20, 29, 30];
    assert_eq!(at_each(&stale::<StaleWindow>(), times), expected);
    assert_eq!(at_each(&stale::<Option<Box<StaleWindow>>>(), times), expected);
    let fresh = EntryInfo::<StaleWindow>::new(1, at(30), Ticks::NEVER, None);
    assert_eq!(at_each(&fresh, [29, 30]), [Freshness::Fresh, Freshness::Expired]);
    assert_eq!(
        [Freshness::Fresh, STALE, Freshness::ErrorOnly, Freshness::Expired].map(Freshness::is_live),
        [true, true, false, false]
    );
}

#[test]
fn after_a_failed_refresh_the_next_one_waits() {
    let info = stale::<StaleWindow>();
    let mut failures = [0; 2];
    for count in &mut failures {
        info.refresh_failed(|failures| {
            *count = failures;
            at(12)
        });
    }
    assert_eq!(failures, [1, 2]);
    assert_eq!(at_each(&info, [11, 12]), [Freshness::Stale { due: false }, STALE]);
    EntryInfo::<()>::new(1, at(9), Ticks::NEVER, None).refresh_failed(|_| unreachable!("it is never stale"));
}

#[test]
fn what_is_shortened_ends_sooner_and_never_later() {
    let mut plain = EntryInfo::<()>::new(1, at(30), Ticks::NEVER, None);
    plain.shorten(at(40));
    assert_eq!(plain.deadline(), at(30));
    plain.shorten(at(8));
    assert_eq!(plain.deadline(), at(8));

    let mut stale = stale::<Option<Box<StaleWindow>>>();
    stale.shorten(at(15));
    assert_eq!(at_each(&stale, [9, 10]), [Freshness::Fresh, STALE]);
    stale.shorten(at(8));
    assert_eq!(at_each(&stale, [7, 8, 19, 30]), [Freshness::Fresh, STALE, STALE, Freshness::Expired]);

    let mut unbounded = EntryInfo::<Option<Box<StaleWindow>>>::new(1, Ticks::NEVER, Ticks::NEVER, None);
    unbounded.shorten(at(8));
    assert_eq!(unbounded.deadline(), at(8));
}
