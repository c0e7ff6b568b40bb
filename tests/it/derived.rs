//! `#[derive(Argument)]` on users' own types.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use functools::{Argument, LruCache, lru_cache};

use crate::support::tally;

#[derive(Clone, Debug, Argument)]
struct Point {
    x: f64,
    y: f64,
}

/// Has `Hash` and `Eq`, but not `Argument`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Color {
    Red,
    Blue,
}

#[derive(Clone, Debug, Argument)]
enum Shape {
    Nothing,
    Circle(Point, f32),
    Square { corner: Point, side: f64, color: Color },
    Many(Vec<Point>, BTreeMap<u8, Color>),
}

const NAN: Point = Point { x: f64::NAN, y: 0.0 };

#[test]
fn a_struct_compares_floats_by_their_bits() {
    #[lru_cache]
    fn sum(point: Point) -> f64 {
        point.x + point.y
    }
    assert_eq!((sum(Point { x: 1.0, y: 2.0 }), sum(Point { x: 1.0, y: 2.0 })), (3.0, 3.0));
    assert!(sum(NAN).is_nan() && sum(NAN).is_nan());
    (sum(Point { x: 0.0, y: 0.0 }), sum(Point { x: -0.0, y: 0.0 }));
    assert_eq!(tally(sum::cache_info()), (2, 4, 4));
}

#[test]
fn behind_references_and_inside_others() {
    #[lru_cache]
    fn count(points: &[Point], one: Option<&Point>, more: (&Point, u8)) -> usize {
        points.len() + usize::from(one.is_some()) + usize::from(more.1)
    }
    let points = [NAN, Point { x: 1.0, y: 2.0 }];
    assert_eq!(count(&points, points.first(), (&NAN, 1)), 4);
    assert_eq!(count(&points.clone(), Some(&NAN), (&points[0], 1)), 4);
    assert_eq!(count(&points, None, (&points[0], 1)), 3);
    assert_eq!(tally(count::cache_info()), (1, 2, 2));
}

#[test]
fn an_enum_tells_its_variants_apart() {
    #[lru_cache]
    fn name(shape: &Shape) -> String {
        format!("{shape:?}")
    }
    let point = Point { x: 1.0, y: 2.0 };
    let shapes = [
        Shape::Nothing,
        Shape::Circle(point.clone(), 1.0),
        Shape::Circle(point.clone(), 2.0),
        Shape::Square { corner: point.clone(), side: 1.0, color: Color::Red },
        Shape::Square { corner: point.clone(), side: 1.0, color: Color::Blue },
        Shape::Many(vec![point.clone()], BTreeMap::new()),
        Shape::Many(vec![point], BTreeMap::from([(1, Color::Red)])),
    ];
    for _ in 0..2 {
        for shape in &shapes {
            assert_eq!(name(&shape.clone()), format!("{shape:?}"));
        }
    }
    assert_eq!(tally(name::cache_info()), (7, 7, 7));
}

#[test]
fn generic_types_and_types_without_fields() {
    #[derive(Clone, Argument)]
    struct Pair<T, U: Clone>(T, U)
    where
        T: Clone;

    #[derive(Clone, Argument)]
    struct Unit;

    #[derive(Clone, Argument)]
    struct Tagged<const N: usize>([f64; N], PhantomData<Unit2>);

    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Unit2;

    #[lru_cache]
    fn f(pair: Pair<f64, &'static str>, unit: Unit, tagged: Tagged<2>) -> f64 {
        let (Pair(x, _), Unit) = (pair, unit);
        x + tagged.0[1]
    }
    assert_eq!(f(Pair(1.0, "a"), Unit, Tagged([1.0, 2.0], PhantomData)), 3.0);
    assert_eq!(f(Pair(1.0, "a"), Unit, Tagged([1.0, 2.0], PhantomData)), 3.0);
    assert_eq!(f(Pair(1.0, "b"), Unit, Tagged([1.0, 2.0], PhantomData)), 3.0);
    assert_eq!(tally(f::cache_info()), (1, 2, 2));

    #[lru_cache(typed = false)]
    fn g<T: Argument>(_x: T) -> u8 {
        0
    }
    (g(Pair(1_u8, 2.0)), g(Pair(1_u8, 2.0)), g(Pair(1_u16, 2.0)), g(Unit));
    assert_eq!(tally(g::cache_info()), (1, 3, 3));
}

#[test]
fn what_borrows_is_stored_by_its_fields() {
    #[derive(Argument)]
    enum Query<'a, T> {
        All,
        Named(&'a str),
        Near { point: &'a Point, tags: &'a [T] },
    }

    #[derive(Argument)]
    struct Page<'a> {
        query: Query<'a, u8>,
        number: Option<u32>,
    }

    #[lru_cache]
    fn find(page: Page<'_>) -> usize {
        let extra = page.number.map_or(0, |number| number as usize);
        extra
            + match page.query {
                Query::All => 0,
                Query::Named(name) => name.len(),
                Query::Near { tags, point } => tags.len() + usize::from(point.x > 0.0),
            }
    }
    for _ in 0..2 {
        let (point, name) = (Point { x: 7.0, y: 0.0 }, String::from("name"));
        let near = |tags| Query::Near { point: &point, tags };
        assert_eq!(find(Page { query: Query::All, number: None }), 0);
        assert_eq!(find(Page { query: Query::Named(&name), number: Some(1) }), 5);
        assert_eq!(find(Page { query: near(&[1, 2]), number: None }), 3);
        assert_eq!(find(Page { query: near(&[1, 2, 3]), number: None }), 4);
    }
    assert_eq!(tally(find::cache_info()), (4, 4, 4));
}

#[test]
fn an_object_keeps_it_as_it_is() {
    #[lru_cache(cache = seen)]
    fn norm(point: &Point, seen: &LruCache<Point, f64>) -> f64 {
        point.x.hypot(point.y)
    }
    let seen = LruCache::new(Some(4));
    assert_eq!(norm(&Point { x: 3.0, y: 4.0 }, &seen), 5.0);
    assert_eq!(norm(&Point { x: 3.0, y: 4.0 }, &seen), 5.0);
    assert_eq!(tally(norm::cache_info(&seen)), (1, 1, 1));
}

#[test]
fn a_renamed_crate() {
    mod inner {
        pub(super) use functools as memo;
    }
    #[derive(Clone, Argument)]
    #[argument(crate = inner::memo)]
    struct Renamed(f32);

    #[lru_cache]
    fn half(renamed: Renamed) -> f32 {
        renamed.0 / 2.0
    }
    assert_eq!((half(Renamed(4.0)), half(Renamed(4.0))), (2.0, 2.0));
    assert_eq!(half::cache_info().hits, 1);
}
