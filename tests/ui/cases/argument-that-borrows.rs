use functools::lru_cache;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Token<'a>(&'a str);

#[lru_cache]
fn length(token: Token<'_>) -> usize {
    token.0.len()
}

fn main() {
    length(Token("a"));
}
