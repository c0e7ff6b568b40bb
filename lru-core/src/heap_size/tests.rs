use core::cell::RefCell;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{HeapSize, sum};

#[test]
fn capacity_counts_and_not_length() {
    let mut text = String::with_capacity(100);
    text.push('a');
    assert_eq!(text.heap_size(), text.capacity());
    assert_eq!(Vec::<u16>::with_capacity(50).heap_size(), 100);
}

#[test]
fn what_is_owned_indirectly_counts_too() {
    let words = vec!["one".to_owned(), "three".to_owned()];
    let capacity = words.capacity() * size_of::<String>();
    assert_eq!(words.heap_size(), capacity + 8);
    assert_eq!(Box::new(words.clone()).heap_size(), size_of::<Vec<String>>() + words.clone().heap_size());
    assert_eq!(("a".to_owned(), 1, [Some("bc".to_owned()), None]).heap_size(), 3);
    assert_eq!(Ok::<_, String>(vec![0_u8; 7].into_boxed_slice()).heap_size(), 7);
}

#[test]
fn shared_values_count_in_full_and_borrowed_ones_nothing() {
    let shared: Arc<str> = Arc::from("shared");
    assert_eq!((Arc::clone(&shared), Arc::clone(&shared)).heap_size(), 2 * (16 + 6));
    assert_eq!((&"borrowed", Cow::Borrowed("borrowed")).heap_size(), 0);
    assert_eq!(Cow::<str>::Owned("owned".to_owned()).heap_size(), 5);
    assert_eq!(Arc::downgrade(&shared).heap_size(), 0);
}

#[test]
fn a_borrowed_cell_counts_nothing() {
    let cell = RefCell::new("text".to_owned());
    assert_eq!(cell.heap_size(), 4);
    let _borrowed = cell.borrow_mut();
    assert_eq!(cell.heap_size(), 0);
}

#[test]
fn flat_types_are_not_looked_at_one_by_one() {
    struct Loud;
    impl HeapSize for Loud {
        const IS_FLAT: bool = true;
        fn heap_size(&self) -> usize {
            unreachable!("nobody asks")
        }
    }
    assert_eq!(sum(&[Loud, Loud]), 0);
    const {
        assert!(<Option<(u8, [f64; 3])>>::IS_FLAT && !<(u8, String)>::IS_FLAT);
        // A type that contains itself does so behind a pointer.
        assert!(!Option::<Box<u8>>::IS_FLAT);
    }
}

#[test]
fn empty_collections_own_nothing() {
    assert_eq!(HashMap::<u8, String>::new().heap_size(), 0);
    assert_eq!(BTreeMap::<u8, String>::new().heap_size(), 0);
    assert_eq!(Vec::<String>::new().heap_size(), 0);
}
