//! `#[derive(Argument)]` for types that borrow others of their kind.

use std::borrow::Cow;

use functools::{Argument, lru_cache};

use crate::support::counts;

#[derive(Argument)]
enum Expr<'a> {
    Num(f64),
    Name(&'a str),
    Text(Cow<'a, str>),
    Add(&'a Expr<'a>, &'a Expr<'a>),
    Neg { inner: Box<Self> },
    Call(&'a Call<'a>),
    Many(Vec<Expr<'a>>),
    Nothing,
}

#[derive(Argument)]
struct Call<'a> {
    argument: Option<&'a Expr<'a>>,
    arity: u8,
}

#[derive(Argument)]
struct List<'a, T, const N: usize>
where
    T: Copy + 'a,
{
    head: [T; N],
    tail: Option<&'a List<'a, T, N>>,
}

/// Without recursion, and with a parameter that borrows.
#[derive(Argument)]
struct Pair<'a, T> {
    one: Point<'a>,
    other: T,
}

#[derive(Argument)]
struct Point<'a> {
    x: &'a f64,
}

#[lru_cache]
fn eval(expr: &Expr<'_>) -> f64 {
    match expr {
        Expr::Num(number) => *number,
        Expr::Name(name) => 10.0 * eval(&Expr::Num(name.parse().unwrap_or(0.5))),
        Expr::Text(text) => text.parse().unwrap_or(0.5),
        Expr::Add(one, other) => eval(one) + eval(other),
        Expr::Neg { inner } => -eval(inner),
        Expr::Call(call) => call.argument.map_or(0.0, eval) * f64::from(call.arity),
        Expr::Many(all) => all.iter().map(eval).sum(),
        Expr::Nothing => 0.0,
    }
}

#[test]
fn trees_are_arguments() {
    let one = Expr::Num(1.0);
    let sum = Expr::Add(&one, &one);
    let call = Call { argument: Some(&sum), arity: 3 };
    let all =
        || Expr::Many(vec![Expr::Call(&call), Expr::Neg { inner: Box::new(Expr::Num(1.0)) }, Expr::Nothing]);
    assert_eq!((eval(&all()), eval(&all())), (5.0, 5.0));
    let (hits, misses, _) = counts(eval::cache_info());
    assert_eq!((hits, misses), (3, 6));
    assert_eq!((eval(&Expr::Name("2")), eval(&Expr::Text("2".into()))), (20.0, 2.0));
    let other = Call { argument: None, arity: 3 };
    assert_eq!(eval(&Expr::Call(&other)), 0.0);
    assert_eq!(eval(&Expr::Add(&Expr::Num(1.0), &Expr::Num(1.0))), 2.0);
    assert_eq!(eval::cache_info().misses, 10);
}

#[test]
fn recursive_types_may_have_parameters() {
    #[lru_cache(typed = true)]
    fn total<T: Copy + Into<f64> + Argument + 'static>(list: &List<'_, T, 2>) -> f64 {
        list.head.iter().map(|&number| number.into()).sum::<f64>() + list.tail.map_or(0.0, total)
    }
    let last = List { head: [1.5_f32, 2.0], tail: None };
    let first = List { head: [1.0, 2.0], tail: Some(&last) };
    assert_eq!((total(&first), total(&first), total(&last)), (6.5, 6.5, 3.5));
    assert_eq!(counts(total::cache_info()), (2, 2, 2));
}

#[test]
fn parameters_may_still_borrow() {
    #[lru_cache]
    fn sum(pair: &Pair<'_, &str>) -> f64 {
        pair.one.x + pair.other.len() as f64
    }
    let text = "ab".to_owned();
    let pair = Pair { one: Point { x: &1.0 }, other: &*text };
    assert_eq!((sum(&pair), sum(&pair)), (3.0, 3.0));
}
