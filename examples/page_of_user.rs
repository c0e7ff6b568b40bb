//! A page that is made of a user and their team, and computed again when one of them has changed, and only then.
//!
//! `tags` says by which names a result is invalidated, `depends = true` that it goes with what it was computed from, and
//! `#[invalidates(…)]` what a function that makes a change invalidates.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use functools::{depends_on, invalidate, invalidates, lru_cache, tag};

#[derive(Clone)]
struct User {
    name: String,
    team: u32,
}

/// A database.
#[derive(Default)]
struct Tables {
    users: BTreeMap<u32, User>,
    teams: BTreeMap<u32, String>,
    layout: &'static str,
}

fn tables() -> MutexGuard<'static, Tables> {
    static TABLES: LazyLock<Mutex<Tables>> = LazyLock::new(Mutex::default);
    TABLES.lock().unwrap_or_else(PoisonError::into_inner)
}

// A user is named by the arguments and, by the result, as a member of a team.
#[lru_cache(tags = |_, user| [tag("members of", user.as_ref().map(|user| user.team))])]
fn user(id: u32) -> Option<User> {
    println!("    reads user {id}");
    tables().users.get(&id).cloned()
}

#[lru_cache(tags = |id| [tag("team", id)])]
fn team(id: u32) -> String {
    println!("    reads team {id}");
    tables().teams.get(&id).cloned().unwrap_or_default()
}

#[lru_cache(depends = true)]
fn page(id: u32) -> String {
    println!("    makes the page of user {id}");
    // What is read without a memoized function is named.
    depends_on(tag("layout", ()));
    let Some(User { name, team: of }) = user(id) else { return format!("there is no user {id}") };
    let team = team(of);
    tables().layout.replace("{name}", &name).replace("{team}", &team)
}

#[invalidates(user(id))]
fn rename(id: u32, name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a user has a name".to_owned());
    }
    let mut tables = tables();
    let user = tables.users.get_mut(&id).ok_or_else(|| format!("there is no user {id}"))?;
    name.clone_into(&mut user.name);
    Ok(())
}

#[invalidates(tag("team", id))]
fn rename_team(id: u32, name: &str) {
    tables().teams.insert(id, name.to_owned());
}

// All members are read again, and no user of another team.
#[invalidates(tag("members of", Some(from)), tag("members of", Some(to)))]
fn merge_teams(from: u32, to: u32) {
    tables().users.values_mut().filter(|user| user.team == from).for_each(|user| user.team = to);
}

fn show(change: &str) {
    println!("{change}");
    for id in 1..=3 {
        println!("  {}", page(id));
    }
}

fn main() {
    {
        let mut tables = tables();
        tables.layout = "{name} of the {team}";
        tables.teams = [(1, "builders"), (2, "testers")].map(|(id, name)| (id, name.to_owned())).into();
        let users = [(1, "Ada", 1), (2, "Grace", 2), (3, "Alan", 1)];
        tables.users = users.map(|(id, name, team)| (id, User { name: name.to_owned(), team })).into();
    }
    show("at first all is computed");
    show("then nothing is");
    rename(1, "Ada Lovelace").expect("the user is there");
    show("a user is renamed: one page");
    println!("a change that fails: {}", rename(1, "").expect_err("it fails"));
    show("invalidates nothing");
    rename_team(1, "makers");
    show("a team is renamed: the pages of its members, who are not read again");
    merge_teams(2, 1);
    show("a team is merged into another one: its users are in the other team");
    tables().layout = "{team}: {name}";
    invalidate(tag("layout", ()));
    show("the layout is changed: all pages, and nothing that they are made of");
    println!("page: {}", page::cache_info());
}
