use super::*;

const EMPTY: ExpiryQueue = <ExpiryQueue as Queue<EntryInfo>>::EMPTY;

fn expiring(expires: u64) -> EntryInfo {
    EntryInfo::new(1, Ticks::new(expires), Ticks::NEVER, None)
}

fn idling(idle: u64) -> EntryInfo {
    EntryInfo::new(1, Ticks::NEVER, Ticks::new(idle), None)
}

#[test]
fn the_earliest_comes_first_and_of_equal_ones_the_first_noted() {
    let mut infos = [expiring(5), expiring(3), expiring(5), expiring(9)];
    let mut queue = EMPTY;
    for (slot, info) in infos.iter_mut().enumerate() {
        queue.add(slot, info);
    }
    let mut next = |now| queue.next(now, &mut 100, |slot| infos.get(slot));
    assert_eq!(next(2), None);
    assert_eq!((next(8), next(8), next(8), next(8)), (Some(1), Some(0), Some(2), None));
    assert_eq!(next(9), Some(3));
}

#[test]
fn notes_of_what_is_gone_or_was_used_say_nothing() {
    let mut infos = [expiring(5), idling(5)];
    let mut queue = EMPTY;
    queue.add(0, &mut infos[0]);
    queue.add(1, &mut infos[1]);
    infos[0] = expiring(7);
    queue.add(0, &mut infos[0]);
    infos[1].touch(Ticks::new(8));
    let mut next = |now| queue.next(now, &mut 100, |slot| infos.get(slot));
    assert_eq!(next(6), None);
    assert_eq!((next(7), next(7), next(8)), (Some(0), None, Some(1)));
}

#[test]
fn a_used_entry_expires_in_order_however_late() {
    let mut infos = [idling(5), expiring(7)];
    let mut queue = EMPTY;
    for (slot, info) in infos.iter_mut().enumerate() {
        queue.add(slot, info);
    }
    infos[0].touch(Ticks::new(9));
    let mut next = |now| queue.next(now, &mut 100, |slot| infos.get(slot));
    assert_eq!((next(10), next(10), next(10)), (Some(1), Some(0), None));
}

#[test]
fn the_heap_holds_no_more_than_it_must() {
    let mut info = expiring(0);
    let mut queue = EMPTY;
    for time in 0..10_000 {
        info = expiring(time + 1_000_000);
        queue.add(0, &mut info);
        queue.compact(1, |_| Some(&info));
        assert!(queue.heap.as_ref().is_some_and(|heap| heap.len() <= SLACK + 3));
    }
    assert_eq!(queue.next(2_000_000, &mut 100, |_| Some(&info)), Some(0));
}

#[test]
fn no_more_deadlines_are_looked_at_than_there_are_steps() {
    let mut queue = EMPTY;
    let mut infos: Vec<_> = (0..5).map(expiring).collect();
    for (slot, info) in infos.iter_mut().enumerate() {
        queue.add(slot, info);
    }
    let mut steps = 3;
    let taken: Vec<_> = std::iter::from_fn(|| queue.next(100, &mut steps, |slot| infos.get(slot))).collect();
    assert_eq!((taken.as_slice(), steps), (&[0, 1, 2][..], 0));
    let mut steps = 3;
    assert_eq!(queue.next(100, &mut steps, |slot| infos.get(slot)), Some(3));
    assert_eq!(queue.next(3, &mut steps, |slot| infos.get(slot)), None);
    assert_eq!(steps, 2, "a deadline that has not come takes no step");
}
