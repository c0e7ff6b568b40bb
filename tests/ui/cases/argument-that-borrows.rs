use std::rc::Rc;

use functools::lru_cache;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Token<'a>(&'a str);

#[lru_cache]
fn length(token: Token<'_>) -> usize {
    token.0.len()
}

#[lru_cache(scope = thread)]
fn all<'a>(tokens: &[Token<'a>], more: Option<Token<'a>>) -> usize {
    tokens.len() + usize::from(more.is_some())
}

struct Counter;

impl Counter {
    #[lru_cache(typed = true)]
    fn count<'a, T: functools::Argument>(#[key(skip)] &self, token: Token<'a>, _: T) -> usize {
        token.0.len()
    }
}

#[lru_cache(scope = thread)]
fn sum(numbers: Option<Rc<Vec<f64>>>) -> usize {
    numbers.map_or(0, |numbers| numbers.len())
}

fn main() {
    length(Token("a"));
}
