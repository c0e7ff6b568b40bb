//! Two borrowed strings as arguments: how many letters must change to turn one word into another.
//!
//! The recursion passes slices of its arguments. A hit compares the borrowed slices; only a miss
//! makes owned copies. Run it with `cargo run --example edit_distance`.

use functools::lru_cache;

#[lru_cache(maxsize = None)]
fn edit_distance(a: &str, b: &str) -> usize {
    let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else {
        return a.chars().count() + b.chars().count();
    };
    let (a_rest, b_rest) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
    if x == y {
        return edit_distance(a_rest, b_rest);
    }
    let replaced = edit_distance(a_rest, b_rest);
    let removed = edit_distance(a_rest, b);
    let inserted = edit_distance(a, b_rest);
    1 + replaced.min(removed).min(inserted)
}

fn main() {
    println!("{:<34}{:<34}{:>8}{:>12}{:>8}", "from", "to", "changes", "bodies run", "hits");
    for (a, b) in [
        ("kitten", "sitting"),
        ("Samstag", "Sonntag"),
        ("Grüße", "Güte"),
        ("intention", "execution"),
        ("the quick brown fox jumps", "a lazy dog sleeps in the sun"),
    ] {
        edit_distance::cache_clear();
        let changes = edit_distance(a, b);
        let info = edit_distance::cache_info();
        println!("{a:<34}{b:<34}{changes:>8}{:>12}{:>8}", info.misses, info.hits);
    }
    println!("\nWithout the attribute the last line would take longer than anyone cares to wait.");
}
