//! The store in memory, and backends behind pointers and options, which it stands for.

use lru_core::backend::{BoxedBackend, ErrorKind, Off, Permission};

use super::*;
use crate::bounded_store::OVERHEAD;
use crate::contract::{keeps_both, keeps_contract, keeps_contract_async, lease_of, ready};
use crate::{CircuitBreaker, Sharded};

fn large() -> Memory {
    memory(1 << 20)
}

#[test]
fn it_keeps_the_contract_behind_every_pointer_and_wrapper() {
    keeps_both(large);
    keeps_both(|| Some(large()));
    keeps_both(|| Arc::new(large()));
    keeps_both(|| CircuitBreaker::new(large()));
    keeps_both(|| Sharded::new([(); 3].map(|()| large())));
    keeps_contract(&(Box::new(large()) as Box<dyn Backend + Send + Sync>));
    keeps_contract(&(Arc::new(large()) as Arc<dyn Backend + Send + Sync>));
    ready(keeps_contract_async(&BoxedBackend::new(large())));
    ready(keeps_contract_async(&Box::new(BoxedBackend::with_leases(large()))));
}

#[test]
fn a_boxed_backend_is_shared_by_its_clones_and_by_threads() {
    fn is_for_global_single_flight<B: AsyncBackend + Leases + Send + Sync + 'static>(_: &B) {}
    let boxed = BoxedBackend::with_leases(large());
    is_for_global_single_flight(&boxed);
    let other = boxed.clone();
    let set = std::thread::spawn(move || ready(other.set("a", b"k", b"v", None)));
    set.join().unwrap().unwrap();
    assert!(ready(boxed.get("a", b"k")).unwrap().is_some());
}

#[test]
fn off_has_nothing_stores_nothing_and_never_fails() {
    fn nothing_is_kept(backend: &(impl AsyncBackend + CompareAndSwap + Leases)) {
        Backend::set(backend, "a", b"k", b"v", None).unwrap();
        assert_eq!(Backend::put(backend, "a", b"k", b"v", None).unwrap(), None);
        let looked = Backend::get_or_lease(backend, "a", b"k", Duration::from_secs(1).into()).unwrap();
        assert_eq!((looked.found, looked.permission), (None, Permission::Denied));
        assert_eq!(Backend::get_many(backend, "a", &[b"k", b"l"]).unwrap(), [None, None]);
        assert!(!Backend::delete(backend, "a", b"k").unwrap());
        Backend::clear(backend, "a").unwrap();
        Backend::check(backend).unwrap();
        ready(AsyncBackend::check(backend)).unwrap();
        assert_eq!(ready(AsyncBackend::get(backend, "a", b"k")).unwrap(), None);
        let counted = CompareAndSwap::update(backend, "a", b"k", None, |n: Option<u64>| n.unwrap_or(0) + 1);
        assert_eq!(counted.unwrap(), 1);
    }
    nothing_is_kept(&Off);
    nothing_is_kept(&None::<Memory>);
}

#[test]
fn the_least_recently_used_entries_make_room() {
    let store = memory(4 * (OVERHEAD + 2 + 10));
    for key in [b"a", b"b", b"c", b"d"] {
        Backend::set(&store, "n", key, &[0; 10], None).unwrap();
    }
    assert!(Backend::get(&store, "n", b"a").unwrap().is_some());
    Backend::set(&store, "n", b"e", &[0; 10], None).unwrap();
    let is_there = |key| Backend::get(&store, "n", key).unwrap().is_some();
    assert_eq!([b"a", b"b", b"c", b"d", b"e"].map(|key| is_there(key)), [true, false, true, true, true]);

    let refused = Backend::set(&store, "n", b"a", &[0; 1000], None).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected);
    assert!(is_there(b"a") && is_there(b"e"), "nothing is evicted for what does not fit");
    let looked = Backend::get_or_lease(&store, "n", &[0; 1000], Duration::from_secs(1).into()).unwrap();
    assert_eq!(looked.permission, Permission::Denied);

    Backend::clear(&store, "n").unwrap();
    assert_eq!(store.store().sizes(), (0, 0, 0));
}

#[test]
fn entries_and_leases_expire() {
    let store = large();
    Backend::set(&store, "n", b"a", b"v", Some(Duration::ZERO)).unwrap();
    assert_eq!(Backend::get(&store, "n", b"a").unwrap(), None);
    let lease = lease_of(&Backend::get_or_lease(&store, "n", b"a", Duration::ZERO.into()).unwrap());
    assert_eq!(Backend::set_leased(&store, "n", b"a", &lease, b"v", None).unwrap(), None);
    assert!(!Backend::renew_lease(&store, "n", b"a", &lease, Duration::from_secs(1)).unwrap());
    assert_eq!(store.store().sizes().0, 0);
}

#[test]
fn updates_by_compare_and_swap_are_not_lost() {
    let store = large();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let add = |n: Option<u64>| n.unwrap_or(0) + 1;
                    CompareAndSwap::update(&store, "n", b"count", None, add).unwrap();
                }
            });
        }
    });
    let count = CompareAndSwap::update(&store, "n", b"count", None, |n: Option<u64>| n.unwrap_or(0));
    assert_eq!(count.unwrap(), 200);
}
