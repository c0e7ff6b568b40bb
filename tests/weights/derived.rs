//! `#[derive(HeapSize)]`.

use std::collections::HashMap;

use functools::HeapSize;

#[derive(HeapSize)]
struct Named {
    name: String,
    number: u64,
}

#[derive(HeapSize)]
struct Pair<T>(T, Option<T>);

#[derive(HeapSize)]
enum Shape<'a> {
    Empty,
    Text(String, &'a str),
    Points { points: Vec<(f64, f64)> },
}

#[derive(HeapSize)]
struct List {
    next: Option<Box<List>>,
}

#[derive(HeapSize)]
enum Never {}

/// A type of another crate, so to speak.
struct Image(Vec<u8>);

fn bytes_of(image: &Image) -> usize {
    image.0.len()
}

#[derive(HeapSize)]
struct Album {
    #[heap_size(with = |image| image.0.len())]
    cover: Image,
    #[heap_size(with = bytes_of)]
    back: Image,
    title: String,
}

#[test]
fn a_struct_owns_what_its_fields_own() {
    let named = Named { name: "Ann".to_owned(), number: 7 };
    assert_eq!((named.heap_size(), named.number), (3, 7));
    assert_eq!(Pair("a".to_owned(), Some("bc".to_owned())).heap_size(), 3);
    assert_eq!(Pair(1, None).heap_size(), 0);
}

#[test]
fn a_variant_owns_what_its_fields_own() {
    assert_eq!(Shape::Empty.heap_size(), 0);
    assert_eq!(Shape::Text("text".to_owned(), "borrowed").heap_size(), 4);
    assert_eq!(Shape::Points { points: Vec::with_capacity(3) }.heap_size(), 48);
    assert_eq!(None::<Never>.heap_size(), 0);
}

#[test]
fn a_type_may_contain_itself() {
    let list = List { next: Some(Box::new(List { next: Some(Box::new(List { next: None })) })) };
    assert_eq!(list.heap_size(), 2 * size_of::<List>());
}

#[test]
fn a_field_may_have_a_function() {
    let album = Album { cover: Image(vec![0; 100]), back: Image(vec![0; 20]), title: "Abc".to_owned() };
    assert_eq!(album.heap_size(), 123);
    // The function is called for each of several.
    assert_eq!(vec![album].heap_size(), size_of::<Album>() + 123);
}

#[test]
fn the_size_of_a_hash_table_is_that_of_its_memory() {
    for len in [1, 3, 4, 7, 8, 14, 15, 100, 1000] {
        let mut table = HashMap::new();
        let measured = allocation_counter::measure(|| {
            table.extend((0..len).map(|n: u32| (n, u64::from(n))));
        });
        let measured = usize::try_from(measured.bytes_current).unwrap();
        // The bytes before the buckets are aligned.
        assert!(table.heap_size().abs_diff(measured) <= 16, "{len}: {} {measured}", table.heap_size());
    }
}
