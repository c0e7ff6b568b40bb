//! A page that shows users: each is cached, and one query asks for those that are missing.
//!
//! Run it with `cargo run --example users_of_a_page`.

use std::collections::BTreeMap;

use functools::lru_cache;

/// A table of users. It stands for a database, and prints each query.
struct Table(BTreeMap<u32, &'static str>);

impl Table {
    /// `select id, name from users where id = any($1)`
    fn select(&self, ids: &[u32]) -> BTreeMap<u32, String> {
        println!("  a query for {ids:?}");
        let rows = ids.iter().filter_map(|id| Some((*id, (*self.0.get(id)?).to_owned())));
        rows.collect()
    }
}

#[lru_cache(each = ids, maxsize = 1000, ttl = 60)]
fn users(#[key(skip)] table: &Table, ids: &[u32]) -> BTreeMap<u32, String> {
    table.select(ids)
}

/// Shows the users who wrote the posts of a page. One may have written several.
fn show(table: &Table, page: &str, authors: &[u32]) {
    println!("{page}");
    let users = users(table, authors);
    for author in authors {
        println!("  by {}", users.get(author).map_or("somebody who is gone", |name| name));
    }
}

fn main() {
    let table = Table(BTreeMap::from([(1, "Ada"), (2, "Grace"), (3, "Edsger"), (4, "Barbara")]));
    show(&table, "first page", &[1, 2, 1, 9]);
    show(&table, "second page", &[2, 3, 9]);
    show(&table, "first page again", &[1, 2, 1, 9]);
    println!("Grace changes her name:");
    users::cache_invalidate(2);
    show(&table, "second page again", &[2, 3, 4]);
    println!("{}", users::cache_info());
}
