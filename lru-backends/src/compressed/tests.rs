//! What is compressed, and what damaged and hostile values do.

use super::*;
use crate::contract::{keeps_both, lease_of};
use crate::memory::{Memory, memory};

fn store() -> Memory {
    memory(1 << 24)
}

fn stored(store: &Memory) -> Vec<u8> {
    Backend::get(store, "n", b"k").unwrap().unwrap().value
}

#[test]
fn it_keeps_the_contract() {
    keeps_both(|| Compressed::new(store()));
    keeps_both(|| Compressed::new(store()).min_size(0));
}

#[test]
fn what_becomes_smaller_is_compressed_from_a_size_on() {
    let store = store();
    let compressed = Compressed::new(&store);
    let mut noise = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        noise.to_le_bytes()[7]
    })
    .take(5000)
    .collect();
    for (value, is_compressed) in [
        (vec![], false),
        (vec![b'x'; 1023], false),
        (vec![b'x'; 1024], true),
        (vec![b'x'; 1 << 20], true),
        (noise, false),
        (vec![LZ4; 100], false),
    ] {
        Backend::set(&compressed, "n", b"k", &value, None).unwrap();
        let bytes = stored(&store);
        assert_eq!(bytes[0], if is_compressed { LZ4 } else { PLAIN });
        let size = if is_compressed { value.len() / 50 } else { value.len() + 1 };
        assert!(bytes.len() <= size, "{} of {}", bytes.len(), value.len());
        assert_eq!(Backend::get(&compressed, "n", b"k").unwrap().unwrap().value, value);
        let (found, _) = CompareAndSwap::get_versioned(&compressed, "n", b"k").unwrap();
        assert_eq!(found.unwrap().value, value);
    }
}

#[test]
fn a_value_larger_than_the_limit_is_stored_as_it_is() {
    let store = store();
    let compressed = Compressed::new(&store).max_size(5000);
    Backend::set(&compressed, "n", b"k", &[b'x'; 5001], None).unwrap();
    assert_eq!(stored(&store).len(), 5002);
    assert!(Backend::get(&compressed, "n", b"k").unwrap().is_some());
    Backend::set(&Compressed::new(&store), "n", b"k", &[b'x'; 5001], None).unwrap();
    assert_eq!(Backend::get(&compressed, "n", b"k").unwrap(), None, "another process has a higher limit");
}

#[test]
fn damaged_and_hostile_values_are_misses_and_can_be_replaced() {
    let store = store();
    let compressed = Compressed::new(&store);
    let value = "a report ".repeat(200).into_bytes();
    Backend::set(&compressed, "n", b"k", &value, None).unwrap();
    let good = stored(&store);
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            Backend::set(&store, "n", b"k", &bad, None).unwrap();
            // A flipped bit in a literal is found out by the checksum of what is stored, not here.
            let found = Backend::get(&compressed, "n", b"k").unwrap();
            assert!(found.is_none_or(|found| found.value.len() == value.len() || bad[0] == PLAIN));
        }
    }
    let bomb = [&[LZ4], &u32::MAX.to_le_bytes()[..], &[0xFF; 100]].concat();
    let claims = [&[LZ4], &(1_u32 << 20).to_le_bytes()[..], &good[5..]].concat();
    let stored_plainly = b"\xF7\x01a value of before".to_vec();
    for bad in
        [vec![], vec![LZ4], vec![LZ4, 1, 0], good[..good.len() - 1].to_vec(), bomb, claims, stored_plainly]
    {
        Backend::set(&store, "n", b"k", &bad, None).unwrap();
        assert_eq!(Backend::get_many(&compressed, "n", &[b"k"]).unwrap(), [None]);
        let looked = Backend::get_or_lease(&compressed, "n", b"k", Duration::from_secs(1).into()).unwrap();
        assert_eq!(looked.found, None);
        let lease = lease_of(&looked);
        assert!(Backend::set_leased(&compressed, "n", b"k", &lease, &value, None).unwrap().is_some());
        assert_eq!(Backend::get(&compressed, "n", b"k").unwrap().unwrap().value, value);
    }
}
