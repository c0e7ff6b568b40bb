//! What every backend that gives leases does, for tests of backends and wrappers.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use lru_core::backend::{
    AsyncBackend, Backend, Item, Lease, LeasedItem, Lookup, Permission, TagKey, TagNonce,
};

const MINUTE: Duration = Duration::from_secs(60);

/// Returns the output of a future that never waits.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a backend in memory waits for nothing"),
    }
}

/// Returns the lease of a lookup.
pub(crate) fn lease_of(lookup: &Lookup) -> Lease {
    match &lookup.permission {
        Permission::Leased(lease) => lease.clone(),
        other => panic!("expected a lease, got {other:?}"),
    }
}

/// Returns a value that notes a tag.
fn noting(tag: TagKey, nonce: TagNonce) -> Vec<u8> {
    [&[0xF8, 1, 1, 0, 0, 0, 0, 0][..], &tag.bytes(), nonce.bytes(), b"value"].concat()
}

macro_rules! contract {
    ($keeps:ident, $Backend:ident, [$($fn:tt)*] $($await:tt)*) => {
        /// Checks that an empty backend keeps what the traits promise.
        #[allow(clippy::too_many_lines, reason = "one contract")]
        pub(crate) $($fn)* $keeps(backend: &impl $Backend) {
            let value = |found: Option<lru_core::backend::Stored>| found.map(|found| found.value);
            assert_eq!(backend.check()$($await)*.unwrap(), ());

            // A lease is left once, and found by all others.
            let first = backend.get_or_lease("a", b"k", MINUTE.into())$($await)*.unwrap();
            let second = backend.get_or_lease("a", b"k", MINUTE.into())$($await)*.unwrap();
            let (first, second) = (lease_of(&first), lease_of(&second));
            assert!(first.is_new() && !second.is_new());
            assert_eq!(first.token(), second.token());
            assert_eq!(backend.get("a", b"k")$($await)*.unwrap(), None, "a lease is no entry");
            assert!(backend.renew_lease("a", b"k", &first, MINUTE)$($await)*.unwrap());

            // One result is stored over it.
            let over = backend.set_leased("a", b"k", &second, b"1", Some(MINUTE))$($await)*.unwrap();
            assert_eq!(backend.set_leased("a", b"k", &first, b"2", None)$($await)*.unwrap(), None);
            let found = backend.get("a", b"k")$($await)*.unwrap().expect("stored for a minute");
            assert_eq!(found.value, b"1");
            let left = found.ttl.expect("it expires");
            assert!(left <= MINUTE && left > MINUTE / 2, "{left:?}");
            assert!(!backend.renew_lease("a", b"k", &first, MINUTE)$($await)*.unwrap());

            // Another one over that, by the lease that storing or a lookup gives.
            let looked = backend.get_or_lease("a", b"k", MINUTE.into())$($await)*.unwrap();
            assert_eq!(looked.found.as_ref().map(|found| &found.value[..]), Some(&b"1"[..]));
            assert!(!lease_of(&looked).is_new());
            let over = backend.set_leased("a", b"k", &over.unwrap(), b"2", None)$($await)*.unwrap();
            assert!(over.is_some());
            let lost = lease_of(&looked);
            assert_eq!(backend.set_leased("a", b"k", &lost, b"3", None)$($await)*.unwrap(), None);
            let found = backend.get("a", b"k")$($await)*.unwrap().unwrap();
            assert_eq!((&found.value[..], found.ttl), (&b"2"[..], None));

            // A change of any kind ends a lease, whether of an entry or of its absence.
            for is_there in [true, false] {
                for change in ["delete", "clear", "put", "set"] {
                    if is_there {
                        backend.set("a", b"k", b"old", None)$($await)*.unwrap();
                    } else {
                        backend.delete("a", b"k")$($await)*.unwrap();
                    }
                    let lease = lease_of(&backend.get_or_lease("a", b"k", MINUTE.into())$($await)*.unwrap());
                    match change {
                        "delete" => assert_eq!(backend.delete("a", b"k")$($await)*.unwrap(), is_there),
                        "clear" => backend.clear("a")$($await)*.unwrap(),
                        "put" => assert!(backend.put("a", b"k", b"new", None)$($await)*.unwrap().is_some()),
                        _ => backend.set("a", b"k", b"new", None)$($await)*.unwrap(),
                    }
                    let stored = backend.set_leased("a", b"k", &lease, b"computed", None)$($await)*.unwrap();
                    assert_eq!(stored, None, "{change}, {is_there}");
                    backend.end_lease("a", b"k", &lease)$($await)*.unwrap();
                    let is_set = ["put", "set"].contains(&change);
                    let expected = is_set.then(|| b"new".to_vec());
                    assert_eq!(value(backend.get("a", b"k")$($await)*.unwrap()), expected, "{change}");
                    let looked = backend.get_or_lease("a", b"k", MINUTE.into())$($await)*.unwrap();
                    assert_eq!(value(looked.found), expected, "{change}");
                }
            }

            // The lease over what was put.
            let lease = backend.put("a", b"k", b"put", None)$($await)*.unwrap().unwrap();
            assert!(backend.set_leased("a", b"k", &lease, b"4", None)$($await)*.unwrap().is_some());
            let lease = lease_of(&backend.get_or_lease("a", b"k", MINUTE.into())$($await)*.unwrap());
            backend.end_lease("a", b"k", &lease)$($await)*.unwrap();
            assert_eq!(backend.get("a", b"k")$($await)*.unwrap(), None);
            assert!(lease_of(&backend.get_or_lease("a", b"k", MINUTE.into())$($await)*.unwrap()).is_new());

            // Namespaces are apart, and many are found in order.
            backend.set("a", b"k", b"of a", None)$($await)*.unwrap();
            backend.set("ab", b"k", b"of ab", None)$($await)*.unwrap();
            backend.set("a", b"l", &[b'l'; 5000], None)$($await)*.unwrap();
            let all = backend.get_many("a", &[b"l", b"none", b"k"])$($await)*.unwrap();
            let all: Vec<_> = all.into_iter().map(value).collect();
            assert_eq!(all, [Some(vec![b'l'; 5000]), None, Some(b"of a".to_vec())]);
            let items = [
                Item::new(b"k", b"1").ttl(MINUTE),
                Item::new(b"m", b""),
                Item::new(b"l", &[b'm'; 5000]),
                Item::new(b"m", b"3"),
            ];
            backend.set_many("a", &items)$($await)*.unwrap();
            let all = backend.get_many("a", &[b"k", b"l", b"m"])$($await)*.unwrap();
            let ttl = all[0].as_ref().unwrap().ttl.expect("it expires");
            assert!(ttl <= MINUTE && ttl > MINUTE / 2, "{ttl:?}");
            let all: Vec<_> = all.into_iter().map(value).collect();
            assert_eq!(all, [Some(b"1".to_vec()), Some(vec![b'm'; 5000]), Some(b"3".to_vec())]);
            backend.set_many("a", &[])$($await)*.unwrap();
            // A lease over an entry, or over its absence, ends with what sets or deletes several.
            let lookup = backend.get_or_lease("a", b"n", MINUTE.into())$($await)*.unwrap();
            backend.set_many("a", &items)$($await)*.unwrap();
            backend.set_many("a", &[Item::new(b"n", b"4")])$($await)*.unwrap();
            assert_eq!(backend.set_leased("a", b"n", &lease_of(&lookup), b"5", None)$($await)*.unwrap(), None);
            let lookup = backend.get_or_lease("a", b"n", MINUTE.into())$($await)*.unwrap();
            assert_eq!(value(lookup.found.clone()), Some(b"4".to_vec()));
            let deleted = backend.delete_many("a", &[b"none", b"n", b"l"])$($await)*.unwrap();
            assert_eq!(deleted, [false, true, true]);
            assert_eq!(backend.set_leased("a", b"n", &lease_of(&lookup), b"5", None)$($await)*.unwrap(), None);
            assert!(backend.delete_many("a", &[])$($await)*.unwrap().is_empty());
            let all = backend.get_many("a", &[b"n", b"l", b"m"])$($await)*.unwrap();
            assert_eq!(all.into_iter().map(value).collect::<Vec<_>>(), [None, None, Some(b"3".to_vec())]);
            backend.set("a", b"k", b"of a", None)$($await)*.unwrap();
            assert_eq!(value(backend.get("ab", b"k")$($await)*.unwrap()), Some(b"of ab".to_vec()));
            // Leases for several keys.
            backend.clear("a")$($await)*.unwrap();
            backend.set("a", b"k", b"1", None)$($await)*.unwrap();
            let keys: [&[u8]; 3] = [b"k", b"x", b"y"];
            let looked = backend.get_or_lease_many("a", &keys, MINUTE.into())$($await)*.unwrap();
            let found: Vec<_> = looked.iter().map(|looked| value(looked.found.clone())).collect();
            assert_eq!(found, [Some(b"1".to_vec()), None, None]);
            let leases: Vec<Lease> = looked.iter().map(lease_of).collect();
            assert_eq!(leases.iter().map(Lease::is_new).collect::<Vec<_>>(), [false, true, true]);
            let again = backend.get_or_lease_many("a", &keys, MINUTE.into())$($await)*.unwrap();
            for (lease, again) in leases.iter().zip(&again) {
                assert_eq!((lease.token(), false), (lease_of(again).token(), lease_of(again).is_new()));
            }
            let held = [(keys[1], &leases[1]), (keys[2], &leases[2])];
            assert_eq!(backend.renew_leases("a", &held, MINUTE)$($await)*.unwrap(), [true, true]);
            // One of them is lost.
            backend.set("a", b"x", b"new", None)$($await)*.unwrap();
            let item = |(key, lease)| LeasedItem::new(Item::new(key, b"2").ttl(MINUTE), lease);
            let items: Vec<_> = keys.into_iter().zip(&leases).map(item).collect();
            let over = backend.set_leased_many("a", &items)$($await)*.unwrap();
            assert_eq!(over.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
            let all = backend.get_many("a", &keys)$($await)*.unwrap();
            assert!(all[2].as_ref().and_then(|found| found.ttl).is_some_and(|ttl| ttl <= MINUTE));
            let all: Vec<_> = all.into_iter().map(value).collect();
            assert_eq!(all, [b"2", &b"new"[..], b"2"].map(|value| Some(value.to_vec())));
            assert_eq!(backend.renew_leases("a", &held, MINUTE)$($await)*.unwrap(), [false, false]);
            assert_eq!(backend.set_leased_many("a", &items)$($await)*.unwrap(), [None, None, None]);
            let over = over[2].as_ref().unwrap();
            let item = LeasedItem::new(Item::new(b"y", b"3"), over);
            assert!(backend.set_leased_many("a", &[item])$($await)*.unwrap()[0].is_some());
            // What is ended is left again.
            let lease = lease_of(&backend.get_or_lease("a", b"z", MINUTE.into())$($await)*.unwrap());
            backend.end_leases("a", &[(b"z", &lease), (b"x", &leases[1])])$($await)*.unwrap();
            let looked = backend.get_or_lease_many("a", &[b"z", b"x"], MINUTE.into())$($await)*.unwrap();
            assert!(lease_of(&looked[0]).is_new());
            assert_eq!(value(looked[1].found.clone()), Some(b"new".to_vec()));
            assert!(backend.get_or_lease_many("a", &[], MINUTE.into())$($await)*.unwrap().is_empty());
            assert!(backend.set_leased_many("a", &[])$($await)*.unwrap().is_empty());
            assert!(backend.renew_leases("a", &[], MINUTE)$($await)*.unwrap().is_empty());
            backend.end_leases("a", &[])$($await)*.unwrap();
            backend.set("a", b"k", b"of a", None)$($await)*.unwrap();

            // Nonces of tags.
            let [one, two, none] = [1_u8, 2, 3].map(|number| TagKey::of([number; 8]));
            assert_eq!(backend.tag_nonces(&[one], None)$($await)*.unwrap().get(one), None);
            backend.delete("a", b"t")$($await)*.unwrap();
            let looked = backend.get_or_lease_tagged("a", b"t", MINUTE.into(), &[one, two], MINUTE)$($await)*.unwrap();
            let (first, lease) = (looked.nonces, lease_of(&looked.lookup));
            assert!(lease.is_new() && first.get(one).is_some() && first.get(one) != first.get(two));
            assert_eq!(first.get(none), None);
            let noted = noting(one, first.get(one).unwrap());
            assert!(backend.set_leased("a", b"t", &lease, &noted, None)$($await)*.unwrap().is_some());
            // Those that the entry notes are read as well.
            let looked = backend.get_or_lease_tagged("a", b"t", MINUTE.into(), &[two], MINUTE)$($await)*.unwrap();
            assert_eq!(looked.lookup.found.as_ref().map(|found| &found.value), Some(&noted));
            assert!([one, two].iter().all(|&tag| looked.nonces.get(tag) == first.get(tag)));
            let now = backend.tag_nonces(&[two, one, none], Some(MINUTE))$($await)*.unwrap();
            assert!([one, two].iter().all(|&tag| now.get(tag) == first.get(tag)) && now.get(none).is_some());
            backend.invalidate_tags(&[one, none])$($await)*.unwrap();
            let now = backend.tag_nonces(&[one, two, none], None)$($await)*.unwrap();
            assert_eq!((now.get(one), now.get(two), now.get(none)), (None, first.get(two), None));
            let looked = backend.get_or_lease_tagged("a", b"t", MINUTE.into(), &[], MINUTE)$($await)*.unwrap();
            assert_ne!(looked.nonces.get(one), first.get(one));
            backend.invalidate_tags(&[one, two, none])$($await)*.unwrap();
            backend.invalidate_tags(&[])$($await)*.unwrap();

            backend.clear("a")$($await)*.unwrap();
            assert_eq!(backend.get("a", b"k")$($await)*.unwrap(), None);
            assert_eq!(value(backend.get("ab", b"k")$($await)*.unwrap()), Some(b"of ab".to_vec()));
            assert!(!backend.add("ab", b"k", b"added", MINUTE)$($await)*.unwrap());
            assert!(backend.add("a", b"k", b"added", MINUTE)$($await)*.unwrap());
            assert_eq!(value(backend.get("a", b"k")$($await)*.unwrap()), Some(b"added".to_vec()));
        }
    };
}

contract! { keeps_contract, Backend, [fn] }
contract! { keeps_contract_async, AsyncBackend, [async fn] .await }

/// Checks a backend of both kinds.
pub(crate) fn keeps_both<B: Backend + AsyncBackend>(backend: impl Fn() -> B) {
    keeps_contract(&backend());
    ready(keeps_contract_async(&backend()));
}
