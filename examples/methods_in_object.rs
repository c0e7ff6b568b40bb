//! Methods that store their results in the object: one cache per object, dropped with it.
//!
//! Run it with `cargo run --example methods_in_object`.

use std::sync::Arc;

use functools::{LruCache, lru_cache};

/// A text and a cache of word positions. It needs neither `Hash` nor `Eq` nor `Clone`.
struct Book {
    text: String,
    found: LruCache<String, Arc<Vec<usize>>>,
}

impl Book {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), found: LruCache::new(Some(2)) }
    }

    /// The positions of a word, counted in words.
    #[lru_cache(cache = self.found)]
    fn places(&self, word: &str) -> Arc<Vec<usize>> {
        println!("  looking for {word:?}");
        let words = self.text.split_whitespace().enumerate();
        Arc::new(words.filter(|(_, found)| *found == word).map(|(place, _)| place).collect())
    }
}

fn main() {
    let hamlet = Book::new("to be or not to be that is the question");
    let duck = Book::new("to be a duck is to be wet");

    let be = hamlet.places("be");
    println!("be: {be:?}");
    println!("be: {:?} again", hamlet.places("be"));
    println!("be: {:?} in the other book", duck.places("be"));
    hamlet.places("to");
    hamlet.places("or"); // two entries at most: "be" is evicted
    println!("is \"be\" cached? {}", hamlet.places_cache_contains("be"));

    println!("hamlet: {}", hamlet.places_cache_info());
    println!("duck:   {}", duck.places_cache_info());
    println!("owners of the list of \"to\": {}", Arc::strong_count(&hamlet.places("to")));
    let to = hamlet.places("to");
    drop(hamlet);
    println!("and without the book: {}", Arc::strong_count(&to));
}
