//! Tests of tags, domains, nodes, frames and invalidations, each in a domain of its own.

mod cache;
mod computations;
mod graph;
mod invalidations;

use core::num::NonZeroU32;
use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

use crate::function::tagged::invalidation::invalidate;
use crate::tags::current::{Beginning, DomainHandle};
use crate::tags::domain::{Generation, InvalidationCounts};
use crate::tags::frame::Computed;
use crate::tags::invalidate::invalidate_all;
use crate::tags::node::Node;
use crate::tags::tag::{Tag, TagId, tag};

/// Runs a test in a domain of its own.
fn in_own_domain<R>(test: impl FnOnce(&DomainHandle) -> R) -> R {
    let domain = DomainHandle::isolated();
    let _entered = domain.enter();
    test(&domain)
}

/// The node of a result with tags, which begins now.
fn node_of(tags: &[Tag]) -> Arc<Node> {
    Computed::at(Beginning::now()).into_node(tags.iter().map(|&tag| tag.into()))
}

#[test]
#[expect(clippy::needless_borrows_for_generic_args, reason = "it is the test")]
fn integers_are_equal_by_value() {
    let seven = tag("team", 7);
    for same in [
        tag("team", 7_u8),
        tag("team", 7_u16),
        tag("team", 7_u32),
        tag("team", 7_u64),
        tag("team", 7_u128),
        tag("team", 7_usize),
        tag("team", 7_i8),
        tag("team", 7_i16),
        tag("team", 7_i64),
        tag("team", 7_i128),
        tag("team", 7_isize),
        tag("team", &7_u32),
        tag("team", &&7_u64),
        tag("team", Box::new(7)),
        tag("team", NonZeroU32::new(7).expect("it is not zero")),
    ] {
        assert_eq!(same, seven);
    }
    assert_eq!(tag("team", -1_i8), tag("team", -1_i64));
    assert_eq!(tag("team", u64::MAX), tag("team", u128::from(u64::MAX)));
    assert_ne!(tag("team", -1), tag("team", u32::MAX));
    assert_ne!(tag("team", u64::MAX), tag("team", u128::MAX >> 1));
    assert_ne!(seven, tag("user", 7));
    assert_ne!(seven, tag("team", 8));
}

#[test]
fn text_and_tuples_are_equal_by_content() {
    let name = String::from("Ada");
    for same in [
        tag("user", &name),
        tag("user", name.clone()),
        tag("user", &*name),
        tag("user", std::borrow::Cow::from("Ada")),
        tag("user", Arc::<str>::from("Ada")),
    ] {
        assert_eq!(same, tag("user", "Ada"));
    }
    assert_eq!(tag("seat", (7_u8, "a")), tag("seat", (7_u64, String::from("a"))));
    assert_eq!(tag("seat", (7_usize, "1234567")), tag("seat", (7_u32, "1234567")));
    assert_eq!(tag("seat", Some((1_u8, -1_i8))), tag("seat", Some((1_i64, -1_i32))));
    assert_ne!(tag("seat", (7, "a")), tag("seat", ("a", 7)));
    assert_ne!(tag("seat", ("a", "bc")), tag("seat", ("ab", "c")));
    assert_ne!(tag("ab", "c"), tag("a", "bc"));
    assert_ne!(tag("text", "12345678"), tag("text", "1234567"));
    assert_ne!(tag("text", ""), tag("text", ()));
    assert_ne!(tag("option", None::<u8>), tag("option", Some(0)));
}

#[test]
fn slices_of_integers_are_equal_by_value() {
    let narrow: &[u8] = &[1, 2, 200];
    assert_eq!(tag("path", narrow), tag("path", [1_u64, 2, 200]));
    assert_eq!(tag("path", narrow), tag("path", vec![1_i16, 2, 200]));
    assert_eq!(tag("path", [-1_i8, -2]), tag("path", [-1_i64, -2]));
    assert_eq!(tag("path", [1000_u16]), tag("path", [1000_i128]));
    assert_eq!(tag("path", (1, [1_u32, 2])), tag("path", (1_u8, [1_u64, 2])));
    assert_ne!(tag("path", [1, 2]), tag("path", [2, 1]));
    assert_ne!(tag("path", [1, 2]), tag("path", [1, 2, 0]));
    assert_ne!(tag("path", [258_u32]), tag("path", [2_u32]));
    // They are invalidated together, as documented.
    assert_eq!(tag("path", [0_u8, 1]), tag("path", [1_u8, 0]));
    assert_ne!(tag("address", Ipv4Addr::new(10, 0, 0, 1)), tag("address", Ipv4Addr::new(10, 0, 0, 2)));
}

