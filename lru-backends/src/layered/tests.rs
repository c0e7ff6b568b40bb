//! Which layer answers, and that no copy outlives a change.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};

use super::*;
use crate::contract::{keeps_both, lease_of};
use crate::memory::{Memory, memory};

const MINUTE: Duration = Duration::from_secs(60);

fn store() -> Memory {
    memory(1 << 20)
}

#[test]
fn it_keeps_the_contract() {
    keeps_both(|| Layered::new((store(), store())));
    keeps_both(|| Layered::new((store(), store())).near_ttl(Duration::ZERO));
    keeps_both(|| Layered::new((store(), store())).near_ttl(Duration::MAX));
    keeps_both(|| Layered::new((store(), Layered::new((store(), store())))));
    keeps_both(|| Layered::new((lru_core::backend::Off, store())));
}

/// A backend that runs something in the middle of its next lookup, counts lookups, and may be down.
#[derive(Default)]
struct Far<'a> {
    store: Option<Memory>,
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send + 'a>>>,
    lookups: AtomicU32,
    is_down: AtomicBool,
}

impl Far<'_> {
    fn of(store: Memory) -> Self {
        Self { store: Some(store), ..Self::default() }
    }

    fn store(&self) -> Result<&Memory, BackendError> {
        if self.is_down.load(SeqCst) {
            return Err("no answer".into());
        }
        Ok(self.store.as_ref().expect("a store"))
    }
}

impl Leases for Far<'_> {}

impl Backend for Far<'_> {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        self.lookups.fetch_add(1, SeqCst);
        Backend::get(self.store()?, namespace, key)
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        Backend::set(self.store()?, namespace, key, value, ttl)
    }

    fn get_or_lease(
        &self,
        namespace: &str,
        key: &[u8],
        options: LookupOptions,
    ) -> Result<Lookup, BackendError> {
        self.lookups.fetch_add(1, SeqCst);
        let looked = Backend::get_or_lease(self.store()?, namespace, key, options);
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        looked
    }

    fn set_leased(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Option<Lease>, BackendError> {
        Backend::set_leased(self.store()?, namespace, key, lease, value, ttl)
    }

    fn end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
        Backend::end_lease(self.store()?, namespace, key, lease)
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        Backend::delete(self.store()?, namespace, key)
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        Backend::clear(self.store()?, namespace)
    }
}

fn look(backend: &impl Backend) -> Lookup {
    backend.get_or_lease("n", b"k", MINUTE.into()).unwrap()
}

fn value(backend: &impl Backend) -> Option<Vec<u8>> {
    look(backend).found.map(|found| found.value)
}

#[test]
fn what_is_found_far_away_is_copied_with_its_remaining_time() {
    let (near, far) = (store(), Far::of(store()));
    Backend::set(&far, "n", b"k", b"v", Some(MINUTE)).unwrap();
    let layered = Layered::new((&near, &far));
    assert_eq!(value(&layered), Some(b"v".to_vec()));
    let copy = Backend::get(&near, "n", b"k").unwrap().unwrap();
    assert!(copy.ttl.is_some_and(|left| left <= NEAR_TTL), "{:?}", copy.ttl);
    for found in [look(&layered).found, layered.get("n", b"k").unwrap()] {
        let found = found.unwrap();
        assert_eq!(found.value, b"v");
        assert!(found.ttl.is_some_and(|left| left <= MINUTE && left > MINUTE / 2), "{:?}", found.ttl);
    }
    assert_eq!(far.lookups.load(SeqCst), 1);

    Backend::set(&far, "n", b"k", b"for ever", None).unwrap();
    Backend::clear(&near, "n").unwrap();
    look(&layered);
    assert_eq!(look(&layered).found.map(|found| found.ttl), Some(None));
    assert_eq!(far.lookups.load(SeqCst), 2);
}

#[test]
fn a_result_that_is_stored_is_found_near() {
    let (near, far) = (store(), Far::of(store()));
    let layered = Layered::new((&near, &far));
    let lease = lease_of(&look(&layered));
    assert!(layered.set_leased("n", b"k", &lease, b"v", Some(MINUTE)).unwrap().is_some());
    assert_eq!((value(&layered), far.lookups.load(SeqCst)), (Some(b"v".to_vec()), 1));
    // And refreshed by the lease of the near hit.
    let lease = lease_of(&look(&layered));
    assert!(layered.set_leased("n", b"k", &lease, b"w", Some(MINUTE)).unwrap().is_some());
    assert_eq!((value(&layered), far.lookups.load(SeqCst)), (Some(b"w".to_vec()), 1));
    assert_eq!(value(&far), Some(b"w".to_vec()));
}

