//! What a server sees, what it can change, and how keys are rotated.

use super::*;
use crate::contract::{keeps_both, lease_of};
use crate::memory::{Memory, memory};

const OLD: [u8; 32] = [17; 32];
const NEW: [u8; 32] = [42; 32];

fn store() -> Memory {
    memory(1 << 20)
}

fn stored(store: &Memory) -> Vec<u8> {
    Backend::get(store, "n", b"k").unwrap().unwrap().value
}

#[test]
fn it_keeps_the_contract() {
    keeps_both(|| Encrypted::new(store(), [NEW, OLD]));
}

#[cfg(feature = "compression")]
#[test]
fn what_is_compressed_can_be_encrypted() {
    let store = store();
    let both = crate::Compressed::new(Encrypted::new(&store, [OLD]));
    Backend::set(&both, "n", b"k", &[b'x'; 10_000], None).unwrap();
    assert!(stored(&store).len() < 200);
    assert_eq!(Backend::get(&both, "n", b"k").unwrap().unwrap().value, [b'x'; 10_000]);
}

#[test]
fn a_value_is_not_seen_and_no_two_are_alike() {
    let store = store();
    let encrypted = Encrypted::new(&store, [OLD]);
    let secret = b"a secret of some length";
    let mut all = std::collections::HashSet::new();
    for _ in 0..100 {
        Backend::set(&encrypted, "n", b"k", secret, None).unwrap();
        let bytes = stored(&store);
        assert_eq!(bytes.len(), 1 + 24 + secret.len() + 16);
        assert!(!bytes.windows(8).any(|window| secret.windows(8).any(|part| part == window)));
        assert!(all.insert(bytes));
    }
}

#[test]
fn what_was_changed_or_moved_is_a_miss_and_can_be_replaced() {
    let store = store();
    let encrypted = Encrypted::new(&store, [OLD]);
    Backend::set(&encrypted, "n", b"k", b"4200", None).unwrap();
    let good = stored(&store);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        Backend::set(&store, "n", b"k", &bad, None).unwrap();
        assert_eq!(Backend::get(&encrypted, "n", b"k").unwrap(), None, "byte {at}");
    }
    for (namespace, key) in [("n", &b"l"[..]), ("m", b"k"), ("", b"nk"), ("nk", b"")] {
        Backend::set(&store, namespace, key, &good, None).unwrap();
        assert_eq!(Backend::get(&encrypted, namespace, key).unwrap(), None, "moved to {namespace}");
    }
    for bad in [&b""[..], &good[..10], &good[..25], b"4200"] {
        Backend::set(&store, "n", b"k", bad, None).unwrap();
        let looked = Backend::get_or_lease(&encrypted, "n", b"k", Duration::from_secs(1).into()).unwrap();
        assert_eq!(looked.found, None);
        let lease = lease_of(&looked);
        assert!(Backend::set_leased(&encrypted, "n", b"k", &lease, b"1", None).unwrap().is_some());
        assert_eq!(Backend::get(&encrypted, "n", b"k").unwrap().unwrap().value, b"1");
    }
}

#[test]
fn keys_are_rotated() {
    let store = store();
    let get = |keys: &[[u8; 32]]| {
        let found = Backend::get(&Encrypted::new(&store, keys.iter().copied()), "n", b"k").unwrap();
        found.map(|found| found.value)
    };
    Backend::set(&Encrypted::new(&store, [OLD, NEW]), "n", b"k", b"by the old one", None).unwrap();
    assert_eq!(get(&[NEW, OLD]), Some(b"by the old one".to_vec()));
    assert_eq!(get(&[NEW]), None);
    Backend::set(&Encrypted::new(&store, [NEW, OLD]), "n", b"k", b"by the new one", None).unwrap();
    assert_eq!(get(&[OLD, NEW]), Some(b"by the new one".to_vec()));
    assert_eq!(get(&[OLD]), None);
}

#[test]
fn without_keys_nothing_is_stored() {
    let none = Encrypted::new(store(), []);
    let error = Backend::set(&none, "n", b"k", b"v", None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(Backend::get(&none, "n", b"k").unwrap(), None);
}

#[test]
fn keys_are_not_shown() {
    let shown = format!("{:?}", Encrypted::new(store(), [OLD, NEW]));
    assert_eq!(shown, "Encrypted { backend: Memory { max_bytes: 1048576, .. }, .. }");
}