#[test]
fn any_type_with_a_hash_can_be_a_value() {
    #[derive(Hash)]
    struct UserId(u32);
    #[derive(Hash)]
    enum Kind {
        Any,
        Named { name: &'static str, id: UserId },
    }
    assert_eq!(tag("user", UserId(7)), tag("user", 7));
    let named = |id| tag("kind", Kind::Named { name: "a", id: UserId(id) });
    assert_eq!(named(1), named(1));
    assert_ne!(named(1), named(2));
    assert_ne!(named(1), tag("kind", Kind::Any));
    assert_eq!(tag("flag", true), tag("flag", 1));
    assert_ne!(tag("flag", true), tag("flag", false));
    assert_eq!(tag("letter", 'é'), tag("letter", 'é'));
    assert_eq!((tag("user", 7).name(), TagId::from(tag("user", 7))), ("user", tag("user", 7).into()));
}

#[test]
fn hashes_never_change() {
    for (made, hash) in [
        (tag("", ()), 0x5a11_da89_c54d_0c57_6ff3_6e66_2ef7_2e99),
        (tag("user", 7), 0x6ea5_d459_c16f_72ac_5dc0_fac5_6ac5_d213),
        (tag("user", -7), 0xc796_6d44_30ac_65de_7b41_e260_720e_e651),
        (tag("user", u64::MAX), 0x550e_64c9_3404_d0e6_5482_a645_8eea_0ae7),
        (tag("user", "Ada"), 0xe1c2_4e1b_9a9c_11f4_3730_f5d2_6eee_b77d),
        (tag("seat", (7, "a")), 0x57db_0199_3be9_fbb8_3329_e58b_02ec_e34a),
        (tag("text", "longer than two words"), 0xe3e2_6bf7_4e79_60bf_2b93_bffa_6845_c732),
    ] {
        assert_eq!(made.hash128(), hash, "{made:?}: 0x{:032x}", made.hash128());
    }
}

#[test]
fn hashes_of_many_tags_differ() {
    let numbers = (0..50_000).map(|number| tag("user", number));
    let texts = (0..50_000).map(|number| tag("user", number.to_string()));
    let pairs = (0..50_000).map(|number| tag("user", (number % 224, number / 224)));
    let tags: Vec<_> = numbers.chain(texts).chain(pairs).collect();
    let halves = |shift: u32| tags.iter().map(move |tag| (tag.hash128() >> shift) % (1 << 64));
    for shift in [0, 64] {
        assert_eq!(halves(shift).collect::<HashSet<_>>().len(), tags.len());
    }
    // No bucket has much more than its share.
    let mut buckets = vec![0_u32; 4096];
    for tag in &tags {
        buckets[usize::try_from(tag.hash128() % 4096).expect("it is small")] += 1;
    }
    assert!(buckets.iter().all(|&count| count < 80), "{:?}", buckets.iter().max());
}

#[test]
fn an_invalidation_is_later_than_what_began_before_it() {
    in_own_domain(|domain| {
        let (one, other) = (TagId::from(tag("source", 1)), TagId::from(tag("source", 2)));
        let before = domain.now();
        assert!(before.covers(DomainHandle::current().now()));
        invalidate(tag("source", 1));
        let after = domain.now();
        assert!(
            after > before
                && !before.covers(DomainHandle::current().now())
                && after.covers(DomainHandle::current().now())
        );
        assert!(domain.is_invalidated(one, before) && !domain.is_invalidated(one, after));
        assert!(!domain.is_invalidated(other, before));
        invalidate_all(&[one, other]);
        assert!(domain.is_invalidated(one, after) && domain.is_invalidated(other, after));
        invalidate_all(&[]);
        assert_eq!(domain.counts(), InvalidationCounts { invalidated: 3, forgotten: 0 });
    });
}

#[test]
fn a_forgotten_tag_counts_as_invalidated_when_the_last_one_was_forgotten() {
    in_own_domain(|domain| {
        assert!(domain.set_capacity(1));
        let tags: Vec<_> = (0..5).map(|number| TagId::from(tag("source", number))).collect();
        let mut generations = vec![domain.now()];
        for &tag in &tags[..4] {
            domain.invalidate(&[tag]);
            generations.push(domain.now());
        }
        assert_eq!(domain.counts(), InvalidationCounts { invalidated: 4, forgotten: 1 });
        // The first tag is forgotten, and the last one was never invalidated.
        for forgotten in [tags[0], tags[4]] {
            assert!(domain.is_invalidated(forgotten, generations[0]));
            assert!(!domain.is_invalidated(forgotten, generations[1]));
        }
        for (tag, generations) in tags[1..4].iter().zip(generations[1..].windows(2)) {
            assert!(domain.is_invalidated(*tag, generations[0]));
            assert!(!domain.is_invalidated(*tag, generations[1]));
        }
        // The one invalidated again stays; the next to be forgotten is the third one.
        domain.invalidate(&[tags[1]]);
        domain.invalidate(&[tags[4]]);
        assert!(!domain.is_invalidated(tags[0], generations[3]));
        assert!(domain.is_invalidated(tags[0], generations[2]));
    });
}

#[test]
fn the_capacity_is_set_before_the_first_invalidation() {
    in_own_domain(|domain| {
        assert!(domain.set_capacity(0) && domain.set_capacity(usize::MAX) && domain.set_capacity(100));
        invalidate(tag("source", 1));
        assert!(!domain.set_capacity(1));
    });
}

#[test]
fn domains_are_independent() {
    let (one, other) = (DomainHandle::isolated(), DomainHandle::isolated());
    let in_one = one.enter();
    let node = node_of(&[tag("source", 1)]);
    {
        let _in_other = other.enter();
        let of_other = node_of(&[]);
        assert!(!node.valid_at().covers(DomainHandle::current().now()), "it belongs to another domain");
        let _in_one = one.enter();
        assert!(!of_other.valid_at().covers(DomainHandle::current().now()), "so does this");
    }
    {
        let _in_other = other.enter();
        invalidate(tag("source", 1));
        assert!(node.check().is_some());
    }
    invalidate(tag("source", 1));
    assert!(node.check().is_none());
    drop(in_one);
    assert!(!DomainHandle::current().is(&one));
    // It keeps its domain.
    drop((one, other));
    assert!(node.check().is_none());
}

#[test]
fn readers_without_the_lock_find_no_generation_that_is_too_early() {
    const TAGS: usize = 8;
    const INVALIDATIONS: u64 = 30_000;
    let domain = &DomainHandle::isolated();
    assert!(domain.set_capacity(1));
    let tags: Vec<TagId> = (0..TAGS).map(|number| tag("source", number).into()).collect();
    // How often each tag was invalidated, once that has returned, and when it was last.
    let last: Vec<_> = tags.iter().map(|_| parking_lot::Mutex::new(Generation::NEVER)).collect();
    let (is_done, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut number = 0;
                while !is_done.load(SeqCst) {
                    number = (number + 5) % TAGS;
                    let last = *last[number].lock();
                    // At the generation before it, it was invalidated.
                    if last != Generation::NEVER {
                        assert!(domain.is_invalidated(tags[number], last), "tag {number}");
                        reads.fetch_add(1, SeqCst);
                    }
                }
            });
        }
        let writers = [3, 7].map(|step| {
            let (tags, last) = (&tags, &last);
            scope.spawn(move || {
                for round in 0..INVALIDATIONS {
                    let number = usize::try_from(round * step).expect("it is small") % TAGS;
                    let before = domain.now();
                    domain.invalidate(&[tags[number]]);
                    let mut last = last[number].lock();
                    *last = before.max(*last);
                }
            })
        });
        for writer in writers {
            writer.join().expect("no panic");
        }
        is_done.store(true, SeqCst);
    });
    assert!(reads.load(SeqCst) > 0);
    assert_eq!(domain.counts().invalidated, 2 * INVALIDATIONS);
}