#[test]
fn a_copy_of_before_a_change_is_not_stored_after_it() {
    type Change = fn(&Layered<&Memory, &Memory>);
    let changes: [(&str, Change); 5] = [
        ("delete", |layered| assert!(Backend::delete(layered, "n", b"k").unwrap())),
        ("put", |layered| drop(Backend::put(layered, "n", b"k", b"new", None).unwrap())),
        ("set", |layered| Backend::set(layered, "n", b"k", b"new", None).unwrap()),
        ("clear", |layered| Backend::clear(layered, "n").unwrap()),
        ("swap", |layered| {
            let (_, version) = CompareAndSwap::get_versioned(layered, "n", b"k").unwrap();
            assert!(CompareAndSwap::compare_and_swap(layered, "n", b"k", &version, b"new", None).unwrap());
        }),
    ];
    for (name, change) in changes {
        let (near, server) = (store(), store());
        Backend::set(&server, "n", b"k", b"old", None).unwrap();
        let other = Layered::new((&near, &server));
        let far = Far::of(server.clone());
        *far.meanwhile.lock().unwrap() = Some(Box::new(|| change(&other)));
        let looked = look(&Layered::new((&near, &far)));
        assert_eq!(
            looked.found.as_ref().unwrap().value,
            b"old",
            "{name}: the lookup began before the change"
        );
        let expected = ["put", "set", "swap"].contains(&name).then(|| b"new".to_vec());
        assert_eq!(Backend::get(&other, "n", b"k").unwrap().map(|found| found.value), expected, "{name}");
        let stored = Backend::set_leased(&other, "n", b"k", &lease_of(&looked), b"computed", None);
        assert_eq!(stored.unwrap(), None, "{name}");
        assert_eq!(value(&other), expected, "{name}");
    }
}

#[test]
fn a_change_elsewhere_ends_the_lease_of_a_near_hit() {
    let (near, server) = (store(), store());
    Backend::set(&server, "n", b"k", b"old", None).unwrap();
    let layered = Layered::new((&near, &server));
    look(&layered);
    let hit = look(&layered);
    Backend::set(&server, "n", b"k", b"new", None).unwrap();
    assert_eq!(value(&layered), Some(b"old".to_vec()), "not noticed for `near_ttl`");
    let stored = Backend::set_leased(&layered, "n", b"k", &lease_of(&hit), b"computed", None).unwrap();
    assert_eq!((stored, value(&layered)), (None, Some(b"new".to_vec())), "noticed");
}

