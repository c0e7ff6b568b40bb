//! Tests of the header of tags.

use super::*;
use crate::tags::tag::TagId;

const PLACE: (&str, &[u8]) = ("users", b"7");

fn noted(count: u64) -> Vec<Noted> {
    (1..=count).map(|number| Noted { tag: TagId::of_number(number), nonce: TagNonce::fresh() }).collect()
}

#[test]
fn tags_are_read_back_and_named_for_backends() {
    for count in [0, 1, 3, 64] {
        let (noted, envelope) = (noted(count), b"\xF7\x03\x01\x00sum!the rest");
        let bytes = with_header(&noted, envelope, PLACE).expect("not too many");
        assert_eq!(without_header(&bytes, PLACE), Some((noted.clone(), &envelope[..])));
        let tags: Vec<_> = noted.iter().map(|noted| TagKey::from(noted.tag)).collect();
        assert_eq!(tags_in(&bytes).collect::<Vec<_>>(), tags);
    }
    assert_eq!(with_header(&noted(65), b"", PLACE), None);
}

#[test]
fn a_damaged_or_moved_header_is_none() {
    let bytes = with_header(&noted(2), b"\xF7\x03\x01\x00sum!the rest", PLACE).expect("not too many");
    for at in 0..8 + 2 * 24 + 8 {
        // What is before the checksum of the envelope is checked by that.
        if (56..60).contains(&at) {
            continue;
        }
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert_eq!(without_header(&damaged, PLACE), None, "{at}");
    }
    for length in 0..64 {
        assert_eq!(without_header(&bytes[..length], PLACE), None, "{length}");
    }
    assert_eq!(without_header(&bytes, ("users", b"8")), None);
    assert_eq!(without_header(&bytes, ("user", b"s7")), None);
    assert_eq!(tags_in(b"\xF7\x03\x01\x00").count(), 0);
    assert_eq!(tags_in(&bytes[..40]).count(), 0);
}

#[test]
fn a_nonce_is_never_used_twice() {
    let all: std::collections::HashSet<_> = (0..1000).map(|_| TagNonce::fresh()).collect();
    assert_eq!(all.len(), 1000);
}