#[test]
fn a_copy_is_found_for_a_limited_time() {
    let (near, far) = (store(), Far::of(store()));
    Backend::set(&far, "n", b"k", b"v", None).unwrap();
    let layered = Layered::new((&near, &far)).near_ttl(Duration::ZERO);
    for lookups in 1..4 {
        assert_eq!((value(&layered), far.lookups.load(SeqCst)), (Some(b"v".to_vec()), lookups));
    }
    let layered = layered.near_ttl(Duration::from_millis(20));
    look(&layered);
    let deadline = Instant::now() + MINUTE;
    while Backend::get(&near, "n", b"k").unwrap().is_some() {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    // Its time counts from when the far backend was asked.
    let late = Life { asked: Instant::now().checked_sub(MINUTE).unwrap(), near_ttl: MINUTE };
    assert_eq!(written(&Permission::Denied, b"v", None, late), None);
    let late = Life { near_ttl: Duration::MAX, ..late };
    assert_eq!(written(&Permission::Denied, b"v", Some(MINUTE), late), None);
}

#[test]
fn many_are_found_in_both() {
    let (near, far) = (store(), Far::of(store()));
    let layered = Layered::new((&near, &far));
    for key in [b"a", b"b", b"c"] {
        Backend::set(&far, "n", key, key, None).unwrap();
    }
    layered.get_or_lease("n", b"b", MINUTE.into()).unwrap();
    Backend::set(&near, "n", b"c", b"no copy", None).unwrap();
    let all = layered.get_many("n", &[b"c", b"none", b"b", b"a"]).unwrap();
    let all: Vec<_> = all.into_iter().map(|found| found.map(|found| found.value)).collect();
    assert_eq!(all, [Some(b"c".to_vec()), None, Some(b"b".to_vec()), Some(b"a".to_vec())]);
}

#[test]
fn values_for_other_processes_are_not_copied() {
    let (near, far) = (store(), store());
    Backend::set(&far, "n", b"k", b"\xF7\0claimed", Some(MINUTE)).unwrap();
    let layered = Layered::new((&near, &far));
    let looked = look(&layered);
    assert!(
        Backend::set_leased(&layered, "n", b"k", &lease_of(&looked), b"\xF7\0failed", None)
            .unwrap()
            .is_some()
    );
    assert_eq!(Backend::get(&near, "n", b"k").unwrap(), None);
    Backend::set(&far, "n", b"k", b"result", None).unwrap();
    assert_eq!(value(&layered), Some(b"result".to_vec()));
}

#[test]
fn a_near_backend_that_is_down_is_passed_over_but_a_change_fails() {
    let (near, far) = (Far::of(store()), store());
    Backend::set(&far, "n", b"k", b"v", None).unwrap();
    near.is_down.store(true, SeqCst);
    let layered = Layered::new((&near, &far));
    let looked = look(&layered);
    assert_eq!(looked.found.as_ref().map(|found| &found.value[..]), Some(&b"v"[..]));
    assert!(layered.set_leased("n", b"k", &lease_of(&looked), b"w", None).unwrap().is_some());
    assert!(layered.get_many("n", &[b"k"]).unwrap()[0].is_some());
    assert!(layered.delete("n", b"k").is_err() && layered.check().is_err());
    assert_eq!(Backend::get(&far, "n", b"k").unwrap(), None, "the far backend was changed all the same");
}

#[test]
fn a_far_backend_that_is_down_fails_unless_there_is_a_copy() {
    let (near, far) = (store(), Far::of(store()));
    Backend::set(&far, "n", b"k", b"v", None).unwrap();
    let layered = Layered::new((&near, &far));
    look(&layered);
    far.is_down.store(true, SeqCst);
    assert_eq!(value(&layered), Some(b"v".to_vec()));
    assert!(layered.get_or_lease("n", b"other", MINUTE.into()).is_err());
    let near_lease = Backend::get_or_lease(&near, "n", b"other", MINUTE.into()).unwrap();
    assert!(lease_of(&near_lease).is_new(), "no near lease is left behind");
    assert!(layered.delete("n", b"k").is_err());
    assert_eq!(Backend::get(&near, "n", b"k").unwrap(), None, "the change may have been carried out");
}

#[test]
fn no_lookup_finds_what_was_replaced_before_it_began() {
    const CHANGES: u64 = 2000;
    let layered = Layered::new((store(), Layered::new((store(), store()))));
    // The source of the data, and the state of it that the last change that returned has published.
    let (source, published) = (AtomicU64::new(0), AtomicU64::new(0));
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while published.load(SeqCst) < CHANGES {
                    let oldest = published.load(SeqCst);
                    let looked = look(&layered);
                    if let Some(found) = &looked.found {
                        let found = number(&found.value);
                        assert!(found >= oldest, "{found} was found after {oldest} was published");
                    }
                    if looked.found.is_none() || oldest % 3 == 0 {
                        let computed = source.load(SeqCst).to_le_bytes();
                        std::thread::yield_now();
                        let lease = lease_of(&looked);
                        Backend::set_leased(&layered, "n", b"k", &lease, &computed, Some(MINUTE)).unwrap();
                    }
                }
            });
        }
        for change in 1..=CHANGES {
            source.store(change, SeqCst);
            match change % 4 {
                0 => drop(Backend::put(&layered, "n", b"k", &change.to_le_bytes(), Some(MINUTE)).unwrap()),
                1 => Backend::clear(&layered, "n").unwrap(),
                _ => drop(Backend::delete(&layered, "n", b"k").unwrap()),
            }
            published.store(change, SeqCst);
            std::thread::yield_now();
        }
    });
}
